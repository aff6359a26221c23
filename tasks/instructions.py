"""The task `instruct`: the user agent writes an API's instructions."""

from schemas.manifest import ArtifactRef
from schemas.steps import StepResult
from schemas.toolset import Toolset
from tasks.agents import write_instructions
from tasks.artifacts import read_payload, write_step
from tasks.context import get_context
from tasks.recipes import compute_recipe, step_task


def compute_instruct_recipe(toolset: StepResult) -> str:
    """The recipe hash of the instructions for a toolset."""
    params = get_context().dataset_params
    shares = {kind.value: share for kind, share in params.shares.by_kind().items()}
    return compute_recipe("instruct", toolset.content, params.instructions, shares, params.seed)


@step_task("instruct", "Writes the instructions that users might give an assistant with this API's functions.")
async def instruct(api_id: str, recipe: str, toolset: ArtifactRef) -> StepResult:
    """The instructions for a toolset. Raises TeacherError."""
    context = get_context()
    params = context.dataset_params
    payload = await read_payload(toolset)
    made = await write_instructions(
        Toolset.model_validate(payload["toolset"]), params.instructions, params.shares.by_kind(), params.seed,
        context.teacher,
    )  # fmt: skip
    ledger = context.ledger.drain(api_id, "instruct")
    return await write_step(
        "instruct", "instructions", api_id, recipe, {"instructions": made}, ledger, counts={"instructions": len(made)}
    )
