"""Schemas in the form of strict structured output, and answers given in it."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from schemas.base import Json, Record
from schemas.described import DescribedOperation
from schemas.toolset import Documentation
from tasks.agents.document import _WrittenDocumentation
from tasks.agents.instruct import _Answer
from tasks.teacher.strict import drop_nulls, make_strict


class Toy(Record):
    name: str


class Cat(Record):
    name: str
    lives: int = 9
    owner: str | None = None
    toys: tuple[Toy, ...] = ()
    secret: Json = None


class Anything(Record):
    fields: dict[str, Json]


def list_objects(schema: Any) -> list[dict[str, Any]]:
    """All schemas of objects in a schema."""
    found = []
    if isinstance(schema, dict):
        found = [schema] if schema.get("type") == "object" else []
        found += [item for child in schema.values() for item in list_objects(child)]
    if isinstance(schema, list):
        found = [item for child in schema for item in list_objects(child)]
    return found


@pytest.mark.parametrize("model", [Cat, Documentation, DescribedOperation, _WrittenDocumentation, _Answer])
def test_every_object_requires_all_its_properties_and_allows_no_others(model: type[BaseModel]) -> None:
    strict = make_strict(model.model_json_schema())
    assert strict is not None
    objects = list_objects(strict)
    assert objects
    for schema in objects:
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])
    assert not {"default", "minLength", "maxLength"} & {key for schema in objects for key in schema}
    jsonschema.Draft202012Validator.check_schema(strict)


@pytest.mark.parametrize(
    "schema", [Anything.model_json_schema(), {"type": "object"}, {}, {"type": "array", "items": {}}]
)
def test_what_is_free_in_form_has_no_strict_one(schema: dict[str, Any]) -> None:
    assert make_strict(schema) is None


def test_nulls_that_stand_for_what_was_left_out_are_dropped_and_others_kept() -> None:
    answer = {"name": "Felix", "lives": None, "owner": None, "toys": [{"name": "ball"}], "secret": None}
    assert drop_nulls(answer, Cat) == {"name": "Felix", "owner": None, "toys": [{"name": "ball"}], "secret": None}
    assert Cat.model_validate(drop_nulls({**answer, "toys": None}, Cat)) == Cat(name="Felix")


def test_a_null_where_one_is_not_allowed_stays_for_the_check_to_find() -> None:
    assert drop_nulls({"name": None, "colour": None}, Cat) == {"name": None, "colour": None}


STRING, NULL = {"type": "string"}, {"type": "null"}


def make_object(required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    """The schema of an object."""
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    return schema if required is None else {**schema, "required": required}


@pytest.mark.parametrize(
    ("child", "strict", "takes_null"),
    [
        (STRING, STRING, False),
        ({"$ref": "#/$defs/Toy"}, {"$ref": "#/$defs/Toy"}, False),
        ({"enum": ["a"]}, {"enum": ["a"]}, False),
        ({"const": 1}, {"const": 1}, False),
        ({"anyOf": [STRING, {"type": "integer"}]}, {"anyOf": [STRING, {"type": "integer"}]}, False),
        ({"anyOf": [STRING, NULL]}, {"anyOf": [STRING, NULL]}, True),
        ({"anyOf": [STRING, {"anyOf": [NULL]}]}, {"anyOf": [STRING, {"anyOf": [NULL]}]}, True),
        (NULL, NULL, True),
        ({"anyOf": [STRING, {}, {"type": "object"}, NULL]}, {"anyOf": [STRING, NULL]}, True),
        ({"type": "string", "title": "T", "default": "", "minLength": 1, "maxLength": 9}, STRING, False),
        ({"type": "string", "pattern": "a"}, {"type": "string", "pattern": "a"}, False),
        ({"type": "array", "items": STRING, "maxItems": 3}, {"type": "array", "items": STRING, "maxItems": 3}, False),
    ],
)
def test_what_may_be_left_out_may_be_null_instead_and_what_may_not_stays(
    child: Any, strict: Any, takes_null: bool
) -> None:
    asked = {**make_object(["needed"], needed=child, spare=child), "$defs": {"Toy": make_object(["name"], name=STRING)}}
    found = make_strict(asked)
    assert found is not None
    assert found["properties"] == {"needed": strict, "spare": strict if takes_null else {"anyOf": [strict, NULL]}}
    assert found["required"] == ["needed", "spare"]
    assert found["additionalProperties"] is False
    assert found["$defs"]["Toy"] == {**make_object(["name"], name=STRING), "additionalProperties": False}


@pytest.mark.parametrize(
    ("changes", "has_one"),
    [
        ({}, True),
        ({"additionalProperties": False}, True),
        ({"additionalProperties": True}, False),
        ({"additionalProperties": {}}, False),
        ({"additionalProperties": STRING}, False),
    ],
)
def test_an_object_that_takes_further_properties_has_no_strict_form(changes: dict[str, Any], has_one: bool) -> None:
    for schema in ({**make_object(a=STRING), **changes}, make_object(inner={**make_object(a=STRING), **changes})):
        assert (make_strict(schema) is not None) == has_one


@pytest.mark.parametrize(
    "schema",
    [
        STRING,
        {"type": "array", "items": STRING},
        {"anyOf": [make_object(a=STRING)]},
        {"$ref": "#/$defs/Toy", "$defs": {"Toy": make_object(a=STRING)}},
        make_object(a={}),
        make_object(a=True),
        make_object(a={"description": "Anything."}),
        make_object(a={"type": "object"}),
        make_object(a={"type": "array"}),
        make_object(a={"type": "array", "items": True}),
        make_object(a={"type": "array", "items": {"type": "array", "items": {}}}),
        make_object(a={"anyOf": []}),
        make_object(a={"anyOf": [{}, {"type": "object"}]}),
        {**make_object(a=STRING), "$defs": {"Any": {}}},
    ],
)
def test_what_is_no_object_or_holds_what_is_free_has_none(schema: dict[str, Any]) -> None:
    assert make_strict(schema) is None


def test_the_schema_that_was_given_is_left_as_it_was() -> None:
    schema = Cat.model_json_schema()
    before = json.dumps(schema)
    make_strict(schema)
    assert json.dumps(schema) == before


class Shelf(Record):
    best: Toy | None = None
    label: str | int = ""
    rows: tuple[tuple[Toy, ...], ...] = ()
    either: Toy | Cat | None = None
    document: dict[str, Json] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ({"best": None, "label": None, "rows": None, "either": None, "document": None}, {"best": None, "either": None}),
        ({"best": {"name": "ball", "extra": None}}, {"best": {"name": "ball", "extra": None}}),
        ({"best": {"name": None}}, {"best": {"name": None}}),  # required: for the check to find
        ({"rows": [[{"name": "ball"}], None, [None]]}, {"rows": [[{"name": "ball"}], None, [None]]}),
        ({"document": {"a": None, "b": [None]}}, {"document": {"a": None, "b": [None]}}),
        ({"label": 0, "rows": [], "best": {}}, {"label": 0, "rows": [], "best": {}}),
        ({"other": None}, {"other": None}),
        ([{"label": None}], [{"label": None}]),
        (None, None),
        ("null", "null"),
    ],
)
def test_only_nulls_that_may_not_be_null_and_may_be_left_out_are_dropped(answer: Any, kept: Any) -> None:
    assert drop_nulls(answer, Shelf) == kept


class House(Record):
    cats: tuple[Cat, ...] = ()
    first: Cat | None = None


def test_they_are_dropped_at_every_depth() -> None:
    cat = {"name": "Felix", "lives": None, "toys": None, "owner": None}
    kept = {"name": "Felix", "owner": None}
    assert drop_nulls({"cats": [cat, cat], "first": cat}, House) == {"cats": [kept, kept], "first": kept}


CATS = st.builds(
    Cat,
    name=st.text(max_size=5),
    lives=st.integers(),
    owner=st.none() | st.text(max_size=5),
    toys=st.lists(st.builds(Toy, name=st.text(max_size=5)), max_size=3).map(tuple),
    secret=st.none() | st.booleans() | st.integers() | st.text(max_size=5),
)


@given(CATS)
def test_whatever_can_be_said_loosely_can_be_said_strictly_and_reads_the_same(cat: Cat) -> None:
    strict = make_strict(Cat.model_json_schema())
    assert strict is not None
    said = json.loads(cat.model_dump_json())
    jsonschema.Draft202012Validator(strict).validate(said)
    assert Cat.model_validate(drop_nulls(said, Cat)) == cat
