"""The `document` step: what the teacher writes is checked, and goes back to it with what is wrong."""

from typing import Any

import pytest

from schemas.catalog import CatalogEntry
from schemas.errors import TeacherError
from schemas.toolset import Documentation, DocumentedField, DocumentedFunction
from tasks.agents.document import document_api, find_documentation_problems
from tasks.teacher import Ledger
from tests.tasks.agents.parts import ENTRY, embedded, make_documentation, scripted, write

GOOD = make_documentation().model_dump(mode="json")
LONG = "Pets of all kinds wait for a home. " * 40


@pytest.mark.parametrize("category", ["Animals", "Weather", "A category that nobody knows"])
async def test_the_embedded_teacher_documents_any_entry(category: str) -> None:
    entry = CatalogEntry(id="x", name="X", description="Facts about things", category=category)
    async with embedded() as teacher:
        documentation = await document_api(entry, teacher)
    assert find_documentation_problems(documentation) == []
    assert 2 <= len(documentation.functions) <= 10


async def test_one_entry_is_documented_the_same_each_time() -> None:
    async with embedded() as teacher:
        first = await document_api(ENTRY, teacher)
    async with embedded() as teacher:
        assert await document_api(ENTRY, teacher) == first


async def test_an_introduction_that_is_too_long_goes_back_and_comes_back_shorter() -> None:
    async with scripted(write({**GOOD, "introduction": LONG}), write(GOOD)) as (teacher, endpoint):
        assert await document_api(ENTRY, teacher) == make_documentation()
    complaint = endpoint.requests[1]["messages"][-1]["content"]
    assert "the introduction has about 350 tokens; 300 are the limit" in complaint
    assert endpoint.requests[1]["messages"][1]["role"] == "assistant"


async def test_two_functions_of_one_name_go_back() -> None:
    twice = {**GOOD, "functions": [GOOD["functions"][0]] * 2}
    async with scripted(write(twice), write(GOOD)) as (teacher, endpoint):
        await document_api(ENTRY, teacher)
    assert "two functions are named 'searchPets'" in endpoint.requests[1]["messages"][-1]["content"]


async def test_what_stays_wrong_is_an_error_that_says_why() -> None:
    async with scripted(last=write({**GOOD, "introduction": " "})) as (teacher, endpoint):
        with pytest.raises(TeacherError, match="the introduction is empty"):
            await document_api(ENTRY, teacher)
    assert len(endpoint.requests) == 4


@pytest.mark.parametrize(
    ("characters", "problems"),
    [
        (1, []),
        (1200, []),
        (1201, ["the introduction has about 300 tokens; 300 are the limit"]),
        (1202, ["the introduction has about 300 tokens; 300 are the limit"]),
    ],
)
def test_an_introduction_has_so_many_characters_at_most(characters: int, problems: list[str]) -> None:
    assert find_documentation_problems(make_documentation(introduction="x" * characters)) == problems


@pytest.mark.parametrize("introduction", ["", " ", "\n\t"])
def test_an_introduction_says_something(introduction: str) -> None:
    assert find_documentation_problems(make_documentation(introduction=introduction)) == ["the introduction is empty"]


@pytest.mark.parametrize("name", ["a", "getPet", "getPet2", "getURL", "g" * 64])
def test_a_name_in_camel_case_is_a_name(name: str) -> None:
    assert find_documentation_problems(name_functions(name)) == []


@pytest.mark.parametrize(
    "name", ["", "GetPet", "get_pet", "get-pet", "2getPets", "get pet", "getPet\n", "gétPet", "_getPet", "g" * 65]
)
def test_any_other_name_is_a_problem(name: str) -> None:
    assert find_documentation_problems(name_functions(name)) == [f"the function name {name!r} is not in camelCase"]


def test_a_name_that_is_there_several_times_is_told_once_and_names_in_their_order() -> None:
    problems = find_documentation_problems(name_functions("getPet", "findPet", "getPet", "getPet", "addPet", "findPet"))
    assert problems == ["two functions are named 'findPet'", "two functions are named 'getPet'"]


