"""What a text states that can be checked: numbers, dates, names, ids, quotations, addresses; and which are made up.

A claim is grounded when the corpus holds it, or it follows from what the corpus holds in a way that a reader would
accept: another spelling, a rounded number, a count. Lower-case words are never claims.
"""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tasks.quality.corpus import Corpus
from tasks.quality.counts import Counts
from tasks.quality.dates import MONTHS, WEEKDAYS, find_clocks, find_days
from tasks.quality.grounding import HUMP, is_clock_grounded, is_day_grounded, is_value_grounded
from tasks.quality.written_numbers import UNITS, FoundNumber, Number, find_numbers, find_spelled_numbers
from tasks.values.folding import STOP_WORDS, fold_words

# In these patterns runs have bounds where a text of nothing else would be read again from each of its places.
_ADDRESS = re.compile(
    r"(?:\b[a-z]+://|www\.)[^\s<>\"')\]]+|[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"
    r"|\b(?:[a-z0-9-]{1,63}\.){1,20}[a-z]{2,8}\b(?![/\w])"
)
_ADDRESS_SIGN = re.compile(r"@|://|\.[a-z]|www\.")
"""What every address has, and few texts do: quickly looked for, where `_ADDRESS` tries every word."""

_PHONE = re.compile(
    r"(?<![\w.])(?=[+(\d][\d ().-]{0,200}[-)])(?=(?:[+ ().-]{0,200}\d){7})\+?[\d(][\d ().-]{6,200}\d(?![\w%])"
)
_QUOTE = re.compile(r"“([^”\n]{1,2000})”|\"([^\"\n]+)\"|`([^`\n]+)`|(?<![^\s(])'([^'\n]+)'(?![^\W_])")
_CODE = re.compile(r"(?<![^\W_])[^\W_]+(?:[-_.:][^\W_]+)*(?![^\W_])")
_MEASURE = re.compile(
    r"[\d.,:]+(?:-?[A-Za-zµ]{1,4}|-[A-Za-z]+)|[A-Za-z]{1,2}\d{1,2}|\d+(?:st|nd|rd|th|s)", re.IGNORECASE
)
_MARKER = re.compile(r"(?m)^\s{0,200}(?:[-*•]\s{0,200})?\(?\d{1,3}[.)]\s|(?<=[\s,;:(])\(?\d{1,2}\)\s|#\d{1,2}\b")
_LABEL = re.compile(r"(?m)^[\s\-*•#>\d.)]{0,200}([^\W\d_][^\s:.!?]*)(?:[ ][^\s:.!?]+){0,2}:(?=[\s*]|$)")
_NAME = re.compile(r"(?<![^\W_])[^\W\d_][^\W\d_]*(?:['’][^\W\d_]+)?")
_SENTENCE_START = re.compile(r"(?:^|[.!?…\n])[\s\"“‘'*_(\[#>|]*$")
_ITEM_START = re.compile(r"(?:[:;•|>#*—–(/]|(?:^|\s)-)[\s\"“‘'*_(\[#>-]*$")
_LIST_BREAK = re.compile(r"[,;|(]\s*$")
_GOES_ON = re.compile(r",?\s+(?:I\b|[^\W\d_A-Z]+\b)")
_EMPHASIS = re.compile(r"\*\*|(?<![^\W_])__|__(?![^\W_])|(?<=[\s(])\*(?=[^\W_])|(?<=[\w.,!?])\*(?!\*)")
_SCALE = re.compile(r"(?:/\s?|\bout of )(?:5|10|100)\b")
_ABOUT = re.compile(
    r"(?:about|around|approximately|roughly|nearly|almost|over|under|more than|less than|some|approx\.?|~|≈)\s*$",
    re.IGNORECASE,
)
_PART = re.compile(
    r"\s*(?:more|others?|further|additional|remaining|of (?:the|them|these|those))\b"
    r"|\s+\w+ more\b|\s+(?:\w+est|best|most|least)\b",
    re.IGNORECASE,
)
_FIRST = re.compile(r"\b(?:top|first|last|next|other|another|remaining|these|those|best)\s*$", re.IGNORECASE)
_DOWN = re.compile(
    r"\b(?:minus|negative|below|south|west|down|fell|fallen|drop\w*|loss|lost|declin\w*|decreas\w*|[SW])\b|°\s?[SW]"
)

