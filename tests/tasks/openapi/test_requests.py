"""A call becomes the request that the document means, or is turned down by name."""

import json
from typing import Any

import pytest

from tasks.openapi import CallError, build_request, check_arguments, read_arguments
from tasks.openapi.requests import OPERATION_KEY
from tests.tasks.openapi.documents import CAT, make_operation

BASE = "https://cats.example/v1"
COLORS = ["blue", "black", "brown"]
RGB = {"R": 100, "G": 200, "B": 150}
SCHEMAS: dict[type, dict[str, Any]] = {
    str: {"type": "string"},
    list: {"type": "array", "items": {"type": "string"}},
    dict: {"type": "object", "properties": {key: {"type": "integer"} for key in RGB}},
}


def send(place: str, style: str, explode: bool, value: Any) -> Any:
    """The request with `value` as the parameter `color`."""
    parameter = {"name": "color", "in": place, "style": style, "explode": explode, "schema": SCHEMAS[type(value)]}
    path = "/cats/{color}" if place == "path" else "/cats"
    operation = make_operation([{**parameter, "required": place == "path"}], path=path, method="get")
    return build_request(operation, {"color": value}, BASE)


@pytest.mark.parametrize(
    ("style", "explode", "value", "text"),
    [
        ("simple", False, "blue", "blue"),
        ("simple", False, COLORS, "blue,black,brown"),
        ("simple", False, RGB, "R,100,G,200,B,150"),
        ("simple", True, COLORS, "blue,black,brown"),
        ("simple", True, RGB, "R=100,G=200,B=150"),
        ("label", False, "blue", ".blue"),
        ("label", False, COLORS, ".blue,black,brown"),
        ("label", False, RGB, ".R,100,G,200,B,150"),
        ("label", True, COLORS, ".blue.black.brown"),
        ("label", True, RGB, ".R=100.G=200.B=150"),
        ("matrix", False, "blue", ";color=blue"),
        ("matrix", False, COLORS, ";color=blue,black,brown"),
        ("matrix", False, RGB, ";color=R,100,G,200,B,150"),
        ("matrix", True, COLORS, ";color=blue;color=black;color=brown"),
        ("matrix", True, RGB, ";R=100;G=200;B=150"),
    ],
)
def test_path_styles_are_those_of_the_specifications_table(style: str, explode: bool, value: Any, text: str) -> None:
    assert send("path", style, explode, value).url.raw_path.decode() == f"/v1/cats/{text}"


@pytest.mark.parametrize(
    ("style", "explode", "value", "text"),
    [
        ("form", True, "", "color="),
        ("form", False, "blue", "color=blue"),
        ("form", False, COLORS, "color=blue,black,brown"),
        ("form", False, RGB, "color=R,100,G,200,B,150"),
        ("form", True, COLORS, "color=blue&color=black&color=brown"),
        ("form", True, RGB, "R=100&G=200&B=150"),
        ("spaceDelimited", False, COLORS, "color=blue%20black%20brown"),
        ("spaceDelimited", False, RGB, "color=R%20100%20G%20200%20B%20150"),
        ("pipeDelimited", False, COLORS, "color=blue%7Cblack%7Cbrown"),
        ("pipeDelimited", False, RGB, "color=R%7C100%7CG%7C200%7CB%7C150"),
        ("deepObject", True, RGB, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
    ],
)
def test_query_styles_are_those_of_the_specifications_table(style: str, explode: bool, value: Any, text: str) -> None:
    assert send("query", style, explode, value).url.query.decode() == text


def test_headers_and_cookies_are_sent() -> None:
    assert send("header", "simple", False, COLORS).headers["color"] == "blue,black,brown"
    assert send("header", "simple", True, RGB).headers["color"] == "R=100,G=200,B=150"
    assert send("cookie", "form", False, "a b;c").headers["Cookie"] == "color=a%20b%3Bc"


def test_a_value_cannot_leave_its_place_in_the_path() -> None:
    assert send("path", "simple", False, "../a/b?c#d").url.raw_path == b"/v1/cats/..%2Fa%2Fb%3Fc%23d"
    assert send("path", "simple", False, "..").url.raw_path == b"/v1/cats/%2E%2E"
    with pytest.raises(CallError, match="must not be empty"):
        send("path", "simple", False, "")


def test_a_delimiter_that_cannot_be_escaped_is_refused() -> None:
    with pytest.raises(CallError, match="`color`"):
        send("query", "spaceDelimited", False, ["New York", "Rome"])


def test_body_fields_are_gathered() -> None:
    request = build_request(make_operation(body=CAT), {"id": "1", "name": "Ünä"}, BASE)
    assert (request.method, str(request.url)) == ("POST", "https://cats.example/v1/cats")
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.content) == {"id": "1", "name": "Ünä"}


