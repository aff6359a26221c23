"""Near-duplicates among texts: pairs whose Jaccard similarity of 3-word shingles reaches a threshold.

MinHash (Broder 1997; the library `rensa`) finds which texts to compare, and their shingles themselves decide.
"""

import re
from collections.abc import Iterable

from rensa import RMinHash, RMinHashLSH

from tasks.values.folding import fold_text

_BANDS, _ROWS = 20, 4
"""Two texts are compared if all hashes of any band are alike: at a similarity of 0.8 all but 3 pairs in 100,000 are."""

_SEED = 1

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


class SimilarTexts:
    """Finds, among some of a list of texts, the earliest that is at least as alike to another as the threshold.

    Texts go by their place in the list; those that were added can be found.
    """

    def __init__(self, texts: Iterable[str], threshold: float) -> None:
        self._texts = list(texts)
        self._threshold = threshold
        self._index = RMinHashLSH(threshold, _BANDS * _ROWS, _BANDS)

    def __len__(self) -> int:
        return len(self._texts)

    def add(self, place: int) -> None:
        """Let a text be found."""
        self._index.insert(place, _hash_shingles(make_shingles(self._texts[place])))

    def find(self, place: int) -> int | None:
        """The lowest place among those added whose text is alike; None if there is none."""
        shingles = make_shingles(self._texts[place])
        candidates: list[int] = self._index.query(_hash_shingles(shingles))
        for candidate in sorted(candidates):
            if measure_jaccard(shingles, make_shingles(self._texts[candidate])) >= self._threshold:
                return candidate
        return None


def find_near_duplicates(texts: Iterable[str], threshold: float = 0.8) -> dict[int, int]:
    """Which texts are nearly the same as an earlier one that is kept: index -> that one's index.

    The first of a group is kept. `threshold` is the Jaccard similarity of 3-word shingles, above 0 and up to 1, from
    which on two texts are duplicates.
    """
    kept = SimilarTexts(texts, threshold)
    duplicates: dict[int, int] = {}
    for place in range(len(kept)):
        earlier = kept.find(place)
        if earlier is None:
            kept.add(place)
        else:
            duplicates[place] = earlier
    return duplicates


def _hash_shingles(shingles: frozenset[str]) -> RMinHash:
    hashed = RMinHash(_BANDS * _ROWS, _SEED)
    hashed.update(list(shingles))
    return hashed
