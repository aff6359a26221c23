"""How values become text and text becomes values, and what each style does at its edges."""

import math
from typing import Any

import pytest

from tasks.openapi import CallError, Operation, build_request, read_arguments
from tasks.openapi.styles import find_types, parse_text, write_text
from tests.tasks.openapi.documents import make_operation

BASE = "https://cats.example/v1"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a b", "a b"),
        ("", ""),
        ("1", "1"),
        (1, "1"),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        (1.0, "1"),
        (-2.0, "-2"),
        (1.5, "1.5"),
        (999999999999999.0, "999999999999999"),
        (1e15, "1000000000000000.0"),
        (-999999999999999.0, "-999999999999999"),
        (-1e15, "-1000000000000000.0"),
        (10**20, "100000000000000000000"),
        ([1, "é"], '[1,"é"]'),
        ({"a": [1.5, None]}, '{"a":[1.5,null]}'),
    ],
)
def test_a_value_as_text(value: Any, text: str) -> None:
    assert write_text(value) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, [math.nan]])
def test_a_number_that_json_does_not_have_has_no_text(value: Any) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_text(value)


def is_same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and value == other


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("5", {"type": "string"}, "5"),
        ("5", {"type": "integer"}, 5),
        ("5", {"type": "number"}, 5),
        ("-5", {"type": "integer"}, -5),
        ("+5", {"type": "integer"}, 5),
        ("5.0", {"type": "number"}, 5.0),
        ("5.", {"type": "number"}, 5.0),
        (".5", {"type": "number"}, 0.5),
        ("-1.5e-3", {"type": "number"}, -0.0015),
        ("1E3", {"type": "number"}, 1000.0),
        ("1e999", {"type": "number"}, "1e999"),
        ("-1e999", {"type": "number"}, "-1e999"),
        ("1" + "0" * 400, {"type": "integer"}, 10**400),
        ("5x", {"type": "integer"}, "5x"),
        ("x5", {"type": "integer"}, "x5"),
        (".", {"type": "number"}, "."),
        ("nan", {"type": "number"}, "nan"),
        ("1 2", {"type": "number"}, "1 2"),
        ("", {"type": "integer"}, ""),
        ("true", {"type": "boolean"}, True),
        ("false", {"type": "boolean"}, False),
        ("True", {"type": "boolean"}, "True"),
        ("1", {"type": "boolean"}, "1"),
        ("true", {"type": "string"}, "true"),
        ("null", {"type": "null"}, None),
        ("null", {"type": "string"}, "null"),
        ("null", {"type": ["string", "null"]}, "null"),
        ("null", {"type": ["integer", "null"]}, None),
        ("nil", {"type": "null"}, "nil"),
        ('[1,"a"]', {"type": "array"}, [1, "a"]),
        ('{"a":1}', {"type": "object"}, {"a": 1}),
        ("[1", {"type": "array"}, "[1"),
        ("7", {"type": ["array", "integer"]}, 7),
        ("x", {"type": ["object", "string"]}, "x"),
        ("[x", {"type": ["array", "boolean"]}, "[x"),
        ("5", {"type": ["integer", "string"]}, 5),
        ("5", {"type": ["string", "integer"]}, "5"),
        ("true", {"type": ["integer", "boolean"]}, True),
        ("5", {}, "5"),
        ("5", {"anyOf": [{"type": "null"}, {"type": "integer"}]}, 5),
        ("1", {"enum": [1, "1"]}, 1),
        ("1", {"enum": ["1", 1]}, "1"),
        ("true", {"enum": ["false", True]}, True),
        ("null", {"type": ["string", "null"], "enum": ["a", None]}, None),
        ("2", {"type": "integer", "enum": [1, 3]}, 2),
    ],
)
def test_text_is_read_as_the_first_type_that_it_can_be(text: str, schema: dict[str, Any], value: Any) -> None:
    assert is_same(parse_text(text, schema), value)


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        ({}, []),
        ({"type": "string"}, ["string"]),
        ({"type": ["string", "null"]}, ["string", "null"]),
        ({"items": {}}, ["array"]),
        ({"properties": {}}, ["object"]),
        ({"type": "string", "items": {}, "properties": {}}, ["string"]),
        ({"items": {}, "properties": {}}, ["array"]),
        ({"allOf": [{"type": "object"}, {"type": "object"}]}, ["object"]),
        ({"anyOf": [{"type": "string"}, {"type": "null"}, True]}, ["string", "null"]),
        ({"oneOf": [{"items": {}}, {"anyOf": [{"type": "string"}]}]}, ["array", "string"]),
        ({"type": "string", "anyOf": [{"type": "string"}, {"type": "null"}]}, ["string", "null"]),
        ({"not": {"type": "string"}}, []),
    ],
    ids=str,
)
def test_types_are_found_in_alternatives_and_by_keywords(schema: dict[str, Any], types: list[str]) -> None:
    assert find_types(schema) == types


