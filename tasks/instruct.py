"""The step `instruct`: the user agent writes an API's instructions."""

from schemas.artifacts import Instructions
from schemas.base import Json
from schemas.parameters import BuildDatasetParams
from schemas.toolset import Toolset
from tasks.agents.instruct import instruct_api
from tasks.making import Made, Making


def choose_instruct_settings(params: BuildDatasetParams) -> Json:
    """How many of which kind are asked for, and the seed by which they are drawn."""
    return [params.instructions, {kind.value: share for kind, share in params.shares.by_kind().items()}, params.seed]


async def make_instructions(making: Making) -> Made[Instructions]:
    """Raises TeacherError."""
    params, toolset = making.dataset_params, await making.read(Toolset)
    written = await instruct_api(toolset, params.instructions, params.shares.by_kind(), params.seed, making.teacher)
    instructions = Instructions(instructions=written.instructions)
    return Made(instructions, {"instructions": len(written.instructions)}, written.unfinished)
