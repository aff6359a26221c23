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