def make_getter(schema: dict[str, Any], place: str = "query", name: str = "x", **keys: Any) -> Operation:
    """An operation with one parameter."""
    parameter = {"name": name, "in": place, "required": place == "path", "schema": schema, **keys}
    return make_operation([parameter], path=f"/cats/{{{name}}}" if place == "path" else "/cats", method="get")


def send_path(schema: dict[str, Any], value: Any, **keys: Any) -> str:
    """What takes the place of a parameter in the path; it is read back as it was."""
    name = keys.pop("name", "x")
    operation = make_getter(schema, "path", name, **keys)
    request = build_request(operation, {name: value}, BASE)
    assert read_arguments(operation, request) == {name: value}
    return request.url.raw_path.decode().removeprefix("/v1/cats/")


STRING: dict[str, Any] = {"type": "string"}
STRINGS: dict[str, Any] = {"type": "array", "items": STRING}
ANY_OBJECT: dict[str, Any] = {"type": "object"}


@pytest.mark.parametrize(
    ("value", "text"),
    [(".", "%2E"), ("..", "%2E%2E"), ("...", "%2E%2E%2E"), ("a.b", "a.b"), (".a", ".a"), ("a/..", "a%2F..")],
)
def test_a_value_does_not_climb_in_the_path(value: str, text: str) -> None:
    assert send_path(STRING, value) == text


@pytest.mark.parametrize(
    ("style", "explode", "text"),
    [
        ("simple", False, "a.b,c%2Cd"),
        ("label", False, ".a%2Eb,c%2Cd"),
        ("label", True, ".a%2Eb.c%2Cd"),
        ("matrix", False, ";x=a.b,c%2Cd"),
        ("matrix", True, ";x=a.b;x=c%2Cd"),
    ],
)
def test_a_slash_within_a_value_is_escaped(style: str, explode: bool, text: str) -> None:
    assert send_path(STRINGS, ["a.b", "c,d/"], style=style, explode=explode) == f"{text}%2F"


@pytest.mark.parametrize(
    ("style", "explode", "text"),
    [("spaceDelimited", False, "x=a.b%20c%2Cd"), ("form", False, "x=a.b,c%2Cd"), ("form", True, "x=a.b&x=c%2Cd")],
)
def test_a_delimiter_within_a_value_of_the_query_is_escaped(style: str, explode: bool, text: str) -> None:
    assert send_query(STRINGS, ["a.b", "c,d"], style=style, explode=explode) == text


@pytest.mark.parametrize("style", ["simple", "label", "matrix"])
@pytest.mark.parametrize("explode", [True, False])
@pytest.mark.parametrize("value", ["", [], {}, [""]], ids=str)
def test_nothing_cannot_be_part_of_a_path(style: str, explode: bool, value: Any) -> None:
    operation = make_getter({}, "path", style=style, explode=explode)
    with pytest.raises(CallError, match="argument `x` must not be empty: it is part of the path") as caught:
        build_request(operation, {"x": value}, BASE)
    assert caught.value.code == "invalid_argument"


@pytest.mark.parametrize(
    ("style", "explode", "text"),
    [("simple", False, ","), ("label", True, ".."), ("matrix", True, ";x=;x="), ("matrix", False, ";x=,")],
)
def test_a_list_of_empty_texts_is_not_nothing(style: str, explode: bool, text: str) -> None:
    operation = make_getter(STRINGS, "path", style=style, explode=explode)
    if text == "..":  # would climb
        with pytest.raises(CallError, match="must not be empty"):
            build_request(operation, {"x": ["", ""]}, BASE)
    else:
        assert send_path(STRINGS, ["", ""], style=style, explode=explode) == text


def test_the_name_of_a_matrix_is_escaped() -> None:
    assert send_path(STRING, "a", name="cat id", style="matrix") == ";cat%20id=a"
    assert send_path(STRING, "a", name="cat/id", style="matrix") == ";cat%2Fid=a"
    assert send_path(STRINGS, ["a", "b"], name="cat id", style="matrix", explode=True) == ";cat%20id=a;cat%20id=b"


