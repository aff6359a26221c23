"""Caps on requests and tokens a minute."""

import time

import pytest

from tasks.teacher.sending.pacing import Bucket, Pace


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
        assert count < 100_000, "nothing holds them up"
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


def test_what_was_not_taken_comes_back_and_no_more_than_a_bucket_holds(clock: list[float]) -> None:
    pace = Pace(tpm=6000)  # 100 a second, and as many in the bucket
    pace.take(100)
    assert pace.find_delay() == pytest.approx(0.01)
    pace.correct(-1000)
    pace.take(100)
    assert pace.find_delay() == pytest.approx(0.01)


@pytest.mark.parametrize(("per_minute", "at_once"), [(6000, 100), (120, 2), (60, 1), (6, 1)])
def test_after_a_rest_a_second_of_the_rate_goes_at_once_and_one_in_any_case(
    per_minute: float, at_once: int, clock: list[float]
) -> None:
    bucket = Bucket(per_minute)
    clock[0] += 1000
    for _ in range(at_once):
        assert bucket.find_delay() == 0
        bucket.take(1)
    assert bucket.find_delay() == pytest.approx(60 / per_minute)
    clock[0] += 30 / per_minute
    assert bucket.find_delay() == pytest.approx(30 / per_minute)
    clock[0] += 30 / per_minute
    assert bucket.find_delay() == pytest.approx(0)


def test_it_fills_from_the_moment_it_is_made(clock: list[float]) -> None:
    bucket = Bucket(60)
    bucket.take(11)
    clock[0] += 4
    assert bucket.find_delay() == pytest.approx(7)
    assert bucket.find_delay() == pytest.approx(7)  # looking takes nothing


@pytest.mark.parametrize(("rpm", "tpm", "delay"), [(6, 6000, 10), (600, 60, 100.0), (None, 60, 100), (6, None, 10)])
def test_each_cap_counts_its_own_and_the_longer_delay_holds(
    rpm: int | None, tpm: int | None, delay: float, clock: list[float]
) -> None:
    pace = Pace(rpm, tpm)
    pace.take(100)
    assert pace.find_delay() == pytest.approx(delay)


def test_corrections_are_of_tokens_only(clock: list[float]) -> None:
    pace = Pace(rpm=60)
    pace.correct(1000)
    assert pace.find_delay() == 0
