"""Small defects are mended in the document, and only these; each mend is said in a line."""

import copy
from typing import Any

import pytest

from tasks.openapi.mend import ROOT_KEYS, mend_document
from tests.tasks.openapi.documents import CAT, make_answer, make_clean_document, make_document

Doc = dict[str, Any]
GOOD = {"200": {"description": "Good"}}


def mend(doc: Doc) -> tuple[Doc, list[str]]:
    """A mended document; the one given is never changed."""
    before = copy.deepcopy(doc)
    mended, mends = mend_document(doc)
    assert doc == before
    assert (mended == doc) == (mends == [])
    return mended, mends


def mend_operation(spec: Doc, path: str = "/cats", version: str = "3.0.0", **item: Any) -> tuple[Doc, list[str]]:
    """One operation, mended."""
    doc = make_document({path: {"get": {"responses": GOOD, **spec}, **item}}, version)
    if version == "2.0":
        doc["swagger"] = doc.pop("openapi")
    mended, mends = mend(doc)
    operation: Doc = mended["paths"][path]["get"]
    return operation, mends


def test_a_clean_document_stays_as_it_is() -> None:
    assert mend(make_clean_document()) == (make_clean_document(), [])


@pytest.mark.parametrize("doc", [{}, {"paths": None, "extra": 1}, {"paths": ["a"], "openapi": "3.0.0", "extra": 1}])
def test_what_has_no_paths_stays_as_it_is(doc: Doc) -> None:
    assert mend(doc) == (doc, [])


@pytest.mark.parametrize("item", [None, 5, "text", ["get"]])
def test_a_path_that_holds_no_object_stays_as_it_is(item: Any) -> None:
    doc = make_document({"/cats": item, "/dogs": {"get": item}})
    assert mend(doc) == (doc, [])


def test_a_path_gets_its_slash() -> None:
    mended, mends = mend(make_document({"cats": {}, "/dogs": {}, "x-note": {}, "api/v1": {}}))
    assert list(mended["paths"]) == ["/cats", "/dogs", "x-note", "/api/v1"]
    assert mends == ["path 'cats': a slash was put before it", "path 'api/v1': a slash was put before it"]


def test_components_among_the_paths_go_to_the_root() -> None:
    doc = make_document({"components": {"schemas": {"Cat": CAT}}, "/cats": {}})
    mended, mends = mend(doc)
    assert mended == make_document({"/cats": {}}, components={"schemas": {"Cat": CAT}})
    assert mends == ["components: stood within paths; moved to the root"]


def test_components_at_the_root_win_over_those_among_the_paths() -> None:
    stray = {"schemas": {"Cat": CAT}, "parameters": {"a": {}}}
    mended, _ = mend(make_document({"components": stray}, components={"schemas": {"Dog": CAT}, "links": {}}))
    assert mended["components"] == {"schemas": {"Dog": CAT}, "parameters": {"a": {}}, "links": {}}


def test_a_path_that_is_called_components_and_holds_no_object_is_a_path() -> None:
    assert mend(make_document({"components": 5}))[0]["paths"] == {"/components": 5}


def test_paths_within_a_path_go_to_the_paths() -> None:
    get, put = {"responses": GOOD}, {"responses": GOOD, "summary": "Put"}
    doc = make_document({"cats": {"get": get, "/dogs": {"put": put}, "/birds": {}}, "/last": {}})
    mended, mends = mend(doc)
    assert mended["paths"] == {"/cats": {"get": get}, "/dogs": {"put": put}, "/birds": {}, "/last": {}}
    assert mends == [
        "path 'cats': a slash was put before it",
        "path '/dogs': stood within path '/cats'; moved to the paths",
        "path '/birds': stood within path '/cats'; moved to the paths",
    ]


def test_operations_of_a_path_that_was_moved_are_mended_too() -> None:
    inner: Doc = {"get": {"responses": {"200": {}}}}
    mended, _ = mend(make_document({"/cats": {"/dogs": inner}}))
    assert mended["paths"]["/dogs"] == {"get": {"responses": {"200": {"description": ""}}}}


