"""Retries, in one place: which failures are worth another attempt, and how long to wait before it.

The SDK's own retries are 0, and Prefect retries only what this cannot mend (a lost worker, a full disk).

- what may pass (torn bodies, answers that are none, 5xx, what the server could not read of its own model's words):
  exponential backoff with full jitter, or what the endpoint asks for, up to `attempts` failures or `give_up_s` seconds
  of failing. Time-outs and unreadable words are followed by another draw, for the same one would end so again;
- limits: wait as long as the endpoint asks (else back off) and do not count as an attempt: a limit is no failure;
- an endpoint that answers nobody: is waited for as a whole (`outage`), and does not count as an attempt either;
- a refused request is asked once more, with another draw.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from schemas.calls import Usage
from schemas.errors import FatalTeacherError, TeacherError
from tasks.teacher.sending.meanings import Meaning
from tasks.teacher.sending.waits import LONGEST_WAIT_S

_log = logging.getLogger(__name__)

LONGEST_BACKOFF_S = 30.0

_OVERLOAD = frozenset({503, 529})
_REDRAWN = frozenset({"slow", "unparsed", "moderated", "doubtful", "refused"})
_ONCE_MORE = frozenset({"moderated", "doubtful", "refused"})


class EndpointError(Exception):
    """One failed attempt. `status` is None where no HTTP status came back; `fatal` ends the run; `late` means that no
    answer came in time; `said` is the endpoint's own account of what it refused: parameter, code and message.

    `means` is what was read of it (empty where the flags say all), `retried` whether it may pass. The sender sets the
    rest: `took_s` is what the attempt took after its turn had come, and an attempt that does not `count` was lost to an
    endpoint that answers nobody. `used` is what an answer that is none says that it took.

    Made afresh from the SDK's errors, for those carry the request and with it the key.
    """

    def __init__(
        self,
        text: str,
        *,
        status: int | None = None,
        wait_s: float | None = None,
        retried: bool = False,
        fatal: bool = False,
        late: bool = False,
        said: str = "",
        means: Meaning | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.wait_s = wait_s
        self.retried = retried
        self.fatal = fatal
        self.late = late
        self.said = said
        self.means = means
        self.took_s = 0.0
        self.counts = True
        self.used: Usage | None = None

    @property
    def is_limit(self) -> bool:
        """Whether the endpoint only asks for patience."""
        return not self.fatal and (self.means == "limit" or (self.means is None and self.status == 429))

    @property
    def is_overload(self) -> bool:
        """Whether fewer requests at a time would have helped."""
        return not self.fatal and (self.is_limit or self.late or self.status in _OVERLOAD)

    @property
    def is_away(self) -> bool:
        """Whether it is the endpoint as a whole that did not answer."""
        return self.means in ("away", "loading") and not self.fatal

    @property
    def is_slow(self) -> bool:
        """Whether the answer was not waited for, while a model may have gone on writing it."""
        return self.late or self.means == "slow"

    @property
    def is_used_up(self) -> bool:
        """Whether there is nothing to be bought any more, now or for hours."""
        return self.means in ("account", "quota")

    @property
    def is_redrawn(self) -> bool:
        """Whether the next attempt is to be another draw."""
        return self.late or self.means in _REDRAWN


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """How long to wait before another attempt: `first_s` doubles with each attempt, a random share of it is taken.

    A request is given up after `attempts` failures, or `give_up_s` seconds of failed attempts and waits after them.
    """

    attempts: int
    give_up_s: float = 900.0
    first_s: float = 0.5

    def choose_wait(self, failures: int, asked_s: float | None) -> float:
        """Seconds before the next attempt, after `failures` failures in a row (1 or more).

        What the endpoint asks for is kept and lengthened by up to a quarter, at most a second, so that those who
        were told the same do not come back together.
        """
        if asked_s is not None:
            wait = min(asked_s, LONGEST_WAIT_S)
            return wait + random.uniform(0, min(0.25 * wait, 1.0))
        return random.uniform(0, min(self.first_s * 2 ** min(failures - 1, 16), LONGEST_BACKOFF_S))


class Tries:
    """The attempts at one request. `count` is the number of the one that is next, or under way, `draw` the number of
    other draws that were asked for before it.

        while True:
            async with tries.attempt():
                return await send()

    A failure that is worth another attempt is waited after, and the loop goes on; any other leaves it. No slot is held
    while waiting. `rest` waits for so many seconds; it may raise, where the run is over.
    """

    def __init__(self, backoff: Backoff, rest: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self.count = 1
        self.draw = 0
        self._backoff = backoff
        self._rest = rest
        self.answers_before: int | None = None
        """How many requests the endpoint had answered when it last did not answer this one."""
        self._failures = self._limits = self._refusals = 0  # the limits are those in a row
        self._failing_s = 0.0

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """One attempt; the body raises EndpointError where it fails.

        Raises:
            FatalTeacherError: no later request can succeed either.
            TeacherError: the request was refused, or failed in every attempt; the message is the last problem.
        """
        try:
            yield
        except EndpointError as error:
            wait = self._choose_wait(error)
            self.count += 1
            self.draw += error.is_redrawn
            await self._rest(wait)

    def _choose_wait(self, error: EndpointError) -> float:
        """Seconds to wait. Raises TeacherError where there is to be no further attempt."""
        if not error.counts:
            return self._backoff.choose_wait(1, None)
        if error.fatal:
            raise FatalTeacherError(str(error)) from error
        if error.is_limit:
            return self._note_limit(error)
        if error.means in _ONCE_MORE and not self._refusals:
            self._refusals += 1
            return self._backoff.choose_wait(1, error.wait_s)
        return self._note_failure(error)

    def _note_limit(self, error: EndpointError) -> float:
        """Seconds to wait."""
        self._limits += 1
        wait = self._backoff.choose_wait(self._limits, error.wait_s)
        if self._limits == 1 or wait > 60:
            _log.info("the endpoint limits the rate; waiting %.1f s", wait)
        return wait

    def _note_failure(self, error: EndpointError) -> float:
        """Seconds to wait. Raises TeacherError where there is to be no further attempt."""
        backoff = self._backoff
        self._failures, self._limits = self._failures + 1, 0
        wait = backoff.choose_wait(self._failures, error.wait_s)
        self._failing_s += error.took_s + wait
        if not error.retried:
            raise TeacherError(str(error)) from error
        if self._failures >= backoff.attempts:
            raise TeacherError(f"{error} (attempt {self._failures} of {backoff.attempts})") from error
        if self._failing_s > backoff.give_up_s:
            raise TeacherError(
                f"{error} (attempt {self._failures}, given up after {backoff.give_up_s:g} s of failing)"
            ) from error
        return wait
