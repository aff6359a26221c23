"""All APIs' ways side by side: no API waits for another, under one limit on how many are on their way."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from flows.progress import Progress
from schemas.catalog import CatalogEntry
from schemas.steps import ApiOutcome
from tasks.context import RunContext
from tasks.walk import find_fatal

Walk = Callable[[str], Awaitable[ApiOutcome]]


async def walk_apis(
    context: RunContext, entries: Sequence[CatalogEntry], walk: Walk, progress: Progress
) -> tuple[ApiOutcome, ...]:
    """The outcomes of all APIs, in the order of `entries`; `walk` is called with each API's id.

    Raises:
        FatalTeacherError: the teacher cannot be used at all; the other walks are ended.
        UserError, OSError: the store or the data root cannot be used.
    """
    places = asyncio.Semaphore(context.params.in_flight)

    async def walk_one(api_id: str) -> ApiOutcome:
        async with places:
            outcome = await walk(api_id)
            progress.count(outcome)
            return outcome

    try:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(walk_one(entry.id)) for entry in entries]
    except ExceptionGroup as errors:
        raise find_fatal(errors) or errors from errors
    return tuple(task.result() for task in running)
