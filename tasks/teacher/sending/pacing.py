"""Caps on requests and tokens a minute, as buckets that fill at a steady rate."""

import time

_BURST_S = 1.0
"""What a bucket holds: so much may go at once after a rest."""


class Bucket:
    """Fills at `per_minute` / 60 a second. It may be overdrawn, since a request's tokens are known only afterwards."""

    def __init__(self, per_minute: float) -> None:
        self._rate = per_minute / 60
        self._most = max(self._rate * _BURST_S, 1.0)
        self._level = self._most
        self._filled_at = time.monotonic()

    def find_delay(self) -> float:
        """Seconds until something may be taken."""
        self._fill()
        return max((1.0 - self._level) / self._rate, 0.0)

    def take(self, amount: float) -> None:
        """Take `amount`, whether it is there or not; a negative one is given back."""
        self._fill()
        self._level = min(self._level - amount, self._most)

    def _fill(self) -> None:
        now = time.monotonic()
        self._level = min(self._level + (now - self._filled_at) * self._rate, self._most)
        self._filled_at = now


class Pace:
    """At most `rpm` requests and `tpm` tokens a minute; None is no cap."""

    def __init__(self, rpm: int | None = None, tpm: int | None = None) -> None:
        self._requests = None if rpm is None else Bucket(rpm)
        self._tokens = None if tpm is None else Bucket(tpm)

    def find_delay(self) -> float:
        """Seconds until the next request may go."""
        delays = [bucket.find_delay() for bucket in (self._requests, self._tokens) if bucket is not None]
        return max(delays, default=0.0)

    def take(self, tokens: int) -> None:
        """One request of about so many tokens goes."""
        if self._requests:
            self._requests.take(1)
        if self._tokens:
            self._tokens.take(tokens)

    def correct(self, tokens: int) -> None:
        """It took so many tokens more than was thought."""
        if self._tokens:
            self._tokens.take(tokens)
