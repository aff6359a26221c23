"""The one form that the rest works on: what is kept of a document, and what each operation is called."""

from typing import Any

import pytest

from tasks.openapi import DocumentError, find_base_url, find_spec_problems, normalise_document
from tests.tasks.openapi.documents import CAT, make_answer, make_document

Spec = dict[str, Any]


def normalise_operation(spec: Spec, **item: Any) -> Spec:
    """One operation, normalised."""
    document = normalise_document(make_document({"/cats": {"get": {"responses": {}, **spec}, **item}}))
    operation: Spec = document["paths"]["/cats"]["get"]
    return operation


def normalise_parameter(**keys: Any) -> Spec:
    parameters: list[Spec] = normalise_operation({"parameters": [{"name": "x", "in": "query", **keys}]})["parameters"]
    return parameters[0]


GET: Spec = {"get": {"operationId": "get", "parameters": [], "responses": {}}}


@pytest.mark.parametrize("version", ["3.0.0", "3.0.4", "3.1.0", "3.1.1", "3.0"])
def test_versions_3_0_and_3_1_become_3_1(version: str) -> None:
    assert normalise_document(make_document({"/": GET}, version))["openapi"] == "3.1.0"


@pytest.mark.parametrize(
    ("doc", "said"),
    [
        ({"openapi": "3.2.0"}, "'3.2.0'"),
        ({"openapi": "3"}, "'3'"),
        ({"openapi": "2.1"}, "'2.1'"),
        ({"swagger": "1.2"}, "'1.2'"),
        ({}, "'none'"),
        ({"openapi": None, "swagger": ""}, "'none'"),
    ],
)
def test_another_version_is_refused_by_name(doc: Spec, said: str) -> None:
    with pytest.raises(DocumentError) as caught:
        normalise_document({**doc, "paths": {"/": GET}})
    assert caught.value.problem == f"not an OpenAPI document of version 2.0, 3.0 or 3.1 (it says {said})"


@pytest.mark.parametrize("paths", [None, [], "none", {"/cats": None}, {"/cats": GET, "/dogs": []}])
def test_paths_that_are_no_paths_are_refused(paths: Any) -> None:
    with pytest.raises(DocumentError, match="the document has no `paths` object of path items"):
        normalise_document(make_document(paths))


@pytest.mark.parametrize("paths", [{}, {"/cats": {}}, {"/cats": {"summary": "Cats", "x-get": {}}}, {"x-note": GET}])
def test_a_document_without_an_operation_is_refused(paths: Spec) -> None:
    with pytest.raises(DocumentError, match="the document has no operation"):
        normalise_document(make_document(paths))


def test_a_normalised_document_has_four_parts_and_nothing_else() -> None:
    servers = [{"url": "https://cats.example"}, {"url": "https://cats2.example"}]
    doc = make_document(
        {"/cats": GET, "x-note": GET}, servers=servers, components={"schemas": {"Cat": CAT}}, tags=[], security=[]
    )
    info = {"title": "Cats", "version": "1"}
    assert normalise_document(doc) == {"openapi": "3.1.0", "info": info, "servers": servers, "paths": {"/cats": GET}}


@pytest.mark.parametrize("servers", [{}, {"servers": []}, {"servers": None}])
def test_a_document_without_a_server_gets_one_that_leads_nowhere(servers: Spec) -> None:
    assert normalise_document(make_document({"/": GET}, **servers))["servers"] == [{"url": "https://api.invalid"}]


@pytest.mark.parametrize(
    ("info", "kept"),
    [
        ({"title": "Cats", "version": "2"}, {"title": "Cats", "version": "2"}),
        (
            {"title": "Cats", "version": "2", "description": "All cats", "contact": {}, "license": {}},
            {"title": "Cats", "version": "2", "description": "All cats"},
        ),
        ({"title": 5, "version": 2.0, "description": None}, {"title": "API", "version": "1"}),
        (None, {"title": "API", "version": "1"}),
        ("Cats", {"title": "API", "version": "1"}),
    ],
    ids=str,
)
def test_title_version_and_description_are_kept(info: Any, kept: Spec) -> None:
    assert normalise_document({**make_document({"/": GET}), "info": info})["info"] == kept


def test_of_a_path_only_operations_are_kept_in_the_order_of_methods() -> None:
    methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"]
    item: Spec = {method: {"responses": {}} for method in reversed(methods)}
    document = normalise_document(make_document({"/cats": {"summary": "Cats", "servers": [], **item}}))
    assert list(document["paths"]["/cats"]) == methods


@pytest.mark.parametrize("key", ["operationId", "summary", "description", "tags", "deprecated"])
def test_what_an_operation_says_of_itself_is_kept(key: str) -> None:
    assert normalise_operation({"operationId": "a", key: "b"})[key] == "b"


@pytest.mark.parametrize("key", ["security", "servers", "callbacks", "externalDocs", "x-note"])
def test_what_else_it_says_is_not(key: str) -> None:
    expected = {"operationId": "a", "parameters": [], "responses": {}}
    assert normalise_operation({"operationId": "a", key: {"b": {}}}) == expected


