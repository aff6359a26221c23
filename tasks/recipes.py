"""Cache keys and recipe hashes: when a step's result may be used again.

A key reads `<step>/<api id>/<recipe hash>`. The hash covers the content of the step's input and all else that the
result depends on: prompts, the teacher's recipe, seeds and counts, the step's code version. It does not cover how
hard the teacher is asked, nor when.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import CachePolicy
from prefect.context import TaskRunContext

from prompts import load_prompt
from schemas.base import Json, content_hash
from schemas.calls import Stage
from tasks.agents import STAGE_PROMPTS, STAGE_VERSIONS
from tasks.context import get_context

RETRIES = 2
RETRY_DELAY_S = 5.0

_FOLDER = Path(__file__).parent

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class RecipePolicy(CachePolicy):
    """The cache key from a task's inputs `api_id` and `recipe`; the other inputs are covered by the recipe."""

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """See `make_key`."""
        return make_key(task_ctx.task.name, inputs["api_id"], inputs["recipe"])


def step_task(name: str, description: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """The decorator of one API's step: a function of `api_id`, `recipe` and references that returns a `StepResult`."""
    return task(
        name=name,
        description=description,
        task_run_name=name + " {api_id}",
        cache_policy=RecipePolicy(),
        persist_result=True,
        result_serializer="json",  # these are small, and LZMA takes 2.7 ms for half a kilobyte
        retries=RETRIES,
        retry_delay_seconds=RETRY_DELAY_S,
        retry_condition_fn=is_mendable,
    )


def make_key(step: str, api_id: str, recipe: str) -> str:
    """The key under which Prefect keeps a step's result."""
    return f"{step}/{api_id}/{recipe}"


def compute_recipe(stage: Stage, *inputs: Json) -> str:
    """The recipe hash of a stage that asks the teacher: its inputs (contents, seeds, counts) and how it asks."""
    return content_hash(
        {
            "stage": stage,
            "version": STAGE_VERSIONS[stage],
            "prompts": {name: load_prompt(name).hash for name in STAGE_PROMPTS[stage]},
            "teacher": get_context().teacher.recipe(),
            "inputs": list(inputs),
        }
    )


@cache
def hash_code(*folders: str) -> str:
    """A hash of all files of folders in `tasks/`: the version of what is cheap to make again."""
    found = sorted(path for folder in folders for path in (_FOLDER / folder).rglob("*") if path.is_file())
    files = [path for path in found if "__pycache__" not in path.parts]
    return content_hash({path.relative_to(_FOLDER).as_posix(): content_hash(path.read_bytes().hex()) for path in files})


async def is_mendable(task: Any, task_run: Any, state: Any) -> bool:
    """Whether Prefect is to try a task again: for a full disk, a store out of reach, a lost connection.

    Retries of the teacher's requests live in `tasks/llm`, and what bad input caused stays as it is.
    """
    return isinstance(await state.aresult(raise_on_failure=False), OSError)
