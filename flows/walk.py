"""One API's way through the steps, and all APIs' ways side by side.

No API waits for another: each walks from `document` to its verdicts on its own, under one limit on how many walk at a
time. An API that fails is a rejection with its reason; only what leaves no hope for the others ends the run.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from prefect import Task

from flows.progress import Progress
from schemas.catalog import CatalogEntry
from schemas.errors import FatalTeacherError, ToolHerdError, UserError
from schemas.instance import RejectedApi
from schemas.manifest import ArtifactRef
from schemas.steps import ApiOutcome, StepResult
from tasks.artifacts import MissingArtifactError
from tasks.checking import check_api
from tasks.context import RunContext
from tasks.instructions import compute_instruct_recipe, instruct
from tasks.openapi import DocumentError
from tasks.recipes import hash_code, make_key
from tasks.simulation import compute_simulate_recipe, simulate
from tasks.toolset import (
    compute_document_recipe,
    compute_import_recipe,
    compute_specify_recipe,
    document,
    import_document,
    specify,
)

_NO_HOPE = (FatalTeacherError, UserError, OSError, MissingArtifactError)
"""What ends a run: a teacher that cannot be used, a disk or store that cannot be."""

Walk = Callable[["ApiWalk"], Awaitable[None]]
StepTask = Task[..., Any]


class ApiWalk:
    """The state of one API on its way; `outcome` tells what became of it."""

    def __init__(self, context: RunContext, entry: CatalogEntry) -> None:
        self.context = context
        self.entry = entry
        self.step = ""
        self.toolset: StepResult | None = None
        self.instructions: StepResult | None = None
        self.episodes: StepResult | None = None
        self.verdicts: ArtifactRef | None = None

    async def make_toolset(self) -> StepResult:
        """Document and specify, or import where the entry holds a document."""
        api_id = self.entry.id
        if self.entry.openapi is not None:
            self.toolset = await self._run(import_document, compute_import_recipe(api_id))
        else:
            documentation = await self._run(document, compute_document_recipe(api_id))
            recipe = compute_specify_recipe(api_id, documentation)
            self.toolset = await self._run(specify, recipe, documentation.ref)
        return self.toolset

    async def make_episodes(self) -> None:
        """Instruct, simulate and check."""
        toolset = await self.make_toolset()
        self.instructions = await self._run(instruct, compute_instruct_recipe(toolset), toolset.ref)
        recipe = compute_simulate_recipe(toolset, self.instructions)
        self.episodes = await self._run(simulate, recipe, toolset.ref, self.instructions.ref)
        self.step = "check"
        code = hash_code("quality", "openapi")
        self.verdicts = await asyncio.to_thread(check_api, self.context.root, toolset, self.episodes, code)

    def get_outcome(self, error: Exception | None = None) -> ApiOutcome:
        """What became of the API; with an `error`, its rejection."""
        if error is None:
            return ApiOutcome(
                api_id=self.entry.id,
                toolset=self.toolset,
                instructions=self.instructions,
                episodes=self.episodes,
                verdicts=self.verdicts,
            )
        rejected = RejectedApi(
            entry=self.entry,
            stage=self.step,
            problems=_describe_problems(error),
            teacher="" if self.entry.openapi is not None else self.context.params.teacher.model,
        )
        ledger = tuple(row for row in self.context.ledger.rows_for(self.entry.id))
        return ApiOutcome(api_id=self.entry.id, toolset=self.toolset, rejected=rejected, ledger=ledger)

    async def _run(self, step: StepTask, recipe: str, *inputs: ArtifactRef) -> StepResult:
        """A step's result, cached or made.

        A cached one is made again if the data root has lost it, or if the teacher had broken it off: what it did
        answer is in the completion store, so that only the rest is asked for.
        """
        self.step = step.name
        api_id = self.entry.id
        result: StepResult = await step(api_id, recipe, *inputs)
        if make_key(step.name, api_id, recipe) in self.context.made:
            return result
        if result.unfinished or not await asyncio.to_thread(self._is_kept, result.ref, recipe):
            result = await step.with_options(refresh_cache=True)(api_id, recipe, *inputs)
        return result

    def _is_kept(self, ref: ArtifactRef, recipe: str) -> bool:
        return self.context.root.find_artifact(ref.stage, ref.api_id, recipe) == ref


async def walk_apis(
    context: RunContext, entries: Sequence[CatalogEntry], walk: Walk, progress: Progress
) -> tuple[ApiOutcome, ...]:
    """The outcomes of all APIs, in the order of `entries`.

    Raises:
        FatalTeacherError: the teacher cannot be used at all; the other walks are ended.
        UserError, OSError: the store or the data root cannot be used.
    """
    places = asyncio.Semaphore(context.params.in_flight)

    async def walk_one(entry: CatalogEntry) -> ApiOutcome:
        async with places:
            api = ApiWalk(context, entry)
            try:
                await walk(api)
                outcome = api.get_outcome()
            except Exception as error:
                fatal = _find_fatal(error)
                if fatal is not None:
                    raise fatal from error
                outcome = api.get_outcome(error)
            progress.count(outcome)
            return outcome

    try:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(walk_one(entry)) for entry in entries]
    except ExceptionGroup as errors:
        raise _find_fatal(errors) or errors from errors
    return tuple(task.result() for task in running)


def _find_fatal(error: BaseException) -> Exception | None:
    """The error that leaves no hope, if `error` is one or a group that holds one."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for inner in error.exceptions if (found := _find_fatal(inner)) is not None), None)
    return error if isinstance(error, _NO_HOPE) else None


def _describe_problems(error: Exception) -> tuple[str, ...]:
    """One line a problem; what is not ours is named by its type, for it is a bug and the run's log holds its trace."""
    if isinstance(error, ExceptionGroup):
        return tuple(line for inner in error.exceptions for line in _describe_problems(inner))
    text = " ".join(str(error).split())
    return (text if isinstance(error, ToolHerdError | DocumentError) else f"{type(error).__name__}: {text}",)
