"""The user: plans calls of an API, words them as a request, and replies to the assistant's questions."""

from pathlib import Path
from typing import Any

from tasks.values import load_words

PHRASES: dict[str, Any] = load_words(Path(__file__).with_name("phrases.yaml"))
"""Its phrase bank."""
