"""Schemas in the form of strict structured output, and answers given in it."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from schemas.base import Json, Record
from schemas.toolset import Documentation
from tasks.agents.instruct import _Answer
from tasks.llm.strict import drop_nulls, make_strict


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


@pytest.mark.parametrize("model", [Cat, Documentation, _Answer])
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