def test_a_form_body_is_encoded() -> None:
    body = {"type": "object", "properties": {"a": {"type": "string"}, "b": SCHEMAS[list], "c": SCHEMAS[dict]}}
    form = make_operation(body=body, media_type="application/x-www-form-urlencoded")
    request = build_request(form, {"a": "x&y", "b": ["1", "2"], "c": {"R": 1}}, BASE)
    assert request.content == b"a=x%26y&b=1&b=2&c=%7B%22R%22%3A1%7D"


def test_an_optional_body_of_which_nothing_is_said_is_not_sent() -> None:
    operation = make_operation(body=CAT, body_required=False)
    assert build_request(operation, {}, BASE).content == b""
    with pytest.raises(CallError, match="missing required argument `name`"):
        build_request(operation, {"id": "1"}, BASE)


def test_required_arguments_take_their_default_and_others_are_not_sent() -> None:
    parameters = [
        {"name": name, "in": "query", "required": name == "a", "schema": {"type": "integer", "default": 7}}
        for name in ("a", "b")
    ]
    assert build_request(make_operation(parameters), {}, BASE).url.query == b"a=7"


def test_a_required_field_of_an_optional_body_takes_its_default_once_another_is_sent() -> None:
    properties = {"a": {"type": "string"}, "b": {"default": 1}, "c": {"default": 2}}
    operation = make_operation(body={"properties": properties, "required": ["b"]}, body_required=False)
    assert json.loads(build_request(operation, {"a": "x"}, BASE).content) == {"a": "x", "b": 1}
    assert json.loads(build_request(operation, {"b": 5}, BASE).content) == {"b": 5}
    assert build_request(operation, {}, BASE).content == b""


def test_what_is_left_out_keeps_nothing_else_out() -> None:
    names = ("a", "b", "c")
    query = [{"name": name, "in": "query", "schema": {"type": "integer"}} for name in names]
    assert build_request(make_operation(query), {"c": 1}, BASE).url.query == b"c=1"
    properties = {"a": {}, "b": {"default": 2}, "c": {"default": 3}}
    operation = make_operation(body={"properties": properties, "required": ["ghost", *names]}, body_required=False)
    assert json.loads(build_request(operation, {"a": 1}, BASE).content) == {"a": 1, "b": 2, "c": 3}


def test_a_required_field_that_may_be_anything_is_asked_for() -> None:
    operation = make_operation(body={"properties": {"a": True, "b": {}}, "required": ["a"]}, body_required=False)
    with pytest.raises(CallError, match="missing required argument `a`: the request body needs it") as caught:
        build_request(operation, {"b": 1}, BASE)
    assert caught.value.code == "missing_argument"
    assert json.loads(build_request(operation, {"a": [1]}, BASE).content) == {"a": [1]}


LIMIT = {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 9}}
DAY = {"name": "day", "in": "query", "schema": {"type": "string", "format": "date"}}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ({"name": "Tom"}, "missing_argument", "missing required argument `id`"),
        ({"id": "1", "name": "Tom", "nope": 1}, "unknown_argument", "unknown argument `nope`; known are: limit, day"),
        ({"id": "1", "name": 5}, "invalid_argument", "argument `name`: 5 is not of type"),
        ({"id": "1", "name": "Tom", "limit": 10}, "invalid_argument", "`limit`: 10 is greater than the maximum of 9"),
        ({"id": "1", "name": "Tom", "limit": True}, "invalid_argument", "`limit`"),
        ({"id": "1", "name": "Tom", "day": "tomorrow"}, "invalid_argument", '`day`: "tomorrow" is not a "date"'),
        ({"id": "\ud800", "name": "Tom"}, "invalid_argument", "cannot"),
    ],
)
def test_a_bad_call_is_refused_by_name(arguments: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(CallError) as caught:
        build_request(make_operation([LIMIT, DAY], CAT), arguments, BASE)
    assert (caught.value.status, caught.value.code) == (400, code)
    assert message in caught.value.message


def test_a_number_that_json_does_not_have_is_refused() -> None:
    anything = {"name": "filter", "in": "query", "schema": {}}
    for operation in (make_operation([anything]), make_operation(body={"properties": {"filter": {}}})):
        with pytest.raises(CallError, match="cannot be sent") as caught:
            build_request(operation, {"filter": [float("nan")]}, BASE)
        assert caught.value.code == "invalid_argument"


def test_check_arguments_lists_every_problem() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["b"],
        "additionalProperties": False,
    }
    assert len(check_arguments(schema, {"a": "x", "c": 1})) == 3
    assert check_arguments({**schema, "required": []}, {"a": 1}) == []
    assert check_arguments(schema, [1]) == ['the arguments: [1] is not of type "object"']


