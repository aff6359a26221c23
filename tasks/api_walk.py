"""One API's way through all steps, from its catalogue entry to the verdicts on its episodes.

The last step's artifact lies under a recipe that covers the whole way, and names all that was made before it: an API
of which nothing has changed costs one look and no task. Where something has, each step's own recipe tells what to do.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from schemas.artifacts import ArtifactRef, Instructions
from schemas.base import Record
from schemas.catalog import CatalogEntry
from schemas.errors import FatalTeacherError, MissingArtifactError, RunStoppedError, ToolHerdError, UserError
from schemas.instance import RejectedApi
from schemas.shown import show_line
from schemas.steps import ApiOutcome
from schemas.toolset import Toolset
from tasks.context import RunContext, get_context
from tasks.datasets import find_artifact, remove_artifact
from tasks.making import UNANSWERED, Step
from tasks.openapi import DocumentError
from tasks.recipes import compute_recipe, compute_way_recipe
from tasks.step_tasks import TASKS, choose_inputs
from tasks.steps import STEPS, list_steps

_NO_HOPE = (FatalTeacherError, RunStoppedError, UserError, OSError, MissingArtifactError)
"""What ends a run: a teacher that cannot or may not be asked, a disk or store that cannot be used."""

_LONGEST_PROBLEM = 10_000
"""Characters; some twenty problems of one answer stand in one line."""

_SIDE_CALLS = 3
"""What an API has done in the process beside: lint, audit and the rule checks."""


class ApiWalk:
    """One API on its way; `get_outcome` tells what became of it."""

    def __init__(self, context: RunContext, entry: CatalogEntry) -> None:
        self.context = context
        self.entry = entry
        self.steps = list_steps(entry, context.params)
        self.step = ""
        self.made: list[ArtifactRef] = []

    async def go_to(self, kind: type[Record]) -> None:
        """Make all that is not made yet, up to an artifact of this kind."""
        for step in self.steps[len(self.made) :]:
            if self._has(kind):
                return
            self.step = step.name
            before, recipe = tuple(self.made), self._compute_recipe(step)
            if self.context.params.retry_rejected:
                await asyncio.to_thread(_forget_unanswered, self.context, step, self.entry.id, recipe)
            self.made.append(await TASKS[step.name](self.entry.id, recipe, before))

    def get_outcome(self, error: Exception | None = None) -> ApiOutcome:
        """What became of the API; with an `error`, its rejection.

        Raises:
            FatalTeacherError, RunStoppedError, UserError, OSError, MissingArtifactError: the error leaves no hope for
                the other APIs either.
        """
        if error is None:
            return _make_outcome(self.entry.id, self.made)
        fatal = find_fatal(error)
        if fatal is not None:
            raise fatal from error
        rejected = RejectedApi(
            entry=self.entry,
            stage=self.step,
            problems=_describe_problems(error),
            teacher="" if self.entry.openapi is not None else self.context.params.teacher.model,
        )
        outcome = _make_outcome(self.entry.id, self.made)
        return outcome.model_copy(update={"rejected": rejected, "ledger": self.context.ledger.rows_for(self.entry.id)})

    def _compute_recipe(self, step: Step) -> str:
        if step is self.steps[-1]:
            return compute_way_recipe(self.context, self.steps, self.entry)
        return compute_recipe(self.context, step, self.entry, choose_inputs(step, self.made))

    def _has(self, kind: type[Record]) -> bool:
        return any(step.makes is kind for step in self.steps[: len(self.made)])


async def walk_api(api_id: str, preparing: AbstractAsyncContextManager[None], apis: int = 1) -> ApiOutcome:
    """What became of one API of `apis`: found as an earlier run left it, or made.

    `preparing` is held until the API's instructions are written. A rejection is never taken from an earlier run: the
    teacher may have been out of reach. What it did answer is in the completion store, so that a rejection for good
    costs nothing to find again.

    Raises:
        FatalTeacherError, RunStoppedError, UserError, OSError, MissingArtifactError: no other API can go on either.
    """
    context = get_context()
    entry = context.entries[api_id]
    found = await asyncio.to_thread(_find_outcome, context, entry)
    if found is not None:
        return found
    context.side.expect(_SIDE_CALLS * apis)
    walk = ApiWalk(context, entry)
    try:
        async with preparing:
            await walk.go_to(Instructions)
        await walk.go_to(walk.steps[-1].makes)
    except Exception as error:
        return walk.get_outcome(error)
    return walk.get_outcome()


async def walk_to_toolset(api_id: str) -> ApiOutcome:
    """What became of one API on its way to a toolset. Raises what `walk_api` does."""
    context = get_context()
    walk = ApiWalk(context, context.entries[api_id])
    try:
        await walk.go_to(Toolset)
    except Exception as error:
        return walk.get_outcome(error)
    return walk.get_outcome()


def find_fatal(error: BaseException) -> Exception | None:
    """The error that leaves no hope, if `error` is one or a group that holds one."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for inner in error.exceptions if (found := find_fatal(inner)) is not None), None)
    return error if isinstance(error, _NO_HOPE) else None


def _find_outcome(context: RunContext, entry: CatalogEntry) -> ApiOutcome | None:
    """What an earlier run left of an API, if its last step is done and all that was made before is there."""
    steps = list_steps(entry, context.params)
    found = find_artifact(context.root, steps[-1].name, entry.id, compute_way_recipe(context, steps, entry))
    if found is None or [ref.step for ref in found.before] != [step.name for step in steps[:-1]]:
        return None
    if not all(ref.api_id == entry.id and _is_kept(context, ref) for ref in found.before):
        return None
    if context.params.retry_rejected and any(ref.counts.get(UNANSWERED) for ref in found.before):
        return None
    return _make_outcome(entry.id, [*found.before, found.ref])


def _forget_unanswered(context: RunContext, step: Step, api_id: str, recipe: str) -> None:
    """Take away what a step made of answers that were none; what was answered is in the completion store."""
    found = find_artifact(context.root, step.name, api_id, recipe)
    if found is not None and found.ref.counts.get(UNANSWERED):
        remove_artifact(context.root, found.ref)


def _is_kept(context: RunContext, ref: ArtifactRef) -> bool:
    found = find_artifact(context.root, ref.step, ref.api_id, ref.recipe)
    return found is not None and found.ref == ref


def _make_outcome(api_id: str, made: Sequence[ArtifactRef]) -> ApiOutcome:
    kinds = {step.name: step.kind for step in STEPS}
    return ApiOutcome(api_id=api_id, made={kinds[ref.step]: ref for ref in made})


def _describe_problems(error: Exception) -> tuple[str, ...]:
    """One line a problem; what is not ours is named by its type, for it is a bug and the run's log holds its trace."""
    if isinstance(error, ExceptionGroup):
        return tuple(line for inner in error.exceptions for line in _describe_problems(inner))
    text = show_line(error, _LONGEST_PROBLEM)
    return (text if isinstance(error, ToolHerdError | DocumentError) else f"{type(error).__name__}: {text}",)
