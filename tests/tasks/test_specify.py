"""The steps `specify` and `import`: whose toolset it is, what is counted, and what makes it none."""

from typing import Any

import pytest

from schemas.described import DescribedOperation
from schemas.errors import TeacherError
from schemas.toolset import Documentation, DocumentedFunction, Toolset
from tasks.agents import document_api
from tasks.making import Made
from tasks.openapi import DocumentError, find_lint_problems
from tasks.specify import assemble_toolset, import_toolset, specify_toolset
from tests.tasks.agents.parts import ENTRY, embedded, make_document, make_documentation, scripted, write
from tests.tasks.agents.test_specify import COUNT, GOOD, answer_by_function
from tests.tasks.parts import make_making
from tests.tasks.teacher.endpoints import fail, say

BAD: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {}}


async def specify() -> Made[Toolset]:
    async with embedded() as teacher:
        documentation = await document_api(ENTRY, teacher)
        made = await specify_toolset(make_making(teacher, documentation, entry=ENTRY))
    assert made.content.introduction == documentation.introduction
    return made


GET: dict[str, Any] = {
    "method": "get",
    "path": "/pets/{petId}",
    "parameters": [{"name": "petId", "type": "string", "description": "Which", "place": "path", "required": True}],
    "answer": [{"name": "petId", "type": "string"}, {"name": "name", "type": "string"}],
}


def build(left_out: dict[str, str] | None = None, **operations: dict[str, Any]) -> Toolset:
    """The toolset of functions that were described so."""
    functions = tuple(DocumentedFunction(name=name, description="Does it.") for name in operations)
    documentation = Documentation(introduction="Pets.", functions=functions)
    described = {name: DescribedOperation.model_validate(operation) for name, operation in operations.items()}
    return assemble_toolset(ENTRY, documentation, described, left_out or {}, "tiny")


class TestBuilding:
    def test_functions_are_those_that_were_described(self) -> None:
        toolset = build(searchPets=GOOD, getPet=GET)
        assert [function.name for function in toolset.functions] == ["searchPets", "getPet"]
        assert (toolset.left_out, toolset.teacher) == ((), "tiny")
        assert [(call.function, call.good) for call in toolset.audit if not call.problem] == [
            ("searchPets", True), ("searchPets", False), ("getPet", True), ("getPet", False),
        ]  # fmt: skip

    def test_a_function_that_needs_what_nothing_returns_is_left_out_and_told(self) -> None:
        toolset = build(countPets=COUNT, countDogs={**COUNT, "path": "/dogs/count"}, getPet=GET)
        assert [function.name for function in toolset.functions] == ["countPets", "countDogs"]
        assert toolset.left_out == ("getPet: left out, for no list or search returns the 'petId' that it needs",)

    def test_what_was_left_out_before_is_told_too(self) -> None:
        toolset = build({"addPet": "no usable operation"}, searchPets=GOOD, getPet=GET)
        assert toolset.left_out == ("addPet: left out, for no usable operation",)

    def test_an_api_of_which_one_function_is_left_is_none(self) -> None:
        with pytest.raises(DocumentError, match=r"^getPet: left out, for no list or search returns the 'petId'"):
            build(countPets=COUNT, getPet=GET)


class TestLeavingOut:
    async def test_a_function_that_stays_unusable_costs_itself_alone(self) -> None:
        made = await specify_with(searchPets=write(GOOD), getPet=write(GET), countPets=say("I cannot."))
        assert [function.name for function in made.content.functions] == ["searchPets", "getPet"]
        (line,) = made.content.left_out
        assert line.startswith("countPets: left out, for no usable operation after 4 attempts")
        assert (made.counts, made.unfinished) == ({"functions": 2, "left_out": 1}, 0)

    async def test_one_that_could_not_be_asked_for_has_the_next_run_ask(self) -> None:
        made = await specify_with(searchPets=write(GOOD), getPet=write(GET), countPets=fail(500))
        assert (made.counts, made.unfinished) == ({"functions": 2, "left_out": 1}, 1)

    async def test_with_fewer_than_two_functions_there_is_no_toolset(self) -> None:
        with pytest.raises(TeacherError, match="no usable operation after 4 attempts"):
            await specify_with(searchPets=write(GOOD), getPet=say("I cannot."))


async def specify_with(**replies: Any) -> Made[Toolset]:
    """What a teacher makes that answers so for each function."""
    functions = tuple(DocumentedFunction(name=name, description="Does it.") for name in replies)
    documentation = make_documentation(functions=functions)
    async with scripted(last=answer_by_function(**replies)) as (teacher, _):
        return await specify_toolset(make_making(teacher, documentation, entry=ENTRY))


async def bring(document: dict[str, Any]) -> Made[Toolset]:
    """The toolset of an API that comes with a document."""
    async with embedded() as teacher:
        return await import_toolset(make_making(teacher, entry=ENTRY.model_copy(update={"openapi": document})))


async def test_a_toolset_that_was_specified_is_its_teacher_s_and_audited() -> None:
    made = await specify()
    toolset = made.content
    assert (toolset.entry, toolset.teacher) == (ENTRY, "offline")
    assert made.counts == {"functions": len(toolset.functions), "left_out": 0}
    assert len(toolset.functions) >= 2
    assert made.unfinished == 0
    assert {call.function for call in toolset.audit} == {function.name for function in toolset.functions}


async def test_a_toolset_that_was_specified_has_nothing_that_lint_finds() -> None:
    async with embedded() as teacher:
        documentation = await document_api(ENTRY, teacher)
    assert find_lint_problems((await specify()).content.document, documentation) == []


async def test_a_toolset_that_was_imported_is_nobody_s_and_audited() -> None:
    made = await bring(make_document())
    toolset = made.content
    assert (toolset.entry.id, toolset.teacher) == (ENTRY.id, "")
    assert made.counts == {"functions": len(toolset.functions), "left_out": 0} == {"functions": 4, "left_out": 0}
    assert {call.function for call in toolset.audit} == {function.name for function in toolset.functions}


async def test_what_was_left_out_of_a_document_is_kept_with_its_reason_and_counted() -> None:
    document = make_document()
    huge = {"name": "q", "in": "query", "required": True, "schema": {"type": "string", "minLength": 10**9}}
    document["paths"]["/more"] = {"get": {"parameters": [huge], "responses": {"204": {"description": "ok"}}}}
    made = await bring(document)
    assert made.counts == {"functions": 4, "left_out": 1}
    assert made.content.left_out == (
        "GET /more: left out, for paths./more.get.parameters[0].schema.minLength: 1,000,000,000 is more than 10,000",
    )


async def test_a_document_that_is_of_no_use_makes_no_toolset() -> None:
    with pytest.raises(DocumentError):
        await bring(BAD)


async def test_an_api_without_a_document_has_none_to_import() -> None:
    async with embedded() as teacher:
        with pytest.raises(AssertionError):
            await import_toolset(make_making(teacher, entry=ENTRY))
