"""The step `judge`: a model grades the episodes that the checks keep."""

import asyncio

from schemas.artifacts import Episodes, Verdicts
from schemas.base import Json
from schemas.episodes import Episode
from schemas.judging import Judgements, Vote, measure_agreement, read_verdicts
from schemas.parameters import BuildDatasetParams
from schemas.toolset import Toolset
from tasks.agents.asking import gather_or_cancel
from tasks.agents.judge import judge_episode
from tasks.making import UNANSWERED, Made, Making
from tasks.simulate import EPISODES_IN_FLIGHT


def choose_judge_settings(params: BuildDatasetParams) -> Json:
    """How many judges read each row."""
    return params.judges


async def make_judgements(making: Making) -> Made[Judgements]:
    """Counted are the episodes that are kept in the end, and the others, as the step `check` counts them.

    One of which no verdict can be read keeps what the checks say of it. Raises TeacherError.
    """
    toolset, played = await making.read(Toolset), await making.read(Episodes)
    checked, judges = await making.read(Verdicts), making.dataset_params.judges
    places = asyncio.Semaphore(EPISODES_IN_FLIGHT)

    async def judge(episode: Episode, kept: bool) -> tuple[Vote, ...]:
        async with places:
            return await judge_episode(episode, toolset, judges, making.teacher) if kept else ()

    kept = [all(verdict.keep for verdict in row) for row in checked.verdicts]
    votes = await gather_or_cancel([judge(*pair) for pair in zip(played.episodes, kept, strict=True)])
    unread = sum(is_kept and not given for is_kept, given in zip(kept, votes, strict=True))
    accepted = sum(
        is_kept and all(verdict.keep for verdict in read_verdicts(given))
        for is_kept, given in zip(kept, votes, strict=True)
    )
    counts = {
        "accepted": accepted,
        "rejected": len(kept) - accepted,
        "judged": sum(bool(given) for given in votes),
        "unanimous": sum(measure_agreement(given) == 1 for given in votes),
    }
    return Made(Judgements(asked=judges, votes=tuple(votes)), counts | ({UNANSWERED: unread} if unread else {}))
