"""The `specify` step: the teacher's document is validated and linted, and goes back up to three times."""

from typing import Any

import pytest

from schemas.errors import TeacherError
from tasks.agents.document import document_api
from tasks.agents.specify import specify_api
from tasks.agents.toolset import build_toolset
from tasks.openapi import find_lint_problems
from tests.tasks.agents.parts import ENTRY, embedded, make_document, make_documentation, scripted, write

BROKEN = {"openapi": "3.1.0", "info": {"title": "Petfinder", "version": "1.0"}, "paths": {}}


async def write_good() -> tuple[Any, dict[str, Any]]:
    async with embedded() as teacher:
        documentation = await document_api(ENTRY, teacher)
        return documentation, await specify_api(ENTRY, documentation, teacher)


async def test_the_embedded_teachers_document_holds_the_documented_functions_and_passes_the_audit() -> None:
    documentation, document = await write_good()
    assert find_lint_problems(document, documentation) == []
    toolset = build_toolset(ENTRY, documentation.introduction, document, "offline")
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
