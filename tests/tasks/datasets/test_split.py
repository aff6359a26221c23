"""Which APIs make up the test set: how many, of which categories, and the same ones each time."""

import hashlib
import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import UserError
from tasks.datasets.split import DEFAULT_TEST_SHARE, choose_test_apis

catalogues = st.dictionaries(st.text(min_size=1, max_size=6), st.sampled_from("abcdef"), max_size=60)


def build(size: int, categories: str = "a") -> dict[str, str]:
    return {f"api{n}": categories[n % len(categories)] for n in range(size)}


def shuffle(apis: dict[str, str], seed: int) -> list[str]:
    return sorted(apis, key=lambda api: hashlib.sha256(f"{seed}\n{api}".encode()).digest())


@given(catalogues, st.floats(0, 0.99) | st.integers(0, 80), st.integers(0, 5))
def test_the_choice_is_the_same_each_time_and_leaves_train_an_api(
    catalogue: dict[str, str], wanted: float, seed: int
) -> None:
    chosen = choose_test_apis(catalogue, wanted, seed)
    assert chosen == choose_test_apis(dict(reversed(catalogue.items())), wanted, seed)
    assert chosen <= set(catalogue)
    assert len(chosen) < max(len(catalogue), 1)
    if isinstance(wanted, int):
        assert len(chosen) == max(min(wanted, len(catalogue) - 1), 0)


@given(catalogues, st.integers(0, 80), st.integers(0, 5))
def test_the_first_by_hash_are_chosen_but_for_those_of_a_category_that_has_given_its_part(
    catalogue: dict[str, str], wanted: int, seed: int
) -> None:
    count = max(min(wanted, len(catalogue) - 1), 0)
    left = {
        category: math.ceil(size * count / len(catalogue)) for category, size in Counter(catalogue.values()).items()
    }
    expected: set[str] = set()
    for api in shuffle(catalogue, seed):
        if left[catalogue[api]] and len(expected) < count:
            left[catalogue[api]] -= 1
            expected.add(api)
    assert choose_test_apis(catalogue, wanted, seed) == expected


@pytest.mark.parametrize(
    ("wanted", "size", "chosen"),
    [
        (0.1, 50, 5),
        (0.1, 14, 1),
        (0.1, 16, 2),
        (0.1, 2, 1),
        (0.001, 100, 1),
        (0.1, 1, 0),
        (0.1, 0, 0),
        (0.0, 100, 0),
        (0.99, 10, 9),
        (0.99, 1000, 990),
        (0.5, 3, 2),
        (0, 10, 0),
        (1, 10, 1),
        (1, 1, 0),
        (9, 10, 9),
        (10, 10, 9),
        (80, 10, 9),
        (3, 0, 0),
    ],
)
def test_a_share_is_rounded_and_at_least_one_and_train_keeps_one(wanted: int | float, size: int, chosen: int) -> None:
    assert len(choose_test_apis(build(size), wanted, 0)) == chosen


def test_a_tenth_is_the_default() -> None:
    assert DEFAULT_TEST_SHARE == 0.1


def test_no_category_gives_more_than_its_part() -> None:
    catalogue = {f"{category}{n}": category for category in "abcde" for n in range(20)}
    for seed in range(5):
        taken = Counter(catalogue[api] for api in choose_test_apis(catalogue, 10, seed))
        assert taken == {category: 2 for category in "abcde"}


def test_a_part_is_rounded_up() -> None:
    # Of nine and one, five of ten would take four and a half and a half: at most five and one.
    catalogue = {**{f"a{n}": "a" for n in range(9)}, "b0": "b"}
    taken = [Counter(catalogue[api] for api in choose_test_apis(catalogue, 5, seed)) for seed in range(20)]
    assert {(one["a"], one["b"]) for one in taken} == {(5, 0), (4, 1)}


def test_an_api_that_joins_displaces_at_most_one() -> None:
    for seed in range(20):
        before = choose_test_apis(build(40), 8, seed)
        assert len(before - choose_test_apis({**build(40), "new": "a"}, 8, seed)) <= 1


def test_another_seed_chooses_others() -> None:
    assert choose_test_apis(build(100), 10, 0) != choose_test_apis(build(100), 10, 1)


@pytest.mark.parametrize("wanted", [-1, 1.0, 1.5, -0.1])
def test_a_share_that_makes_no_sense_is_refused(wanted: float) -> None:
    with pytest.raises(UserError, match=f"test_apis is {wanted}: give a number of APIs, or a share"):
        choose_test_apis({"one": "a"}, wanted, 0)
