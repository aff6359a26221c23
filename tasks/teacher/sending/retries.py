"""Retries, in one place: which failures are worth another attempt, and how long to wait before it.

The SDK's own retries are 0, and Prefect retries only what this cannot mend (a lost worker, a full disk).

- connection errors, time-outs, torn bodies, answers that are none, 408, 409, 425 and 5xx: exponential backoff with full
  jitter, or what the endpoint asks for, up to `attempts` failures or `give_up_s` seconds of failing;
- 429: waits as long as the endpoint asks (else backs off) and does not count as an attempt: a limit is no failure;
- everything else: not retried.
"""

import asyncio
import logging
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from schemas.errors import FatalTeacherError, TeacherError

_log = logging.getLogger(__name__)

LONGEST_BACKOFF_S = 30.0
LONGEST_WAIT_S = 3600.0
"""However long an endpoint asks to wait, it is asked again after this."""

_LONGEST_MEANT_S = 7 * 86400.0
"""An endpoint that asks for more means nothing by it."""

_RETRIED = frozenset({408, 409, 425})
_OVERLOAD = frozenset({429, 503, 529})
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_UNITS_S = (86400.0, 3600.0, 60.0, 1.0, 0.001)
_EPOCH_S = 1e9
"""A reset above this is a point in time (2001 and later), not a number of seconds."""


class EndpointError(Exception):
    """One failed attempt. `status` is None where no HTTP status came back; `fatal` ends the run; `late` means that no
    answer came in time; `said` is the endpoint's own account of what it refused: parameter, code and message.

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
    ) -> None:
        super().__init__(text)
        self.status = status
        self.wait_s = wait_s
        self.retried = retried
        self.fatal = fatal
        self.late = late
        self.said = said

    @property
    def is_limit(self) -> bool:
        """Whether the endpoint only asks for patience."""
        return self.status == 429 and not self.fatal

    @property
    def is_overload(self) -> bool:
        """Whether fewer requests at a time would have helped."""
        return not self.fatal and (self.status in _OVERLOAD or self.late)


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
    """The attempts at one request. `count` is the number of the one that is next, or under way.

        while True:
            async with tries.attempt():
                return await send()

    A failure that is worth another attempt is waited after, and the loop goes on; any other leaves it. No slot is held
    while waiting. `rest` waits for so many seconds; it may raise, where the run is over.
    """

    def __init__(self, backoff: Backoff, rest: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self.count = 1
        self._backoff = backoff
        self._rest = rest
        self._failures = self._limits = 0  # the limits are those in a row
        self._failing_s = 0.0

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """One attempt; the body raises EndpointError where it fails.

        Raises:
            FatalTeacherError: no later request can succeed either.
            TeacherError: the request was refused, or failed in every attempt; the message is the last problem.
        """
        started = time.monotonic()
        try:
            yield
        except EndpointError as error:
            if error.fatal:
                raise FatalTeacherError(str(error)) from error
            wait = self._note_limit(error) if error.is_limit else self._note_failure(error, time.monotonic() - started)
            self.count += 1
            await self._rest(wait)

    def _note_limit(self, error: EndpointError) -> float:
        """Seconds to wait."""
        self._limits += 1
        wait = self._backoff.choose_wait(self._limits, error.wait_s)
        if self._limits == 1 or wait > 60:
            _log.info("the endpoint limits the rate; waiting %.1f s", wait)
        return wait

    def _note_failure(self, error: EndpointError, took_s: float) -> float:
        """Seconds to wait. Raises TeacherError where there is to be no further attempt."""
        backoff = self._backoff
        self._failures, self._limits = self._failures + 1, 0
        wait = backoff.choose_wait(self._failures, error.wait_s)
        self._failing_s += took_s + wait
        if not error.retried:
            raise TeacherError(str(error)) from error
        if self._failures >= backoff.attempts:
            raise TeacherError(f"{error} (attempt {self._failures} of {backoff.attempts})") from error
        if self._failing_s > backoff.give_up_s:
            raise TeacherError(
                f"{error} (attempt {self._failures}, given up after {backoff.give_up_s:g} s of failing)"
            ) from error
        return wait


def is_retried(status: int) -> bool:
    """Whether a request that got this HTTP status may be sent again."""
    return status in _RETRIED or status == 429 or status >= 500


def read_wait(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds that a response asks to wait before the next request; None where it does not say.

    Read in this order: `retry-after-ms`, `retry-after` (seconds, or an HTTP date), and the resets of the limits that
    `x-ratelimit-remaining-*` says are used up (seconds, an epoch, `1m30s`, `20ms`). Header names are lower-case or
    the mapping ignores case; `now` is in seconds since 1970.
    """
    now = time.time() if now is None else now
    if (milliseconds := _read_number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    if (asked := headers.get("retry-after")) is not None and (wait := _read_moment(asked, now)) is not None:
        return wait
    plain = headers.get("x-ratelimit-reset")
    resets = [None if plain is None else _read_moment(plain, now), read_pause(headers, now)]
    return max((reset for reset in resets if reset is not None), default=None)


def bound_wait(asked_s: float | None) -> float | None:
    """As many seconds as are waited where so many were asked for; None, for the own backoff, where that is absurd."""
    return None if asked_s is None or asked_s > _LONGEST_MEANT_S else min(asked_s, LONGEST_WAIT_S)


def read_pause(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds until the limit that an answer says is used up is there again; None if none is.

    A limit of which something is left refills for longer than one has to wait.
    """
    resets = []
    for limit in ("requests", "tokens"):
        if headers.get(f"x-ratelimit-remaining-{limit}") == "0":
            reset = _read_moment(headers.get(f"x-ratelimit-reset-{limit}") or "", time.time() if now is None else now)
            if reset is not None:
                resets.append(reset)
    return max(resets, default=None)


def _read_moment(text: str, now: float) -> float | None:
    """Seconds from now, from seconds, an epoch (in seconds or milliseconds), a duration or an HTTP date."""
    text = text.strip()
    number = _read_number(text)
    if number is not None:
        if number > 1000 * _EPOCH_S:
            number /= 1000
        return max(number - now, 0.0) if number > _EPOCH_S else number
    if text and (match := _DURATION.fullmatch(text)):
        return sum(float(part) * unit for part, unit in zip(match.groups(), _UNITS_S, strict=True) if part)
    try:
        return max(parsedate_to_datetime(text).timestamp() - now, 0.0)
    except (ValueError, TypeError, LookupError, ArithmeticError, OSError):  # the parser raises all of these
        return None


def _read_number(text: str | None) -> float | None:
    """A finite number that is not negative, written in ASCII digits."""
    if text is None or not re.fullmatch(r" *[0-9]{1,15}(?:\.[0-9]*)? *", text):
        return None
    return float(text)
