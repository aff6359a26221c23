"""Dates and times of day as people and APIs write them, read into numbers that compare.

A written form that can mean two days (`03/04/2026`) or two times (`3:30`) is read as both.
"""

import calendar
import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

MONTHS = tuple(name.lower() for name in calendar.month_name)[1:]
WEEKDAYS = tuple(name.lower() for name in calendar.day_name)


class Day(NamedTuple):
    """A day, or what is known of it; None where the text does not say."""

    year: int | None
    month: int
    day: int | None


class Clock(NamedTuple):
    """A time of day; `second` is 0 where the text does not say."""

    hour: int
    minute: int
    second: int


MomentT = TypeVar("MomentT", Day, Clock)


@dataclass(frozen=True)
class FoundMoment(Generic[MomentT]):
    """A date or a time of day in a text, with all that it can mean."""

    readings: tuple[MomentT, ...]
    start: int
    end: int


_MONTH = (
    r"(?P<mon>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_TH = r"(?:st|nd|rd|th)?"
_TO = r"(?:\s*(?:-|–|to|and|until|till|through)\s*(?:the\s+)?"
# A pattern that opens with a digit is searched for from digit to digit, not character by character: so what may not
# stand before that digit is told right behind it.
_ISO = re.compile(r"(?P<y>[12]\d{3})(?<![\d.-]\d{4})([-/.])(?P<m>\d{1,2})(?:\2(?P<d>\d{1,2}))?(?![\d-]|\.\d)")
_COMPACT = re.compile(r"(?P<y>(?:19|20)\d\d)(?<![\w.]\d{4})(?P<m>\d\d)(?P<d>\d\d)(?!\w|\.\d)")
_NUMERIC = re.compile(r"(?P<a>\d(?<![\w.]\d)\d?)([/.-])(?P<b>\d{1,2})\2(?P<y>[12]\d{3}|\d\d)(?![\w]|[./]\d)")
_DAY_FIRST = re.compile(
    rf"(?P<d>\d(?<!\w\d)\d?){_TH}{_TO}(?P<d2>\d{{1,2}}){_TH})?[\s-]*(?:of\s+)?\b{_MONTH},?(?:[\s-]+(?P<y>[12]\d{{3}})\b)?",
    re.IGNORECASE,
)
_MONTH_FIRST = re.compile(
    rf"\b{_MONTH}[\s-]+(?:the\s+)?(?P<d>\d{{1,2}}){_TH}(?!\d|:){_TO}(?P<d2>\d{{1,2}}){_TH}(?!\d|:))?"
    rf"(?:,?[\s-]+(?P<y>[12]\d{{3}})\b)?",
    re.IGNORECASE,
)
_MONTH_YEAR = re.compile(rf"\b{_MONTH},?\s+(?:of\s+)?(?P<y>[12]\d{{3}})\b", re.IGNORECASE)
_CLOCK = re.compile(
    r"(?P<h>\d(?<![^\W_T]\d)(?<![:.,]\d)\d?)(?::(?P<mi>\d\d)(?::(?P<s>\d\d)(?:\.\d+)?)?)?(?P<ap>\s?[ap]\.?m\b\.?)?(?![\d:])",
    re.IGNORECASE,
)
_WORD_CLOCK = re.compile(
    r"\b(?:(?P<noon>noon|midday)|(?P<midnight>midnight)|(?P<h>\d{1,2}) o['’]clock)\b", re.IGNORECASE
)


_MONTH_STARTS = tuple(month[:3] for month in MONTHS)


def _read_day(year: int | None, month: int, day: int | None) -> Day | None:
    if not 1 <= month <= 12 or not 1 <= (day or 1) <= calendar.monthrange(year or 2024, month)[1]:
        return None
    return Day(year, month, day)


def _read_month(name: str) -> int:
    return next(i for i, month in enumerate(MONTHS, start=1) if month.startswith(name[:3].casefold()))


def _read_match(match: re.Match[str]) -> Iterator[Day | None]:
    parts = match.groupdict()
    if match.re is _ISO and match[2] == "." and not parts["d"]:
        return  # 1786.07 is a number
    if parts.get("a"):
        short = int(parts["y"])
        full = short if short >= 100 else short + (2000 if short < 70 else 1900)
        yield _read_day(full, int(parts["b"]), int(parts["a"]))
        yield _read_day(full, int(parts["a"]), int(parts["b"]))
        return
    year = int(parts["y"]) if parts.get("y") else None
    month = int(parts["m"]) if parts.get("m") else _read_month(parts["mon"])
    yield _read_day(year, month, int(parts["d"]) if parts.get("d") else None)


def find_days(text: str) -> list[FoundMoment[Day]]:
    """All dates in a text, in order; a form that can mean several things is one find with several readings."""
    found = []
    folded = text.casefold()
    by_name = (_DAY_FIRST, _MONTH_FIRST, _MONTH_YEAR) if any(month in folded for month in _MONTH_STARTS) else ()
    for pattern in (_ISO, _COMPACT, _NUMERIC, *by_name):
        for match in pattern.finditer(text):
            readings = tuple(dict.fromkeys(day for day in _read_match(match) if day))
            if readings:
                found.append(FoundMoment(readings, match.start(), match.end()))
            second = match.groupdict().get("d2")
            if readings and second:
                other = _read_day(readings[0].year, readings[0].month, int(second))
                if other:
                    found.append(FoundMoment((other,), match.start(), match.end()))
    return sorted(_drop_inner(found), key=lambda find: find.start)


def _drop_inner(found: list[FoundMoment[Day]]) -> list[FoundMoment[Day]]:
    """Without finds that lie inside a longer one (`March 2026` inside `3 March 2026`)."""

    inner: set[tuple[int, int]] = set()
    reached = 0
    # The longest of those that start together comes first.
    for start, end in sorted({(find.start, find.end) for find in found}, key=lambda span: (span[0], -span[1])):
        if end <= reached:
            inner.add((start, end))
        reached = max(reached, end)
    return [find for find in found if (find.start, find.end) not in inner]


def find_clocks(text: str) -> list[FoundMoment[Clock]]:
    """All times of day in a text, in order; without am or pm, 3:30 is read as both."""
    found = []
    for match in _CLOCK.finditer(text):
        hour, minute, second = int(match["h"]), int(match["mi"] or 0), int(match["s"] or 0)
        half = (match["ap"] or "").strip().lower()[:1]
        if (not half and match["mi"] is None) or hour > 24 or minute > 59 or second > 59 or (half and hour > 12):
            continue
        hours = [hour % 12 + (12 if half == "p" else 0)] if half else [hour % 24]
        if not half and hour < 12 and not match["s"]:
            hours.append(hour + 12)
        found.append(FoundMoment(tuple(Clock(h, minute, second) for h in hours), match.start(), match.end()))
    for match in _WORD_CLOCK.finditer(text):
        hours = (
            [12] if match["noon"] else [0] if match["midnight"] else [int(match["h"]) % 24, int(match["h"]) % 12 + 12]
        )
        found.append(FoundMoment(tuple(Clock(h, 0, 0) for h in hours), match.start(), match.end()))
    return sorted(found, key=lambda find: find.start)


def read_timestamp(value: float) -> dt.datetime | None:
    """The moment (UTC) that a number means as Unix seconds or milliseconds, years 2000 to 2099; else None."""
    for scale in (1, 1000):
        if 946_684_800 * scale <= value < 4_102_444_800 * scale:  # no division: a number may be too large for that
            return dt.datetime.fromtimestamp(value / scale, dt.UTC)
    return None
