"""Records and hashes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.base import Json, Record, canonical_json, content_hash, dump_json

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
)


class Pet(Record):
    name: str
    tags: tuple[str, ...] = ()


class Box(Record):
    held: Json


def reverse_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reverse_keys(value[key]) for key in reversed(list(value))}
    return [reverse_keys(part) for part in value] if isinstance(value, list) else value


@given(values)
def test_the_order_of_keys_changes_no_hash(value: Any) -> None:
    assert canonical_json(reverse_keys(value)) == canonical_json(value)


@given(values)
def test_the_canonical_spelling_reads_back_as_the_same_value(value: Any) -> None:
    assert json.loads(canonical_json(value)) == value


def test_a_hash_is_the_same_on_every_machine() -> None:
    assert content_hash({"b": [1, 2.5, None], "a": "é"}) == content_hash({"a": "é", "b": [1, 2.5, None]})
    assert content_hash({"a": 1}) == "7e0902b0450612eb"
    assert len(content_hash({"a": 1}, length=40)) == 40


@pytest.mark.parametrize("other", [True, 1.0, "1", [1], {"1": 1}, None])
def test_values_that_differ_in_type_differ_in_hash(other: Any) -> None:
    assert content_hash(1) != content_hash(other)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_spell_is_an_error(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(value)


def test_half_of_a_surrogate_pair_has_a_hash_too() -> None:
    assert content_hash("\ud83d") != content_hash("\ud83e")


@given(values)
def test_what_is_dumped_is_read_back_as_it_was(value: Any) -> None:
    assert json.loads(dump_json(value).decode("utf-8", "surrogatepass")) == value


@given(values)
def test_records_are_dumped_as_what_they_say(value: Any) -> None:
    dumped = dump_json({"boxes": (Box(held=value),), "n": 1})
    assert json.loads(dumped.decode("utf-8", "surrogatepass")) == {"boxes": [{"held": value}], "n": 1}


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_nothing_that_json_cannot_spell_is_dumped_also_inside_of_a_record(value: float) -> None:
    for holder in ([value], {"box": Box(held={"x": value})}):
        with pytest.raises(ValueError, match="not JSON compliant"):
            dump_json(holder)


def test_half_of_a_surrogate_pair_is_dumped_as_it_is() -> None:
    assert dump_json(Box(held="\ud83d")) == b'{"held":"\xed\xa0\xbd"}'


def test_text_that_speaks_of_such_numbers_is_text() -> None:
    assert dump_json(["NaN", "-Infinity"]) == b'["NaN","-Infinity"]'


def test_a_record_is_hashed_by_what_it_says() -> None:
    assert content_hash(Pet(name="Luna", tags=("a",))) == content_hash({"name": "Luna", "tags": ["a"]})


def test_a_record_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Pet(name="Luna").name = "Milo"  # type: ignore[misc]


def test_an_unknown_field_is_an_error_and_no_silent_default() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Pet.model_validate({"name": "Luna", "tag": ["a"]})