def test_several_parameters_go_to_their_places() -> None:
    specs = [("id", "path"), ("a", "query"), ("b", "query"), ("X-A", "header"), ("c", "cookie"), ("d", "cookie")]
    parameters = [
        {"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}} for name, place in specs
    ]
    operation = make_operation(parameters, path="/cats/{id}/toys", method="get")
    request = build_request(operation, {name: f"{name} 1" for name, _ in specs}, f"{BASE}/")
    assert str(request.url) == f"{BASE}/cats/id%201/toys?a=a%201&b=b%201"
    assert request.headers["X-A"] == "X-A 1"
    assert request.headers["Cookie"] == "c=c%201; d=d%201"
    assert request.headers["Accept"] == "application/json"
    assert "Content-Type" not in request.headers
    assert (request.method, request.content) == ("GET", b"")
    assert request.extensions[OPERATION_KEY] == "useCats"


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        ("/cats", "/v1/cats"),
        ("/a b/é", "/v1/a%20b/%C3%A9"),
        ("/a%20b", "/v1/a%20b"),
        ("/50%", "/v1/50%25"),
        ("/50%zz", "/v1/50%25zz"),
        ("/%2g", "/v1/%252g"),
        ("/a:b@c!d$e&f'g(h)i*j+k,l;m=n", "/v1/a:b@c!d$e&f'g(h)i*j+k,l;m=n"),
        ('/"a"', "/v1/%22a%22"),
    ],
)
def test_the_fixed_text_of_a_path_is_escaped_once(path: str, raw: str) -> None:
    assert build_request(make_operation(path=path, method="get"), {}, BASE).url.raw_path.decode() == raw


def test_a_parameter_that_stands_twice_in_a_path_is_put_in_twice() -> None:
    parameter = {"name": "id", "in": "path", "schema": {"type": "string"}}
    operation = make_operation([parameter], path="/cats/{id}/friends/{id}", method="get")
    assert build_request(operation, {"id": "{id}"}, BASE).url.raw_path == b"/v1/cats/%7Bid%7D/friends/%7Bid%7D"


@pytest.mark.parametrize("place", ["path", "query", "header", "cookie"])
def test_a_required_parameter_that_is_left_out_takes_its_default_in_every_place(place: str) -> None:
    parameter = {"name": "x", "in": place, "required": True, "schema": {"type": "integer", "default": 7}}
    operation = make_operation([parameter], path="/cats/{x}" if place == "path" else "/cats", method="get")
    assert read_arguments(operation, build_request(operation, {}, BASE)) == {"x": 7}
    assert read_arguments(operation, build_request(operation, {"x": 8}, BASE)) == {"x": 8}
    optional = make_operation([{**parameter, "required": False}], method="get")
    if place != "path":
        assert read_arguments(optional, build_request(optional, {}, BASE)) == {}


def test_all_that_is_wrong_is_said_under_the_code_of_the_first() -> None:
    with pytest.raises(CallError) as caught:
        build_request(make_operation([LIMIT, DAY], CAT), {"limit": 10, "id": "1", "nope": 1}, BASE)
    said = caught.value.message.split("; ")
    assert sorted(said) == [
        "argument `limit`: 10 is greater than the maximum of 9",
        "known are: limit, day, id, name, age",
        "missing required argument `name`",
        "unknown argument `nope`",
    ]
    codes = {"argument": "invalid_argument", "missing": "missing_argument", "unknown": "unknown_argument"}
    assert (caught.value.code, caught.value.status) == (codes[said[0].partition(" ")[0]], 400)
    assert str(caught.value) == caught.value.message


