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


@pytest.mark.parametrize(
    ("lengths", "bins"),
    [
        ([], []),
        ([64], [[0]]),  # just as long as a sequence may be
        ([60, 4], [[0, 1]]),  # fits to the last token
        ([60, 5], [[0], [1]]),  # one too many
        ([4, 60], [[1, 0]]),  # the longest first
        ([60, 50, 10, 4], [[0, 3], [1, 2]]),  # where the least room is left over
        ([50, 60, 4], [[1, 2], [0]]),
        ([32, 32, 32, 32], [[0, 1], [2, 3]]),  # equal ones in their order
        ([20, 20, 20, 20], [[0, 1, 2], [3]]),
        ([40, 40, 20, 20, 4, 4], [[0, 2, 4], [1, 3, 5]]),
    ],
)
def test_each_goes_where_the_least_room_is_left_over(lengths: list[int], bins: list[list[int]]) -> None:
    assert pack_lengths(lengths, 64) == bins


def test_what_fits_nowhere_is_an_error() -> None:
    with pytest.raises(ValueError, match="65 tokens do not fit into a sequence of 64"):
        pack_lengths([3, 65], 64)
