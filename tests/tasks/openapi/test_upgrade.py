"""Schemas of Swagger 2.0 and OpenAPI 3.0 in the words of 3.1, keyword by keyword."""

from typing import Any

import pytest

from tasks.openapi.upgrade import merge_all_of, upgrade_schema

OLD, NEW = {"type": "string", "nullable": True}, {"type": ["string", "null"]}


@pytest.mark.parametrize("keyword", ["properties", "patternProperties", "dependentSchemas"])
def test_schemas_under_names_are_upgraded_and_keep_their_names(keyword: str) -> None:
    names = ["a", "xml", "example", "nullable", "x-y", "exclusiveMinimum"]
    assert upgrade_schema({keyword: dict.fromkeys(names, OLD)}) == {keyword: dict.fromkeys(names, NEW)}
    assert upgrade_schema({keyword: {"a": True}}) == {keyword: {"a": True}}
    assert upgrade_schema({keyword: [1]}) == {keyword: [1]}


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf", "prefixItems"])
def test_schemas_in_a_list_are_upgraded(keyword: str) -> None:
    assert upgrade_schema({keyword: [OLD, {"type": "integer"}, True]}) == {keyword: [NEW, {"type": "integer"}, True]}
    assert upgrade_schema({keyword: "no list"}) == {keyword: "no list"}


@pytest.mark.parametrize(
    "keyword", ["items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else"]
)
def test_a_schema_under_a_keyword_is_upgraded(keyword: str) -> None:
    assert upgrade_schema({keyword: OLD}) == {keyword: NEW}
    assert upgrade_schema({keyword: False}) == {keyword: False}


@pytest.mark.parametrize(
    "keyword", ["xml", "externalDocs", "discriminator", "$schema", "$id", "$comment", "x-order", "x-nullable"]
)
def test_what_says_nothing_of_a_call_is_dropped(keyword: str) -> None:
    assert upgrade_schema({"type": "string", keyword: {"a": 1}}) == {"type": "string"}


@pytest.mark.parametrize("keyword", ["format", "readOnly", "title", "deprecated", "examples", "pattern", "unknown"])
def test_what_means_the_same_is_kept(keyword: str) -> None:
    assert upgrade_schema({keyword: ["a"]}) == {keyword: ["a"]}


