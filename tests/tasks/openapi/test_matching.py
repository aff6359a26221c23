"""What was sent is read back: the same operation, the same arguments."""

import json
import re
from typing import Any

import httpx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tasks.openapi import (
    CallError,
    Operation,
    build_function,
    build_request,
    find_base_url,
    list_operations,
    load_document,
    match_request,
    normalise_document,
    read_arguments,
)
from tests.shared_data import SHARED_DATA, needs_shared_data
from tests.tasks.openapi.documents import CAT, make_answer, make_document, make_operation

BASE = "https://cats.example/v1"
STYLES = {
    "path": ["simple", "label", "matrix"],
    "query": ["form", "spaceDelimited", "pipeDelimited", "deepObject"],
    "header": ["simple"],
    "cookie": ["form"],
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXT,
    "integer": st.integers(-(2**62), 2**62),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
}
FIELDS = ["a", "b.c", "d e", "f=g", "h,i"]


@st.composite
def draw_argument(draw: st.DrawFn) -> tuple[dict[str, Any], Any]:
    """A parameter (without its name) and a value for it that its style can carry."""
    place = draw(st.sampled_from(sorted(STYLES)))
    style = draw(st.sampled_from(STYLES[place]))
    kind = draw(st.sampled_from(sorted(SCALARS)))
    shape = "object" if style == "deepObject" else draw(st.sampled_from(["scalar", "array", "object"]))
    schema: dict[str, Any] = {"type": kind}
    value: Any = draw(SCALARS[kind])
    if shape == "array":
        schema, value = {"type": "array", "items": schema}, draw(st.lists(SCALARS[kind], min_size=1, max_size=4))
    elif shape == "object":
        names = draw(st.lists(st.sampled_from(FIELDS), min_size=1, unique=True))
        schema = {"type": "object", "properties": dict.fromkeys(names, schema)}
        value = {name: draw(SCALARS[kind]) for name in names}
    explode = style == "deepObject" or draw(st.booleans())
    return {"in": place, "style": style, "explode": explode, "schema": schema, "required": True}, value


@settings(max_examples=400, deadline=None)
@given(draw_argument())
def test_every_style_and_type_is_read_as_it_was_written(argument: tuple[dict[str, Any], Any]) -> None:
    parameter, value = argument
    path = "/cats/{x y}/end" if parameter["in"] == "path" else "/cats"
    name = "x-y" if parameter["in"] == "header" else "x y"
    operation = make_operation([{**parameter, "name": name}], path=path, method="get")
    try:
        request = build_request(operation, {name: value}, BASE)
    except CallError as error:
        assume("must not be empty" not in error.message and "separates" not in error.message)
        raise
    matched = match_request([operation], request, BASE)
    assert matched is not None
    assert matched[0] is operation
    assert read_arguments(operation, request) == {name: value}
    assert matched[1] == ({name: value} if parameter["in"] == "path" else {})


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b"]), JSON_VALUES, min_size=1), JSON_VALUES)
def test_json_bodies_are_read_as_they_were_written(fields: dict[str, Any], whole: Any) -> None:
    flat = make_operation(body={"type": "object", "properties": {"a": {}, "b": {}}})
    assert read_arguments(flat, build_request(flat, fields, BASE)) == fields
    nested = make_operation(body={})
    assert read_arguments(nested, build_request(nested, {"body": whole}, BASE)) == {"body": whole}


@settings(max_examples=100, deadline=None)
@given(TEXT, st.lists(st.integers(), min_size=1, max_size=3), st.booleans(), st.dictionaries(TEXT, TEXT, max_size=2))
@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_forms_are_read_as_they_were_written(
    media_type: str, text: str, numbers: list[int], flag: bool, extra: dict[str, str]
) -> None:
    shapes = {
        "text": {"type": "string"},
        "numbers": {"type": "array", "items": {"type": "integer"}},
        "flag": {"type": "boolean"},
        "extra": {"type": "object"},
    }
    operation = make_operation(body={"type": "object", "properties": shapes}, media_type=media_type)
    arguments = {"text": text, "numbers": numbers, "flag": flag, "extra": extra}
    assert read_arguments(operation, build_request(operation, arguments, BASE)) == arguments


def list_cat_operations() -> Any:
    paths = {}
    for path in ("/cats/{id}", "/cats/{tag}", "/cats/popular", "/cats/{id}/toys", "/cats"):
        names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
        parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "integer"}} for name in names]
        paths[path] = {"get": {"parameters": parameters, "responses": make_answer(CAT)}}
    return list_operations(normalise_document(make_document(paths)))


