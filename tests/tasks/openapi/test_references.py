"""References are put in place: found by their pointer, joined with what stands beside them, refused where endless."""

from typing import Any

import pytest

from tasks.openapi import DocumentError
from tasks.openapi.references import inline_references

MAX_NODES = 1_000_000
TARGET: dict[str, Any] = {"type": "object", "required": ["a"], "description": "Target"}
REF = {"$ref": "#/target"}


def inline(part: Any, **doc: Any) -> Any:
    return inline_references({"target": TARGET, **doc}, part)


@pytest.mark.parametrize(
    ("key", "pointer"),
    [
        ("plain", "#/defs/plain"),
        ("a/b", "#/defs/a~1b"),
        ("a~b", "#/defs/a~0b"),
        ("a~1b", "#/defs/a~01b"),
        ("a%b", "#/defs/a%25b"),
        ("a b", "#/defs/a%20b"),
        ("{id}", "#/defs/%7Bid%7D"),
        ("{id}", "#/defs/{id}"),
        ("é", "#/defs/%C3%A9"),
        ("", "#/defs/"),
    ],
)
def test_a_pointer_is_read_with_its_escapes(key: str, pointer: str) -> None:
    defs = {"plain": 1, "a/b": 2, "a~b": 3, "a~1b": 4, "a%b": 5, "a b": 6, "{id}": 7, "é": 8, "": 9, "a": {"b": 10}}
    assert inline({"x": {"$ref": pointer}}, defs=defs) == {"x": defs[key]}


def test_a_pointer_goes_into_lists_and_into_paths() -> None:
    paths = {"/cats/{id}": {"get": {"parameters": [{"name": "a"}, {"name": "b"}]}}}
    pointer = {"$ref": "#/paths/~1cats~1{id}/get/parameters/1"}
    assert inline([pointer], paths=paths) == [{"name": "b"}]


@pytest.mark.parametrize(
    "pointer",
    ["#/nowhere", "#/target/type/deeper", "#/list/2", "#/list/x", "#anchor", "#/target/required/a"],
)
def test_a_pointer_to_nothing_is_missing(pointer: str) -> None:
    with pytest.raises(DocumentError, match=r"^missing reference: nothing stands at ") as caught:
        inline({"$ref": pointer}, list=[1, 2])
    assert repr(pointer) in caught.value.problem


@pytest.mark.parametrize("pointer", ["https://cats.example/a.json#/target", "a.json", "", "/target", "target"])
def test_a_pointer_that_leaves_the_document_is_remote(pointer: str) -> None:
    with pytest.raises(DocumentError, match=r"^remote reference ") as caught:
        inline({"$ref": pointer})
    assert caught.value.problem == f"remote reference {pointer!r}: only references within the document are followed"


def test_a_reference_to_a_reference_is_followed_to_its_end() -> None:
    assert inline({"$ref": "#/a"}, a={"$ref": "#/b"}, b={"x": REF}) == {"x": TARGET}


def test_what_is_referred_to_twice_is_no_loop() -> None:
    pair = {"first": REF, "second": REF}
    assert inline({"a": {"$ref": "#/pair"}, "b": {"$ref": "#/pair"}, "c": REF}, pair=pair) == {
        "a": {"first": TARGET, "second": TARGET},
        "b": {"first": TARGET, "second": TARGET},
        "c": TARGET,
    }


@pytest.mark.parametrize(
    ("doc", "loop"),
    [
        ({"a": {"$ref": "#/a"}}, "#/a -> #/a"),
        ({"a": {"x": [{"$ref": "#/b"}]}, "b": {"y": {"$ref": "#/a"}}}, "#/a -> #/b -> #/a"),
        ({"a": {"x": {"$ref": "#/b"}}, "b": {"$ref": "#/c"}, "c": {"$ref": "#/b"}}, "#/b -> #/c -> #/b"),
        ({"a": {"x": REF, "y": {"$ref": "#/a"}}}, "#/a -> #/a"),
    ],
)
def test_a_loop_is_told_from_where_it_closes(doc: dict[str, Any], loop: str) -> None:
    with pytest.raises(DocumentError) as caught:
        inline({"$ref": "#/a"}, **doc)
    assert caught.value.problem == f"reference loop: {loop}"


@pytest.mark.parametrize(
    "key", ["description", "summary", "title", "default", "example", "examples", "deprecated", "readOnly", "writeOnly"]
)
def test_what_only_describes_wins_over_what_is_referred_to(key: str) -> None:
    assert inline({"$ref": "#/t", key: "new"}, t={key: "old", "type": "string"}) == {key: "new", "type": "string"}


