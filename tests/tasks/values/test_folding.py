"""Words are compared without case, marks, punctuation, or the difference of one and many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.values.folding import SEPARATOR, STOP_WORDS, find_stem, fold_words, make_phrase


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Find Hotels", ["find", "hotel"]),
        ("1,000 and 10.5km", ["1,000", "and", "10.5km"]),
        ("1.234.567,89", ["1.234.567,89"]),
        ("3, 4. 5", ["3", "4", "5"]),
        ("a-b a_b a/b", ["a", "b", "a", "b", "a", "b"]),
        ("v1.2 pet_4821", ["v1", "2", "pet", "4821"]),
        ("don't", ["don", "t"]),
        (f"John {SEPARATOR} Smith", ["john", SEPARATOR, "smith"]),
        ("São Paulo, ÖSTERREICH", ["sao", "paulo", "osterreich"]),
        ("?!", []),
    ],
)
def test_a_text_is_split_where_a_reader_would(text: str, words: list[str]) -> None:
    assert fold_words(text) == words


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("dogs", "dog"),
        ("pies", "pie"),
        ("flies", "fly"),
        ("glasses", "glass"),
        ("boxes", "box"),
        ("waltzes", "waltz"),
        ("beaches", "beach"),
        ("dishes", "dish"),
        ("potatoes", "potato"),
        ("houses", "house"),
        ("children", "child"),
        ("feet", "foot"),
        ("geese", "goose"),
        ("knives", "knife"),
        ("leaves", "leaf"),
        ("lives", "life"),
        ("men", "man"),
        ("mice", "mouse"),
        ("people", "person"),
        ("shelves", "shelf"),
        ("teeth", "tooth"),
        ("wives", "wife"),
        ("wolves", "wolf"),
        ("women", "woman"),
    ],
)
def test_many_and_one_are_the_same_word(many: str, one: str) -> None:
    assert find_stem(many) == find_stem(one) == one


@pytest.mark.parametrize(
    "word", ["gas", "bus", "ies", "glass", "virus", "tennis", "series", "species", "b12ies", "abc1s", "weather"]
)
def test_a_word_that_only_looks_like_many_stays(word: str) -> None:
    assert find_stem(word) == word


@given(st.lists(st.sampled_from(["hot", "dog", "hotdog", "d"]), max_size=4), st.lists(st.sampled_from(["hot", "dog"])))
def test_a_phrase_is_part_of_another_only_at_whole_words(words: list[str], needle: list[str]) -> None:
    stands_there = any(words[i : i + len(needle)] == needle for i in range(len(words) - len(needle) + 1))
    assert (make_phrase(needle) in make_phrase(words)) is stands_there


@pytest.mark.parametrize("word", ["a", "the", "is", "your", "you", "and", "to", "where", "with"])
def test_words_without_value_are_stop_words(word: str) -> None:
    assert word in STOP_WORDS


@pytest.mark.parametrize("word", ["not a word", "dog", "", "two", "lyon"])
def test_words_with_value_are_none(word: str) -> None:
    assert word not in STOP_WORDS
