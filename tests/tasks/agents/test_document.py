"""The `document` step: what the teacher writes is checked, and goes back to it with what is wrong."""

import pytest

from schemas.catalog import CatalogEntry
from schemas.errors import TeacherError
from schemas.toolset import DocumentedField, DocumentedFunction
from tasks.agents.document import document_api, find_problems
from tests.tasks.agents.parts import ENTRY, embedded, make_documentation, scripted, write

GOOD = make_documentation().model_dump(mode="json")
LONG = "Pets of all kinds wait for a home. " * 40


@pytest.mark.parametrize("category", ["Animals", "Weather", "A category that nobody knows"])
async def test_the_embedded_teacher_documents_any_entry(category: str) -> None:
    entry = CatalogEntry(id="x", name="X", description="Facts about things", category=category)
    async with embedded() as teacher:
        documentation = await document_api(entry, teacher)
    assert find_problems(documentation) == []
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


def test_names_must_be_camel_case_and_inputs_unique() -> None:
    city = DocumentedField(name="city", type="string", description="Where")
    odd = DocumentedFunction(name="search_pets", description="Search.", inputs=(city, city))
    good = make_documentation().functions[0]
    assert find_problems(make_documentation(functions=(odd, good))) == [
        "the function name 'search_pets' is not in camelCase",
        "search_pets has two inputs named 'city'",
    ]