def test_an_operation_without_responses_has_none() -> None:
    doc = make_document({"/cats": {"get": {"operationId": "get"}}})
    assert normalise_document(doc)["paths"]["/cats"] == GET


def test_shared_parameters_come_first_but_for_those_the_operation_has_itself() -> None:
    def list_parameters(*places: str) -> list[Spec]:
        return [{"name": place[0], "in": place[2:], "schema": {}} for place in places]

    shared = list_parameters("a:query", "b:query", "c:query", "a:header")
    own = list_parameters("d:query", "b:query", "c:header")
    merged = normalise_operation({"parameters": own}, parameters=shared)["parameters"]
    assert merged == list_parameters("a:query", "c:query", "a:header", "d:query", "b:query", "c:header")


@pytest.mark.parametrize("key", ["required", "description", "style", "explode", "allowReserved", "deprecated"])
def test_what_says_how_a_parameter_travels_is_kept(key: str) -> None:
    assert normalise_parameter(**{key: "kept"}) == {"name": "x", "in": "query", key: "kept", "schema": {}}


@pytest.mark.parametrize("key", ["allowEmptyValue", "x-note", "type"])
def test_what_else_a_parameter_says_is_not(key: str) -> None:
    assert normalise_parameter(**{key: "dropped"}) == {"name": "x", "in": "query", "schema": {}}


@pytest.mark.parametrize(
    ("keys", "schema"),
    [
        ({}, {}),
        ({"schema": True}, {}),
        ({"schema": {"type": "string", "nullable": True}}, {"type": ["string", "null"]}),
        ({"schema": {"type": "string"}, "example": "a"}, {"type": "string", "examples": ["a"]}),
        ({"schema": {"type": "string"}, "example": None}, {"type": "string", "examples": [None]}),
        ({"schema": {}, "examples": {"a": {"value": 1}, "b": {"value": 2}}}, {"examples": [1, 2]}),
        ({"schema": {}, "examples": {"a": {"externalValue": "x"}, "b": 5}}, {}),
        ({"schema": {}, "examples": [1, 2]}, {"examples": [1, 2]}),
        ({"schema": {}, "examples": None}, {}),
        ({"schema": {}, "example": 1, "examples": {"a": {"value": 2}}}, {"examples": [1]}),
        ({"schema": {"examples": ["own"]}, "example": "a"}, {"examples": ["own"]}),
        ({"schema": {"example": "own"}, "example": "a"}, {"examples": ["own"]}),
        ({"schema": True, "example": "a"}, {}),
    ],
    ids=str,
)
def test_a_parameters_schema_is_upgraded_and_holds_its_examples(keys: Spec, schema: Spec) -> None:
    assert normalise_parameter(**keys) == {"name": "x", "in": "query", "schema": schema}


def test_a_parameter_may_have_content_instead() -> None:
    old = {"schema": {"type": "string", "nullable": True}, "example": "a"}
    assert normalise_parameter(content={"application/json": old}, description="X") == {
        "name": "x",
        "in": "query",
        "description": "X",
        "content": {"application/json": {"schema": {"type": ["string", "null"]}}},
    }


@pytest.mark.parametrize(
    ("media", "kept"),
    [
        ({"schema": {"type": "string", "nullable": True}, "example": 1}, {"schema": {"type": ["string", "null"]}}),
        ({"schema": True}, {"schema": {}}),
        ({}, {}),
        ({"example": 1}, {}),
    ],
    ids=str,
)
def test_of_a_media_type_its_schema_is_kept(media: Spec, kept: Spec) -> None:
    content, expected = {"a/b": media, "c/d": {"schema": CAT}}, {"a/b": kept, "c/d": {"schema": CAT}}
    body = {"description": "B", "required": True, "content": content, "x-note": 1}
    responses = {200: {"description": "R", "content": content, "headers": {}, "links": {}}}
    operation = normalise_operation({"requestBody": body, "responses": responses})
    assert operation["requestBody"] == {"description": "B", "required": True, "content": expected}
    assert operation["responses"] == {"200": {"description": "R", "content": expected}}


def test_a_response_has_a_description_and_may_have_no_content() -> None:
    responses = {"200": {}, "204": {"description": "Gone", "content": {}}, "x-note": {"a": 1}}
    assert normalise_operation({"responses": responses})["responses"] == {
        "200": {"description": ""},
        "204": {"description": "Gone"},
    }
    assert normalise_operation({"requestBody": {}})["requestBody"] == {}


