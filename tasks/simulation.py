"""The task `simulate`: the episodes of one API, side by side."""

from datetime import UTC, datetime

from schemas.episodes import Instruction
from schemas.manifest import ArtifactRef
from schemas.steps import StepResult
from schemas.toolset import Toolset
from tasks.agents import simulate_episodes
from tasks.artifacts import read_payload, write_step
from tasks.context import get_context
from tasks.recipes import compute_recipe, hash_code, step_task

EXECUTOR = "mock"
"""What answers calls: the mock, which makes answers from the API's document."""

EPISODES_IN_FLIGHT = 16
"""Episodes of one API at a time; how many requests go out is the teacher's `concurrency`."""


def compute_simulate_recipe(toolset: StepResult, instructions: StepResult) -> str:
    """The recipe hash of the episodes that instructions lead to; rows carry it."""
    seed = get_context().dataset_params.seed
    code = hash_code("openapi", "mock", "values")
    return compute_recipe("simulate", toolset.content, instructions.content, seed, EXECUTOR, code)


@step_task("simulate", "Plays each instruction out between user, assistant and executor.")
async def simulate(api_id: str, recipe: str, toolset: ArtifactRef, instructions: ArtifactRef) -> StepResult:
    """The episodes of one API. One that the teacher breaks off is kept as such. Raises FatalTeacherError."""
    context = get_context()
    held = Toolset.model_validate((await read_payload(toolset))["toolset"])
    asked = [Instruction.model_validate(item) for item in (await read_payload(instructions))["instructions"]]
    episodes = await simulate_episodes(held, asked, context.dataset_params.seed, context.teacher, EPISODES_IN_FLIGHT)
    broken_off = sum(episode.trajectory.end == "teacher_error" for episode in episodes)
    return await write_step(
        "simulate",
        "episodes",
        api_id,
        recipe,
        {"episodes": episodes},
        context.ledger.drain(api_id, "simulate"),
        extra={"created_at": datetime.now(UTC).isoformat()},
        counts={"episodes": len(episodes)},
        unfinished=broken_off,
    )
