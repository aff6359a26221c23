"""The step `check`: the rules are put to each episode."""

from schemas.artifacts import Episodes, Verdicts
from schemas.toolset import Toolset
from tasks.making import Made, Making
from tasks.quality import check_episode


async def make_verdicts(making: Making) -> Made[Verdicts]:
    """Counted are the episodes that all checks keep, and the others: `accepted` and `rejected`."""
    toolset, played = await making.read(Toolset), await making.read(Episodes)
    verdicts: Verdicts = await making.run(_check, toolset, played)
    accepted = sum(all(verdict.keep for verdict in row) for row in verdicts.verdicts)
    return Made(verdicts, {"accepted": accepted, "rejected": len(verdicts.verdicts) - accepted})


def _check(toolset: Toolset, played: Episodes) -> Verdicts:
    return Verdicts(
        verdicts=tuple(tuple(check_episode(episode, toolset.restrict(episode.offered))) for episode in played.episodes)
    )
