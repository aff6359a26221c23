"""How long an episode may go on, to the turn; and assistants that say or call more than they should."""

import json

import httpx
import pytest

from schemas.base import dump_json
from schemas.episodes import Detail, Episode, Instruction, Kind
from schemas.toolset import Toolset
from tasks.agents.episode import EpisodeApi, run_episode
from tasks.mock import MockApi
from tasks.openapi import list_operations
from tasks.teacher import Ledger
from tests.tasks.agents.parts import CountingTransport, call, make_instruction, scripted
from tests.tasks.teacher.endpoints import Endpoint, Reply, fail, say

SEARCH = call(("searchPets", {"city": "Lyon"}))
WITHHELD = make_instruction("Find pets.", Kind.MISSING_DETAIL, withheld=Detail(parameter="city", value="Lyon"))


async def play(
    toolset: Toolset,
    *script: Reply,
    instruction: Instruction | None = None,
    seed: int = 1,
    ledger: Ledger | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> tuple[Episode, Endpoint]:
    operations = list_operations(toolset.document)
    counting = CountingTransport(transport or MockApi(operations, toolset.entry.id).transport(1))
    world = EpisodeApi({operation.name: operation for operation in operations}, counting)
    async with scripted(*script, ledger=ledger) as (teacher, endpoint):
        return await run_episode(toolset, instruction or make_instruction(), world, seed, teacher), endpoint


class TestTurns:
    async def test_a_response_in_the_eighth_turn_is_one(self, toolset: Toolset) -> None:
        episode, endpoint = await play(toolset, *[SEARCH] * 7, say("There are pets."))
        assert (episode.trajectory.end, episode.trajectory.response) == ("response", "There are pets.")
        assert len(endpoint.requests) == 8

    async def test_there_is_no_ninth_turn(self, toolset: Toolset) -> None:
        episode, endpoint = await play(toolset, *[SEARCH] * 8)
        trajectory = episode.trajectory
        assert (trajectory.end, trajectory.response, trajectory.error) == ("too_many_steps", "", "")
        assert [message.role for message in trajectory.messages] == ["system", "user"] + ["assistant", "tool"] * 8
        assert len(endpoint.requests) == 8

    async def test_a_question_in_the_eighth_turn_is_answered_and_leads_no_further(self, toolset: Toolset) -> None:
        episode, endpoint = await play(toolset, *[SEARCH] * 7, say("Which one?"), say("The first."))
        assert episode.trajectory.end == "too_many_steps"
        assert episode.trajectory.messages[-1].content == "The first."
        assert len(endpoint.requests) == 9

    async def test_a_polite_question_in_the_eighth_turn_is_a_response(self, toolset: Toolset) -> None:
        episode, _ = await play(toolset, *[SEARCH] * 7, say("There are none. Anything else?"), say("DONE"))
        assert (episode.trajectory.end, episode.trajectory.response) == ("response", "There are none. Anything else?")

    async def test_the_users_turns_are_not_the_assistants(self, toolset: Toolset) -> None:
        questions = [reply for _ in range(7) for reply in (say("Which one?"), say("Another."))]
        episode, endpoint = await play(toolset, *questions, say("There are none."))
        assert (episode.trajectory.end, episode.trajectory.response) == ("response", "There are none.")
        assert len(endpoint.requests) == 15


class TestTooMuch:
    async def test_all_the_calls_of_one_turn_are_made_however_many_there_are(self, toolset: Toolset) -> None:
        cities = [f"City {number}" for number in range(30)]
        episode, _ = await play(toolset, call(*(("searchPets", {"city": city}) for city in cities)), say("Many."))
        ids = [f"call_{number}" for number in range(1, 31)]
        called = episode.trajectory.messages[2].tool_calls
        assert [one.id for one in called] == [o.tool_call_id for o in episode.trajectory.observations] == ids
        assert [json.loads(one.arguments)["city"] for one in called] == cities
        assert [message.tool_call_id for message in episode.trajectory.messages[3:-1]] == ids

    async def test_a_call_that_comes_with_a_question_is_made_and_the_user_not_asked(self, toolset: Toolset) -> None:
        asking = call(("searchPets", {"city": "Lyon"}), thought="Which city? I try Lyon.")
        episode, endpoint = await play(toolset, asking, say("There are pets."), instruction=WITHHELD)
        assert [message.role for message in episode.trajectory.messages] == [
            "system", "user", "assistant", "tool", "assistant"
        ]  # fmt: skip
        assert len(endpoint.requests) == 2

    async def test_a_call_needs_no_words(self, toolset: Toolset) -> None:
        silent = call(("searchPets", {"city": "Lyon"}), thought="")
        episode, _ = await play(toolset, silent, say("There are pets."))
        assert episode.trajectory.messages[2].content == ""
        assert episode.trajectory.end == "response"

    @pytest.mark.parametrize(("written", "kept"), [('  {"city": "Lyon"}\n', '{"city": "Lyon"}'), (" \n", "{}")])
    async def test_space_around_arguments_is_none_of_them(self, toolset: Toolset, written: str, kept: str) -> None:
        episode, _ = await play(toolset, call(("searchPets", written)), say("There are pets."))
        assert episode.trajectory.messages[2].tool_calls[0].arguments == kept


async def test_every_request_of_an_episode_has_a_seed_of_its_own_that_follows_from_the_episodes(
    toolset: Toolset,
) -> None:
    script = [say("Which city?"), say("Lyon."), SEARCH, say("Dogs or cats?"), say("Dogs."), say("There are pets.")]
    _, endpoint = await play(toolset, *script, instruction=WITHHELD, seed=1)
    _, again = await play(toolset, *script, instruction=WITHHELD, seed=1)
    _, other = await play(toolset, *script, instruction=WITHHELD, seed=2)
    seeds = [body["seed"] for body in endpoint.requests]
    assert seeds == [body["seed"] for body in again.requests]
    assert len({*seeds, *(body["seed"] for body in other.requests)}) == 12


async def test_an_episode_is_kept_with_what_it_was_played_from_and_told_to_the_ledger(toolset: Toolset) -> None:
    ledger, instruction = Ledger(), make_instruction("Find pets.", number=4)
    episode, endpoint = await play(
        toolset, say("Where?"), say("Lyon."), say("None."), instruction=instruction, seed=77, ledger=ledger
    )
    assert (episode.instruction, episode.seed) == (instruction, 77)
    rows = [(row.stage, row.api_id, row.owner) for row in ledger.rows]
    assert rows == [("simulate", "petfinder", "petfinder-004")] * 3
    system = endpoint.requests[0]["messages"][0]
    assert system["role"] == "system"
    assert toolset.introduction in system["content"]
    assert endpoint.requests[0]["tools"] == [function.as_tool() for function in toolset.functions]


async def test_a_user_who_gives_no_answer_ends_the_episode_with_what_there_was(toolset: Toolset) -> None:
    episode, _ = await play(toolset, say("Where?"), fail(400, "too long"), fail(400, "too long"))
    trajectory = episode.trajectory
    assert trajectory.end == "teacher_error"
    assert "too long" in trajectory.error
    assert [message.content for message in trajectory.messages[1:]] == ["Find pets in Lyon.", "Where?"]


async def test_an_answer_is_shown_in_its_own_characters(toolset: Toolset) -> None:
    body = {"pets": [{"id": "pet_1", "name": "Jürgen 🐕", "city": "Århus", "age_years": 3}]}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=body))
    episode, _ = await play(toolset, SEARCH, say("There is Jürgen."), transport=transport)
    shown = episode.trajectory.messages[3].content
    assert "Jürgen 🐕" in shown
    assert json.loads(shown) == {"status": 200, "body": body}


