"""How many requests may be in flight, found by asking: one throttle for one endpoint and model.

The limit starts at `start`, grows by one with each answer (it doubles in a round trip) while requests wait for it, and
falls once per burst when the endpoint says 429 or that it is overloaded. Where it fell is remembered as the ceiling:
it is approached by a quarter of the distance a round, held, and now and then exceeded by one; if that is borne, it is
forgotten and the limit grows as at first. An endpoint whose limit moves is followed down within some refusals, and up
within some rounds.

One refused request is not the endpoint's word on the others (its limit may be one of requests in flight, or it may
refuse now and then whatever the load): it waits as long as it was told, and holds no place meanwhile. A fall takes
several refusals among the last requests. If those that are sent after it are refused too, all wait.

While the endpoint as a whole is away (`outage`) the throttle is closed: one request at a time goes out to look.
"""

import asyncio
import heapq
import random
import time
from collections import deque
from dataclasses import dataclass

from schemas.errors import RunStoppedError
from tasks.teacher.sending.pacing import Pace

FIRST_FALL = 0.9
"""What is left, at a fall, of the requests that were borne when the others were refused."""

FURTHER_FALL = 0.6
"""What is left at each further fall before anything that was sent since the last one is answered."""

_HOLD_ANSWERS, _HOLD_ROUNDS = 25, 4
"""Answers (or rounds, if they are more) at the ceiling before it is exceeded by one: a refusal in 25 is 4 %."""

_RECENT, _MANY_REFUSED = 20, 7
"""So many refusals among the last requests mean that the endpoint bears less, not that it refuses one now and then."""

_CEILING_DECAY = 0.03
"""What a refusal among many answers takes off the ceiling, in case the endpoint has come to bear a little less."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 30.0


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request in flight, numbered in the order of sending; `tokens` is what it was thought to take.

    One that `looks` went out while the throttle was closed.
    """

    number: int
    tokens: int
    looks: bool = False


_Waiting = tuple[int, int, asyncio.Future[Ticket], int]
"""Who waits to be let in: turn, number of arrival, place, and the tokens that are thought to be taken."""


