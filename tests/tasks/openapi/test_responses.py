"""An answer is held against what the document declares for its status."""

from typing import Any

import pytest

from tasks.openapi import Operation, check_response, list_operations, normalise_document
from tests.tasks.openapi.documents import CAT, make_answer, make_document


def make_getter(responses: dict[str, Any]) -> Operation:
    return list_operations(normalise_document(make_document({"/cats": {"get": {"responses": responses}}})))[0]


GETTER = make_getter(make_answer(CAT) | {"4XX": make_answer({"type": "object", "required": ["error"]})["200"]})


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (200, {"id": "1", "name": "Tom"}, ""),
        (200, {"id": "1"}, 'body: "name" is a required property'),
        (200, {"id": "1", "name": "Tom", "age": "old"}, 'age: "old" is not of type "integer"'),
        (201, {}, "status 201 is not among those that the document declares"),
        (404, {"error": {}}, ""),
        (404, {}, 'body: "error" is a required property'),
        (503, "down", ""),
    ],
)
def test_an_answer_conforms_or_the_problem_is_said(status: int, body: Any, problem: str) -> None:
    assert check_response(GETTER, status, body) == problem


def test_a_response_without_a_schema_promises_nothing() -> None:
    assert check_response(make_getter({"204": {"description": "Gone"}}), 204, None) == ""


def test_fields_that_are_only_written_are_not_expected_back() -> None:
    schema = {**CAT, "properties": {**CAT["properties"], "name": {"type": "string", "writeOnly": True}}}
    assert check_response(make_getter(make_answer(schema)), 200, {"id": "1"}) == ""


LISTED = make_getter(make_answer({"type": "object", "properties": {"cats": {"type": "array", "items": CAT}}}))


def test_the_place_within_the_body_is_said() -> None:
    problem = check_response(LISTED, 200, {"cats": [{"id": "1", "name": "Tom"}, {"id": 2, "name": "Kit"}]})
    assert problem == 'cats[1].id: 2 is not of type "string"'
    assert check_response(LISTED, 200, []) == 'body: [] is not of type "object"'


def test_a_long_problem_is_one_short_line() -> None:
    problem = check_response(LISTED, 200, {"cats": "x" * 400})
    assert problem.startswith('cats: "xxx')
    assert len(problem) == 300
    assert "\n" not in check_response(LISTED, 200, {"cats": "a\nb"})


@pytest.mark.parametrize(
    ("status", "is_wrong"),
    [(100, True), (200, True), (302, True), (399, True), (400, False), (404, False), (500, False)],
)
def test_an_undeclared_status_is_wrong_below_400(status: int, is_wrong: bool) -> None:
    problem = check_response(make_getter({"201": {"description": "Made"}}), status, "anything")
    assert problem == (f"status {status} is not among those that the document declares" if is_wrong else "")


@pytest.mark.parametrize(
    ("status", "declared", "problem"),
    [
        (404, ["404", "4XX", "default"], "at_404"),
        (404, ["4XX", "default"], "at_4XX"),
        (404, ["5XX", "default"], "at_default"),
        (200, ["404", "default"], "at_default"),
        (404, ["403", "5XX"], ""),
    ],
)
def test_an_answer_is_held_against_the_nearest_declaration(status: int, declared: list[str], problem: str) -> None:
    responses = {key: make_answer({"type": "object", "required": [f"at_{key}"]})["200"] for key in declared}
    expected = problem and f'body: "{problem}" is a required property'
    assert check_response(make_getter(responses), status, {}) == expected


def test_an_answer_that_json_cannot_carry_is_said() -> None:
    problem = check_response(LISTED, 200, {"cats": [{1: 2}]})
    assert problem.startswith("body: it holds a value that JSON cannot carry: ")


def test_formats_of_an_answer_are_held_to() -> None:
    getter = make_getter(make_answer({"type": "string", "format": "date"}))
    assert check_response(getter, 200, "2024-02-29") == ""
    assert check_response(getter, 200, "2023-02-29") == 'body: "2023-02-29" is not a "date"'
