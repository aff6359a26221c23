"""One episode, turn by turn: a scripted assistant before the real mock."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse

from schemas.episodes import Detail, Episode, Instruction, Kind, Trajectory
from schemas.errors import FatalTeacherError
from schemas.reasons import Reason
from schemas.toolset import Toolset
from tasks.agents.episode import MOST_TURNS, EpisodeApi, run_episode
from tasks.executors.simulated import FAULT
from tasks.mock import MockApi
from tasks.openapi import list_operations
from tests.tasks.agents.parts import CountingTransport, call, make_instruction, scripted
from tests.tasks.teacher.endpoints import Endpoint, Reply, build_answer, fail, say

LYON = {"city": "Lyon"}
Answer = Callable[[httpx.Request], httpx.Response]


async def play(
    toolset: Toolset,
    *script: Reply,
    instruction: Instruction | None = None,
    last: Reply | None = None,
    is_remote: bool = False,
    **mock: Any,
) -> tuple[Trajectory, Endpoint, CountingTransport]:
    """The trajectory, what the teacher was asked, and what was sent to the API."""
    operations = list_operations(toolset.document)
    transport = CountingTransport(MockApi(operations, toolset.entry.id).transport(1, **mock))
    world = EpisodeApi({operation.name: operation for operation in operations}, transport)
    async with scripted(*script, last=last, is_remote=is_remote) as (teacher, endpoint):
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


def answer(message: dict[str, Any], finish: str = "stop") -> Reply:
    """A reply that is this message."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", **message}}
    return lambda _: JSONResponse(build_answer(choices=[choice]))


def write_call(call_id: str, city: str = "Lyon", **extra: Any) -> dict[str, Any]:
    function = {"name": "searchPets", "arguments": json.dumps({"city": city})}
    return {"id": call_id, "type": "function", "function": function, **extra}


class TestTurnsGoBackAsTheyCame:
    async def test_with_the_endpoint_s_ids_and_with_all_that_its_message_had(self, toolset: Toolset) -> None:
        first = {"content": None, "tool_calls": [write_call("x7Hk2mPq9", extra_content={"google": {"s": "AY8"}})],
                 "reasoning_content": "Hm"}  # fmt: skip
        trajectory, endpoint, _ = await play(toolset, answer(first), say("There are pets."), is_remote=True)
        called, result = endpoint.requests[1]["messages"][2:]
        assert (called["reasoning_content"], called["content"]) == ("Hm", "")
        assert called["tool_calls"] == [write_call("x7Hk2mPq9", extra_content={"google": {"s": "AY8"}})]
        assert result["tool_call_id"] == "x7Hk2mPq9"
        assert trajectory.messages[2].tool_calls[0].id == trajectory.messages[3].tool_call_id == "call_1"

    async def test_ids_that_are_empty_or_come_twice_are_made_good(self, toolset: Toolset) -> None:
        script = [answer({"tool_calls": [write_call(""), write_call("same", "Oslo"), write_call("same", "Rome")]}),
                  answer({"tool_calls": [write_call("same", "Bonn")]}), say("There are pets.")]  # fmt: skip
        _, endpoint, _ = await play(toolset, *script, is_remote=True)
        messages = endpoint.requests[2]["messages"]
        ids = [call["id"] for message in messages for call in message.get("tool_calls", ())]
        assert len(set(ids)) == 4
        assert ids[1] == "same"
        assert ids == [message["tool_call_id"] for message in messages if message["role"] == "tool"]

    async def test_a_question_goes_back_with_its_thoughts_too(self, toolset: Toolset) -> None:
        asked = answer({"content": "In which city?", "reasoning_content": "Hm"})
        _, endpoint, _ = await play(toolset, asked, say("Lyon."), say("There are none."), is_remote=True)
        assert endpoint.requests[2]["messages"][2]["reasoning_content"] == "Hm"
        assert "Hm" not in json.dumps(endpoint.requests[1])  # the user hears what is said

    async def test_an_endpoint_that_wants_other_ids_or_thoughts_that_it_never_gave_is_given_them(
        self, toolset: Toolset
    ) -> None:
        script = [answer({"tool_calls": [write_call("call_x")]}),
                  fail(400, "Tool call id was call_x but must be a-z, A-Z, 0-9, with a length of 9."),
                  fail(400, "The `reasoning_content` in the thinking mode must be passed back to the API."),
                  say("There are pets.")]  # fmt: skip
        trajectory, endpoint, _ = await play(toolset, *script, is_remote=True)
        assert trajectory.end == "response"
        called = endpoint.requests[3]["messages"][2]
        assert (called["tool_calls"][0]["id"], called["reasoning_content"]) == ("call00001", "")


