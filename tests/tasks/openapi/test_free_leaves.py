"""Values that a schema names need no origin; every other is told by its path."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.openapi.free_leaves import find_free_leaves


def find(arguments: Any, *properties: dict[str, Any]) -> list[tuple[str, Any]]:
    return list(find_free_leaves("", arguments, [{"type": "object", "properties": schema} for schema in properties]))


def test_every_string_and_number_is_told_by_its_path() -> None:
    arguments = {"a": "x", "b": {"c": [1, {"d": 2.5}], "e": [["y"]]}, "f": ""}
    assert find(arguments) == [("a", "x"), ("b.c[0]", 1), ("b.c[1].d", 2.5), ("b.e[0][0]", "y"), ("f", "")]


def test_booleans_and_null_need_no_origin() -> None:
    assert find({"a": True, "b": False, "c": None, "d": [True, None], "e": 0}) == [("e", 0)]


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (10, {"default": 10}),
        (10.0, {"default": 10}),
        ("x", {"default": "x"}),
        ("x", {"const": "x"}),
        ("x", {"enum": ["y", "x"]}),
        (1, {"enum": [True, 1]}),
        (["x", 1], {"default": ["x", 1]}),
        ({"a": "x"}, {"const": {"a": "x"}}),
        (["x"], {"enum": [[], ["x"]]}),
        ("x", {"anyOf": [{"type": "null"}, {"enum": ["x"]}]}),
        ("x", {"oneOf": [{"const": "y"}, {"const": "x"}]}),
        ("x", {"allOf": [{"type": "string"}, {"default": "x"}]}),
        ("x", {"anyOf": [True, {"allOf": [{"oneOf": [{"const": "x"}]}]}]}),
        (["x", "y"], {"items": {"enum": ["x", "y"]}}),
        ([["x"]], {"items": {"items": {"const": "x"}}}),
        ({"a": "x"}, {"properties": {"a": {"const": "x"}}}),
        ({"b": "x"}, {"properties": {"a": {}}, "additionalProperties": {"const": "x"}}),
        ({"a": "x"}, {"anyOf": [{"properties": {"b": {}}}, {"properties": {"a": {"default": "x"}}}]}),
        ("", {"default": ""}),
        (0, {"const": 0}),
    ],
)
def test_a_value_that_the_schema_names_is_not_free(value: Any, schema: dict[str, Any]) -> None:
    assert find({"p": value}, {"p": schema}) == []


@pytest.mark.parametrize(
    ("value", "schema", "free"),
    [
        (11, {"default": 10}, [("p", 11)]),
        (1, {"default": True}, [("p", 1)]),
        (0, {"enum": [False, 2]}, [("p", 0)]),
        (1, {"const": True}, [("p", 1)]),
        ("10", {"default": 10}, [("p", "10")]),
        ("z", {"enum": ["y", "x"]}, [("p", "z")]),
        ("x", {"examples": ["x"]}, [("p", "x")]),
        (["x", "z"], {"items": {"enum": ["x", "y"]}}, [("p[1]", "z")]),
        ("x", {"items": {"enum": ["x"]}}, [("p", "x")]),
        (["x"], {"items": True}, [("p[0]", "x")]),
        (["x"], {"enum": ["x"]}, [("p[0]", "x")]),
        ({"b": "x"}, {"properties": {"a": {"const": "x"}}}, [("p.b", "x")]),
        ({"a": "x"}, {"properties": {"a": {}}, "additionalProperties": {"const": "x"}}, [("p.a", "x")]),
        ({"b": "x"}, {"properties": {"a": {}}, "additionalProperties": False}, [("p.b", "x")]),
        ({"a": "x"}, {"default": {"a": "y"}}, [("p.a", "x")]),
        ("x", {"anyOf": [{"enum": ["y"]}]}, [("p", "x")]),
        ("x", {"not": {"const": "x"}}, [("p", "x")]),
    ],
)
def test_another_value_is_free(value: Any, schema: dict[str, Any], free: list[tuple[str, Any]]) -> None:
    assert find({"p": value}, {"p": schema}) == free


def test_a_name_says_only_of_its_own_value_what_needs_no_origin() -> None:
    schema = {"a": {"const": "x"}, "b": {"items": {"const": "x"}}}
    assert find({"b": "x", "a": ["x"]}, schema) == [("b", "x"), ("a[0]", "x")]


def test_all_schemas_of_a_value_are_looked_at() -> None:
    assert find({"p": "x"}, {}, {"q": {"const": "x"}}, {"p": {"default": "x"}}) == []
    assert list(find_free_leaves("p", "x", [{"const": "y"}, {"const": "x"}])) == []


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text("ab", max_size=2)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)),
    max_leaves=6,
)


@given(JSON)
def test_a_value_is_free_without_a_schema_and_not_where_it_is_the_default(value: Any) -> None:
    assert list(find_free_leaves("p", value, [{"default": value}])) == []
    free = [leaf for _, leaf in find_free_leaves("p", value, [{"default": "something else"}])]
    assert not [leaf for leaf in free if leaf is None or isinstance(leaf, bool | list | dict)]
    if isinstance(value, str | int) and not isinstance(value, bool):
        assert free == [value]
