"""Shingles are runs of three folded words; how alike two texts are is the share of them that both have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.quality.dedupe import make_shingles, measure_jaccard


@pytest.mark.parametrize(
    ("text", "shingles"),
    [
        ("", {""}),
        ("...", {""}),
        ("find", {"find"}),
        ("find hotels", {"find hotels"}),
        ("find two hotels", {"find two hotels"}),
        ("find two hotels now", {"find two hotels", "two hotels now"}),
        ("find two hotels in Lyon", {"find two hotels", "two hotels in", "hotels in lyon"}),
        ("a b c a b c", {"a b c", "b c a", "c a b"}),
        ("Find TWO-hotels_now, Zoé!", {"find two hotels", "two hotels now", "hotels now zoe"}),
    ],
)
def test_every_run_of_three_words_is_a_shingle_and_a_short_text_is_one(text: str, shingles: set[str]) -> None:
    assert make_shingles(text) == shingles


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ("abcd", "abcd", 1),
        ("abcd", "efg", 0),
        ("abcd", "abcde", 0.8),
        ("abc", "abcd", 0.75),
        ("abcd", "cdef", 2 / 6),
        ("ab", "abcdef", 2 / 6),
    ],
)
def test_the_share_is_of_what_either_has(one: str, other: str, share: float) -> None:
    assert measure_jaccard(frozenset(one), frozenset(other)) == share
    assert measure_jaccard(frozenset(other), frozenset(one)) == share


@given(st.frozensets(st.sampled_from("abcdefgh"), min_size=1), st.frozensets(st.sampled_from("abcdefgh"), min_size=1))
def test_the_share_is_intersection_over_union(one: frozenset[str], other: frozenset[str]) -> None:
    assert measure_jaccard(one, other) == len(one & other) / len(one | other)
