"""The user agent's requests: understood as they were meant, and of the kind that was asked for."""

from random import Random
from typing import Any

import pytest

from tasks.embedded.request_reading import read_request
from tasks.embedded.tool_roles import Tool
from tasks.embedded.user.instructing import compose_instructions


def write(functions: list[dict[str, Any]], kind: str, seed: int, count: int = 20) -> list[dict[str, Any]]:
    return compose_instructions(functions, kind, count, [], Random(seed))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["single_call", "multi_call", "error_recovery"])
def test_a_request_is_read_as_the_calls_that_it_names(
    kind: str, seed: int, functions: list[dict[str, Any]], tools: tuple[Tool, ...]
) -> None:
    for item in write(functions, kind, seed):
        reading = read_request(item["text"], tools)
        assert [step.function for step in reading.steps] == item["functions"]
        assert not any(reading.missing)


def test_single_and_multi_differ_in_the_number_of_calls(functions: list[dict[str, Any]]) -> None:
    assert {len(item["functions"]) for item in write(functions, "single_call", 0)} == {1}
    assert min(len(item["functions"]) for item in write(functions, "multi_call", 0)) >= 2


def test_a_withheld_detail_is_required_and_not_said(functions: list[dict[str, Any]], tools: tuple[Tool, ...]) -> None:
    items = write(functions, "missing_detail", 0)
    assert items
    for item in items:
        (missing,) = read_request(item["text"], tools).missing
        assert missing == (item["withheld"]["parameter"],)
        assert str(item["withheld"]["value"]) not in item["text"]


def test_no_tool_requests_fit_no_function(functions: list[dict[str, Any]], tools: tuple[Tool, ...]) -> None:
    items = write(functions, "no_tool", 0)
    assert len(items) == 20
    assert all(not read_request(item["text"], tools).steps for item in items)


def test_texts_differ_from_each_other_and_from_earlier_ones(functions: list[dict[str, Any]]) -> None:
    first = [item["text"] for item in write(functions, "single_call", 1, 30)]
    again = compose_instructions(functions, "single_call", 30, first, Random(1))
    texts = first + [str(item["text"]) for item in again]
    assert len(set(texts)) == len(texts)


def test_an_api_whose_functions_lack_nothing_gets_no_missing_detail() -> None:
    functions = [{"name": "getRandomJoke", "description": "Get a joke.", "parameters": {"type": "object"}}]
    assert write(functions, "missing_detail", 0) == []
