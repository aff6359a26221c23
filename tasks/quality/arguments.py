"""Whether the arguments of a call can be traced to what the episode had said before it."""

import re
from typing import Any

from tasks.quality.corpus import Corpus
from tasks.quality.grounding import is_number_grounded, is_value_grounded
from tasks.quality.response_claims import find_ungrounded_claims
from tasks.values.folding import STOP_WORDS, fold_words

LONG_TEXT = 8
"""Words from which on a string is a text that the assistant wrote, judged by what it is made of."""

_TEXT_SHARE = 0.6
_PARTS = re.compile(r"\s*[,;|&+/]\s*|\s+and\s+")


def is_argument_grounded(value: Any, corpus: Corpus) -> bool:
    """Whether one string or number can be traced to the corpus.

    A string may also be a list whose parts were all said, words of one message in another order, or a text of eight
    words or more whose every number, name and code, and most of whose words, were said.
    """
    if not isinstance(value, str):
        return is_number_grounded(value, corpus)
    return is_value_grounded(value, corpus) or _are_parts_grounded(value, corpus) or _is_composed(value, corpus)


def _are_parts_grounded(text: str, corpus: Corpus) -> bool:
    parts = [part for part in _PARTS.split(text) if part.strip()]
    if len(parts) > 1 and "://" not in text and all(is_value_grounded(part, corpus) for part in parts):
        return True
    content = set(fold_words(text)) - STOP_WORDS
    return len(content) > 1 and " " in text.strip() and corpus.holds_all_words(content, by_user=True)


def _is_composed(text: str, corpus: Corpus) -> bool:
    if len(text.split()) < LONG_TEXT:
        return False
    content = set(fold_words(text)) - STOP_WORDS
    known = sum(corpus.holds_word(word) for word in content)
    return known >= _TEXT_SHARE * len(content) and not find_ungrounded_claims(text, corpus)
