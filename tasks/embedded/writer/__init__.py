"""The writer: invents an API's documentation from what it knows of its category, and specifies it in OpenAPI."""

from pathlib import Path
from typing import Any

from tasks.values import load_words

PHRASES: dict[str, Any] = load_words(Path(__file__).with_name("phrases.yaml"))
"""Its phrase bank."""
