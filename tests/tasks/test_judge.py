"""The step `judge`: what the checks keep is graded, and what they turn down is not."""

from typing import Any

from schemas.artifacts import Episodes, Verdicts
from schemas.episodes import Verdict
from schemas.reasons import Reason
from tasks.judge import make_judgements
from tests.tasks.agents.parts import make_toolset, scripted, write
from tests.tasks.parts import make_making
from tests.tasks.quality.building import build_episode, say, search
from tests.tasks.teacher.endpoints import Reply
from tests.tasks.teacher.endpoints import say as answer

KEPT = (Verdict(check="placeholder", keep=True),)
TURNED_DOWN = (Verdict(check="placeholder", keep=False, reason=Reason.PLACEHOLDER),)


def verdict(response: str) -> dict[str, Any]:
    return {"process": {"reason": "", "verdict": "right"}, "response": {"reason": "", "verdict": response}}


async def judge(*rows: tuple[Verdict, ...], script: list[Reply], judges: int = 1) -> tuple[Any, int]:
    """What is made of episodes with these verdicts of the checks, and how often the judge was asked."""
    played = [build_episode(search(), say(f"There is Luna, and {number}.")) for number in range(len(rows))]
    episodes = Episodes(episodes=tuple(played))
    async with scripted(*script) as (teacher, endpoint):
        made = await make_judgements(
            make_making(
                teacher, make_toolset(), episodes, Verdicts(verdicts=rows), judges=judges, judge={"model": "tiny"}
            )
        )
    return made, len(endpoint.requests)


async def test_only_what_the_checks_keep_is_graded() -> None:
    made, asked = await judge(KEPT, TURNED_DOWN, KEPT, script=[write(verdict("right")), write(verdict("wrong"))])
    assert asked == 2
    assert [len(votes) for votes in made.content.votes] == [1, 0, 1]
    assert made.counts == {"accepted": 1, "rejected": 2, "judged": 2, "unanimous": 0}


async def test_of_several_judges_the_majority_counts() -> None:
    script = [write(verdict(given)) for given in ("right", "right", "wrong")]
    made, asked = await judge(KEPT, script=script, judges=3)
    assert (asked, made.content.asked) == (3, 3)
    assert made.counts == {"accepted": 1, "rejected": 0, "judged": 1, "unanimous": 0}
    made, _ = await judge(KEPT, script=[write(verdict("right"))] * 3, judges=3)
    assert made.counts["unanimous"] == 1


async def test_a_row_whose_judge_says_nothing_that_can_be_read_is_what_the_checks_say() -> None:
    made, _ = await judge(KEPT, script=[answer("Hm.")] * 4)
    assert made.content.votes == ((),)
    assert made.counts == {"accepted": 1, "rejected": 0, "judged": 0, "unanimous": 0, "unanswered": 1}