_COMMON = (
    "api apis id ids url urls uri http https json xml html css csv pdf iso utc gmt am pm ok i ip faq tv dvd mr mrs ms "
    "dr jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun hi hello yes no "
    "please thanks thank sorry note english fahrenheit celsius kelvin internet earth lat lon lng vs ps eta gps dna "
    "free none unknown true false available unavailable"
)
COMMON_NAMES = frozenset({*MONTHS, *WEEKDAYS, *_COMMON.split()})
"""Capitalised words that name nothing in particular, folded."""


@functools.lru_cache(maxsize=1 << 12)
def _split_key(key: str) -> frozenset[str]:
    """A field's name as words, in both readings of camel case; an API's episodes have the same fields."""
    return frozenset(fold_words(f"{key} {HUMP.sub(' ', key)}"))


@dataclass
class Grounds:
    """What a text may state: the corpus, words that are nobody's claim (the API's own), and what can be counted."""

    corpus: Corpus
    vocabulary: frozenset[str] = frozenset()
    counts: Counts = field(default_factory=lambda: Counts([], set(), set))


def find_ungrounded_claims(text: str, corpus: Corpus, grounds: Grounds | None = None) -> list[str]:
    """The claims of a text that neither the corpus nor `grounds` bears out, as they are written, each once."""
    return list(dict.fromkeys(go_through_claims(text, grounds or Grounds(corpus))))


def go_through_claims(text: str, grounds: Grounds) -> Iterator[str]:
    """The same claims one by one, for who needs the first only: a text may hold thousands."""
    yield from _Finder(text, grounds).find()


