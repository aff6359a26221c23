"""The executor `simulated`: a model plays the API; what it answers is checked, mended once, and remembered."""

import asyncio
import json
from typing import Any

import pytest

from schemas.errors import TeacherError
from schemas.reasons import Reason
from tasks.executors.simulated import FAULT, bound_schema
from tasks.teacher import Ledger
from tests.tasks.agents.parts import embedded, scripted, write
from tests.tasks.executors.pets import LUNA, MILO, play
from tests.tasks.teacher.endpoints import fail, say

FOUND = {"status": 200, "body": {"pets": [LUNA, MILO]}}


def read_block(body: Any, name: str) -> Any:
    """What a request to the model has between two tags."""
    text = body["messages"][0]["content"]
    return json.loads(text.split(f"<{name}>")[1].split(f"</{name}>")[0]) if f"<{name}>" in text else None


async def test_the_model_is_told_the_operation_the_request_and_what_was_before() -> None:
    ledger = Ledger()
    script = [write(FOUND), write({"status": 200, "body": LUNA})]
    async with scripted(*script, ledger=ledger) as (teacher, endpoint), play(teacher) as client:
        first = await client.call("searchPets", city="Lyon", limit=5)
        second = await client.call("getPet", petId="pet_4821")
    assert (first.status_code, first.json(), second.json()) == (200, FOUND["body"], LUNA)
    search, show = endpoint.requests
    assert read_block(search, "operation")["path"] == "/pets"
    assert read_block(search, "operation")["operation"]["operationId"] == "searchPets"
    assert read_block(search, "history") is None
    assert read_block(search, "request") == {
        "request": "GET /pets?city=Lyon&limit=5",
        "arguments": {"city": "Lyon", "limit": 5},
    }
    assert read_block(show, "history") == [{**read_block(search, "request"), **FOUND}]
    assert {(row.stage, row.role, row.owner) for row in ledger.rows} == {("simulate", "simulator", "petfinder-001")}


async def test_the_answer_is_asked_for_by_the_response_s_own_schema() -> None:
    script = [write(FOUND), write({"status": 200, "body": LUNA})]
    async with scripted(*script) as (teacher, endpoint), play(teacher) as client:
        await client.call("searchPets", city="Lyon")
        await client.call("getPet", petId="pet_4821")
    search, show = (request["response_format"]["json_schema"]["schema"] for request in endpoint.requests)
    assert search["properties"]["status"] == {"enum": [200]}
    assert search["properties"]["body"]["properties"]["pets"]["type"] == "array"
    assert show["properties"]["status"] == {"enum": [200, 404]}
    good, error = show["properties"]["body"]["anyOf"]
    assert good["required"] == ["id", "name", "city", "age_years"]
    assert error["required"] == ["error"]


async def test_what_is_asked_for_has_an_end() -> None:
    async with scripted(write(FOUND)) as (teacher, endpoint), play(teacher) as client:
        await client.call("searchPets", city="Lyon")
    pets = endpoint.requests[0]["response_format"]["json_schema"]["schema"]["properties"]["body"]["properties"]["pets"]
    assert pets["maxItems"] == 20  # the document allows 50
    assert pets["items"]["properties"]["city"]["maxLength"] == 60  # as the document says
    assert pets["items"]["properties"]["age_years"] == {"type": "integer", "minimum": 0, "maximum": 20}


@pytest.mark.parametrize(
    ("schema", "bounded"),
    [
        ({"type": "array", "items": {"type": "string"}},
            {"type": "array", "items": {"type": "string", "maxLength": 1000}, "maxItems": 20}),
        ({"type": "array", "minItems": 30}, {"type": "array", "minItems": 30}),
        ({"type": "array", "maxItems": 5}, {"type": "array", "maxItems": 5}),
        ({"type": "string", "enum": ["a"]}, {"type": "string", "enum": ["a"]}),
        ({"type": "string", "format": "date"}, {"type": "string", "format": "date"}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]},
            {"anyOf": [{"type": "string", "maxLength": 1000}, {"type": "null"}]}),
        ({"type": "object", "properties": {"type": {"type": "string"}}},
            {"type": "object", "properties": {"type": {"type": "string", "maxLength": 1000}}}),
        ({"type": "object", "additionalProperties": False}, {"type": "object", "additionalProperties": False}),
        ({"type": "string", "examples": [{"type": "array"}], "maxLength": 9},
            {"type": "string", "examples": [{"type": "array"}], "maxLength": 9}),
        ({}, {}),
        (True, True),
    ],
)  # fmt: skip
def test_a_schema_is_bounded_where_it_is_not(schema: Any, bounded: Any) -> None:
    assert bound_schema(schema) == bounded


async def test_a_body_without_a_status_is_the_answer_of_a_good_call() -> None:
    async with scripted(write(LUNA)) as (teacher, _), play(teacher) as client:
        response = await client.call("getPet", petId="pet_4821")
    assert (response.status_code, response.json(), response.extensions.get(FAULT)) == (200, LUNA, None)


