"""A number in a response is one that was said, rounded or counted; the next one beside it is made up."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.quality.corpus import Corpus
from tasks.quality.counts import Counts
from tasks.quality.response_claims import Grounds, find_ungrounded_claims


def find(text: str, *known: Any, counted: Any = None) -> list[str]:
    """The claims of a text that `known` (the user's texts, the API's JSON) and `counted` do not bear out."""
    corpus = Corpus()
    for item in known:
        if isinstance(item, str):
            corpus.add_text(item)
        else:
            corpus.add_json(item)
    counts = Counts([] if counted is None else [counted], set(), set)
    return find_ungrounded_claims(text, corpus, Grounds(corpus, frozenset(), counts))


@pytest.mark.parametrize(
    ("text", "known", "made_up"),
    [
        ("it is 5", 5, False),
        ("it is 5", 6, True),
        ("it is -5", -5, False),
        ("it is -5", 5, True),
        ("it is 1,250", 1250, False),
        ("it is 1,250", 1251, True),
        ("it is 11.46", 11.4567, False),
        ("it is 11.45", 11.4567, True),
        ("it is 11.47", 11.4567, True),
        ("it is 11.5", 11.45, False),
        ("it is 11.5", 11.4499, True),
        ("it is 11.4", 11.45, False),
        ("it is 11.4", 11.4501, True),
        ("it is 11", 11.4567, False),
        ("it is 12", 11.4567, True),
        ("it is 12", 11.5, False),
        ("it is 11", 11.5, False),
        ("it is 10", 10.6, True),
        ("it is 5k", 4500, False),
        ("it is 5k", 4499, True),
        ("it is 5k", 5500, False),
        ("it is 5k", 5501, True),
        ("it is 1.25 million", 1254999, False),
        ("it is 1.25 million", 1255001, True),
        ("it is 50%", 0.5, False),
        ("it is 50%", 50, False),
        ("it is 50%", 0.496, False),
        ("it is 50%", 0.494, True),
        ("it is 50%", 49.6, False),
        ("it is 50%", 49.4, True),
        ("it is 0.5", 50, True),
        ("it is 1e-1", 0, True),
        ("it is 1e-1", 0.1, False),
        ("it is 5 kg", 5, False),
        ("it is 5kg", 5, False),
        ("it is 5kg", 6, True),
    ],
)
def test_a_number_is_the_one_that_is_known_or_rounds_it(text: str, known: float, made_up: bool) -> None:
    assert bool(find(text, [known])) is made_up


@given(st.integers(1, 10**6), st.integers(0, 3))
def test_a_rounded_number_lies_half_a_last_digit_away_at_most(thousandths: int, digits: int) -> None:
    exact = thousandths / 1000
    rounded = round(exact, digits)
    assert find(f"it is {rounded:.{digits}f}", [exact]) == []
    for off in (-1, 1):
        beside = rounded + off * 10**-digits
        if abs(beside - exact) > 0.501 * 10**-digits and beside > 0:
            assert find(f"it is {beside:.{digits}f}", [exact]) != []


ABOUT = "about|around|approximately|roughly|nearly|almost|over|under|more than|less than|some|approx.|approx|~|≈|About"


@pytest.mark.parametrize("word", ABOUT.split("|"))
def test_about_is_within_five_per_cent(word: str) -> None:
    for value, made_up in ((100, False), (105, False), (106, True), (95, False), (94, True)):
        assert bool(find(f"{word} {value} here", [100])) is made_up
        assert bool(find(f"it is {word.lower()} {value} here", [100])) is made_up


def test_signs_for_about_need_no_space() -> None:
    assert find("it is ~105 or ≈95", [100]) == []


@pytest.mark.parametrize("text", ["it is 105", "about it: 105 is", "it is 105, about", "it is 105 or over"])
def test_without_such_a_word_before_it_a_number_is_exact(text: str) -> None:
    assert find(text, [100]) == ["105"]


def test_about_a_negative_number() -> None:
    assert find("it is about -105", [-100]) == []
    assert find("it is about -106", [-100]) == ["-106"]
    assert find("it is about 100", [-100]) == ["100"]


DOWN = (
    "minus 5|negative 5|5 below zero|5 south|5 west|down 5|fell by 5|fallen by 5|a drop of 5|dropped 5|a loss of 5|"
    "lost 5|declined 5|decreased 5|5 S|5 W|5° S|5 °W"
)


@pytest.mark.parametrize("words", DOWN.split("|"))
def test_a_number_is_negative_where_the_text_says_so(words: str) -> None:
    assert find(f"it is {words} here", [-5]) == []
    assert find(f"it is {words} here", [-6]) == ["5"]
    assert find(f"it is {words.replace('5', '5.25')} here", [-5.2468]) == []
    assert find(f"it is {words.replace('5', '5.26')} here", [-5.2468]) == ["5.26"]


def test_a_number_is_not_negative_where_none_says_so() -> None:
    assert find("it is 5 north", [-5]) == ["5"]
    assert find("it is 5 and then, a good deal later, below", [-5]) == ["5"]
    assert find("below all that is written here, it is 5", [-5]) == ["5"]


@pytest.mark.parametrize(
    ("text", "known", "claims"),
    [
        ("it costs $120.50", 12050, []),
        ("it costs €120.50", 12050, []),
        ("it costs $120.50", 12051, ["$120.50"]),
        ("it costs 120.50", 12050, ["120.50"]),
        ("it costs $120", 12000, ["$120"]),
        ("it costs $120.5", 12050, ["$120.5"]),
        ("it costs $0.29", 29, []),
    ],
)
def test_an_amount_of_money_may_be_given_in_cents(text: str, known: int, claims: list[str]) -> None:
    assert find(text, [known]) == claims


THREE = [{"kind": "dog"}, {"kind": "dog"}, {"kind": "cat"}]


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("there are 3", []),
        ("there are 2 dogs", []),
        ("there are three, two of a kind", []),
        ("there are 4", ["4"]),
        ("there are four", ["4"]),
        ("there are 0:\n- a", ["0"]),
        ("there are -3", ["-3"]),
        ("it is 3.0", ["3.0"]),
        ("it is 2.50", ["2.50"]),
        ("it is 2%", ["2%"]),
        ("it is 2 per cent", ["2 per cent"]),
        ("it is 3k", ["3k"]),
        ("the 1st, 2nd and 3rd", []),
        ("the 4th", ["4th"]),
        ("the 0th", ["0th"]),
        ("the third", []),
        ("it is one of them, or zero", []),
    ],
)
def test_what_is_counted_is_known_and_no_share_of_it(text: str, claims: list[str]) -> None:
    assert find(text, counted=THREE) == claims


SEVEN = [str(number) for number in range(7)]


PARTS = (
    "the top {}|the first {}|the last {}|the next {}|another {}|the other {}|the remaining {}|these {}|those {}|"
    "the best {}|{} more|{} other|{} others|{} further|{} additional|{} remaining|{} of the|{} of them|{} of these|"
    "{} of those|{} dogs more|the {} best|the {} most|the {} least|the {} cheapest"
)


@pytest.mark.parametrize("words", PARTS.split("|"))
def test_a_part_of_what_there_is_may_be_named_up_to_all_of_it(words: str) -> None:
    for part, made_up in (("1", False), ("3", False), ("7", False), ("8", True), ("three", False), ("nine", True)):
        assert bool(find(f"so {words.format(part)} are", counted=SEVEN)) is made_up, part
    assert find(f"so {words.format(0)} are\n- a", counted=SEVEN) == ["0"]


@pytest.mark.parametrize(
    "text", ["there are 3", "there are three", "the 3 that are left", "the top is 3", "3 cats and dogs", "more than 3"]
)
def test_without_words_for_a_part_a_number_must_be_counted(text: str) -> None:
    assert find(text, counted=SEVEN) == ["3"]


@pytest.mark.parametrize("three", ["**3**", "*3*", "__3__"])
def test_emphasis_does_not_stand_between_a_number_and_its_words(three: str) -> None:
    assert find(f"so {three} more", counted=SEVEN) == []
    assert find(f"the top {three}", counted=SEVEN) == []


@pytest.mark.parametrize(
    ("text", "gap"),
    [("it is 8{}below", 19), ("below{}8", 19), ("about{}5.2", 19), ("top{}4", 9), ("is it top{}4", 9)],
)
def test_words_that_stand_far_from_a_number_say_nothing_of_it(text: str, gap: int) -> None:
    assert find(text.format(" " * gap), [-8, 5.1], counted=SEVEN) == []
    assert find(text.format(" " * (gap + 1)), [-8, 5.1], counted=SEVEN) != []


def test_a_word_between_a_number_and_more_may_be_long() -> None:
    assert find(f"there are 3 {'o' * 18} more", counted=SEVEN) == []
    assert find(f"there are 3 {'o' * 19} more", counted=SEVEN) == ["3"]


def test_a_part_may_be_spelled_with_more_words() -> None:
    many = [str(number) for number in range(30)]
    assert find("there are twenty-five more", counted=many) == []
    assert find("there are thirty-one more", counted=many) == ["31"]
    assert find("there are twenty-five here", counted=many) == ["25"]
    assert find("Top 25, or the FIRST ten", counted=many) == ["FIRST"]


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("two:\n1. a\n2. b", []),
        ("2:\n- a\n- b", []),
        ("2:\n* a\n• b", []),
        ("3:\n- a\n- b", ["3"]),
        ("two: 1) a, 2) b", []),
        ("2, namely (1) a; (2) b", []),
        ("two: #1 and #2", []),
        ("the 2nd:\n1. a\n2. b", []),
        ("the 3rd:\n1. a\n2. b", ["3rd"]),
        ("four:\n1. a\n2. b", ["4"]),
        ("it is 1.", ["1"]),
        ("it is #1234", ["1234"]),
        ("\n1234. a", ["1234"]),
        ("\n- 1. a\n  (12) b", []),
    ],
)
def test_marks_of_a_list_state_nothing_and_are_counted(text: str, claims: list[str]) -> None:
    assert find(text) == claims


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("it has 4.5/5", []),
        ("it has 4.5 / 10", []),
        ("it has 4.5 out of 100", []),
        ("it has 4.5/7", ["7"]),
        ("it has 4.5 of 10", ["10"]),
        ("it has 4.6/5", ["4.6"]),
    ],
)
def test_the_scale_of_a_rating_states_nothing(text: str, claims: list[str]) -> None:
    assert find(text, [4.5]) == claims


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("five cats", []),
        ("six cats", ["6"]),
        ("twenty-five cats", ["25"]),
        ("half a dozen cats", ["6"]),
        ("one cat and zero dogs", []),
        ("one cat, five dogs and six eels", ["6"]),
        ("two cats", ["2"]),
        ("a hundred cats", ["100"]),
        ("nineteen cats", ["19"]),
        ("twenty cats", ["20"]),
        ("minus five", []),
        ("both cats, once and a third", []),
    ],
)
def test_numbers_in_words_from_two_on_are_claims(text: str, claims: list[str]) -> None:
    assert find(text, "minus 5") == claims


def test_a_number_in_the_name_of_a_field_is_none() -> None:
    assert find("the frequency per million is 3.5", [{"perMillion": 3.5}]) == []
    assert find("the frequency per million is 3.5", [{"per": 3.5}]) == ["1000000"]


def test_a_number_with_its_scale_is_read_once() -> None:
    assert find("it is 1.25 million or 2.5 million, not 3 billion", [1250000, 2500000]) == ["3 billion"]


def test_only_the_number_beside_the_words_for_a_part_is_one() -> None:
    assert find("there are three cats, five more", counted=SEVEN) == ["3"]
    assert find("the first three, so three", counted=SEVEN) == []


def test_each_claim_is_named_once_and_as_it_is_written() -> None:
    assert find("it is $1,250.75, 7 and 7 and $1,250.75") == ["$1,250.75", "7"]


def test_without_grounds_the_corpus_alone_bears_out() -> None:
    corpus = Corpus()
    corpus.add_json(SEVEN)
    assert find_ungrounded_claims("there are 7 of them, not 8", corpus) == ["7", "8"]
    corpus.add_text("7")
    assert find_ungrounded_claims("there are 7 of them, not 8", corpus) == ["8"]


@pytest.mark.parametrize(
    ("text", "known", "claims"),
    [
        ("volume 19590809", 19590809, []),
        ("on 19590809", "1959-08-09", []),
        ("volume 19590809", 19590810, ["19590809"]),
    ],
)
def test_an_amount_that_could_be_read_as_a_day_is_one_where_it_was_returned(
    text: str, known: Any, claims: list[str]
) -> None:
    assert find(text, known) == claims
