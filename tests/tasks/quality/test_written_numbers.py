"""Numbers are read as people write them, and words or ids that hold digits are no numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.quality.written_numbers import (
    FoundNumber,
    Number,
    find_numbers,
    find_spelled_numbers,
    parse_number,
    read_digits,
    read_numbers,
    read_ranges,
    read_spelled_numbers,
)
from tasks.values.folding import fold_words


def find_values(text: str) -> list[tuple[Number, ...]]:
    return [number.values for number in find_numbers(text)]


@pytest.mark.parametrize(
    ("digits", "value"),
    [
        ("7", 7),
        ("007", 7),
        ("1,000", 1000),
        ("1’000", 1000),
        ("1\u202f000\u00a0000", 1000000),
        ("1,000.5", 1000.5),
        ("12.50", 12.5),
        ("12.0", 12),
        ("1e6", 1000000),
        ("1e14", 10**14),
        ("1e15", 1e15),
        ("999999999999999.0", 999999999999999),
        ("12345678901234567891", 12345678901234567891),
        ("25e-1", 2.5),
    ],
)
def test_digits_have_a_value_and_whole_ones_are_integers(digits: str, value: Number) -> None:
    read = read_digits(digits)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", []),
        ("I need 5 of them.", [(5,)]),
        ("5, 6 and 7", [(5,), (6,), (7,)]),
        ("12.5.", [(12.5,)]),
        ("1,250.75 euros", [(1250.75,)]),
        ("1 000 or 1\u00a0000", [(1,), (0,), (1000,)]),
        ("12,34", [(12,), (34,)]),
        ("1,2345", [(1,), (2345,)]),
        ("1234,567", [(1234,), (567,)]),
        ("-5 or −6.5", [(-5,), (-6.5,)]),
        ("room-5, (3)-4", [(5,), (3,), (4,)]),
        ("v2, Q3, AB12", [(2,), (3,), (12,)]),
        ("ABC12, Q1234, user123, 3f9b, xyz5", []),
        ("5_000", [(5,), (0,)]),
        ("5km, 5 km, 5hours, 5seconds", [(5,), (5,), (5,)]),
        ("1e6, 2E-3, 1e", [(1000000,), (0.002,), (1,)]),
        ("5.11.9", [(5.11,)]),
        ("50%, 29 %, 7 per cent, 8 Percent", [(50, 0.5), (29, 0.29), (7, 0.07), (8, 0.08)]),
        ("5 per century, 5 percentages", [(5,), (5,)]),
        ("5k 6K 7M 8bn 9B 5m", [(5, 5000), (6, 6000), (7, 7000000), (8, 8 * 10**9), (9, 9 * 10**9), (5,)]),
        (
            "1.25 million, 2 thousand, 3 billion, 4 trillion, 5 millions",
            [(1.25, 1250000), (2, 2000), (3, 3 * 10**9), (4, 4 * 10**12), (5,)],
        ),
        ("-3k", [(-3, -3000)]),
        ("$5, € 6, £7, ¥8, ₹9", [(5,), (6,), (7,), (8,), (9,)]),
        ("1e999 and 5", [(5,)]),
        ("9" * 5000 + " and 5", [(5,)]),
    ],
)
def test_numbers_are_found_in_order(text: str, values: list[tuple[Number, ...]]) -> None:
    assert find_values(text) == values


@pytest.mark.parametrize(
    ("text", "quanta"),
    [
        ("12", (1.0,)),
        ("12.5", (0.1,)),
        ("12.50", (0.01,)),
        ("1,000", (1.0,)),
        ("50%", (1.0, 0.01)),
        ("5k", (1.0, 1000.0)),
        ("1.25 million", (0.01, 10000.0)),
    ],
)
def test_the_last_digit_has_its_worth_in_every_reading(text: str, quanta: tuple[float, ...]) -> None:
    (found,) = find_numbers(text)
    assert found.quanta == pytest.approx(quanta)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("at $ 5.", FoundNumber((5,), (1.0,), 3, 6, "", True)),
        ("at -5km.", FoundNumber((-5,), (1.0,), 3, 7, "km", False)),
        ("the 3rd.", FoundNumber((3,), (1.0,), 4, 7, "rd", False)),
        ("so 5 % is", FoundNumber((5, 0.05), (1.0, 0.01), 3, 6, "", False)),
    ],
)
def test_where_a_number_stands_its_unit_and_whether_it_is_money_are_told(text: str, found: FoundNumber) -> None:
    assert find_numbers(text) == [found]


@given(
    st.integers(0, 10**12),
    st.integers(0, 99),
    st.sampled_from(["costs {}.", "({})", "from {} on", "\n{}", "${}", "is {}km"]),
)
def test_a_number_with_separators_is_the_one_that_was_written(whole: int, cents: int, frame: str) -> None:
    value = float(f"{whole}.{cents:02}")
    for written in (f"{whole:,}.{cents:02}", f"{whole}.{cents:02}"):
        assert find_values(frame.format(written)) == [(value,)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("verses 35 to 39", {35, 36, 37, 38, 39}),
        ("3-5", {3, 4, 5}),
        ("3 – 5", {3, 4, 5}),
        ("3 through 4, 8 until 9", {3, 4, 8, 9}),
        ("5 to 5", set()),
        ("9 to 5", set()),
        ("1 to 101", set(range(1, 102))),
        ("1 to 102", set()),
        ("0 to 1", {0, 1}),
        ("9990 to 10000", set()),
        ("2-3-4", set()),
        ("1.5 to 3", set()),
        ("1 to 3.5", set()),
        ("1 to 3 cats.", {1, 2, 3}),
        ("5 and 7", set()),
    ],
)
def test_a_range_names_every_whole_number_in_it_up_to_a_hundred(text: str, values: set[int]) -> None:
    assert read_ranges(text) == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("3,5 or 12,75 litres", {3, 5, 3.5, 12, 75, 12.75}),
        ("50%", {50, 0.5}),
        ("1,234", {1234}),
        ("3,5,7", {3, 5, 7}),
        ("12,345.6", {12345.6}),
        ("none", set()),
    ],
)
def test_a_comma_may_be_a_point(text: str, values: set[Number]) -> None:
    assert read_numbers(text) == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("two hundred and five", [205]),
        ("half a dozen", [6]),
        ("half dozen eggs", [6]),
        ("half of a dozen", [12]),
        ("two dozen", [24]),
        ("a dozen", [12]),
        ("a hundred, a thousand", [100, 1000]),
        ("a hundred twenty three", [123]),
        ("one hundred ten five", [110, 5]),
        ("five six", [5, 6]),
        ("five and six", [5, 6]),
        ("twenty, thirty", [20, 30]),
        ("twenty ten", [20, 10]),
        ("twenty nine", [29]),
        ("twenty zero", [20, 0]),
        ("ten five", [10, 5]),
        ("two hundred zero", [200, 0]),
        ("two hundred dogs and five cats", [200, 5]),
        ("one hundred and one", [101]),
        ("two thousand twenty six", [2026]),
        ("one thousand two hundred", [1200]),
        ("two hundred thousand", [200000]),
        ("three million two thousand", [3002000]),
        ("four billion, one trillion cats", [1004 * 10**9]),
        ("zero", [0]),
        ("zero five", [0, 5]),
        ("zero thousand", [0]),
        ("zero dozen", [0]),
        ("half a dozen five", [6, 5]),
        ("cats and dogs", []),
    ],
)
def test_words_spell_numbers(text: str, values: list[int]) -> None:
    assert find_spelled_numbers(fold_words(text)) == values


UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"


def spell(number: int) -> str:
    """A whole number under a million million in English words."""
    units, tens = UNITS.split(), TENS.split()
    for scale, name in ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= scale:
            rest = f" and {spell(number % scale)}" if number % scale else ""
            return f"{spell(number // scale)} {name}{rest}"
    if number < 20:
        return units[number]
    return tens[number // 10 - 2] + (f"-{units[number % 10]}" if number % 10 else "")


@given(st.lists(st.integers(0, 10**12 - 1), min_size=1, max_size=3))
def test_any_number_can_be_spelled(numbers: list[int]) -> None:
    text = " cats, ".join(map(spell, numbers))
    assert find_spelled_numbers(fold_words(text)) == numbers
    assert read_spelled_numbers(fold_words(text)) == set(numbers)


ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth"
)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *zip(ORDINALS.split(), range(1, 21), strict=True),
        ("couple", 2),
        ("pair", 2),
        ("both", 2),
        ("twice", 2),
        ("once", 1),
        ("single", 1),
    ],
)
def test_ordinals_and_words_for_one_and_two_are_numbers(word: str, value: int) -> None:
    assert read_spelled_numbers(["the", word, "cat"]) == {value}
    assert read_spelled_numbers(["the", word, "of", "five"]) == {value, 5}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,000", (1000,)),
        (" 5 ", (5,)),
        ("-5", (-5,)),
        ("$5", (5,)),
        ("50 %", (50, 0.5)),
        ("5k", (5, 5000)),
        ("1st", (1,)),
        ("2nd", (2,)),
        ("3rd", (3,)),
        ("4th", (4,)),
        ("1.5 million", (1.5, 1500000)),
        ("third", (3,)),
        ("a couple", (2,)),
        ("Twenty-five", (25,)),
        ("two hundred and five", (205,)),
    ],
)
def test_a_text_that_is_a_number_is_parsed(text: str, values: tuple[Number, ...]) -> None:
    number = parse_number(text)
    assert number is not None
    assert number.values == values


def test_a_number_in_words_is_one_of_whole_units() -> None:
    assert parse_number("third") == FoundNumber((3,), (1.0,), 0, 5, "", False)


@pytest.mark.parametrize(
    "text",
    ["", " ", "5 6", "5km", "v2", "5 apples", "#5", "5.", "five six", "five apples", "and a", "third of them", "1-2-3"],
)
def test_a_text_that_is_more_or_less_than_a_number_is_none(text: str) -> None:
    assert parse_number(text) is None
