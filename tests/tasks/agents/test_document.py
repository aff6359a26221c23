"""The `document` step: what the teacher writes is put right where one reading is possible, and goes back where not."""

from typing import Any

import pytest

from schemas.catalog import CatalogEntry
from schemas.errors import TeacherError
from schemas.toolset import Documentation
from tasks.agents.document import document_api, shorten_introduction
from tasks.teacher import Ledger
from tests.tasks.agents.parts import ENTRY, embedded, make_documentation, scripted, write

GOOD = make_documentation().model_dump(mode="json")
GET = {"name": "getPet", "description": "Get one pet.", "inputs": ["petId"], "outputs": ["petId", "name"]}


def name_functions(*names: Any) -> dict[str, Any]:
    """An answer with functions of these names, and two good ones."""
    return {**GOOD, "functions": [*({**GET, "name": name} for name in names), *GOOD["functions"]]}


async def read(answer: Any, entry: CatalogEntry = ENTRY) -> Documentation:
    """What is read of an answer, which is asked for once."""
    async with scripted(write(answer)) as (teacher, _):
        return await document_api(entry, teacher)


@pytest.mark.parametrize("category", ["Animals", "Weather", "A category that nobody knows"])
async def test_the_embedded_teacher_documents_any_entry(category: str) -> None:
    entry = CatalogEntry(id="x", name="X", description="Facts about things", category=category)
    async with embedded() as teacher:
        documentation = await document_api(entry, teacher)
    assert 4 <= len(documentation.functions) <= 8
    assert all(function.outputs for function in documentation.functions)


async def test_one_entry_is_documented_the_same_each_time() -> None:
    async with embedded() as teacher:
        first = await document_api(ENTRY, teacher)
    async with embedded() as teacher:
        assert await document_api(ENTRY, teacher) == first


async def test_a_good_answer_is_taken_as_it_is() -> None:
    assert await read(GOOD) == make_documentation()


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("getPet", "getPet"),
        ("getPet2", "getPet2"),
        ("getURL", "getURL"),
        ("g" * 64, "g" * 64),
        ("GetPet", "getPet"),
        ("get_pet", "getPet"),
        ("get-pet", "getPet"),
        ("get pet", "getPet"),
        ("getPet()", "getPet"),
        ("2getPets", "getPets"),
        ("g" * 65, "g" * 64),
    ],
)
async def test_a_name_is_brought_into_camel_case(written: str, name: str) -> None:
    assert (await read(name_functions(written))).functions[0].name == name


@pytest.mark.parametrize("written", ["", "---", "42", None])
async def test_a_function_without_a_name_is_let_go(written: Any) -> None:
    assert await read(name_functions(written)) == make_documentation()


async def test_of_functions_of_one_name_the_first_is_kept() -> None:
    functions = [*GOOD["functions"], {**GET, "name": "search_pets", "description": "Again."}]
    assert await read({**GOOD, "functions": functions}) == make_documentation()


async def test_what_nobody_asked_for_is_let_go() -> None:
    functions = [{**function, "method": "GET"} for function in GOOD["functions"]]
    assert await read({**GOOD, "functions": functions, "note": "I hope that this helps."}) == make_documentation()


async def test_inputs_may_be_objects_that_have_a_name() -> None:
    function = {**GET, "inputs": [{"name": "petId", "type": "string"}, {"type": "string"}], "outputs": "name"}
    first = (await read({**GOOD, "functions": [function, *GOOD["functions"]]})).functions[0]
    assert (first.inputs, first.outputs) == (("petId",), ("name",))


async def test_a_function_that_says_nothing_of_itself_is_described_by_its_name() -> None:
    functions = [{"name": "getPet"}, *GOOD["functions"]]
    assert (await read({**GOOD, "functions": functions})).functions[0].description == "Get pet."


async def test_a_name_alone_is_a_function() -> None:
    first = (await read({**GOOD, "functions": ["getPet", *GOOD["functions"]]})).functions[0]
    assert (first.name, first.inputs, first.outputs) == ("getPet", (), ())


async def test_no_more_than_eight_functions_are_kept() -> None:
    assert len((await read(name_functions(*(f"getPet{n}" for n in range(20))))).functions) == 8


@pytest.mark.parametrize(("count", "asked"), [(0, 2), (1, 2), (2, 1), (3, 1)])
async def test_an_api_has_two_functions_at_least(count: int, asked: int) -> None:
    functions = [{**GET, "name": f"getPet{number}"} for number in range(count)]
    async with scripted(write({**GOOD, "functions": functions}), write(GOOD)) as (teacher, endpoint):
        documentation = await document_api(ENTRY, teacher)
    assert len(endpoint.requests) == asked
    assert len(documentation.functions) == max(count, 2)
    if asked == 2:
        told = f"functions: {count} can be used; write at least 2, each with a name of its own"
        assert told in endpoint.requests[1]["messages"][-1]["content"]


async def test_what_stays_wrong_is_an_error_that_says_why() -> None:
    async with scripted(last=write({**GOOD, "functions": []})) as (teacher, endpoint):
        with pytest.raises(TeacherError, match="functions: 0 can be used"):
            await document_api(ENTRY, teacher)
    assert len(endpoint.requests) == 4


@pytest.mark.parametrize("introduction", ["", " ", "\n\t", None, 7])
async def test_an_introduction_that_says_nothing_is_the_catalogue_s(introduction: Any) -> None:
    assert (await read({**GOOD, "introduction": introduction})).introduction == ENTRY.description
    bare = ENTRY.model_copy(update={"description": ""})
    assert (await read({**GOOD, "introduction": introduction}, bare)).introduction == ENTRY.name


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("x" * 1200, "x" * 1200),
        ("x" * 1201, "x" * 1200),
        (f"{'x' * 1199}. And more.", f"{'x' * 1199}."),
        (f"{'x' * 1200}. And more.", "x" * 1200),
        (f"First. {'x ' * 700}", "First."),
        ("word " * 300, ("word " * 240).strip()),
        (" Two\n\n lines. ", "Two lines."),
    ],
)
def test_an_introduction_is_cut_at_a_sentence_or_else_at_a_word(text: str, short: str) -> None:
    assert shorten_introduction(text) == short


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


async def test_the_endpoint_is_given_bounds_for_every_list() -> None:
    async with scripted(write(GOOD)) as (teacher, endpoint):
        await document_api(ENTRY, teacher)
    schema = endpoint.requests[0]["response_format"]["json_schema"]["schema"]
    function = schema["$defs"]["_WrittenFunction"]["properties"]
    assert schema["properties"]["functions"]["maxItems"] == 8
    assert [function[name]["maxItems"] for name in ("inputs", "outputs")] == [16, 16]
