"""How long an endpoint asks to wait: headers and durations in all their spellings."""

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

LONGEST_WAIT_S = 3600.0
"""However long an endpoint asks to wait, it is asked again after this."""

_LONGEST_MEANT_S = 32 * 86400.0
"""An endpoint that asks for more means nothing by it; quotas of a month there are."""

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_UNITS_S = (86400.0, 3600.0, 60.0, 1.0, 0.001)
_EPOCH_S = 1e9
"""A reset above this is a point in time (2001 and later), not a number of seconds."""


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
    resets = [None if plain is None else _read_moment(plain, now)]
    resets += [_read_reset(headers, limit, now) for limit in ("requests", "tokens")]
    return max((reset for reset in resets if reset is not None), default=None)


def read_pause(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds that all others wait after an answer that used up the limit of requests; None where they need not.

    A reset is the time in which the whole limit is there again, and it fills steadily: the next request may go after
    its part of it, where the limit is told. Where it is not, or where tokens are used up (how many the next request
    takes is not known), nothing is waited for: the endpoint refuses what is too early, and that is no failure.
    """
    reset = _read_reset(headers, "requests", time.time() if now is None else now)
    limit = _read_number(headers.get("x-ratelimit-limit-requests"))
    return None if reset is None or not limit else reset / limit


def bound_wait(asked_s: float | None) -> float | None:
    """As many seconds as are waited where so many were asked for; None, for the own backoff, where that is absurd."""
    return None if asked_s is None or asked_s > _LONGEST_MEANT_S else min(asked_s, LONGEST_WAIT_S)


def read_duration(text: str) -> float | None:
    """Seconds of `7`, `7.5`, `1m30s`, `20ms`; None for what is none."""
    text = text.strip()
    number = _read_number(text)
    if number is not None:
        return number
    if text and (match := _DURATION.fullmatch(text)):
        return sum(float(part) * unit for part, unit in zip(match.groups(), _UNITS_S, strict=True) if part)
    return None


def _read_reset(headers: Mapping[str, str], limit: str, now: float) -> float | None:
    """Seconds until a limit of which nothing is left is there again.

    A limit of which something is left refills for longer than one has to wait.
    """
    if headers.get(f"x-ratelimit-remaining-{limit}") != "0":
        return None
    return _read_moment(headers.get(f"x-ratelimit-reset-{limit}") or "", now)


def _read_moment(text: str, now: float) -> float | None:
    """Seconds from now, from seconds, an epoch (in seconds or milliseconds), a duration or an HTTP date."""
    text = text.strip()
    number = _read_number(text)
    if number is not None:
        if number > 1000 * _EPOCH_S:
            number /= 1000
        return max(number - now, 0.0) if number > _EPOCH_S else number
    if (duration := read_duration(text)) is not None:
        return duration
    try:
        return max(parsedate_to_datetime(text).timestamp() - now, 0.0)
    except (ValueError, TypeError, LookupError, ArithmeticError, OSError):  # the parser raises all of these
        return None


def _read_number(text: str | None) -> float | None:
    """A finite number that is not negative, written in ASCII digits."""
    if text is None or not re.fullmatch(r" *[0-9]{1,15}(?:\.[0-9]*)? *", text):
        return None
    return float(text)
