"""The lint names each thing that makes a valid document a poor toolset."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from tasks.openapi import find_lint_problems
from tests.tasks.openapi.documents import DOCUMENTATION, damaged_documents, make_answer, make_clean_document


def test_a_clean_document_has_no_problem() -> None:
    assert find_lint_problems(make_clean_document(), DOCUMENTATION) == []


@settings(deadline=None)
@given(doc=damaged_documents())
def test_whatever_a_teacher_writes_it_is_told_what_is_wrong(doc: dict[str, Any]) -> None:
    assert all(isinstance(problem, str) for problem in find_lint_problems(doc, DOCUMENTATION))


def get_search(doc: dict[str, Any]) -> dict[str, Any]:
    search: dict[str, Any] = doc["paths"]["/cats"]["get"]
    return search


def get_results(doc: dict[str, Any]) -> dict[str, Any]:
    schema = get_search(doc)["responses"]["200"]["content"]["application/json"]["schema"]
    results: dict[str, Any] = schema["properties"]["results"]
    return results


def give_body(doc: dict[str, Any], field: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"field": field}}
    get_search(doc)["requestBody"] = {"content": {"application/json": {"schema": schema}}}


def drop_ids(doc: dict[str, Any]) -> None:
    """The list no longer returns ids; that the parameter has examples does not help."""
    results = get_results(doc)
    results["items"] = {"type": "object", "properties": {"name": {"type": "string"}}}
    doc["paths"]["/cats/{catId}"]["get"]["parameters"][0]["schema"]["examples"] = ["1"]


def drop_bounds(doc: dict[str, Any]) -> None:
    del get_results(doc)["maxItems"]
    get_search(doc)["parameters"] = []


Spoil = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda doc: get_search(doc).pop("operationId"), "GET /cats: it has no operationId"),
        (lambda doc: get_search(doc).update(operationId=7), "operationId 7 is not text"),
        (lambda doc: get_search(doc).update(operationId="getCat"), "'getCat' is used twice"),
        (lambda doc: get_search(doc).update(operationId="search_cats"), "'search_cats' is not camelCase"),
        (lambda doc: get_search(doc).update(operationId="findDogs"), "'findDogs' is no documented function"),
        (lambda doc: doc["paths"].pop("/cats"), "function 'searchCats' is documented and has no operation"),
        (lambda doc: get_search(doc)["parameters"][0].pop("description"), "parameter 'limit' has no description"),
        (lambda doc: get_search(doc)["parameters"][0]["schema"].pop("maximum"), "parameter 'limit' has no maximum"),
        (lambda doc: give_body(doc, {"type": "string"}), "request body, field 'field' has no description"),
        (
            lambda doc: give_body(
                doc, {"type": "array", "maxItems": 3, "description": "x", "items": {"type": "object"}}
            ),
            "field 'field', items is a free-form object",
        ),
        (
            lambda doc: give_body(doc, {"type": "array", "description": "x", "items": {"type": "string"}}),
            "field 'field' is an array without maxItems",
        ),
        (lambda doc: get_search(doc).update(responses=make_answer({"type": "object"})), "no schema with properties"),
        (lambda doc: get_search(doc).update(responses={"400": {"description": "Bad"}}), "no 2xx response"),
        (drop_ids, "getCat: no search or list function returns the 'catId'"),
        (drop_bounds, "response 200, field 'results' is an array without bound"),
        (lambda doc: doc["info"].pop("title"), '"title" is a required property'),
    ],
)
def test_each_fault_is_named(spoil: Spoil, problem: str) -> None:
    doc = make_clean_document()
    spoil(doc)
    problems = find_lint_problems(copy.deepcopy(doc), DOCUMENTATION)
    assert any(problem in line for line in problems), problems
    assert all("\n" not in line for line in problems)


@pytest.mark.parametrize(
    ("path", "field"),
    [("/cats", "id"), ("/searchCats", "id"), ("/felines", "catId"), ("/felines", "cat_id")],
)
def test_an_id_is_found_under_its_own_name_or_as_id_of_its_noun(path: str, field: str) -> None:
    doc = make_clean_document()
    get_results(doc)["items"] = {"type": "object", "properties": {field: {"type": "string"}}}
    doc["paths"][path] = doc["paths"].pop("/cats")
    assert find_lint_problems(doc, DOCUMENTATION) == []


def test_the_id_of_another_thing_is_not_enough() -> None:
    doc = make_clean_document()
    doc["paths"]["/dogs"] = doc["paths"].pop("/cats")
    assert any("'catId'" in line for line in find_lint_problems(doc, DOCUMENTATION))


def test_a_list_is_bounded_by_a_limit() -> None:
    doc = make_clean_document()
    del get_results(doc)["maxItems"]
    assert find_lint_problems(doc, DOCUMENTATION) == []
