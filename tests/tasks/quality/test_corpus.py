"""What an episode has said is asked for by word, phrase, number, code, day and time; no more is in it than was said."""

import pytest

from tasks.quality.corpus import walk_json
from tasks.quality.dates import Clock, Day
from tasks.values.folding import fold_words
from tests.tasks.quality.saying import hear, receive


def test_values_are_walked_in_order() -> None:
    body = {"a": [1, {"b": None}, []], "c": "x", "d": {}}
    assert list(walk_json(body)) == [body, [1, {"b": None}, []], 1, {"b": None}, None, [], "x", {}]
    assert list(walk_json("x")) == ["x"]


def test_a_message_gives_words_numbers_and_ranges() -> None:
    corpus = hear("Read verses 35 to 39, twenty times, at 50%")
    assert {35, 37, 39, 20, 50, 0.5} <= corpus.numbers
    assert 40 not in corpus.numbers
    assert corpus.holds_word("verse")
    assert corpus.bodies == []


def test_an_answer_gives_numbers_texts_and_keys_but_no_ranges() -> None:
    body = {"id": 7, "inner": [{"share": 0.25, "open": True, "note": "5 to 9, three times"}], "none": None}
    corpus = receive(body)
    assert corpus.numbers == {7, 0.25, 5, 9, 3}
    assert corpus.keys == {"id", "inner", "share", "open", "note", "none"}
    assert corpus.bodies == [body]
    assert [segment.by_user for segment in corpus.segments] == [False]


def test_a_boolean_is_no_number() -> None:
    corpus = receive({"open": True, "closed": False})
    assert not corpus.holds_number(1)
    assert not corpus.holds_number(0)
    assert corpus.segments == []


@pytest.mark.parametrize(
    ("phrase", "held"),
    [
        ("hotel in Lyon", True),
        ("HOTELS in lyon", True),
        ("in Lyon near", True),
        ("hotel Lyon", False),
        ("hotel in Ly", False),
        ("tel in Lyon", False),
        ("Lyon the river", False),
        ("Lyon cheap", False),
    ],
)
def test_a_phrase_stands_side_by_side_in_one_text(phrase: str, held: bool) -> None:
    corpus = hear("Find a hotel in Lyon, near the river", "cheap and quiet")
    assert corpus.holds_phrase(fold_words(phrase)) is held


@pytest.mark.parametrize(
    ("words", "held"),
    [
        ("bruteforce", True),
        ("brute force", True),
        ("bru teforce", True),
        ("ruteforce", False),
        ("bruteforc", False),
        ("forceattack", True),
        ("abcd", True),
        ("abc", False),
        ("c da", False),
    ],
)
def test_words_may_be_run_together_from_four_characters_on(words: str, held: bool) -> None:
    assert hear("nothing", "a brute-force attack; ab cd, ab c; c da").holds_compact(fold_words(words)) is held


def test_words_run_together_are_found_behind_a_place_where_they_only_seem_to_stand() -> None:
    assert hear("xabcd ab cd").holds_compact(["abcd"])
    assert not hear("xabcd abcdx").holds_compact(["abcd"])
    assert hear("a aaaa").holds_compact(["aa", "aa"])
    assert hear("ab cd").holds_compact(["abcd"])


def test_all_words_must_stand_in_one_text_and_by_user_leaves_the_answers_out() -> None:
    corpus = hear("an axolotl that is wild", "blue and green")
    corpus.add_json(["red", "yellow"])
    assert corpus.holds_all_words({"wild", "axolotl"}, by_user=True)
    assert not corpus.holds_all_words({"wild", "blue"}, by_user=True)
    assert not corpus.holds_all_words({"wild", "tame"}, by_user=True)
    assert not corpus.holds_all_words({"red", "yellow"}, by_user=True)
    assert corpus.holds_all_words({"red", "yellow"}, by_user=False)
    assert corpus.holds_all_words({"wild", "axolotl"}, by_user=False)


def test_a_word_is_held_whole_and_from_any_text() -> None:
    corpus = hear("train to Oslo", "and back")
    assert corpus.holds_word("train")
    assert corpus.holds_word("back")
    assert not corpus.holds_word("rain")


def test_raw_text_is_held_in_any_case_as_a_part() -> None:
    corpus = hear("See HTTPS://Example.com/A?b=1", "and more")
    assert corpus.holds_raw("https://example.COM/a")
    assert corpus.holds_raw("more")
    assert not corpus.holds_raw("example.org")


