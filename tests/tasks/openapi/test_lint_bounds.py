"""Nothing that a student fills in is undescribed, unbounded or free of form, and nothing that it gets is."""

from typing import Any

import pytest

from tasks.openapi import find_lint_problems
from tests.tasks.openapi.documents import CAT, DOCUMENTATION, make_answer, make_clean_document

POINT: dict[str, Any] = {"type": "object", "properties": {"x": {"type": "string", "description": "Across"}}}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 9}


def list_problems(doc: dict[str, Any], where: str) -> list[str]:
    """What the lint says, without the remedies, and without `where`, with which each line begins."""
    problems = find_lint_problems(doc, DOCUMENTATION)
    assert all(problem.startswith(where) and "; " in problem for problem in problems), problems
    return [problem.removeprefix(where).partition("; ")[0] for problem in problems]


def list_argument_problems(schema: Any) -> list[str]:
    doc = make_clean_document()
    parameter = {"name": "x", "in": "query", "description": "Which", "schema": schema}
    doc["paths"]["/cats"]["get"]["parameters"].append(parameter)
    return list_problems(doc, "searchCats: parameter 'x'")


def list_body_problems(schema: Any) -> list[str]:
    doc = make_clean_document()
    doc["paths"]["/cats"]["get"]["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return list_problems(doc, "searchCats: request body")


NO_MINIMUM, NO_MAXIMUM = " has no minimum", " has no maximum"
NO_MAX_ITEMS, NO_ITEMS = " is an array without maxItems", " is an array without items"
FREE = " is a free-form object"


@pytest.mark.parametrize("check", [list_argument_problems, list_body_problems], ids=["parameter", "body"])
@pytest.mark.parametrize(
    ("schema", "problems"),
    [
        ({"type": "string"}, []),
        ({"type": "boolean"}, []),
        ({}, []),
        (COUNT, []),
        ({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 9}, []),
        ({"type": "integer", "exclusiveMinimum": 0, "maximum": 9}, []),
        ({"type": "integer", "enum": [1, 2]}, []),
        ({"type": "integer", "const": 1}, []),
        ({"type": "integer"}, [NO_MINIMUM, NO_MAXIMUM]),
        ({"type": "number"}, [NO_MINIMUM, NO_MAXIMUM]),
        ({"type": ["integer", "null"]}, [NO_MINIMUM, NO_MAXIMUM]),
        ({"type": "integer", "minimum": 0}, [NO_MAXIMUM]),
        ({"type": "integer", "maximum": 0}, [NO_MINIMUM]),
        ({"type": "number", "exclusiveMaximum": 0}, [NO_MINIMUM]),
        ({"anyOf": [COUNT, {"type": "null"}]}, []),
        ({"anyOf": [{"type": "integer", "minimum": 1}, COUNT]}, [NO_MAXIMUM]),
        ({"oneOf": [COUNT, {"type": "number", "maximum": 1}]}, [NO_MINIMUM]),
        ({"type": "array", "maxItems": 3, "items": {"type": "string"}}, []),
        ({"type": "array", "maxItems": 3, "items": COUNT}, []),
        ({"type": "array", "maxItems": 3, "items": True}, []),
        ({"type": "array", "items": {"type": "string"}}, [NO_MAX_ITEMS]),
        ({"type": "array", "maxItems": 3}, [NO_ITEMS]),
        ({"type": "array"}, [NO_MAX_ITEMS, NO_ITEMS]),
        ({"type": "array", "maxItems": 3, "items": {"type": "number", "minimum": 0}}, [f", items{NO_MAXIMUM}"]),
        (
            {"type": "array", "maxItems": 3, "items": {"type": "array", "items": {"type": "object"}}},
            [f", items{NO_MAX_ITEMS}", f", items, items{FREE}"],
        ),
        ({"anyOf": [{"type": "array", "maxItems": 3, "items": COUNT}, COUNT]}, []),
        ({"anyOf": [COUNT, {"type": "array", "items": COUNT}]}, [NO_MAX_ITEMS]),
        (POINT, []),
        ({"type": "object"}, [FREE]),
        ({"type": ["object", "null"]}, [FREE]),
        ({"type": "object", "properties": {}}, [FREE]),
        ({"type": "object", "additionalProperties": {"type": "string"}}, [FREE]),
        ({"oneOf": [POINT, {"type": "object"}]}, [FREE]),
        ({"type": "object", "properties": {"x": {"type": "string"}}}, [", field 'x' has no description"]),
        ({"type": "object", "properties": {"x": True}}, [", field 'x' has no description"]),
        ({"type": "object", "properties": {"x": {**COUNT, "description": "X"}}}, []),
        (
            {"type": "object", "properties": {"x": {"type": "integer", "minimum": 1, "description": "X"}}},
            [f", field 'x'{NO_MAXIMUM}"],
        ),
        (
            {"type": "object", "properties": {"at": {**POINT, "description": "Where"}, "by": POINT}},
            [", field 'by' has no description"],
        ),
        (
            {"type": "array", "maxItems": 3, "items": {"type": "object", "properties": {"x": {"type": "object"}}}},
            [", items, field 'x' has no description", f", items, field 'x'{FREE}"],
        ),
    ],
    ids=str,
)
def test_arguments_are_described_and_bounded_at_every_depth(check: Any, schema: Any, problems: list[str]) -> None:
    assert check(schema) == problems


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        ({"description": "Which", "schema": {"type": "string"}}, []),
        ({"schema": {"type": "string", "description": "Which"}}, []),
        ({"description": "", "schema": {"type": "string"}}, [" has no description"]),
        ({"schema": {"type": "string"}}, [" has no description"]),
    ],
)
def test_a_parameter_is_described_by_itself_or_by_its_schema(spec: dict[str, Any], problems: list[str]) -> None:
    doc = make_clean_document()
    doc["paths"]["/cats"]["get"]["parameters"].append({"name": "x", "in": "query", **spec})
    assert list_problems(doc, "searchCats: parameter 'x'") == problems


