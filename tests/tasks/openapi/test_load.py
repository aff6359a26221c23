"""Documents of every version become one form, or are turned down with one line that says why."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings

from tasks.openapi import (
    DocumentError,
    find_spec_problems,
    list_operations,
    load_document,
    normalise_document,
)
from tests.shared_data import SHARED_DATA, needs_shared_data
from tests.tasks.openapi.documents import CAT, damaged_documents, make_answer, make_clean_document, make_document


def point_at(pointer: str) -> dict[str, Any]:
    return {"/cats": {"get": {"operationId": "getCats", "responses": make_answer({"$ref": pointer})}}}


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
    assert [line.partition(":")[0] for line in loaded.mends] == [
        "path 'cats/{id}'",
        "path '/dogs/{dog}'",
        "components",
        "root key 'parameters'",
        "GET /cats/{id}, response 200",
        "GET /cats/{id}, response 200",
        "GET /dogs/{dog}",
        "GET /dogs/{dog}",
        "paths./cats/{id}.get",
    ]
    assert load_document(make_clean_document()).mends == ()


def test_an_invalid_document_is_refused_with_all_reasons() -> None:
    doc = make_document(
        {"/cats": {"get": {"responses": {}, "parameters": [{"name": "a", "in": "nowhere", "schema": {}}]}}}, "3.0.0"
    )
    del doc["info"]["title"]
    with pytest.raises(DocumentError, match="title") as caught:
        load_document(doc)
    assert "nowhere" in caught.value.problem


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