class _Finder:
    """Walks through the kinds of claims; what one kind has read is blanked, so that no other reads it again."""

    def __init__(self, text: str, grounds: Grounds) -> None:
        self.text = _EMPHASIS.sub("", text) if "*" in text or "__" in text else text
        self.corpus = grounds.corpus
        self.grounds = grounds
        self.key_words = frozenset[str]().union(*map(_split_key, self.corpus.keys))
        self.listed = len(_MARKER.findall(text)) or len(re.findall(r"(?m)^\s{0,200}[-*•]\s", text))

    def find(self) -> Iterator[str]:
        yield from self._find_addresses()
        yield from self._find_quotes()
        self._blank_markers()
        yield from self._find_moments()
        yield from self._find_phones()
        yield from self._find_codes()
        yield from self._find_numbers()
        yield from self._find_names()

    def _blank(self, start: int, end: int, filler: str = "¦") -> None:
        self.text = self.text[:start] + filler * (end - start) + self.text[end:]

    def _find_addresses(self) -> Iterator[str]:
        for match in _ADDRESS.finditer(self.text) if _ADDRESS_SIGN.search(self.text) else ():
            address = match.group().rstrip(".,;:!?*_")
            if not self.corpus.holds_raw(address):
                yield address
            self._blank(match.start(), match.start() + len(address))

    def _find_quotes(self) -> Iterator[str]:
        for match in _QUOTE.finditer(self.text):
            quoted = next(group for group in match.groups() if group is not None)
            words = fold_words(quoted)
            content = set(words) - STOP_WORDS
            if is_value_grounded(quoted.strip(" .,;:!?…"), self.corpus) or self.corpus.holds_all_words(content, False):
                self._blank(match.start(), match.end())
            elif all(self._is_known(word) for word in content):
                continue
            else:
                yield quoted
                self._blank(match.start(), match.end())

    def _blank_markers(self) -> None:
        for match in [*_MARKER.finditer(self.text), *_SCALE.finditer(self.text)]:
            end = match.start() + len(match.group().rstrip())
            self._blank(match.start(), end, "•")

    def _find_moments(self) -> Iterator[str]:
        days = find_days(self.text)
        for day in days:
            told = self.text[day.start : day.end].strip()
            if told.isdecimal() and self.corpus.holds_number(int(told)):
                continue  # an amount that could be read as a day
            if not any(is_day_grounded(reading, self.corpus, edges=False) for reading in day.readings):
                yield told
        for day in days:
            self._blank(day.start, day.end)
        for clock in find_clocks(self.text):
            if not any(is_clock_grounded(reading, self.corpus) for reading in clock.readings):
                yield self.text[clock.start : clock.end].strip()
            self._blank(clock.start, clock.end)

    def _find_phones(self) -> Iterator[str]:
        for match in _PHONE.finditer(self.text):
            phone = match.group()
            if self.corpus.holds_compact(fold_words(phone)):
                self._blank(match.start(), match.end())
            elif phone.startswith("+") or len(re.split(r"[-() ]+", phone)) > 2:
                yield phone
                self._blank(match.start(), match.end())

    def _find_codes(self) -> Iterator[str]:
        for match in _CODE.finditer(self.text):
            code = match.group()
            if code.isalpha() and code[1:].islower():  # a word, as most are
                continue
            digits, letters = any(c.isdigit() for c in code), any(c.isalpha() for c in code)
            humped = any(c.isupper() for c in code[1:]) and any(c.islower() for c in code)
            dotted = digits and code.count(".") > 1
            if not (dotted or "_" in code or (digits and letters) or (humped and "-" not in code)):
                continue
            if _MEASURE.fullmatch(code) and not self.text[: match.start()].endswith("#"):
                if is_value_grounded(code, self.corpus):  # a name such as XC60, not a measure
                    self._blank(match.start(), match.end())
                continue
            if not (is_value_grounded(code, self.corpus) or self._is_known_code(code)):
                yield code
            self._blank(match.start(), match.end())

    def _is_known_code(self, code: str) -> bool:
        if code in self.corpus.keys:
            return True
        parts = re.split(r"[-_.:]", code)
        if any(char.isdigit() for char in code):  # mid-2020: an ordinary word and a number that was said
            return any(part.isalpha() for part in parts) and all(
                (part.isalpha() and part.islower())
                or (part.isdecimal() and len(part) < 20 and int(part) in self.corpus.numbers)
                for part in parts
            )
        return all(self._is_known(word) for part in parts for word in fold_words(part))

    def _find_numbers(self) -> Iterator[str]:
        for number in find_numbers(self.text):
            if not self._is_number_grounded(number):
                yield self.text[number.start : number.end].strip()
        yield from self._find_spelled_numbers()

    def _find_spelled_numbers(self) -> Iterator[str]:
        # "frequency per million" is a field's name, not a number
        text = self.text
        for number in find_numbers(text):  # the million of "1.25 million" has been read
            text = text[: number.start] + "0" * (number.end - number.start) + text[number.end :]
        words = [word for word in fold_words(text) if word not in self.key_words]
        for value in find_spelled_numbers(words):
            # "one" is a pronoun more often than a number
            if value < 2 or self.corpus.holds_number(value) or self._is_counted(value):
                continue
            spelled = rf"(?:{'|'.join(UNITS)})" if value >= len(UNITS) else UNITS[value]
            places = list(re.finditer(rf"\b{spelled}\b", self.text, re.IGNORECASE))
            is_part = any(self._is_part(match.start(), match.end()) for match in places)
            if not (is_part and value <= self.grounds.counts.longest):
                yield str(value)

    def _is_number_grounded(self, number: FoundNumber) -> bool:
        before, after = self.text[: number.start][-24:], self.text[number.end :][:24]
        ordinal = number.unit.lower() in {"st", "nd", "rd", "th"}
        is_down = bool(_DOWN.search(before + " " + after))
        for value, quantum in zip(number.values, number.quanta, strict=True):
            if value in self.corpus.numbers or self._is_rounded(value, quantum):
                return True
            if is_down and (-value in self.corpus.numbers or self._is_rounded(-value, quantum)):
                return True
            if _ABOUT.search(before) and self._is_about(value):
                return True
        value = number.values[0]
        if number.money and round(value * 100) in self.corpus.numbers and number.quanta[0] == 0.01:
            return True
        if len(number.values) > 1 or ordinal:  # a share or a multiple counts nothing
            return ordinal and 0 < value <= max(self.grounds.counts.longest, self.listed)
        if number.quanta[0] == 1 and self._is_counted(value):
            return True
        return self._is_part(number.start, number.end) and 0 < value <= self.grounds.counts.longest

    def _is_part(self, start: int, end: int) -> bool:
        """Whether the words around a number say that it counts some of what there is (`the top 3`, `2 more`)."""
        return bool(_PART.match(self.text[end : end + 24]) or _FIRST.search(self.text[max(0, start - 12) : start]))

    def _is_counted(self, value: Number) -> bool:
        return value == self.listed or self.grounds.counts.holds(value)

    def _is_rounded(self, value: float, quantum: float) -> bool:
        """Whether a number with more digits is `value` when rounded to `quantum`."""
        if quantum < 1:
            half = quantum / 2 * (1 + 1e-9)
            return any(abs(known - value) <= half for known in self.corpus.numbers)
        half = quantum / 2
        return any(
            abs(known - value) <= half for known in self.corpus.numbers if quantum > 1 or isinstance(known, float)
        )

    def _is_about(self, value: float) -> bool:
        """Whether a number lies within 5 per cent; only where the text says that it is no exact one."""
        return any(abs(known - value) <= 0.05 * abs(known) for known in self.corpus.numbers)

    def _find_names(self) -> Iterator[str]:
        for match in _LABEL.finditer(self.text):
            if match[1].lower() not in STOP_WORDS:
                self._blank(match.start(), match.end() - 1)
        for match in _NAME.finditer(self.text):
            name = match.group()
            if len(name) < 2 or not name[0].isupper() or name.startswith(("I'", "I’")):
                continue
            before, after = self.text[max(0, match.start() - 12) : match.start()], self.text[match.end() :]
            if _SENTENCE_START.search(before) or (after.startswith(":") and _LIST_BREAK.search(before)):
                continue
            if _ITEM_START.search(before) and _GOES_ON.match(after):
                continue
            plain = re.sub(r"['’]s?$", "", name)
            if not all(self._is_known(word) for word in fold_words(plain)) and not self._is_called_so(match, plain):
                yield plain

    def _is_called_so(self, match: re.Match[str], name: str) -> bool:
        """Whether the name, or the run of names that it is part of, is another word for what was said."""
        start, end = match.start(), match.end()
        run = re.search(r"(?:[^\W\d_]+(?:[ -](?:and|of|the) |[ -])){0,4}$", self.text[max(0, start - 200) : start])
        rest = re.match(r"(?:(?:[ -](?:and|of|the) |[ -])[^\W\d_]+){0,4}", self.text[end:])
        left = run.group().split() if run else []
        right = rest.group().split() if rest else []
        return any(
            is_value_grounded(" ".join([*left[i:], name, *right[:j]]), self.corpus)
            for i in range(len(left) + 1)
            for j in range(len(right) + 1)
        )

    def _is_known(self, word: str) -> bool:
        return (
            word in COMMON_NAMES
            or word in STOP_WORDS
            or word in self.grounds.vocabulary
            or word in self.key_words
            or self.corpus.holds_word(word)
        )