@pytest.mark.parametrize(
    ("url", "path", "values"),
    [
        (f"{BASE}/cats/5", "/cats/{id}", {"id": 5}),
        (f"{BASE}/cats/popular", "/cats/popular", {}),
        (f"{BASE}/cats/5/toys?x=1", "/cats/{id}/toys", {"id": 5}),
        (f"{BASE}/cats", "/cats", {}),
        ("https://elsewhere.example/deep/down/cats/5", "/cats/{id}", {"id": 5}),
    ],
)
def test_a_request_of_others_goes_to_the_most_literal_path(url: str, path: str, values: dict[str, Any]) -> None:
    matched = match_request(list_cat_operations(), httpx.Request("GET", url))
    assert matched is not None
    assert (matched[0].path, matched[1]) == (path, values)


def test_a_request_of_ours_goes_to_its_own_operation_where_paths_do_not_tell() -> None:
    operations = list_cat_operations()
    by_tag = operations[1]
    matched = match_request(operations, build_request(by_tag, {"tag": 5}, BASE))
    assert matched is not None
    assert matched[0] is by_tag


def test_a_request_for_nothing_matches_nothing() -> None:
    operations = list_cat_operations()
    assert match_request(operations, httpx.Request("GET", f"{BASE}/dogs")) is None
    assert match_request(operations, httpx.Request("DELETE", f"{BASE}/cats")) is None
    assert match_request(operations, httpx.Request("GET", "https://cats.example/v2/cats"), BASE) is None


@pytest.mark.parametrize(
    ("base_url", "url", "path"),
    [
        ("", "https://cats.example/v1/cats", "/cats"),
        ("", "https://cats.example/cats", "/cats"),
        ("", "https://cats.example/v1cats", None),
        ("", "https://cats.example/cats/", None),
        ("", "https://cats.example/v1/cats/1/x", None),
        (BASE, f"{BASE}/cats", "/cats"),
        (BASE, "https://elsewhere.example/v1/cats?a=b", "/cats"),
        (f"{BASE}/", f"{BASE}/cats", "/cats"),
        (BASE, "https://cats.example/cats", None),
        (BASE, f"{BASE}/v1/cats", None),
        ("https://cats.example", "https://cats.example/cats", "/cats"),
        ("https://cats.example/", "https://cats.example/cats", "/cats"),
        ("https://cats.example", f"{BASE}/cats", None),
    ],
)
def test_what_stands_before_a_path_is_the_base_or_without_one_anything(
    base_url: str, url: str, path: str | None
) -> None:
    matched = match_request(list_cat_operations(), httpx.Request("GET", url), base_url)
    assert (matched and matched[0].path) == path


def test_of_paths_with_as_much_fixed_text_the_first_wins() -> None:
    operations = list_cat_operations()
    for found in (operations, operations[::-1]):
        matched = match_request(found, httpx.Request("GET", f"{BASE}/cats/5"))
        assert matched is not None
        assert matched[0] is next(item for item in found if item.path in ("/cats/{id}", "/cats/{tag}"))


def test_an_escaped_slash_parts_nothing_and_a_part_is_never_empty() -> None:
    matched = match_request(list_cat_operations(), httpx.Request("GET", f"{BASE}/cats/a%2Fb"))
    assert matched is not None
    assert (matched[0].path, matched[1]) == ("/cats/{id}", {"id": "a/b"})
    assert match_request(list_cat_operations(), httpx.Request("GET", f"{BASE}/cats//toys"), BASE) is None


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("/cats/{a}-{b}.json", {"a": "x", "b": "y"}),
        ("/cats and dogs/{a}/é/{b}", {"a": "x", "b": "y"}),
        ("/cats.json/{a}", {"a": "x"}),
        ("/a:b@c!d$e&f'g(h)i*j+k,l;m=n/{a}", {"a": "x"}),
        ("/", {}),
        ("/{a}", {"a": "x"}),
        ("/{a}/{b}/{c d}", {"a": "x", "b": "y", "c d": "z"}),
    ],
)
def test_fixed_text_around_parameters_is_matched_as_it_is(path: str, arguments: dict[str, str]) -> None:
    parameters = [{"name": name, "in": "path", "schema": {"type": "string"}} for name in arguments]
    operation = make_operation(parameters, path=path, method="get")
    request = build_request(operation, arguments, BASE)
    assert match_request([operation], request, BASE) == (operation, arguments)
    assert read_arguments(operation, request) == arguments
    other = httpx.Request("GET", str(request.url).replace(".json", "-json").replace("%20and%20", "-and-"))
    is_same = other.url == request.url
    assert (match_request([operation], other, BASE) is not None) is is_same


