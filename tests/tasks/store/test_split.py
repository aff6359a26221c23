from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import UserError
from tasks.store.split import choose_test_apis

catalogues = st.dictionaries(st.text(min_size=1, max_size=6), st.sampled_from("abcdef"), max_size=60)


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


def test_a_tenth_is_the_default_and_one_the_least() -> None:
    assert len(choose_test_apis({f"api{n}": "a" for n in range(50)}, 0.1, 0)) == 5
    assert len(choose_test_apis({"one": "a", "two": "a"}, 0.1, 0)) == 1
    assert choose_test_apis({"one": "a"}, 0.1, 0) == frozenset()


def test_no_category_gives_more_than_its_part() -> None:
    catalogue = {f"{category}{n}": category for category in "abcde" for n in range(20)}
    taken = Counter(catalogue[api] for api in choose_test_apis(catalogue, 10, 0))
    assert taken == {category: 2 for category in "abcde"}


def test_another_seed_chooses_others() -> None:
    catalogue = {f"api{n}": "a" for n in range(100)}
    assert choose_test_apis(catalogue, 10, 0) != choose_test_apis(catalogue, 10, 1)


@pytest.mark.parametrize("wanted", [-1, 1.0, 1.5, -0.1])
def test_a_share_that_makes_no_sense_is_refused(wanted: float) -> None:
    with pytest.raises(UserError, match="test_apis"):
        choose_test_apis({"one": "a"}, wanted, 0)
