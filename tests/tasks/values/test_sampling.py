"""What is drawn conforms to its schema, reads as real, and is the same everywhere."""

import re
import subprocess
import sys
from copy import deepcopy
from datetime import date
from random import Random
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.values import conforms, sample_value, sampling, validators
from tasks.values.counting import count_drawn
from tasks.values.pools import list_places
from tests.tasks.values.strategies import schemas

NAMES = st.sampled_from(["city", "price", "createdAt", "user_id", "tags", "xyzzy", "latitude", "rates", "", "日付"])


def is_valid(value: Any, schema: dict[str, Any]) -> bool:
    dialect = {**schema, "$schema": "https://json-schema.org/draft/2020-12/schema"}
    return bool(jsonschema_rs.validator_for(dialect, validate_formats=True).is_valid(value))


@settings(max_examples=400, deadline=None)
@given(name=NAMES, schema=schemas(), seed=st.integers(0, 2**32))
@example(name="city", schema={"type": "number", "exclusiveMaximum": 1}, seed=0)
def test_every_value_conforms_to_its_schema(name: str, schema: dict[str, Any], seed: int) -> None:
    value = sample_value(name, schema, Random(seed))
    assert is_valid(value, schema), value
    assert value == sample_value(name, schema, Random(seed))
    assert value == sample_value(name, deepcopy(schema), Random(seed))


def test_one_schema_under_two_names_is_drawn_by_each_name() -> None:
    text = {"type": "string"}
    schema = {"type": "object", "properties": {"city": text, "email": text, "price": text}}
    value = sample_value("order", schema, Random(1))
    assert isinstance(value, dict)
    assert value["city"] in {place.city for place in list_places()}
    assert re.fullmatch(r"\S+@example\.org", str(value["email"]))
    assert re.fullmatch(r"\d+\.\d\d", str(value["price"]))


def test_what_is_kept_of_schemas_has_a_bound() -> None:
    for number in range(sampling.MOST_SAMPLERS + 10):
        sample_value("price", {"type": "number", "minimum": number}, Random(1))
    assert len(sampling._samplers) <= sampling.MOST_SAMPLERS


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^[A-Z]{3}-\\d{4}$"},
        {"type": "string", "pattern": "^[a-z]+(-[a-z]+)*$", "maxLength": 12},
        {"type": "string", "pattern": "^\\+?[1-9]\\d{1,14}$"},
        {"type": "string", "pattern": "[0-9]+", "minLength": 30},
        {"type": "integer", "minimum": -5, "exclusiveMaximum": -4},
        {"type": "number", "exclusiveMinimum": 0, "maximum": 1e-9},
        {"type": "number", "minimum": -1e308, "maximum": 1e308},
        {"type": "number", "multipleOf": 0.25, "minimum": 1000, "maximum": 1001},
        {"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "minItems": 3},
        {"type": ["string", "null"], "format": "date"},
        {"anyOf": [{"type": "null"}, {"type": "integer", "minimum": 3}]},
        {"oneOf": [{"type": "integer", "multipleOf": 2}, {"type": "integer", "multipleOf": 3}]},
        {"allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": {"type": "integer"}}}]},
        {"type": "object", "additionalProperties": {"type": "number"}, "minProperties": 2},
        {"type": "string", "not": {"const": "harbor"}},
        {"type": "array", "prefixItems": [{"type": "number"}, {"type": "string"}], "items": False, "minItems": 2},
        {
            "type": "object",
            "properties": {"kind": {"enum": ["a", "b"]}},
            "required": ["kind"],
            "if": {"properties": {"kind": {"const": "a"}}},
            "then": {"properties": {"size": {"type": "integer"}}, "required": ["size"]},
        },
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_awkward_schemas_are_met(schema: dict[str, Any], seed: int) -> None:
    value = sample_value("code", schema, Random(seed))
    assert is_valid(value, schema), value


def test_const_comes_before_enum_and_enum_before_examples() -> None:
    rng = Random(1)
    assert sample_value("a", {"const": 3, "enum": [3, 4]}, rng) == 3
    assert sample_value("a", {"enum": ["x"], "examples": ["y"]}, rng) == "x"
    assert sample_value("city", {"type": "string", "examples": ["Utrecht"]}, rng) == "Utrecht"
    assert sample_value("city", {"type": "string", "example": 7}, rng) != 7


def test_values_of_one_object_belong_together() -> None:
    text = {"type": "string"}
    fields = ["first_name", "last_name", "email", "city", "country", "country_code", "currency_code"]
    schema = {"type": "object", "properties": {name: text for name in fields}}
    for seed in range(20):
        value = sample_value("customer", schema, Random(seed))
        assert isinstance(value, dict)
        assert value["email"] == f"{value['first_name']}.{value['last_name']}@example.org".lower()
    germans = [v for s in range(400) if isinstance(v := sample_value("c", schema, Random(s)), dict)]
    assert {v["currency_code"] for v in germans if v["country"] == "Germany"} == {"EUR"}