@pytest.mark.parametrize(
    "key",
    [
        *("openapi", "info", "jsonSchemaDialect", "servers", "paths", "webhooks", "components", "security", "tags"),
        *("externalDocs", "x-note"),
    ],
)
def test_keys_of_the_root_are_kept(key: str) -> None:
    doc: Doc = {"openapi": "3.1.0", "paths": {}}
    assert mend({key: {"a": 1}, **doc})[1] == []
    assert key in ROOT_KEYS or key.startswith("x-")


@pytest.mark.parametrize("key", ["parameters", "swagger", "host", "x", "definitions"])
def test_other_keys_of_the_root_are_dropped(key: str) -> None:
    for version in ("3.0.0", "3.1.0"):
        doc = make_document({}, version)
        assert mend({**doc, key: 1}) == (doc, [f"root key {key!r}: OpenAPI has none of that name; dropped"])


def test_of_swagger_no_key_of_the_root_is_dropped() -> None:
    doc: Doc = {"swagger": "2.0", "info": {}, "paths": {}, "host": "cats.example", "definitions": {}, "anything": 1}
    assert mend(doc) == (doc, [])


def make_parameter(place: str, name: Any = "id", **keys: Any) -> Doc:
    return {"name": name, "in": place, "schema": {"type": "string"}, **keys}


ID = make_parameter("path", required=True)


@pytest.mark.parametrize("required", [{}, {"required": False}, {"required": "true"}])
def test_a_path_parameter_becomes_required_wherever_it_stands(required: Doc) -> None:
    loose = {key: value for key, value in ID.items() if key != "required"} | required
    item = {"parameters": [{**loose}], "get": {"responses": GOOD, "parameters": [{**loose}]}}
    mended, mends = mend(make_document({"/cats/{id}": item}, components={"parameters": {"Id": {**loose}}}))
    assert mended["paths"]["/cats/{id}"] == {"parameters": [ID], "get": {"responses": GOOD, "parameters": [ID]}}
    assert mended["components"] == {"parameters": {"Id": ID}}
    told = ": path parameter 'id' was not required; it always is"
    assert mends == [
        f"paths./cats/{{id}}.parameters{told}",
        f"paths./cats/{{id}}.get{told}",
        f"components.parameters.Id{told}",
    ]


@pytest.mark.parametrize(
    "parameter", [make_parameter("query"), make_parameter("header", required=False), make_parameter("path", 5), ID]
)
def test_other_parameters_stay_as_they_are(parameter: Doc) -> None:
    doc = make_document({}, components={"parameters": {"x": parameter}})
    assert mend(doc) == (doc, [])


def test_a_path_parameter_that_is_not_declared_is_taken_as_text() -> None:
    spec, mends = mend_operation({"parameters": [make_parameter("query", "a")]}, "/cats/{id}/{toy-id}")
    assert spec["parameters"] == [make_parameter("query", "a"), ID, {**ID, "name": "toy-id"}]
    assert mends == [
        "GET /cats/{id}/{toy-id}: path parameter 'id' was not declared; taken as text",
        "GET /cats/{id}/{toy-id}: path parameter 'toy-id' was not declared; taken as text",
    ]
    assert mend_operation({}, "/cats/{id}")[0]["parameters"] == [ID]


def test_swagger_has_the_type_on_the_parameter() -> None:
    spec, _ = mend_operation({}, "/cats/{id}", "2.0")
    assert spec["parameters"] == [{"name": "id", "in": "path", "required": True, "type": "string"}]


