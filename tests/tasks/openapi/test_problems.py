"""What is wrong with a document by its own specification, with its place, in short lines."""

import copy
from typing import Any

import pytest

from tasks.openapi import find_spec_problems
from tests.tasks.openapi.documents import CAT, make_answer, make_clean_document, make_document

Doc = dict[str, Any]
MAX_PROBLEMS, LINE_LIMIT = 20, 300
GOOD = {"200": {"description": "Good"}}


def make_swagger(paths: Doc, **parts: Any) -> Doc:
    return {"swagger": "2.0", "info": {"title": "Cats", "version": "1"}, "paths": paths, **parts}


def make_with_schema(schema: Any, version: str = "3.1.0", **parts: Any) -> Doc:
    return make_document({"/cats": {"get": {"responses": make_answer(schema)}}}, version, **parts)


@pytest.mark.parametrize("version", ["3.0.0", "3.0.3", "3.1.0", "3.1.1"])
def test_a_valid_document_has_no_problems_in_its_version(version: str) -> None:
    doc = make_with_schema({"$ref": "#/components/schemas/Cat"}, version, components={"schemas": {"Cat": CAT}})
    assert find_spec_problems(doc) == []


def test_a_valid_swagger_document_has_no_problems() -> None:
    responses = {"200": {"description": "Good", "schema": {"$ref": "#/definitions/Cat"}}}
    assert (
        find_spec_problems(make_swagger({"/cats": {"get": {"responses": responses}}}, definitions={"Cat": CAT})) == []
    )


@pytest.mark.parametrize(
    ("doc", "said"),
    [
        ({}, "'none'"),
        ({"openapi": "4.0.0"}, "'4.0'"),
        ({"swagger": "1.2"}, "'1.2'"),
        ({"openapi": "", "swagger": "3"}, "'3'"),
    ],
)
def test_another_version_is_the_only_problem(doc: Doc, said: str) -> None:
    assert find_spec_problems(doc) == [f"not an OpenAPI document of version 2.0, 3.0 or 3.1 (it says {said})"]


@pytest.mark.parametrize(
    ("schema", "version", "is_right"),
    [
        ({"type": "string", "nullable": True}, "3.0.0", True),
        ({"type": ["string", "null"]}, "3.0.0", False),
        ({"type": ["string", "null"]}, "3.1.0", True),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, "3.0.0", True),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, "3.1.0", False),
        ({"type": "integer", "exclusiveMinimum": 1}, "3.0.0", False),
        ({"type": "integer", "exclusiveMinimum": 1}, "3.1.0", True),
    ],
)
def test_a_document_is_taken_in_its_own_version(schema: Doc, version: str, is_right: bool) -> None:
    assert (find_spec_problems(make_with_schema(schema, version)) == []) is is_right


def test_a_problem_has_its_place() -> None:
    doc = {**make_clean_document(), "openapi": "3.0.0"}
    doc["paths"]["/cats"]["get"]["parameters"][0]["in"] = "nowhere"
    problems = find_spec_problems(doc)
    assert any(problem.startswith("paths./cats.get.parameters.0.in: 'nowhere' is not one of ") for problem in problems)
    del doc["info"]["title"]
    assert find_spec_problems(doc)[0] == "info: 'title' is a required property"
    assert find_spec_problems(doc)[1:] == problems
    del doc["info"]
    assert "document: 'info' is a required property" in find_spec_problems(doc)


def test_of_alternatives_the_innermost_thing_that_is_wrong_is_told() -> None:
    doc = make_with_schema({"type": "object", "properties": {"a": {"type": "strin"}}}, "3.0.0")
    (problem,) = find_spec_problems(doc)
    assert problem.startswith(
        "paths./cats.get.responses.200.content.application/json.schema.properties.a.type: 'strin' is not one of "
    )
    assert "$ref" not in problem


def test_that_something_is_no_reference_is_not_what_is_wrong() -> None:
    doc = make_document({"/cats": {"get": {"responses": {"200": {}}}}}, "3.0.0")
    assert find_spec_problems(doc) == ["paths./cats.get.responses.200: 'description' is a required property"]
    doc = make_document({"/cats": {"get": {"parameters": [{"name": "a"}], "responses": GOOD}}}, "3.0.0")
    assert find_spec_problems(doc) == ["paths./cats.get.parameters.0: 'in' is a required property"]
    components = {"responses": {"Bad": {}}, "securitySchemes": {"Key": {"type": "apiKey", "in": "header"}}}
    problems = find_spec_problems(
        make_document({"/cats": {"get": {"responses": GOOD}}}, "3.0.0", components=components)
    )
    assert problems[0] == "components.responses.Bad: 'description' is a required property"
    assert len(problems) == 2
    assert "'$ref'" not in problems[1]


