"""Where in a response the list or the record is."""

from typing import Any

import pytest

from tasks.mock.shapes import (
    find_list_spot,
    find_record_spot,
    has_type,
    leave_out,
    list_properties,
    put_at,
    read_at,
    schema_without,
    tidy_schema,
)
from tests.tasks.mock.documents import NUMBER, TEXT, WHOLE, Json, array, record

PET = record(id=TEXT, name=TEXT)


@pytest.mark.parametrize(
    ("schema", "kind", "expected"),
    [
        ({"type": "string"}, "string", True),
        ({"type": "string"}, "object", False),
        ({"type": ["string", "null"]}, "string", True),
        ({"type": ["string", "null"]}, "array", False),
        ({"properties": {}}, "object", True),
        ({"properties": {}}, "array", False),
        ({"items": {}}, "array", True),
        ({"items": {}}, "object", False),
        ({"type": "string", "items": {}}, "array", False),
        ({"type": "array", "properties": {}}, "object", False),
        ({}, "object", False),
    ],
)
def test_a_type_is_declared_or_told_by_keywords(schema: Json, kind: str, expected: bool) -> None:
    assert has_type(schema, kind) is expected


def test_only_objects_have_properties() -> None:
    assert list_properties(PET) == {"id": TEXT, "name": TEXT}
    assert list_properties({"properties": {"id": TEXT}}) == {"id": TEXT}
    assert list_properties({"type": "array", "properties": {"id": TEXT}}) == {}
    assert list_properties({"type": "object", "properties": [TEXT]}) == {}
    assert list_properties({"type": "object"}) == {}


def test_keywords_are_left_out_by_name() -> None:
    schema = {"type": "string", "enum": ["a"], "default": "a"}
    assert leave_out(schema, "enum", "example") == {"type": "string", "default": "a"}
    assert schema["enum"] == ["a"]


@pytest.mark.parametrize("schema", [None, True, [], "x"])
def test_what_is_no_schema_is_tidied_to_an_empty_one(schema: Any) -> None:
    assert tidy_schema(schema) == {}


def test_combinations_are_flattened_at_every_level() -> None:
    flat = tidy_schema({
        "allOf": [record(id=TEXT), record(pets=array({"oneOf": [{"type": "null"}, PET]}))],
    })  # fmt: skip
    assert list(flat["properties"]) == ["id", "pets"]
    assert flat["properties"]["pets"]["items"]["properties"] == PET["properties"]
    assert "allOf" not in flat
    assert "oneOf" not in flat["properties"]["pets"]["items"]


def test_what_is_required_and_not_described_is_a_property_all_the_same() -> None:
    tidy = tidy_schema({
        "type": "object", "properties": {"id": TEXT}, "required": ["id", "name"], "additionalProperties": WHOLE,
    })  # fmt: skip
    assert tidy["properties"] == {"id": TEXT, "name": WHOLE}
    assert tidy_schema({"type": "object", "properties": {"id": TEXT}, "required": ["name"]})["properties"] == {
        "id": TEXT,
        "name": {},
    }


def test_the_schema_that_is_tidied_stays_as_it_is() -> None:
    schema = {"type": "object", "properties": {"pet": {"anyOf": [PET]}}, "required": ["other"]}
    tidy_schema(schema)
    assert schema == {"type": "object", "properties": {"pet": {"anyOf": [PET]}}, "required": ["other"]}


def nest(levels: int, inner: Json) -> Json:
    return record(x=nest(levels - 1, inner)) if levels else inner


def nest_lists(levels: int, inner: Json) -> Json:
    return array(nest_lists(levels - 1, inner)) if levels else inner


@pytest.mark.parametrize(("levels", "is_flat"), [(0, True), (7, True), (8, True), (9, False)])
def test_eight_levels_are_tidied(levels: int, is_flat: bool) -> None:
    inner = {"allOf": [PET]}
    objects = read_at(tidy_schema(nest(levels, inner)), ("properties", "x") * levels)
    lists = read_at(tidy_schema(nest_lists(levels, inner)), ("items",) * levels)
    for found in (objects, lists):
        assert ("allOf" not in found) is is_flat


