"""How long to wait, and for what."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.llm.retries import LONGEST_BACKOFF_S, LONGEST_WAIT_S, Backoff, is_retried, read_wait

NOW = 1_800_000_000.0
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
        ({"x-ratelimit-reset": "30"}, 30),
        ({"x-ratelimit-reset": str(int(NOW) + 30)}, 30),
        ({"x-ratelimit-reset": str(int(NOW + 30) * 1000)}, 30),
        ({"x-ratelimit-reset-requests": "1m30s", "x-ratelimit-remaining-requests": "0"}, 90),
        ({"x-ratelimit-reset-tokens": "20ms", "x-ratelimit-remaining-tokens": "0"}, 0.02),
        ({"x-ratelimit-reset-tokens": "1h2m3.5s", "x-ratelimit-remaining-tokens": "0"}, 3723.5),
        ({"x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-tokens": "3000"}, None),
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


def test_only_what_may_pass_is_tried_again() -> None:
    assert [
        status for status in (400, 401, 403, 404, 408, 409, 413, 422, 425, 429, 500, 503, 529) if is_retried(status)
    ] == [
        408,
        409,
        425,
        429,
        500,
        503,
        529,
    ]
