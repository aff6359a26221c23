"""Near-duplicates among texts: MinHash LSH proposes, the exact Jaccard similarity of 3-word shingles decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tasks.quality.shingles import make_shingles, measure_jaccard

# Imported where it is used: it brings SciPy, a second and 40 MiB that the rule checks beside this module do not need.
if TYPE_CHECKING:
    from datasketch import MinHash

NUM_PERM = 128
_MISS = 1e-5
"""Highest chance that LSH overlooks a pair that is exactly as alike as the threshold."""


def choose_bands(threshold: float, num_perm: int = NUM_PERM) -> tuple[int, int]:
    """Bands and rows of an LSH index that overlooks a pair at the threshold with a chance of at most 1e-5.

    A pair of similarity s shares a band with chance 1 - (1 - s**rows)**bands (Leskovec, Rajaraman, Ullman: Mining of
    Massive Datasets, 3.4.2). More rows mean fewer false candidates, so the most rows that keep the promise are taken.
    """
    for rows in range(num_perm, 1, -1):
        bands = num_perm // rows
        if (1 - threshold**rows) ** bands <= _MISS:
            return bands, rows
    return num_perm, 1


class SimilarTexts:
    """An index of texts that finds the earliest one at least as alike as the threshold."""

    def __init__(self, threshold: float) -> None:
        from datasketch import MinHashLSH

        self._threshold = threshold
        self._lsh = MinHashLSH(num_perm=NUM_PERM, params=choose_bands(threshold))
        self._shingles: dict[int, frozenset[str]] = {}

    def add(self, index: int, shingles: frozenset[str], minhash: MinHash) -> None:
        self._shingles[index] = shingles
        self._lsh.insert(index, minhash, check_duplication=False)

    def find(self, shingles: frozenset[str], minhash: MinHash) -> int | None:
        """The lowest index whose text is alike, or None."""
        for index in sorted(self._lsh.query(minhash)):
            if measure_jaccard(shingles, self._shingles[index]) >= self._threshold:
                return int(index)
        return None


def hash_texts(texts: Iterable[str]) -> tuple[list[frozenset[str]], list[MinHash]]:
    """The shingles and the MinHash of every text, in order; the same on every machine (SHA-1, fixed seed)."""
    from datasketch import MinHash

    shingles = [make_shingles(text) for text in texts]
    encoded = ([shingle.encode() for shingle in sorted(one)] for one in shingles)
    return shingles, MinHash.bulk(encoded, num_perm=NUM_PERM, seed=1)


def find_near_duplicates(texts: Sequence[str], threshold: float = 0.8) -> dict[int, int]:
    """Which texts are nearly the same as an earlier one that is kept: index -> that one's index.

    The first of a group is kept. `threshold` is the Jaccard similarity of 3-word shingles, 0 to 1, from which on two
    texts are duplicates.
    """
    shingles, hashes = hash_texts(texts)
    kept = SimilarTexts(threshold)
    duplicates: dict[int, int] = {}
    for index, (one, minhash) in enumerate(zip(shingles, hashes, strict=True)):
        earlier = kept.find(one, minhash)
        if earlier is None:
            kept.add(index, one, minhash)
        else:
            duplicates[index] = earlier
    return duplicates
