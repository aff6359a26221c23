"""Ids are safe as file names whatever the name is, unique in their catalogue, and stable."""

import hashlib
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.sources.api_ids import make_api_id, make_unique_ids

SAFE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

names = st.one_of(
    st.text(st.characters(), max_size=400),
    st.sampled_from(["Dog Facts", "dog facts", "Dog-Facts", "../", "..", "", "😀", "CON", "x" * 300, "x" * 301]),
)


@given(names)
@example("\ud800")
@example("nul")
@example("a" * 63 + "-b")
def test_any_name_gives_a_safe_id(name: str) -> None:
    made = make_api_id(name)
    assert SAFE.fullmatch(made)
    assert len(made) <= 64
    assert made == make_api_id(name)


@given(st.lists(st.tuples(names, st.text(max_size=20)), max_size=30))
def test_ids_of_a_catalogue_are_safe_and_distinct(rows: list[tuple[str, str]]) -> None:
    ids = make_unique_ids([name for name, _ in rows], [identity for _, identity in rows])
    assert len(set(ids)) == len(rows)
    assert all(SAFE.fullmatch(made) and len(made) <= 64 for made in ids)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Cat Facts", "cat-facts"),
        ("Améthyste", "amethyste"),
        ("Łódź – Open Data", "lodz-open-data"),
        ("Bob's Burgers", "bobs-burgers"),
        ("a/b\\..\\c", "a-b-c"),
        ("", "api-e3b0c442"),
    ],
)
def test_names_fold_to_readable_ids(name: str, expected: str) -> None:
    assert make_api_id(name) == expected


def hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x" * 64, "x" * 64),
        ("x" * 65, "x" * 55 + "-" + hash_text("x" * 65)),
        ("x" * 54 + " " + "y" * 20, "x" * 54 + "-" + hash_text("x" * 54 + " " + "y" * 20)),
        ("CON", "api-con-" + hash_text("CON")),
        ("com9", "api-com9-" + hash_text("com9")),
        ("com10", "com10"),
        ("console", "console"),
        ("😀", "api-" + hash_text("😀")),
        ("--a__b--", "a-b"),
        ("Straße Ørsted ÞÆ", "strasse-orsted-thae"),
    ],
    ids=lambda value: value[:20],
)
def test_an_id_is_cut_or_told_apart_by_a_hash_of_the_name_only_where_it_must_be(name: str, expected: str) -> None:
    assert make_api_id(name) == expected


def test_the_others_of_one_name_are_told_apart_by_what_else_is_known_of_them() -> None:
    ids = make_unique_ids(["a", "A", "a"], ["one", "two", "two"])
    assert ids == ["a", "a-" + hash_text("two\n0"), "a-" + hash_text("two\n1")]


def test_long_names_with_one_beginning_differ() -> None:
    assert make_api_id("x" * 300) != make_api_id("x" * 301)


def test_the_first_of_one_name_keeps_the_plain_id() -> None:
    alone = make_unique_ids(["SWAPI"], ["one"])
    both = make_unique_ids(["SWAPI", "SWAPI"], ["one", "two"])
    assert alone == ["swapi"]
    assert both[0] == "swapi"
    assert re.fullmatch(r"swapi-[0-9a-f]{8}", both[1])


def test_a_suffixed_id_does_not_depend_on_other_entries() -> None:
    two = make_unique_ids(["SWAPI", "SWAPI"], ["one", "two"])
    many = make_unique_ids(["Steam", "SWAPI", "Steam", "SWAPI", "SWAPI"], ["a", "one", "b", "two", "three"])
    assert [many[1], many[3]] == two


def test_a_third_name_that_looks_like_a_suffixed_id_keeps_its_own() -> None:
    suffixed = make_unique_ids(["a", "a"], ["one", "two"])[1]
    ids = make_unique_ids(["a", "a", suffixed], ["one", "two", "three"])
    assert ids[2] == suffixed
    assert len(set(ids)) == 3


def test_rows_alike_in_everything_survive() -> None:
    assert len(set(make_unique_ids(["a", "a", "a"], ["same", "same", "same"]))) == 3
