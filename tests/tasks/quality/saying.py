"""Corpora of what was said, or came in an answer, to trace values in."""

from typing import Any

from tasks.quality.corpus import Corpus


def hear(*said: str) -> Corpus:
    """What these texts said."""
    corpus = Corpus()
    for text in said:
        corpus.add_text(text)
    return corpus


def receive(*bodies: Any) -> Corpus:
    """What these answers held."""
    corpus = Corpus()
    for body in bodies:
        corpus.add_json(body)
    return corpus
