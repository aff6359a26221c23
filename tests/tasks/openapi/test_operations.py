"""The operations of a document as records: parameters, bodies, responses, media types."""

from typing import Any

import pytest

from tasks.openapi import Operation, Parameter, list_operations, normalise_document
from tests.tasks.openapi.documents import CAT, make_answer, make_document, make_operation


def read_operation(spec: dict[str, Any], path: str = "/cats", method: str = "post") -> Operation:
    document = make_document({path: {method: {"responses": {}, **spec}}})
    return list_operations(normalise_document(document))[0]


def read_parameter(**keys: Any) -> Parameter:
    place = keys["in"]
    path = "/cats/{name}" if place == "path" else "/cats"
    return read_operation({"parameters": [{"name": "name", **keys}]}, path).parameters[0]


def test_all_methods_are_listed_and_nothing_else_of_a_path() -> None:
    methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"]
    item: dict[str, Any] = {method: {"responses": make_answer(CAT)} for method in methods}
    document = make_document({"/cats": {"summary": "Cats", "servers": [], "x-order": {}, **item}})
    operations = list_operations(normalise_document(document))
    assert [(operation.method, operation.path) for operation in operations] == [
        (method.upper(), "/cats") for method in methods
    ]


def test_what_an_operation_says_of_itself_is_kept() -> None:
    said = {"operationId": "makeCat", "summary": "Make a cat", "description": "Makes a cat and returns it"}
    operation = read_operation(said)
    assert (operation.name, operation.summary, operation.description) == tuple(said.values())
    assert (operation.parameters, operation.body, operation.responses) == ((), None, {})


@pytest.mark.parametrize(
    ("place", "style", "explode"),
    [("path", "simple", False), ("query", "form", True), ("header", "simple", False), ("cookie", "form", True)],
)
def test_style_and_explode_have_the_specifications_defaults(place: str, style: str, explode: bool) -> None:
    parameter = read_parameter(**{"in": place}, schema={"type": "string"})
    assert (parameter.place, parameter.style, parameter.explode) == (place, style, explode)


@pytest.mark.parametrize(
    ("style", "explode"),
    [("form", True), ("deepObject", True), ("spaceDelimited", False), ("pipeDelimited", False)],
)
def test_explode_hangs_on_the_style_where_it_is_not_said(style: str, explode: bool) -> None:
    assert read_parameter(**{"in": "query"}, style=style, schema={}).explode is explode
    assert read_parameter(**{"in": "query"}, style=style, explode=not explode, schema={}).explode is not explode


def test_a_parameter_in_the_path_is_required_and_others_where_they_say_so() -> None:
    assert read_parameter(**{"in": "path"}, required=False, schema={}).required is True
    assert read_parameter(**{"in": "query"}, schema={}).required is False
    assert read_parameter(**{"in": "query"}, required=True, schema={}).required is True


def test_what_a_parameter_says_is_kept() -> None:
    parameter = read_parameter(**{"in": "query"}, schema=CAT, description="Which", allowReserved=True)
    assert (parameter.name, parameter.argument, parameter.schema) == ("name", "name", CAT)
    assert (parameter.description, parameter.allow_reserved, parameter.is_json) == ("Which", True, False)
    plain = read_parameter(**{"in": "query"})
    assert (plain.schema, plain.description, plain.allow_reserved) == ({}, "", False)


def test_a_parameter_with_content_travels_as_json() -> None:
    parameter = read_parameter(**{"in": "query"}, content={"application/json": {"schema": CAT}})
    assert (parameter.schema, parameter.is_json) == (CAT, True)


def test_the_headers_that_openapi_ignores_are_no_parameters() -> None:
    ignored = ["Accept", "content-type", "AUTHORIZATION"]
    specs = [{"name": name, "in": "header", "schema": {}} for name in [*ignored, "X-Accept"]]
    specs += [{"name": name, "in": "query", "schema": {}} for name in ["accept", "authorization"]]
    parameters = read_operation({"parameters": specs}).parameters
    assert [(parameter.name, parameter.place) for parameter in parameters] == [
        ("X-Accept", "header"),
        ("accept", "query"),
        ("authorization", "query"),
    ]


def test_the_second_parameter_of_a_name_is_an_argument_named_after_its_place() -> None:
    specs = [{"name": "id", "in": place, "schema": {}} for place in ["path", "query", "header", "cookie"]]
    parameters = read_operation({"parameters": specs}, "/cats/{id}").parameters
    assert [parameter.argument for parameter in parameters] == ["id", "id_query", "id_header", "id_cookie"]
    assert {parameter.name for parameter in parameters} == {"id"}