class TestTooMuchToGoOnWith:
    @pytest.mark.parametrize(
        ("reply", "error"),
        [
            (call(*[("searchPets", {"city": "Lyon"})] * 129), "one answer holds more than 128 calls"),
            (say("Pets. " * 10_000), "one answer holds 60,000 characters, and 50,000 are the limit"),
            (call(("searchPets", {"city": "x" * 60_000})), "characters, and 50,000 are the limit"),
        ],
    )
    async def test_an_answer_beyond_all_measure_ends_the_episode_with_a_reason(
        self, toolset: Toolset, reply: Reply, error: str
    ) -> None:
        episode, endpoint = await play(toolset, reply)
        assert (episode.trajectory.end, episode.trajectory.observations) == ("teacher_error", ())
        assert error in episode.trajectory.error
        assert len(endpoint.requests) == 1

    async def test_so_does_such_an_answer_of_the_user(self, toolset: Toolset) -> None:
        episode, _ = await play(toolset, say("Which city?"), say("Lyon. " * 10_000), instruction=WITHHELD)
        assert (episode.trajectory.end, episode.trajectory.messages[-1].content) == ("teacher_error", "Which city?")

    async def test_as_many_calls_as_may_be_are_made(self, toolset: Toolset) -> None:
        episode, _ = await play(toolset, call(*[("searchPets", {"city": "Lyon"})] * 128), say("Many."))
        assert (episode.trajectory.end, len(episode.trajectory.observations)) == ("response", 128)

    @pytest.mark.parametrize(
        "arguments",
        ["[" * 1000 + "]" * 1000, '{"city": ' + "[" * 300 + "]" * 300 + "}",
         '{"city": "Lyon", "limit": ' + "9" * 4000 + "}", '{"city": "Lyon", "limit": NaN}', "[" * 40_000],
    )  # fmt: skip
    async def test_arguments_that_nothing_can_be_made_of_get_a_400_and_the_episode_goes_on(
        self, toolset: Toolset, arguments: str
    ) -> None:
        episode, _ = await play(toolset, call(("searchPets", arguments)), say("There are none."))
        (observation,) = episode.trajectory.observations
        assert (episode.trajectory.end, observation.status) == ("response", 400)
        dump_json(episode)