def test_problems_beyond_the_schema_are_found() -> None:
    get = {"operationId": "get", "responses": GOOD}
    for version in ("3.0.0", "3.1.0"):
        (problem,) = find_spec_problems(make_document({"/a": {"get": get}, "/b": {"get": get}}, version))
        assert "Operation ID 'get' for 'get' in '/b' is not unique" in problem
    (problem,) = find_spec_problems(make_document({"/a/{id}": {"get": get}}))
    assert "Path parameter 'id' for 'get' operation in '/a/{id}' was not resolved" in problem


@pytest.mark.parametrize("key", ["$ref", "$dynamicRef", "$recursiveRef"])
@pytest.mark.parametrize("pointer", ["https://a.example/cat", "file:///etc/hostname", "other.yaml#/Cat", ""])
def test_a_remote_reference_ends_the_matter_wherever_it_stands(key: str, pointer: str) -> None:
    doc = make_with_schema({"properties": {"a": {"anyOf": [{key: pointer}]}}})
    del doc["info"]
    assert find_spec_problems(doc) == [
        f"remote reference {pointer!r}: only references within the document are followed"
    ]


def test_each_remote_reference_is_told_once_and_no_more_than_twenty() -> None:
    doc = make_with_schema({"oneOf": [{"$ref": "a.yaml"}, {"$ref": "b.yaml"}, {"$ref": "a.yaml"}]})
    assert [problem.split("'")[1] for problem in find_spec_problems(doc)] == ["a.yaml", "b.yaml"]
    doc = make_with_schema({"oneOf": [{"$ref": f"{n}.yaml"} for n in range(MAX_PROBLEMS + 5)]})
    assert len(find_spec_problems(doc)) == MAX_PROBLEMS


def test_an_id_does_not_make_a_reference_remote() -> None:
    cat = {"$id": "https://cats.example/cat", "properties": {"name": {"$ref": "#/components/schemas/Name"}}}
    doc = make_with_schema(
        {"$ref": "#/components/schemas/Cat"}, components={"schemas": {"Cat": cat, "Name": {"type": "string"}}}
    )
    assert find_spec_problems(doc) == []


def test_a_field_that_is_named_id_is_looked_at() -> None:
    assert find_spec_problems(make_with_schema({"properties": {"$id": {"type": "string"}}})) == []
    (problem,) = find_spec_problems(make_with_schema({"properties": {"$id": {"type": "strin"}}}))
    assert "'strin'" in problem


def test_an_id_that_is_no_text_is_looked_at() -> None:
    (problem,) = find_spec_problems(make_with_schema({"$id": 5}))
    assert problem == "$id: 5 is not of type 'string'"


def test_an_id_within_a_list_does_not_make_a_reference_remote() -> None:
    cat = {"anyOf": [{"$id": "https://cats.example/cat", "$ref": "#/components/schemas/Cat"}]}
    doc = make_with_schema(cat, components={"schemas": {"Cat": {"type": "strin"}}})
    assert find_spec_problems(doc) == find_spec_problems(
        make_with_schema({"anyOf": [{"$ref": "#/components/schemas/Cat"}]}, components=doc["components"])
    )


def test_a_missing_reference_is_told_by_its_pointer() -> None:
    problems = find_spec_problems(make_with_schema({"$ref": "#/components/schemas/Dog"}))
    assert problems == ["missing reference: nothing stands at '/components/schemas/Dog'"]


def test_the_document_is_not_changed() -> None:
    doc = make_with_schema({"$id": "https://cats.example/cat", "type": "strin"})
    before = copy.deepcopy(doc)
    find_spec_problems(doc)
    assert doc == before