def name_operations(*ids: str | None, path: str = "/{n}") -> list[str]:
    """What operations with these operationIds are called."""
    specs: list[Spec] = [{} if name is None else {"operationId": name} for name in ids]
    paths = {path.replace("{n}", str(n)): {"get": {"responses": {}, **spec}} for n, spec in enumerate(specs)}
    document = normalise_document(make_document(paths))
    return [item["get"]["operationId"] for item in document["paths"].values()]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/jokes/random/{category}", "jokes_random_category_get"),
        ("/", "get"),
        ("/v1.0/cat-toys", "v1_0_cat-toys_get"),
        ("/cats/{cat id}", "cats_cat_id_get"),
        ("/_private_/", "private__get"),
        ("/" + "x" * 70, "x" * 64),
        ("/" + "x" * 58, "x" * 58 + "_get"),
    ],
)
def test_an_operation_without_a_name_is_called_by_path_and_method(path: str, name: str) -> None:
    assert name_operations(None, path=path) == [name]
    assert name_operations("", path=path) == [name]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("getCat", "getCat"),
        ("get-cat_1", "get-cat_1"),
        ("get cat!", "get_cat"),
        ("cats.get", "cats_get"),
        ("__get__", "get"),
        ("a / b", "a_b"),
        ("日本", "get"),
        ("x" * 64, "x" * 64),
        ("x" * 65, "x" * 64),
    ],
)
def test_a_name_becomes_one_that_a_tool_can_have(given: str, name: str) -> None:
    assert name_operations(given) == [name]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (["a", "a", "a"], ["a", "a2", "a3"]),
        (["a2", "a", "a", "a"], ["a2", "a", "a3", "a4"]),
        (["a", "b", "a", "b"], ["a", "b", "a2", "b2"]),
        (["a", "A"], ["a", "A"]),
        (["a.b", "a_b"], ["a_b", "a_b2"]),
        (["x" * 64] * 2, ["x" * 64, "x" * 63 + "2"]),
        (["x" * 63] * 2, ["x" * 63, "x" * 63 + "2"]),
        (["x" * 64] * 10, ["x" * 64, *("x" * 63 + str(n) for n in range(2, 10)), "x" * 62 + "10"]),
    ],
    ids=str,
)
def test_no_two_operations_have_one_name(given: list[str], names: list[str]) -> None:
    assert name_operations(*given) == names


@pytest.mark.parametrize(
    ("servers", "url"),
    [
        (None, "https://api.invalid"),
        ([], "https://api.invalid"),
        ([{}], "https://api.invalid"),
        ([{"url": "/"}], "https://api.invalid"),
        ([{"url": "https://a.example"}, {"url": "https://b.example"}], "https://a.example"),
        ([{"url": "http://a.example/v1/"}], "http://a.example/v1"),
        ([{"url": "https://a.example/v1//"}], "https://a.example/v1"),
        ([{"url": "https://a.example/v1?key=1#top"}], "https://a.example/v1"),
        ([{"url": "https://a.example/v1/#top"}], "https://a.example/v1"),
        ([{"url": "v1"}], "https://api.invalid/v1"),
        ([{"url": "//a.example/v1"}], "https://api.invalid/a.example/v1"),
        ([{"url": "ftp://a.example"}], "https://api.invalid/ftp://a.example"),
        ([{"url": "https:///v1"}], "https://api.invalid/https:///v1"),
        ([{"url": "httpss://a"}], "https://api.invalid/httpss://a"),
        ([{"url": "https://a.example:{port}", "variables": {"port": {"default": 8443}}}], "https://a.example:8443"),
        (
            [{"url": "https://{a}.{b}/{a}", "variables": {"a": {"default": "x"}, "b": {"default": "y"}}}],
            "https://x.y/x",
        ),
        ([{"url": "https://a.example/{v}", "variables": {"v": {}}}], "https://a.example"),
        ([{"url": "https://a.example/{v}", "variables": None}], "https://a.example/{v}"),
    ],
    ids=str,
)
def test_the_base_url_is_the_first_server_with_its_defaults(servers: list[Spec] | None, url: str) -> None:
    assert find_base_url({} if servers is None else {"servers": servers}) == url


def test_normalising_again_changes_nothing_whatever_the_document_holds() -> None:
    old = {"type": "string", "nullable": True, "example": "a"}
    spec = {
        "tags": ["cats"],
        "parameters": [
            {"name": "a", "in": "query", "schema": old, "example": "b", "explode": False},
            {"name": "b", "in": "cookie", "content": {"application/json": {"schema": CAT}}},
        ],
        "requestBody": {"content": {"text/plain": {"schema": old}, "text/xml": {}}},
        "responses": make_answer({"allOf": [CAT, {"properties": {"kind": old}}]}) | {"default": {"description": "Bad"}},
    }
    doc = make_document({"/cats": {"parameters": [{"name": "c", "in": "query"}], "post": spec}}, "3.0.0")
    document = normalise_document(doc)
    assert normalise_document(document) == document
    assert find_spec_problems(document) == []


def test_variables_of_a_server_that_multiply_are_no_address() -> None:
    variables = {f"v{number}": {"default": f"{{v{number + 1}}}" * 100} for number in range(30)}
    assert (
        find_base_url({"servers": [{"url": "https://{v0}.example", "variables": variables}]}) == "https://api.invalid"
    )
    long = {"v": {"default": "x" * 100_000}}
    assert (
        find_base_url({"servers": [{"url": "https://" + "{v}" * 100_000, "variables": long}]}) == "https://api.invalid"
    )