@pytest.mark.parametrize(
    ("schema", "argument"),
    [
        (CAT, None),
        ({"properties": {"a": {}}}, None),
        ({"type": "object", "properties": {}}, "body"),
        ({"type": "object"}, "body"),
        ({}, "body"),
        ({"type": ["object", "null"], "properties": {"a": {}}}, "body"),
        ({"type": "array", "items": CAT}, "body"),
        ({**CAT, "oneOf": [{"required": ["age"]}, {"required": ["name"]}]}, "body"),
        ({**CAT, "anyOf": [{"required": ["age"]}, {"required": ["name"]}]}, "body"),
        (
            {**CAT, "allOf": [{"type": "object", "properties": {"id": {}}}, {"properties": {"id": {"minLength": 1}}}]},
            "body",
        ),
        ({**CAT, "not": {"required": ["age"]}}, "body"),
        ({**CAT, "patternProperties": {"^x": {}}}, "body"),
        ({**CAT, "additionalProperties": {}}, None),
    ],
    ids=str,
)
def test_the_fields_of_a_plain_object_are_arguments_and_any_other_body_is_one(
    schema: dict[str, Any], argument: str | None
) -> None:
    body = make_operation(body=schema).body
    assert body is not None
    assert body.argument == argument


@pytest.mark.parametrize(
    ("names", "argument"),
    [
        (["id"], "body"),
        (["id", "body"], "request_body"),
        (["id", "body", "request_body"], "requestBody"),
        (["id", "request_body"], "body"),
        (["owner"], None),
    ],
)
def test_a_body_that_is_one_argument_takes_a_name_that_no_parameter_has(names: list[str], argument: str | None) -> None:
    parameters = [{"name": name, "in": "query", "schema": {}} for name in names]
    body = make_operation(parameters, CAT).body
    assert body is not None
    assert body.argument == argument


def test_what_a_body_says_is_kept() -> None:
    media = {"application/json": {"schema": CAT}}
    body = read_operation({"requestBody": {"content": media, "required": True, "description": "The cat"}}).body
    assert body is not None
    assert (body.schema, body.media_type, body.required, body.description) == (CAT, "application/json", True, "The cat")
    plain = read_operation({"requestBody": {"content": {"application/json": {}}}}).body
    assert plain is not None
    assert (plain.schema, plain.required, plain.description, plain.argument) == ({}, False, "", "body")


def test_a_body_without_content_is_none() -> None:
    assert read_operation({"requestBody": {"description": "Nothing"}}).body is None


JSON, TEXT = {"schema": CAT}, {"schema": {"type": "string"}}


@pytest.mark.parametrize(
    ("content", "body", "response"),
    [
        ({"text/plain": TEXT, "application/json": JSON}, "application/json", "application/json"),
        ({"text/plain": TEXT, "application/hal+json": JSON}, "application/hal+json", "application/hal+json"),
        ({"application/hal+json": JSON, "application/json": JSON}, "application/json", "application/json"),
        ({"a/a+json": JSON, "b/b+json": JSON}, "a/a+json", "a/a+json"),
        ({"image/png": TEXT, "text/json": JSON}, "image/png", "text/json"),
        ({"text/plain": TEXT, "text/json": JSON}, "text/plain", "text/json"),
        ({"image/png": TEXT, "text/plain": TEXT}, "image/png", "text/plain"),
        (
            {"multipart/form-data": JSON, "application/x-www-form-urlencoded": JSON},
            "application/x-www-form-urlencoded",
            "multipart/form-data",
        ),
        ({"text/plain": TEXT, "multipart/form-data": JSON}, "multipart/form-data", "text/plain"),
        ({"text/xml": TEXT, "Application/JSON; charset=utf-8": JSON}, *["Application/JSON; charset=utf-8"] * 2),
        ({"text/xml": TEXT, "a/a+json ;v=1": JSON}, *["a/a+json ;v=1"] * 2),
        ({"text/xml": TEXT, "image/png": TEXT}, "text/xml", "text/xml"),
        ({"application/json": {}, "text/xml": TEXT}, "text/xml", "text/xml"),
        ({"application/xml": {}, "application/json": {}}, "application/xml", "application/xml"),
    ],
    ids=str,
)
def test_the_media_type_is_the_first_preferred_one_that_has_a_schema(
    content: dict[str, Any], body: str, response: str
) -> None:
    responses = {"200": {"description": "Good", "content": content}}
    operation = read_operation({"requestBody": {"content": content}, "responses": responses})
    assert operation.body is not None
    assert operation.success is not None
    assert (operation.body.media_type, operation.success.media_type) == (body, response)


