"""What asks for too much is told with its place, before anything of it is expanded."""

from typing import Any

import pytest

from tasks.openapi.limits import DEEPEST, LONGEST_NAME, MOST_VALUES, find_excess, write_place
from tests.tasks.openapi.documents import make_answer, make_clean_document, make_document

Schema = dict[str, Any]


def tell(schema: Any) -> list[str]:
    """What is over a limit in a document with one parameter of that schema."""
    parameter = {"name": "q", "in": "query", "schema": schema}
    return [
        str(excess).removeprefix("paths./cats.get.parameters[0].schema")
        for excess in find_excess(make_document({"/cats": {"get": {"parameters": [parameter]}}}))
    ]


def nest(levels: int) -> Schema:
    schema: Schema = {}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


def test_of_a_clean_document_there_is_nothing_to_tell() -> None:
    assert find_excess(make_clean_document()) == []


@pytest.mark.parametrize(
    ("key", "most"), [("minLength", 10_000), ("minItems", 500), ("minProperties", 30), ("minContains", 500)]
)
def test_a_length_may_be_so_large_and_no_larger(key: str, most: int) -> None:
    assert tell({key: most}) == []
    assert tell({key: most + 1}) == [f".{key}: {most + 1:,} is more than {most:,}"]
    assert tell({"example": {key: 10**9}, "x-more": {key: 10**9}, "properties": {key: {}}}) == []
    assert tell({key.replace("min", "max"): 10**9}) == []


@pytest.mark.parametrize(
    ("key", "most"),
    [("enum", 10_000), ("required", 1_000), ("allOf", 300), ("anyOf", 300), ("oneOf", 300), ("examples", 10_000)],
)
def test_a_list_may_hold_so_many_and_no_more(key: str, most: int) -> None:
    assert tell({key: [{}] * most}) == []
    assert tell({key: [{}] * (most + 1)}) == [f".{key}: {most + 1:,} members are more than {most:,}"]


def test_an_object_may_hold_so_many_and_no_more() -> None:
    names = [f"n{number}" for number in range(1_001)]
    assert tell({"properties": dict.fromkeys(names[1:], True)}) == []
    assert tell({"properties": dict.fromkeys(names, True)}) == [".properties: 1,001 members are more than 1,000"]
    assert tell({"properties": {"properties": dict.fromkeys(names, True)}}) == []


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"multipleOf": 1e-300}, ".multipleOf: 1e-300 is less than 1e-30"),
        ({"maximum": 10**301}, ".maximum: a number is larger than 10^300"),
        ({"example": [-(10**5000)]}, ".example[0]: a number is larger than 10^300"),
        ({"default": float("inf")}, ".default: inf is no number of JSON"),
        ({"enum": [float("nan")]}, ".enum[0]: nan is no number of JSON"),
    ],
)
def test_numbers_that_cannot_be_reckoned_with_are_told(schema: Schema, told: str) -> None:
    assert tell(schema) == [told]
    assert tell({"maximum": 1.7e308, "minimum": -(2**64), "multipleOf": 1e-18}) == []


@pytest.mark.parametrize(
    "pattern", ["a" * 10_001, "a{1000000000}", "((a{100}){100}){100}", r"(a{100})(\1{100})\2", r"\p{L}{1,500}"]
)
def test_patterns_that_are_heavy_are_told_wherever_they_stand(pattern: str) -> None:
    told = "the pattern has more than 10,000 characters, or 10,000 with its repeats written out"
    assert tell({"pattern": pattern}) == [f".pattern: {told}"]
    assert any(line.endswith(told) for line in tell({"patternProperties": {pattern: {}}}))
    assert tell({"properties": {"pattern": {"const": pattern}}, "example": {"pattern": pattern}}) == []


def test_many_patterns_are_too_heavy_together() -> None:
    heavy = {f"n{number}": {"pattern": f"a{{{9_000 + number}}}"} for number in range(40)}
    told = tell({"properties": heavy})
    assert 0 < len(told) < 20
    assert all("the patterns so far have more than 300,000 characters" in line for line in told)
    assert tell({"properties": {name: {"pattern": "a{9000}"} for name in heavy}}) == []


def test_a_schema_may_be_so_deep_and_no_deeper() -> None:
    assert tell(nest(DEEPEST - 6)) == []
    for deep in (nest(DEEPEST), nest(100_000)):
        (line,) = tell(deep)
        assert line.endswith(f": it is nested deeper than {DEEPEST} levels")
        assert len(line) < 300


def test_names_may_be_so_long_and_no_longer() -> None:
    for length, told in ((LONGEST_NAME, 0), (LONGEST_NAME + 1, 1)):
        assert len(tell({"properties": {"n" * length: {}}})) == told
        assert len(find_excess(make_document({"/" * length: {}}))) == told
        assert len(find_excess(make_document({"/": {"get": {"operationId": "n" * length}}}))) == told


def test_a_document_may_hold_so_many_values_and_no_more() -> None:
    doc = make_document({"/cats": {"get": {"responses": make_answer({"examples": [[0] * 9_000] * 60})}}})
    assert [str(excess) for excess in find_excess(doc)] == [f"document: it holds more than {MOST_VALUES:,} values"]


def test_a_place_is_one_short_line() -> None:
    assert write_place(("paths", "/a b", "get", "parameters", 2)) == "paths./a b.get.parameters[2]"
    assert write_place(()) == "document"
    assert write_place(("a\nb",)) == "a b"
    assert len(write_place(("n" * 5_000,))) <= 201
