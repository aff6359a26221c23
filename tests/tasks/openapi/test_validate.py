"""A fast validator looks at schemas first: it must find fault wherever the slow one does."""

from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tasks.openapi import find_spec_problems
from tests.tasks.openapi.documents import make_answer, make_clean_document, make_document

UNSOUND: list[Any] = [
    {"type": "strin"},
    {"type": ["null", "null"]},
    {"minLength": -1},
    {"multipleOf": 0},
    {"required": ["a", "a"]},
    {"pattern": "(["},
    {"pattern": "(?<=a+)b"},
    {"$schema": "http://json-schema.org/draft-07/schema#", "additionalItems": 5},
    {"patternProperties": {"[": {}}},
    {"discriminator": {}},
    {"externalDocs": {"url": 5}},
    {"$defs": {"a": 3}},
    {"type": "integer", "default": "one"},
    {"allOf": [{"properties": {"a": {}}}], "required": ["b"]},
    {"items": {"anyOf": [{"type": "object", "properties": {"a": {"default": 5, "type": "string"}}}]}},
    {"$schema": "https://example.com/unknown"},
    5,
]


@pytest.mark.parametrize("schema", UNSOUND, ids=str)
@pytest.mark.parametrize("nested", [False, True])
def test_what_is_wrong_with_a_schema_is_told_in_the_slow_validators_words(schema: Any, nested: bool) -> None:
    schema = {"type": "object", "properties": {"field": schema}} if nested else schema
    document = make_document({"/cats": {"get": {"responses": make_answer(schema)}}}, "3.1.0")
    told = [error.message.split("\n\n")[0] for error in OpenAPIV31SpecValidator(document).iter_errors()]
    problems = find_spec_problems(document)
    assert len(problems) == len(told)
    assert problems or nested  # two of the rules are for the outermost schema alone
    for problem, words in zip(problems, told, strict=True):
        assert " ".join(words.split())[:200] in problem


@pytest.mark.parametrize("schema", [{"externalDocs": {"url": "a b"}}, {"pattern": "(?P<word>x)"}, True])
def test_what_only_the_fast_validator_finds_fault_with_is_no_problem(schema: Any) -> None:
    document = make_document({"/cats": {"get": {"responses": make_answer(schema)}}}, "3.1.0")
    assert find_spec_problems(document) == []


def test_what_is_wrong_within_a_component_is_told_wherever_it_is_referred_to() -> None:
    name = {"type": "string", "default": 5}
    schemas = {"Cat": {"type": "object", "properties": {"name": {"$ref": "#/components/schemas/Name"}}}, "Name": name}
    cats = {"type": "array", "items": {"$ref": "#/components/schemas/Cat"}}
    document = make_document({"/cats": {"get": {"responses": make_answer(cats)}}}, components={"schemas": schemas})
    told = [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]
    assert len(told) == 1
    assert told[0] in find_spec_problems(document)[0]


def test_a_document_of_another_dialect_is_read_by_the_slow_validator() -> None:
    paths = {"/cats": {"get": {"responses": make_answer({"type": "object"})}}}
    document = make_document(paths, jsonSchemaDialect="https://example.com/unknown")
    assert any("dialect" in problem for problem in find_spec_problems(document))


def test_a_clean_document_has_no_problems() -> None:
    assert find_spec_problems(make_clean_document()) == []
