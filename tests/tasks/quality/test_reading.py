"""Texts are read in leaps, from digit to digit; what is found must be what a reader of every character finds."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.quality import dates, written_numbers
from tasks.values.folding import fold_text

PIECES = st.sampled_from(
    [
        *"0123456789.,:/-−$€%()_ \nTxé①٣",
        "v2",
        "k",
        "bn",
        "per cent",
        "million",
        "1,000",
        "2026",
        "31",
        "May ",
        "ſept",
        "pm",
    ]
)
TEXTS = st.lists(PIECES, max_size=30).map("".join)


@given(TEXTS)
@example("it costs -$ 5, not a5b nor xQ3")
@example("٣ of 3")
def test_a_number_is_found_wherever_it_stands(text: str) -> None:
    leaping = [match.span() for match in written_numbers._match_numbers(text)]
    assert leaping == [match.span() for match in written_numbers._NUMBER.finditer(text)]


@given(TEXTS)
def test_a_date_is_found_wherever_it_stands(text: str) -> None:
    for pattern, opening, plain in (
        (dates._ISO, r"(?P<y>[12]\d{3})(?<![\d.-]\d{4})", r"(?<![\d.-])(?P<y>[12]\d{3})"),
        (dates._COMPACT, r"(?P<y>(?:19|20)\d\d)(?<![\w.]\d{4})", r"(?<![\w.])(?P<y>(?:19|20)\d\d)"),
        (dates._NUMERIC, r"(?P<a>\d(?<![\w.]\d)\d?)", r"(?<![\w.])(?P<a>\d{1,2})"),
        (dates._DAY_FIRST, r"(?P<d>\d(?<!\w\d)\d?)", r"\b(?P<d>\d{1,2})"),
        (dates._CLOCK, r"(?P<h>\d(?<![^\W_T]\d)(?<![:.,]\d)\d?)", r"(?<![^\W_T])(?<![:.,])(?P<h>\d{1,2})"),
    ):
        assert opening in pattern.pattern
        reader = re.compile(pattern.pattern.replace(opening, plain), pattern.flags)
        assert [m.span() for m in pattern.finditer(text)] == [m.span() for m in reader.finditer(text)]


@pytest.mark.parametrize("text", ["3 May 2026", "may 3", "SEPT 2026", "on the 3rd of MARCH", "ſept 3, 2026"])
def test_a_month_is_known_in_every_case(text: str) -> None:
    assert len(dates.find_days(text)) == 1


CHARACTERS = st.one_of(st.integers(0, 0x2FF), st.integers(0x300, 0xD7FF), st.integers(0xE000, 0x10FFFF)).map(chr)


@given(st.lists(CHARACTERS).map("".join))
@example("Ærøskøbing, Łódź, straße, ΌΣΟΣ, İstanbul, ﬁve x² e\u0301")
def test_folding_takes_marks_and_case_from_every_character(text: str) -> None:
    plain = str.maketrans({"ø": "o", "æ": "ae", "ł": "l", "đ": "d", "ı": "i", "œ": "oe", "þ": "th", "ð": "d"})
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    assert fold_text(text) == "".join(c for c in decomposed if not unicodedata.combining(c)).translate(plain)
