"""Numbers as people write them: digits with separators, signs, scales, percentages; words and ordinals."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from tasks.values.folding import fold_words

Number = int | float

_UNIT_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_ORDINAL_WORDS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth"
)
UNITS = tuple(_UNIT_WORDS.split())
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = tuple(_ORDINAL_WORDS.split())
_SMALL = {word: value for value, word in enumerate(UNITS)}
_ROUND = {word: 20 + 10 * i for i, word in enumerate(_TENS)}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_GROUPS = {"hundred": 100, "dozen": 12}
_CARDINALS = frozenset({*_SMALL, *_ROUND, *_SCALES, *_GROUPS})
_OTHERS = {"couple": 2, "pair": 2, "both": 2, "twice": 2, "once": 1, "single": 1}
_OTHERS |= {word: i for i, word in enumerate(_ORDINALS, start=1)}

_SUFFIX_SCALES = {"k": 10**3, "K": 10**3, "M": 10**6, "bn": 10**9, "B": 10**9}

_NUMBER = re.compile(
    r"""
    (?<![^\W_]) (?<!\d\.)                                # not inside a word or behind another number's point
    (?P<sign> (?<![\w)]) [-−] )?
    (?: [A-Za-z]{1,2} (?=\d{1,3}(?!\d)) )?             # v2, Q3, A4
    (?P<money> [$€£¥₹] \s? )?
    (?P<digits>
        \d{1,3} (?: [,’'\u00a0\u202f] \d{3} )+ (?!\d) (?: \.\d+ )?
      | \d+ (?: \.\d+ )? (?: [eE][+-]?\d+ )?
    )
    (?P<unit> [A-Za-zµ]{1,5} )?
    (?![^\W_])
    (?P<percent> \s? (?: %|[Pp]er[ ]?cent\b ) )?
    (?: \s (?P<scale> thousand|million|billion|trillion ) \b )?
    """,
    re.VERBOSE,
)
_INFINITY = float("inf")
_MOST_DIGITS = 290
"""Times any scale this is less than the largest float."""

_MOST_COUNTED = 10**15
"""Number words that lead further are a run of their own: `hundred hundred hundred …` is no number."""

_DIGIT = re.compile(r"\d")
_BEFORE_DIGITS = 3
"""The most characters that stand before a number's first digit: a sign, and two letters or a currency and a space."""
_DECIMAL_COMMA = re.compile(r"(?<![\w.,])(\d+),(\d{1,2})(?![\w,])")
_RANGE = re.compile(r"(?<![\w.,-])(\d{1,4})\s*(?:-|–|to|through|until)\s*(\d{1,4})(?![\w-]|[.,]\d)")
_GROUPING = re.compile(r"[,’'\u00a0\u202f]")


class FoundNumber(NamedTuple):
    """A number in a text: `values` are its readings (50%: 50 and 0.5), `quanta` the worth of its last digit in each."""

    values: tuple[Number, ...]
    quanta: tuple[float, ...]
    start: int
    end: int
    unit: str = ""
    money: bool = False


def read_digits(digits: str) -> Number:
    """The value of digits such as `1,000`, `12.50` or `1e6`; whole values are ints.

    Raises:
        ValueError: there are too many digits for anything to be computed with the number.
    """
    plain = _GROUPING.sub("", digits)
    if len(plain) > _MOST_DIGITS:
        raise ValueError("too many digits")
    if plain.isdigit():
        return int(plain)
    value = float(plain)
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def _find_quantum(digits: str) -> float:
    point = digits.find(".")
    return 1.0 if point < 0 else 10.0 ** -(len(digits) - point - 1)


def find_numbers(text: str) -> list[FoundNumber]:
    """All numbers written in digits, in order. Digits inside a word or id (`user123`, `3f9b`) are none."""
    found = []
    for match in _match_numbers(text):
        sign, money, digits, unit, percent, scale = match.groups("")
        try:
            value = read_digits(digits)
        except ValueError:
            continue
        if value == _INFINITY:
            continue
        value = -value if sign else value
        quantum = _find_quantum(digits)
        values: tuple[Number, ...] = (value,)
        quanta: tuple[float, ...] = (quantum,)
        factor: Number = 0.01 if percent else _SUFFIX_SCALES.get(unit) or _SCALES.get(scale) or 1
        if factor != 1:
            values, quanta = (value, round(value * factor, 12)), (quantum, quantum * factor)
        found.append(FoundNumber(values, quanta, match.start(), match.end(), unit, bool(money)))
    return found


def _match_numbers(text: str) -> Iterator[re.Match[str]]:
    """The matches of `_NUMBER`; it is slow where there are none, so each search starts just before the next digit."""
    place = 0
    while digit := _DIGIT.search(text, place):
        match = _NUMBER.search(text, max(place, digit.start() - _BEFORE_DIGITS))
        if match is None:
            return
        yield match
        place = match.end()


def read_ranges(text: str) -> set[int]:
    """The whole numbers inside the ranges that a text names (`verses 35 to 39`), up to 100 a range."""
    values: set[int] = set()
    for first, last in _RANGE.findall(text):
        if 0 < int(last) - int(first) <= 100:
            values.update(range(int(first), int(last) + 1))
    return values


def read_numbers(text: str) -> set[Number]:
    """Every reading of every number written in digits, decimal commas included."""
    values: set[Number] = {value for number in find_numbers(text) for value in number.values}
    if "," in text:
        values.update(float(f"{whole}.{rest}") for whole, rest in _DECIMAL_COMMA.findall(text))
    return values


class _Speller:
    """Adds up runs of number words; a word that cannot continue a run starts the next."""

    def __init__(self) -> None:
        self.values: list[int] = []
        self._total = 0
        self._current: int | None = None
        self._open = False

    def end_run(self) -> None:
        if self._open:
            self.values.append(self._total + (self._current or 0))
        self._total, self._current, self._open = 0, None, False

    def take(self, word: str) -> None:
        if word in _SCALES:
            self._total += (1 if self._current is None else self._current) * _SCALES[word]
            self._current = None
        elif word in _GROUPS:
            if (self._current or 0) > _MOST_COUNTED:
                self.end_run()
            self._current = (1 if self._current is None else self._current) * _GROUPS[word]
        else:
            value = _SMALL[word] if word in _SMALL else _ROUND[word]
            if self._current is not None and not self._continues(value):
                self.end_run()
            self._current = (self._current or 0) + value
        self._open = True

    def _continues(self, value: int) -> bool:
        current = self._current or 0
        if current >= 100 and current % 100 == 0:
            return value > 0
        return current % 10 == 0 and current % 100 >= 20 and 0 < value < 10


def find_spelled_numbers(words: list[str]) -> list[int]:
    """The cardinal numbers among folded words: `two hundred and five` is 205, `half a dozen` 6."""
    if _CARDINALS.isdisjoint(words):
        return []
    speller = _Speller()
    recent: list[str] = []
    for word in words:
        if word in _CARDINALS:
            if word == "dozen" and "half" in recent:
                speller.values.append(6)
            else:
                speller.take(word)
        elif word != "and":
            speller.end_run()
        recent = [*recent[-1:], word]
    speller.end_run()
    return speller.values


def read_spelled_numbers(words: list[str]) -> set[Number]:
    """Every number that folded words spell, ordinals and words such as `couple` included."""
    values: set[Number] = {_OTHERS[word] for word in _OTHERS.keys() & words}
    values.update(find_spelled_numbers(words))
    return values


def parse_number(text: str) -> FoundNumber | None:
    """The number that the whole text is (`1,000`, `$5`, `50 %`, `third`), or None."""
    stripped = text.strip()
    found = find_numbers(stripped)
    if len(found) == 1 and found[0].start == 0 and found[0].end == len(stripped) and not stripped[0].isalpha():
        unit = found[0].unit
        return found[0] if not unit or unit in _SUFFIX_SCALES or unit in {"st", "nd", "rd", "th"} else None
    words = fold_words(stripped)
    if all(word in _CARDINALS or word in _OTHERS or word in {"and", "a"} for word in words):
        spelled = read_spelled_numbers(words)
        if len(spelled) == 1:
            return FoundNumber((spelled.pop(),), (1.0,), 0, len(text))
    return None