@pytest.mark.parametrize(
    ("code", "held"),
    [("IT", True), ("it", False), ("U", False), ("EU", True), ("SA", False), ("a.b", True), ("a.c", False)],
)
def test_a_code_is_held_in_its_very_case_as_a_word_of_its_own(code: str, held: bool) -> None:
    assert hear("for IT, EU_x and USA", "a.b acb").holds_code(code) is held


@pytest.mark.parametrize("text", ['"in"', "'in'", "“in”", "`in`"])
def test_a_value_stands_in_quotes(text: str) -> None:
    assert hear("none", f"take {text} as code").holds_value("in")
    assert not hear(f"take {text} as code").holds_value("i")
    assert not hear("take in as code").holds_value("in")


def test_a_value_of_an_answer_is_held_whole() -> None:
    corpus = receive({"a": "in", "b": ["it is", "me"]})
    assert corpus.holds_value("in")
    assert corpus.holds_value("it is")
    assert corpus.holds_value("me")
    assert not corpus.holds_value("it")
    assert not corpus.holds_value("in it is")


@pytest.mark.parametrize(
    "text",
    [
        "the language code it",
        "country: it",
        "country= it",
        "currency it",
        "lang=  it",
        "the locale is it",
        "a language of it",
        "the code set to it",
        "it as the language",
        "IT as the second language",
        "set to It",
    ],
)
def test_a_labelled_word_is_a_code(text: str) -> None:
    assert hear("first", text).holds_labelled("it")


@pytest.mark.parametrize(
    "text",
    ["is it raining", "the code: item", "encode it", "it as the first", "bit as the language", "setting it", "set it"],
)
def test_a_word_without_a_label_is_none(text: str) -> None:
    assert not hear(text).holds_labelled("it")


def test_a_code_with_a_point_is_labelled_as_it_is_written() -> None:
    assert hear("set to a.b").holds_labelled("a.b")
    assert not hear("set to acb").holds_labelled("a.b")


@pytest.mark.parametrize(
    "text",
    [
        "minus 5",
        "negative 5",
        "5 below zero",
        "5 south",
        "5 west",
        "5 S",
        "5 W",
        "a loss of 5",
        "5 lost",
        "a drop of 5",
        "a debit of 5",
    ],
)
def test_a_number_is_negative_where_a_text_says_so(text: str) -> None:
    assert hear(text).holds_number(-5)
    assert hear(text).holds_number(5)
    assert not hear(text).holds_number(-6)


def test_a_number_is_not_negative_where_none_says_so_nor_positive_where_it_is_not() -> None:
    assert not hear("5 north").holds_number(-5)
    assert hear("-5 north").holds_number(-5)
    assert not hear("-5 south").holds_number(5)
    assert not hear("-0.5 south").holds_number(0.5)
    assert hear("0.5 south").holds_number(-0.5)
    assert hear("minus 1").holds_number(-1)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("all of 2026", True),
        ("March 2026", True),
        ("on 3 March 2026", False),
        ("2026 and 1 May 2025", True),
        ("x2026", False),
    ],
)
def test_a_year_is_spoken_of_as_such(text: str, held: bool) -> None:
    assert hear("hello", text).holds_year(2026) is held
    assert not receive({"year": text}).holds_year(2026)
    assert not hear(text).holds_year(2024)


def test_days_and_times_come_from_every_text_and_from_timestamps() -> None:
    corpus = hear("on 3 March at 15:30")
    assert corpus.days == {Day(None, 3, 3)}
    assert corpus.clocks == {Clock(15, 30, 0)}
    corpus.add_json({"at": 946_684_800, "before": 946_684_799, "on": "2026-05-01"})
    assert corpus.days == {Day(None, 3, 3), Day(2000, 1, 1), Day(2026, 5, 1)}
    assert corpus.clocks == {Clock(15, 30, 0), Clock(0, 0, 0)}
    corpus.add_json({"at": 1_772_551_805_000})
    assert Day(2026, 3, 3) in corpus.days
    assert Clock(15, 30, 5) in corpus.clocks
    corpus.add_text("or 9:00:00 on 4 May")
    assert Day(None, 5, 4) in corpus.days
    assert Clock(9, 0, 0) in corpus.clocks


def test_a_number_too_large_for_a_moment_is_no_day() -> None:
    corpus = receive({"n": 10**15, "m": 10**400})
    assert corpus.days == set()
    assert corpus.clocks == set()