async def test_the_embedded_teacher_is_asked_with_the_ids_that_rows_have(toolset: Toolset) -> None:
    _, endpoint, _ = await play(toolset, answer({"tool_calls": [write_call("x7Hk2mPq9")]}), say("There are pets."))
    assert endpoint.requests[1]["messages"][3]["tool_call_id"] == "call_1"


async def test_an_episode_whose_every_draw_of_a_turn_is_none_ends_with_the_flaw(toolset: Toolset) -> None:
    cut = answer({"content": "There are"}, "length")
    trajectory, endpoint, _ = await play(toolset, call(("searchPets", LYON)), cut, cut, cut)
    assert (trajectory.end, trajectory.flaw, trajectory.response) == ("teacher_error", "cut_off", "")
    assert trajectory.error == "no answer in 3 draws; the last was cut off: it ended with 'length'"
    assert roles(trajectory) == ["system", "user", "assistant", "tool"]
    assert len(endpoint.requests) == 4


async def test_a_question_without_a_question_mark_goes_to_the_user_too(toolset: Toolset) -> None:
    withheld = make_instruction("Find pets.", Kind.MISSING_DETAIL, withheld=Detail(parameter="city", value="Lyon"))
    script = [say("Please tell me the city."), say("In Lyon."), call(("searchPets", LYON)), say("There are pets.")]
    trajectory, _, _ = await play(toolset, *script, instruction=withheld)
    assert trajectory.messages[3].content == "In Lyon."


async def test_an_offer_does_not(toolset: Toolset) -> None:
    trajectory, endpoint, _ = await play(toolset, say("There are none. Let me know if you need more."))
    assert (trajectory.end, len(endpoint.requests)) == ("response", 1)


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


def plan(kind: Kind = Kind.SINGLE_CALL, *functions: str) -> Instruction:
    return make_instruction(kind=kind).model_copy(update={"functions": functions})


TOLD = (
    "You can use `searchPets` with the city Lyon.",
    '```json\n{"name": "searchPets", "arguments": {"city": "Lyon"}}\n```',
    "Action: searchPets",
)


@pytest.mark.parametrize("told", TOLD)
async def test_a_call_that_is_told_of_and_not_made_is_drawn_again(toolset: Toolset, told: str) -> None:
    script = [say(told), say(told), call(("searchPets", LYON)), say("There are pets.")]
    trajectory, endpoint, _ = await play(toolset, *script, instruction=plan(Kind.SINGLE_CALL, "searchPets"))
    assert roles(trajectory) == ["system", "user", "assistant", "tool", "assistant"]
    assert trajectory.response == "There are pets."
    first, second, third, _ = (request["messages"] for request in endpoint.requests)
    assert first == second == third


async def test_who_only_ever_tells_of_a_call_is_taken_at_the_third_word(toolset: Toolset) -> None:
    told = say(TOLD[0])
    trajectory, endpoint, _ = await play(toolset, told, told, told, instruction=plan(Kind.SINGLE_CALL, "searchPets"))
    assert (trajectory.end, trajectory.response, len(endpoint.requests)) == ("response", TOLD[0], 3)


async def test_where_no_function_fits_it_may_be_told_which_there_are(toolset: Toolset) -> None:
    told = "I cannot book a flight; there is only searchPets."
    trajectory, endpoint, _ = await play(toolset, say(told), instruction=plan(Kind.NO_TOOL))
    assert (trajectory.response, len(endpoint.requests)) == (told, 1)


async def test_an_answer_that_cannot_be_used_ends_the_episode_and_no_further_call_is_made(toolset: Toolset) -> None:
    fault = (Reason.EMPTY_ANSWER, "nothing is found")
    answer = httpx.Response(200, json={"pets": []}, extensions={FAULT: fault})
    transport = CountingTransport(lambda _: answer)
    operations = {operation.name: operation for operation in list_operations(toolset.document)}
    script = call(("searchPets", LYON), ("searchPets", {"city": "Oslo"}))
    async with scripted(script) as (teacher, _):
        episode = await run_episode(toolset, make_instruction(), EpisodeApi(operations, transport), 1, teacher)
    trajectory = episode.trajectory
    assert (trajectory.end, trajectory.response, len(transport.requests)) == ("invalid_response", "", 1)
    (observation,) = trajectory.observations
    assert (observation.valid, observation.reason, observation.problem) == (False, *fault)
    assert roles(trajectory) == ["system", "user", "assistant", "tool"]