LISTS = [
    # response, resource, keys (None: no list)
    (array(PET), ("pet",), ()),
    (array(TEXT), ("pet",), None),
    (array({"type": "object"}), ("pet",), None),
    ({"type": "array"}, ("pet",), None),
    ({"type": "array", "items": True}, ("pet",), None),
    (record(pets={"type": "array", "items": True}), ("pet",), None),
    (record(pets={"type": "object", "items": PET}), ("pet",), None),
    (record(**{"_": array(PET)}), ("pet",), ("_",)),
    (record(data=array(TEXT)), ("pet",), None),
    (record(pets=array(PET)), ("pet",), ("pets",)),
    (record(owners=array(PET), pets=array(PET)), ("pet",), ("pets",)),
    (record(owners=array(PET), shop_pets=array(PET)), ("small", "pet"), ("shop_pets",)),
    (record(owners=array(PET), results=array(PET)), ("pet",), ("results",)),
    (record(results=array(PET), pets=array(PET)), ("pet",), ("pets",)),
    (record(owners=array(PET), search_results=array(PET)), ("pet",), ("search_results",)),
    (record(owners=array(PET), staff=array(PET)), ("pet",), ("owners",)),
    (record(tags=array(TEXT), staff=array(PET)), ("pet",), ("staff",)),
    (record(data=record(pets=array(PET))), ("pet",), ("data", "pets")),
    (record(data=record(response=record(pets=array(PET)))), ("pet",), ("data", "response", "pets")),
    (record(data=record(response=record(body=record(pets=array(PET))))), ("pet",), None),
    (record(data=record(count=WHOLE), result=record(pets=array(PET))), ("pet",), ("result", "pets")),
    (record(shop=record(pets=array(PET))), ("pet",), None),
    (PET, ("pet",), None),
    (TEXT, ("pet",), None),
]


@pytest.mark.parametrize(("schema", "resource", "keys"), LISTS)
def test_the_list_that_a_response_is_about_is_found(
    schema: Json, resource: tuple[str, ...], keys: tuple[str, ...] | None
) -> None:
    spot = find_list_spot(schema, resource)
    assert (None if spot is None else spot.keys) == keys
    assert spot is None or spot.schema == PET


RECORDS = [
    (PET, ("pet",), ()),
    (record(pet=PET), ("pet",), ("pet",)),
    (record(pet_details=PET), ("pet",), ("pet_details",)),
    (record(data=PET), ("pet",), ("data",)),
    (record(data=record(pet=PET)), ("pet",), ("data", "pet")),
    (record(owner=PET), ("pet",), ()),
    (record(pet=TEXT), ("pet",), ()),
    (record(pet={"type": "object"}), ("pet",), ()),
    (record(a=TEXT, b=TEXT, c=TEXT, pet=PET), ("pet",), ("pet",)),
    (record(a=TEXT, b=TEXT, c=TEXT, d=TEXT, pet=PET), ("pet",), ()),
    (record(pet=PET), (), ()),
    (record(data=PET), (), ("data",)),
    (record(owner=PET, pet=PET), ("pet",), ("pet",)),
    (record(**{"_": PET}), ("pet",), ()),
]


@pytest.mark.parametrize(("schema", "resource", "keys"), RECORDS)
def test_the_record_that_a_response_is_about_is_found(
    schema: Json, resource: tuple[str, ...], keys: tuple[str, ...]
) -> None:
    spot = find_record_spot(schema, resource)
    assert spot.keys == keys
    assert spot.schema == (PET if keys else schema)


def test_what_lies_at_keys_is_read_and_put() -> None:
    value: Json = {"data": {"pets": [], "total": 1}}
    assert read_at(value, ("data", "pets")) == []
    assert read_at(value, ()) is value
    assert put_at(value, ("data", "pets"), [1]) is value
    assert value == {"data": {"pets": [1], "total": 1}}
    assert put_at(value, (), [2]) == [2]
    assert put_at({"a": 1}, ("a",), 2) == {"a": 2}
    assert put_at({"a": {"b": {"c": 1}}}, ("a", "b", "c"), 2) == {"a": {"b": {"c": 2}}}


def test_a_frame_is_the_response_without_what_it_frames() -> None:
    whole = record(data=record(pets=array(PET), total=WHOLE), price=NUMBER)
    frame = schema_without(whole, ("data", "pets"))
    assert frame["properties"]["price"] == NUMBER
    assert frame["properties"]["data"]["properties"] == {"pets": {"const": []}, "total": WHOLE}
    assert schema_without(whole, ("data",))["properties"]["data"] == {"const": {}}
    assert schema_without(whole, ()) == {"const": []}
    deep = schema_without(record(a=record(b=record(c=PET, d=TEXT), e=TEXT)), ("a", "b", "c"))
    assert read_at(deep, ("properties", "a", "properties")).keys() == {"b", "e"}
    assert read_at(deep, ("properties", "a", "properties", "b", "properties")) == {"c": {"const": {}}, "d": TEXT}
    assert whole["properties"]["data"]["properties"]["pets"] == array(PET)
    assert schema_without({"properties": {"pets": array(PET)}}, ("pets",))["type"] == "object"
