"""All episodes of an API, with the embedded teacher and the real mock: apart from each other, and repeatable."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from schemas.episodes import Detail, Episode, Kind
from schemas.errors import FatalTeacherError
from schemas.parameters import KindShares
from schemas.toolset import Toolset
from tasks.agents import instruct_api, simulate_episodes
from tasks.mock import MockApi
from tasks.openapi import list_operations
from tasks.quality import check_episode
from tests.tasks.agents.parts import call, embedded, make_instruction, scripted
from tests.tasks.teacher.endpoints import fail, say

FAULTS = (429, 500, 503, 504)


async def simulate(toolset: Toolset, count: int, seed: int) -> tuple[Episode, ...]:
    async with embedded() as teacher:
        instructions = (await instruct_api(toolset, count, KindShares().by_kind(), 0, teacher)).instructions
        return await simulate_episodes(toolset, instructions, seed, teacher, 4)


async def test_every_kind_is_played_as_it_should_be(toolset: Toolset) -> None:
    episodes = await simulate(toolset, 40, 0)
    assert {episode.instruction.kind for episode in episodes} == set(Kind)
    failed = [v for episode in episodes for v in check_episode(episode, toolset) if not v.keep]
    assert failed == []
    for episode in episodes:
        statuses = [observation.status for observation in episode.trajectory.observations]
        asked = [message.role for message in episode.trajectory.messages].count("user") > 1
        assert asked == (episode.instruction.kind is Kind.MISSING_DETAIL)
        assert bool(statuses) == (episode.instruction.kind is not Kind.NO_TOOL)
        faults = [status for status in statuses if status in FAULTS]
        assert len(faults) == (episode.instruction.kind is Kind.ERROR_RECOVERY)


async def test_each_call_comes_with_a_thought(toolset: Toolset) -> None:
    messages = [m for episode in await simulate(toolset, 10, 0) for m in episode.trajectory.messages if m.tool_calls]
    assert messages
    assert all(message.content for message in messages)


async def test_one_seed_is_one_trajectory_and_another_seed_another_world(toolset: Toolset) -> None:
    first = await simulate(toolset, 10, 0)
    assert await simulate(toolset, 10, 0) == first
    other = await simulate(toolset, 10, 1)
    assert [episode.instruction for episode in other] == [episode.instruction for episode in first]
    assert [episode.trajectory for episode in other] != [episode.trajectory for episode in first]


async def test_an_episode_does_not_depend_on_those_beside_it(toolset: Toolset) -> None:
    episodes = await simulate(toolset, 10, 0)
    async with embedded() as teacher:
        for episode in episodes[::3]:
            assert await simulate_episodes(toolset, [episode.instruction], 0, teacher, 1) == (episode,)


async def test_what_one_episode_deletes_is_still_there_in_the_other(toolset: Toolset) -> None:
    pet = {"petId": "pet_4821"}
    instructions = [make_instruction("Delete the pet.", number=number) for number in (1, 2)]
    script = (call(("deletePet", pet)), call(("getPet", pet)), say("It is gone."))

    def answer(body: dict[str, Any]) -> Response:
        return script[sum(message["role"] == "assistant" for message in body["messages"])](body)

    async with scripted(last=answer) as (teacher, _):
        both = await simulate_episodes(toolset, instructions, 0, teacher, 2)
    for episode in both:
        assert [o.status for o in episode.trajectory.observations] == [200, 404]


async def test_an_episodes_seed_is_that_of_its_world(toolset: Toolset) -> None:
    """What a row records is enough to find out again what its API would have answered."""
    instructions = [make_instruction(number=number) for number in (1, 2)]
    search = call(("searchPets", {"city": "Lyon"}))

    def answer(body: dict[str, Any]) -> Response:
        return (search if body["messages"][-1]["role"] == "user" else say("Some."))(body)

    async with scripted(last=answer) as (teacher, _):
        episodes = await simulate_episodes(toolset, instructions, 0, teacher, 2)
    operations = list_operations(toolset.document)
    for episode in episodes:
        async with httpx.AsyncClient(transport=MockApi(operations, "petfinder").transport(episode.seed)) as client:
            answered = await client.get("http://api/pets", params={"city": "Lyon"})
        assert [observation.body for observation in episode.trajectory.observations] == [answered.json()]
    first, second = (episode.trajectory.observations[0].body for episode in episodes)
    assert first != second


async def test_a_withheld_detail_is_asked_for_and_used(toolset: Toolset) -> None:
    detail = Detail(parameter="city", value="Lyon")
    async with embedded() as teacher:
        (episode,) = await simulate_episodes(
            toolset, [make_instruction("Find pets.", Kind.MISSING_DETAIL, withheld=detail)], 0, teacher, 1
        )
    asked, replied = episode.trajectory.messages[2:4]
    assert "?" in asked.content
    assert "Lyon" in replied.content
    (observation,) = episode.trajectory.observations
    assert "Lyon" in json.dumps(observation.body)


async def test_a_failed_episode_is_a_row_and_its_siblings_go_on(toolset: Toolset) -> None:
    instructions = [make_instruction(f"Find pets, number {number}.", number=number) for number in range(3)]
    refused = fail(400, "too long")  # and once more, for another draw
    async with scripted(say("None."), refused, refused, say("None.")) as (teacher, _):
        episodes = await simulate_episodes(toolset, instructions, 0, teacher, 1)
    assert [episode.trajectory.end for episode in episodes] == ["response", "teacher_error", "response"]


async def test_a_bad_key_stops_them_all(toolset: Toolset) -> None:
    async with scripted(fail(401, "bad key"), last=say("None.")) as (teacher, endpoint):
        with pytest.raises(FatalTeacherError):
            await simulate_episodes(toolset, [make_instruction(number=n) for n in range(5)], 0, teacher, 1)
        for _ in range(100):
            await asyncio.sleep(0)
    assert len(endpoint.requests) < 5  # one may have been on its way


async def test_episodes_are_in_the_order_of_their_instructions_whichever_ends_first(toolset: Toolset) -> None:
    instructions = [make_instruction(f"Find pets, number {number}.", number=number) for number in range(4)]
    long = instructions[0].text

    def answer(body: dict[str, Any]) -> Response:
        turns = sum(message["role"] == "assistant" for message in body["messages"])
        asked = body["messages"][1]["content"]
        return (call(("searchPets", {"city": "Lyon"})) if asked == long and turns < 3 else say("None."))(body)

    async with scripted(last=answer) as (teacher, _):
        episodes = await simulate_episodes(toolset, instructions, 0, teacher, 4)
    assert [episode.instruction for episode in episodes] == instructions
    assert [len(episode.trajectory.observations) for episode in episodes] == [3, 0, 0, 0]
    assert len({episode.seed for episode in episodes}) == 4


@pytest.mark.parametrize("kind", Kind)
async def test_only_where_an_error_is_to_be_overcome_the_api_errs_and_once(toolset: Toolset, kind: Kind) -> None:
    search = call(("searchPets", {"city": "Lyon"}))
    async with scripted(search, search, say("Some.")) as (teacher, _):
        (episode,) = await simulate_episodes(toolset, [make_instruction(kind=kind)], 0, teacher, 1)
    failed = [observation.status in FAULTS for observation in episode.trajectory.observations]
    assert failed == ([True, False] if kind is Kind.ERROR_RECOVERY else [False, False])


async def test_no_more_are_played_at_a_time_than_was_said(toolset: Toolset) -> None:
    instructions = [make_instruction(number=number) for number in range(6)]
    async with scripted(last=say("None.")) as (teacher, endpoint):
        endpoint.delay_s = 0.01
        await simulate_episodes(toolset, instructions, 0, teacher, 2)
    assert endpoint.busiest == 2
