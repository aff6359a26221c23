"""The judge reads an episode whole, and gives a grade with a reason for its process and for its response."""

import json
from typing import Any

import pytest

from schemas.episodes import Detail, Kind
from schemas.errors import TeacherError
from schemas.judging import Grade, Vote
from schemas.toolset import Toolset
from tasks.agents.judge import judge_episode
from tasks.teacher import Ledger
from tests.tasks.agents.parts import scripted, write
from tests.tasks.quality.building import build_episode, say, search, user
from tests.tasks.teacher.endpoints import fail
from tests.tasks.teacher.endpoints import say as answer

EPISODE = build_episode(search(), say("Which one?"), user("Luna."), say("Luna is 7."), text="Which pet in Lyon is it?")
RIGHT = Grade(right=True, reason="It is so.")
WRONG = Grade(right=False, reason="It is not.")


def verdict(process: Any = "right", response: Any = "right") -> dict[str, Any]:
    reasons = {"right": "It is so.", "wrong": "It is not."}
    return {
        side: {"reason": reasons.get(given, ""), "verdict": given}
        for side, given in (("process", process), ("response", response))
    }


async def test_a_judge_is_shown_the_whole_episode_in_its_order(toolset: Toolset) -> None:
    ledger = Ledger()
    async with scripted(write(verdict("right", "wrong")), ledger=ledger) as (teacher, endpoint):
        votes = await judge_episode(EPISODE, toolset, 1, teacher)
    assert votes == (Vote(process=RIGHT, response=WRONG),)
    (request,) = endpoint.requests
    prompt = request["messages"][0]["content"]
    turns = json.loads(prompt.split("<process>")[1].split("</process>")[0])
    assert [next(iter(turn)) for turn in turns] == ["assistant", "call", "api", "assistant", "user"]
    assert turns[1]["call"] == "searchPets"
    assert json.loads(turns[1]["arguments"]) == {"city": "Lyon"}
    assert turns[-1] == {"user": "Luna."}
    for told in ("Which pet in Lyon is it?", "<response>\nLuna is 7.", "searchPets", toolset.introduction):
        assert told in prompt
    assert "had in mind" not in prompt
    (row,) = ledger.rows
    assert (row.stage, row.role, row.owner) == ("judge", "judge", EPISODE.instruction.id)


async def test_a_judge_is_told_what_the_user_had_in_mind(toolset: Toolset) -> None:
    detail = Detail(parameter="city", value="Lyon")
    asked = build_episode(say("Where?"), user("Lyon."), search(), say("Luna."), kind=Kind.MISSING_DETAIL)
    asked = asked.model_copy(update={"instruction": asked.instruction.model_copy(update={"withheld": detail})})
    async with scripted(write(verdict())) as (teacher, endpoint):
        await judge_episode(asked, toolset, 1, teacher)
    assert 'only if asked: {"parameter":"city","value":"Lyon"}' in endpoint.requests[0]["messages"][0]["content"]


async def test_several_judges_are_asked_the_same_with_seeds_of_their_own(toolset: Toolset) -> None:
    async with scripted(*[write(verdict(given)) for given in ("right", "wrong", "right")]) as (teacher, endpoint):
        votes = await judge_episode(EPISODE, toolset, 3, teacher)
    assert sorted(vote.process.right for vote in votes) == [False, True, True]
    assert len({request["seed"] for request in endpoint.requests}) == 3
    assert len({request["messages"][0]["content"] for request in endpoint.requests}) == 1


@pytest.mark.parametrize("given", ["Right", "correct.", "yes", True, "PASS"])
@pytest.mark.parametrize("other", ["Wrong", "incorrect", "no!", False, "fail"])
async def test_a_verdict_in_other_words_is_read_as_it_was_meant(toolset: Toolset, given: Any, other: Any) -> None:
    async with scripted(write(verdict(given, other))) as (teacher, _):
        (vote,) = await judge_episode(EPISODE, toolset, 1, teacher)
    assert (vote.process.right, vote.response.right) == (True, False)


@pytest.mark.parametrize("unread", [answer("Both are fine."), write(verdict("perhaps")), write({"process": {}})])
async def test_a_verdict_that_cannot_be_read_is_asked_for_again(toolset: Toolset, unread: Any) -> None:
    async with scripted(unread, write(verdict())) as (teacher, endpoint):
        votes = await judge_episode(EPISODE, toolset, 1, teacher)
    assert votes == (Vote(process=RIGHT, response=RIGHT),)
    assert len(endpoint.requests) == 2


async def test_a_judge_who_never_gives_one_has_no_vote(toolset: Toolset) -> None:
    async with scripted(last=answer("Hm.")) as (teacher, _):
        assert await judge_episode(EPISODE, toolset, 1, teacher) == ()


async def test_a_judge_that_cannot_be_asked_is_an_error(toolset: Toolset) -> None:
    async with scripted(last=fail(400, "too long")) as (teacher, _):
        with pytest.raises(TeacherError, match="too long"):
            await judge_episode(EPISODE, toolset, 1, teacher)
