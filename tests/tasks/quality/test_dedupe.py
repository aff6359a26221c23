"""Near-duplicates: the first is kept, the similarity is exact, and nothing depends on the machine."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.quality.dedupe import find_near_duplicates
from tasks.quality.shingles import make_shingles, measure_jaccard

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
