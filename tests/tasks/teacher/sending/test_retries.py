"""How long is waited before another attempt, and what kinds of failure there are."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.teacher.sending.retries import LONGEST_BACKOFF_S, Backoff, EndpointError
from tasks.teacher.sending.waits import LONGEST_WAIT_S


@given(st.integers(1, 10_000), st.none() | st.floats(0, 1e9))
def test_a_wait_is_bounded_and_never_shorter_than_asked(failures: int, asked: float | None) -> None:
    wait = Backoff(attempts=6).choose_wait(failures, asked)
    if asked is None:
        assert 0 <= wait <= LONGEST_BACKOFF_S
    else:
        assert min(asked, LONGEST_WAIT_S) <= wait <= LONGEST_WAIT_S + 1


@pytest.mark.parametrize(("failures", "most"), [(1, 0.5), (2, 1), (3, 2), (6, 16), (7, 30), (500, 30)])
def test_without_being_asked_a_wait_is_anything_up_to_a_bound_that_doubles(
    failures: int, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds: list[tuple[float, float]] = []

    def take_most(low: float, high: float) -> float:
        bounds.append((low, high))
        return high

    monkeypatch.setattr(random, "uniform", take_most)
    assert Backoff(attempts=6).choose_wait(failures, None) == most
    assert bounds == [(0, most)]


@pytest.mark.parametrize(
    ("asked", "most"),
    [
        (0, 0),
        (2, 2.5),
        (4, 5),
        (10, 11),
        (3600, 3601),
        (7200, 3601),
    ],
)
def test_what_is_asked_for_is_lengthened_by_a_quarter_and_at_most_a_second(
    asked: float, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    backoff = Backoff(attempts=6)
    monkeypatch.setattr(random, "uniform", lambda low, high: low)
    assert backoff.choose_wait(9, asked) == min(asked, LONGEST_WAIT_S)
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    assert backoff.choose_wait(9, asked) == most


@pytest.mark.parametrize(
    ("error", "is_limit", "is_overload"),
    [
        (EndpointError("", status=429), True, True),
        (EndpointError("", status=429, fatal=True), False, False),  # no credit
        (EndpointError("", status=413, means="limit"), True, True),
        (EndpointError("", status=429, means="passing"), False, False),  # larger than the limit
        (EndpointError("", status=503), False, True),
        (EndpointError("", status=529), False, True),
        (EndpointError("", status=503, fatal=True), False, False),
        (EndpointError("", status=500), False, False),
        (EndpointError("", status=504), False, False),
        (EndpointError("", status=408), False, False),
        (EndpointError("", late=True), False, True),
        (EndpointError(""), False, False),
    ],
    ids=[
        "429",
        "no credit",
        "limit as 413",
        "too large",
        "503",
        "529",
        "fatal 503",
        "500",
        "504",
        "408",
        "late",
        "unreachable",
    ],
)
def test_limits_and_overload_are_told_from_other_failures(
    error: EndpointError, is_limit: bool, is_overload: bool
) -> None:
    assert (error.is_limit, error.is_overload) == (is_limit, is_overload)


@pytest.mark.parametrize(
    ("error", "is_redrawn"),
    [
        (EndpointError("", late=True), True),
        (EndpointError("", status=504, means="slow"), True),
        (EndpointError("", status=400, means="unparsed"), True),
        (EndpointError("", status=400, means="moderated"), True),
        (EndpointError("", status=400, means="refused"), True),
        (EndpointError("", status=404, means="doubtful"), True),
        (EndpointError("", status=500, means="passing"), False),
        (EndpointError("", status=502, means="away"), False),
        (EndpointError("", status=429, means="limit"), False),
        (EndpointError("", retried=True), False),  # an answer that is none
    ],
    ids=["late", "slow", "unparsed", "moderated", "refused", "doubtful", "500", "502", "429", "no answer"],
)
def test_what_the_same_draw_would_end_in_again_is_drawn_anew(error: EndpointError, is_redrawn: bool) -> None:
    assert error.is_redrawn == is_redrawn
