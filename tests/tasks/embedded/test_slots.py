"""What is said of a parameter is heard again, whatever the value and the form."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.base import Json
from tasks.embedded.plans import Reference
from tasks.embedded.slots import compose_slot, read_slot
from tasks.embedded.speech import hear, speak_argument
from tasks.embedded.tool_roles import ToolParameter, read_tools


def make_parameter(name: str, schema: dict[str, Any]) -> ToolParameter:
    function = {"name": "searchPets", "description": "", "parameters": {"properties": {name: schema}}}
    (tool,) = read_tools([function])
    return tool.parameters[0]


WORD = st.text(alphabet=st.characters(categories=("Ll", "Lu", "Nd")), min_size=1, max_size=12)
SENTENCE = st.lists(WORD, min_size=1, max_size=4).map(" ".join)
CASES: st.SearchStrategy[tuple[dict[str, Any], Json]] = st.one_of(
    st.integers(-1000, 100000).map(lambda value: ({"type": "integer"}, value)),
    st.decimals(-1000, 1000, places=2).map(lambda value: ({"type": "number"}, float(value))),
    st.booleans().map(lambda value: ({"type": "boolean"}, value)),
    st.dates().map(lambda value: ({"type": "string", "format": "date"}, value.isoformat())),
    SENTENCE.map(lambda value: ({"type": "string"}, value)),
    st.sampled_from(["in_stock", "outOfStock", "sold"]).map(
        lambda value: ({"type": "string", "enum": ["in_stock", "outOfStock", "sold"]}, value)
    ),
)


@given(CASES, st.integers(0, 1000))
def test_a_value_that_is_spoken_is_heard(case: tuple[dict[str, Any], Json], seed: int) -> None:
    schema, value = case
    parameter = make_parameter("shelf", schema)
    assert hear(parameter, speak_argument(parameter, value, Random(seed))) == value


@given(CASES, st.integers(0, 1000), st.booleans())
def test_a_slot_that_is_written_is_read(case: tuple[dict[str, Any], Json], seed: int, change: bool) -> None:
    schema, value = case
    parameter = make_parameter("shelfMark", schema)
    text = f"Find pets {compose_slot(parameter, value, Random(seed), change=change)}."
    assert read_slot(parameter, text) == value


@pytest.mark.parametrize("name", ["limit", "min_price", "maxPrice", "since", "sortBy", "city"])
@pytest.mark.parametrize("seed", range(12))
def test_each_role_has_forms_of_its_own_that_are_read_back(name: str, seed: int) -> None:
    schemas: dict[str, tuple[dict[str, Any], Json]] = {
        "limit": ({"type": "integer"}, 7),
        "min_price": ({"type": "number"}, 12.5),
        "maxPrice": ({"type": "number"}, 80),
        "since": ({"type": "string", "format": "date"}, "2026-03-09"),
        "sortBy": ({"type": "string", "enum": ["ageYears", "name"]}, "ageYears"),
        "city": ({"type": "string", "examples": ["New York", "York"]}, "New York"),
    }
    schema, value = schemas[name]
    parameter = make_parameter(name, schema)
    assert read_slot(parameter, f"Show pets {compose_slot(parameter, value, Random(seed))}, please.") == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("for the pet pet_4821", "pet_4821"),
        ("for pet number AB-99", "AB-99"),
        ("for the first pet", Reference("first")),
        ("for that pet", Reference("that")),
        ("for the pet with the lowest age years", Reference("lowest", "age years")),
        ("for nobody", None),
    ],
)
def test_a_reference_is_an_id_or_one_of_those_found_before(text: str, expected: object) -> None:
    parameter = make_parameter("petId", {"type": "string"})
    assert read_slot(parameter, text, ("age years", "name")) == expected


def test_a_parameter_that_is_not_spoken_of_has_no_value() -> None:
    parameter = make_parameter("colour", {"type": "string", "enum": ["red", "blue"]})
    assert read_slot(parameter, "Find pets with species dog.") is None
    assert json.loads(parameter.schema_json)["enum"] == ["red", "blue"]
