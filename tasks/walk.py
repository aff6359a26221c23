"""One API's way through all steps, from its catalogue entry to the verdicts on its episodes.

The steps are Prefect tasks. What became of the API is kept under a recipe that covers all that the way depends on, so
that an API of which nothing has changed costs one look and no task; where something has, the steps' own keys tell what
to do again.
"""

import asyncio
from typing import Any

from prefect import Task

from schemas.base import content_hash
from schemas.calls import Stage
from schemas.catalog import CatalogEntry
from schemas.errors import FatalTeacherError, RunStoppedError, ToolHerdError, UserError
from schemas.instance import RejectedApi
from schemas.manifest import ArtifactRef
from schemas.steps import ApiOutcome, StepResult
from tasks.artifacts import MissingArtifactError
from tasks.checking import check_api
from tasks.context import RunContext, get_context
from tasks.instructions import compute_instruct_recipe, instruct
from tasks.openapi import DocumentError
from tasks.recipes import compute_recipe, hash_code, make_key
from tasks.simulation import EXECUTOR, compute_simulate_recipe, simulate
from tasks.toolset import (
    compute_document_recipe,
    compute_import_recipe,
    compute_specify_recipe,
    document,
    import_document,
    specify,
)

_NO_HOPE = (FatalTeacherError, RunStoppedError, UserError, OSError, MissingArtifactError)
"""What ends a run: a teacher that cannot or may not be asked, a disk or store that cannot be used."""

_SIDE_CALLS = 3
"""What an API has done in the process beside: lint, audit and the rule checks."""

_STAGES: tuple[Stage, ...] = ("document", "specify", "instruct", "simulate")


class ApiWalk:
    """The state of one API on its way; `get_outcome` tells what became of it."""

    def __init__(self, context: RunContext, entry: CatalogEntry) -> None:
        self.context = context
        self.entry = entry
        self.step = ""
        self.documentation: StepResult | None = None
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
            self.documentation = documentation = await self._run(document, compute_document_recipe(api_id))
            recipe = compute_specify_recipe(api_id, documentation)
            self.toolset = await self._run(specify, recipe, documentation.ref)
        return self.toolset

    async def make_episodes(self) -> None:
        """Instruct, simulate and check."""
        self.context.side.expect(_SIDE_CALLS * len(self.context.entries))
        async with self.context.preparing:
            toolset = await self.make_toolset()
            self.instructions = await self._run(instruct, compute_instruct_recipe(toolset), toolset.ref)
        recipe = compute_simulate_recipe(toolset, self.instructions)
        self.episodes = await self._run(simulate, recipe, toolset.ref, self.instructions.ref)
        self.step = "check"
        code = hash_code("quality", "openapi")
        self.verdicts = await self.context.side.run(check_api, self.context.root, toolset, self.episodes, code)

    def get_outcome(self, error: Exception | None = None) -> ApiOutcome:
        """What became of the API; with an `error`, its rejection.

        Raises:
            FatalTeacherError, RunStoppedError, UserError, OSError: the error leaves no hope for the other APIs either.
        """
        if error is None:
            return ApiOutcome(
                api_id=self.entry.id,
                toolset=self.toolset,
                instructions=self.instructions,
                episodes=self.episodes,
                verdicts=self.verdicts,
            )
        fatal = find_fatal(error)
        if fatal is not None:
            raise fatal from error
        rejected = RejectedApi(
            entry=self.entry,
            stage=self.step,
            problems=_describe_problems(error),
            teacher="" if self.entry.openapi is not None else self.context.params.teacher.model,
        )
        ledger = self.context.ledger.rows_for(self.entry.id)
        documentation = self.documentation if self.toolset is None else None
        return ApiOutcome(
            api_id=self.entry.id, documentation=documentation, toolset=self.toolset, rejected=rejected, ledger=ledger
        )

    async def _run(self, step: Task[..., Any], recipe: str, *inputs: ArtifactRef) -> StepResult:
        """A step's result, cached or made; see `_is_usable` for when a cached one is made again."""
        self.step = step.name
        api_id = self.entry.id
        result: StepResult = await step(api_id, recipe, *inputs)
        if make_key(step.name, api_id, recipe) in self.context.made:
            return result
        if not await asyncio.to_thread(_is_usable, self.context, result):
            result = await step.with_options(refresh_cache=True)(api_id, recipe, *inputs)
        return result


async def walk_api(api_id: str) -> ApiOutcome:
    """What became of one API: found as an earlier run left it, or made.

    A rejection is never taken from an earlier run: the teacher may have been out of reach. What it did answer is in
    the completion store, so that a rejection for good costs nothing to find again.

    Raises:
        FatalTeacherError, RunStoppedError, UserError, OSError: no other API can go on either.
    """
    context = get_context()
    recipe = _compute_walk_recipe(context, api_id)
    found = await asyncio.to_thread(_find_outcome, context, api_id, recipe)
    if found is not None:
        return found
    api = ApiWalk(context, context.entries[api_id])
    try:
        await api.make_episodes()
    except Exception as error:
        return api.get_outcome(error)
    outcome = api.get_outcome()
    await asyncio.to_thread(context.root.write_artifact, "outcomes", api_id, recipe, dict(outcome))
    return outcome


def find_fatal(error: BaseException) -> Exception | None:
    """The error that leaves no hope, if `error` is one or a group that holds one."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for inner in error.exceptions if (found := find_fatal(inner)) is not None), None)
    return error if isinstance(error, _NO_HOPE) else None


def _compute_walk_recipe(context: RunContext, api_id: str) -> str:
    params = context.dataset_params
    asked = [params.instructions, {kind.value: share for kind, share in params.shares.by_kind().items()}, params.seed]
    code = hash_code("openapi", "mock", "values", "quality")
    entry = content_hash(context.entries[api_id])
    return content_hash([*(compute_recipe(stage) for stage in _STAGES), entry, asked, EXECUTOR, code])


def _find_outcome(context: RunContext, api_id: str, recipe: str) -> ApiOutcome | None:
    """What an earlier run left of an API, if all that it refers to is there and finished."""
    ref = context.root.find_artifact("outcomes", api_id, recipe)
    payload = None if ref is None else context.root.read_artifact(ref)
    if payload is None:
        return None
    outcome = ApiOutcome.model_validate(payload)
    steps = (outcome.toolset, outcome.instructions, outcome.episodes)
    usable = all(step is not None and _is_usable(context, step) for step in steps)
    return outcome if usable and outcome.verdicts is not None and _is_kept(context, outcome.verdicts) else None


def _is_usable(context: RunContext, result: StepResult) -> bool:
    """Whether a cached result is in the data root, and the teacher had not broken it off."""
    return not result.unfinished and _is_kept(context, result.ref)


def _is_kept(context: RunContext, ref: ArtifactRef) -> bool:
    recipe = ref.path.rpartition("/")[2].removesuffix(".json")
    return context.root.find_artifact(ref.stage, ref.api_id, recipe) == ref


def _describe_problems(error: Exception) -> tuple[str, ...]:
    """One line a problem; what is not ours is named by its type, for it is a bug and the run's log holds its trace."""
    if isinstance(error, ExceptionGroup):
        return tuple(line for inner in error.exceptions for line in _describe_problems(inner))
    text = " ".join(str(error).split())
    return (text if isinstance(error, ToolHerdError | DocumentError) else f"{type(error).__name__}: {text}",)
