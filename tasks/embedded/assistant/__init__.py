"""The assistant: reads the chat so far and takes the next step, be it a call, a question or the response."""

from pathlib import Path
from typing import Any

from tasks.values import load_words

PHRASES: dict[str, Any] = load_words(Path(__file__).with_name("phrases.yaml"))
"""Its phrase bank."""