@pytest.mark.parametrize("schema", [True, False, None, "text"])
def test_what_is_no_object_stays_as_it_is(schema: Any) -> None:
    assert upgrade_schema(schema) is schema


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"minimum": 0, "exclusiveMinimum": True}, {"exclusiveMinimum": 0}),
        ({"minimum": 0, "exclusiveMinimum": False}, {"minimum": 0}),
        ({"exclusiveMinimum": True}, {}),
        ({"exclusiveMinimum": 3}, {"exclusiveMinimum": 3}),
        ({"minimum": 0, "exclusiveMinimum": 3}, {"minimum": 0, "exclusiveMinimum": 3}),
        ({"minimum": 0, "maximum": 9, "exclusiveMinimum": True}, {"exclusiveMinimum": 0, "maximum": 9}),
        ({"maximum": 9, "exclusiveMaximum": True}, {"exclusiveMaximum": 9}),
        ({"maximum": 9, "exclusiveMaximum": False}, {"maximum": 9}),
        ({"exclusiveMaximum": True}, {}),
        ({"exclusiveMaximum": 3}, {"exclusiveMaximum": 3}),
        ({"minimum": 0, "maximum": 9, "exclusiveMaximum": True}, {"minimum": 0, "exclusiveMaximum": 9}),
    ],
    ids=str,
)
def test_an_exclusive_bound_is_the_bound_itself(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert upgrade_schema(old) == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"example": "a"}, {"examples": ["a"]}),
        ({"example": None}, {"examples": [None]}),
        ({"example": ["a", "b"]}, {"examples": [["a", "b"]]}),
        ({"example": "a", "examples": ["b"]}, {"examples": ["b"]}),
        ({"examples": ["b"]}, {"examples": ["b"]}),
    ],
    ids=str,
)
def test_an_example_becomes_the_list_of_examples(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert upgrade_schema(old) == new


@pytest.mark.parametrize("word", ["nullable", "x-nullable"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "string"}, {"type": ["string", "null"]}),
        ({"type": ["string", "integer"]}, {"type": ["string", "integer", "null"]}),
        ({"type": ["null", "integer"]}, {"type": ["null", "integer"]}),
        ({"type": "string", "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"type": "string", "enum": ["a", None]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"type": "string", "default": "a"}, {"type": ["string", "null"], "default": "a"}),
        ({"enum": ["a"]}, {"anyOf": [{"enum": ["a"]}, {"type": "null"}]}),
        (
            {"enum": ["a"], "description": "A", "default": "a"},
            {"description": "A", "default": "a", "anyOf": [{"enum": ["a"]}, {"type": "null"}]},
        ),
        ({"oneOf": [{"type": "string"}]}, {"anyOf": [{"oneOf": [{"type": "string"}]}, {"type": "null"}]}),
        ({"description": "Anything"}, {"description": "Anything"}),
        ({}, {}),
        ({"allOf": [{"type": "object"}]}, {"type": ["object", "null"]}),
    ],
    ids=str,
)
def test_what_may_be_null_says_so_among_its_types(word: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    assert upgrade_schema({**old, word: True}) == new


@pytest.mark.parametrize("word", ["nullable", "x-nullable"])
@pytest.mark.parametrize("value", [False, None, "true"])
def test_what_may_not_be_null_stays_as_it_is(word: str, value: Any) -> None:
    assert upgrade_schema({"type": "string", "enum": ["a"], word: value}) == {"type": "string", "enum": ["a"]}


A, B = {"type": "integer"}, {"type": "string"}


@pytest.mark.parametrize(
    ("parts", "own", "merged"),
    [
        ([{"type": "object"}], {}, {"type": "object"}),
        ([{"properties": {"a": A}}, {"properties": {"b": B}}], {}, {"properties": {"a": A, "b": B}}),
        ([{"properties": {"a": A}}, {"properties": {"a": A, "b": B}}], {}, {"properties": {"a": A, "b": B}}),
        ([{"properties": {"a": A}}], {"properties": {"b": B}}, {"properties": {"a": A, "b": B}}),
        ([{"required": ["a", "b"]}, {"required": ["b", "c"]}], {}, {"required": ["a", "b", "c"]}),
        ([{"required": ["a"]}], {"required": ["b"]}, {"required": ["a", "b"]}),
        ([{"type": "object"}, {"type": "object", "minProperties": 1}], {}, {"type": "object", "minProperties": 1}),
        ([{"title": "A"}, {"title": "B"}], {}, {"title": "B"}),
        ([{"description": "A"}], {"description": "B"}, {"description": "B"}),
        ([{"default": 1}, {"default": 2}], {}, {"default": 2}),
        ([{"examples": [1]}, {"examples": [2]}], {}, {"examples": [2]}),
        ([], {"type": "object"}, {"type": "object"}),
    ],
    ids=str,
)
def test_parts_that_say_different_things_become_one(
    parts: list[dict[str, Any]], own: dict[str, Any], merged: dict[str, Any]
) -> None:
    assert merge_all_of({"allOf": parts, **own}) == merged


@pytest.mark.parametrize(
    ("parts", "own"),
    [
        ([{"properties": {"a": A}}, {"properties": {"a": B}}], {}),
        ([{"properties": {"a": A}}], {"properties": {"b": A, "a": B}}),
        ([{"type": "object"}, {"type": "string"}], {}),
        ([{"minimum": 1}, {"minimum": 2}], {}),
        ([{"additionalProperties": False}], {"additionalProperties": True}),
        ([{"enum": [1, 2]}, {"enum": [2, 3]}], {}),
        ([{"type": "object"}, True], {}),
    ],
    ids=str,
)
def test_parts_that_say_the_same_twice_stay_apart(parts: list[Any], own: dict[str, Any]) -> None:
    schema = {"allOf": parts, **own}
    assert merge_all_of(schema) == schema


@pytest.mark.parametrize("schema", [{"type": "object"}, {"allOf": {"type": "object"}}, {"allOf": 5}])
def test_a_schema_without_parts_stays_as_it_is(schema: dict[str, Any]) -> None:
    assert merge_all_of(schema) == schema


def test_the_schema_given_is_not_changed() -> None:
    schema = {
        "allOf": [{"properties": {"a": {"minimum": 0, "exclusiveMinimum": True}}, "required": ["a"]}],
        "properties": {"b": {"nullable": True, "enum": ["x"], "description": "X"}},
        "required": ["b"],
    }
    before = repr(schema)
    upgrade_schema(schema)
    assert repr(schema) == before
