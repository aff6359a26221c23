"""What overlaps with a benchmark is named."""

import pytest

from tasks.quality.overlap import find_overlaps

ONE, TWO = "Find a hotel in Lyon", "What is the weather in Oslo?"


def test_overlaps_name_the_benchmarks_text() -> None:
    assert find_overlaps(["Something else", "find a hotel in LYON!"], [TWO, ONE]) == {1: ONE}


WORDS = ["find", "me", "a", "quiet", "hotel", "near", "the", "river", "in", "Lyon"]
FIVE, SIX, SEVEN = (" ".join(WORDS[:count]) for count in (5, 6, 7))
"""SIX and SEVEN share 4 of 5 shingles, FIVE and SIX 3 of 4."""


@pytest.mark.parametrize(
    ("text", "benchmark", "overlaps"),
    [(SEVEN, SIX, True), (SIX, SEVEN, True), (SIX, FIVE, False), (FIVE, SIX, False)],
    ids=["at 0.8", "at 0.8 the other way", "at 0.75", "at 0.75 the other way"],
)
def test_a_text_overlaps_from_the_threshold_on(text: str, benchmark: str, overlaps: bool) -> None:
    assert find_overlaps([text], [benchmark]) == ({0: benchmark} if overlaps else {})
    assert find_overlaps([text], [benchmark], threshold=0.75) == {0: benchmark}
    assert find_overlaps([text], [benchmark], threshold=0.81) == {}


def test_texts_overlap_with_the_benchmark_alone_and_each_is_looked_at() -> None:
    assert find_overlaps([ONE, ONE], [TWO]) == {}
    assert find_overlaps([ONE, TWO, ONE], [ONE, ONE.upper()]) == {0: ONE, 2: ONE}
    assert find_overlaps([ONE], []) == {}
    assert find_overlaps([], [ONE]) == {}
