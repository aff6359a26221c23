"""A fast validator looks at schemas first: it must find fault wherever the slow one does.

These hold `validate` to what it knows of openapi-spec-validator: that its `iter_errors` is two checks in a row, what it
walks through schemas for, where it looks for them, and how it finds the check of a dialect.
"""

from typing import Any

import pytest
from hypothesis import assume, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator

from tasks.openapi import find_spec_problems
from tests.tasks.openapi.documents import CAT, damaged_documents, make_answer, make_clean_document, make_document

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


def list_slow_words(document: dict[str, Any]) -> list[str]:
    """What the validator itself says of a document; that it trips over it, too."""
    words: dict[str, None] = {}
    try:
        for error in OpenAPIV31SpecValidator(document).iter_errors():
            words[" ".join(error.message.split("\n\n")[0].split())[:150]] = None
    except Exception as error:
        return [*words] or [type(error).__name__]
    return [*words]


@settings(deadline=None, max_examples=150)
@given(document=damaged_documents())
def test_the_verdict_is_the_slow_validators(document: dict[str, Any]) -> None:
    assume(document["openapi"] == "3.1.0")
    problems = find_spec_problems(document)
    assume(not any("reference" in problem for problem in problems))  # told in words of our own
    words = list_slow_words(document)
    assert bool(problems) == bool(words)
    assert all(any(told in problem for problem in problems) for told in words[:20]) or "cannot read" in problems[0]


def test_a_reference_into_a_path_finds_what_stands_there() -> None:
    pointer = "#/paths/~1cats/get/responses/200/content/application~1json/schema/properties/age"
    paths = {"/cats": {"get": {"responses": make_answer(CAT)}}}
    ages = {"/ages": {"get": {"responses": make_answer({"$ref": pointer, "default": "one"})}}}
    assert find_spec_problems(make_document(paths | ages)) == []
    broken = {"/ages": {"get": {"responses": make_answer({"$ref": pointer.replace("age", "rage")})}}}
    (problem,) = find_spec_problems(make_document(paths | broken))
    assert problem.startswith("missing reference: ")
    wrong = {"/ages": {"get": {"responses": make_answer({"allOf": [{"$ref": pointer}], "default": "one"})}}}
    assert find_spec_problems(make_document(paths | wrong)) == ["document: 'one' is not of type 'integer'"]


def test_what_a_reference_to_the_whole_document_leads_to_is_told_in_the_slow_validators_words() -> None:
    document = make_document({"/cats": {"get": {"responses": make_answer({"properties": {"a": {"$ref": "#"}}})}}})
    assert len(find_spec_problems(document)) == len(list_slow_words(document))
    assert not any("toolherd" in problem for problem in find_spec_problems(document))


def test_parts_that_are_named_schema_are_no_schemas() -> None:
    parameter = {"name": "age", "in": "query", "schema": {"type": "integer"}}
    response = {"description": "Good", "content": {"schema": {"schema": {"type": "strin"}}}}
    parts = {"parameters": {"schema": parameter}, "responses": {"schema": response}}
    referred = {"parameters": [{"$ref": "#/components/parameters/schema"}] * 2}
    responses = {"200": {"$ref": "#/components/responses/schema"}}
    document = make_document({"/cats": {"get": {"responses": responses, **referred}}}, components=parts)
    problems = find_spec_problems(document)
    assert len(problems) == 2
    assert "'strin'" in problems[0]
    assert problems[1] == "document: Duplicate parameter 'age'"


@pytest.mark.parametrize("extension", [5, None, {"content": {"a": {"schema": {"type": "strin"}}}}, {"content": 5}])
def test_of_what_an_extension_holds_the_slow_validator_is_the_judge(extension: Any) -> None:
    get = {"responses": {**make_answer(CAT), "x-more": extension}, "x-more": extension}
    document = make_document({"/cats": {"get": get, "x-more": extension}, "x-more": extension})
    assert bool(find_spec_problems(document)) == bool(list_slow_words(document))


def test_a_clean_document_has_no_problems() -> None:
    assert find_spec_problems(make_clean_document()) == []
