"""JSON answers: found in whatever surrounds them, checked, and sent back with what is wrong."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import JSONResponse

from schemas.base import Record
from schemas.calls import ChatRequest
from schemas.errors import TeacherError
from schemas.teacher import TeacherSettings
from tasks.llm import Engine, Ledger, Teacher
from tasks.llm.embedded import connect_app
from tasks.llm.structured import parse_object
from tests.tasks.llm.endpoints import Endpoint, say


class Cat(Record):
    name: str
    lives: int
    colour: str = "black"


FELIX = '{"name": "Felix", "lives": 9}'
REQUEST = ChatRequest(messages=({"role": "user", "content": "A cat, please."},))


async def ask(endpoint: Endpoint, **options: Any) -> Cat:
    teacher = Teacher(Engine(TeacherSettings(), client=connect_app(endpoint.app)), Ledger())
    return await teacher.complete_json(
        REQUEST, Cat, name="cat", stage="document", api_id="cats", owner="cats", **options
    )


@pytest.mark.parametrize(
    "text",
    [
        FELIX,
        f"```json\n{FELIX}\n```",
        f"```\n{FELIX}",
        f"Sure! Here {{as you wished}} is the cat [1]:\n\n{FELIX}\n\nAnything else? {{}}",
        f'<think>Maybe {{"name": "Tom", "lives": 1}}?</think>\n{FELIX}',
        f'Maybe {{"name": "Tom", "lives": 1}}?</think>{FELIX}',
        f"{FELIX}<think>Was that right",
    ],
)
def test_an_object_is_found_in_what_surrounds_it(text: str) -> None:
    assert parse_object(text) == json.loads(FELIX)


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=5), st.recursive(st.text(max_size=9) | st.integers(), st.lists), max_size=4))
def test_every_object_is_read_back_from_a_fence(value: dict[str, Any]) -> None:
    text = json.dumps(value, indent=1)
    if "<think" not in text and "</think" not in text:
        assert parse_object(f"Here it is:\n```json\n{text}\n```\nDone.") == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("I cannot do that.", "holds no JSON object"),
        ('{"cats": [{"name": "Felix", "lives": 9}, {"name": "To', "cut off"),
        ('{"cats": [{"name": "Felix", "lives": 9}', "cut off"),
        ('{"cats": [{"name": "Felix" "lives": 9}]}', "line 1, column 28"),
        ('{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_a_part_of_a_broken_answer_is_not_taken_for_it(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_object(text)


async def test_a_good_answer_is_asked_for_once_and_with_its_schema() -> None:
    endpoint = Endpoint(say(FELIX))
    assert await ask(endpoint) == Cat(name="Felix", lives=9)
    (request,) = endpoint.requests
    asked = request["response_format"]
    assert (asked["type"], asked["json_schema"]["name"], asked["json_schema"]["strict"]) == (
        "json_schema",
        "cat",
        False,
    )
    assert asked["json_schema"]["schema"]["required"] == ["name", "lives"]


@pytest.mark.parametrize("colour", ["null", " null ", "null\n"])
async def test_a_null_for_what_may_be_left_out_is_read_as_left_out(colour: str) -> None:
    endpoint = Endpoint(say(FELIX.replace("}", f', "colour": {colour}}}')))
    assert await ask(endpoint) == Cat(name="Felix", lives=9)
    assert len(endpoint.requests) == 1


async def test_a_check_may_be_awaited() -> None:
    async def find_problems(cat: Cat) -> list[str]:
        return ["lives: a cat has 9"] if cat.lives != 9 else []

    endpoint = Endpoint(say('{"name": "Felix", "lives": 1}'))
    endpoint.last = say(FELIX)
    assert await ask(endpoint, check=find_problems) == Cat(name="Felix", lives=9)
    assert "a cat has 9" in endpoint.requests[-1]["messages"][-1]["content"]


async def test_a_bad_answer_goes_back_with_what_is_wrong_until_it_is_good() -> None:
    endpoint = Endpoint(say("No."), say('{"name": "Felix", "lives": "many"}'), say('{"name": "X", "lives": 1}'))
    endpoint.last = say(FELIX)
    assert await ask(endpoint, check=lambda cat: ["lives: a cat has 9"] if cat.lives != 9 else []) == Cat(
        name="Felix", lives=9
    )
    last = endpoint.requests[-1]["messages"]
    assert [message["role"] for message in last] == ["user"] + ["assistant", "user"] * 3
    assert last[1]["content"] == "No."
    assert "The answer holds no JSON object." in last[2]["content"]
    assert "lives: Input should be a valid integer" in last[4]["content"]
    assert 'got "many"' in last[4]["content"]
    assert "lives: a cat has 9" in last[6]["content"]


async def test_after_the_attempts_the_last_problems_are_told() -> None:
    endpoint = Endpoint(last=say('{"name": "Felix"}'))
    with pytest.raises(TeacherError, match="no usable cat after 3 attempts: lives: Field required"):
        await ask(endpoint, attempts=3)
    assert len(endpoint.requests) == 3


@pytest.mark.parametrize(
    ("choice", "problem"),
    [
        ({"finish_reason": "length", "message": {"content": '{"name": "Fel'}}, "cut off at the limit"),
        ({"finish_reason": "content_filter", "message": {"content": "I can't"}}, "refused or filtered"),
        ({"finish_reason": "stop", "message": {"content": None}}, "is empty"),
    ],
)
async def test_what_kept_the_answer_from_coming_is_told(choice: dict[str, Any], problem: str) -> None:
    endpoint = Endpoint(last=lambda _: JSONResponse({"choices": [choice]}))
    with pytest.raises(TeacherError, match=problem):
        await ask(endpoint, attempts=2)
