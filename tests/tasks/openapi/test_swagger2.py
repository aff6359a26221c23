"""Swagger 2.0 in the shape of OpenAPI 3.0, element by element; and the whole way from a document to a request."""

from typing import Any

import pytest

from tasks.openapi import (
    DocumentError,
    build_request,
    find_base_url,
    find_spec_problems,
    list_operations,
    load_document,
    read_arguments,
)
from tasks.openapi.swagger2 import convert_swagger
from tests.tasks.openapi.documents import CAT

Spec = dict[str, Any]


def convert(spec: Spec, item: Spec | None = None, **doc: Any) -> Spec:
    """The one operation of a document."""
    item = {"post": {"responses": {}, **spec}, **(item or {})}
    converted: Spec = convert_swagger({"swagger": "2.0", "paths": {"/cats": item}, **doc})["paths"]["/cats"]["post"]
    return converted


def convert_parameter(**keys: Any) -> Spec:
    parameters: list[Spec] = convert({"parameters": [{"name": "x", "in": "query", **keys}]})["parameters"]
    return parameters[0]


def test_a_document_of_openapi_3_comes_out() -> None:
    doc = convert_swagger(
        {"swagger": "2.0", "info": {"title": "Cats"}, "paths": {"/a": {}}, "definitions": {"Cat": CAT}}
    )
    assert doc == {"openapi": "3.0.3", "info": {"title": "Cats"}, "servers": [{"url": "/"}], "paths": {"/a": {}}}
    assert convert_swagger({"paths": {}})["info"] == {}


@pytest.mark.parametrize(
    ("keys", "urls"),
    [
        ({}, ["/"]),
        ({"basePath": "/v2"}, ["/v2"]),
        ({"schemes": ["http"], "basePath": "/v2"}, ["/v2"]),
        ({"host": "cats.example"}, ["https://cats.example"]),
        ({"host": "cats.example:8080", "basePath": "/v2"}, ["https://cats.example:8080/v2"]),
        ({"host": "cats.example", "schemes": []}, ["https://cats.example"]),
        ({"host": "cats.example", "schemes": ["http"]}, ["http://cats.example"]),
        (
            {"host": "cats.example", "schemes": ["ws", "http", "https"]},
            ["https://cats.example", "ws://cats.example", "http://cats.example"],
        ),
    ],
)
def test_host_base_path_and_schemes_become_servers_with_https_first(keys: Spec, urls: list[str]) -> None:
    assert convert_swagger({"paths": {}, **keys})["servers"] == [{"url": url} for url in urls]


def test_of_a_path_its_operations_are_kept() -> None:
    item = {"get": {"operationId": "a"}, "x-note": {"b": 1}, "parameters": [], "delete": {"operationId": "c"}}
    item |= {"head": "no operation"}
    converted = convert_swagger({"paths": {"/cats": item}})["paths"]["/cats"]
    assert {key: value["operationId"] for key, value in converted.items()} == {"get": "a", "delete": "c"}


def test_of_an_operation_all_is_kept_but_what_3_0_says_elsewhere() -> None:
    said = {"operationId": "a", "summary": "A", "tags": ["t"], "deprecated": True}
    elsewhere = {"consumes": ["text/xml"], "produces": ["text/xml"], "schemes": ["http"]}
    assert convert({**said, **elsewhere}) == {**said, "parameters": [], "responses": {}}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("type", "string"),
        ("format", "date"),
        ("items", {"type": "string"}),
        ("default", 1),
        ("maximum", 9),
        ("exclusiveMaximum", True),
        ("minimum", 1),
        ("exclusiveMinimum", True),
        ("maxLength", 9),
        ("minLength", 1),
        ("pattern", "a"),
        ("maxItems", 9),
        ("minItems", 1),
        ("uniqueItems", True),
        ("enum", ["a"]),
        ("multipleOf", 2),
    ],
)
def test_what_shapes_a_parameter_goes_to_its_schema(key: str, value: Any) -> None:
    assert convert_parameter(**{key: value}) == {"name": "x", "in": "query", "schema": {key: value}}


@pytest.mark.parametrize("key", ["description", "required", "allowEmptyValue", "x-note"])
def test_what_else_a_parameter_says_stays_on_it(key: str) -> None:
    assert convert_parameter(**{key: True}) == {"name": "x", "in": "query", key: True, "schema": {}}


def test_items_are_shapes_at_every_depth() -> None:
    items = {"type": "array", "collectionFormat": "csv", "x": 1, "items": {"type": "string", "description": "no shape"}}
    schema = convert_parameter(type="array", items=items)["schema"]
    assert schema == {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}


