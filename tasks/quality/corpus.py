"""What an episode has said so far: the user's texts and the API's answers, folded once, asked often.

Owns what is there (words, numbers, days, times); what counts as traceable is for `grounding` (values) and
`response_claims` (texts).
"""

import datetime as dt
import functools
import re
from collections.abc import Iterator
from typing import Any

from tasks.quality.dates import Clock, Day, find_clocks, find_days, read_timestamp
from tasks.quality.written_numbers import Number, read_numbers, read_ranges, read_spelled_numbers
from tasks.values.folding import SEPARATOR, fold_words, make_phrase


def walk_json(value: Any) -> Iterator[Any]:
    """A JSON value and all values in it, each before those that are in it, in order."""
    yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk_json(item)


class Segment:
    """One text of the corpus: a message, or all strings of one observation with separators between them."""

    def __init__(self, raw: str, by_user: bool) -> None:
        self.raw = raw
        self.by_user = by_user
        self.words = fold_words(raw)
        self.phrase = make_phrase(self.words)

    @functools.cached_property
    def known_words(self) -> frozenset[str]:
        return frozenset(self.words)

    @functools.cached_property
    def lower(self) -> str:
        return self.raw.lower()

    @functools.cached_property
    def compact(self) -> tuple[str, frozenset[int]]:
        """All words run together, and the places where one begins or ends."""
        places, length = [0], 0
        for word in self.words:
            length += len(word)
            places.append(length)
        return "".join(self.words), frozenset(places)

    @functools.cached_property
    def days(self) -> frozenset[Day]:
        return frozenset(day for found in find_days(self.raw) for day in found.readings)

    @functools.cached_property
    def clocks(self) -> frozenset[Clock]:
        return frozenset(clock for found in find_clocks(self.raw) for clock in found.readings)

    def holds_compact(self, needle: str) -> bool:
        """Whether words stand in the text that are the needle when run together."""
        text, places = self.compact
        start = text.find(needle)
        while start >= 0:
            if start in places and start + len(needle) in places:
                return True
            start = text.find(needle, start + 1)
        return False


class Corpus:
    """The user's texts and the API's answers up to some point of an episode. Only ever added to."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.bodies: list[Any] = []
        self.numbers: set[Number] = set()
        self.keys: set[str] = set()
        self._moments: set[dt.datetime] = set()
        self._days: set[Day] | None = None
        self._clocks: set[Clock] | None = None

    def add_text(self, text: str, by_user: bool = True) -> None:
        """Add a message, or any other text."""
        segment = Segment(text, by_user)
        self.segments.append(segment)
        self._days = self._clocks = None
        self.numbers |= read_numbers(text)
        self.numbers |= read_spelled_numbers(segment.words)
        if by_user:
            self.numbers |= read_ranges(text)

    def add_json(self, body: Any) -> None:
        """Add an observation's body, or a call's arguments."""
        strings = []
        for part in walk_json(body):
            if isinstance(part, dict):
                self.keys.update(part)
            elif isinstance(part, str):
                strings.append(part)
            elif isinstance(part, int | float) and not isinstance(part, bool):
                self.numbers.add(part)
                if moment := read_timestamp(part):
                    self._moments.add(moment)
        if strings:
            glue = f" {SEPARATOR} "
            self.add_text(glue + glue.join(strings) + glue, by_user=False)
        self.bodies.append(body)
        self._days = self._clocks = None

    def holds_phrase(self, words: list[str]) -> bool:
        """Whether the words stand side by side in one text or value."""
        phrase = make_phrase(words)
        return any(phrase in segment.phrase for segment in self.segments)

    def holds_compact(self, words: list[str]) -> bool:
        """The same where hyphens, spaces and camel case are set differently (`brute-force`, `bruteForce`)."""
        needle = "".join(words)
        return len(needle) > 3 and any(segment.holds_compact(needle) for segment in self.segments)

    def holds_all_words(self, words: set[str], by_user: bool) -> bool:
        """Whether one text holds all words, in any order; `by_user` leaves out the API's answers."""
        return any(words <= segment.known_words for segment in self.segments if segment.by_user or not by_user)

    def holds_word(self, word: str) -> bool:
        """Whether any text holds a folded, stemmed word."""
        return any(word in segment.known_words for segment in self.segments)

    def holds_raw(self, text: str) -> bool:
        """Whether any text holds exactly this, case aside, as a part."""
        return any(text.lower() in segment.lower for segment in self.segments)

    def holds_code(self, code: str) -> bool:
        """Whether a text holds a code in this very case, as a word of its own."""
        pattern = re.compile(rf"(?<![^\W_]){re.escape(code)}(?![^\W_])")
        return any(code in segment.raw and pattern.search(segment.raw) for segment in self.segments)

    def holds_value(self, value: str) -> bool:
        """Whether an observation has exactly this string as a value, or a text has it in quotes."""
        forms = (f"{SEPARATOR} {value} {SEPARATOR}", f'"{value}"', f"'{value}'", f"“{value}”", f"`{value}`")
        return any(form in segment.raw for segment in self.segments for form in forms)

    def holds_labelled(self, code: str) -> bool:
        """Whether a text calls a word a code (`language code it`, `country: in`, `es as the language`, `set to es`)."""
        label, word = r"(?:code|country|currency|lang|language|locale)", re.escape(code)
        pattern = re.compile(
            rf"\b{label}(?: is| of| set to|:|=)?\s+{word}\b|\b{word} as the (?:\w+ )?{label}\b|\bset to {word}\b",
            re.IGNORECASE,
        )
        return any(pattern.search(segment.raw) for segment in self.segments)

    def holds_number(self, value: Number) -> bool:
        """Whether a number was said, in any spelling; a negative one also where a text says `minus` or `south`."""
        if value in self.numbers:
            return True
        if value < 0 and -value in self.numbers:
            return any(segment.known_words & _NEGATIVE for segment in self.segments)
        return False

    def holds_year(self, year: int) -> bool:
        """Whether the user spoke of a year as such, not merely of a day in it."""
        return any(
            segment.by_user
            and str(year) in segment.known_words
            and not any(day.year == year and day.day for day in segment.days)
            for segment in self.segments
        )

    @property
    def days(self) -> set[Day]:
        """All days that were said, Unix timestamps included."""
        if self._days is None:
            self._days = {day for segment in self.segments for day in segment.days}
            self._days |= {Day(moment.year, moment.month, moment.day) for moment in self._moments}
        return self._days

    @property
    def clocks(self) -> set[Clock]:
        """All times of day that were said, Unix timestamps included."""
        if self._clocks is None:
            self._clocks = {clock for segment in self.segments for clock in segment.clocks}
            self._clocks |= {Clock(moment.hour, moment.minute, moment.second) for moment in self._moments}
        return self._clocks


_NEGATIVE = frozenset(["minus", "negative", "below", "south", "west", "s", "w", "loss", "lost", "drop", "debit"])