@pytest.mark.parametrize("version", ["2.0", "3.0.0", "3.1.0"])
def test_no_more_than_twenty_problems_are_told(version: str) -> None:
    for count in (MAX_PROBLEMS, MAX_PROBLEMS + 5):
        paths = {f"/{n}": {"get": {"responses": {"200": {"description": 5}}}} for n in range(count)}
        doc = make_swagger(paths) if version == "2.0" else make_document(paths, version)
        problems = find_spec_problems(doc)
        assert len(problems) == MAX_PROBLEMS
        assert len(set(problems)) == MAX_PROBLEMS


def test_a_long_problem_is_cut() -> None:
    problems = find_spec_problems(make_with_schema({"type": "x" * 400}, "3.0.0"))
    assert [len(problem) for problem in problems] == [LINE_LIMIT]


def test_a_value_that_holds_itself_is_told() -> None:
    schema: Doc = {"type": "object"}
    schema["properties"] = {"a": schema}
    assert find_spec_problems(make_with_schema(schema)) == [
        "the document nests without end (a value that holds itself)"
    ]


@pytest.mark.parametrize(
    ("paths", "problem"),
    [
        (
            {"/cats": {"get": {"responses": GOOD, "parameters": None}}},
            'paths./cats.get.parameters: null is not of type "array"',
        ),
        ({"/cats": ["a"]}, 'paths./cats: ["a"] is not of type "object"'),
        ({"/cats": None}, 'paths./cats: null is not of type "object"'),
        (
            {"/cats": {"get": {"responses": GOOD, "parameters": [{"name": "a", "in": {}, "schema": {}}]}}},
            "paths./cats.get.parameters.0.in: {} is not one of ",
        ),
    ],
    ids=str,
)
def test_that_the_validator_trips_over_what_is_wrong_is_not_told_beside_it(paths: Any, problem: str) -> None:
    problems = find_spec_problems(make_document(paths))
    assert any(told.startswith(problem) for told in problems), problems
    assert not any("cannot read" in told for told in problems)


DRAFT_3, DRAFT_4 = (f"http://json-schema.org/draft-0{number}/schema#" for number in (3, 4))


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        ({"$schema": DRAFT_3, "required": True, "allOf": []}, "TypeError"),
        ({"$schema": DRAFT_4, "dependentSchemas": 5, "default": {}}, "AttributeError"),
        ({"$schema": DRAFT_3, "multipleOf": 0, "default": 5}, "ZeroDivisionError"),
        ({"$schema": DRAFT_3, "type": "any", "default": 1}, "UnknownType"),
    ],
    ids=str,
)
def test_what_an_older_dialect_lets_pass_and_the_validator_trips_over_is_told(schema: Doc, name: str) -> None:
    (problem,) = find_spec_problems(make_with_schema(schema))
    assert problem.startswith(f"the validator cannot read the document: {name}: ")
    assert "\n" not in problem


def test_a_path_that_is_no_template_is_told() -> None:
    (problem,) = find_spec_problems(make_document({"/cats/{": {"get": {"responses": GOOD}}}))
    assert problem.startswith("the validator cannot read the document: ValueError: ")


def test_what_cannot_be_read_at_all_is_told() -> None:
    (problem,) = find_spec_problems(make_document({"/cats": {5: {}}}))
    assert problem.startswith("the validator cannot read the document: ValueError: ")
    long: dict[Any, Any] = {n: {} for n in range(5)} | {"x" * 400: {}}
    assert all(len(told) <= LINE_LIMIT for told in find_spec_problems(make_document({"/cats": long})))


def test_in_3_1_alternatives_are_told_as_they_are() -> None:
    parameters = [{"name": "a", "in": "query"}]
    (problem,) = find_spec_problems(make_document({"/cats": {"get": {"responses": GOOD, "parameters": parameters}}}))
    assert problem.startswith("paths./cats.get.parameters.0: ")
    assert "'oneOf'" in problem


@pytest.mark.parametrize("paths", [None, [], "none", {"/cats": []}, {"/cats": {"get": {"parameters": {"a": 1}}}}])
@pytest.mark.parametrize("version", ["2.0", "3.0.0", "3.1.0"])
def test_what_the_validator_trips_over_is_a_problem_and_no_crash(paths: Any, version: str) -> None:
    doc = make_swagger(paths) if version == "2.0" else make_document(paths, version)
    problems = find_spec_problems(doc)
    assert problems
    assert all("\n" not in problem and len(problem) <= LINE_LIMIT for problem in problems)
