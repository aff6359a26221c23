"""How long an endpoint asks to wait, in all spellings."""

import time
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.teacher.sending.waits import bound_wait, read_duration, read_pause, read_wait

NOW = 1_800_000_000.0
BOTH_USED_UP = {
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "3s",
    "x-ratelimit-remaining-tokens": "0",
    "x-ratelimit-reset-tokens": "8s",
}
USED_UP = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6s"}
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
        ({**USED_UP, "x-ratelimit-limit-requests": "60"}, 0.1),  # one of 60 comes back in a sixtieth of the time
        ({**USED_UP, "x-ratelimit-limit-requests": "1"}, 6),
        (USED_UP, None),  # how many there are in 6 s is not told: one may go now, or sixty
        ({**USED_UP, "x-ratelimit-limit-requests": "0"}, None),
        ({**USED_UP, "x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "1"}, None),
        ({**BOTH_USED_UP, "x-ratelimit-limit-tokens": "6000"}, None),  # what the next one takes is not known
        ({"retry-after": "3", "x-ratelimit-reset": "3"}, None),  # an answer that was given refuses nothing
        ({}, None),
    ],
)
def test_an_answer_that_used_up_the_requests_asks_for_the_time_of_one(
    headers: dict[str, str], pause: float | None
) -> None:
    assert read_pause(headers, NOW) == pytest.approx(pause)


@pytest.mark.parametrize(
    ("asked", "waited"),
    [(None, None), (7, 7), (3600, 3600), (7200, 3600), (32 * 86_400, 3600), (32 * 86_400 + 1, None)],
)
def test_a_wait_is_bounded_and_an_absurd_one_was_not_asked_for(asked: float | None, waited: float | None) -> None:
    assert bound_wait(asked) == waited


@pytest.mark.parametrize(("text", "seconds"), [("36s", 36), ("36", 36), (" 7.5 ", 7.5), ("", None), ("7 s", None)])
def test_a_duration_may_be_a_bare_number(text: str, seconds: float | None) -> None:
    assert read_duration(text) == seconds


def test_moments_are_measured_from_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW - 10)
    assert read_wait({"retry-after": IN_90_S}) == 100
    used_up = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": str(int(NOW))}
    assert read_wait(used_up) == 10
