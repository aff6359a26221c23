"""JSON of others: what is read can be walked and written again, and what could not be is turned down."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.foreign_json import MOST_NESTED, decode_foreign_json, read_foreign_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**299), 10**299)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def nest(levels: int, core: str = "1") -> str:
    return (
        '{"a": ' * (levels // 2)
        + "[" * (levels - levels // 2)
        + core
        + "]" * (levels - levels // 2)
        + "}" * (levels // 2)
    )


@given(VALUES)
def test_json_is_read_as_python_reads_it(value: Any) -> None:
    text = json.dumps(value)
    assert read_foreign_json(f" \n{text}\t") == json.loads(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "Expecting value"),
        ("{} x", "Extra data"),
        ("NaN", "NaN is no JSON"),
        ('{"a": -Infinity}', "-Infinity is no JSON"),
        ("9" * 301, "more than 300 digits"),
        ("-" + "9" * 5000, "more than 300 digits"),
        (nest(MOST_NESTED + 1), "nested too deeply"),
        (nest(MOST_NESTED + 1, '{"a": []}'), "nested too deeply"),
        ("[" * 100_000, "nested too deeply"),
        (nest(900), "nested too deeply"),
    ],
)
def test_what_is_none_or_cannot_be_walked_is_turned_down(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_foreign_json(text)


def test_as_many_levels_as_may_be_are_read_and_wide_ones_too() -> None:
    assert read_foreign_json(nest(MOST_NESTED)) == json.loads(nest(MOST_NESTED))
    wide = json.dumps([[[]]] * 1000)
    assert read_foreign_json(wide) == json.loads(wide)


def test_a_value_in_the_middle_of_a_text_is_read_to_its_end() -> None:
    assert decode_foreign_json('see {"a": 1} there', 4) == ({"a": 1}, 12)
