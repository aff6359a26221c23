"""Packing: nothing is lost, cut or doubled, no sequence is over its limit, and few are left half empty."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.trainer.packing import pack_lengths


@given(st.lists(st.integers(1, 64), max_size=60))
def test_each_conversation_is_in_one_sequence_that_holds_it(lengths: list[int]) -> None:
    bins = pack_lengths(lengths, 64)
    assert sorted(index for one in bins for index in one) == list(range(len(lengths)))
    totals = [sum(lengths[index] for index in one) for one in bins]
    assert all(total <= 64 for total in totals)
    # no two sequences would fit into one: what any best fit guarantees, and next fit does not
    assert all(a + b > 64 for number, a in enumerate(totals) for b in totals[number + 1 :])


def test_the_fullest_that_fits_is_taken() -> None:
    assert pack_lengths([60, 50, 10, 4], 64) == [[0, 3], [1, 2]]


def test_what_fits_nowhere_is_an_error() -> None:
    with pytest.raises(ValueError, match="65 tokens"):
        pack_lengths([3, 65], 64)
