"""An endpoint that is given up, and the one that requests go to from then on."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import FatalTeacherError, RunStoppedError, TeacherError, ToolHerdError
from schemas.parameters import Budget
from schemas.teacher import TeacherSettings
from tasks.teacher import CompletionStore
from tasks.teacher.engine.engine import Probe
from tasks.teacher.engine.engines import Engines, EngineStart, open_engines
from tasks.teacher.engine.fallback import is_given_up
from tests.tasks.teacher.endpoints import Endpoint, Reply, call_or_echo, fail, say, serve
from tests.tasks.teacher.teachers import ask

pytestmark = pytest.mark.usefixtures("tiny_key")

GONE: dict[str, Reply] = {
    "a bad key": fail(401, "Incorrect API key provided"),
    "an empty account": fail(402, "Insufficient credits"),
    "a quota": fail(429, "You exceeded your current quota", code="insufficient_quota"),
    "an unknown model": fail(404, "The model does not exist", code="model_not_found"),
    "failures without end": fail(500),
}


@asynccontextmanager
async def open_two(
    first: Endpoint,
    second: Endpoint,
    store: CompletionStore,
    budget: Budget | None = None,
    probe: Probe | None = None,
    **settings: Any,
) -> AsyncIterator[Engines]:
    with serve(first) as one, serve(second) as other:
        fallback = {"base_url": other, "model": "other"}
        chosen = TeacherSettings.model_validate(
            {"model": "tiny", "base_url": one, "api_key_env": "TINY_KEY", "attempts": 2, "give_up_s": 1,
             "fallback": [fallback], **settings}
        )  # fmt: skip
        engines = open_engines(EngineStart(chosen, store.path, budget or Budget(), probe=probe), store)
        try:
            yield engines
        finally:
            await engines.aclose()


async def fetch(engines: Engines, text: str = "Hello") -> str:
    return (await engines.answer(ask(text), "simulate", "cats")).completion.content


@pytest.mark.parametrize("reply", GONE.values(), ids=GONE)
async def test_where_the_first_is_of_no_use_requests_go_to_the_next_and_that_is_told_once(
    reply: Reply, store: CompletionStore, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = Endpoint(last=reply), Endpoint(last=say("from the other"))
    with caplog.at_level(logging.WARNING):
        async with open_two(first, second, store) as engines:
            assert await fetch(engines) == "from the other"
            asked = len(first.requests)
            assert await asyncio.gather(*(fetch(engines, str(n)) for n in range(5))) == ["from the other"] * 5
            assert len(first.requests) == asked
            assert (engines.state.stopped, engines.state.spent.calls) == (None, 6)
    assert {request["model"] for request in second.requests} == {"other"}
    (line,) = [record.getMessage() for record in caplog.records if "from now on" in record.getMessage()]
    assert "requests go to other at http://" in line


async def test_one_that_cannot_call_functions_is_of_no_use_either(store: CompletionStore) -> None:
    first, second = Endpoint(last=fail(400, "tiny does not support tools")), Endpoint(last=call_or_echo)
    async with open_two(first, second, store, probe="tools") as engines:
        assert await fetch(engines) == "You said: Hello"
    assert (len(first.requests), len(second.requests)) == (1, 3)  # each is probed when it is asked


async def test_a_prompt_that_is_refused_is_refused_there(store: CompletionStore) -> None:
    first, second = Endpoint(say("from the first"), last=fail(400, "this prompt is too long")), Endpoint()
    async with open_two(first, second, store) as engines:
        assert await fetch(engines, "one") == "from the first"
        with pytest.raises(TeacherError, match="too long"):
            await fetch(engines)
        first.last = say("from the first")
        assert await fetch(engines, "another") == "from the first"
    assert second.requests == []


async def test_where_the_last_fails_too_that_is_the_end(store: CompletionStore) -> None:
    async with open_two(Endpoint(last=fail(401)), Endpoint(last=fail(401, "not you either")), store) as engines:
        with pytest.raises(FatalTeacherError, match="not you either"):
            await fetch(engines)


async def test_a_budget_ends_the_run_and_no_endpoint(store: CompletionStore) -> None:
    first, second = Endpoint(), Endpoint()
    async with open_two(first, second, store, Budget(calls=1)) as engines:
        await fetch(engines)
        with pytest.raises(RunStoppedError, match="budget of 1 completions"):
            await fetch(engines, "another")
    assert second.requests == []


async def test_what_was_answered_by_any_of_them_is_not_asked_again(store: CompletionStore) -> None:
    second = Endpoint(last=say("from the other"))
    async with open_two(Endpoint(last=fail(401)), second, store) as engines:
        await fetch(engines)
        first = Endpoint(last=say("from the first"))
        with serve(first) as url:
            settings = engines.settings.model_copy(update={"base_url": url})
            again = open_engines(EngineStart(settings, store.path), store)
            assert await fetch(again) == "from the other"
            assert await fetch(again, "another") == "from the first"
            await again.aclose()
    assert (len(first.requests), len(second.requests)) == (1, 1)


async def test_those_who_wait_for_the_first_go_on_as_well(store: CompletionStore, tmp_path: Path) -> None:
    first, second = Endpoint(last=fail(401)).hold(), Endpoint(last=say("from the other"))
    async with open_two(first, second, store, concurrency=1) as engines:
        asked = [asyncio.create_task(fetch(engines, str(n))) for n in range(4)]
        while not first.busy:
            await asyncio.sleep(0)
        first.release()
        assert await asyncio.wait_for(asyncio.gather(*asked), 30) == ["from the other"] * 4
    assert len(first.requests) == 1


@pytest.mark.parametrize(
    ("error", "given_up"),
    [
        (FatalTeacherError("no key"), True),
        (RunStoppedError("the endpoint is away", "outage"), True),
        (RunStoppedError("a quota of hours", "quota"), True),
        (RunStoppedError("too many failures", "errors"), True),
        (RunStoppedError("the budget is reached", "budget"), False),
        (RunStoppedError("SIGINT", "signal"), False),
        (TeacherError("refused"), False),
        (ToolHerdError("something else"), False),
    ],
)
def test_what_gives_an_endpoint_up(error: ToolHerdError, given_up: bool) -> None:
    assert is_given_up(error) == given_up