@pytest.mark.parametrize("style", ["simple", "label", "matrix"])
@pytest.mark.parametrize("explode", [True, False])
def test_items_of_a_path_have_the_type_of_their_schema(style: str, explode: bool) -> None:
    numbers = {"type": "array", "items": {"type": "integer"}}
    send_path(numbers, [1, 2], style=style, explode=explode)
    send_path(numbers, [1], style=style, explode=explode)
    mixed = {"type": "object", "properties": {"a": {"type": "integer"}, "b": STRING}}
    send_path(mixed, {"a": 1, "b": "1"}, style=style, explode=explode)
    send_path(mixed, {"a": 1}, style=style, explode=explode)
    more = {**mixed, "additionalProperties": {"type": "boolean"}}
    send_path(more, {"a": 1, "c": True}, style=style, explode=explode)


@pytest.mark.parametrize("place", ["path", "query", "header", "cookie"])
@pytest.mark.parametrize(
    "value", [{"a": [1, {"b": None}]}, [1, "é,;=&"], "tom", "5", "true", "", 5, 1.5, True], ids=str
)
def test_a_parameter_with_content_is_json(place: str, value: Any) -> None:
    content: dict[str, Any] = {"application/json": {"schema": {}}}
    parameter = {"name": "x", "in": place, "required": True, "content": content}
    operation = make_operation([parameter], path="/cats/{x}" if place == "path" else "/cats", method="get")
    assert operation.parameters[0].is_json
    request = build_request(operation, {"x": value}, BASE)
    assert read_arguments(operation, request) == {"x": value}


@pytest.mark.parametrize("style", ["label", "matrix"])
@pytest.mark.parametrize("explode", [True, False])
def test_an_object_as_json_keeps_its_shape_in_every_style(style: str, explode: bool) -> None:
    content = {"application/json": {"schema": ANY_OBJECT}}
    parameter = {"name": "x", "in": "path", "style": style, "explode": explode, "content": content}
    operation = make_operation([parameter], path="/cats/{x}", method="get")
    request = build_request(operation, {"x": {"a": 1, "b": ["é"]}}, BASE)
    raw = request.url.raw_path.decode().removeprefix("/v1/cats/")
    assert raw == ("." if style == "label" else ";x=") + "%7B%22a%22%3A1%2C%22b%22%3A%5B%22%C3%A9%22%5D%7D"
    assert read_arguments(operation, request) == {"x": {"a": 1, "b": ["é"]}}


def test_text_as_json_stands_in_quotes() -> None:
    parameter = {"name": "x", "in": "query", "content": {"application/json": {"schema": {}}}}
    request = build_request(make_operation([parameter], method="get"), {"x": "é"}, BASE)
    assert request.url.query == b"x=%22%C3%A9%22"


def send_query(schema: dict[str, Any], value: Any, **keys: Any) -> str:
    return build_request(make_getter(schema, **keys), {"x": value}, BASE).url.query.decode()


@pytest.mark.parametrize("value", [None, [], {}], ids=str)
@pytest.mark.parametrize("place", ["query", "cookie", "header"])
@pytest.mark.parametrize("explode", [True, False])
def test_null_and_what_is_empty_are_left_out(value: Any, place: str, explode: bool) -> None:
    operation = make_getter({}, place, explode=explode)
    request = build_request(operation, {"x": value}, BASE)
    assert request.url.query == b""
    assert not {"x", "cookie"} & {name.lower() for name in request.headers}
    assert read_arguments(operation, request) == {}


@pytest.mark.parametrize("value", ["", 0, False, [0], [""], {"a": 0}], ids=str)
@pytest.mark.parametrize("place", ["query", "cookie", "header"])
def test_what_is_false_or_zero_is_sent(value: Any, place: str) -> None:
    request = build_request(make_getter({}, place), {"x": value}, BASE)
    assert (request.url.query != b"") + ("x" in request.headers) + ("cookie" in request.headers) == 1


