"""The `specify` step: documentation becomes an OpenAPI document that is valid, complete and bounded."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from pydantic import RootModel

from prompts import load_prompt
from schemas.calls import ChatRequest
from schemas.catalog import CatalogEntry
from schemas.toolset import Documentation
from tasks.agents.asking import derive_seed, user_message
from tasks.agents.document import describe_entry
from tasks.openapi import find_lint_problems

if TYPE_CHECKING:
    from tasks.teacher import Teacher


class _Document(RootModel[dict[str, Any]]):
    """Any JSON object; what it must hold is found out by validation and lint, which say more than a schema."""


async def specify_api(
    entry: CatalogEntry,
    documentation: Documentation,
    teacher: "Teacher",
    run: Callable[..., Awaitable[list[str]]] = asyncio.to_thread,
) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a documented API.

    `run` calls a function with arguments off the event loop: lint takes some 20 ms a document.

    Raises:
        TeacherError: Still invalid after every attempt; the message holds the last problems.
    """
    prompt = load_prompt("specify").render(
        entry=describe_entry(entry), documentation=documentation.model_dump(mode="json")
    )
    request = ChatRequest(messages=(user_message(prompt),), seed=derive_seed("specify", entry.id))
    answer = await teacher.complete_json(
        request, _Document, name="openapi_document", stage="specify", api_id=entry.id, owner=entry.id,
        check=lambda document: run(find_lint_problems, document.root, documentation),
    )  # fmt: skip
    return answer.root
