"""The step `check`: a list of verdicts for each episode, and how many episodes all rules keep."""

import json

from schemas.artifacts import Episodes, Verdicts
from schemas.episodes import Episode, Kind
from tasks.check import make_verdicts
from tasks.making import Made
from tests.tasks.agents.parts import embedded
from tests.tasks.datasets.samples import build_messages
from tests.tasks.made import build_contents
from tests.tasks.parts import make_making

TEXT, _ = build_messages(Kind.SINGLE_CALL)
CONTENTS = build_contents("open-trails", {"a-001": TEXT, "a-002": TEXT})


def tell_what_was_called(episode: Episode) -> Episode:
    """The episode, with what its call got as the mock tells of it."""
    played = episode.trajectory
    told = next(message for message in played.messages if message.role == "tool")
    seen = played.observations[0].model_copy(
        update={"function": "searchTrails", "body": json.loads(told.content)["body"]}
    )
    return episode.model_copy(update={"trajectory": played.model_copy(update={"observations": (seen,)})})


def end_without_a_word(episode: Episode) -> Episode:
    """The episode, with an assistant that says nothing at the end."""
    played = episode.trajectory
    *before, last = played.messages
    messages = (*before, last.model_copy(update={"content": ""}))
    return episode.model_copy(update={"trajectory": played.model_copy(update={"messages": messages})})


async def check(*episodes: Episode) -> Made[Verdicts]:
    async with embedded() as teacher:
        making = make_making(teacher, CONTENTS.toolset, Episodes(episodes=episodes))
        return await make_verdicts(making)


GOOD, OTHER = map(tell_what_was_called, CONTENTS.episodes.episodes)


async def test_verdicts_are_a_list_for_each_episode_in_their_order_and_rows_are_kept_that_every_check_keeps() -> None:
    made = await check(GOOD, end_without_a_word(OTHER))
    assert (made.counts, made.unfinished) == ({"accepted": 1, "rejected": 1}, 0)
    first, second = made.content.verdicts
    assert first
    assert all(verdict.keep and verdict.reason is None and verdict.detail == "" for verdict in first)
    assert {verdict.reason for verdict in second if not verdict.keep} == {"empty_response"}
    assert [verdict.check for verdict in first] == [verdict.check for verdict in second]


async def test_episodes_are_judged_in_their_order_and_all_of_them() -> None:
    made = await check(end_without_a_word(OTHER), GOOD, GOOD)
    assert made.counts == {"accepted": 2, "rejected": 1}
    assert [all(verdict.keep for verdict in row) for row in made.content.verdicts] == [False, True, True]


async def test_of_no_episodes_there_are_no_verdicts() -> None:
    made = await check()
    assert (made.content.verdicts, made.counts) == ((), {"accepted": 0, "rejected": 0})