@pytest.mark.parametrize(
    ("place", "collection", "style"),
    [
        ("query", None, {"explode": False}),
        ("query", "csv", {"explode": False}),
        ("query", "ssv", {"style": "spaceDelimited", "explode": False}),
        ("query", "pipes", {"style": "pipeDelimited", "explode": False}),
        ("query", "multi", {"style": "form", "explode": True}),
        ("path", None, {}),
        ("path", "csv", {}),
        ("header", "csv", {}),
    ],
)
def test_the_format_of_a_collection_becomes_a_style(place: str, collection: str | None, style: Spec) -> None:
    keys = {} if collection is None else {"collectionFormat": collection}
    array = {"type": "array", "items": {"type": "string"}}
    assert convert_parameter(**{"in": place, **array, **keys}) == {"name": "x", "in": place, "schema": array, **style}


def test_only_a_list_has_a_style() -> None:
    parameter = convert_parameter(type="string", collectionFormat="pipes")
    assert parameter == {"name": "x", "in": "query", "schema": {"type": "string"}}


def test_a_format_of_collections_that_3_0_does_not_have_is_refused() -> None:
    with pytest.raises(DocumentError, match=r"^parameter 'x': collectionFormat 'tsv' has no OpenAPI 3 form$"):
        convert_parameter(type="array", items={}, collectionFormat="tsv")


def make_body(**keys: Any) -> Spec:
    return {"name": "cat", "in": "body", **keys}


def make_field(name: str, **keys: Any) -> Spec:
    return {"name": name, "in": "formData", "type": "string", **keys}


def test_a_body_becomes_a_request_body() -> None:
    spec = convert({"parameters": [make_body(schema=CAT, required=True, description="The cat")]})
    assert spec["parameters"] == []
    assert spec["requestBody"] == {
        "description": "The cat",
        "required": True,
        "content": {"application/json": {"schema": CAT}},
    }
    assert convert({"parameters": [make_body()]})["requestBody"] == {
        "description": "",
        "required": False,
        "content": {"application/json": {"schema": {}}},
    }


@pytest.mark.parametrize(
    ("own", "of_document", "used"),
    [
        (None, None, ["application/json"]),
        (None, ["text/xml"], ["text/xml"]),
        (["text/csv", "text/xml"], ["text/plain"], ["text/csv", "text/xml"]),
        ([], ["text/xml"], ["text/xml"]),
        ([], [], ["application/json"]),
    ],
)
def test_media_types_are_the_operations_own_or_the_documents(
    own: list[str] | None, of_document: list[str] | None, used: list[str]
) -> None:
    def name(keyword: str, types: list[str] | None) -> Spec:
        return {} if types is None else {keyword: types}

    body = convert({"parameters": [make_body(schema=CAT)], **name("consumes", own)}, **name("consumes", of_document))
    assert body["requestBody"]["content"] == {media_type: {"schema": CAT} for media_type in used}
    answers = {"200": {"schema": CAT}}
    answer = convert({"responses": answers, **name("produces", own)}, **name("produces", of_document))
    assert answer["responses"]["200"]["content"] == {media_type: {"schema": CAT} for media_type in used}


def test_fields_of_a_form_become_the_body() -> None:
    fields = [make_field("a", required=True, description="A", maxLength=3), make_field("b", type="integer")]
    assert convert({"parameters": fields})["requestBody"] == {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "a": {"type": "string", "maxLength": 3, "description": "A"},
                        "b": {"type": "integer"},
                    },
                    "required": ["a"],
                }
            }
        },
    }


def test_a_form_of_which_nothing_is_required_is_not_required() -> None:
    body = convert({"parameters": [make_field("a"), make_field("b", required=False)]})["requestBody"]
    assert body["required"] is False
    assert "required" not in body["content"]["application/x-www-form-urlencoded"]["schema"]


@pytest.mark.parametrize(
    ("fields", "consumes", "media_type"),
    [
        ([make_field("a")], [], "application/x-www-form-urlencoded"),
        ([make_field("a")], ["application/json"], "application/x-www-form-urlencoded"),
        ([make_field("a")], ["application/x-www-form-urlencoded", "multipart/form-data"], "multipart/form-data"),
        ([make_field("a"), make_field("b", type="file")], [], "multipart/form-data"),
        ([make_field("b", type="file")], ["application/x-www-form-urlencoded"], "multipart/form-data"),
    ],
)
def test_a_form_travels_in_parts_where_it_has_a_file_or_says_so(
    fields: list[Spec], consumes: list[str], media_type: str
) -> None:
    assert list(convert({"parameters": fields, "consumes": consumes})["requestBody"]["content"]) == [media_type]


