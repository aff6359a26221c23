"""Texts as sets of 3-word shingles, and how alike two of them are."""

import re

from tasks.quality.folding import fold_text

SIZE = 3
_WORD = re.compile(r"[^\W_]+")


def make_shingles(text: str) -> frozenset[str]:
    """The runs of three words of a text, folded; a text of fewer words is one shingle of what it has."""
    words = _WORD.findall(fold_text(text))
    return frozenset(" ".join(words[i : i + SIZE]) for i in range(max(1, len(words) - SIZE + 1)))


def measure_jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of shingles that both have among those that either has, 0 to 1."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)
