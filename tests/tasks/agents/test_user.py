"""The user agent in a running chat: sees the words, with the roles turned round, and none of the calls."""

import json
from typing import Any

import pytest

from schemas.episodes import Detail, Kind, Message, ToolCall
from tasks.agents.user import ask_user
from tasks.teacher import Ledger
from tests.tasks.agents.parts import embedded, make_instruction, scripted
from tests.tasks.teacher.endpoints import say

WITHHELD = make_instruction("Find pets.", Kind.MISSING_DETAIL, withheld=Detail(parameter="city", value="Lyon"))
FUNCTIONS = frozenset({"searchPets", "getPet"})
CHAT = (
    Message(role="system", content="You are helpful."),
    Message(role="user", content="Find pets."),
    Message(
        role="assistant", content="I look.", tool_calls=(ToolCall(id="call_1", name="searchPets", arguments="{}"),)
    ),
    Message(role="tool", content='{"status": 400, "body": null}', tool_call_id="call_1"),
    Message(role="assistant", content="In which city?"),
)


async def test_the_embedded_user_tells_what_it_has_in_mind() -> None:
    async with embedded() as teacher:
        reply = await ask_user(WITHHELD, CHAT, FUNCTIONS, 0, teacher)
    assert reply is not None
    assert "Lyon" in reply


async def test_to_the_user_the_assistant_is_the_other_one() -> None:
    chat = (*CHAT, Message(role="user", content="Lyon."), Message(role="assistant", content="Lyon in France?"))
    async with scripted(say("Yes.")) as (teacher, endpoint):
        assert await ask_user(WITHHELD, chat, FUNCTIONS, 7, teacher) == "Yes."
    (request,) = endpoint.requests
    system, *rest = request["messages"]
    assert system["role"] == "system"
    assert "Find pets." in system["content"]
    assert '{"parameter":"city","value":"Lyon"}' in system["content"]
    assert rest == [
        {"role": "user", "content": "In which city?"},
        {"role": "assistant", "content": "Lyon."},
        {"role": "user", "content": "Lyon in France?"},
    ]
    assert "tools" not in request
    assert request["seed"] == 7


async def test_a_user_with_nothing_in_mind_is_told_of_no_detail() -> None:
    async with scripted(say("Any.")) as (teacher, endpoint):
        await ask_user(make_instruction(), CHAT, FUNCTIONS, 0, teacher)
    assert "<detail>" not in endpoint.requests[0]["messages"][0]["content"]


@pytest.mark.parametrize(
    "answer", ["DONE", "done.", ' "DONE" ', "Done!", "'Done'.", "**DONE**", "DONE. I have all I need.", "."]
)
async def test_done_means_that_no_answer_is_needed(answer: str) -> None:
    async with scripted(say(answer)) as (teacher, _):
        assert await ask_user(make_instruction(), CHAT, FUNCTIONS, 0, teacher) is None


@pytest.mark.parametrize("answer", ["", " \n"])
async def test_nor_is_one_needed_where_the_user_says_nothing_however_often(answer: str) -> None:
    async with scripted(last=say(answer)) as (teacher, endpoint):
        assert await ask_user(make_instruction(), CHAT, FUNCTIONS, 0, teacher) is None
    assert len(endpoint.requests) == 6


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        ("Done?", "Done?"),
        ("DONE?", "DONE?"),
        (
            "DONE is what the pet is called, and it lives in Lyon, in France.",
            "DONE is what the pet is called, and it lives in Lyon, in France.",
        ),
        ("I am done.", "I am done."),
        ("Not done", "Not done"),
        ("Done with Lyon, now Oslo.", "Done with Lyon, now Oslo."),
        (' "In Lyon!" \n', '"In Lyon!"'),
        ("?", "?"),
    ],
)
async def test_anything_else_is_what_the_user_says(answer: str, reply: str) -> None:
    async with scripted(say(answer)) as (teacher, _):
        assert await ask_user(make_instruction(), CHAT, FUNCTIONS, 0, teacher) == reply


