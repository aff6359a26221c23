"""How long to wait, and for what."""

import random
import time
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.teacher.sending.retries import (
    LONGEST_BACKOFF_S,
    LONGEST_WAIT_S,
    Backoff,
    EndpointError,
    is_retried,
    read_pause,
    read_wait,
)

NOW = 1_800_000_000.0
BOTH_USED_UP = {
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "3s",
    "x-ratelimit-remaining-tokens": "0",
    "x-ratelimit-reset-tokens": "8s",
}
IN_90_S = format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": IN_90_S}, 90),
        ({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": " 7 "}, 7),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "7 seconds"}, None),
        ({"retry-after": "٧"}, None),
        ({"retry-after": "9" * 16}, None),
        ({"retry-after": "Fri, 15 Jan 2027 10:01:30 +0200"}, 90),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2),
        ({"retry-after-ms": "0", "retry-after": "2"}, 0),
        ({"retry-after": "2", "x-ratelimit-reset": "30"}, 2),
        ({"retry-after": "soon", "x-ratelimit-reset": "30"}, 30),
        ({"x-ratelimit-reset": "soon"}, None),
        ({"x-ratelimit-reset": "1000000000"}, 1_000_000_000),  # still a number of seconds
        ({"x-ratelimit-reset": "1000000001"}, 0),  # a moment in 2001
        ({"x-ratelimit-reset": "1000000000001"}, 0),  # the same in milliseconds
        ({"x-ratelimit-reset": "1000000000000"}, 1e12 - NOW),  # seconds still, of the year 33658
        ({"x-ratelimit-reset": "999500000000"}, 999.5e9 - NOW),
        ({"retry-after": "Mon, 01 Jan 99999999999 00:00:00 GMT"}, None),
        ({"retry-after": "Mon, 01 Jan 2001 00:00:00 +99999999999999"}, None),
        ({"retry-after": "Mon, 41 Jan 2001 00:00:00 GMT"}, None),
        ({"x-ratelimit-reset": str(int(NOW) - 30)}, 0),
        ({"x-ratelimit-reset": str(int(NOW) * 1000 - 30_000)}, 0),
        ({"x-ratelimit-reset": "30"}, 30),
        ({"x-ratelimit-reset": str(int(NOW) + 30)}, 30),
        ({"x-ratelimit-reset": str(int(NOW + 30) * 1000)}, 30),
        ({"x-ratelimit-reset-requests": "1m30s", "x-ratelimit-remaining-requests": "0"}, 90),
        ({"x-ratelimit-reset-tokens": "20ms", "x-ratelimit-remaining-tokens": "0"}, 0.02),
        ({"x-ratelimit-reset-tokens": "1h2m3.5s", "x-ratelimit-remaining-tokens": "0"}, 3723.5),
        ({"x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-tokens": "3000"}, None),
        ({"x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-tokens": "1"}, None),
        ({"x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-requests": "0"}, None),
        ({"x-ratelimit-reset-tokens": "6m0s"}, None),
        ({"x-ratelimit-remaining-tokens": "0"}, None),
        ({"x-ratelimit-reset-tokens": "soon", "x-ratelimit-remaining-tokens": "0"}, None),
        ({"x-ratelimit-reset-tokens": "0s", "x-ratelimit-remaining-tokens": "0"}, 0),
        (BOTH_USED_UP, 8),
        ({**BOTH_USED_UP, "x-ratelimit-remaining-tokens": "5"}, 3),
        ({**BOTH_USED_UP, "x-ratelimit-reset": "5"}, 8),
        ({**BOTH_USED_UP, "x-ratelimit-reset": "50"}, 50),
        ({**BOTH_USED_UP, "retry-after": "1"}, 1),
    ],
)
def test_what_the_endpoint_asks_for_is_understood(headers: dict[str, str], wait: float | None) -> None:
    found = read_wait(headers, NOW)
    assert found == (None if wait is None else pytest.approx(wait))


@given(st.text(max_size=30))
def test_no_header_is_too_strange_to_read(text: str) -> None:
    wait = read_wait({"retry-after": text, "x-ratelimit-reset": text, "retry-after-ms": text}, NOW)
    assert wait is None or wait >= 0


@given(st.integers(1, 10_000), st.none() | st.floats(0, 1e9))
def test_a_wait_is_bounded_and_never_shorter_than_asked(failures: int, asked: float | None) -> None:
    wait = Backoff(attempts=6).choose_wait(failures, asked)
    if asked is None:
        assert 0 <= wait <= LONGEST_BACKOFF_S
    else:
        assert min(asked, LONGEST_WAIT_S) <= wait <= LONGEST_WAIT_S + 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20ms", 0.02),
        ("0.5ms", 0.0005),
        ("7s", 7),
        ("1.5s", 1.5),
        ("2m", 120),
        ("1m30s", 90),
        ("3h", 10_800),
        ("2d", 172_800),
        ("1d2h3m4.5s6ms", 86_400 + 7200 + 180 + 4.506),
        ("30s1m", None),
        ("1m 30s", None),
        ("1.5m", None),
        ("7S", None),
        ("7x", None),
        ("s", None),
    ],
)
def test_durations_are_read_unit_by_unit(text: str, seconds: float | None) -> None:
    found = read_wait({"x-ratelimit-reset": text}, NOW)
    assert found == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        (BOTH_USED_UP, 8),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "3s"}, 3),
        ({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "3s"}, None),
        ({"retry-after": "3", "x-ratelimit-reset": "3"}, None),  # an answer that was given refuses nothing
        ({}, None),
    ],
)
def test_an_answer_asks_for_a_pause_where_it_used_up_a_limit(headers: dict[str, str], pause: float | None) -> None:
    assert read_pause(headers, NOW) == pause


def test_moments_are_measured_from_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW - 10)
    assert read_wait({"retry-after": IN_90_S}) == 100
    used_up = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": str(int(NOW))}
    assert read_wait(used_up) == read_pause(used_up) == 10


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


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 529, 599])
def test_what_may_pass_is_tried_again(status: int) -> None:
    assert is_retried(status)


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 407, 410, 413, 422, 424, 426, 428, 430, 451, 499])
def test_what_will_not_pass_is_not(status: int) -> None:
    assert not is_retried(status)


@pytest.mark.parametrize(
    ("error", "is_limit", "is_overload"),
    [
        (EndpointError("", status=429), True, True),
        (EndpointError("", status=429, fatal=True), False, False),  # no credit
        (EndpointError("", status=503), False, True),
        (EndpointError("", status=529), False, True),
        (EndpointError("", status=503, fatal=True), False, False),
        (EndpointError("", status=500), False, False),
        (EndpointError("", status=504), False, False),
        (EndpointError("", status=408), False, False),
        (EndpointError("", late=True), False, True),
        (EndpointError(""), False, False),
    ],
    ids=["429", "no credit", "503", "529", "fatal 503", "500", "504", "408", "late", "unreachable"],
)
def test_limits_and_overload_are_told_from_other_failures(
    error: EndpointError, is_limit: bool, is_overload: bool
) -> None:
    assert (error.is_limit, error.is_overload) == (is_limit, is_overload)
