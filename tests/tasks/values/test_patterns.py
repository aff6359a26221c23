"""Text that matches a regular expression, within lengths; and checks that are compiled once."""

import re
from random import Random
from typing import Any

import pytest

from tasks.values import compile_validator, conforms
from tasks.values.patterns import matches_pattern, sample_pattern


@pytest.mark.parametrize(
    "pattern",
    [r"^\d{3}-[A-Z]+$", r"^a*b+c{2,}$", r"^[^a-c*+]{4}$", r"^\*\+$", r"^(ab|cd)*$", r"x{2,}y", r"^[]a]+$", r"^a+?b$"],
)
def test_text_matches_and_repeats_a_few_times_only(pattern: str) -> None:
    for seed in range(30):
        text = sample_pattern(pattern, Random(seed))
        assert text is not None
        assert re.search(pattern, text)
        assert len(text) <= 20
        assert text == sample_pattern(pattern, Random(seed))


@pytest.mark.parametrize(
    ("pattern", "longest"), [("^a*$", 6), ("^a+$", 7), ("^a{2,}$", 8), ("^a{2,3}$", 3), ("^[a*]{1}$", 1), (r"^\*$", 1)]
)
def test_a_repetition_without_an_end_goes_six_times_beyond_its_minimum(pattern: str, longest: int) -> None:
    lengths = {len(str(sample_pattern(pattern, Random(seed)))) for seed in range(200)}
    assert max(lengths) == longest


@pytest.mark.parametrize(
    ("pattern", "shortest", "longest"),
    [("^[a-z]+$", 5, 5), ("^[a-z]+$", 30, 99), ("^a*$", 0, 0), ("[a-z]", 10, 10), ("[a-z]{3}", 3, 3)],
)
def test_lengths_are_kept_to(pattern: str, shortest: int, longest: int) -> None:
    for seed in range(10):
        text = sample_pattern(pattern, Random(seed), shortest, longest)
        assert text is not None
        assert shortest <= len(text) <= longest
        assert re.search(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "shortest", "longest"),
    [
        ("^a{3}$", 4, None),
        ("^a{3}$", 0, 2),
        ("^a$b", 0, None),
        (r"\p{Lu}", 0, None),
        ("([", 0, None),
        ("a{2,1}", 0, None),
    ],
)
def test_what_cannot_be_met_is_none(pattern: str, shortest: int, longest: int | None) -> None:
    assert sample_pattern(pattern, Random(0), shortest, longest) is None


@pytest.mark.parametrize(
    ("pattern", "text", "is_found"), [("b", "abc", True), ("^b", "abc", False), ("([", "([", False), ("", "", True)]
)
def test_a_pattern_is_looked_for_anywhere(pattern: str, text: str, is_found: bool) -> None:
    assert matches_pattern(pattern, text) is is_found


SCHEMAS: list[tuple[dict[str, Any], Any, Any]] = [
    ({"type": "string", "format": "date"}, "2024-02-29", "2023-02-29"),
    ({"type": "integer", "minimum": 1}, 1, 0),
    ({"prefixItems": [{"type": "string"}]}, ["a"], [1]),
]


@pytest.mark.parametrize(("schema", "good", "bad"), SCHEMAS, ids=str)
def test_values_conform_in_the_dialect_of_2020_12_formats_included(schema: dict[str, Any], good: Any, bad: Any) -> None:
    for check in (compile_validator(schema), lambda value: conforms(value, schema)):
        assert check(good)
        assert not check(bad)
        assert not check(bad)


def test_a_schema_that_is_none_allows_everything() -> None:
    assert compile_validator({"type": "strin"})(5)
    assert conforms(5, {"type": "strin"})


def test_many_schemas_are_held_each_to_its_own() -> None:
    schemas = [{"const": number} for number in range(1200)]
    for _ in range(2):
        assert all(conforms(number, schema) for number, schema in enumerate(schemas))
        assert not any(conforms(-1, schema) for schema in schemas)


def test_equal_schemas_that_are_not_the_same_are_held_alike() -> None:
    assert conforms(1, {"const": 1})
    assert not conforms(2, {"const": 1})
    assert conforms(2, {"const": 2})


@pytest.mark.parametrize("pattern", ["^(a+)+$", "((a*)*)*b", "(x+x+)+y", r"^(\w+\s?)*$"])
def test_a_pattern_that_could_backtrack_for_ever_is_drawn_and_matched_in_time(pattern: str) -> None:
    assert not matches_pattern(pattern, "a" * 60 + "!")
    assert sample_pattern(pattern, Random(0)) is not None


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "a{1000000000}",
            "(a{100}){100}",
            "((((a{100}){100}){100}){100}){100}",
            r"(a{100})(\1{100})(\2{100})(\3{100})",
        ),
        *("(" * 5_000 + ")" * 5_000, "[" * 8_000, "a" * 20_000),
    ],
    ids=lambda pattern: pattern[:40],
)
def test_text_that_would_be_endless_is_not_drawn(pattern: str) -> None:
    assert sample_pattern(pattern, Random(0)) is None


def test_repeats_of_repeats_are_drawn_in_their_short_form_alone() -> None:
    text = sample_pattern("^(((a+)b*)+c?)+$", Random(3), 1_500)
    assert text is None  # the long form, which might come to it, would be a million characters
    assert sample_pattern("^(((a+)b*)+c?)+$", Random(3)) is not None


def test_all_of_unicode_is_a_class_as_any() -> None:
    text = sample_pattern("^[ -\U0010ffff]{100}$", Random(0))
    assert text is not None
    assert len(text) == 100


@pytest.mark.parametrize("pattern", [r"^(a|b(c))\2$", r"x[^\x00-\x7f]"])
def test_what_the_library_cannot_draw_is_none(pattern: str) -> None:
    for seed in range(20):
        text = sample_pattern(pattern, Random(seed))
        assert text is None or matches_pattern(pattern, text)