async def test_the_user_reads_words_and_nothing_else() -> None:
    calls = (ToolCall(id="call_1", name="searchPets", arguments="{}"),)
    chat = (
        *CHAT[:2],
        Message(role="assistant", content=""),
        Message(role="assistant", content="Which city?", tool_calls=calls),
        Message(role="tool", content="", tool_call_id="call_1"),
        Message(role="assistant", content="Dogs or cats?"),
    )
    ledger = Ledger()
    async with scripted(say("Dogs."), ledger=ledger) as (teacher, endpoint):
        assert await ask_user(make_instruction(number=7), chat, FUNCTIONS, 0, teacher) == "Dogs."
    assert endpoint.requests[0]["messages"][1:] == [{"role": "user", "content": "Dogs or cats?"}]
    (row,) = ledger.rows
    assert (row.stage, row.api_id, row.owner) == ("simulate", "petfinder", "petfinder-007")


async def test_the_embedded_user_takes_no_question_mark_in_a_title_for_a_question() -> None:
    chat = (*CHAT[:2], Message(role="assistant", content='I found "Who let the dogs out?" by Baha Men.'))
    async with embedded() as teacher:
        assert await ask_user(make_instruction(), chat, FUNCTIONS, 0, teacher) is None


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ("I'd use searchPets for that.", "it speaks of functions"),
        ('{"name": "searchPets", "arguments": {"city": "Lyon"}}', "it speaks of functions"),
        ("How can I help you today?", "it speaks as the assistant does (How can I help)"),
        ("I'll search for pets in Lyon.", "it speaks as the assistant does"),
        ("I found 3 pets in Lyon.", "it speaks as the assistant does"),
        ("Please provide the city.", "it speaks as the assistant does"),
        ("In Oslo, please.", "you are asked for city, and it does not say what you have in mind"),
        ("I do not know.", "you are asked for city"),
    ],
)
async def test_a_reply_that_no_user_would_give_is_turned_down_once(reply: str, problem: str) -> None:
    async with scripted(say(reply), say("In Lyon.")) as (teacher, endpoint):
        assert await ask_user(WITHHELD, CHAT, FUNCTIONS, 0, teacher) == "In Lyon."
    first, second = (request["messages"][0]["content"] for request in endpoint.requests)
    assert "turned down" not in first
    assert f"{json.dumps(reply)}: {problem}" in second
    async with scripted(say(reply), say(reply)) as (teacher, _):
        assert await ask_user(WITHHELD, CHAT, FUNCTIONS, 0, teacher) == reply


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        ("In which city?", "In Lyon, please, and I'd like to see all there are."),
        ("In which city?", "LYON"),
        ("Dogs or cats?", "Dogs."),
        ("Shall I search for pets?", "Yes, please search for pets, I found none myself."),
    ],
)
async def test_what_a_user_would_say_is_taken_as_it_is(question: str, reply: str) -> None:
    chat = (*CHAT[:-1], Message(role="assistant", content=question))
    async with scripted(say(reply)) as (teacher, _):
        assert await ask_user(WITHHELD, chat, FUNCTIONS, 0, teacher) == reply


@pytest.mark.parametrize(
    ("value", "reply"),
    [
        ("2026-03-05", "On March 5."),
        (7, "7 of them"),
        (["Lyon", "Oslo"], "Oslo will do"),
        (True, "Sure."),
        ("007", "7"),
    ],
)
async def test_what_a_user_has_in_mind_may_be_said_in_other_words(value: Any, reply: str) -> None:
    asked = make_instruction("Find pets.", Kind.MISSING_DETAIL, withheld=Detail(parameter="city", value=value))
    async with scripted(say(reply)) as (teacher, _):
        assert await ask_user(asked, CHAT, FUNCTIONS, 0, teacher) == reply
