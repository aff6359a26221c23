"""Whether the endpoint as a whole answers: one memory for all requests, which no single one of them has.

A failure of one request says little; that nothing is answered any more says that the endpoint is away. Then all wait,
one request at a time goes out to see (`Throttle.close`), and no attempt counts, until something is answered or the
patience is over. At a run's first contact there is less of it: where nobody ever answered, the address is likely wrong.
"""

import time
from dataclasses import dataclass

from tasks.teacher.sending.retries import Backoff, EndpointError

_ALONE = 2
"""Failures in a row, with nothing answered in between, from which on the endpoint is taken to be away."""

FIRST_CONTACT_S = 10.0
"""How long an address is tried at which nobody has answered in this run."""

FIRST_GATEWAY_S = 60.0
"""The same where a gateway answers in the endpoint's place, which may be about to start it."""

_LONGEST_PROBE_WAIT_S = 10.0
"""Between two looks whether it is back: what an outage lasts longer than it must."""


@dataclass(frozen=True)
class Outlook:
    """What a failure means for all: the seconds until the next look (None where all go on), and whether that is all."""

    look_in_s: float | None = None
    is_over: bool = False


class Outage:
    """Counts failures of the endpoint as a whole, as they come, and answers."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._began_at = 0.0
        self._in_row = 0
        self._reason = ""
        self.answers = 0
        """How many requests were answered."""

    @property
    def is_on(self) -> bool:
        """Whether nothing is answered any more."""
        return self._in_row >= _ALONE

    @property
    def lasted_s(self) -> float:
        """Seconds since the first failure after the last answer; 0 without one."""
        return time.monotonic() - self._began_at if self._in_row else 0.0

    def describe(self) -> str:
        """What is waited for, for a person: `endpoint answers 502`; empty where nothing is."""
        return self._reason if self.is_on else ""

    def note_answer(self) -> None:
        """Something was answered."""
        self.answers += 1
        self._in_row = 0

    def note_sign(self) -> None:
        """The endpoint itself said something, though that was no answer."""
        self._in_row = 0

    def note_failure(self, error: EndpointError, *, looked: bool) -> Outlook:
        """The endpoint did not answer a request (`error.is_away`); `looked`: one that went out to see."""
        if not self._in_row:
            self._began_at = time.monotonic()
        news = looked or not self.is_on  # what was in flight with others says no more than they did
        self._in_row += news
        self._reason = _describe(error)
        patience_s = self._find_patience(error)
        left_s = patience_s - self.lasted_s
        if left_s <= 0:
            return Outlook(is_over=True)
        if not self.is_on or not news:
            return Outlook()
        wait_s = max(self._backoff.choose_wait(self._in_row - 1, None), error.wait_s or 0.0)
        longest_s = min(_LONGEST_PROBE_WAIT_S, patience_s / 5) if error.wait_s is None else wait_s
        return Outlook(look_in_s=min(wait_s, longest_s, max(left_s, 0.01)))

    def _find_patience(self, error: EndpointError) -> float:
        most_s = self._backoff.give_up_s
        if self.answers or error.means == "loading":
            return most_s
        return min(most_s, FIRST_CONTACT_S if error.status is None else FIRST_GATEWAY_S)


def _describe(error: EndpointError) -> str:
    if error.means == "loading":
        return "endpoint loads its model"
    return "endpoint is out of reach" if error.status is None else f"endpoint answers {error.status}"