def test_a_file_is_binary_text() -> None:
    binary = {"type": "string", "format": "binary"}
    form = convert({"parameters": [make_field("a", type="file")]})["requestBody"]["content"]["multipart/form-data"]
    assert form["schema"]["properties"] == {"a": binary}
    answer = convert({"responses": {"200": {"schema": {"type": "file"}}}, "produces": ["image/png"]})
    assert answer["responses"]["200"]["content"] == {"image/png": {"schema": binary}}


def test_an_operation_without_body_and_form_has_no_request_body() -> None:
    assert "requestBody" not in convert({"parameters": [{"name": "x", "in": "query", "type": "string"}]})
    assert "requestBody" not in convert({})


def test_responses_keep_what_they_say_and_nothing_else() -> None:
    responses = {200: {"description": "Good", "headers": {}}, "404": {}, "default": {"schema": CAT}, "x-note": {"a": 1}}
    assert convert({"responses": responses})["responses"] == {
        "200": {"description": "Good"},
        "404": {"description": ""},
        "default": {"description": "", "content": {"application/json": {"schema": CAT}}},
    }


X, Y = {"name": "x", "in": "query", "type": "string"}, {"name": "y", "in": "query", "type": "string"}
OTHER_X, HEADER_X = {**X, "type": "integer"}, {**X, "in": "header"}


def get_shapes(spec: Spec) -> list[tuple[str, str, str]]:
    return [(item["name"], item["in"], item["schema"]["type"]) for item in spec["parameters"]]


@pytest.mark.parametrize(
    ("shared", "own", "shapes"),
    [
        ([X], [], [("x", "query", "string")]),
        ([X], [Y], [("x", "query", "string"), ("y", "query", "string")]),
        ([X, Y], [OTHER_X], [("y", "query", "string"), ("x", "query", "integer")]),
        ([X], [HEADER_X], [("x", "query", "string"), ("x", "header", "string")]),
    ],
    ids=str,
)
def test_parameters_of_a_path_are_those_of_its_operations(
    shared: list[Spec], own: list[Spec], shapes: list[tuple[str, str, str]]
) -> None:
    assert get_shapes(convert({"parameters": own}, {"parameters": shared})) == shapes


WHOLE, OTHER_WHOLE = make_body(schema=CAT), make_body(name="other", schema={"type": "object"})


@pytest.mark.parametrize(
    ("shared", "own", "content"),
    [
        ([WHOLE], [], {"application/json": {"schema": CAT}}),
        ([WHOLE], [X], {"application/json": {"schema": CAT}}),
        ([WHOLE], [OTHER_WHOLE], {"application/json": {"schema": {"type": "object"}}}),
        (
            [WHOLE],
            [make_field("a")],
            {
                "application/x-www-form-urlencoded": {
                    "schema": {"type": "object", "properties": {"a": {"type": "string"}}}
                }
            },
        ),
        (
            [make_field("a")],
            [make_field("b")],
            {
                "application/x-www-form-urlencoded": {
                    "schema": {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}
                }
            },
        ),
    ],
    ids=str,
)
def test_the_body_of_a_path_is_that_of_its_operations_unless_they_have_one(
    shared: list[Spec], own: list[Spec], content: Spec
) -> None:
    assert convert({"parameters": own}, {"parameters": shared})["requestBody"]["content"] == content


def test_a_document_goes_all_the_way_to_a_request_and_back() -> None:
    pet = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0, "exclusiveMinimum": True}}}
    tags = {"name": "tags", "in": "query", "type": "array", "items": {"type": "integer"}, "collectionFormat": "ssv"}
    spec = {
        "parameters": [tags, make_body(schema={"$ref": "#/definitions/Pet"})],
        "responses": {"200": {"description": "Good", "schema": {"$ref": "#/definitions/Pet"}}},
    }
    path_id = {"name": "id", "in": "path", "required": True, "type": "integer", "x-nullable": False}
    doc = {
        "swagger": "2.0",
        "info": {"title": "Pets", "version": "1"},
        "host": "pets.example",
        "basePath": "/v2/",
        "paths": {"/pets/{id}": {"parameters": [path_id], "put": spec}},
        "definitions": {"Pet": pet},
    }
    document = load_document(doc).document
    assert find_spec_problems(document) == []
    (operation,) = list_operations(document)
    request = build_request(operation, {"id": 7, "tags": [1, 2], "age": 3}, find_base_url(document))
    assert (request.method, str(request.url)) == ("PUT", "https://pets.example/v2/pets/7?tags=1%202")
    assert request.content == b'{"age":3}'
    assert read_arguments(operation, request) == {"id": 7, "tags": [1, 2], "age": 3}
    assert operation.success is not None
    assert operation.success.schema == {
        "type": "object",
        "properties": {"age": {"type": "integer", "exclusiveMinimum": 0}},
    }
