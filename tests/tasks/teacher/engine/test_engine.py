"""How a completion is had: from the store, from one who asks already, here or elsewhere, or from the endpoint."""

import asyncio
import gc
import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from schemas.calls import ChatRequest, Completion, Usage
from schemas.errors import RunStoppedError, TeacherError, UserError
from schemas.parameters import Budget
from schemas.teacher import TeacherSettings
from tasks.completions.keys import build_key
from tasks.teacher import CompletionStore, Engine, EngineStart, Price
from tasks.teacher.engine import engine as engines
from tasks.teacher.engine.engine import Answer, EngineState
from tasks.teacher.engine.engines import Engines, open_engines
from tasks.teacher.in_process import connect_app
from tests.tasks.completions.test_locks import do, serve_claims
from tests.tasks.teacher.batching import wait_until
from tests.tasks.teacher.endpoints import Endpoint, fail, serve
from tests.tasks.teacher.passing_time import in_passing_time, read_clock
from tests.tasks.teacher.processes import Process, start

PRICE = "endpoints: {'http://host/v1': {tiny: {input: 1, output: 10, noted: 2026-01-01}}}"

pytestmark = pytest.mark.usefixtures("clean_environment")


@pytest.fixture
def other(store: CompletionStore) -> Iterator[Process]:
    """Another process with claims on the store's requests."""
    with start(serve_claims, store.path.with_suffix(".claims")) as process:
        yield process


def ask(text: str = "Hello") -> ChatRequest:
    return ChatRequest(messages=({"role": "user", "content": text},))


def at(url: str = "http://host/v1", **fields: Any) -> TeacherSettings:
    return TeacherSettings.model_validate({"model": "tiny", "base_url": url, **fields})


def connect(endpoint: Endpoint, store: CompletionStore | None = None, **options: Any) -> Engine:
    """An engine over an app in process that is taken for one elsewhere."""
    return Engine(options.pop("settings", at()), store, client=connect_app(endpoint.app), **options)


async def fetch(engine: Engine | Engines, text: str = "Hello") -> Answer:
    return await engine.answer(ask(text), "simulate", "cats")


def send(engine: Engine, text: str = "Hello") -> asyncio.Task[Answer]:
    """Asks without waiting for the answer."""
    return asyncio.create_task(fetch(engine, text))


def key_of(text: str = "Hello") -> str:
    return build_key("http://host/v1", "tiny", ask(text))


