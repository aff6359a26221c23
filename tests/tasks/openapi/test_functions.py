"""An operation as the tool that a student sees."""

from typing import Any

import pytest

from tasks.openapi import Operation, build_function, list_operations, normalise_document
from tests.tasks.openapi.documents import CAT, make_answer, make_document, make_operation


def build_tool(operation: Operation) -> Any:
    """The function's fields as a plain dictionary."""
    return build_function(operation).model_dump()


TAG = {"name": "tag", "in": "query", "required": True, "description": "Which\n  one", "schema": {"type": "string"}}


def test_parameters_and_body_fields_stand_side_by_side() -> None:
    function = build_tool(make_operation([TAG], CAT))
    assert list(function["parameters"]["properties"]) == ["tag", "id", "name", "age"]
    assert function["parameters"]["required"] == ["tag", "id", "name"]
    assert list(function["parameters"]) == ["type", "properties", "required"]
    assert function["parameters"]["properties"]["tag"] == {"type": "string", "description": "Which one"}


def test_a_body_whose_field_is_named_like_a_parameter_is_one_argument() -> None:
    function = build_tool(make_operation([{**TAG, "name": "name"}], CAT))
    assert list(function["parameters"]["properties"]) == ["name", "body"]
    assert function["parameters"]["required"] == ["name", "body"]


def test_a_body_that_is_no_object_is_one_argument() -> None:
    function = build_tool(make_operation(body={"type": "array", "items": CAT}))
    assert function["parameters"]["properties"]["body"]["type"] == "array"


def test_fields_of_an_optional_body_are_not_required() -> None:
    assert build_tool(make_operation(body=CAT, body_required=False))["parameters"].get("required") is None


def test_what_is_required_and_has_a_default_may_be_left_out() -> None:
    parameter = {**TAG, "schema": {"type": "string", "default": "all"}}
    assert build_tool(make_operation([parameter]))["parameters"].get("required") is None


def test_schemas_are_lean_and_keep_what_guides_a_call() -> None:
    schema = {
        "type": "string",
        "title": "Colour",
        "enum": ["red"],
        "default": "red",
        "example": "red",
        "minLength": 1,
        "xml": {},
        "x-order": 1,
        "externalDocs": {},
    }
    function = build_tool(make_operation(body={"type": "object", "properties": {"colour": schema}}))
    assert function["parameters"]["properties"]["colour"] == {
        "type": "string",
        "enum": ["red"],
        "default": "red",
        "minLength": 1,
    }


def test_fields_that_only_the_api_sets_are_no_arguments() -> None:
    body = {**CAT, "properties": {**CAT["properties"], "id": {"type": "string", "readOnly": True}}}
    function = build_tool(make_operation(body=body))
    assert list(function["parameters"]["properties"]) == ["name", "age"]
    assert function["parameters"]["required"] == ["name"]


def test_true_is_a_schema_that_takes_anything() -> None:
    operation = make_operation(body={**CAT, "properties": {**CAT["properties"], "notes": True}})
    assert build_tool(operation)["parameters"]["properties"]["notes"] is True


def test_two_parameters_of_one_name_stay_apart() -> None:
    path = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    operation = make_operation([path, {**path, "in": "query"}], path="/cats/{id}", method="get")
    assert list(build_tool(operation)["parameters"]["properties"]) == ["id", "id_query"]


def describe(schema: dict[str, Any]) -> Any:
    doc = make_document({"/cats": {"get": {"description": "Cats\nhere", "responses": make_answer(schema)}}})
    return build_tool(list_operations(normalise_document(doc))[0])["description"]


def test_the_description_ends_with_what_is_returned() -> None:
    listed = {
        "type": "object",
        "properties": {"results": {"type": "array", "items": CAT}, "total": {"type": "integer"}},
    }
    assert describe(listed) == "Cats here. Returns: results (list of id, name, age), total."
    assert describe({"type": "array", "items": CAT}) == "Cats here. Returns: list of id, name, age."
    assert describe({"type": "string"}) == "Cats here. Returns: string."


def test_a_long_list_of_fields_is_cut() -> None:
    many = {"type": "object", "properties": {f"field_number_{n}": {"type": "string"} for n in range(100)}}
    listed = {"type": "object", "properties": {"results": {"type": "array", "items": many}}}
    line = describe(listed)
    assert len(line) < 330
    assert line.endswith(", …).")


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"summary": "Cats", "description": "All cats"}, "All cats."),
        ({"summary": "Cats!"}, "Cats!"),
        ({}, "listCats."),
        ({"description": "x" * 400}, "x" * 299 + "…"),
    ],
)
def test_the_description_begins_with_what_the_operation_says_of_itself(said: dict[str, str], text: str) -> None:
    spec = {"operationId": "listCats", **said, "responses": {"204": {"description": "Nothing"}}}
    operation = list_operations(normalise_document(make_document({"/cats": {"get": spec}})))[0]
    assert build_tool(operation)["description"] == f"{text} Returns: nothing."


