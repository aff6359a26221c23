"""Objects, lists and text have the sizes that their schema asks for, and the type that it tells."""

from random import Random
from typing import Any

import pytest

from tasks.values import sample_value
from tasks.values.pools import list_places
from tasks.values.texts import WORDS

STRING: dict[str, Any] = {"type": "string"}
INTEGER: dict[str, Any] = {"type": "integer"}


def draw(name: str, schema: dict[str, Any], count: int = 60) -> list[Any]:
    return [sample_value(name, schema, Random(seed)) for seed in range(count)]


def spell(value: object) -> str:
    """A name for a case: sets in the order of their members, which is not the same in every process."""
    return str(sorted(value, key=str)) if isinstance(value, set) else str(value)


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, str),
        ({"type": ["null", "string"]}, str),
        ({"type": "integer"}, int),
        ({"type": "number", "minimum": 0.1, "maximum": 0.2}, float),
        ({"type": "boolean"}, bool),
        ({"type": "null"}, type(None)),
        ({"type": ["null"]}, type(None)),
        ({"properties": {}}, dict),
        ({"additionalProperties": STRING}, dict),
        ({"required": ["a"]}, dict),
        ({"items": STRING}, list),
        ({"prefixItems": [STRING]}, list),
        ({"minimum": 0.5}, float),
        ({"maximum": 50.5}, float),
        ({"multipleOf": 0.3}, float),
        ({"minLength": 1}, str),
        ({}, str),
    ],
    ids=spell,
)
def test_a_schema_without_a_type_is_told_by_its_keywords(schema: dict[str, Any], kind: type) -> None:
    assert {type(value) for value in draw("xyzzy", schema, 20)} == {kind}


def test_yes_and_no_are_both_drawn() -> None:
    assert set(draw("open_now", {"type": "boolean"})) == {True, False}


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ({"const": None}, {None}),
        ({"enum": [None, "a", "b"]}, {"a", "b"}),
        ({"enum": [None]}, {None}),
        ({"type": "string", "enum": ["a", 1]}, {"a"}),
        ({"type": "string", "enum": [1, 2]}, {1, 2}),
        ({"type": "string", "examples": ["a", "b"]}, {"a", "b"}),
        ({"type": "string", "examples": ["a", 1, None]}, {"a"}),
        ({"type": "string", "example": "a"}, {"a"}),
        ({"type": "string", "examples": ["a"], "example": "b"}, {"a"}),
        ({"type": "string", "default": "a"}, {"a"}),
        ({"type": "string", "default": "a", "examples": ["b"]}, {"b"}),
        ({"type": "string", "const": "a", "not": {"const": "b"}}, {"a"}),
    ],
    ids=spell,
)
def test_what_a_schema_states_is_drawn(schema: dict[str, Any], values: set[Any]) -> None:
    assert set(draw("xyzzy", schema)) == values


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "default": ""},
        {"type": "string", "default": "a", "minLength": 2},
        {"type": "string", "default": 5},
        {"type": "string", "example": 5},
        {"type": "string", "examples": [None]},
        {"type": "string", "enum": []},
    ],
    ids=spell,
)
def test_what_does_not_conform_is_not(schema: dict[str, Any]) -> None:
    assert not {"", "a", 5, None} & set(draw("xyzzy", schema))


def test_a_default_says_less_than_a_name() -> None:
    assert "Utrecht" not in draw("city", {"type": "string", "default": "Utrecht"})


@pytest.mark.parametrize(
    ("schema", "sizes"),
    [
        ({"items": INTEGER}, {1, 2, 3}),
        ({"items": INTEGER, "minItems": 2}, {2, 3}),
        ({"items": INTEGER, "minItems": 5}, {5}),
        ({"items": INTEGER, "maxItems": 2}, {1, 2}),
        ({"items": INTEGER, "maxItems": 0}, {0}),
        ({"prefixItems": [INTEGER, INTEGER], "items": False}, {1, 2}),
        ({"items": {"enum": [1, 2]}, "uniqueItems": True}, {1, 2}),
        ({"items": {"enum": [1, 2]}, "uniqueItems": True, "minItems": 2}, {2}),
    ],
    ids=spell,
)
def test_a_list_has_a_few_items_within_its_bounds(schema: dict[str, Any], sizes: set[int]) -> None:
    assert {len(value) for value in draw("xyzzy", {"type": "array", **schema})} == sizes


def test_items_of_a_list_are_named_in_the_singular_and_are_their_own() -> None:
    cities = {place.city for place in list_places()}
    drawn = draw("cities", {"type": "array", "items": STRING, "minItems": 3})
    assert all(set(value) <= cities and len(set(value)) == 3 for value in drawn)


def test_the_first_items_have_their_own_schemas() -> None:
    schema = {"type": "array", "prefixItems": [{"const": "a"}, {"const": "b"}], "items": {"const": "c"}, "minItems": 4}
    assert draw("xyzzy", schema, 1) == [["a", "b", "c", "c"]]


