"""Whether a value can be traced to what an episode has said, as tolerantly as a person would read it."""

import calendar
import re
from urllib.parse import unquote

from tasks.quality.codes import AMBIGUOUS_CODES, find_codes, find_currency_symbols, find_names
from tasks.quality.corpus import Corpus
from tasks.quality.dates import WEEKDAYS, Clock, Day, FoundMoment, find_clocks, find_days, read_timestamp
from tasks.quality.written_numbers import Number, parse_number
from tasks.values.folding import fold_words

_MOMENT_WORDS = frozenset({*WEEKDAYS, "t", "z", "utc", "gmt", "at", "to", "from", "the", "th", "on"})
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def is_number_grounded(value: Number, corpus: Corpus) -> bool:
    """Whether a number was said: in digits, words, as a month's name, or as the moment that it is a timestamp of."""
    if corpus.holds_number(value):
        return True
    if isinstance(value, int) and 1 <= value <= 12 and any(day.month == value for day in corpus.days):
        return True
    moment = read_timestamp(value)
    if moment is None:
        return False
    clock = Clock(moment.hour, moment.minute, moment.second)
    return is_day_grounded(Day(moment.year, moment.month, moment.day), corpus) and (
        _is_day_edge(clock) or is_clock_grounded(clock, corpus)
    )


def is_value_grounded(text: str, corpus: Corpus) -> bool:
    """Whether a string was said as one value: as it is, or as a number, date or code in another spelling."""
    text = unquote(text)
    words = fold_words(text)
    if not words:
        return not text.strip() or corpus.holds_raw(text.strip())
    number = parse_number(text)
    if number is not None and not re.match(r"\s*0\d", text):
        return any(corpus.holds_number(value) for value in number.values) or _is_date_grounded(text, corpus)
    if text.upper() in AMBIGUOUS_CODES:
        is_there = corpus.holds_code(text.upper()) or corpus.holds_value(text) or corpus.holds_labelled(text)
        return is_there or _is_code_grounded(text, corpus)
    return (
        corpus.holds_phrase(words)
        or _is_date_grounded(text, corpus)
        or corpus.holds_compact(words)
        or corpus.holds_phrase(fold_words(HUMP.sub(" ", text)))
        or _is_code_grounded(text, corpus)
        or _is_script_grounded(text, corpus)
    )


def _is_script_grounded(text: str, corpus: Corpus) -> bool:
    """Scripts without spaces between words are compared as they are."""
    return any(ord(char) > 0x2E80 for char in text) and corpus.holds_raw(text)


def _is_date_grounded(text: str, corpus: Corpus) -> bool:
    """Whether the text is a date, a time or both, and each was said."""
    if not any(char.isdigit() for char in text):
        return False
    days, clocks = find_days(text), find_clocks(text)
    if not (days or clocks) or _has_other_words(text, [*days, *clocks]):
        return False
    if not all(any(is_day_grounded(day, corpus) for day in found.readings) for found in days):
        return False
    return all(
        any(is_clock_grounded(clock, corpus) or (days and _is_day_edge(clock)) for clock in found.readings)
        for found in clocks
    )


def _has_other_words(text: str, found: list[FoundMoment[Day] | FoundMoment[Clock]]) -> bool:
    rest = text
    for find in found:
        rest = rest[: find.start] + " " * (find.end - find.start) + rest[find.end :]
    rest = re.sub(r"[+-]\d\d:?\d\d\s*$", " ", rest)
    return any(word not in _MOMENT_WORDS for word in fold_words(rest))


def _is_day_edge(clock: Clock) -> bool:
    return clock in {Clock(0, 0, 0), Clock(23, 59, 59), Clock(23, 59, 0)}


def is_day_grounded(day: Day, corpus: Corpus, edges: bool = True) -> bool:
    """Whether a day was said. What a text leaves out may be filled in from it: the year if that was said elsewhere.

    With `edges`, the first and last day of a month or year that was said count as said, as ends of a range.
    """
    said = corpus.days
    if day in said:
        return True
    if day.year is None:
        return any(other.month == day.month and day.day in (other.day, None) for other in said)
    if day.day is None:
        same_month = [other for other in said if other.month == day.month]
        return any(o.year == day.year for o in same_month) or (bool(same_month) and day.year in corpus.numbers)
    if Day(None, day.month, day.day) in said and day.year in corpus.numbers:
        return True
    if not edges:
        return False
    if day.day in (1, calendar.monthrange(day.year, day.month)[1]) and Day(day.year, day.month, None) in said:
        return True
    return (day.month, day.day) in {(1, 1), (12, 31)} and corpus.holds_year(day.year)


def is_clock_grounded(clock: Clock, corpus: Corpus) -> bool:
    """Whether a time of day was said, to the minute at least."""
    said = corpus.clocks
    return clock in said or (clock.second == 0 and any(clock[:2] == other[:2] for other in said))


def _is_code_grounded(text: str, corpus: Corpus) -> bool:
    """Whether a country, currency or language was said by its other name."""
    names = find_names(text)
    if any(name in segment.phrase for segment in corpus.segments for name in names):
        return True
    symbols = find_currency_symbols(text) if len(text) == 3 and text.isupper() and names else ()
    if any(corpus.holds_raw(symbol) for symbol in symbols):
        return True
    codes = find_codes(text)
    for code in codes:
        if corpus.holds_code(code) or corpus.holds_value(code.lower()):
            return True
        if any(name in segment.phrase for segment in corpus.segments for name in find_names(code)):
            return True
    # an alpha-3 code for an alpha-2 one and the other way round
    twins = {code for name in names for code in find_codes(name)}
    return any(corpus.holds_code(code) for code in twins)