class Throttle:
    """Lets requests in, up to a limit that moves between 1 and `most`.

    `start` is where it begins (64, or `most` if that is less); `pace` caps requests and tokens a minute. Belongs to one
    event loop.
    """

    def __init__(self, most: int, *, start: int = 64, pace: Pace | None = None) -> None:
        self.limit = float(min(start, most))
        self.in_flight = 0
        self._most = most
        self._pace = pace or Pace()
        self._line: list[_Waiting] = []  # a heap
        self._came = 0
        self._timer: asyncio.TimerHandle | None = None
        self._stop: RunStoppedError | None = None
        self._sent = 0
        self._paused_until = 0.0
        self._look_at: float | None = None  # while it is closed, when the next one may go out to look
        self._is_looking = False  # whether one has
        # Growth: None while no ceiling is known.
        self._ceiling: float | None = None
        self._held = 0
        self._exceeding_since: int | None = None  # the number of the last ticket before the ceiling was exceeded
        # Bursts and falls: tickets up to these numbers were sent before the last one.
        self._last_before_burst = self._last_before_fall = 0
        self._burst_in_flight = self._burst_refused = 0
        self._falls_in_row = 0
        self._tried = False
        self._recent: deque[bool] = deque(maxlen=_RECENT)  # whether each of the last requests was refused

    @property
    def pause_s(self) -> float:
        """Seconds for which nothing is sent, because the endpoint asked for patience."""
        return max(self._paused_until - time.monotonic(), 0.0)

    @property
    def waiting(self) -> int:
        """Requests that wait to be let in."""
        return len(self._line)

    async def enter(self, tokens: int = 0, turn: int = 0) -> Ticket:
        """Wait for a place; `leave` gives it back. `tokens` is an estimate, for the cap on tokens a minute.

        The lowest `turn` is let in first, and of those with the same turn who came first.

        Raises:
            RunStoppedError: the throttle was stopped.
        """
        if self._stop is not None:
            raise self._stop
        place: asyncio.Future[Ticket] = asyncio.get_running_loop().create_future()
        self._came += 1
        heapq.heappush(self._line, (turn, self._came, place, tokens))
        self._wake()
        try:
            return await place
        except asyncio.CancelledError:
            if not place.cancelled() and place.exception() is None:  # it was let in, and does not know it yet
                self.leave(place.result())
            raise

    def leave(self, ticket: Ticket, used_tokens: int | None = None) -> None:
        """Give a place back; `used_tokens` is what the request really took."""
        self.in_flight -= 1
        if ticket.looks:
            self._is_looking = False
        if used_tokens is not None:
            self._pace.correct(used_tokens - ticket.tokens)
        self._wake()

    def note_answer(self, ticket: Ticket) -> None:
        """The request was answered: the limit may grow, if it has not fallen since. Call it before `leave`."""
        self._recent.append(False)
        if ticket.number <= self._last_before_fall:
            return
        self._falls_in_row = 0
        if not self._line and self.in_flight < int(self.limit):
            return  # nobody needs more
        if self._ceiling is None:
            self._grow(1.0)
        elif self.limit < self._ceiling:
            self._grow(min(((self._ceiling - self.limit) / 4 + 0.5) / self.limit, self._ceiling - self.limit))
        elif self._exceeding_since is None:
            self._hold()
        elif ticket.number > self._exceeding_since:
            # What was sent with one more in flight is answered, and nothing refused: the ceiling is no more.
            self._held, self._exceeding_since, self._ceiling = 0, None, None

    def note_refusal(self, ticket: Ticket, wait_s: float | None = None) -> None:
        """The endpoint refused the request for its limits, or was too slow to answer. Call it before `leave`."""
        self._recent.append(True)
        if ticket.number > self._last_before_burst:
            self._begin_burst()
        self._burst_refused += 1
        borne = float(max(self._burst_in_flight - self._burst_refused, 1))
        if sum(self._recent) >= _MANY_REFUSED:
            self._fall(borne)
            if self._falls_in_row > 1:
                self._pause(wait_s)
        elif self._tried and self._ceiling is not None:
            self.limit = self._ceiling
        else:
            # One among many that are answered: just above the ceiling, or no matter of load at all.
            self.limit = min(self.limit, borne)
            self._ceiling = max(self.limit, borne if self._ceiling is None else self._ceiling - _CEILING_DECAY)

    def pause(self, seconds: float) -> None:
        """Let nobody in for so long and a little longer, since other processes may have been told the same."""
        seconds += random.uniform(0, min(seconds / 10, 1.0))
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def close(self, look_in_s: float) -> None:
        """Let only one in at a time, the first in so many seconds, until `reopen`. Call it before `leave`."""
        self._look_at = time.monotonic() + look_in_s
        if self._timer is not None:  # it may ring much later
            self._timer.cancel()
            self._timer = None
        self._wake()

    def reopen(self) -> None:
        """Let all in again that may be in flight."""
        if self._look_at is not None:
            self._look_at = None
            self._wake()

    def stop(self, error: RunStoppedError) -> None:
        """Let nobody in any more: those who wait, and all who come, get `error`."""
        self._stop = error
        for _, _, place, _ in self._line:
            if not place.done():
                place.set_exception(error)
        self._line.clear()

    def _pause(self, wait_s: float | None) -> None:
        if wait_s is None:
            if self._falls_in_row < 3:
                return
            wait_s = min(_FIRST_PAUSE_S * 2 ** (self._falls_in_row - 3), _LONGEST_PAUSE_S) * random.uniform(0.5, 1)
        self.pause(wait_s)

    def _grow(self, step: float) -> None:
        self.limit = min(self.limit + step, float(self._most))

    def _begin_burst(self) -> None:
        """A refusal of what was sent after the last one: those that were sent by now belong together."""
        self._last_before_burst = self._sent
        self._burst_in_flight, self._burst_refused = self.in_flight, 0
        # One more than the ceiling was tried, and is refused: the ceiling stands.
        self._tried = self._exceeding_since is not None
        if self._tried:
            self._held, self._exceeding_since = 0, None

    def _fall(self, borne: float) -> None:
        """Fall once for a burst; further refusals in it only tell more of what was borne."""
        if self._last_before_fall != self._last_before_burst:
            self._last_before_fall = self._last_before_burst
            self._falls_in_row += 1
            self._held = 0
        self._ceiling = borne
        self.limit = max(1.0, min(self.limit, borne * (FIRST_FALL if self._falls_in_row == 1 else FURTHER_FALL)))

    def _hold(self) -> None:
        self._held += 1
        if self._held >= max(_HOLD_ANSWERS, _HOLD_ROUNDS * self.limit):
            self._exceeding_since = self._sent
            self._grow(1.0)

    def _let_in(self, tokens: int) -> Ticket:
        self._sent += 1
        self.in_flight += 1
        self._pace.take(tokens)
        looks = self._is_looking = self._look_at is not None
        return Ticket(self._sent, tokens, looks)

    def _find_delay(self) -> float | None:
        """Seconds until the next may go; None where a place must be given back first."""
        if self._look_at is not None:
            # Whatever is in flight by then: it may hang there for long.
            look_in_s = self._look_at - time.monotonic()
            return None if self._is_looking else max(look_in_s, self.pause_s, self._pace.find_delay(), 0.0)
        if self.in_flight >= int(self.limit):
            return None
        return max(self.pause_s, self._pace.find_delay())

    def _wake(self) -> None:
        """Let in whoever may go now, and see to it that somebody looks again when the next may."""
        while self._line:
            delay = self._find_delay()
            if delay is None:
                return
            if delay > 0:
                if self._timer is None:
                    self._timer = asyncio.get_running_loop().call_later(delay, self._ring)
                return
            _, _, place, tokens = heapq.heappop(self._line)
            if not place.done():
                place.set_result(self._let_in(tokens))

    def _ring(self) -> None:
        self._timer = None
        self._wake()
