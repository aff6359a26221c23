"""Caps on requests and tokens a minute."""

import time

import pytest

from tasks.llm.pacing import Pace


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def count_in(seconds: float, pace: Pace, clock: list[float], tokens: int = 0) -> int:
    """How many requests go in so many seconds, if each goes as soon as it may."""
    end, count = clock[0] + seconds, 0
    while clock[0] + (delay := pace.find_delay()) <= end:
        clock[0] += delay
        pace.take(tokens)
        count += 1
    return count


def test_without_caps_nobody_waits() -> None:
    pace = Pace()
    pace.take(10**9)
    assert pace.find_delay() == 0


@pytest.mark.parametrize("rpm", [6, 60, 3000])
def test_requests_keep_to_their_rate(rpm: int, clock: list[float]) -> None:
    assert count_in(600, Pace(rpm=rpm), clock) == pytest.approx(10 * rpm, abs=1 + rpm / 60)


def test_tokens_keep_to_their_rate_even_if_one_request_takes_more_than_a_second_brings(clock: list[float]) -> None:
    assert count_in(600, Pace(tpm=6000), clock, tokens=1000) == pytest.approx(60, abs=2)


def test_what_a_request_really_took_is_made_up_for(clock: list[float]) -> None:
    pace = Pace(tpm=6000)
    pace.take(100)
    before = pace.find_delay()
    pace.correct(500)
    assert pace.find_delay() == pytest.approx(before + 5)
    pace.correct(-500)
    assert pace.find_delay() == pytest.approx(before)


def test_the_stricter_cap_holds(clock: list[float]) -> None:
    pace = Pace(rpm=60, tpm=600)
    assert count_in(600, pace, clock, tokens=100) == pytest.approx(60, abs=2)
