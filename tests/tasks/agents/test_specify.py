"""The `specify` step: functions are asked for one by one, side by side, and one that fails takes no other along."""

from typing import Any

import pytest
from starlette.responses import Response

from schemas.described import DescribedOperation
from schemas.errors import FatalTeacherError, TeacherError
from tasks.agents.document import document_api
from tasks.agents.specify import describe_functions, is_final
from tasks.teacher import Ledger
from tests.tasks.agents.parts import ENTRY, embedded, make_documentation, scripted, write
from tests.tasks.teacher.endpoints import fail, say

GOOD: dict[str, Any] = {
    "method": "get",
    "path": "/pets",
    "parameters": [{"name": "city", "type": "string", "description": "Where", "place": "query", "required": True}],
    "answer": [{"name": "petId", "type": "string", "description": "Its id"}],
    "returns_list": True,
}
COUNT = {**GOOD, "path": "/pets/count", "answer": [{"name": "count", "type": "integer"}], "returns_list": False}


def answer_by_function(**replies: Any) -> Any:
    """Replies to whatever function is asked for."""

    def answer(body: dict[str, Any]) -> Response:
        asked = body["messages"][0]["content"].rpartition("<function>")[2].partition("<")[0]
        reply: Response = replies[asked](body)
        return reply

    return answer


async def test_the_embedded_teacher_describes_every_function_that_it_documents() -> None:
    async with embedded() as teacher:
        documentation = await document_api(ENTRY, teacher)
        described = await describe_functions(ENTRY, documentation, teacher)
    assert list(described) == [function.name for function in documentation.functions]
    for function in documentation.functions:
        operation = described[function.name]
        assert isinstance(operation, DescribedOperation)
        assert tuple(field.name for field in operation.answer) == function.outputs
        assert {parameter.name for parameter in operation.parameters} == set(function.inputs)


async def test_each_function_is_asked_for_once_with_what_all_have_in_common_at_the_head() -> None:
    ledger = Ledger()
    script = answer_by_function(searchPets=write(GOOD), countPets=write(COUNT))
    async with scripted(last=script, ledger=ledger) as (teacher, endpoint):
        described = await describe_functions(ENTRY, make_documentation(), teacher)
    assert described == {
        "searchPets": DescribedOperation.model_validate(GOOD),
        "countPets": DescribedOperation.model_validate(COUNT),
    }
    one, other = (request["messages"][0]["content"] for request in endpoint.requests)
    for told in (ENTRY.name, ENTRY.description, "- countPets(city) returns count. Count pets."):
        assert told in one
    assert one.partition("<function>")[0] == other.partition("<function>")[0]
    assert endpoint.requests[0]["seed"] != endpoint.requests[1]["seed"]
    assert {(row.stage, row.api_id, row.owner) for row in ledger.rows} == {("specify", "petfinder", "petfinder")}


async def test_an_operation_that_returns_nothing_goes_back_with_the_one_thing_to_do() -> None:
    replies = iter([write({**COUNT, "answer": []}), write(COUNT)])
    script = answer_by_function(searchPets=write(GOOD), countPets=lambda body: next(replies)(body))
    async with scripted(last=script) as (teacher, endpoint):
        described = await describe_functions(ENTRY, make_documentation(), teacher)
    assert described["countPets"] == DescribedOperation.model_validate(COUNT)
    repair = endpoint.requests[-1]["messages"]
    assert 'answer: it is empty; list the fields that come back, each with a "name"' in repair[-1]["content"]
    assert len(endpoint.requests) == 3


async def test_a_function_that_stays_unusable_takes_no_other_along() -> None:
    async with scripted(last=answer_by_function(searchPets=write(GOOD), countPets=say("I cannot."))) as (teacher, _):
        described = await describe_functions(ENTRY, make_documentation(), teacher)
    assert described["searchPets"] == DescribedOperation.model_validate(GOOD)
    error = described["countPets"]
    assert isinstance(error, TeacherError)
    assert is_final(error)
    assert "no usable operation after 4 attempts" in str(error)


async def test_one_that_could_not_be_asked_for_may_be_had_another_time() -> None:
    script = answer_by_function(searchPets=write(GOOD), countPets=fail(500))
    async with scripted(last=script) as (teacher, _):
        described = await describe_functions(ENTRY, make_documentation(), teacher)
    error = described["countPets"]
    assert isinstance(error, TeacherError)
    assert not is_final(error)


async def test_a_teacher_that_cannot_be_used_at_all_ends_it() -> None:
    async with scripted(last=answer_by_function(searchPets=write(GOOD), countPets=fail(401))) as (teacher, _):
        with pytest.raises(FatalTeacherError):
            await describe_functions(ENTRY, make_documentation(), teacher)