def list_response_problems(schema: Any, limit: dict[str, Any] | None = None) -> list[str]:
    """What is said of an answer of `getCat`, to which a parameter may be given."""
    doc = make_clean_document()
    get = doc["paths"]["/cats/{catId}"]["get"]
    get["responses"] = make_answer(schema)
    get["parameters"] += [{"in": "query", "description": "How many", **limit}] if limit is not None else []
    return list_problems(doc, "getCat: response 200")


NO_PROPERTIES, NO_BOUND = " has no schema with properties", " is an array without bound"
CATS: dict[str, Any] = {"type": "array", "items": CAT}
BOUND_CATS = {**CATS, "maxItems": 9}


def hold(field: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"id": {"type": "string"}, "x": field}}


@pytest.mark.parametrize(
    ("schema", "problems"),
    [
        (CAT, []),
        ({"allOf": [CAT, {"properties": {"name": {"maxLength": 9}}}]}, []),
        ({"type": "object"}, [NO_PROPERTIES]),
        ({"type": "string"}, [NO_PROPERTIES]),
        ({}, [NO_PROPERTIES]),
        (BOUND_CATS, []),
        (CATS, [NO_BOUND]),
        ({"type": "array", "items": {"type": "string"}}, [NO_PROPERTIES]),
        ({"type": "array", "items": True}, [NO_PROPERTIES]),
        ({**CAT, "items": {"type": "string"}}, []),
        ({"type": "array"}, [NO_PROPERTIES]),
        ({**BOUND_CATS, "properties": {"x": {}}, "items": {"type": "string"}}, [NO_PROPERTIES]),
        (hold({"type": "object"}), [", field 'x' holds a free-form object"]),
        (hold(hold(True)), []),
        (hold(hold({"type": ["object", "null"]})), [", field 'x', field 'x' holds a free-form object"]),
        (hold(BOUND_CATS), []),
        (hold(CATS), [f", field 'x'{NO_BOUND}"]),
        (hold({"type": "array", "maxItems": 9}), [f", field 'x'{NO_ITEMS}"]),
        (hold({**BOUND_CATS, "items": hold(CATS)}), [f", field 'x', items, field 'x'{NO_BOUND}"]),
        (hold({"type": "integer"}), []),
    ],
    ids=str,
)
def test_answers_have_fields_and_bounds_at_every_depth(schema: Any, problems: list[str]) -> None:
    assert list_response_problems(schema) == problems