@pytest.mark.parametrize(
    ("schema", "keys"),
    [
        ({"properties": {"a": INTEGER, "b": STRING}}, {"a", "b"}),
        ({"properties": {"a": INTEGER, "b": False}}, {"a"}),
        ({"properties": {"a": INTEGER}, "required": ["b"]}, {"a", "b"}),
        ({"properties": {"a": INTEGER, "b": INTEGER, "c": INTEGER}, "required": ["c"], "maxProperties": 2}, {"b", "c"}),
        ({"properties": {"a": INTEGER, "b": INTEGER}, "maxProperties": 2}, {"a", "b"}),
        ({"properties": {"a": INTEGER}, "additionalProperties": STRING}, {"a"}),
        ({"properties": {"a": INTEGER}, "additionalProperties": False, "minProperties": 2}, {"a"}),
        ({"type": "object"}, set()),
    ],
    ids=spell,
)
def test_an_object_has_its_properties_and_what_it_requires(schema: dict[str, Any], keys: set[str]) -> None:
    (value,) = draw("xyzzy", schema, 1)
    assert set(value) == keys


def test_what_is_required_and_not_described_is_as_other_properties_are() -> None:
    (value,) = draw("xyzzy", {"required": ["a", "city"], "additionalProperties": INTEGER}, 1)
    assert all(type(member) is int for member in value.values())
    (value,) = draw("xyzzy", {"required": ["city"]}, 1)
    assert value["city"] in {place.city for place in list_places()}


@pytest.mark.parametrize(
    ("schema", "size"),
    [
        ({"additionalProperties": INTEGER}, 3),
        ({"additionalProperties": INTEGER, "maxProperties": 2}, 2),
        ({"additionalProperties": INTEGER, "minProperties": 5}, 5),
        ({"minProperties": 2}, 2),
        ({"additionalProperties": True}, 0),
        ({"properties": {"a": INTEGER}, "minProperties": 2}, 2),
    ],
    ids=spell,
)
def test_a_map_has_three_members_or_as_many_as_it_asks_for(schema: dict[str, Any], size: int) -> None:
    assert {len(value) for value in draw("xyzzy", {"type": "object", **schema}, 20)} == {size}


@pytest.mark.parametrize("name", ["rates", "prices", "currencies"])
def test_a_map_of_rates_has_currencies_for_keys(name: str) -> None:
    codes = {place.currency_code for place in list_places()}
    for value in draw(name, {"type": "object", "additionalProperties": {"type": "number"}}, 20):
        assert set(value) <= codes
    for value in draw("xyzzies", {"type": "object", "additionalProperties": {"type": "number"}}, 20):
        assert set(value) <= set(WORDS)


def nest(levels: int, **beside: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": {"leaf": {"const": 1}}}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"inner": schema, "leaf": {"const": 1}}, **beside}
    return schema


def measure_depth(value: Any) -> int:
    return 1 + measure_depth(value["inner"]) if "inner" in value else 0


def test_beyond_six_levels_only_what_is_required_is_given() -> None:
    assert measure_depth(draw("xyzzy", nest(5), 1)[0]) == 5
    (value,) = draw("xyzzy", nest(9), 1)
    assert measure_depth(value) == 6
    (value,) = draw("xyzzy", nest(9, required=["inner"]), 1)
    assert measure_depth(value) == 9


def test_within_a_country_with_regions_places_are_in_it() -> None:
    text = {"properties": {"region": STRING, "country": STRING, "city": STRING}}
    assert {value["country"] for value in draw("xyzzy", text)} == {"United States"}
    text = {"properties": {"country": STRING, "city": STRING}}
    assert len({value["country"] for value in draw("xyzzy", text)}) > 5


def test_a_thing_within_a_thing_is_a_scene_of_its_own() -> None:
    person = {"properties": {"first_name": STRING, "email": STRING}}
    order = {"properties": {**person["properties"], "customer": person}}
    drawn = draw("xyzzy", order)
    assert all(str(value["email"]).startswith(value["first_name"].lower()) for value in drawn)
    assert all(value["customer"]["email"].startswith(value["customer"]["first_name"].lower()) for value in drawn)
    assert any(value["email"] != value["customer"]["email"] for value in drawn)


@pytest.mark.parametrize(
    ("name", "shortest", "longest"),
    [("xyzzy", 30, None), ("xyzzy", 0, 3), ("xyzzy", 5, 5), ("description", 400, 420), ("url", 80, 80), ("city", 2, 4)],
)
def test_text_is_made_to_fit(name: str, shortest: int, longest: int | None) -> None:
    schema = {"type": "string", "minLength": shortest} | ({} if longest is None else {"maxLength": longest})
    for text in draw(name, schema):
        assert shortest <= len(text)
        assert longest is None or len(text) <= longest


def test_text_that_is_cut_ends_with_a_word() -> None:
    for text in draw("sentence", {"type": "string", "maxLength": 30}):
        assert len(text) <= 30
        assert text[-1].isalpha()


def test_an_address_that_is_too_short_stays_one() -> None:
    for text in draw("url", {"type": "string", "format": "uri", "minLength": 60, "maxLength": 60}, 20):
        assert len(text) == 60
        assert text.startswith("https://")
        assert " " not in text


@pytest.mark.parametrize(
    ("schema", "words"), [({}, 2), ({"maxLength": 30}, 1), ({"maxLength": 31}, 2), ({"minLength": 21}, 8)]
)
def test_text_of_no_kind_is_longer_where_there_is_room(schema: dict[str, Any], words: int) -> None:
    for text in draw("xyzzy", {"type": "string", **schema}, 30):
        assert len(text.split()) == words if words < 3 else len(text.split()) >= words
