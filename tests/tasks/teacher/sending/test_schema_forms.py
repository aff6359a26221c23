"""Schemas without what an endpoint does not take: what is left allows no less, and where it can the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.teacher.sending.schema_forms import (
    EMPTY_OBJECTS,
    KEYWORDS,
    LISTS_OF_TYPES,
    NO_PROPERTIES,
    OTHER_ENUMS,
    SPECIAL,
    drop_parts,
    list_parts,
)

NAME = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def reduce(schema: dict[str, Any], *parts: str) -> dict[str, Any]:
    return drop_parts(schema, frozenset(parts))


@pytest.mark.parametrize(
    ("schema", "parts", "left"),
    [
        ({"type": "string", "const": "a"}, ["const"], {"type": "string", "enum": ["a"]}),
        ({"const": "a"}, ["const"], {"enum": ["a"], "type": "string"}),
        ({"type": "string", "const": "a"}, ["const", "enum"], {"type": "string"}),
        ({"type": "integer", "const": 1}, ["const", OTHER_ENUMS], {"type": "integer"}),
        ({"type": "integer", "exclusiveMinimum": 0}, ["exclusiveMinimum"], {"type": "integer", "minimum": 1}),
        ({"type": "integer", "exclusiveMaximum": 9}, ["exclusiveMaximum"], {"type": "integer", "maximum": 8}),
        ({"type": "number", "exclusiveMinimum": 0}, ["exclusiveMinimum"], {"type": "number"}),
        ({"type": "integer", "exclusiveMinimum": 0}, ["exclusiveMinimum", "minimum"], {"type": "integer"}),
        ({"oneOf": [NAME, {"type": "null"}]}, ["oneOf"], {"anyOf": [NAME, {"type": "null"}]}),
        ({"oneOf": [{"type": "null"}, NAME]}, ["oneOf", "anyOf"], NAME),
        ({"anyOf": [{"type": "null"}, {"type": "string"}], "title": "T"}, ["anyOf"], {"type": "string", "title": "T"}),
        ({"type": ["null", "string"]}, [LISTS_OF_TYPES], {"type": "string"}),
        ({"type": "object"}, [NO_PROPERTIES], {"type": "object", "properties": {}}),
        ({"type": "array", "prefixItems": [NAME]}, ["prefixItems"], {"type": "array", "items": NAME}),
        ({"type": "string", "enum": ["a"]}, [OTHER_ENUMS], {"type": "string", "enum": ["a"]}),
        ({"type": "integer", "enum": [1]}, [OTHER_ENUMS], {"type": "integer"}),
        ({"allOf": [NAME, {"properties": {"age": {"type": "integer"}}, "required": ["age"]}]}, ["allOf"],
         {"type": "object", "properties": {"age": {"type": "integer"}, "name": {"type": "string"}},
          "required": ["name", "age"]}),
    ],
)  # fmt: skip
def test_what_is_left_says_the_same_where_it_can(
    schema: dict[str, Any], parts: list[str], left: dict[str, Any]
) -> None:
    assert reduce(schema, *parts) == left
    deep = {"type": "object", "properties": {"p": {"type": "array", "items": schema}}}
    assert reduce(deep, *parts) == {"type": "object", "properties": {"p": {"type": "array", "items": left}}}


def test_references_become_what_they_name_and_what_holds_itself_ends() -> None:
    tree = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}}
    root = {"$ref": "#/$defs/Tree", "description": "R"}
    properties = {"root": root, "name": {"$ref": "#/$defs/Name"}}
    schema = {"$defs": {"Tree": tree, "Name": NAME}, "type": "object", "properties": properties}
    assert reduce(schema, "$ref") == {
        "type": "object",
        "properties": {
            "root": {"type": "object", "properties": {"kids": {"type": "array", "items": {}}}, "description": "R"},
            "name": NAME,
        },
    }


def test_of_the_first_alternative_too_what_is_refused_goes() -> None:
    schema = {"anyOf": [{"type": "null"}, {"type": "string", "default": "a"}]}
    assert reduce(schema, "anyOf", "default") == {"type": "string"}


def test_examples_are_told_in_the_description() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string", "examples": ["Oslo", "Bergen"]}}}
    assert reduce(schema, "examples")["properties"]["city"] == {
        "type": "string", "description": '(for example: "Oslo", "Bergen")'
    }  # fmt: skip
    assert reduce({"description": "The day", "examples": [1]}, "examples") == {
        "description": "The day (for example: 1)"
    }
    assert reduce({"description": "The day", "examples": []}, "examples") == {"description": "The day"}


def test_a_property_that_is_called_like_a_keyword_stays() -> None:
    schema = {"type": "object", "properties": {"const": {"type": "string"}, "$ref": {"type": "string"}}}
    assert list_parts([schema]) == frozenset()
    assert reduce(schema, "const", "default") == schema


def test_what_is_there_is_listed() -> None:
    schema = {"type": ["object", "null"], "properties": {}, "additionalProperties": {"enum": [1], "type": "object"}}
    assert list_parts([schema]) == {LISTS_OF_TYPES, "additionalProperties", "enum", OTHER_ENUMS, NO_PROPERTIES}
    assert list_parts([{"type": "object", "properties": {}}]) == {EMPTY_OBJECTS}
    assert list_parts([{"type": "object", "properties": {"a": {"type": "object", "properties": {}}}}]) == frozenset()
    assert list_parts([None, True, "x"]) == frozenset()


SCHEMAS = st.recursive(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["string", "integer", "null", ["string", "null"]])},
        optional={"const": st.integers(0, 3) | st.text(max_size=2), "enum": st.lists(st.text(max_size=2), max_size=2),
                  "exclusiveMinimum": st.integers(-3, 3), "title": st.just("T"), "default": st.just(1)},
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"oneOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("ab"), inner)},
            optional={"additionalProperties": st.booleans() | inner},
        ),
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
    ),
    max_leaves=6,
)  # fmt: skip


@given(SCHEMAS, st.sets(st.sampled_from(sorted(KEYWORDS | SPECIAL))))
def test_nothing_of_what_is_to_go_is_left(schema: dict[str, Any], parts: set[str]) -> None:
    before = str(schema)
    left = drop_parts(schema, frozenset(parts))
    assert list_parts([left]) & (parts - {EMPTY_OBJECTS}) == frozenset()
    assert str(schema) == before  # and what was given is as it was