def test_only_where_it_is_allowed_reserved_characters_are_kept() -> None:
    text = ":/?@!$'()*;&=+,#[] %"
    plain = "%3A%2F%3F%40%21%24%27%28%29%2A%3B%26%3D%2B%2C%23%5B%5D%20%25"
    assert send_query(STRING, text) == f"x={plain}"
    assert send_query(STRING, text, allowReserved=True) == "x=:/?@!$'()*;%26%3D%2B%2C%23%5B%5D%20%25"
    operation = make_getter(STRING, allowReserved=True)
    assert read_arguments(operation, build_request(operation, {"x": text}, BASE)) == {"x": text}


@pytest.mark.parametrize(
    ("style", "explode", "value", "query"),
    [
        ("form", False, ["a,b", "c"], "x=a%2Cb,c"),
        ("form", False, {"a,b": "c"}, "x=a%2Cb,c"),
        ("form", True, {"a b/": "c&d/"}, "a%20b%2F=c%26d%2F"),
        ("form", True, ["a&b"], "x=a%26b"),
        ("form", True, [{"a": 1}], "x=%7B%22a%22%3A1%7D"),
        ("form", False, [["a"], None], "x=%5B%22a%22%5D,null"),
        ("spaceDelimited", False, ["a,b|c", "d"], "x=a%2Cb%7Cc%20d"),
        ("pipeDelimited", False, ["a b,c", "d"], "x=a%20b%2Cc%7Cd"),
        ("spaceDelimited", True, ["a", "b"], "x=a&x=b"),
        ("pipeDelimited", True, ["a|b", "c"], "x=a%7Cb&x=c"),
        ("deepObject", True, {"a b/": "c d/", "e": [1]}, "x%5Ba%20b%2F%5D=c%20d%2F&x%5Be%5D=%5B1%5D"),
        ("deepObject", False, {"a": 1}, "x%5Ba%5D=1"),
        ("deepObject", True, ["a", "b"], "x=a&x=b"),
        ("deepObject", True, "a", "x=a"),
    ],
)
def test_values_travel_in_the_query(style: str, explode: bool, value: Any, query: str) -> None:
    assert send_query({}, value, style=style, explode=explode) == query


def test_the_name_of_a_parameter_is_escaped() -> None:
    for value, query in (("a", "x%2Fy%20z=a"), (["a", "b"], "x%2Fy%20z=a&x%2Fy%20z=b")):
        assert build_request(make_getter({}, name="x/y z"), {"x/y z": value}, BASE).url.query.decode() == query


@pytest.mark.parametrize(
    ("style", "good", "bad"),
    [("spaceDelimited", "a|b", "a b"), ("pipeDelimited", "a b", "a|b"), ("form", "a,b", None)],
)
@pytest.mark.parametrize("wrap", [lambda text: ["x", text], lambda text: {"k": text}, lambda text: {text: 1}])
def test_only_a_delimiter_of_its_own_style_is_refused(style: str, good: str, bad: str | None, wrap: Any) -> None:
    assert send_query({}, wrap(good), style=style, explode=False)
    if bad is not None:
        with pytest.raises(
            CallError, match=r"argument `x`: no value may hold '.', which separates the values"
        ) as caught:
            send_query({}, wrap(bad), style=style, explode=False)
        assert caught.value.code == "invalid_argument"
        assert send_query({}, wrap(bad), style=style, explode=True)


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("a b", "a b"),
        (" a ", "%20a%20"),
        ("  ", "%20%20"),
        ("a,b", "a%2Cb"),
        ("a=b", "a%3Db"),
        ("50%", "50%25"),
        ('~!"#$&()*+-./:;<>?@[]^_`{|}', '~!"#$&()*+-./:;<>?@[]^_`{|}'),
        ("é\n\t\x7f", "%C3%A9%0A%09%7F"),
    ],
)
def test_a_header_is_printable_ascii(text: str, header: str) -> None:
    operation = make_getter(STRING, "header", "X-Cat")
    request = build_request(operation, {"X-Cat": text}, BASE)
    assert request.headers["x-cat"] == header
    assert read_arguments(operation, request) == {"X-Cat": text}


def test_long_text_is_read_and_written_in_time() -> None:
    digits = "1" * 200_000 + "x"
    assert parse_text(digits, {"type": ["number", "string"]}) == digits
    parameter = {"name": "X-Text", "in": "header", "schema": {"type": "string"}}
    operation = make_operation([parameter], method="get")
    for text in (" " * 100_000 + "x", "x" + " " * 100_000, "x" + " " * 100_000 + "y", "  "):
        request = build_request(operation, {"X-Text": text}, BASE)
        assert read_arguments(operation, request) == {"X-Text": text}