async def test_a_bad_answer_is_mended_once_with_its_errors_shown() -> None:
    bad = {"status": 200, "body": {"pets": [{**LUNA, "city": "Oslo"}]}}
    async with scripted(write(bad), write(FOUND)) as (teacher, endpoint), play(teacher) as client:
        response = await client.call("searchPets", city="Lyon")
    assert response.json() == FOUND["body"]
    assert "asked for city = 'Lyon', and what it returned has 'Oslo'" in endpoint.requests[1]["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": 200, "body": {"pets": [{"id": 7}]}}, Reason.INVALID_RESPONSE),
        ({"status": 200, "body": {"pets": []}}, Reason.EMPTY_ANSWER),
        ({"status": 500, "body": {"error": {"code": "x", "message": "down"}}}, Reason.UNDESERVED_ERROR),
        ({"status": 200, "body": {"pets": [{**LUNA, "name": "<name>"}]}}, Reason.PLACEHOLDER),
        ({"status": 200, "body": {"pets": [{**LUNA, "city": "Oslo"}]}}, Reason.CONTRADICTORY_ANSWER),
    ],
)
async def test_an_answer_that_stays_bad_comes_with_its_reason_and_is_no_part_of_the_history(
    answer: Any, reason: Reason
) -> None:
    async with scripted(write(answer), write(answer), write(FOUND)) as (teacher, endpoint), play(teacher) as client:
        response = await client.call("searchPets", city="Lyon")
        after = await client.call("searchPets", city="Lyon")
    assert (response.status_code, response.json()) == (answer["status"], answer["body"])
    assert response.extensions[FAULT][0] is reason
    assert after.json() == FOUND["body"]
    assert read_block(endpoint.requests[2], "history") is None


async def test_what_is_no_answer_at_all_is_an_empty_one_with_a_fault() -> None:
    async with scripted(say("No."), say("Really not.")) as (teacher, _), play(teacher) as client:
        response = await client.call("searchPets", city="Lyon")
    assert (response.status_code, response.content) == (200, b"")
    assert response.extensions[FAULT] == (Reason.INVALID_RESPONSE, "there is none")


async def test_a_model_that_cannot_be_asked_is_an_error() -> None:
    async with scripted(last=fail(400, "too long")) as (teacher, _), play(teacher) as client:
        with pytest.raises(TeacherError, match="too long"):
            await client.call("searchPets", city="Lyon")


async def test_the_error_that_an_episode_plants_is_drawn_and_costs_no_tokens() -> None:
    async with scripted(write(FOUND)) as (teacher, endpoint), play(teacher, fail_once=True) as client:
        erred = await client.call("searchPets", city="Lyon")
        assert endpoint.requests == []
        good = await client.call("searchPets", city="Lyon")
    assert erred.status_code in (500, 503, 429, 504)
    assert erred.json()["error"]["message"]
    assert good.json() == FOUND["body"]


async def test_the_same_requests_get_the_same_answers_and_another_seed_others() -> None:
    async def ask(seed: int) -> list[Any]:
        async with embedded() as teacher, play(teacher, seed=seed) as client:
            found = await client.call("searchPets", city="Lyon")
            shown = await client.call("getPet", petId=found.json()["pets"][0]["id"])
            return [found.json(), shown.json()]

    first, again, other = await ask(1), await ask(1), await ask(2)
    assert first == again
    assert first != other
    assert first[1] == first[0]["pets"][0]


async def test_episodes_side_by_side_never_see_each_other() -> None:
    """Each makes, changes and deletes pets of its own, and finds those and no other's."""

    async def live(number: int) -> None:
        async with play(teacher, seed=number, owner=f"petfinder-{number:03}") as client:
            name = f"Rex {number}"
            made = (await client.call("createPet", name=name, city="Lyon", age_years=3)).json()
            assert made["name"] == name
            await asyncio.sleep(0)
            found = (await client.call("searchPets", city="Lyon")).json()["pets"]
            assert [pet["name"] for pet in found if pet["name"].startswith("Rex")] == [name]
            changed = (await client.call("updatePet", petId=made["id"], age_years=number % 20)).json()
            assert (changed["name"], changed["age_years"]) == (name, number % 20)
            assert (await client.call("getPet", petId=made["id"])).json() == changed
            gone = await client.call("deletePet", petId=made["id"])
            assert gone.extensions.get(FAULT) is None
            missed = await client.call("getPet", petId=made["id"])
            assert (missed.status_code, missed.extensions.get(FAULT)) == (404, None)
            left = (await client.call("searchPets", city="Lyon")).json()["pets"]
            assert name not in [pet["name"] for pet in left]

    async with embedded() as teacher:
        await asyncio.gather(*(live(number) for number in range(200)))
