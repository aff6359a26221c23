"""Calls are read as they are meant, whatever a server made of them; what is not certain stays as it is."""

import json
from typing import Any

import pytest

from tasks.teacher.call_reading import find_calls, list_functions, read_call, unwrap_arguments

TOOLS = [
    {"type": "function", "function": {"name": "find", "parameters": {"properties": {"a": {}}}}},
    {"type": "web"},
    7,
]
FUNCTIONS = list_functions(TOOLS)
CALL = {"id": "c1", "function": {"name": "find", "arguments": '{"a": 1}'}}


def test_the_functions_of_a_request_are_listed_with_their_schemas() -> None:
    assert FUNCTIONS == {"find": {"properties": {"a": {}}}}
    assert list_functions(None) == list_functions(()) == {}


@pytest.mark.parametrize(
    "given",
    [
        '{"a": 1}',
        json.dumps('{"a": 1}'),
        json.dumps(json.dumps('{"a": 1}')),
        '```json\n{"a": 1}\n```',
        '```\n{"a": 1}```',
        'find{"a": 1}',
        'functions.find({"a": 1})',
        'find\n{"a": 1}',
        '{}{"a": 1}',
        '{"name": "find", "arguments": {"a": 1}}',
        '{"name": "functions.find", "parameters": {"a": 1}}',
        {"a": 1},
        {"name": "find", "arguments": '{"a": 1}'},
    ],
)
def test_arguments_are_taken_out_of_what_they_were_wrapped_in(given: Any) -> None:
    assert json.loads(unwrap_arguments(given, "find", FUNCTIONS["find"])) == {"a": 1}


@pytest.mark.parametrize("given", [None, "", "null", [], "[]", '""', '"null"'])
def test_no_arguments_are_none(given: Any) -> None:
    assert unwrap_arguments(given, "find", {}) == ""


@pytest.mark.parametrize(
    "given",
    ['{"a": 1', '{"a": 1} and so on', "[1]", "7", "Lyon", 'search{"a": 1}', '{"name": "other", "arguments": {}}',
     '{"name": "find", "arguments": {}, "more": 1}', '{"a": "{}"}', "{}{", "  "],
)  # fmt: skip
def test_what_is_not_certain_stays_as_it_is(given: str) -> None:
    assert unwrap_arguments(given, "find", {}) == given


def test_arguments_that_a_function_has_under_these_names_are_its_own() -> None:
    given = '{"name": "find", "arguments": {"a": 1}}'
    assert unwrap_arguments(given, "find", {"properties": {"name": {}, "arguments": {}}}) == given


@pytest.mark.parametrize("name", ["find", "functions.find", "find<|channel|>commentary", "find:0"])
def test_a_name_is_that_of_the_function(name: str) -> None:
    assert read_call({"function": {"name": name}}, 0, FUNCTIONS).name == "find"


@pytest.mark.parametrize("name", ["functions.search", "Find", "find.out"])
def test_the_name_of_none_stays_as_it_is(name: str) -> None:
    assert read_call({"function": {"name": name}}, 0, FUNCTIONS).name == name


@pytest.mark.parametrize(
    "message",
    [
        {"tool_calls": [CALL]},
        {"function_call": CALL["function"]},
        {"tool_calls": [], "function_call": CALL["function"]},
        {"tool_calls": [{"id": "c1", "name": "find", "arguments": '{"a": 1}'}]},
        {"tool_calls": [{"function": {"name": "find", "parameters": {"a": 1}}}]},
        {"tool_calls": [CALL, {"id": "", "function": {"name": "", "arguments": ""}}]},
        {"tool_calls": [{"function": {"name": None, "arguments": "{}"}}, CALL]},
        {"content": [{"type": "text", "text": "I look."}, {"type": "tool_use", "name": "find", "input": {"a": 1}}]},
    ],
)
def test_a_call_is_found_wherever_it_stands_and_empty_ones_beside_it_are_none(message: dict[str, Any]) -> None:
    (call,) = find_calls(message)
    read = read_call(call, 0, FUNCTIONS)
    assert (read.name, json.loads(read.arguments)) == ("find", {"a": 1})


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ({"tool_calls": [{"function": {"name": "", "arguments": ""}}]}, 1),
        ({"tool_calls": [CALL, {"function": {"name": "", "arguments": '{"a": 2}'}}]}, 2),
        ({"tool_calls": [CALL], "function_call": CALL["function"]}, 1),
        ({"tool_calls": None, "content": "find"}, 0),
        ({"function_call": None}, 0),
        ({"content": [{"type": "text", "name": "find", "input": {}}]}, 0),
    ],
)
def test_nothing_is_dropped_or_doubled_otherwise(message: dict[str, Any], found: int) -> None:
    assert len(find_calls(message)) == found
