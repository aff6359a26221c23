"""Instructions that a benchmark has too."""

from collections.abc import Sequence

from tasks.quality.dedupe import SimilarTexts


def find_overlaps(texts: Sequence[str], benchmark: Sequence[str], threshold: float = 0.8) -> dict[int, str]:
    """Which texts are nearly the same as one of the benchmark's: index -> the benchmark's text.

    `threshold` is the Jaccard similarity of 3-word shingles, 0 to 1, from which on two texts overlap.
    """
    together = SimilarTexts([*benchmark, *texts], threshold)
    for place in range(len(benchmark)):
        together.add(place)
    found = ((index, together.find(len(benchmark) + index)) for index in range(len(texts)))
    return {index: benchmark[place] for index, place in found if place is not None}