def test_an_operation_that_never_goes_well_returns_nothing() -> None:
    spec = {"summary": "Cats", "responses": {"404": {"description": "None"}}}
    operation = list_operations(normalise_document(make_document({"/cats": {"get": spec}})))[0]
    assert build_tool(operation)["description"] == "Cats. Returns: nothing."


@pytest.mark.parametrize(
    ("spec", "description"),
    [
        ({"description": "Outer"}, "Outer"),
        ({"description": "Outer", "schema": {"description": "Inner"}}, "Outer"),
        ({"description": "", "schema": {"description": "Inner"}}, "Inner"),
        ({"schema": {"description": "Inner"}}, "Inner"),
        ({"description": "x" * 201}, "x" * 199 + "…"),
        ({"description": "x" * 200}, "x" * 200),
        ({}, None),
    ],
)
def test_a_parameters_own_description_comes_before_its_schemas(spec: dict[str, Any], description: str | None) -> None:
    function = build_tool(make_operation([{"name": "tag", "in": "query", "schema": {}, **spec}]))
    assert function["parameters"]["properties"]["tag"].get("description") == description


@pytest.mark.parametrize(
    ("outer", "inner", "shown"),
    [("Outer", "Inner", "Inner"), ("Outer", None, "Outer"), ("x" * 201, None, "x" * 199 + "…"), (None, None, None)],
)
def test_the_description_of_a_body_that_is_one_argument_is_shown(
    outer: str | None, inner: str | None, shown: str | None
) -> None:
    schema = {"type": "array", "items": CAT} | ({"description": inner} if inner else {})
    body = {"content": {"application/json": {"schema": schema}}} | ({"description": outer} if outer else {})
    spec = {"requestBody": body, "responses": {}}
    operation = list_operations(normalise_document(make_document({"/cats": {"post": spec}})))[0]
    assert build_tool(operation)["parameters"]["properties"]["body"].get("description") == shown


@pytest.mark.parametrize("is_required", [True, False])
def test_a_body_that_is_one_argument_is_required_where_it_says_so(is_required: bool) -> None:
    operation = make_operation(body={"type": "array", "items": CAT}, body_required=is_required)
    assert build_tool(operation)["parameters"].get("required", []) == (["body"] if is_required else [])


@pytest.mark.parametrize("is_required", [True, False])
def test_a_parameter_is_required_where_it_says_so(is_required: bool) -> None:
    function = build_tool(make_operation([{**TAG, "required": is_required}]))
    assert function["parameters"].get("required", []) == (["tag"] if is_required else [])


def test_a_required_field_that_has_a_default_may_be_left_out() -> None:
    properties = {"a": {"default": 1}, "b": {"type": "string"}, "c": True}
    function = build_tool(make_operation(body={"properties": properties, "required": ["a", "b", "c"]}))
    assert list(function["parameters"]["properties"]) == ["a", "b", "c"]
    assert function["parameters"]["required"] == ["b", "c"]


@pytest.mark.parametrize("is_required", [True, False])
def test_a_body_that_has_a_default_may_be_left_out(is_required: bool) -> None:
    operation = make_operation(body={"type": "array", "items": CAT, "default": []}, body_required=is_required)
    assert build_tool(operation)["parameters"].get("required") is None


@pytest.mark.parametrize(
    ("name", "description", "shown"),
    [
        ("petId", "The id of the pet", None),
        ("pet_id", "Pet identifier.", None),
        ("id", "The unique id of a cat", None),  # listCats says of what
        ("id", "The id of the owner", "The id of the owner"),
        ("limit", "The limit", None),
        ("limit", "How many to return", "How many to return"),
        ("name", "", None),
    ],
)
def test_a_description_that_repeats_the_names_is_left_out(name: str, description: str, shown: str | None) -> None:
    parameter = {"name": name, "in": "query", "description": description, "schema": {"type": "string"}}
    spec = {"operationId": "listCats", "parameters": [parameter], "responses": {"204": {"description": "Nothing"}}}
    operation = list_operations(normalise_document(make_document({"/cats": {"get": spec}})))[0]
    assert build_tool(operation)["parameters"]["properties"][name].get("description") == shown
