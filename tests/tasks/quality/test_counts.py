"""What the observations hold can be counted: in all, of one value, over or under a number; and nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.quality.counts import Counts
from tasks.quality.written_numbers import Number


def count(bodies: list[Any], limits: set[Number] | None = None, extra: set[int] | None = None) -> set[int]:
    counts = Counts(bodies, extra or set(), lambda: limits or set())
    return {value for value in range(-1, 20) if counts.holds(value)}


def test_lists_are_found_at_every_depth() -> None:
    body = {"a": [{"b": [1, [2]]}, "x"], "c": {"d": []}, "e": 1}
    assert Counts([body], set(), set).lists == [[{"b": [1, [2]]}, "x"], [1, [2]], [2], []]
    assert Counts([[]], set(), set).lists == [[]]
    assert Counts(["text"], set(), set).lists == []


@pytest.mark.parametrize(
    ("bodies", "held"),
    [
        ([], set()),
        ([{"total": 3}], set()),
        ([["a", "b", "c"]], {3}),
        ([{"pets": ["a", "b"], "shops": ["x", "y", "z"]}], {0, 2, 3}),
        ([[{"n": 1}, {"n": 2}], [{"n": 3}, {"n": 4}, {"n": 5}]], {1, 2, 3, 5}),
        ([[{"n": 1}, {"n": 2}], ["a", "b", "c", "d"]], {1, 2, 4}),
        ([[{"n": 1}, {"n": 2}], [{"n": 3}, "x", "y"]], {1, 2, 3, 5}),
    ],
    ids=["nothing", "no list", "one list", "lists of words", "lists of records", "records and words", "mixed"],
)
def test_a_list_counts_by_its_length_and_lists_of_records_together(bodies: list[Any], held: set[int]) -> None:
    assert count(bodies) == held


def test_the_longest_list_is_known() -> None:
    assert Counts([[1], [1, 2, 3], {"a": [1, 2]}], set(), set).longest == 3
    assert Counts([{"a": 1}], set(), set).longest == 0


def test_what_else_was_counted_is_held() -> None:
    assert count([["a", "b"]], extra={9, 12}) == {2, 9, 12}


def test_records_are_counted_by_each_value_of_each_field() -> None:
    by_kind = [{"kind": kind} for kind in ("dog", "dog", "dog", "cat", "cat", "cow", "eel")]
    assert count([by_kind]) == {1, 2, 3, 7}
    by_tag = [{"tags": tags} for tags in (["old", "shy"], ["old"], ["old"], ["old"], ["shy"], [])]
    assert count([by_tag]) == {0, 1, 2, 4, 6}  # 0 to 2 are the lengths of lists too, 4 are old
    by_flag = [{"tame": tame} for tame in (True, True, True, False)]
    assert count([by_flag]) == {1, 3, 4}
    assert count([[{"inner": {"a": 1}}, {"inner": {"a": 1}}, {"inner": None}, {"inner": None}, {"inner": None}]]) == {5}


@pytest.mark.parametrize(
    ("limit", "held"),
    [
        (20, {1, 2, 3, 4}),  # 1 under, 2 up to, 3 over or at
        (45, {0, 1, 4}),
        (10, {0, 1, 3, 4}),
        (5, {0, 1, 4}),
    ],
)
def test_records_are_counted_over_and_under_a_number(limit: int, held: set[int]) -> None:
    fees = [{"fee": fee} for fee in (10, 20, 30.5, 40)]
    assert count([fees], {limit}) == held | {1, 4}


@pytest.mark.parametrize(("limit", "share"), [("over", 2), ("at or over", 3), ("under", 5), ("at or under", 6)])
def test_at_a_number_is_neither_over_nor_under_it(limit: str, share: int) -> None:
    fees = [{"fee": fee, "id": str(fee)} for fee in (1, 2, 3, 4, 5, 60, 70, 80)]
    assert share in count([fees], {60}), limit
    assert count([fees]) == {1, 8}


@pytest.mark.parametrize("odd", ["12", True, None], ids=["a text", "a boolean", "nothing"])
def test_a_field_that_is_not_always_a_number_is_not_compared(odd: Any) -> None:
    fees = [{"fee": fee} for fee in (10, 20, 30, 40, odd)]
    assert count([fees], {25}) == {1, 5}


def test_fields_are_compared_whatever_stands_between_them() -> None:
    fees = (10, 20, 30, 40, 50)
    words = {f"word{number}": "same" for number in range(6)}
    records = [{"one": fee, **words, "two": -fee, "three": fee * 10} for fee in fees]
    assert count([records], {25, -35, 450}) == {0, 1, 2, 3, 4, 5}


def test_a_field_that_only_some_records_have_is_compared_among_those() -> None:
    assert count([[{"fee": 10}, {"fee": 20}, {"fee": 30}, {"name": "x"}, {"name": "y"}]], {15}) == {1, 2, 5}


def test_what_is_no_record_is_left_out_of_groups() -> None:
    assert count([["x", "x", {"kind": "dog"}, {"kind": "dog"}, {"kind": "dog"}]]) == {3, 5}


def test_limits_are_read_once_and_only_where_a_group_is_asked_for() -> None:
    reads = []

    def read() -> set[Number]:
        reads.append(1)
        return {15}

    counts = Counts([[{"fee": 10}, {"fee": 20}, {"fee": 30}]], set(), read)
    assert counts.holds(3)
    assert not counts.holds(4)
    assert not reads
    assert counts.holds(2)
    assert counts.holds(1)
    assert len(reads) == 1


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(0, 9))
def test_whatever_can_be_counted_is_held_and_more_than_there_is_never(fees: list[int], limit: int) -> None:
    held = count([[{"fee": fee} for fee in fees]], {limit})
    assert len(fees) in held
    assert {fees.count(fee) for fee in fees} <= held
    if fees:
        assert {sum(fee < limit for fee in fees), sum(fee > limit for fee in fees)} <= held
    assert all(0 <= value <= len(fees) for value in held)