@pytest.mark.parametrize(
    ("own", "shared", "added"),
    [
        ([ID], [], False),
        ([], [ID], False),
        ([make_parameter("query")], [], True),
        ([], [make_parameter("query")], True),
        ([{**ID, "name": "ID"}], [], True),
        ([{"$ref": "#/components/parameters/Id"}], [], False),
        ([], [{"$ref": "#/components/parameters/Id"}], False),
        ([5], [], False),
        ([], {"not": "a list"}, False),
        ({"not": "a list"}, [], False),
    ],
    ids=str,
)
def test_a_path_parameter_is_added_only_where_none_can_be_declared(own: Any, shared: Any, added: bool) -> None:
    spec, mends = mend_operation({"parameters": own}, "/cats/{id}", parameters=shared)
    assert spec["parameters"] == ([*own, ID] if added else own)
    assert len(mends) == added


def test_each_operation_of_a_path_declares_its_own() -> None:
    mended, mends = mend(make_document({"/cats/{id}": {"get": {"responses": GOOD}, "put": {"responses": GOOD}}}))
    item = mended["paths"]["/cats/{id}"]
    assert item == {method: {"responses": GOOD, "parameters": [ID]} for method in ("get", "put")}
    assert [mend.partition(" ")[0] for mend in mends] == ["GET", "PUT"]


def test_a_name_that_is_used_again_is_taken_from_the_later_operation() -> None:
    ids = ["a", "b", "a", "A", "a", 5, 5, None]
    doc = make_document({f"/{n}": {"get": {"operationId": name, "responses": GOOD}} for n, name in enumerate(ids)})
    mended, mends = mend(doc)
    kept = [item["get"].get("operationId", "none") for item in mended["paths"].values()]
    assert kept == ["a", "b", "none", "A", "none", 5, 5, None]
    assert mends == [f"GET /{n}: operationId 'a' is used twice; one is made" for n in (2, 4)]


SCHEMA = {"type": "object"}
CONTENT = {"application/json": {"schema": SCHEMA}}


@pytest.mark.parametrize(
    ("response", "mended"),
    [
        ({"description": "Good"}, {"description": "Good"}),
        ({"description": ""}, {"description": ""}),
        ({}, {"description": ""}),
        ({"content": CONTENT}, {"description": "", "content": CONTENT}),
        ({"description": "Good", "schema": SCHEMA}, {"description": "Good", "content": CONTENT}),
        ({"schema": SCHEMA}, {"description": "", "content": CONTENT}),
        ({"description": "Good", "schema": SCHEMA, "content": {}},) * 2,
        ({"description": "Good", "schema": "Cat"},) * 2,
        ({"$ref": "#/components/responses/Good"},) * 2,
        (5, 5),
    ],
    ids=str,
)
def test_a_response_gets_what_it_lacks(response: Any, mended: Any) -> None:
    spec, mends = mend_operation({"responses": {"200": response, "404": {"description": "None"}}})
    assert spec["responses"] == {"200": mended, "404": {"description": "None"}}
    assert all(line.startswith("GET /cats, response 200: ") for line in mends)


def test_the_mends_of_a_response_are_said() -> None:
    assert mend_operation({"responses": {"201": {"schema": SCHEMA}}})[1] == [
        "GET /cats, response 201: had no description; an empty one stands now",
        "GET /cats, response 201: schema stood outside content; taken as application/json",
    ]


def test_in_swagger_a_schema_stands_outside_content() -> None:
    spec, _ = mend_operation({"responses": {"200": {"schema": SCHEMA}}}, version="2.0")
    assert spec["responses"] == {"200": {"description": "", "schema": SCHEMA}}


@pytest.mark.parametrize("responses", [None, [], "none", make_answer(CAT)])
def test_responses_that_are_none_or_whole_stay_as_they_are(responses: Any) -> None:
    assert mend_operation({"responses": responses}) == ({"responses": responses}, [])


@pytest.mark.parametrize("method", ["get", "put", "post", "delete", "options", "head", "patch", "trace"])
def test_operations_of_all_methods_are_mended(method: str) -> None:
    mended, mends = mend(make_document({"/cats": {method: {"responses": {"200": {}}}}}))
    assert mended["paths"]["/cats"][method]["responses"]["200"] == {"description": ""}
    assert mends[0].startswith(f"{method.upper()} /cats, response 200: ")