@pytest.mark.parametrize(
    ("name", "schema", "shape"),
    [
        ("price", {"type": "string"}, r"\d+\.\d\d"),
        ("email", {"type": "string"}, r"[a-z.]+@example\.org"),
        ("website", {"type": "string", "format": "uri"}, r"https://[a-z.]*example\.(com|net|org)/[a-z-]+"),
        ("countryCode", {"type": "string"}, r"[A-Z]{2}"),
        ("created_at", {"type": "string"}, r"202[567]-\d\d-\d\dT\d\d:\d\d:00Z"),
        ("day", {"type": "string", "description": "The day as MM/DD/YYYY"}, r"\d\d/\d\d/202[567]"),
        ("isbn", {"type": "string"}, r"978\d{10}"),
    ],
)
def test_values_look_real(name: str, schema: dict[str, Any], shape: str) -> None:
    for seed in range(20):
        assert re.fullmatch(shape, str(sample_value(name, schema, Random(seed))))


def test_numbers_stay_within_what_is_real() -> None:
    for seed in range(50):
        latitude = sample_value("lat", {"type": "number"}, Random(seed))
        assert isinstance(latitude, float)
        assert -90 <= latitude <= 90
        price = sample_value("price", {"type": "number"}, Random(seed))
        assert isinstance(price, float)
        assert price == round(price, 2)
        day = sample_value("date", {"type": "string"}, Random(seed))
        assert date(2025, 1, 1) <= date.fromisoformat(str(day)) <= date(2027, 12, 31)


def test_another_process_draws_the_same() -> None:
    program = (
        "from random import Random; from tasks.values import sample_value as s\n"
        "schema = {'type': 'object', 'properties': {n: {'type': 'string'} for n in "
        "['name', 'company', 'city', 'postcode', 'person', 'tags', 'uuid', 'description']}}\n"
        "print([s('thing', schema, Random(n)) for n in range(5)])"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(path for path in sys.path if path)},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def _count(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_count, parts))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda part: {"type": "array", "minItems": 50, "items": part},
        lambda part: {"type": "object", "minProperties": 50, "additionalProperties": part},
        lambda part: {"type": "object", "required": list("abcdefghijklmnopq"), "additionalProperties": part},
        lambda part: {"type": "array", "uniqueItems": True, "minItems": 40, "items": part},
        lambda part: {"type": "object", "not": {}, "properties": {"a": part, "b": part}},
        lambda part: {"allOf": [part, {"not": {}}]},
        lambda part: {"oneOf": [part, part]},
    ],
)
def test_one_draw_holds_so_many_values_and_no_more(wrap: Any) -> None:
    schema: Any = {"enum": ["a"]}
    for _ in range(8):
        schema = wrap(schema)
    assert _count(sample_value("cat", schema, Random(0))) <= 110_000


def test_what_a_draw_may_hold_is_counted_without_drawing() -> None:
    text = {"type": "string"}
    assert (
        count_drawn({"type": "array", "minItems": 50, "items": {"type": "array", "minItems": 50, "items": text}}, 10**6)
        == 2551
    )
    assert count_drawn({"properties": {"a": text, "b": text}, "required": ["a"]}, 10**6) == 4
    assert count_drawn({"oneOf": [text, {"minItems": 9, "items": text}], "allOf": [text, text]}, 10**6) == 13
    assert count_drawn({"additionalProperties": text, "minProperties": 9}, 10**6) == 10
    assert count_drawn({"minItems": 9, "maxItems": 5, "items": text}, 10**6) == 6
    assert count_drawn({"enum": ["a"] * 100}, 5) == count_drawn(True, 5) == 1
    nested: Any = text
    for _ in range(90):
        nested = {"type": "array", "items": nested}
    for seed in range(5):
        assert _count(sample_value("cat", nested, Random(seed))) <= count_drawn(nested, 10**6) < 2_000


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "minItems": 90.0, "maxItems": 90.0},
        {"type": "string", "minLength": 90.0, "maxLength": 90.0},
        {"type": "object", "minProperties": 30.0, "maxProperties": 30.0},
    ],
    ids=str,
)
def test_a_length_may_be_spelled_as_a_fraction(schema: dict[str, Any]) -> None:
    assert is_valid(sample_value("x", schema, Random(0)), schema)


def test_of_large_schemas_few_checks_are_kept() -> None:
    for number in range(20):
        assert not conforms("x", {"enum": [f"{number} {'y' * 500_000}"]})
    assert sum(map(len, validators._by_text)) <= validators.MOST_CHARACTERS
