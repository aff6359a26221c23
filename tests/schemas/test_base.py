"""Records and hashes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.base import Record, canonical_json, content_hash

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
)


class Pet(Record):
    name: str
    tags: tuple[str, ...] = ()


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


def test_a_record_is_hashed_by_what_it_says() -> None:
    assert content_hash(Pet(name="Luna", tags=("a",))) == content_hash({"name": "Luna", "tags": ["a"]})


def test_a_record_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Pet(name="Luna").name = "Milo"  # type: ignore[misc]


def test_an_unknown_field_is_an_error_and_no_silent_default() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Pet.model_validate({"name": "Luna", "tag": ["a"]})
