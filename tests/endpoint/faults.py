"""Which request meets which fault: by rates, a seed and the running number of the request.

Not by its content: a request that is sent again is a new draw, so that retries can succeed. What each fault does on the
wire is in `misbehaving`.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

FAULTS = {
    "429": "429 that does not say how long to wait",
    "429_after": "429 that says it, in every form in turn",
    "429_burst": "429, and for the requests after it too (--burst)",
    "500": "500, at once",
    "503": "503, at once",
    "529": "529, overloaded, at once",
    "reset": "connection reset before the first byte",
    "reset_body": "connection reset in the middle of the body",
    "endless": "half a body, then a trickle or nothing, for ever",
    "slow": "first byte late (--slow)",
    "truncated": "JSON cut in half, with the length of the half",
    "html": "a proxy's page, with status 502 and 200 in turn",
    "wrong_type": "a good answer that says it is text/plain",
    "no_choices": "an answer without choices",
    "no_usage": "a good answer without usage",
    "error_body": "an error with status 200",
}
"""Every fault, and what it is."""

HARMLESS = frozenset({"slow", "wrong_type", "no_usage"})
"""Faults after which a client has the whole completion, and no reason to ask again."""


@dataclass(frozen=True)
class Burst:
    """How long a burst of 429s lasts after the one that began it: a number of requests, or seconds."""

    requests: int = 10
    seconds: float = 0.0


class FaultPlan:
    """Draws for each request in turn whether it meets a fault; the same seed gives the same draws.

    `rates` are the shares of requests by fault and together at most 1. Requests in a burst use up their draws too.
    """

    def __init__(self, rates: Mapping[str, float], seed: int = 0, burst: Burst | None = None) -> None:
        self._rates = dict(rates)
        self._random = random.Random(seed)
        self._burst = burst or Burst()
        self._burst_requests = 0
        self._burst_end = float("-inf")

    def choose(self, now: float) -> str | None:
        """The fault that the next request meets, if any; `now` is in seconds on any clock."""
        fault = self._draw()
        if self._burst_requests or now < self._burst_end:
            self._burst_requests = max(0, self._burst_requests - 1)
            return "429_burst"
        if fault == "429_burst":
            self._burst_requests = self._burst.requests
            self._burst_end = now + self._burst.seconds
        return fault

    def _draw(self) -> str | None:
        if not self._rates:
            return None
        point = self._random.random()
        for fault, rate in self._rates.items():
            point -= rate
            if point < 0:
                return fault
        return None
