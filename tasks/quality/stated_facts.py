"""What a response says of its own making: how many things there are, how far they range, and what was done to them.

A number that stands somewhere in an answer may be an age or a limit; that there are so many of the API's things is true
only where so many were listed, counted or told as a total. Values go from the least of them to the greatest. Nothing is
gone, new or changed that no call made so.
"""

import re
from collections.abc import Iterator, Set
from typing import Any

from tasks.quality.corpus import walk_json
from tasks.quality.counts import Counts
from tasks.quality.written_numbers import UNITS
from tasks.values import split_name
from tasks.values.folding import fold_words

_STATED = re.compile(
    rf"\b(?:there (?:is|are|was|were)|(?:I |we )?(?:have )?(?:found|counted|count|see)|return(?:s|ed)|hold|holds|lists?"
    rf"|contains?|got)\s+(?:only |exactly |in all |a total of )*(?P<number>\d{{1,6}}|{'|'.join(UNITS[1:])})"
    r"(?:\s+(?!of\b|or\b|to\b|more\b|out\b)(?P<first>[A-Za-z-]+))(?:\s+(?P<second>[A-Za-z-]+))?(?:\s+(?P<third>[A-Za-z-]+))?",
    re.IGNORECASE,
)
_WORDS = ("first", "second", "third")
"""The words behind the number, one of which is what is counted."""

_ENDS = re.compile(r"\s*(?:[:.;(]|,? among\b|$)")
"""Where nothing follows that would tell some of the things from the others."""

_RANGE = re.compile(
    r"\b(?:from|between)\s+[$€£]?(?P<low>\d[\d,]*(?:\.\d+)?)\s*(?:to|and|-|–)\s*[$€£]?(?P<high>\d[\d,]*(?:\.\d+)?)",
    re.IGNORECASE,
)

_OF_COUNTS = frozenset(
    fold_words("total count number num hits matches results size length quantity amount found available")
)

_CHANGED = r"(?:deleted|removed|cancell?ed|erased|created|added|updated|changed|modified)"
_BEFORE = r"(?:now |just |successfully )?"
_DONE = re.compile(
    rf"\b(?:has|have) {_BEFORE}been {_BEFORE}{_CHANGED}\b|\b(?:is|are) (?:now )?gone\b"
    rf"|\b(?:was|were|is|are) (?:now )?successfully {_CHANGED}\b|\bI(?:[’']ve| have)? {_BEFORE}{_CHANGED}\b",
    re.IGNORECASE,
)
_NOT = re.compile(r"\b(?:not|never|no|none|nothing|unable|if|once|when|until|whether|that)\b|n[’']t\b", re.IGNORECASE)
_CLAUSE = 40
"""Characters before such words in which one that takes them back stands."""


def find_miscounts(response: str, bodies: list[Any], things: Set[str], counts: Counts) -> Iterator[str]:
    """The statements that there are so many of the API's things where so many were neither listed nor told.

    `things` are the folded words that functions are called by; lists are called by their keys.
    """
    stated = list(_STATED.finditer(response))
    if not stated:
        return
    objects = [part for body in bodies for part in walk_json(body) if isinstance(part, dict)]
    fields = [(key, value) for part in objects for key, value in part.items()]
    nouns = things | {word for key, value in fields if isinstance(value, list) for word in _read_name(key)[-1:]}
    for match in stated:
        number = _read_number(match["number"])
        name = next((name for name in _WORDS if match[name] and set(fold_words(match[name])) & nouns), None)
        if name is None or number < 1:
            continue
        is_all = _ENDS.match(response, match.end(name)) is not None
        if counts.holds_all(number) if is_all else counts.holds_things(number):
            continue
        told = {*fold_words(match[name]), *_OF_COUNTS}
        if not any(value == number and told & set(_read_name(key)) for key, value in fields):
            yield match.group()


def find_misranges(response: str, bodies: list[Any]) -> Iterator[str]:
    """The statements that a field's values go from one to another of them where others lie outside."""
    ranges = list(_RANGE.finditer(response))
    columns = [column for body in bodies for column in _list_columns(body)] if ranges else []
    for match in ranges:
        low, high = (float(match[end].replace(",", "")) for end in ("low", "high"))
        holding = [column for column in columns if low in column and high in column]
        if low < high and holding and not any((min(column), max(column)) == (low, high) for column in holding):
            yield match.group()


def _list_columns(body: Any) -> Iterator[set[float]]:
    """The numbers that the things of each list have in each of their fields."""
    for part in walk_json(body):
        things = [thing for thing in part if isinstance(thing, dict)] if isinstance(part, list) else []
        for name in {name for thing in things for name in thing}:
            values = [thing.get(name) for thing in things]
            yield {float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)}


def find_undone(response: str, *, has_changed: bool) -> Iterator[str]:
    """The statements that something was made, changed or deleted where no call did so."""
    if has_changed:
        return
    for match in _DONE.finditer(response):
        if not _NOT.search(response[max(0, match.start() - _CLAUSE) : match.end()]):
            yield match.group()


def _read_name(name: str) -> list[str]:
    return fold_words(" ".join(split_name(name)))


def _read_number(text: str) -> int:
    return int(text) if text.isdecimal() else UNITS.index(text.lower())
