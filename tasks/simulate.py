"""The step `simulate`: each instruction is played out between user, assistant and executor, side by side."""

from schemas.artifacts import Episodes, Instructions
from schemas.base import Json
from schemas.parameters import BuildDatasetParams
from schemas.toolset import Toolset
from tasks.agents.simulate import simulate_episodes
from tasks.making import UNANSWERED, Made, Making

EPISODES_IN_FLIGHT = 16
"""Episodes of one API at a time; how many requests go out is the teacher's `concurrency`."""


def choose_simulate_settings(params: BuildDatasetParams) -> Json:
    """The seed of the episodes' worlds, and what answers calls."""
    return [params.seed, params.executor]


async def make_episodes(making: Making) -> Made[Episodes]:
    """An episode that the teacher breaks off is kept as such. Raises FatalTeacherError.

    One in which every draw of a turn was no answer is finished for all that: to ask again is for the user to say.
    """
    toolset, asked, params = await making.read(Toolset), await making.read(Instructions), making.dataset_params
    episodes = await simulate_episodes(
        toolset, asked.instructions, params.seed, making.teacher, EPISODES_IN_FLIGHT, params.executor
    )
    ends = [episode.trajectory for episode in episodes if episode.trajectory.end == "teacher_error"]
    unanswered = sum(trajectory.flaw is not None for trajectory in ends)
    counts = {"episodes": len(episodes)} | ({UNANSWERED: unanswered} if unanswered else {})
    return Made(Episodes(episodes=episodes), counts, unfinished=len(ends) - unanswered)
