"""The step `simulate`: each instruction is played out between user, assistant and executor, side by side."""

from schemas.artifacts import Episodes, Instructions
from schemas.base import Json
from schemas.parameters import BuildDatasetParams
from schemas.toolset import Toolset
from tasks.agents.simulate import simulate_episodes
from tasks.making import Made, Making

EXECUTOR = "mock"
"""What answers calls: the mock, which makes answers from the API's document."""

EPISODES_IN_FLIGHT = 16
"""Episodes of one API at a time; how many requests go out is the teacher's `concurrency`."""


def choose_simulate_settings(params: BuildDatasetParams) -> Json:
    """The seed of the episodes' worlds, and what answers calls."""
    return [params.seed, EXECUTOR]


async def make_episodes(making: Making) -> Made[Episodes]:
    """An episode that the teacher breaks off is kept as such. Raises FatalTeacherError."""
    toolset, asked = await making.read(Toolset), await making.read(Instructions)
    episodes = await simulate_episodes(
        toolset, asked.instructions, making.dataset_params.seed, making.teacher, EPISODES_IN_FLIGHT
    )
    broken_off = sum(episode.trajectory.end == "teacher_error" for episode in episodes)
    return Made(Episodes(episodes=episodes), {"episodes": len(episodes)}, broken_off)
