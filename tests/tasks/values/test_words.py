"""Names split into words and spelled of them; plurals and singulars; which words can stand after an article."""

import pytest

from tasks.values import (
    is_plural,
    join_camel,
    join_list,
    join_pascal,
    join_snake,
    name_words,
    pluralize,
    reads_as_noun,
    singularize,
    split_name,
    with_article,
)
from tasks.values.words import ALIKE, IRREGULAR

PAIRS = [
    ("cat", "cats"),
    ("city", "cities"),
    ("day", "days"),
    ("toy", "toys"),
    ("key", "keys"),
    ("box", "boxes"),
    ("class", "classes"),
    ("branch", "branches"),
    ("dish", "dishes"),
    ("house", "houses"),
    ("price", "prices"),
    ("person", "people"),
    ("child", "children"),
    ("movie", "movies"),
    ("analysis", "analyses"),
    ("status", "statuses"),
    ("series", "series"),
    ("y", "ies"),
]


@pytest.mark.parametrize(("singular", "plural"), PAIRS[:-1])
def test_plural_and_singular_belong_together(singular: str, plural: str) -> None:
    assert pluralize(singular) == plural
    assert singularize(plural) == singular
    assert singularize(singular) == singular


@pytest.mark.parametrize(
    ("word", "singular"),
    [
        ("is", "is"),
        ("as", "as"),
        ("its", "it"),
        ("bus", "bus"),
        ("basis", "basis"),
        ("glass", "glass"),
        ("ties", "tie"),
        ("dies", "die"),
        ("flies", "fly"),
        ("lies", "lie"),
        ("quizzes", "quiz"),
        ("fuzzes", "fuzz"),
        ("ashes", "ash"),
        ("", ""),
    ],
)
def test_what_is_no_plural_stays_and_short_words_are_not_cut(word: str, singular: str) -> None:
    assert singularize(word) == singular


@pytest.mark.parametrize(
    ("word", "plural"),
    [("thesis", "theses"), ("lens", "lens"), ("buzz", "buzzes"), ("quiz", "quizzes"), ("sky", "skies")],
)
def test_plurals_of_words_that_hiss(word: str, plural: str) -> None:
    assert pluralize(word) == plural


def test_irregular_words_and_those_without_a_plural_go_there_and_back() -> None:
    for plural, singular in IRREGULAR.items():
        assert singularize(plural) == singular
    for word in ALIKE:
        assert singularize(word) == word


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("userIDToken", ("user", "id", "token")),
        ("start_date", ("start", "date")),
        ("start-date", ("start", "date")),
        ("StartDate", ("start", "date")),
        ("HTTPServer", ("http", "server")),
        ("ipv4", ("ipv4",)),
        ("sha256Hash", ("sha256", "hash")),
        ("ISO3166", ("iso3166",)),
        ("2nd place", ("2", "nd", "place")),
        ("x.y/z", ("x", "y", "z")),
        ("", ()),
        ("日付", ()),
    ],
)
def test_a_name_splits_at_case_and_signs(name: str, words: tuple[str, ...]) -> None:
    assert split_name(name) == words


def test_names_are_read_as_words_with_the_last_in_the_singular() -> None:
    assert name_words("petIds") == name_words("pet_id") == ("pet", "id")
    assert name_words("petsCount") == ("pets", "count")
    assert name_words("bigLineItems") == ("big", "line", "item")
    assert name_words("_") == ()


def test_of_a_noun_of_several_words_the_last_one_counts() -> None:
    assert singularize("adoptable pets") == singularize("adoptable pet") == "adoptable pet"
    assert singularize("business people") == "business person"
    assert pluralize("news story") == pluralize("news stories") == "news stories"
    assert pluralize("foster child") == "foster children"
    assert is_plural("foster children")
    assert not is_plural("series of")
    assert not is_plural("")


def test_words_are_joined_to_names_in_every_spelling() -> None:
    assert join_snake("perPage") == join_snake("per page") == "per_page"
    assert join_camel("Adoptable pet id") == "adoptablePetId"
    assert join_pascal("adoptable pet") == "AdoptablePet"


def test_a_list_is_told_with_commas_and_an_and() -> None:
    assert [join_list(list(parts)) for parts in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]


@pytest.mark.parametrize("words", ["birth date", "breed", "wind speed", "age years", "city", "one"])
def test_a_noun_can_stand_after_an_article(words: str) -> None:
    assert reads_as_noun(words)


@pytest.mark.parametrize("words", ["joined on", "has logo", "verified", "rank by", "since", "last used"])
def test_what_is_no_noun_cannot(words: str) -> None:
    assert not reads_as_noun(words)


@pytest.mark.parametrize(("noun", "expected"), [("hour", "an hour"), ("user", "a user"), ("SMS", "an SMS")])
def test_the_article_goes_by_sound(noun: str, expected: str) -> None:
    assert with_article(noun) == expected
