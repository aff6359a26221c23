"""The steps `specify` and `import`: whose toolset it is, what is counted, and what makes it none."""

from typing import Any

import pytest

from schemas.toolset import Toolset
from tasks.agents import document_api
from tasks.making import Made
from tasks.openapi import DocumentError
from tasks.specify import import_toolset, specify_toolset
from tests.tasks.agents.parts import ENTRY, embedded, make_document
from tests.tasks.parts import make_making

BAD: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {}}


async def specify() -> Made[Toolset]:
    async with embedded() as teacher:
        documentation = await document_api(ENTRY, teacher)
        made = await specify_toolset(make_making(teacher, documentation, entry=ENTRY))
    assert made.content.introduction == documentation.introduction
    return made


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
