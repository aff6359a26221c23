"""One episode, turn by turn: a scripted assistant before the real mock."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from schemas.episodes import Detail, Episode, Instruction, Kind, Trajectory
from schemas.errors import FatalTeacherError
from schemas.toolset import Toolset
from tasks.agents.episode import MOST_TURNS, EpisodeApi, run_episode
from tasks.mock import MockApi
from tasks.openapi import list_operations
from tests.tasks.agents.parts import CountingTransport, call, make_instruction, scripted
from tests.tasks.teacher.endpoints import Endpoint, Reply, fail, say

LYON = {"city": "Lyon"}
Answer = Callable[[httpx.Request], httpx.Response]


async def play(
    toolset: Toolset, *script: Reply, instruction: Instruction | None = None, last: Reply | None = None, **mock: Any
) -> tuple[Trajectory, Endpoint, CountingTransport]:
    """The trajectory, what the teacher was asked, and what was sent to the API."""
    operations = list_operations(toolset.document)
    transport = CountingTransport(MockApi(operations, toolset.entry.id).transport(1, **mock))
    world = EpisodeApi({operation.name: operation for operation in operations}, transport)
    async with scripted(*script, last=last) as (teacher, endpoint):
        episode = await run_episode(toolset, instruction or make_instruction(), world, 1, teacher)
    assert Episode.model_validate_json(episode.model_dump_json()) == episode
    return episode.trajectory, endpoint, transport


def roles(trajectory: Trajectory) -> list[str]:
    return [message.role for message in trajectory.messages]


async def test_a_call_is_kept_with_its_thought_and_its_observation(toolset: Toolset) -> None:
    trajectory, endpoint, transport = await play(
        toolset, call(("searchPets", LYON), thought="I search Lyon."), say("There are pets.")
    )
    assert roles(trajectory) == ["system", "user", "assistant", "tool", "assistant"]
    system, user, thought, tool, response = trajectory.messages
    assert "Petfinder" in system.content
    assert user.content == "Find pets in Lyon."
    assert thought.content == "I search Lyon."
    assert [(c.id, c.name, json.loads(c.arguments)) for c in thought.tool_calls] == [("call_1", "searchPets", LYON)]
    (observation,) = trajectory.observations
    assert json.loads(tool.content) == {"status": observation.status, "body": observation.body}
    assert (tool.tool_call_id, observation.tool_call_id, observation.status) == ("call_1", "call_1", 200)
    assert all(pet["city"] == "Lyon" for pet in observation.body["pets"])  # type: ignore[index,call-overload]
    assert (trajectory.end, trajectory.response) == ("response", response.content)
    assert len(transport.requests) == 1
    assert [tool["function"]["name"] for tool in endpoint.requests[0]["tools"]] == [f.name for f in toolset.functions]


async def test_the_teacher_reads_its_own_call_and_what_came_of_it(toolset: Toolset) -> None:
    _, endpoint, _ = await play(toolset, call(("searchPets", LYON)), say("There are pets."))
    called, result = endpoint.requests[1]["messages"][2:]
    assert called["tool_calls"] == [
        {"id": "call_1", "type": "function", "function": {"name": "searchPets", "arguments": json.dumps(LYON)}}
    ]
    assert result["role"] == "tool"
    assert result["tool_call_id"] == "call_1"


async def test_calls_of_one_turn_are_answered_in_their_order(toolset: Toolset) -> None:
    both = call(("searchPets", LYON), ("searchPets", {"city": "Oslo"}))
    trajectory, _, transport = await play(toolset, both, call(("searchPets", {"city": "Rome"})), say("Here they are."))
    assert roles(trajectory) == ["system", "user", "assistant", "tool", "tool", "assistant", "tool", "assistant"]
    assert [o.tool_call_id for o in trajectory.observations] == ["call_1", "call_2", "call_3"]
    assert [request.url.params["city"] for request in transport.requests] == ["Lyon", "Oslo", "Rome"]


async def test_a_question_goes_to_the_user_and_the_reply_comes_back(toolset: Toolset) -> None:
    withheld = make_instruction("Find pets.", Kind.MISSING_DETAIL, withheld=Detail(parameter="city", value="Lyon"))
    script = [say("In which city?"), say("In Lyon."), call(("searchPets", LYON)), say("There are pets.")]
    trajectory, endpoint, _ = await play(toolset, *script, instruction=withheld)
    assert roles(trajectory) == ["system", "user", "assistant", "user", "assistant", "tool", "assistant"]
    assert trajectory.messages[3].content == "In Lyon."
    assert endpoint.requests[2]["messages"][-1] == {"role": "user", "content": "In Lyon."}


async def test_a_polite_question_at_the_end_does_not_go_on(toolset: Toolset) -> None:
    trajectory, _, _ = await play(toolset, say("There are none. Anything else?"), say("DONE"))
    assert (trajectory.end, trajectory.response) == ("response", "There are none. Anything else?")


async def test_an_answer_without_a_question_is_not_shown_to_the_user(toolset: Toolset) -> None:
    _, endpoint, _ = await play(toolset, say("None of my functions can do that."))
    assert len(endpoint.requests) == 1


async def test_silence_is_drawn_again_and_at_last_ends_the_episode_for_what_it_is(toolset: Toolset) -> None:
    trajectory, endpoint, _ = await play(toolset, say(""), say("  "), say("There are pets."))
    assert (trajectory.end, trajectory.response) == ("response", "There are pets.")
    assert len({body["seed"] for body in endpoint.requests}) == 3
    trajectory, endpoint, _ = await play(toolset, last=say(""))
    assert (trajectory.end, trajectory.flaw) == ("teacher_error", "empty")
    assert trajectory.error == "no answer in 6 draws; the last was empty: it says nothing"


async def test_an_assistant_that_never_comes_to_an_end_is_stopped_after_eight_turns(toolset: Toolset) -> None:
    trajectory, endpoint, transport = await play(toolset, last=call(("searchPets", LYON)))
    assert trajectory.end == "too_many_steps"
    assert trajectory.response == ""
    assert len(endpoint.requests) == len(transport.requests) == MOST_TURNS == 8


@pytest.mark.parametrize(
    ("name", "arguments", "status"),
    [
        ("findPets", LYON, 404),
        ("searchPets", '{"city": "Ly', 400),
        ("searchPets", {}, 400),
        ("searchPets", {"city": ["Lyon"]}, 400),
        ("searchPets", {**LYON, "limit": 500}, 400),
    ],
)
async def test_a_bad_call_is_refused_unsent_and_the_episode_goes_on(
    toolset: Toolset, name: str, arguments: Any, status: int
) -> None:
    trajectory, _, transport = await play(toolset, call((name, arguments)), call(("searchPets", LYON)), say("Some."))
    assert [observation.status for observation in trajectory.observations] == [status, 200]
    assert [request.url.params["city"] for request in transport.requests] == ["Lyon"]
    assert json.loads(trajectory.messages[3].content)["body"]["error"]["message"]
    assert trajectory.end == "response"


async def test_no_arguments_at_all_are_an_empty_object(toolset: Toolset) -> None:
    trajectory, _, _ = await play(toolset, call(("searchPets", "")), say("I need a city."))
    assert trajectory.messages[2].tool_calls[0].arguments == "{}"
    (observation,) = trajectory.observations
    assert "city" in json.dumps(observation.body)


async def test_a_teacher_that_fails_leaves_what_there_was(toolset: Toolset) -> None:
    trajectory, _, _ = await play(toolset, call(("searchPets", LYON)), last=fail(400, "too long"))
    assert trajectory.end == "teacher_error"
    assert "too long" in trajectory.error
    assert roles(trajectory) == ["system", "user", "assistant", "tool"]
    assert len(trajectory.observations) == 1


async def test_a_teacher_that_cannot_be_used_at_all_stops_the_run(toolset: Toolset) -> None:
    with pytest.raises(FatalTeacherError):
        await play(toolset, last=fail(401, "bad key"))


async def test_an_api_that_errs_once_errs_once(toolset: Toolset) -> None:
    search = call(("searchPets", LYON))
    trajectory, _, _ = await play(toolset, search, search, say("There are pets."), fail_once=True)
    first, second = trajectory.observations
    assert first.status in (429, 500, 503, 504)
    assert second.status == 200
