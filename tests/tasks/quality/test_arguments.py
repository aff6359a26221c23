"""Values that a schema names need no origin; every other is told by its path, and traced whole or by its parts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.quality.arguments import find_free_leaves, is_argument_grounded
from tasks.quality.corpus import Corpus
from tests.tasks.quality.saying import hear


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


@pytest.mark.parametrize(
    ("value", "text", "grounded"),
    [
        (5, "five cats", True),
        (5, "four cats", False),
        ("gold,silver", "silver and gold", True),
        ("gold, silver", "silver and gold", True),
        ("gold;silver", "silver or gold", True),
        ("gold|silver", "silver or gold", True),
        ("gold & silver", "silver or gold", True),
        ("gold+silver", "silver or gold", True),
        ("gold/silver", "silver or gold", True),
        ("gold and silver", "silver or gold", True),
        ("gold,silver,tin", "silver or gold", False),
        ("gold,", "silver", False),
        ("5,", "five cats", False),
        ("gold, ,silver", "silver or gold", True),
        ("gold:silver", "silver or gold", False),
        ("sandgold", "s gold", False),
        ("http://gold/silver", "http silver or gold", False),
        ("https://a.example/b", "at a.example is https or b", False),
        ("wild axolotl", "an axolotl that is wild", True),
        ("the wild axolotl", "an axolotl that is wild", True),
        ("wild axolotl", "a tame axolotl", False),
        ("wild-axolotl", "an axolotl that is wild", False),
        ("the wild", "wilderness", False),
        ("the axolotl", "axolotl", False),
        ("in the", "the house in Rome", False),
    ],
)
def test_a_list_is_grounded_where_its_parts_are_and_words_of_a_message_in_any_order(
    value: Any, text: str, grounded: bool
) -> None:
    assert is_argument_grounded(value, hear("Hello", text)) is grounded


def test_words_in_another_order_must_come_from_one_message_of_the_users() -> None:
    assert not is_argument_grounded("wild axolotl", hear("an axolotl", "that is wild"))
    corpus = Corpus()
    corpus.add_json({"text": "an axolotl that is wild"})
    assert not is_argument_grounded("wild axolotl", corpus)
    assert is_argument_grounded("axolotl, wild", corpus)


@pytest.mark.parametrize(
    ("text", "grounded"),
    [
        ("the door of the barn is red and tall", True),  # 9 words: door, barn, red known; tall not
        ("the door of the barn is red", False),  # 7 words
        ("the door of the barn is red tall", True),  # 8 words
        ("the door of the barn is red, tall, wide", True),  # 3 of 5
        ("the door of the barn is tall, wide, open", False),  # 2 of 5
        ("the door of the barn is red, tall, wide, open", False),  # 3 of 6
        ("the door of the barn is red for Globex", False),
        ("the door of the barn is red and has 12", False),
        ("the door of the barn is red for ANNA", True),
    ],
)
def test_a_text_of_eight_words_is_grounded_where_most_words_and_all_claims_are(text: str, grounded: bool) -> None:
    corpus = hear("Anna says: red is our barn", "and the old door")
    assert is_argument_grounded(text, corpus) is grounded