def test_one_name_may_stand_among_the_inputs_of_several_functions_and_among_the_outputs() -> None:
    city = DocumentedField(name="city", type="string", description="Where")
    functions = [
        DocumentedFunction(name=name, description="Search.", inputs=(city,), outputs=(city, city))
        for name in ("searchPets", "searchShelters")
    ]
    assert find_documentation_problems(make_documentation(functions=tuple(functions))) == []


def name_functions(*names: str) -> Documentation:
    """Documentation of functions with these names, and of a good one."""
    functions = tuple(DocumentedFunction(name=name, description="Does it.") for name in (*names, "listAll"))
    return make_documentation(functions=functions)


@pytest.mark.parametrize(("count", "fits"), [(0, False), (1, False), (2, True), (10, True), (11, False), (30, False)])
async def test_an_api_has_two_to_ten_functions(count: int, fits: bool) -> None:
    functions = [{"name": f"getPet{number}", "description": "Gets one."} for number in range(count)]
    async with scripted(write({**GOOD, "functions": functions}), write(GOOD)) as (teacher, endpoint):
        documentation = await document_api(ENTRY, teacher)
    assert len(endpoint.requests) == (1 if fits else 2)
    assert len(documentation.functions) == (count if fits else 2)


@pytest.mark.parametrize(
    "surplus",
    [
        {**GOOD, "note": "I hope that this helps."},
        {**GOOD, "functions": [{**function, "method": "GET"} for function in GOOD["functions"]]},
        {**GOOD, "functions": [{**f, "inputs": [{**f["inputs"][0], "format": "date"}]} for f in GOOD["functions"]]},
    ],
    ids=["in the whole", "in a function", "in an input"],
)
async def test_a_field_more_than_was_asked_for_goes_back(surplus: dict[str, Any]) -> None:
    async with scripted(write(surplus), write(GOOD)) as (teacher, endpoint):
        assert await document_api(ENTRY, teacher) == make_documentation()
    assert "Extra inputs are not permitted" in endpoint.requests[1]["messages"][-1]["content"]


async def test_the_teacher_is_told_what_the_catalogue_says_and_the_ledger_whose_it_is() -> None:
    entry = ENTRY.model_copy(update={"link": "https://petfinder.example/api"})
    ledger = Ledger()
    async with scripted(write(GOOD), write(GOOD), ledger=ledger) as (teacher, endpoint):
        await document_api(entry, teacher)
        await document_api(entry.model_copy(update={"id": "another"}), teacher)
    (message,) = endpoint.requests[0]["messages"]
    assert message["role"] == "user"
    for told in ("Petfinder", "Pets that wait for a home", "Animals", "https://petfinder.example/api"):
        assert told in message["content"]
    assert [(row.stage, row.api_id, row.owner) for row in ledger.rows] == [
        ("document", "petfinder", "petfinder"),
        ("document", "another", "another"),
    ]
    assert endpoint.requests[0]["seed"] != endpoint.requests[1]["seed"]


def test_names_must_be_camel_case_and_inputs_unique() -> None:
    city = DocumentedField(name="city", type="string", description="Where")
    odd = DocumentedFunction(name="search_pets", description="Search.", inputs=(city, city))
    good = make_documentation().functions[0]
    assert find_documentation_problems(make_documentation(functions=(odd, good))) == [
        "the function name 'search_pets' is not in camelCase",
        "search_pets has two inputs named 'city'",
    ]


def test_one_that_is_too_long_is_not_looked_at_further() -> None:
    field = GOOD["functions"][0]["inputs"][0]
    inputs = [{**field, "name": f"input{number}"} for number in range(2000)]
    functions = [{**GOOD["functions"][0], "inputs": inputs}, GOOD["functions"][1]]
    (problem,) = find_documentation_problems(Documentation.model_validate({**GOOD, "functions": functions}))
    assert problem.endswith("characters; 100,000 are the limit")