ANY: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("media_type", "value", "sent_type", "content"),
    [
        ("application/json", {"a": [1, "é"]}, "application/json", '{"a":[1,"é"]}'),
        ("application/json", "text", "application/json", '"text"'),
        ("application/json", None, "application/json", "null"),
        ("Application/HAL+json; v=1", [1], "Application/HAL+json; v=1", "[1]"),
        ("*/*", [1], "application/json", "[1]"),
        ("text/plain", "é", "text/plain; charset=utf-8", "é"),
        ("Text/CSV; header=present", "a,b", "text/csv; charset=utf-8", "a,b"),
        ("text/plain", [1], "text/plain", "[1]"),
        ("application/xml", "a", "application/xml", '"a"'),
        ("application/x-www-form-urlencoded", {"a/b": "c/d&"}, "application/x-www-form-urlencoded", "a%2Fb=c%2Fd%26"),
        ("Application/x-www-form-urlencoded ;v=1", {"a": 1}, "Application/x-www-form-urlencoded ;v=1", "a=1"),
        (
            "application/x-www-form-urlencoded",
            {"a": [1, {"b": 2}], "c": None, "d": True, "e": [], "f": 1.0},
            "application/x-www-form-urlencoded",
            "a=1&a=%7B%22b%22%3A2%7D&c=null&d=true&f=1",
        ),
        ("application/x-www-form-urlencoded", ["a"], "application/x-www-form-urlencoded", '["a"]'),
        ("multipart/form-data", ["a"], "multipart/form-data", '["a"]'),
    ],
    ids=str,
)
def test_a_body_is_written_in_its_media_type(media_type: str, value: Any, sent_type: str, content: str) -> None:
    operation = make_operation(body=ANY, media_type=media_type)
    request = build_request(operation, {"body": value}, BASE)
    assert request.headers["Content-Type"] == sent_type
    assert request.content.decode() == content


def test_a_body_in_parts_is_written_as_browsers_do() -> None:
    operation = make_operation(body=ANY, media_type="multipart/form-data; charset=utf-8")
    request = build_request(operation, {"body": {'a"\r\nb': "1\r\n2", "c": ["x", "é"]}}, BASE)
    kind, boundary = request.headers["Content-Type"].split("; boundary=")
    assert kind == "multipart/form-data"
    parts = [("a%22%0D%0Ab", "1\r\n2"), ("c", "x"), ("c", "é")]
    written = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in parts
    ]
    assert request.content.decode() == "".join(written) + f"--{boundary}--\r\n"
    again = build_request(operation, {"body": {'a"\r\nb': "1\r\n2", "c": ["x", "é"]}}, BASE)
    assert again.content == request.content


@pytest.mark.parametrize(
    ("schema", "required", "arguments", "content"),
    [
        ({"default": [1]}, True, {}, b"[1]"),
        ({"default": [1]}, True, {"body": [2]}, b"[2]"),
        ({"default": [1]}, False, {}, b""),
        ({}, False, {}, b""),
        ({}, False, {"body": None}, b"null"),
        ({"default": None}, True, {}, b"null"),
    ],
    ids=str,
)
def test_a_body_that_is_one_argument_takes_its_default_where_it_is_required(
    schema: dict[str, Any], required: bool, arguments: dict[str, Any], content: bytes
) -> None:
    operation = make_operation(body=schema, body_required=required)
    request = build_request(operation, arguments, BASE)
    assert request.content == content
    assert ("Content-Type" in request.headers) == bool(content)


def test_a_required_body_of_which_nothing_is_said_is_sent_empty() -> None:
    operation = make_operation(body={"properties": {"a": {"type": "string"}}})
    assert build_request(operation, {}, BASE).content == b"{}"


def test_half_of_a_character_cannot_be_sent() -> None:
    for operation in (
        make_operation([{"name": "x", "in": "query", "schema": {}}]),
        make_operation(body={"properties": {"x": {}}}),
    ):
        with pytest.raises(CallError, match="cannot") as caught:
            build_request(operation, {"x": "\ud800"}, BASE)
        assert caught.value.code == "invalid_argument"
