"""Each step as a Prefect task whose cache is the step's artifact: where that is there, the task ends as Cached.

A key reads `<step>/<api id>/<recipe>/<hash of what is read>`.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from prefect import Task, task
from prefect.cache_policies import CachePolicy
from prefect.context import TaskRunContext

from schemas.artifacts import Artifact, ArtifactRef
from schemas.base import Record, content_hash
from schemas.errors import make_printable
from tasks.context import get_context
from tasks.datasets import DataRoot, find_artifact, read_artifact, write_artifact
from tasks.making import Making, Step
from tasks.steps import STEPS

RETRIES = 2
RETRY_DELAY_S = 5.0

C = TypeVar("C", bound=Record)


@dataclass
class ArtifactPolicy(CachePolicy):
    """The cache key from a task's inputs; what was made before is covered by the recipe and by what is read."""

    def compute_key(
        self, task_ctx: TaskRunContext, inputs: dict[str, Any], flow_parameters: dict[str, Any], **kwargs: Any
    ) -> str | None:
        """See `make_key`."""
        step = next(step for step in STEPS if step.name == task_ctx.task.name)
        return make_key(step, inputs["api_id"], inputs["recipe"], inputs["before"])


def make_key(step: Step, api_id: str, recipe: str, before: Sequence[ArtifactRef]) -> str:
    """The key under which Prefect looks for a step's result."""
    return f"{step.name}/{api_id}/{recipe}/{content_hash([ref.content for ref in choose_inputs(step, before)])}"


def choose_inputs(step: Step, before: Sequence[ArtifactRef]) -> list[ArtifactRef]:
    """Of all that was made for an API before, what the step reads."""
    made = {_get_step(ref).makes: ref for ref in before}
    return [made[kind] for kind in step.reads]


async def find_result(root: DataRoot, key: str) -> ArtifactRef | None:
    """The artifact that a key stands for; None if it is not there, or was made from something else."""
    name, api_id, recipe, read = key.split("/")
    found = await asyncio.to_thread(find_artifact, root, name, api_id, recipe)
    return found.ref if found is not None and content_hash(list(found.inputs)) == read else None


StepTask = Task[[str, str, tuple[ArtifactRef, ...]], Coroutine[Any, Any, ArtifactRef]]


def make_task(step: Step) -> StepTask:
    """The task that makes a step's artifact for an API, given the references of all that was made for it before."""

    @task(
        name=step.name,
        description=step.description,
        task_run_name=step.name + " {api_id}",
        cache_policy=ArtifactPolicy(),
        persist_result=True,
        result_serializer="json",
        retries=RETRIES,
        retry_delay_seconds=RETRY_DELAY_S,
        retry_condition_fn=is_mendable,
    )
    async def run(api_id: str, recipe: str, before: tuple[ArtifactRef, ...]) -> ArtifactRef:
        context = get_context()
        inputs = choose_inputs(step, before)

        async def read(kind: type[C], /) -> C:
            (ref,) = (ref for ref in before if _get_step(ref).makes is kind)
            return (await asyncio.to_thread(read_artifact, context.root, ref, kind)).content

        entry = context.entries[api_id]
        making = Making(entry, context.params, context.teacher, read, context.choose_run(entry))
        try:
            made = await step.make(making)
        except Exception as error:
            make_printable(error)
            raise
        artifact = Artifact[step.makes](  # type: ignore[name-defined]
            recipe=recipe,
            made_at=datetime.now(UTC),
            content=made.content,
            ledger=context.ledger.drain(api_id, step.name),
        )
        return await asyncio.to_thread(
            write_artifact, context.root, step.name, api_id, artifact, counts=made.counts, before=before,
            inputs=[ref.content for ref in inputs],
            unfinished=made.unfinished + sum(ref.unfinished for ref in inputs),
        )  # fmt: skip

    return run


async def is_mendable(task: Any, task_run: Any, state: Any) -> bool:
    """Whether Prefect is to try a task again: for a full disk, a store out of reach, a lost connection.

    Retries of the teacher's requests live in `tasks/teacher`, and what bad input caused stays as it is.
    """
    return isinstance(await state.aresult(raise_on_failure=False), OSError)


def _get_step(ref: ArtifactRef) -> Step:
    return _STEPS[ref.step]


_STEPS = {step.name: step for step in STEPS}
TASKS = {step.name: make_task(step) for step in STEPS}
