"""The `specify` step: the teacher's document is validated and linted, and goes back up to three times."""

from collections.abc import Callable
from typing import Any

import pytest

from schemas.errors import TeacherError
from tasks.agents.document import document_api
from tasks.agents.specify import specify_api
from tasks.openapi import find_lint_problems
from tasks.teacher import Ledger
from tests.tasks.agents.parts import ENTRY, build_audited, embedded, make_document, make_documentation, scripted, write

BROKEN = {"openapi": "3.1.0", "info": {"title": "Petfinder", "version": "1.0"}, "paths": {}}


async def write_good() -> tuple[Any, dict[str, Any]]:
    async with embedded() as teacher:
        documentation = await document_api(ENTRY, teacher)
        return documentation, await specify_api(ENTRY, documentation, teacher)


async def test_the_embedded_teachers_document_holds_the_documented_functions_and_passes_the_audit() -> None:
    documentation, document = await write_good()
    assert find_lint_problems(document, documentation) == []
    toolset = build_audited(ENTRY, documentation.introduction, document, "offline")
    assert {function.name for function in toolset.functions} == {f.name for f in documentation.functions}
    assert not any(call.problem for call in toolset.audit)


async def test_a_document_with_problems_goes_back_with_them() -> None:
    documentation, good = await write_good()
    async with scripted(write(BROKEN), write(good)) as (teacher, endpoint):
        assert await specify_api(ENTRY, documentation, teacher) == good
    complaint = endpoint.requests[1]["messages"][-1]["content"]
    assert documentation.functions[0].name in complaint


async def test_the_third_repair_is_the_last_that_counts() -> None:
    documentation, good = await write_good()
    async with scripted(*[write(BROKEN)] * 3, write(good)) as (teacher, endpoint):
        assert await specify_api(ENTRY, documentation, teacher) == good
    assert len(endpoint.requests) == 4


async def test_after_three_repairs_the_api_is_given_up_with_the_reasons() -> None:
    async with scripted(last=write(BROKEN)) as (teacher, endpoint):
        with pytest.raises(TeacherError, match=r"no usable openapi_document after 4 attempts: .*searchPets"):
            await specify_api(ENTRY, make_documentation(), teacher)
    assert len(endpoint.requests) == 4


def test_functions_that_were_not_documented_are_a_problem() -> None:
    problems = find_lint_problems(make_document(), make_documentation())
    assert any("countPets" in problem for problem in problems)
    assert any("deletePet" in problem for problem in problems)


async def test_lint_is_run_where_the_caller_wants_it_once_for_each_answer() -> None:
    documentation, good = await write_good()
    ran: list[tuple[Any, ...]] = []

    async def run(function: Callable[..., list[str]], *arguments: Any) -> list[str]:
        ran.append((function, *arguments))
        return function(*arguments)

    async with scripted(write(BROKEN), write(good)) as (teacher, _):
        assert await specify_api(ENTRY, documentation, teacher, run) == good
    assert ran == [(find_lint_problems, document, documentation) for document in (BROKEN, good)]


async def test_the_teacher_is_told_the_documentation_and_the_ledger_whose_it_is() -> None:
    documentation, good = await write_good()
    ledger = Ledger()
    another = ENTRY.model_copy(update={"id": "another"})
    async with scripted(write(good), write(good), ledger=ledger) as (teacher, endpoint):
        await specify_api(ENTRY, documentation, teacher)
        await specify_api(another, documentation, teacher)
    (message,) = endpoint.requests[0]["messages"]
    assert message["role"] == "user"
    for told in (ENTRY.name, ENTRY.description, documentation.introduction, documentation.functions[-1].description):
        assert told in message["content"]
    assert [(row.stage, row.api_id, row.owner) for row in ledger.rows] == [
        ("specify", "petfinder", "petfinder"),
        ("specify", "another", "another"),
    ]
    assert endpoint.requests[0]["seed"] != endpoint.requests[1]["seed"]


@pytest.mark.parametrize("answer", [[BROKEN], "openapi", 7, None])
async def test_an_answer_that_is_no_object_goes_back(answer: Any) -> None:
    documentation, good = await write_good()
    async with scripted(write(answer), write(good)) as (teacher, endpoint):
        assert await specify_api(ENTRY, documentation, teacher) == good
    assert len(endpoint.requests) == 2
