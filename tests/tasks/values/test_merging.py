"""Schemas that are put together of parts become one that asks for what all of them ask for."""

from random import Random
from typing import Any

import pytest

from tasks.values import flatten_schema, merge_schemas

A, B = {"type": "integer"}, {"minimum": 1}


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        ({}, {"format": "date"}, {"format": "date"}),
        ({"format": "date"}, {}, {"format": "date"}),
        ({"format": "date"}, {"format": "time"}, {"format": "time"}),
        ({"required": ["a", "b"]}, {"required": ["b", "c"]}, {"required": ["a", "b", "c"]}),
        ({"enum": [1, 2, 3]}, {"enum": [3, 2, 5]}, {"enum": [2, 3]}),
        ({"enum": [1]}, {"enum": [2]}, {"enum": [2]}),
        ({"properties": {"a": A}}, {"properties": {"a": B, "b": B}}, {"properties": {"a": {**A, **B}, "b": B}}),
        ({"properties": {"a": True}}, {"properties": {"a": A}}, {"properties": {"a": A}}),
        ({"properties": {"a": A}}, {"properties": {"a": True}}, {"properties": {"a": A}}),
        ({"items": A}, {"items": B}, {"items": {**A, **B}}),
        ({"items": False}, {"items": True}, {"items": False}),
    ],
    ids=str,
)
def test_keywords_are_joined(first: dict[str, Any], second: dict[str, Any], merged: dict[str, Any]) -> None:
    assert merge_schemas(first, second) == merged


@pytest.mark.parametrize("keyword", ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"])
def test_of_two_lower_bounds_the_higher_holds(keyword: str) -> None:
    assert merge_schemas({keyword: 1}, {keyword: 2}) == merge_schemas({keyword: 2}, {keyword: 1}) == {keyword: 2}


@pytest.mark.parametrize("keyword", ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"])
def test_of_two_upper_bounds_the_lower_holds(keyword: str) -> None:
    assert merge_schemas({keyword: 1}, {keyword: 2}) == merge_schemas({keyword: 2}, {keyword: 1}) == {keyword: 1}


@pytest.mark.parametrize("keyword", ["description", "title", "examples", "example", "default"])
def test_of_two_words_about_it_the_first_holds(keyword: str) -> None:
    assert merge_schemas({keyword: "a"}, {keyword: "b"}) == {keyword: "a"}
    assert merge_schemas({}, {keyword: "b"}) == {keyword: "b"}


@pytest.mark.parametrize(
    ("first", "second", "joint"),
    [
        ("string", "string", "string"),
        (["string", "null"], "string", "string"),
        ("string", ["null", "string"], "string"),
        (["string", "null"], ["null", "string", "integer"], ["string", "null"]),
        ("integer", "number", "integer"),
        ("number", "integer", "integer"),
        ("integer", "integer", "integer"),
        (["integer", "null"], ["number", "null"], ["null", "integer"]),
        ("string", "integer", "integer"),
    ],
)
def test_types_are_those_of_both(first: Any, second: Any, joint: Any) -> None:
    assert merge_schemas({"type": first}, {"type": second}) == {"type": joint}


def test_neither_schema_is_changed() -> None:
    first, second = (
        {"properties": {"a": {"minimum": 1}}, "minimum": 1},
        {"properties": {"a": {"minimum": 2}}, "minimum": 2},
    )
    before = repr((first, second))
    merge_schemas(first, second)
    assert repr((first, second)) == before


@pytest.mark.parametrize(
    ("schema", "flat"),
    [
        ({"type": "string"}, {"type": "string"}),
        ({"allOf": [A, B, True], "maximum": 9}, {**A, **B, "maximum": 9}),
        ({"allOf": [{"allOf": [A]}, {"anyOf": [B]}]}, {**A, **B}),
        ({"anyOf": [{"type": "null"}, A]}, A),
        ({"oneOf": [{"type": "null"}, A], "anyOf": [B]}, {**A, **B}),
        ({"anyOf": [{"type": "null"}]}, {"type": "null"}),
        ({"anyOf": [True, A]}, A),
        ({"anyOf": [], "allOf": None}, {}),
    ],
    ids=str,
)
def test_parts_are_merged_and_an_alternative_is_chosen(schema: dict[str, Any], flat: dict[str, Any]) -> None:
    assert flatten_schema(schema, Random(0)) == flat


@pytest.mark.parametrize("keyword", ["oneOf", "anyOf"])
def test_each_alternative_is_chosen_at_times(keyword: str) -> None:
    chosen = {flatten_schema({keyword: [{"const": 1}, {"const": 2}]}, Random(seed))["const"] for seed in range(30)}
    assert chosen == {1, 2}