@pytest.mark.forced
class TestClaims:
    """What the other process can claim says what the engine holds."""

    async def test_a_request_is_claimed_while_it_is_sent_and_given_back_when_it_is_kept(
        self, store: CompletionStore, other: Process
    ) -> None:
        endpoint = Endpoint().hold()
        engine = connect(endpoint, store)
        asked = send(engine)
        await wait_until(lambda: endpoint.busy == 1)
        assert not do(other, "take", key_of())
        assert do(other, "take", key_of("another"))
        endpoint.release()
        await asked
        assert store.get(key_of()) is not None
        assert do(other, "take", key_of())
        await engine.aclose()

    async def test_one_that_fails_is_given_back_too(self, store: CompletionStore, other: Process) -> None:
        engine = connect(Endpoint(fail(400), fail(400)), store)
        with pytest.raises(TeacherError):
            await fetch(engine)
        assert do(other, "take", key_of())
        await engine.aclose()

    async def test_and_one_that_is_given_up(self, store: CompletionStore, other: Process) -> None:
        endpoint = Endpoint().hold()
        engine = connect(endpoint, store)
        asked = send(engine)
        await wait_until(lambda: endpoint.busy == 1)
        engine.abort()
        await asyncio.wait([asked])
        assert asked.cancelled()
        assert do(other, "take", key_of())
        await engine.aclose()
        assert store.count() == 0

    async def test_what_another_has_claimed_is_looked_for_until_it_is_kept_and_not_sent(
        self, store: CompletionStore, other: Process, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looks = watch_looks(store, monkeypatch)
        endpoint = Endpoint()
        engine = connect(endpoint, store)
        assert do(other, "take", key_of())
        asked = send(engine)
        await wait_until(lambda: len(looks) >= 3)
        assert not asked.done()
        await store.put(key_of(), make("theirs"), endpoint="http://host/v1", model="tiny")
        do(other, "give_back", key_of())
        answer = await asked
        assert (answer.completion.content, answer.attempts) == ("theirs", 0)
        assert endpoint.requests == []
        assert do(other, "take", key_of())  # given back again
        await engine.aclose()

    async def test_what_another_gave_up_is_sent_here(
        self, store: CompletionStore, other: Process, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looks = watch_looks(store, monkeypatch)
        endpoint = Endpoint()
        engine = connect(endpoint, store)
        assert do(other, "take", key_of())
        asked = send(engine)
        await wait_until(lambda: len(looks) >= 2)
        other.kill()
        assert (await asked).attempts == 1
        assert len(endpoint.requests) == store.count() == 1
        await engine.aclose()

    async def test_who_waits_for_another_is_let_go_when_the_run_stops(
        self, store: CompletionStore, other: Process, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looks = watch_looks(store, monkeypatch)
        engine = connect(Endpoint(), store)
        assert do(other, "take", key_of())
        asked = send(engine)
        await wait_until(lambda: len(looks) >= 1)
        engine.stop(RunStoppedError("enough", "signal"))
        with pytest.raises(RunStoppedError, match="enough"):
            await asked
        assert not store.claims.take(key_of())
        await engine.aclose()


def watch_looks(store: CompletionStore, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What each attempt to claim came to; the engine tries again after a moment."""
    looks: list[bool] = []
    take = store.claims.take

    def look(key: str) -> bool:
        looks.append(take(key))
        return looks[-1]

    monkeypatch.setattr(store.claims, "take", look)
    monkeypatch.setattr(engines, "_LOOK_AGAIN_S", (0.0, 0.01))
    return looks


def make(content: str) -> Completion:
    return Completion(content=content, model="tiny", usage=Usage(prompt=10, completion=4))


class TestWhoAsksToo:
    @in_passing_time
    async def test_they_share_the_answer_and_only_one_has_bought_it(self) -> None:
        endpoint = Endpoint(delay_s=5)
        engine = connect(endpoint)
        first, second = (send(engine) for _ in range(2))
        await asyncio.sleep(1)
        third = asyncio.create_task(engine.answer(ask(), "instruct", "dogs"))
        answers = await asyncio.gather(first, second, third)
        assert [answer.attempts for answer in answers] == [1, 0, 0]
        assert len({id(answer.completion) for answer in answers}) == 1
        assert engine.state.spent.calls == len(endpoint.requests) == 1
        await fetch(engine)  # nothing keeps it without a store
        assert len(endpoint.requests) == 2
        await engine.aclose()

    @in_passing_time
    async def test_one_who_gives_up_takes_it_from_nobody_else(self) -> None:
        engine = connect(Endpoint(delay_s=5))
        first, second = (send(engine) for _ in range(2))
        await asyncio.sleep(1)
        second.cancel()
        assert (await first).completion.content == "You said: Hello"
        first, second = (send(engine, "Bye") for _ in range(2))
        await asyncio.sleep(1)
        first.cancel()
        assert (await second).completion.content == "You said: Bye"
        await engine.aclose()

    @in_passing_time
    async def test_they_are_told_though_the_run_was_stopped_meanwhile(self) -> None:
        engine = connect(Endpoint(delay_s=5))
        first = send(engine)
        await asyncio.sleep(1)
        engine.stop(RunStoppedError("enough", "signal"))
        second = send(engine)
        with pytest.raises(RunStoppedError, match="enough"):
            await fetch(engine, "other")
        assert [answer.attempts for answer in await asyncio.gather(first, second)] == [1, 0]
        await engine.aclose()

    @in_passing_time
    async def test_a_failure_that_nobody_waits_for_any_more_is_no_complaint(self) -> None:
        complaints: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        engine = connect(Endpoint(last=fail(400), delay_s=5))
        asked = send(engine)
        await asyncio.sleep(1)
        asked.cancel()
        await asyncio.sleep(10)
        given_up = send(engine)
        await asyncio.sleep(1)
        engine.abort()
        await engine.aclose()
        del asked, given_up
        gc.collect()
        assert complaints == []


class TestState:
    @in_passing_time
    async def test_it_says_what_is_on_its_way_what_was_bought_and_what_was_sent(self) -> None:
        endpoint = Endpoint(fail(500, headers={"retry-after": "20"}), delay_s=5)
        engine = connect(endpoint)
        assert engine.state == EngineState()
        asked = [send(engine, str(n)) for n in range(3)]
        await asyncio.sleep(1)
        assert (engine.state.sent, engine.state.in_flight, engine.state.spent.calls) == (3, 3, 0)
        await asyncio.sleep(10)
        assert (engine.state.sent, engine.state.in_flight, engine.state.spent.tokens) == (3, 0, 28)
        await asyncio.gather(*asked)
        assert (engine.state.sent, engine.state.in_flight, engine.state.spent.calls) == (4, 0, 3)
        assert (engine.state.in_batches, engine.state.pause_s, engine.state.stopped) == (0, 0, None)
        stop = RunStoppedError("enough", "signal")
        engine.stop(stop)
        assert engine.state.stopped is stop
        await engine.aclose()
        assert engine.state.stopped is stop

    @in_passing_time
    async def test_closing_waits_for_what_is_in_flight_and_sends_nothing_more(self) -> None:
        endpoint, began = Endpoint(delay_s=5), read_clock()
        engine = connect(endpoint, settings=at(concurrency=2))
        asked = [send(engine, str(n)) for n in range(3)]
        await asyncio.sleep(1)
        assert await engine.aclose() == ()
        assert read_clock() - began == pytest.approx(5)
        results = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(result).__name__ for result in results] == ["Answer", "Answer", "RunStoppedError"]
        assert len(endpoint.requests) == 2

    async def test_its_connections_are_closed_with_it(self) -> None:
        client = connect_app(Endpoint().app)
        engine = Engine(at(), client=client)
        await fetch(engine)
        assert not client.is_closed()
        await engine.aclose()
        assert client.is_closed()

    @in_passing_time
    async def test_giving_up_waits_for_nothing(self) -> None:
        began = read_clock()
        engine = connect(Endpoint(delay_s=5))
        asked = [send(engine, str(n)) for n in range(3)]
        await asyncio.sleep(1)
        engine.abort()
        await engine.aclose()
        assert read_clock() - began == pytest.approx(1)
        await asyncio.wait(asked)
        assert all(task.cancelled() for task in asked)


class TestWhatIsKept:
    async def test_it_is_on_disk_when_it_is_returned_and_served_when_nothing_is_sent_any_more(
        self, path: Path, store: CompletionStore
    ) -> None:
        engine = connect(Endpoint(), store)
        answer = await fetch(engine)
        with CompletionStore(path) as another:
            kept = another.get(key_of())
        assert kept == answer.completion
        engine.stop(RunStoppedError("enough", "budget"))
        again = await fetch(engine)
        assert (again.completion, again.attempts) == (kept, 0)
        with pytest.raises(RunStoppedError):
            await fetch(engine, "other")
        await engine.aclose()

    async def test_it_costs_what_it_cost_when_it_was_bought(
        self, store: CompletionStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "prices.yaml").write_text(PRICE)
        monkeypatch.setenv("TOOLHERD_PRICES", str(tmp_path / "prices.yaml"))
        assert Price(input=1, output=10, noted=date(2026, 1, 1)).compute_cost(make("x").usage) == 50e-6
        engine = connect(Endpoint(), store)
        answers = [await fetch(engine) for _ in range(2)]
        assert [(answer.attempts, answer.cost_usd) for answer in answers] == [(1, 50e-6), (0, 50e-6)]
        batched = make("x").model_copy(update={"batched": True})
        await store.put(key_of("batched"), batched, endpoint="http://host/v1", model="tiny")
        assert (await fetch(engine, "batched")).cost_usd == 25e-6
        await engine.aclose()

    async def test_without_a_price_it_costs_nobody_knows_what(self, store: CompletionStore) -> None:
        engine = connect(Endpoint(), store)
        assert [(await fetch(engine)).cost_usd for _ in range(2)] == [None, None]
        await engine.aclose()


class TestStart:
    async def test_an_engine_is_opened_with_its_budget_error_share_and_key(self, store: CompletionStore) -> None:
        endpoint = Endpoint()
        with serve(endpoint) as url:
            engine = open_engines(EngineStart(at(url), store.path, Budget(calls=1), key="sk-given"), store)
            await fetch(engine)
            assert endpoint.headers[0]["authorization"] == "Bearer sk-given"
            assert store.count() == 1
            with pytest.raises(RunStoppedError, match="budget of 1 completions"):
                await fetch(engine, "again")
            await engine.aclose()
            endpoint.last = fail(500)
            settings = at(url).model_copy(update={"attempts": 1})
            engine = open_engines(EngineStart(settings, store.path, max_error_share=0.99), store)
            asked = (fetch(engine, f"bad {n}") for n in range(101))
            results = await asyncio.gather(*asked, return_exceptions=True)
            assert len(results) == 101
            assert "100 of the last 100 requests failed" in str(engine.state.stopped)
            await engine.aclose()

    @in_passing_time
    async def test_by_default_every_request_may_fail(self) -> None:
        engine = connect(Endpoint(last=fail(500)))
        asked = (fetch(engine, str(n)) for n in range(150))
        results = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(result) for result in results} == {TeacherError}
        assert engine.state.stopped is None
        assert EngineStart(at(), Path("c.sqlite")).max_error_share == 1
        await engine.aclose()

    @in_passing_time
    async def test_the_first_wait_after_a_failure_is_up_to_half_a_second_or_what_was_said(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(random, "uniform", lambda low, high: high)
        said: dict[str, Any] = {"first_backoff_s": 7.0}
        unsaid: dict[str, Any] = {}
        for options, wait_s in ((unsaid, 0.5), (said, 7)):
            engine, began = connect(Endpoint(fail(500)), **options), read_clock()
            await fetch(engine)
            assert read_clock() - began == pytest.approx(wait_s)
            await engine.aclose()

    def test_without_a_key_openai_is_not_asked_unless_one_is_given(self) -> None:
        with pytest.raises(UserError, match="OPENAI_API_KEY"):
            Engine(TeacherSettings(model="gpt-4o"))
        Engine(TeacherSettings(model="gpt-4o"), key="sk-given")
        with pytest.raises(UserError, match="price of 'tiny'"):
            Engine(at(), budget=Budget(usd=1))

    @pytest.mark.parametrize(
        ("store_there", "batch", "sends_batches"), [(True, True, True), (False, True, False), (True, False, False)]
    )
    async def test_batches_are_sent_where_they_are_asked_for_and_can_be_kept(
        self, store_there: bool, batch: bool, sends_batches: bool, store: CompletionStore
    ) -> None:
        endpoint = Endpoint()
        engine = connect(endpoint, store if store_there else None, settings=at(batch=batch, attempts=1))
        assert (engine._batch is not None) == sends_batches
        await fetch(engine)  # a dialogue is never in one
        assert len(endpoint.requests) == 1
        await engine.aclose()
