"""The executor: good calls are sent and their answers reported; bad ones get a 4xx and nothing is sent."""

from typing import Any

import httpx
import pytest

from schemas.base import Json
from schemas.episodes import Observation, ToolCall
from schemas.toolset import Toolset
from tasks.agents.executor import execute_call
from tasks.openapi import list_operations
from tests.tasks.agents.parts import CountingTransport

PET = {"id": "pet_4821", "name": "Luna", "city": "Lyon", "age_years": 3}


async def execute(toolset: Toolset, name: str, arguments: str, **answer: Any) -> tuple[Observation, CountingTransport]:
    given: dict[str, Any] = {"status_code": 200, "json": PET, **answer}
    transport = CountingTransport(lambda _: httpx.Response(**given))
    operations = {operation.name: operation for operation in list_operations(toolset.document)}
    call = ToolCall(id="call_1", name=name, arguments=arguments)
    return await execute_call(call, operations, transport), transport


async def test_a_good_call_is_one_request_and_its_answer(toolset: Toolset) -> None:
    observation, transport = await execute(toolset, "getPet", '{"petId": "pet_4821"}')
    (request,) = transport.requests
    assert (request.method, request.url.path) == ("GET", "/pets/pet_4821")
    assert observation == Observation(tool_call_id="call_1", function="getPet", status=200, body=PET)


async def test_an_answer_that_breaks_the_document_is_kept_and_marked(toolset: Toolset) -> None:
    observation, _ = await execute(toolset, "getPet", '{"petId": "pet_4821"}', json={"id": 7})
    assert not observation.valid
    assert observation.problem
    assert observation.body == {"id": 7}


async def test_an_error_of_the_apis_is_an_observation_like_any_other(toolset: Toolset) -> None:
    error = {"error": {"code": "unavailable", "message": "later"}}
    observation, _ = await execute(toolset, "getPet", '{"petId": "pet_4821"}', status_code=503, json=error)
    assert (observation.status, observation.body, observation.valid) == (503, error, True)


@pytest.mark.parametrize(
    ("content", "body"),
    [(b"", None), (b"plain \xff text", "plain \ufffd text"), (b"[1, 2]", [1, 2]), ("ü".encode(), "ü")],
)
async def test_a_body_is_decoded_whatever_it_holds(toolset: Toolset, content: bytes, body: Json) -> None:
    observation, _ = await execute(toolset, "getPet", '{"petId": "pet_4821"}', json=None, content=content)
    assert observation.body == body


@pytest.mark.parametrize(
    ("name", "arguments", "status", "code"),
    [
        ("findPet", "{}", 404, "unknown_function"),
        ("getPet", '{"petId": "pet_48', 400, "invalid_json"),
        ("getPet", "", 400, "invalid_json"),
        ("getPet", '["pet_4821"]', 400, "invalid_json"),
        ("getPet", "[" * 100_000, 400, "invalid_json"),
        ("getPet", "{}", 400, "invalid_arguments"),
        ("getPet", '{"petId": 4821}', 400, "invalid_arguments"),
        ("getPet", '{"petId": "pet_4821", "shape": "round"}', 400, "invalid_arguments"),
        ("searchPets", '{"city": "Lyon", "limit": 1e999}', 400, "invalid_arguments"),
        ("createPet", '{"name": "\\ud800", "city": "Lyon"}', 400, "invalid_arguments"),
    ],
)
async def test_a_bad_call_is_answered_here_and_never_sent(
    toolset: Toolset, name: str, arguments: str, status: int, code: str
) -> None:
    observation, transport = await execute(toolset, name, arguments)
    assert transport.requests == []
    assert observation.status == status
    assert isinstance(observation.body, dict)
    assert observation.body["error"]["code"] == code
    assert observation.body["error"]["message"]
