"""Near-duplicates: the first is kept, the similarity is exact, and nothing depends on the machine."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.quality.dedupe import SimilarTexts, find_near_duplicates, make_shingles, measure_jaccard

TEXT = "find me a quiet hotel near the river in Lyon for two nights with breakfast and parking please"
WORDS = TEXT.split()


def test_the_first_is_kept_and_case_and_punctuation_do_not_count() -> None:
    texts = ["Find a hotel in Lyon, please.", "Something else entirely", "find a HOTEL in lyon please"]
    assert find_near_duplicates(texts) == {2: 0}


def test_half_of_a_surrogate_pair_belongs_to_no_word() -> None:
    assert find_near_duplicates(["Caf\ud800", "caf"]) == {1: 0}


def test_short_and_empty_texts_are_compared_by_what_they_have() -> None:
    assert find_near_duplicates(["Hello", "hello!", "Hello there", "", "..."]) == {1: 0, 4: 3}


def test_a_duplicate_of_a_duplicate_points_to_one_that_is_kept() -> None:
    texts = [" ".join(WORDS), " ".join([*WORDS, "now"]), " ".join([*WORDS, "now", "thanks"])]
    duplicates = find_near_duplicates(texts)
    assert set(duplicates.values()) == {0}


def test_pairs_below_the_threshold_are_kept() -> None:
    assert find_near_duplicates([" ".join(WORDS), " ".join(WORDS[:9])]) == {}


def first(count: int) -> str:
    """The first words of TEXT: texts of n and n + 1 words share n - 2 of n - 1 shingles."""
    return " ".join(WORDS[:count])


@pytest.mark.parametrize("longer_first", [False, True])
def test_at_the_threshold_a_text_is_a_duplicate_and_just_below_it_is_not(longer_first: bool) -> None:
    at, below = ([first(6), first(7)], [first(5), first(6)])  # 4 of 5 shingles, 3 of 4
    if longer_first:
        at, below = at[::-1], below[::-1]
    assert find_near_duplicates(at) == {1: 0}
    assert find_near_duplicates(below) == {}
    assert find_near_duplicates(below, threshold=0.75) == {1: 0}
    assert find_near_duplicates(at, threshold=0.81) == {}


def test_at_a_threshold_of_one_only_equal_texts_are_duplicates() -> None:
    assert find_near_duplicates([first(12), first(13), first(12).upper()], threshold=1.0) == {2: 0}


def test_of_all_that_are_alike_the_earliest_is_named() -> None:
    texts = [f"{first(12)} {one} {one}" for one in "abcdefgh"]  # each shares 10 of 14 shingles with another
    assert find_near_duplicates(texts) == {}
    assert find_near_duplicates(["Something else", *texts, first(12)]) == {9: 1}


def test_only_what_was_added_is_found() -> None:
    texts = SimilarTexts([first(10), first(10), "Something else", first(11)], 0.8)
    assert len(texts) == 4
    assert texts.find(3) is None
    texts.add(2)
    assert texts.find(3) is None
    texts.add(1)
    assert texts.find(3) == 1
    texts.add(0)
    assert texts.find(3) == 0
    assert texts.find(2) == 2


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_the_index_finds_what_comparing_all_pairs_finds(seed: int) -> None:
    rng = random.Random(seed)
    texts = []
    for _ in range(60):
        words = list(WORDS[: rng.randint(5, len(WORDS))])
        for _ in range(rng.randint(0, 2)):
            words[rng.randrange(len(words))] = rng.choice(["garden", "castle", "museum"])
        texts.append(" ".join(words))
    expected: dict[int, int] = {}
    for i, text in enumerate(texts):
        for j in range(i):
            if j not in expected and measure_jaccard(make_shingles(text), make_shingles(texts[j])) >= 0.8:
                expected[i] = j
                break
    assert find_near_duplicates(texts) == expected
