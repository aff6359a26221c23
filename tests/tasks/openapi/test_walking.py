"""The validator's walk ends in time, and finds what it found before."""

from typing import Any

import pytest

from tasks.openapi import find_spec_problems
from tests.tasks.openapi.documents import make_answer, make_document

EVIL = "^(a+)+$"
LONG = "a" * 60 + "!"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def find(schema: dict[str, Any], version: str = "3.1.0") -> list[str]:
    return find_spec_problems(make_document({"/cats": {"get": {"responses": make_answer(schema)}}}, version))


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_a_default_is_held_against_a_pattern_in_time(version: str) -> None:
    (problem,) = find({"type": "string", "pattern": EVIL, "default": LONG}, version)
    assert "does not match" in problem
    assert find({"type": "string", "pattern": EVIL, "default": "aa"}, version) == []
    assert find({"type": "object", "properties": {"a": {"pattern": EVIL}}, "default": {"a": LONG}}, version)


@pytest.mark.parametrize(
    "names",
    [
        {"patternProperties": {EVIL: {}}},
        {"patternProperties": {EVIL: {}}, "additionalProperties": False},
        {"patternProperties": {EVIL: {}}, "unevaluatedProperties": False},
        {"allOf": [{"patternProperties": {EVIL: {}}}], "unevaluatedProperties": False},
    ],
    ids=str,
)
def test_names_in_a_default_are_held_against_patterns_in_time(names: dict[str, Any]) -> None:
    assert find({"type": "object", **names, "default": {LONG: 1}}) == []


def test_names_that_match_are_held_to_their_schema() -> None:
    (problem,) = find({"patternProperties": {"^a": {"type": "string"}}, "default": {"ab": 5, "b": 5}})
    assert "5 is not of type 'string'" in problem
    (problem,) = find({"properties": {"a": {}}, "additionalProperties": False, "default": {"b": 5}})
    assert "Additional properties are not allowed" in problem


def test_a_schema_that_names_a_dialect_is_matched_in_time_as_well() -> None:
    within = {"$schema": DIALECT, "type": "string", "pattern": EVIL}
    (problem,) = find({"properties": {"a": within}, "default": {"a": LONG}})
    assert "does not match" in problem


def test_parts_that_double_are_gone_through_once() -> None:
    schemas: dict[str, Any] = {"S0": {"type": "object", "properties": {"a": {"type": "string"}}}}
    for level in range(1, 60):
        schemas[f"S{level}"] = {"allOf": [{"$ref": f"#/components/schemas/S{level - 1}"}] * 2}
    schemas["S59"]["required"] = ["a", "b"]
    problems = find_spec_problems(make_document({}, components={"schemas": schemas}))
    assert problems == ["document: Required list has not defined properties: ['b']"]
