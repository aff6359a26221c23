"""Names split into words; plurals and singulars."""

import pytest

from tasks.values import pluralize, singularize, split_name
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