LIMITS = [
    *("limit", "Limit", "page_size", "pageSize", "per-page", "perPage", "count", "top", "size", "max_results", "take"),
    *("first", "num", "maxItems"),
]


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_with_a_maximum_bounds_the_lists_of_an_answer(name: str) -> None:
    assert list_response_problems(hold(CATS), {"name": name, "schema": COUNT}) == []


@pytest.mark.parametrize("name", ["limits", "page", "offset", "max", "ids", "discount"])
def test_another_parameter_with_a_maximum_bounds_nothing(name: str) -> None:
    assert list_response_problems(hold(CATS), {"name": name, "schema": COUNT}) == [f", field 'x'{NO_BOUND}"]


def test_a_limit_without_a_maximum_bounds_nothing() -> None:
    limit = {"name": "limit", "schema": {"type": "integer", "minimum": 1, "enum": [1, 2]}}
    assert list_response_problems(hold(CATS), limit) == [f", field 'x'{NO_BOUND}"]


def test_a_limit_bounds_only_the_answers_of_its_own_operation() -> None:
    doc = make_clean_document()
    assert doc["paths"]["/cats"]["get"]["parameters"][0]["name"] == "limit"
    doc["paths"]["/cats/{catId}"]["get"]["responses"] = make_answer(hold(CATS))
    assert list_problems(doc, "getCat: response 200") == [f", field 'x'{NO_BOUND}"]


@pytest.mark.parametrize(
    ("responses", "problems"),
    [
        (make_answer(CAT), []),
        ({"2XX": make_answer(CAT)["200"]}, []),
        (make_answer(CAT) | {"404": {"description": "None"}, "default": {"description": "Other"}}, []),
        ({"default": make_answer(CAT)["200"]}, ["no 2xx response"]),
        ({"404": make_answer(CAT)["200"]}, ["no 2xx response"]),
        (make_answer(CAT) | {"201": {"description": "Made"}}, [f"response 201{NO_PROPERTIES}"]),
        ({"204": {"description": "Gone"}}, [f"response 204{NO_PROPERTIES}"]),
        (
            {"200": {"description": "Good"}, "201": {"description": "Made"}},
            [f"response 200{NO_PROPERTIES}", f"response 201{NO_PROPERTIES}"],
        ),
    ],
    ids=str,
)
def test_every_good_answer_has_a_schema(responses: dict[str, Any], problems: list[str]) -> None:
    doc = make_clean_document()
    doc["paths"]["/cats/{catId}"]["get"]["responses"] = responses
    assert list_problems(doc, "getCat: ") == problems


@pytest.mark.parametrize(
    ("name", "schema", "problems"),
    [
        ("catId", {"type": "integer", "examples": [17]}, []),
        ("id", {"type": "integer", "examples": [17]}, []),
        ("catId", {"type": "integer", "examples": []}, [NO_MINIMUM, NO_MAXIMUM]),
        ("catId", {"type": "integer"}, [NO_MINIMUM, NO_MAXIMUM]),
        ("age", {"type": "integer", "examples": [17]}, [NO_MINIMUM, NO_MAXIMUM]),
    ],
)
def test_an_id_of_which_some_are_told_has_no_range(name: str, schema: Any, problems: list[str]) -> None:
    doc = make_clean_document()
    parameter = {"name": name, "in": "query", "description": "Which", "schema": schema}
    doc["paths"]["/cats"]["get"]["parameters"].append(parameter)
    assert list_problems(doc, f"searchCats: parameter {name!r}") == problems
    body = {"type": "object", "properties": {name: {**schema, "description": "Which"}}}
    assert list_body_problems(body) == [f", field {name!r}{problem}" for problem in problems]