def test_all_that_describes_wins_together() -> None:
    keys = ["description", "summary", "title", "default", "example", "examples", "deprecated", "readOnly", "writeOnly"]
    old, new = dict.fromkeys(keys, "old"), dict.fromkeys(keys, "new")
    assert inline({"$ref": "#/t", **new}, t={"type": "string", **old}) == {"type": "string", **new}


@pytest.mark.parametrize(
    ("beside", "joined"),
    [
        ({"description": "Beside"}, {**TARGET, "description": "Beside"}),
        ({"minProperties": 1}, {**TARGET, "minProperties": 1}),
        ({"minProperties": 1, "title": "T"}, {**TARGET, "minProperties": 1, "title": "T"}),
        ({"required": ["b"]}, {"allOf": [TARGET], "required": ["b"]}),
        (
            {"minProperties": 1, "description": "Beside"},
            {"allOf": [TARGET], "minProperties": 1, "description": "Beside"},
        ),
        ({"properties": {"a": REF}}, {**TARGET, "properties": {"a": TARGET}}),
        ({"required": ["b"], "not": REF}, {"allOf": [TARGET], "required": ["b"], "not": TARGET}),
    ],
    ids=str,
)
def test_what_constrains_beside_a_reference_is_joined_to_it(beside: dict[str, Any], joined: dict[str, Any]) -> None:
    assert inline({"x": {**REF, **beside}}) == {"x": joined}


def test_what_stands_beside_a_reference_to_true_goes() -> None:
    assert inline({"x": {"$ref": "#/anything", "description": "Beside"}}, anything=True) == {"x": True}


@pytest.mark.parametrize("key", ["example", "default", "const", "enum", "value"])
def test_data_is_not_gone_through(key: str) -> None:
    data = {"a": {"$ref": "#/nowhere"}, "b": [{"$ref": "#/nowhere"}]}
    assert inline({key: data, "x": REF}) == {key: data, "x": TARGET}


def test_examples_are_data_in_a_list_and_may_be_references_in_a_map() -> None:
    assert inline({"examples": [{"$ref": "#/nowhere"}]}) == {"examples": [{"$ref": "#/nowhere"}]}
    assert inline({"examples": {"tom": REF}}) == {"examples": {"tom": TARGET}}


@pytest.mark.parametrize(
    "key",
    [
        *("properties", "patternProperties", "dependentSchemas", "$defs", "definitions", "responses", "content"),
        *("headers", "encoding", "paths", "schemas", "callbacks", "links"),
    ],
)
def test_names_that_read_like_keywords_are_names(key: str) -> None:
    names = ["example", "examples", "default", "const", "enum", "value", "properties", "content", "$ref"]
    assert inline({key: dict.fromkeys(names, REF)}) == {key: dict.fromkeys(names, TARGET)}


def test_keywords_below_a_name_are_keywords_again() -> None:
    schema = {"properties": {"x": {"default": {"$ref": "#/nowhere"}, "properties": {"default": REF}}}}
    expected = {"properties": {"x": {"default": {"$ref": "#/nowhere"}, "properties": {"default": TARGET}}}}
    assert inline(schema) == expected
    assert inline({"items": [schema]}) == {"items": [expected]}
    assert inline(REF | {"not": schema}) == TARGET | {"not": expected}


def test_a_ref_that_is_no_text_is_left_as_it_is() -> None:
    assert inline({"x": {"$ref": 5}, "y": {"$ref": REF}}) == {"x": {"$ref": 5}, "y": {"$ref": TARGET}}


def test_the_document_is_not_changed() -> None:
    doc = {"target": dict(TARGET), "x": {"y": REF, "z": {**REF, "minProperties": 1}}}
    inline_references(doc, doc["x"])
    assert doc == {"target": TARGET, "x": {"y": REF, "z": {**REF, "minProperties": 1}}}


def test_a_document_may_grow_to_the_limit_and_no_further() -> None:
    # the object, the list in it, and the list's numbers
    assert len(inline({"x": [0] * (MAX_NODES - 2)})["x"]) == MAX_NODES - 2
    with pytest.raises(DocumentError, match=f"grows past {MAX_NODES} values"):
        inline({"x": [0] * (MAX_NODES - 1)})


@pytest.mark.parametrize("beside", [{}, {"title": "T"}, {"minItems": 1}, {"x": 1}], ids=str)
def test_what_is_referred_to_counts_each_time(beside: dict[str, Any]) -> None:
    many = {"x": [0] * 1000}
    size = 1 + 1 + 1000 + (1 + 1 + len(beside) if beside else 0)
    fit = (MAX_NODES - 1) // size
    assert len(inline([{"$ref": "#/many", **beside}] * fit, many=many)) == fit
    with pytest.raises(DocumentError, match="grows past"):
        inline([{"$ref": "#/many", **beside}] * (fit + 1), many=many)
