"""Requests that go by way of the Batch API, seen from who sends them; the batches themselves are in test_batch."""

import asyncio
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from pydantic import SecretStr

from schemas.calls import ChatRequest, Completion, Usage
from schemas.errors import RunStoppedError, TeacherError
from schemas.parameters import Budget
from schemas.teacher import TeacherSettings
from tasks.teacher.budget import Account
from tasks.teacher.counting import TokenCounter
from tasks.teacher.in_process import connect_app
from tasks.teacher.prices import Price
from tasks.teacher.sending.retries import EndpointError
from tasks.teacher.sending.sender import Sender
from tests.tasks.teacher.endpoints import Endpoint
from tests.tasks.teacher.passing_time import in_passing_time
from tests.tasks.teacher.sending.test_sender import Errors

ANSWER = Completion(content="Hello.", model="tiny", usage=Usage(prompt=100, completion=10), batched=True)
PRICE = Price(input=1.0, output=10.0, noted=date(2026, 1, 1))
REQUEST = ChatRequest(messages=({"role": "user", "content": "x" * 400},), temperature=0.7)
BODY = {"model": "tiny", "messages": [{"role": "user", "content": "x" * 400}], "temperature": 0.7}
NO_WARMTH = EndpointError("no", status=400, said="temperature is not supported")


class Batches:
    """Stands for the sender of batches: an answer takes ten seconds, after the errors that it is told to raise."""

    def __init__(self, *errors: EndpointError) -> None:
        self.errors = list(errors)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.given_up = 0

    async def fetch(self, key: str, body: Mapping[str, Any]) -> Completion:
        self.asked.append((key, json.loads(json.dumps(body))))
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        if self.errors:
            raise self.errors.pop(0)
        return ANSWER


def connect(batches: Batches, budget: Budget | None = None, errors: Errors | None = None) -> tuple[Sender, Account]:
    settings = TeacherSettings(model="tiny", base_url="http://host/v1", batch=True)
    account = Account(budget or Budget(), PRICE, "tiny")
    client = connect_app(Endpoint().app)
    batch: Any = batches
    return Sender(settings, "http://host/v1", SecretStr(""), client, account, errors or Errors(), 0.5, batch), account


@in_passing_time
async def test_an_answer_took_one_attempt_and_costs_half() -> None:
    batches, errors = Batches(), Errors()
    sender, account = connect(batches, errors=errors)
    assert await sender.send_in_batch("k", REQUEST) == (ANSWER, 1)
    assert batches.asked == [("k", BODY)]
    assert (sender.sent, account.spent.calls, account.spent.tokens) == (1, 1, 110)
    assert account.spent.usd == pytest.approx(200e-6 / 2)
    assert (sender.throttle.in_flight, errors.noted) == (0, [])
    await asyncio.sleep(1)
    assert len(asyncio.all_tasks()) == 1  # nothing is left behind


@in_passing_time
async def test_a_refused_form_is_mended_and_what_was_learnt_is_kept() -> None:
    batches = Batches(NO_WARMTH)
    sender, account = connect(batches)
    answer = (await sender.send_in_batch("k", REQUEST))[0]
    assert answer == ANSWER.model_copy(update={"left_out": ("temperature",)})
    await sender.send_in_batch("l", REQUEST)
    assert ["temperature" in body for _, body in batches.asked] == [True, False, False]
    assert (sender.sent, account.spent.calls) == (2, 2)


@pytest.mark.parametrize(
    "error",
    [EndpointError("answered 400", status=400), EndpointError("lost in its batch"), EndpointError("late", late=True)],
)
def test_a_failure_is_the_requests_and_the_runs_and_was_not_bought(error: EndpointError) -> None:
    @in_passing_time
    async def play() -> None:
        errors = Errors()
        sender, account = connect(Batches(error), Budget(calls=1), errors)
        with pytest.raises(TeacherError, match=str(error)):
            await sender.send_in_batch("k", REQUEST)
        assert errors.noted == [str(error)]
        assert (sender.sent, account.spent.calls) == (0, 0)
        await sender.send_in_batch("k", REQUEST)

    play()


@in_passing_time
async def test_one_that_waits_is_let_go_when_the_run_stops_and_stays_in_its_batch() -> None:
    batches = Batches()
    sender, account = connect(batches, Budget(calls=1))
    waiting = asyncio.create_task(sender.send_in_batch("k", REQUEST))
    await asyncio.sleep(5)
    sender.stop(RunStoppedError("enough", "signal"))
    with pytest.raises(RunStoppedError, match="enough"):
        await waiting
    await asyncio.sleep(0)
    assert (batches.given_up, account.spent.calls, sender.sent) == (1, 0, 0)
    with pytest.raises(RunStoppedError, match="enough"):
        await sender.send_in_batch("l", REQUEST)
    assert len(batches.asked) == 1
    assert account.begin(Usage())  # what it was thought to take is free again
    await asyncio.sleep(1)
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize(("spare", "goes"), [(0, True), (-1, False)])
def test_a_budget_counts_what_it_is_thought_to_take(spare: int, goes: bool) -> None:
    @in_passing_time
    async def play() -> None:
        batches = Batches()
        sender, _ = connect(batches, Budget(tokens=TokenCounter().count_prompt(BODY) + spare))
        if goes:
            await sender.send_in_batch("k", REQUEST)
        else:
            with pytest.raises(RunStoppedError, match="tokens"):
                await sender.send_in_batch("k", REQUEST)
            assert sender.stopped is not None
        assert len(batches.asked) == goes

    play()


@in_passing_time
async def test_usage_that_is_not_told_is_counted() -> None:
    batches = Batches()
    sender, account = connect(batches)
    untold = ANSWER.model_copy(update={"usage": Usage()})
    batches.fetch = lambda key, body: asyncio.sleep(1, untold)  # type: ignore[method-assign]
    await sender.send_in_batch("k", REQUEST)
    assert (account.spent.calls, account.spent.tokens) == (1, TokenCounter().count_prompt(BODY) + 2)
