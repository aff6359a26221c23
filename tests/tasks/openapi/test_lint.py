"""The lint names each thing that makes a valid document a poor toolset."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from schemas.toolset import Documentation, DocumentedFunction
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


def document_functions(*names: str) -> Documentation:
    functions = tuple(DocumentedFunction(name=name, description="Does it") for name in names)
    return Documentation(introduction="Cats.", functions=functions)


def rename(search: Any, get: Any) -> dict[str, Any]:
    """The clean document with these operationIds."""
    doc = make_clean_document()
    get_search(doc)["operationId"] = search
    doc["paths"]["/cats/{catId}"]["get"]["operationId"] = get
    return doc


@pytest.mark.parametrize("name", ["a", "aB9", "searchCats", "a" * 64])
def test_a_camel_case_name_is_taken(name: str) -> None:
    assert find_lint_problems(rename(name, "getCat"), document_functions(name, "getCat")) == []


@pytest.mark.parametrize(
    "name", ["SearchCats", "9cats", "search_cats", "search-cats", "search cats", "chercherÉté", "a" * 65, "_a", "a\n"]
)
def test_another_name_is_not(name: str) -> None:
    problems = find_lint_problems(rename(name, "getCat"), document_functions(name, "getCat"))
    assert problems == [
        f"GET /cats: operationId {name!r} is not camelCase; use letters and digits, a small letter first"
    ]


def test_a_name_that_is_used_twice_is_told_where_it_comes_again() -> None:
    problems = find_lint_problems(rename("getCat", "getCat"), document_functions("getCat", "findCat"))
    assert problems[:2] == [
        "GET /cats/{catId}: operationId 'getCat' is used twice; each operation needs one of its own",
        "function 'findCat' is documented and has no operation; add one with that operationId",
    ]


def test_a_name_that_is_no_documented_function_is_told_with_those_that_are() -> None:
    problems = find_lint_problems(rename("findCats", "getCat"), document_functions("searchCats", "getCat"))
    assert problems == [
        "GET /cats: operationId 'findCats' is no documented function; those are searchCats, getCat",
        "function 'searchCats' is documented and has no operation; add one with that operationId",
    ]


@pytest.mark.parametrize("name", ["", None, False])
def test_an_empty_name_is_none(name: Any) -> None:
    problems = find_lint_problems(rename(name, "getCat"), document_functions("searchCats", "getCat"))
    assert problems[:2] == [
        "GET /cats: it has no operationId; give it the name of its documented function",
        "function 'searchCats' is documented and has no operation; add one with that operationId",
    ]


@pytest.mark.parametrize("method", ["get", "put", "post", "delete", "options", "head", "patch", "trace"])
def test_operations_of_all_methods_are_looked_at(method: str) -> None:
    doc = make_clean_document()
    doc["paths"]["/cats"] = {method: doc["paths"]["/cats"]["get"]}
    assert find_lint_problems(doc, DOCUMENTATION) == []
    del doc["paths"]["/cats"][method]["operationId"]
    assert find_lint_problems(doc, DOCUMENTATION)[0].startswith(f"{method.upper()} /cats: it has no operationId; ")


@pytest.mark.parametrize("name", [None, 7])
def test_after_an_operation_without_a_name_the_others_are_looked_at(name: Any) -> None:
    doc = rename(name, "getCat")
    doc["paths"]["/cats"]["post"] = {**get_search(doc), "operationId": "make_cat"}
    problems = find_lint_problems(doc, document_functions("make_cat", "getCat"))
    assert problems[0].startswith("GET /cats: ")
    assert problems[1].startswith("POST /cats: operationId 'make_cat' is not camelCase")


def test_an_invalid_document_is_told_its_names_and_what_makes_it_invalid_and_no_more() -> None:
    doc = rename("search_cats", "getCat")
    del doc["info"]["title"]
    get_search(doc)["parameters"][0].pop("description")
    problems = find_lint_problems(doc, document_functions("search_cats", "getCat"))
    assert [problem.partition(";")[0] for problem in problems] == [
        "GET /cats: operationId 'search_cats' is not camelCase",
        'info: "title" is a required property',
    ]


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"$ref": "#/components/schemas/Cat"}, "reference loop: #/components/schemas/Cat -> #/components/schemas/Cat"),
        ({"type": "string", "pattern": r"a\Z"}, "a schema cannot be compiled: "),
    ],
    ids=["loop", "pattern"],
)
def test_a_document_that_cannot_be_used_is_told_its_names_and_why(schema: dict[str, Any], problem: str) -> None:
    doc = rename("search_cats", "getCat")
    doc["components"] = {"schemas": {"Cat": {"properties": {"kitten": {"$ref": "#/components/schemas/Cat"}}}}}
    get_search(doc)["responses"] = make_answer(schema)
    names, reason = find_lint_problems(doc, document_functions("search_cats", "getCat"))
    assert names.startswith("GET /cats: operationId 'search_cats' is not camelCase")
    assert reason.startswith(problem)


def test_a_problem_is_told_once() -> None:
    doc = make_clean_document()
    number = {"type": "integer", "minimum": 1}
    get_search(doc)["parameters"][0]["schema"] = {"anyOf": [number, number]}
    assert find_lint_problems(doc, DOCUMENTATION) == ["searchCats: parameter 'limit' has no maximum; give it one"]