def test_what_is_not_declared_in_a_path_is_no_argument() -> None:
    operation = make_operation([], path="/cats/{id}", method="get")
    request = httpx.Request("GET", f"{BASE}/cats/5")
    assert match_request([operation], request, BASE) == (operation, {})
    assert read_arguments(operation, request) == {}


def test_a_request_of_ours_for_an_operation_that_is_not_there_matches_nothing() -> None:
    by_id, by_tag, *_ = list_cat_operations()
    request = build_request(by_tag, {"tag": 5}, BASE)
    assert match_request([by_id], request, BASE) is None


def test_what_is_absent_is_left_out() -> None:
    parameters = [{"name": "tags", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}}]
    operation = make_operation(parameters, method="get")
    assert read_arguments(operation, build_request(operation, {}, BASE)) == {}
    assert read_arguments(operation, build_request(operation, {"tags": []}, BASE)) == {}


def guess_arguments(operation: Operation) -> dict[str, Any]:
    """Arguments that conform to the document, as far as types and enumerations tell."""
    return {
        name: guess_value(schema)
        for name, schema in build_function(operation).model_dump()["parameters"]["properties"].items()
    }


def guess_value(schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    kinds: dict[Any, Any] = {"integer": 3, "number": 2.5, "boolean": True, "object": {"a": "b"}}
    kind = schema.get("type")
    if kind == "array":
        return [guess_value(schema.get("items", {}))]
    if kind == "object" and "properties" in schema:
        return {name: guess_value(child) for name, child in schema["properties"].items()}
    if "format" in schema and kind == "string":
        return {"date": "2024-01-02", "email": "a@b.example", "date-time": "2024-01-02T03:04:05Z"}.get(
            schema["format"], "x"
        )
    return kinds.get(kind, "x y/z")


@needs_shared_data
def test_calls_of_toolalpacas_functions_go_there_and_back() -> None:
    called = 0
    for name in ("simulated", "real"):
        for api in json.loads((SHARED_DATA / f"toolalpaca_eval_{name}.json").read_text()):
            if api["Name"] == "Nager.Date":  # refers to itself
                continue
            document = load_document(json.loads(api["Documentation"])).document
            operations, base = list_operations(document), find_base_url(document)
            for operation in operations:
                arguments = guess_arguments(operation)
                request = build_request(operation, arguments, base)
                matched = match_request(operations, request, base)
                assert matched is not None
                assert matched[0] is operation
                assert read_arguments(operation, request) == arguments
                called += 1
    assert called > 90


@pytest.mark.parametrize("count", [2, 12, 60])
def test_a_segment_of_many_values_is_read_in_time(count: int) -> None:
    names = [f"p{number}" for number in range(count)]
    parameters = [{"name": name, "in": "path", "schema": {"type": "string"}} for name in names]
    path = "/" + "".join(f"{{{name}}}" for name in names) + "/end"
    operation = make_operation(parameters, path=path, method="get")
    request = httpx.Request("GET", f"{BASE}/{'a' * 5_000}/end")
    found = match_request([operation], request, BASE)
    assert found is not None
    assert [len(found[1][name]) for name in names] == [1] * (count - 1) + [5_001 - count]
    assert match_request([operation], httpx.Request("GET", f"{BASE}/{'a' * 5_000}/bend"), BASE) is None


@pytest.mark.parametrize(
    ("path", "sent", "values"),
    [
        ("/{a}-{b}", "/x-y-z", ["x", "y-z"]),
        ("/{a}-{b}.z", "/x-y.z.z", ["x", "y.z"]),
        ("/{a}{b}", "/xyz", ["x", "yz"]),
        ("/a{a}a", "/aaa", ["a"]),
        ("/a{a}a", "/aa", None),
        ("/{a}-{b}", "/-x", None),
        ("/{a}/{b}", "/x/", None),
        ("/{a}/{b}", "/x", None),
        ("/{a/b}/c", "/x/c", ["x"]),
    ],
)
def test_each_value_is_as_short_as_can_be(path: str, sent: str, values: list[str] | None) -> None:
    names = re.findall(r"\{([^}]*)\}", path)
    parameters = [{"name": name, "in": "path", "schema": {"type": "string"}} for name in names]
    operation = make_operation(parameters, path=path, method="get")
    for base in (BASE, "https://cats.example"):
        found = match_request([operation], httpx.Request("GET", f"{base}{sent}"), base)
        assert (found and list(found[1].values())) == values
    assert match_request([operation], httpx.Request("GET", f"{BASE}{sent}"), "https://cats.example/v2") is None
