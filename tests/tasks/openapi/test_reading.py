"""Arguments are read from requests that others write, too."""

from typing import Any

import httpx
import pytest

from tasks.openapi import Operation, build_request, read_arguments
from tests.tasks.openapi.documents import CAT, make_operation

BASE = "https://cats.example/v1"
STRING: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "integer"}
NUMBERS: dict[str, Any] = {"type": "array", "items": NUMBER}
POINT: dict[str, Any] = {"type": "object", "properties": {"a": NUMBER, "b": STRING}}
OPEN_POINT = {**POINT, "additionalProperties": NUMBER}


def make_parameter(schema: dict[str, Any], name: str = "x", place: str = "query", **keys: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": schema, **keys}


def read_query(query: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    operation = make_operation(list(parameters), method="get")
    return read_arguments(operation, httpx.Request("GET", f"{BASE}/cats?{query}"))


@pytest.mark.parametrize(
    ("schema", "keys", "query", "value"),
    [
        (STRING, {}, "x=a+b%20c%2Bd", "a b c+d"),
        (STRING, {}, "y=1&x=a&z=2", "a"),
        (STRING, {}, "x=a&x=b", "a"),
        (STRING, {}, "x=a=b", "a=b"),
        (STRING, {}, "x", ""),
        (STRING, {}, "x=", ""),
        (STRING, {}, "%78=a", "a"),
        (STRING, {"explode": False}, "x=a,b", "a,b"),
        (NUMBER, {}, "x=5", 5),
        (NUMBERS, {}, "x=5", [5]),
        (NUMBERS, {}, "x=5&y=1&x=6", [5, 6]),
        (NUMBERS, {"explode": False}, "x=5,6", [5, 6]),
        (NUMBERS, {"explode": False}, "x=5", [5]),
        (NUMBERS, {"explode": False, "style": "spaceDelimited"}, "x=5+6%207", [5, 6, 7]),
        (NUMBERS, {"explode": False, "style": "pipeDelimited"}, "x=5|6%7C7%7c8", [5, 6, 7, 8]),
        ({"type": ["array", "integer"], "items": NUMBER}, {}, "x=5", 5),
        ({"type": ["array", "integer"], "items": NUMBER}, {}, "x=5&x=6", [5, 6]),
        ({"type": ["array", "integer"], "items": NUMBER}, {"explode": False}, "x=5", 5),
        ({"type": ["array", "integer"], "items": NUMBER}, {"explode": False}, "x=5,6", [5, 6]),
        ({"type": ["array", "null"], "items": NUMBER}, {}, "x=5", [5]),
        ({"anyOf": [NUMBERS, STRING]}, {}, "x=5&x=6", [5, 6]),
        ({"anyOf": [NUMBERS, STRING]}, {"explode": False}, "x=a", "a"),
        ({"allOf": [{"minItems": 1}, NUMBERS]}, {"explode": False}, "x=5,6", [5, 6]),
        (NUMBERS, {"explode": False}, "x=5,6&x=7,8", [5, 6]),
        ({"type": "array", "items": STRING}, {"explode": False}, "x=a+b,c%2Bd", ["a b", "c+d"]),
        ({"type": "array", "items": STRING}, {"explode": False, "style": "pipeDelimited"}, "x=a+b|c", ["a b", "c"]),
        ({"type": ["array", "string"], "items": STRING}, {}, "x=a,b", "a,b"),
        ({"anyOf": [True, NUMBERS]}, {"explode": False}, "x=5,6", [5, 6]),
        (POINT, {"explode": False}, "x=a,1,b,2", {"a": 1, "b": "2"}),
        (POINT, {"explode": False}, "x=a,1,b", {"a": 1}),
        ({"anyOf": [POINT, STRING]}, {"explode": False}, "x=a", "a"),
        ({"anyOf": [POINT, STRING]}, {"explode": False}, "x=a,1", {"a": 1}),
        (POINT, {"explode": False, "style": "spaceDelimited"}, "x=a%201%20b%202", {"a": 1, "b": "2"}),
        (POINT, {"explode": False, "style": "pipeDelimited"}, "x=a%7C1", {"a": 1}),
        (POINT, {}, "c=4&a=1&b=2&x=3", {"a": 1, "b": "2"}),
        ({"type": "object"}, {}, "a=1&&x=2&", {"a": "1", "x": "2"}),
        ({**POINT, "additionalProperties": True}, {}, "a=1&c=4", {"a": 1, "c": "4"}),
        (OPEN_POINT, {}, "a=1&c=4", {"a": 1, "c": 4}),
        ({"type": "object"}, {}, "a=1&c=4", {"a": "1", "c": "4"}),
        ({"type": "object", "additionalProperties": NUMBER}, {}, "a=1", {"a": 1}),
        (POINT, {"style": "deepObject"}, "y[a]=3&a=4&x[a]=1&x%5Bb%5D=2&x=5&x[c=6", {"a": 1, "b": "2"}),
        (OPEN_POINT, {"style": "deepObject"}, "x[a]=1&x[c]=3", {"a": 1, "c": 3}),
        (POINT, {"style": "deepObject", "explode": False}, "x[a]=1", {"a": 1}),
        ({"type": "object"}, {"style": "deepObject"}, "x[a+b]=c+d&xy[a]=1", {"a b": "c d"}),
    ],
    ids=str,
)
def test_a_query_is_read_by_style_and_schema(
    schema: dict[str, Any], keys: dict[str, Any], query: str, value: Any
) -> None:
    assert read_query(query, make_parameter(schema, **keys)) == {"x": value}


@pytest.mark.parametrize(
    ("schema", "keys", "query"),
    [
        (STRING, {}, "y=1"),
        (STRING, {}, ""),
        (STRING, {}, "X=1"),
        (NUMBERS, {}, "y=1"),
        (POINT, {}, "c=1"),
        (POINT, {"style": "deepObject"}, "x=1&y[a]=1"),
        ({"type": "object", "additionalProperties": False}, {}, "c=1"),
    ],
    ids=str,
)
def test_what_is_not_in_the_query_is_left_out(schema: dict[str, Any], keys: dict[str, Any], query: str) -> None:
    assert read_query(query, make_parameter(schema, **keys)) == {}


def test_an_object_that_is_spread_over_the_query_does_not_take_what_is_anothers() -> None:
    anything, limit = make_parameter({"type": "object"}), make_parameter(NUMBER, "limit")
    elsewhere = make_parameter(STRING, "a", "header")
    assert read_query("limit=5&a=1", anything, limit, elsewhere) == {"x": {"a": "1"}, "limit": 5}
    point = make_parameter(POINT, "point")
    assert read_query("b=1&c=2", anything, point) == {"x": {"b": "1", "c": "2"}, "point": {"b": "1"}}


def test_of_json_that_comes_twice_the_first_is_read() -> None:
    parameter = {"name": "x", "in": "query", "content": {"application/json": {"schema": {}}}}
    assert read_query("x=%5B1%5D&x=2", parameter) == {"x": [1]}
    assert read_query("y=1", parameter) == {}


def test_a_plus_in_a_path_is_a_plus() -> None:
    operation = make_operation([make_parameter(STRING, "id", "path")], path="/cats/{id}", method="get")
    assert read_arguments(operation, httpx.Request("GET", f"{BASE}/cats/a+b")) == {"id": "a+b"}


def test_a_parameter_in_the_query_does_not_stand_for_one_in_the_path() -> None:
    operation = make_operation([make_parameter(NUMBER, "id", "query")], path="/cats/{id}", method="get")
    assert read_arguments(operation, httpx.Request("GET", f"{BASE}/cats/5?id=6")) == {"id": 6}
    assert read_arguments(operation, httpx.Request("GET", f"{BASE}/cats/5")) == {}


def test_cookies_and_headers_are_read_by_name() -> None:
    parameters = [
        make_parameter(NUMBER, "session", "cookie"),
        make_parameter(STRING, "a b", "cookie"),
        make_parameter(NUMBER, "none", "cookie"),
        make_parameter(NUMBERS, "X-Cats", "header"),
        make_parameter(NUMBER, "X-None", "header"),
        make_parameter(STRING, "session", "query"),
    ]
    headers = {"Cookie": "other=1;session=5; a%20b=x=y", "x-cats": "1,2"}
    request = httpx.Request("GET", f"{BASE}/cats?a%20b=1", headers=headers)
    read = read_arguments(make_operation(parameters, method="get"), request)
    assert read == {"session": 5, "a b": "x=y", "X-Cats": [1, 2]}


def test_parameters_of_one_name_are_read_each_from_its_place() -> None:
    places = ["path", "query", "header", "cookie"]
    parameters = [make_parameter(STRING, "id", place, required=True) for place in places]
    operation = make_operation(parameters, path="/cats/{id}", method="get")
    arguments = {"id": "a", "id_query": "b", "id_header": "c", "id_cookie": "d"}
    request = build_request(operation, arguments, BASE)
    assert str(request.url) == f"{BASE}/cats/a?id=b"
    assert (request.headers["id"], request.headers["Cookie"]) == ("c", "id=d")
    assert read_arguments(operation, request) == arguments


BODY: dict[str, Any] = {"type": "object", "properties": {"text": STRING, "number": NUMBER, "numbers": NUMBERS}}


def read_body(operation: Operation, content: bytes | str, media_type: str | None) -> dict[str, Any]:
    headers = {} if media_type is None else {"Content-Type": media_type}
    return read_arguments(operation, httpx.Request("POST", f"{BASE}/cats", content=content, headers=headers))


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON; charset=utf-8", "application/hal+json"])
def test_a_json_body_is_read(media_type: str) -> None:
    content = '{"text":"é","number":1}'
    assert read_body(make_operation(body=BODY), content, media_type) == {"text": "é", "number": 1}
    whole = make_operation(body={"type": "array", "items": CAT})
    assert read_body(whole, "[1]", media_type) == {"body": [1]}


@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded ; a=b"])
def test_a_form_is_read(media_type: str) -> None:
    content = "text=a+b%2B&number=5&numbers=1&numbers=2&more+of=it"
    expected = {"text": "a b+", "number": 5, "numbers": [1, 2], "more of": "it"}
    assert read_body(make_operation(body=BODY), content, media_type) == expected
    assert read_body(make_operation(body=BODY), "numbers=1&text=", media_type) == {"numbers": [1], "text": ""}


def test_a_form_in_parts_of_another_client_is_read() -> None:
    files = {"text": ("a.txt", "line\r\n--x\r\n", "text/plain")}
    request = httpx.Request("POST", f"{BASE}/cats", data={"number": "5", "numbers": ["1", "2"]}, files=files)
    request.read()
    assert read_arguments(make_operation(body=BODY), request) == {
        "text": "line\r\n--x\r\n",
        "number": 5,
        "numbers": [1, 2],
    }


def test_a_boundary_in_quotes_is_read_and_a_part_without_a_name_is_not() -> None:
    content = (
        '--b c\r\nContent-Disposition: form-data; name="text"\r\n\r\nhello\r\n'
        "--b c\r\nContent-Disposition: form-data\r\n\r\nnameless\r\n--b c--\r\n"
    )
    read = read_body(make_operation(body=BODY), content, 'multipart/form-data; boundary="b c"')
    assert read == {"text": "hello"}


def test_a_text_body_is_read_as_it_is() -> None:
    operation = make_operation(body=STRING, media_type="text/plain")
    assert read_body(operation, "é 1", "text/plain; charset=utf-8") == {"body": "é 1"}
    assert read_body(operation, "5", "text/csv") == {"body": "5"}


def test_a_body_without_a_type_or_a_use_is_not_read() -> None:
    assert read_body(make_operation(body=BODY), "{}", None) == {}
    assert read_body(make_operation(), '{"a":1}', "application/json") == {}


def test_of_a_path_that_is_not_the_operations_nothing_is_read() -> None:
    operation = make_operation([make_parameter(STRING, "id", "path")], path="/cats/{id}", method="get")
    assert read_arguments(operation, httpx.Request("GET", f"{BASE}/dogs/5")) == {}
    assert read_arguments(operation, httpx.Request("GET", f"{BASE}/cats/5")) == {"id": "5"}