def test_a_response_says_its_status_and_schema_or_that_it_has_none() -> None:
    spec = make_answer(CAT) | {"204": {"description": "Gone"}, "4xx": {}, "default": {}}
    responses = read_operation({"responses": spec}).responses
    good, gone, bad = responses["200"], responses["204"], responses["4xx"]
    assert (good.status, good.description, good.media_type, good.schema) == ("200", "Good", "application/json", CAT)
    assert (gone.status, gone.description, gone.media_type, gone.schema) == ("204", "Gone", "", None)
    assert (bad.status, bad.description) == ("4XX", "")
    assert responses["default"].status == "default"


@pytest.mark.parametrize(("schema", "read"), [(True, {}), ({}, {}), (CAT, CAT)])
def test_a_response_of_anything_has_an_empty_schema(schema: Any, read: dict[str, Any]) -> None:
    success = read_operation({"responses": make_answer(schema)}).success
    assert success is not None
    assert success.schema == read


@pytest.mark.parametrize(
    ("declared", "success"),
    [
        (["200"], "200"),
        (["201", "200", "404"], "200"),
        (["2XX", "202", "default"], "202"),
        (["404", "2XX", "default"], "2XX"),
        (["404", "default"], "default"),
        (["404", "300", "102"], None),
        ([], None),
    ],
)
def test_the_response_of_a_good_call_is_the_lowest_2xx_else_2xx_else_default(
    declared: list[str], success: str | None
) -> None:
    found = read_operation({"responses": {status: {"description": ""} for status in declared}}).success
    assert (found and found.status) == success


@pytest.mark.parametrize(
    ("status", "declared", "found"),
    [
        (404, ["default", "4XX", "404"], "404"),
        (404, ["default", "4XX", "400"], "4XX"),
        (404, ["default", "5XX", "400"], "default"),
        (404, ["5XX", "400"], None),
        (500, ["4XX", "5XX"], "5XX"),
        (499, ["4XX", "5XX"], "4XX"),
        (200, ["2XX", "201"], "2XX"),
    ],
)
def test_a_status_is_found_exactly_then_by_its_range_then_by_default(
    status: int, declared: list[str], found: str | None
) -> None:
    response = read_operation({"responses": {key: {"description": ""} for key in declared}}).find_response(status)
    assert (response and response.status) == found


MARKED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "readOnly": True},
        "password": {"type": "string", "writeOnly": True},
        "both": {"type": "string", "readOnly": False, "writeOnly": False},
    },
    "required": ["id", "password", "both", "elsewhere"],
}
SENT = {**MARKED, "properties": {k: v for k, v in MARKED["properties"].items() if k != "id"}}
SENT["required"] = ["password", "both", "elsewhere"]
BACK = {**MARKED, "properties": {k: v for k, v in MARKED["properties"].items() if k != "password"}}
BACK["required"] = ["id", "both", "elsewhere"]


def wrap(schema: dict[str, Any], how: str) -> dict[str, Any]:
    if how == "field":
        return {"type": "object", "properties": {"cat": schema, "any": True}, "required": ["id"]}
    return {"items": schema} if how == "items" else {how: [schema, {"type": "string"}]}


@pytest.mark.parametrize("how", ["field", "items", "anyOf", "oneOf"])
def test_what_is_read_only_is_not_sent_and_what_is_write_only_is_not_read(how: str) -> None:
    spec = {
        "requestBody": {"content": {"application/json": {"schema": wrap(MARKED, how)}}},
        "responses": make_answer(wrap(MARKED, how)),
    }
    operation = read_operation(spec)
    assert operation.body is not None
    assert operation.success is not None
    assert operation.body.schema == wrap(SENT, how)
    assert operation.success.schema == wrap(BACK, how)


def test_parts_of_all_of_that_stay_apart_lose_what_is_read_only_too() -> None:
    parts = [
        {"properties": {"a": {"type": "string"}}},
        {"properties": {"a": {"minLength": 1}, "b": {"readOnly": True}}},
    ]
    body = make_operation(body={"allOf": parts}).body
    assert body is not None
    assert body.schema == {"allOf": [parts[0], {"properties": {"a": {"minLength": 1}}}]}
