"""An id that a function needs is one that a user can come by: another function returns it in a list."""

import re
from typing import Any

import pytest

from schemas.toolset import Documentation, DocumentedFunction
from tasks.openapi import find_lint_problems
from tests.tasks.openapi.documents import make_answer, make_document

TEXT: dict[str, Any] = {"type": "string", "description": "Text"}


def make_list(*fields: str) -> dict[str, Any]:
    items = {"type": "object", "properties": dict.fromkeys(fields, TEXT)}
    return {"type": "array", "maxItems": 9, "items": items}


def hold(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields}


def make_operation(answer: dict[str, Any], *required: str, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """An operation with parameters in the query, of which some are required."""
    named = [(name, True) for name in required] + [(name, False) for name in optional]
    parameters = [
        {"name": name, "in": "query", "required": is_required, "description": "Which", "schema": TEXT}
        for name, is_required in named
    ]
    return {"parameters": parameters, "responses": make_answer(answer)}


CAT = hold(name=TEXT)


def find_sourceless(paths: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """The operations, named after their number, and the ids they need that nothing returns; nothing else is wrong."""
    items: dict[str, Any] = {}
    names = []
    for number, (path, spec) in enumerate({**paths, "/ping": make_operation(CAT)}.items()):
        names.append(f"call{number}")
        declared = [
            {"name": name, "in": "path", "required": True, "description": "Which", "schema": TEXT}
            for name in re.findall(r"\{(.*?)\}", path)
        ]
        parameters = [*declared, *spec.get("parameters", [])]
        items[path] = {"post": {**spec, "operationId": names[-1], "parameters": parameters}}
    functions = tuple(DocumentedFunction(name=name, description="Does it") for name in names)
    found = []
    for problem in find_lint_problems(make_document(items), Documentation(introduction="x", functions=functions)):
        told = re.match(r"(\w+): no search or list function returns the '(\w+)' that it needs; let one that", problem)
        assert told is not None, problem
        found.append((told[1], told[2]))
    return found


@pytest.mark.parametrize("name", ["id", "catId", "cat_id", "CAT_ID", "catID", "cat2Id"])
def test_a_required_id_needs_a_source(name: str) -> None:
    assert find_sourceless({"/toys": make_operation(CAT, name)}) == [("call0", name)]


@pytest.mark.parametrize("name", ["paid", "grid", "catid", "ID", "Id", "ids", "catIds", "idCat", "cat_ids", "identity"])
def test_what_is_no_id_needs_none(name: str) -> None:
    assert find_sourceless({"/toys": make_operation(CAT, name)}) == []


def test_an_id_that_may_be_left_out_needs_no_source() -> None:
    assert find_sourceless({"/toys": make_operation(CAT, optional=("catId",))}) == []


def test_an_id_that_a_body_requires_needs_a_source() -> None:
    body = {"type": "object", "properties": {"catId": TEXT, "dogId": TEXT}, "required": ["catId"]}
    spec = make_operation(CAT) | {"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}}
    assert find_sourceless({"/toys": spec}) == [("call0", "catId")]
    assert find_sourceless({"/toys": spec, "/cats": make_operation(make_list("id"))}) == []


def test_each_id_without_a_source_is_named() -> None:
    paths = {"/toys": make_operation(CAT, "dogId", "catId"), "/dogs": make_operation(make_list("id"))}
    assert find_sourceless(paths) == [("call0", "catId")]
    assert find_sourceless({"/toys": paths["/toys"]}) == [("call0", "catId"), ("call0", "dogId")]


def test_an_operation_is_no_source_of_an_id_that_it_needs_itself() -> None:
    paths = {"/cats": make_operation(make_list("catId"), "catId")}
    assert find_sourceless(paths) == [("call0", "catId")]
    both = paths | {"/felines": make_operation(make_list("catId"), "catId")}
    assert find_sourceless(both) == [("call0", "catId"), ("call1", "catId")]
    assert find_sourceless(paths | {"/felines": make_operation(make_list("catId"))}) == []


def test_an_operation_that_needs_another_id_is_a_source() -> None:
    paths = {
        "/toys/{toyId}": make_operation(CAT),
        "/cats/{catId}/toys": make_operation(make_list("id")),
        "/cats": make_operation(make_list("id")),
    }
    assert find_sourceless(paths) == []
    del paths["/cats"]
    assert find_sourceless(paths) == [("call1", "catId")]


def test_an_operation_is_a_source_of_an_id_that_it_can_do_without() -> None:
    assert (
        find_sourceless(
            {"/cats": make_operation(make_list("id"), optional=("catId",)), "/x": make_operation(CAT, "catId")}
        )
        == []
    )


def test_only_a_good_answer_is_a_source() -> None:
    bad = make_operation(CAT)
    bad["responses"] |= {
        "404": make_answer(make_list("catId"))["200"],
        "default": make_answer(make_list("catId"))["200"],
    }
    assert find_sourceless({"/cats": bad, "/x": make_operation(CAT, "catId")}) == [("call1", "catId")]
    good = make_operation(CAT)
    good["responses"] |= {"206": make_answer(make_list("catId"))["200"]}
    assert find_sourceless({"/cats": good, "/x": make_operation(CAT, "catId")}) == []


def is_source(path: str, answer: dict[str, Any], name: str, of: str = "/x") -> bool:
    """Whether an operation at `path` with this answer is a source of the id that one at `of` needs."""
    needs = make_operation(CAT) if f"{{{name}}}" in of else make_operation(CAT, name)
    found = find_sourceless({path: make_operation(answer), of: needs})
    assert found in ([], [("call1", name)])
    return not found


@pytest.mark.parametrize(
    ("path", "answer", "name"),
    [
        ("/x/y", make_list("catId"), "catId"),
        ("/x/y", make_list("cat_id"), "catId"),
        ("/x/y", make_list("CATID"), "cat_id"),
        ("/x/y", make_list("id_cat", "catId"), "CAT_ID"),
        ("/x/y", make_list("cat2_id"), "cat2Id"),
        ("/x/y", hold(any=make_list("catId")), "catId"),
        ("/x/y", hold(total=TEXT, any=make_list("catId"), more=make_list("name")), "catId"),
        ("/x/y", hold(any=hold(deep=make_list("catId"))), "catId"),
        ("/x/y", hold(any={**make_list(), "items": hold(deep=make_list("catId"))}), "catId"),
        ("/cats", make_list("id"), "catId"),
        ("/cats", make_list("ID"), "catId"),
        ("/Cat", make_list("id"), "cat_id"),
        ("/searchCats", make_list("id"), "catId"),
        ("/search-cats", make_list("id"), "catId"),
        ("/cats/search", make_list("id"), "catId"),
        ("/cats", make_list("id"), "houseCatId"),
        ("/x/y", hold(cats=make_list("id")), "catId"),
        ("/x/y", hold(any=hold(cat=make_list("id"))), "catId"),
        ("/x/y", {**make_list(), "items": hold(cats=make_list("id"))}, "catId"),
        ("/cats", hold(cats=make_list("id")), "catId"),
        ("/cats", hold(results=make_list("id")), "catId"),
        ("/cats", hold(Results=make_list("id")), "catId"),
        ("/cats", hold(data=hold(items=make_list("id"))), "catId"),
    ],
)
def test_a_list_with_the_id_under_its_own_name_or_as_id_of_its_noun_is_a_source(
    path: str, answer: dict[str, Any], name: str
) -> None:
    assert is_source(path, answer, name)


@pytest.mark.parametrize(
    ("path", "answer", "name"),
    [
        ("/x/y", make_list("name"), "catId"),
        ("/x/y", make_list("id"), "catId"),
        ("/x/y", make_list("catIds", "xcatId"), "catId"),
        ("/x/y", hold(catId=TEXT), "catId"),
        ("/cats", hold(id=TEXT), "catId"),
        ("/cats", make_list("name"), "catId"),
        ("/dogs", make_list("id"), "catId"),
        ("/dogs/{cat}", make_list("id"), "catId"),
        ("/cats/toys", hold(toys=make_list("id")), "catId"),
        ("/cats", hold(any=make_list("id")), "catId"),
        ("/x/y", hold(results=make_list("id")), "catId"),
        ("/x/y", hold(dogs=make_list("id")), "catId"),
        ("/cats", {**make_list("name"), "items": hold(results=make_list("id"))}, "catId"),
        ("/cats", hold(any=hold(results=make_list("id"))), "catId"),
        ("/concatenations", make_list("id"), "catId"),
        ("/cats", hold(cats=True), "catId"),
    ],
)
def test_another_list_or_no_list_is_none(path: str, answer: dict[str, Any], name: str) -> None:
    assert not is_source(path, answer, name)


@pytest.mark.parametrize(
    "word",
    ["results", "items", "data", "records", "entries", "list", "content", "hits", "matches", "values", "rows"],
)
def test_usual_wrappers_hold_what_the_path_names(word: str) -> None:
    assert is_source("/cats", hold(**{word: make_list("id")}), "catId")
    assert not is_source("/dogs", hold(**{word: make_list("id")}), "catId")


@pytest.mark.parametrize(
    ("path", "answer", "of", "expected"),
    [
        ("/cats", make_list("id"), "/cats/{id}", True),
        ("/cats", make_list("catId"), "/cats/{id}", True),
        ("/cats", hold(results=make_list("id")), "/cats/{id}", True),
        ("/dogs", make_list("id"), "/cats/{id}", False),
        ("/dogs", make_list("catId"), "/cats/{id}", True),
        ("/cats", make_list("id"), "/cats/{id}/toys", True),
        ("/toys", make_list("id"), "/cats/{id}/toys", False),
        ("/toys", make_list("id"), "/cats/{cat}/toys/{id}", True),
        ("/cats", make_list("id"), "/cats/{cat}/toys/{id}", False),
        ("/cats", make_list("id"), "/cats/{cat}/{id}", True),
        ("/dogs", make_list("id"), "/cats/{cat}/{id}", False),
        ("/dogs", make_list("id"), "/{id}", True),
        ("/dogs", hold(any=make_list("id")), "/{id}", True),
        ("/dogs", make_list("name"), "/{id}", False),
        ("/dogs", hold(id=TEXT), "/{id}", False),
        ("/dogs", make_list("id"), "/cats", True),
        ("/dogs", hold(any=make_list("id")), "/cats", True),
        ("/dogs", make_list("dogId"), "/cats", False),
    ],
)
def test_a_bare_id_in_a_path_is_of_the_word_before_it_and_elsewhere_of_anything(
    path: str, answer: dict[str, Any], of: str, expected: bool
) -> None:
    assert is_source(path, answer, "id", of) is expected


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/movies", "movieId"),
        ("/categories", "categoryId"),
        ("/category", "categories_id"),
        ("/glasses", "glassId"),
        ("/glass", "glass_id"),
        ("/boxes", "boxId"),
        ("/branches", "branchId"),
        ("/dishes", "dishId"),
        ("/cat-breeds", "catBreedId"),
        ("/cat_breeds", "catBreedID"),
        ("/houses", "houseId"),
        ("/ties", "tieId"),
    ],
)
def test_a_noun_is_the_same_in_the_singular_and_in_the_plural(path: str, name: str) -> None:
    assert is_source(path, make_list("id"), name)


@pytest.mark.parametrize(
    ("path", "name"), [("/catses", "catId"), ("/gla", "glassId"), ("/bo", "boxId"), ("/s", "catId")]
)
def test_a_noun_is_not_cut_to_another(path: str, name: str) -> None:
    assert not is_source(path, make_list("id"), name)
