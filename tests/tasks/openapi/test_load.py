"""Documents of every version become one form, or are turned down with one line that says why."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings

from tasks.openapi import (
    DocumentError,
    find_base_url,
    find_spec_problems,
    list_operations,
    load_document,
    normalise_document,
)
from tests.shared_data import SHARED_DATA, needs_shared_data
from tests.tasks.openapi.documents import CAT, damaged_documents, make_answer, make_clean_document, make_document


def point_at(pointer: str) -> dict[str, Any]:
    return {"/cats": {"get": {"operationId": "getCats", "responses": make_answer({"$ref": pointer})}}}


@pytest.mark.parametrize("doc", [{}, {"openapi": "4.0.0", "paths": {}}, {"swagger": "1.2", "paths": {}}])
def test_what_is_not_openapi_is_refused(doc: dict[str, Any]) -> None:
    with pytest.raises(DocumentError, match="not an OpenAPI document"):
        normalise_document(doc)


@settings(deadline=None)
@given(doc=damaged_documents())
def test_whatever_a_document_holds_it_is_loaded_or_refused(doc: dict[str, Any]) -> None:
    with suppress(DocumentError):
        assert list_operations(load_document(doc).document)


def test_references_are_put_in_place() -> None:
    components = {"schemas": {"Cat": CAT, "Cats": {"type": "array", "items": {"$ref": "#/components/schemas/Cat"}}}}
    doc = make_document(point_at("#/components/schemas/Cats"), components=components)
    operation = list_operations(normalise_document(doc))[0]
    assert operation.success is not None
    assert operation.success.schema == {"type": "array", "items": CAT}


def test_a_property_named_ref_and_data_with_a_ref_are_no_references() -> None:
    schema = {"type": "object", "properties": {"$ref": {"type": "string"}}, "default": {"$ref": "#/nowhere"}}
    doc = make_document({"/cats": {"get": {"responses": make_answer(schema)}}})
    operation = list_operations(normalise_document(doc))[0]
    assert operation.success is not None
    assert operation.success.schema == schema


def test_a_loop_is_refused_with_its_way() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    doc = make_document(point_at("#/components/schemas/Node"), components={"schemas": {"Node": node}})
    with pytest.raises(
        DocumentError, match=r"^reference loop: #/components/schemas/Node -> #/components/schemas/Node$"
    ):
        load_document(doc)


def test_a_missing_reference_is_refused_by_name() -> None:
    doc = make_document(point_at("#/components/schemas/Dog"))
    with pytest.raises(DocumentError, match=r"missing reference.*/components/schemas/Dog"):
        load_document(doc)
    with pytest.raises(DocumentError, match=r"missing reference.*#/components/schemas/Dog"):
        normalise_document(doc)


@pytest.mark.parametrize("pointer", ["http://127.0.0.1:9/a.json", "file:///etc/hostname", "other.yaml#/Cat"])
def test_remote_references_are_never_fetched(pointer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a remote reference was followed")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr("socket.socket.connect", refuse)
    with pytest.raises(DocumentError, match="remote reference"):
        load_document(make_document(point_at(pointer)))
    with pytest.raises(DocumentError, match="remote reference"):
        normalise_document(make_document(point_at(pointer)))


def test_references_that_multiply_without_end_are_refused() -> None:
    schemas: dict[str, Any] = {"S0": {"type": "string"}}
    for level in range(1, 30):
        pointer = {"$ref": f"#/components/schemas/S{level - 1}"}
        schemas[f"S{level}"] = {"type": "object", "properties": {"a": pointer, "b": pointer, "c": pointer}}
    with pytest.raises(DocumentError, match="grows past"):
        normalise_document(make_document(point_at("#/components/schemas/S29"), components={"schemas": schemas}))


def test_schemas_of_3_0_are_upgraded() -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "nullable": True, "enum": ["a"], "example": "a"},
            "age": {"type": "integer", "minimum": 0, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": False},
            "cat": {"nullable": True, "allOf": [{"$ref": "#/components/schemas/Cat"}], "description": "Whose"},
        },
    }
    doc = make_document(
        {"/cats": {"get": {"responses": make_answer(schema)}}}, "3.0.3", components={"schemas": {"Cat": CAT}}
    )
    success = list_operations(load_document(doc).document)[0].success
    assert success is not None
    assert success.schema is not None
    assert success.schema["properties"] == {
        "name": {"type": ["string", "null"], "enum": ["a", None], "examples": ["a"]},
        "age": {"type": "integer", "exclusiveMinimum": 0, "maximum": 9},
        "cat": {**CAT, "type": ["object", "null"], "description": "Whose"},
    }


def test_shared_parameters_are_merged_and_the_operations_own_win() -> None:
    shared = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in ("a", "b")]
    own = [{"name": "b", "in": "query", "schema": {"type": "integer"}}]
    doc = make_document({"/cats": {"parameters": shared, "get": {"parameters": own, "responses": make_answer(CAT)}}})
    parameters = list_operations(normalise_document(doc))[0].parameters
    assert [(parameter.name, parameter.schema["type"]) for parameter in parameters] == [
        ("a", "string"),
        ("b", "integer"),
    ]


def test_every_operation_gets_a_name_that_is_safe_and_its_own() -> None:
    ids = ["", "get cat/one", "get cat one", "日本", "x" * 100, "x" * 101]
    paths = {f"/cats/{n}/{{id}}": {"get": {"operationId": name, "responses": {}}} for n, name in enumerate(ids)}
    names = [operation.name for operation in list_operations(normalise_document(make_document(paths)))]
    assert names == ["cats_0_id_get", "get_cat_one", "get_cat_one2", "get", "x" * 64, "x" * 63 + "2"]


def test_swagger_2_becomes_openapi_3() -> None:
    doc = {
        "swagger": "2.0",
        "info": {"title": "Cats", "version": "1"},
        "host": "cats.example",
        "basePath": "/v2",
        "schemes": ["http", "https"],
        "definitions": {"Cat": CAT},
        "paths": {
            "/cats": {
                "post": {
                    "parameters": [
                        {"name": "cat", "in": "body", "required": True, "schema": {"$ref": "#/definitions/Cat"}},
                        {
                            "name": "tags",
                            "in": "query",
                            "type": "array",
                            "items": {"type": "string"},
                            "collectionFormat": "pipes",
                        },
                        {"name": "ids", "in": "query", "type": "array", "items": {"type": "integer"}},
                    ],
                    "responses": {"200": {"description": "Good", "schema": {"$ref": "#/definitions/Cat"}}},
                }
            },
            "/photos": {
                "post": {
                    "consumes": ["multipart/form-data"],
                    "parameters": [{"name": "photo", "in": "formData", "type": "file", "required": True}],
                    "responses": {"204": {"description": "Done"}},
                }
            },
        },
    }
    document = load_document(doc).document
    create, upload = list_operations(document)
    assert find_base_url(document) == "https://cats.example/v2"
    assert [(p.name, p.style, p.explode) for p in create.parameters] == [
        ("tags", "pipeDelimited", False),
        ("ids", "form", False),
    ]
    assert create.body is not None
    assert (create.body.schema, create.body.required, create.body.media_type) == (CAT, True, "application/json")
    assert create.success is not None
    assert create.success.schema == CAT
    assert upload.body is not None
    assert upload.body.media_type == "multipart/form-data"
    assert find_spec_problems(document) == []


def test_normalising_again_changes_nothing_and_the_result_is_valid() -> None:
    document = normalise_document(make_clean_document())
    assert normalise_document(document) == document
    assert find_spec_problems(document) == []


def test_small_defects_are_mended_and_said() -> None:
    get = {
        "operationId": "getCat",
        "parameters": [{"name": "id", "in": "path", "required": False, "schema": {"type": "string"}}],
        "responses": {"200": {"schema": {"type": "object"}}},
    }
    nested = {"get": {"operationId": "getCat", "responses": {"200": {"description": "Good"}}}}
    paths = {"cats/{id}": {"get": get, "/dogs/{dog}": nested}, "components": {"schemas": {}}}
    loaded = load_document(make_document(paths, "3.0.1", parameters=[]))
    assert [operation.path for operation in list_operations(loaded.document)] == ["/cats/{id}", "/dogs/{dog}"]
    said = "\n".join(loaded.mends)
    for part in ("a slash", "stood within path", "moved to the root", "'parameters'", "not required", "not declared"):
        assert part in said
    for part in ("no description", "outside content", "used twice"):
        assert part in said


def test_an_invalid_document_is_refused_with_all_reasons() -> None:
    doc = make_document(
        {"/cats": {"get": {"responses": {}, "parameters": [{"name": "a", "in": "nowhere", "schema": {}}]}}}, "3.0.0"
    )
    del doc["info"]["title"]
    with pytest.raises(DocumentError, match="title") as caught:
        load_document(doc)
    assert "nowhere" in caught.value.problem


def test_a_pattern_that_is_none_is_refused() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "(["}}}
    with pytest.raises(DocumentError):
        load_document(make_document({"/cats": {"get": {"responses": make_answer(schema)}}}))


@pytest.mark.parametrize(
    ("servers", "url"),
    [
        ([{"url": "https://{zone}.example/v1/", "variables": {"zone": {"default": "eu"}}}], "https://eu.example/v1"),
        ([{"url": "/v1"}], "https://api.invalid/v1"),
        ([], "https://api.invalid"),
    ],
)
def test_the_base_url_is_the_first_server(servers: list[dict[str, Any]], url: str) -> None:
    assert find_base_url({"servers": servers}) == url


@needs_shared_data
def test_toolalpacas_documents_load_but_for_one_that_refers_to_itself() -> None:
    refused = {}
    for name in ("simulated", "real"):
        for api in json.loads((SHARED_DATA / f"toolalpaca_eval_{name}.json").read_text()):
            try:
                document = load_document(json.loads(api["Documentation"])).document
            except DocumentError as error:
                refused[api["Name"]] = error.problem
                continue
            assert find_spec_problems(document) == [], api["Name"]
            assert set(api["Function_Projection"]) <= {operation.name for operation in list_operations(document)}
    pointer = "#/components/schemas/CountryInfoDto"
    assert refused == {"Nager.Date": f"reference loop: {pointer} -> {pointer}"}
