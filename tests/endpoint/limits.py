"""Limits that the server keeps: requests in flight, on a schedule, and requests per minute, as OpenAI tells them."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class LimitStep:
    """From `start_s` seconds after the first request on, `limit` requests may be in flight."""

    start_s: float
    limit: int


class LimitSchedule:
    """A limit on requests in flight that moves: 20 from second 0, 5 from second 20. The first step starts at 0."""

    def __init__(self, steps: Sequence[LimitStep]) -> None:
        self._starts = [step.start_s for step in steps]
        self._limits = [step.limit for step in steps]

    def find_limit(self, seconds: float) -> int:
        """The limit that holds so many seconds after the first request."""
        return self._limits[bisect_right(self._starts, seconds) - 1]


class RateLimit:
    """Requests per minute: a bucket that holds `per_minute` requests, full at first, refilled evenly."""

    def __init__(self, per_minute: int) -> None:
        self._capacity = per_minute
        self._level = float(per_minute)
        self._filled_at: float | None = None

    def take(self, now: float) -> bool:
        """Whether one more request fits; if so, it is taken. `now` is in seconds on a monotonic clock."""
        self._fill(now)
        if self._level < 1:
            return False
        self._level -= 1
        return True

    def announce(self, now: float) -> Headers:
        """OpenAI's headers: the limit, what is left of it, and the time until nothing of it is used."""
        self._fill(now)
        return [
            ("x-ratelimit-limit-requests", str(self._capacity)),
            ("x-ratelimit-remaining-requests", str(int(self._level))),
            ("x-ratelimit-reset-requests", write_duration((self._capacity - self._level) * 60 / self._capacity)),
        ]

    def ask_to_wait(self) -> Headers:
        """OpenAI's headers of a refusal: the time until one more request fits, in whole seconds and in milliseconds."""
        wait_s = max(0.0, 1 - self._level) * 60 / self._capacity
        return [("retry-after", str(math.ceil(wait_s))), ("retry-after-ms", str(math.ceil(wait_s * 1000)))]

    def _fill(self, now: float) -> None:
        if self._filled_at is not None:
            self._level = min(self._capacity, self._level + (now - self._filled_at) * self._capacity / 60)
        self._filled_at = now


def write_duration(seconds: float) -> str:
    """A duration as OpenAI writes it: `20ms`, `1.5s`, `6m0s`, `1h2m3s`; rounded up to the millisecond."""
    milliseconds = math.ceil(round(seconds * 1000, 3))
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{rest / 1000:g}s"
