"""The teacher's client against a real HTTP server, and against an app in process."""

import asyncio
import json
import os
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import openai
import pytest
from starlette.responses import JSONResponse, Response

from schemas.calls import ChatRequest, Completion, Stage
from schemas.errors import FatalTeacherError, RunStoppedError, TeacherError, UserError
from schemas.parameters import Budget
from schemas.teacher import TeacherSettings
from tasks.llm import SINGLE_SHOT, CompletionStore, Engine, EngineStart, Ledger, Teacher, open_teacher
from tasks.llm.embedded import connect_app
from tasks.llm.engine_process import EngineProcess
from tests.tasks.llm.batching import wait_until
from tests.tasks.llm.endpoints import Endpoint, break_off, build_answer, echo, fail, say, serve, show_html
from tests.tasks.llm.passing_time import in_passing_time, read_clock
from tests.tasks.llm.processes import start

KEY = "sk-marked-4711"


@pytest.fixture(autouse=True)
def set_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINY_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("TOOLHERD_PRICES", raising=False)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CompletionStore]:
    with CompletionStore(tmp_path / "completions.sqlite") as store:
        yield store


def ask(text: str = "Hello", **fields: Any) -> ChatRequest:
    return ChatRequest(messages=({"role": "user", "content": text},), **fields)


def connect(
    url: str,
    store: CompletionStore | None = None,
    ledger: Ledger | None = None,
    *,
    budget: Budget | None = None,
    max_error_share: float = 1.0,
    **settings: Any,
) -> Teacher:
    chosen = TeacherSettings(model="tiny", base_url=url, api_key_env="TINY_KEY", **settings)
    engine = Engine(chosen, store, budget=budget, max_error_share=max_error_share, first_backoff_s=0.02)
    return Teacher(engine, ledger or Ledger())


async def complete(teacher: Teacher, request: ChatRequest | None = None) -> Completion:
    return await teacher.complete(request or ask(), stage="simulate", api_id="cats", owner="cats-1")


def connect_in_process(
    endpoint: Endpoint, *, budget: Budget | None = None, max_error_share: float = 1.0, **settings: Any
) -> Teacher:
    """The same over no socket, for what runs in passing time."""
    chosen = TeacherSettings(model="tiny", base_url="http://host/v1", api_key_env="TINY_KEY", **settings)
    engine = Engine(chosen, budget=budget, max_error_share=max_error_share, client=connect_app(endpoint.app))
    return Teacher(engine, Ledger())


async def ask_once(endpoint: Endpoint, **settings: Any) -> Completion:
    with serve(endpoint) as url:
        async with connect(url, **settings) as teacher:
            return await complete(teacher)


class TestAnswers:
    async def test_an_answer_comes_back_with_its_usage_and_enters_the_ledger(self, store: CompletionStore) -> None:
        ledger = Ledger()
        with serve(Endpoint()) as url:
            async with connect(url, store, ledger) as teacher:
                answer = await complete(teacher)
        assert answer.content == "You said: Hello"
        assert (answer.model, answer.fingerprint, answer.finish_reason) == ("tiny-2025-01-01", "fp_1", "stop")
        assert answer.usage.model_dump() == {"prompt": 10, "completion": 4, "cached": 6, "reasoning": 3}
        (row,) = ledger.drain("cats", "simulate")
        assert (row.owner, row.attempts, row.stored, row.prompt_tokens, row.cost_usd) == ("cats-1", 1, False, 10, None)
        assert ledger.rows == []

    async def test_a_request_is_sent_as_it_is_with_what_is_not_set_left_out(self) -> None:
        endpoint = Endpoint()
        tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
        with serve(endpoint) as url:
            async with connect(url, temperature=0.3) as teacher:
                await complete(teacher, ask(tools=(tool,), seed=5, max_tokens=9))
                await complete(teacher, ask(temperature=0.0, seed=5, sample=1))
        first, second = endpoint.requests
        message = {"role": "user", "content": "Hello"}
        assert first == {
            "model": "tiny",
            "messages": [message],
            "tools": [tool],
            "temperature": 0.3,
            "seed": 5,
            "max_tokens": 9,
        }
        assert second["temperature"] == 0.0
        assert second["seed"] != 5  # a deterministic endpoint would otherwise repeat itself
        assert endpoint.headers[0]["authorization"] == f"Bearer {KEY}"

    async def test_a_second_run_sends_nothing(self, store: CompletionStore) -> None:
        endpoint = Endpoint()
        with serve(endpoint) as url:
            for run in range(2):
                ledger = Ledger()
                async with connect(url, store, ledger) as teacher:
                    await complete(teacher)
                    assert (teacher.counts.sent, teacher.counts.stored) == (1 - run, run)
                assert [row.stored for row in ledger.rows] == [bool(run)]
        assert len(endpoint.requests) == 1

    async def test_equal_requests_in_flight_are_sent_once(self) -> None:
        endpoint = Endpoint().hold()
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                asked = [asyncio.create_task(complete(teacher)) for _ in range(20)]
                await wait_until(lambda: endpoint.busy == 1)
                endpoint.release()
                answers = await asyncio.gather(*asked)
                assert (teacher.counts.sent, teacher.counts.stored) == (1, 19)
        assert len(endpoint.requests) == 1
        assert len(set(map(id, answers))) == 1

    async def test_single_shot_requests_go_first_and_then_those_of_the_api_that_came_first(self) -> None:
        endpoint = Endpoint()
        with serve(endpoint) as url:
            async with connect(url, concurrency=1) as teacher:

                async def send(text: str, stage: Stage, api_id: str) -> None:
                    await teacher.complete(ask(text), stage=stage, api_id=api_id, owner=api_id)

                await send("specify cats", "specify", "cats")
                endpoint.hold()
                async with asyncio.TaskGroup() as group:
                    group.create_task(send("sent at once", "simulate", "dogs"))
                    await wait_until(lambda: endpoint.busy == 1)
                    group.create_task(send("of dogs", "simulate", "dogs"))
                    group.create_task(send("of cats", "simulate", "cats"))
                    for stage in SINGLE_SHOT:
                        group.create_task(send(stage, stage, "birds"))
                    await asyncio.sleep(0)
                    endpoint.release()
        sent = [request["messages"][0]["content"] for request in endpoint.requests]
        assert sent[:2] == ["specify cats", "sent at once"]
        assert set(sent[2:6]) == set(SINGLE_SHOT) == {"document", "specify", "instruct", "judge"}
        assert sent[6:] == ["of cats", "of dogs"]

    async def test_what_was_sent_is_finished_and_kept_though_the_one_who_asked_is_gone(
        self, store: CompletionStore
    ) -> None:
        endpoint = Endpoint().hold()
        with serve(endpoint) as url:
            async with connect(url, store) as teacher:
                first = asyncio.create_task(complete(teacher))
                second = asyncio.create_task(complete(teacher, ask("Bye")))
                third = asyncio.create_task(complete(teacher))
                await wait_until(lambda: endpoint.busy == 2)
                first.cancel()
                second.cancel()
                await asyncio.wait([first, second])
                endpoint.release()
                assert (await third).content == "You said: Hello"
        assert (len(endpoint.requests), store.count()) == (2, 2)

    @in_passing_time
    async def test_no_more_requests_are_in_flight_than_the_settings_allow(self) -> None:
        endpoint, began = Endpoint(delay_s=5), read_clock()
        async with connect_in_process(endpoint, concurrency=3) as teacher:
            await asyncio.gather(*(complete(teacher, ask(str(n))) for n in range(12)))
        assert endpoint.busiest == 3
        assert read_clock() - began == pytest.approx(20)

    @in_passing_time
    async def test_the_ledger_says_what_each_took_and_what_it_was_for(self) -> None:
        ledger, endpoint = Ledger(), Endpoint(fail(500, headers={"retry-after": "20"}), delay_s=5)
        settings = TeacherSettings(model="tiny", base_url="http://host/v1")
        async with Teacher(Engine(settings, client=connect_app(endpoint.app)), ledger) as teacher:
            first = asyncio.create_task(complete(teacher))
            await asyncio.sleep(1)
            assert (teacher.in_flight, teacher.in_batches, teacher.stopped) == (1, 0, None)
            await teacher.complete(ask(), stage="judge", api_id="dogs", owner="dogs-7")
            await first
            assert (teacher.counts.sent, teacher.counts.stored) == (2, 1)
            assert [teacher.get_spent(name).tokens for name in ("cats", "dogs", "birds")] == [14, 0, 0]
            assert (teacher.get_spent("cats").calls, teacher.get_spent("cats").usd) == (1, None)
        bought, shared = sorted(ledger.rows, key=lambda row: row.stored)
        assert bought.model_dump(exclude={"latency_s"}) == {
            "stage": "simulate",
            "api_id": "cats",
            "owner": "cats-1",
            "model": "tiny-2025-01-01",
            "prompt_tokens": 10,
            "completion_tokens": 4,
            "cached_tokens": 6,
            "reasoning_tokens": 3,
            "cost_usd": None,
            "attempts": 2,
            "stored": False,
            "finish_reason": "stop",
            "fingerprint": "fp_1",
            "batched": False,
        }
        assert (shared.stage, shared.api_id, shared.owner, shared.attempts) == ("judge", "dogs", "dogs-7", 0)
        assert 30 <= bought.latency_s <= 31
        assert shared.latency_s == pytest.approx(bought.latency_s - 1)

    async def test_tool_calls_without_id_or_as_an_object_are_read(self) -> None:
        calls = [{"function": {"name": "f", "arguments": {"a": 1}}}, {"id": "c", "function": {"name": "g"}}]
        choice = {"finish_reason": None, "message": {"content": None, "tool_calls": calls}}
        answer = await ask_once(Endpoint(last=lambda _: JSONResponse({"choices": [choice]})))
        assert [(call.id, call.name, call.arguments) for call in answer.tool_calls] == [
            ("call_0", "f", '{"a": 1}'),
            ("c", "g", ""),
        ]
        assert (answer.content, answer.finish_reason, answer.model) == ("", "tool_calls", "tiny")
        assert answer.usage.prompt == 0

    async def test_a_cut_off_answer_and_a_refusal_are_what_they_are(self) -> None:
        cut = {"finish_reason": "length", "message": {"content": "Once \ud83d"}}
        refused = {"finish_reason": "stop", "message": {"content": None, "refusal": "I will not."}}
        answer = await ask_once(Endpoint(last=lambda _: Response(b'{"choices": [' + dump(cut) + b"]}")))
        assert (answer.finish_reason, answer.content) == ("length", "Once ?")
        answer = await ask_once(Endpoint(last=lambda _: Response(b'{"choices": [' + dump(refused) + b"]}")))
        assert (answer.finish_reason, answer.content) == ("content_filter", "I will not.")

    async def test_an_app_in_process_is_asked_without_a_socket(self, store: CompletionStore) -> None:
        endpoint = Endpoint()
        async with Teacher(Engine(TeacherSettings(), store, client=connect_app(endpoint.app)), Ledger()) as teacher:
            answers = await asyncio.gather(*(complete(teacher, ask(str(n))) for n in range(50)))
        assert [answer.content for answer in answers] == [f"You said: {n}" for n in range(50)]
        assert endpoint.requests[0]["model"] == "offline"

    async def test_by_default_the_embedded_teacher_is_asked(self, store: CompletionStore) -> None:
        async with Teacher(Engine(TeacherSettings(), store), Ledger()) as teacher:
            # It answers ToolHerd's own prompts only, and says so.
            with pytest.raises(TeacherError, match=r"embedded:\w+ answered 400"):
                await complete(teacher)

    async def test_it_errs_as_often_as_it_is_told(self) -> None:
        tool = {
            "type": "function",
            "function": {"name": "countPets", "parameters": {"type": "object", "properties": {}, "required": []}},
        }
        messages = ({"role": "system", "content": "Help."}, {"role": "user", "content": "Count the pets."})
        answers = []
        for rate in (0.0, 0.0, 1.0):
            async with Teacher(Engine(TeacherSettings(error_rate=rate)), Ledger()) as teacher:
                asked = (ChatRequest(messages=messages, tools=(tool,), seed=seed) for seed in range(10))
                answers.append([(await complete(teacher, request)).model_dump() for request in asked])
        assert answers[0] == answers[1]
        assert all(right != wrong for right, wrong in zip(answers[0], answers[2], strict=True))

    async def test_a_proxy_is_not_asked_for_an_app_in_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        async with connect_in_process(Endpoint(), attempts=1) as teacher:
            assert (await complete(teacher)).content == "You said: Hello"

    async def test_a_bug_of_an_app_in_process_is_told_at_once(self) -> None:
        def stumble(_: dict[str, Any]) -> Response:
            raise KeyError("resource")

        teacher = Teacher(Engine(TeacherSettings(), client=connect_app(Endpoint(last=stumble).app)), Ledger())
        with pytest.raises(TeacherError, match="KeyError: 'resource'"):
            await complete(teacher)
        assert teacher.counts.sent == 1


class TestFailures:
    @pytest.mark.parametrize(
        "fault",
        [
            fail(500),
            fail(503),
            fail(529),
            fail(408),
            break_off,
            show_html,
            say_nothing := (lambda _: JSONResponse(build_answer(choices=[]))),
            lambda _: JSONResponse({"error": {"message": "overloaded"}}),
            lambda _: Response(b'{"choices": [{"mess', media_type="application/json"),
            lambda _: Response(b""),
        ],
        ids=["500", "503", "529", "408", "reset", "html", "no choices", "error in a 200", "torn JSON", "nothing"],
    )
    async def test_a_passing_fault_is_tried_again(self, fault: Any) -> None:
        endpoint = Endpoint(fault, fault)
        assert (await ask_once(endpoint)).content == "You said: Hello"
        assert len(endpoint.requests) == 3

    async def test_a_lasting_fault_ends_after_the_attempts_with_the_last_problem_and_is_not_kept(
        self, store: CompletionStore
    ) -> None:
        endpoint = Endpoint(last=lambda _: JSONResponse(build_answer(choices=[])))
        with serve(endpoint) as url:
            async with connect(url, store, attempts=3) as teacher:
                with pytest.raises(TeacherError, match=r"no choices \(attempt 3 of 3\)") as raised:
                    await complete(teacher)
        assert raised.value.__cause__ is not None
        assert (len(endpoint.requests), store.count()) == (3, 0)

    async def test_all_who_wait_for_a_failing_request_hear_of_it(self) -> None:
        endpoint = Endpoint(last=fail(400, "too long")).hold()
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                asked = [asyncio.create_task(complete(teacher)) for _ in range(5)]
                await wait_until(lambda: endpoint.busy == 1)
                endpoint.release()
                results = await asyncio.gather(*asked, return_exceptions=True)
        assert len(endpoint.requests) == 1
        assert ["answered 400: too long" in str(result) for result in results] == [True] * 5

    @in_passing_time
    async def test_rate_limits_wait_as_asked_and_use_up_no_attempt(self) -> None:
        limited = fail(429, headers={"retry-after": "100"})
        endpoint, began = Endpoint(*[limited] * 4), read_clock()
        async with connect_in_process(endpoint, attempts=1) as teacher:
            assert (await complete(teacher)).content == "You said: Hello"
        assert 400 <= read_clock() - began <= 404
        assert len(endpoint.requests) == 5

    @in_passing_time
    async def test_who_waits_for_a_limit_holds_no_slot(self) -> None:
        endpoint, began = Endpoint(fail(429, headers={"retry-after-ms": "400000"})), read_clock()
        async with connect_in_process(endpoint, concurrency=1) as teacher:
            limited = asyncio.create_task(complete(teacher, ask("limited")))
            await asyncio.sleep(1)
            await complete(teacher, ask("other"))
            assert read_clock() - began == pytest.approx(1)
            await limited
            assert 400 <= read_clock() - began <= 401

    @pytest.mark.parametrize("status", [400, 413, 422])
    async def test_a_refused_request_is_not_sent_again(self, status: int) -> None:
        endpoint = Endpoint(last=fail(status, "bad tools"))
        with pytest.raises(TeacherError, match=f"answered {status}: bad tools") as raised:
            await ask_once(endpoint)
        assert not isinstance(raised.value, FatalTeacherError)
        assert len(endpoint.requests) == 1

    @pytest.mark.parametrize(
        ("reply", "names"),
        [
            (fail(401, "bad key"), "TINY_KEY"),
            (fail(403, "not yours"), "TINY_KEY"),
            (fail(404, "no such model"), "'tiny'"),
            (fail(400, "no such model", code="model_not_found"), "'tiny'"),
            (fail(429, "pay first", code="insufficient_quota"), "TINY_KEY"),
        ],
    )
    async def test_what_no_later_request_can_mend_is_fatal_and_names_the_remedy(self, reply: Any, names: str) -> None:
        endpoint = Endpoint(last=reply)
        with pytest.raises(FatalTeacherError, match=names) as raised:
            await ask_once(endpoint)
        assert "\n" not in str(raised.value)
        assert len(endpoint.requests) == 1

    async def test_a_closed_port_and_a_connection_that_closes_are_told_plainly(self) -> None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with connect(url, attempts=2) as teacher:
            with pytest.raises(TeacherError, match="cannot be reached: ServerDisconnectedError"):
                await complete(teacher)
            server.close()
            await server.wait_closed()
            with pytest.raises(TeacherError, match=r"cannot be reached.*attempt 2 of 2"):
                await complete(teacher, ask("again"))

    @pytest.mark.parametrize(("takes_s", "answered"), [(6.9, True), (7.1, False)])
    def test_an_answer_that_does_not_come_in_time_is_given_up(self, takes_s: float, answered: bool) -> None:
        @in_passing_time
        async def play() -> None:
            began = read_clock()
            async with connect_in_process(Endpoint(delay_s=takes_s), timeout_s=7, attempts=1) as teacher:
                if answered:
                    await complete(teacher)
                else:
                    with pytest.raises(TeacherError, match=r"no answer within 7 s"):
                        await complete(teacher)
            assert read_clock() - began == pytest.approx(min(takes_s, 7))

        play()

    async def test_a_number_that_json_has_not_is_refused_before_anything_is_sent(self) -> None:
        endpoint = Endpoint()
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                with pytest.raises(TeacherError, match="cannot be written as JSON"):
                    await complete(teacher, ask(tools=({"minimum": float("nan")},)))
        assert endpoint.requests == []


class TestStopping:
    async def test_what_is_in_flight_is_finished_and_kept_and_nothing_more_is_sent(
        self, store: CompletionStore
    ) -> None:
        endpoint = Endpoint().hold()
        with serve(endpoint) as url:
            async with connect(url, store, concurrency=2) as teacher:
                asked = [asyncio.create_task(complete(teacher, ask(str(n)))) for n in range(6)]
                await wait_until(lambda: endpoint.busy == 2)
                teacher.stop(RunStoppedError("stopped by SIGINT", "signal"))
                endpoint.release()
                results = await asyncio.gather(*asked, return_exceptions=True)
                with pytest.raises(RunStoppedError):
                    await complete(teacher, ask("later"))
                assert (await complete(teacher, ask("0"))).content == "You said: 0"  # stored, so it is served
        assert [isinstance(result, Completion) for result in results] == [True] * 2 + [False] * 4
        assert all(isinstance(result, RunStoppedError) for result in results[2:])
        assert (len(endpoint.requests), store.count()) == (2, 2)

    @in_passing_time
    async def test_one_that_waits_for_another_attempt_does_not_hold_the_run_up(self) -> None:
        endpoint, began = Endpoint(last=fail(429, headers={"retry-after": "60"})), read_clock()
        async with connect_in_process(endpoint) as teacher:
            asked = asyncio.create_task(complete(teacher))
            await asyncio.sleep(10)
            teacher.stop(RunStoppedError("stopped by SIGINT", "signal"))
            with pytest.raises(RunStoppedError, match="SIGINT"):
                await asked
        assert read_clock() - began == pytest.approx(10)
        assert len(endpoint.requests) == 1

    @pytest.mark.parametrize(
        ("error", "kept"), [(ValueError, True), (KeyboardInterrupt, False), (asyncio.CancelledError, False)]
    )
    def test_an_error_finishes_what_is_in_flight_and_an_interrupt_gives_it_up(
        self, error: type[BaseException], kept: bool
    ) -> None:
        @in_passing_time
        async def play() -> None:
            began, asked = read_clock(), []
            teacher = connect_in_process(Endpoint(delay_s=5))

            async def stumble() -> None:
                async with teacher:
                    asked.append(asyncio.create_task(complete(teacher)))
                    await asyncio.sleep(1)
                    raise error

            with pytest.raises(error):
                await stumble()
            await asyncio.wait(asked)
            assert asked[0].cancelled() != kept
            assert read_clock() - began == pytest.approx(5 if kept else 1)

        play()

    async def test_a_budget_is_kept_to_the_call_and_a_larger_one_goes_on_without_paying_twice(
        self, store: CompletionStore
    ) -> None:
        endpoint = Endpoint()
        with serve(endpoint) as url:
            for calls, bought in ((7, 7), (20, 13)):
                async with connect(url, store, budget=Budget(calls=calls), concurrency=4) as teacher:
                    asked = (complete(teacher, ask(str(n))) for n in range(20))
                    results = await asyncio.gather(*asked, return_exceptions=True)
                assert teacher.spent.calls == bought
                assert sum(isinstance(result, Completion) for result in results) == calls
        assert len({body["messages"][0]["content"] for body in endpoint.requests}) == len(endpoint.requests) == 20

    @in_passing_time
    async def test_a_run_in_which_most_requests_fail_is_stopped_with_the_last_problem(self) -> None:
        endpoint = Endpoint(last=fail(500, "out of memory"))
        async with connect_in_process(endpoint, attempts=2, max_error_share=0.9) as teacher:
            asked = (complete(teacher, ask(str(n))) for n in range(200))
            results = await asyncio.gather(*asked, return_exceptions=True)
        stops = [result for result in results if isinstance(result, RunStoppedError)]
        assert len(stops) > 50
        assert "100 of the last 100 requests failed" in str(stops[0])
        assert "out of memory" in str(stops[0])
        assert len(endpoint.requests) < 200

    @in_passing_time
    async def test_a_request_is_given_up_when_it_has_failed_for_too_long(self) -> None:
        endpoint, began = Endpoint(last=fail(500, headers={"retry-after": "30"})), read_clock()
        async with connect_in_process(endpoint, attempts=100, give_up_s=50) as teacher:
            with pytest.raises(TeacherError, match=r"given up after 50 s of failing"):
                await complete(teacher)
        assert len(endpoint.requests) == 2
        assert 30 <= read_clock() - began <= 31


class TestLimits:
    @pytest.mark.parametrize(
        ("remaining", "reset", "waits_s"), [("0", "300ms", 0.3), ("0", "5m", 300), ("0", "2h", 3600), ("1", "5m", 0)]
    )
    def test_one_that_is_used_up_is_waited_for_before_it_is_run_into(
        self, remaining: str, reset: str, waits_s: float
    ) -> None:
        headers = {"x-ratelimit-remaining-requests": remaining, "x-ratelimit-reset-requests": reset}

        @in_passing_time
        async def play() -> None:
            endpoint = Endpoint(lambda _: JSONResponse(build_answer("first"), headers=headers))
            async with connect_in_process(endpoint) as teacher:
                began = read_clock()
                await complete(teacher)
                assert read_clock() == pytest.approx(began)
                assert waits_s <= teacher.pause_s <= waits_s + 1
                await complete(teacher, ask("second"))
                assert waits_s <= read_clock() - began <= waits_s + 1

        play()

    @in_passing_time
    async def test_requests_a_minute_are_capped(self) -> None:
        async with connect_in_process(Endpoint(), rpm=600) as teacher:
            began = read_clock()
            await asyncio.gather(*(complete(teacher, ask(str(n))) for n in range(14)))
            assert read_clock() - began == pytest.approx(0.4)  # ten at once, then ten a second


def ask_elsewhere(line: "Connection[Any, Any]", url: str, path: Path) -> None:
    """Asks twenty things over a store, says so once all are asked, and at the end how many it has sent."""

    async def work() -> None:
        with CompletionStore(path) as store:
            async with connect(url, store) as teacher:
                asked = [asyncio.create_task(complete(teacher, ask(str(n)))) for n in range(20)]
                while len(teacher._engine._fetching) < 20:  # type: ignore[union-attr]
                    await asyncio.sleep(0)
                line.send("asked")
                await asyncio.gather(*asked)
                line.send(teacher.counts.sent)

    asyncio.run(work())


@pytest.mark.forced
class TestSharing:
    async def test_two_that_share_a_store_send_an_equal_request_once(
        self, store: CompletionStore, tmp_path: Path
    ) -> None:
        endpoint = Endpoint().hold()
        with serve(endpoint) as url, start(ask_elsewhere, url, tmp_path / "completions.sqlite") as other:
            async with connect(url, store) as teacher:
                mine = [asyncio.create_task(complete(teacher, ask(str(n)))) for n in range(10)]
                await wait_until(lambda: endpoint.busy == 10)
                assert await asyncio.to_thread(other.hear) == "asked"
                await wait_until(lambda: endpoint.busy == 20)  # the ten that are not asked here
                mine += [asyncio.create_task(complete(teacher, ask(str(n)))) for n in range(10, 20)]
                await asyncio.sleep(0)
                endpoint.release()
                answers = await asyncio.gather(*mine)
                assert await asyncio.to_thread(other.hear) == teacher.counts.sent == 10
                assert teacher.counts.stored == 10
        assert [answer.content for answer in answers] == [f"You said: {n}" for n in range(20)]
        assert len(endpoint.requests) == 20


class TestOpening:
    @pytest.mark.parametrize(
        ("cores", "model", "elsewhere"),
        [(2, "tiny", True), (1, "tiny", False), (None, "tiny", False), (8, "offline", False)],
    )
    async def test_the_engine_is_elsewhere_where_answers_are_waited_for_and_there_is_a_core_for_it(
        self, cores: int | None, model: str, elsewhere: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "cpu_count", lambda: cores)
        with serve(Endpoint()) as url:
            settings = TeacherSettings(model=model, base_url=None if model == "offline" else url)
            async with open_teacher(EngineStart(settings, tmp_path / "c.sqlite"), Ledger()) as teacher:
                assert isinstance(teacher._engine, EngineProcess) == elsewhere
                if not elsewhere and model == "tiny":
                    await complete(teacher)
        with CompletionStore(tmp_path / "c.sqlite") as store:
            assert store.count() == (not elsewhere and model == "tiny")


class TestSecrets:
    @pytest.mark.parametrize("status", [401, 400, 500])
    async def test_the_key_is_in_no_error_even_if_the_endpoint_repeats_it(self, status: int) -> None:
        with pytest.raises(TeacherError) as raised:
            await ask_once(Endpoint(last=fail(status, f"Incorrect API key provided: {KEY}.")), attempts=1)
        error: BaseException | None = raised.value
        assert "Incorrect API key provided: ***" in str(error)
        assert KEY not in "".join(traceback.format_exception(raised.value))
        while error is not None:
            assert KEY not in repr(error.__dict__)
            assert type(error).__module__.split(".")[0] != "openai"  # its errors hold the request
            error = error.__cause__ or error.__context__

    async def test_without_a_key_what_the_sdk_said_is_kept_for_who_looks_into_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("TINY_KEY")
        with pytest.raises(TeacherError) as raised:
            await ask_once(Endpoint(last=fail(400)))
        assert raised.value.__cause__ is not None
        assert isinstance(raised.value.__cause__.__cause__, openai.BadRequestError)

    async def test_the_key_is_neither_in_the_store_nor_in_the_ledger(self, tmp_path: Path) -> None:
        ledger = Ledger()
        with serve(Endpoint()) as url, CompletionStore(tmp_path / "c.sqlite") as store:
            async with connect(url, store, ledger) as teacher:
                await complete(teacher)
                assert KEY not in repr(teacher.recipe())
                assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.iterdir())
        assert KEY not in repr(ledger.rows)

    def test_without_a_key_openai_is_not_even_asked(self) -> None:
        with pytest.raises(UserError, match="OPENAI_API_KEY"):
            Engine(TeacherSettings(model="gpt-4o"))

    async def test_a_server_of_ones_own_needs_no_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("TINY_KEY")
        assert (await ask_once(Endpoint(say("yes")))).content == "yes"


class TestRecipe:
    def test_it_holds_what_results_depend_on(self) -> None:
        def recipe(**settings: Any) -> dict[str, Any]:
            engine = Engine(TeacherSettings(**settings), client=connect_app(Endpoint(last=echo).app))
            return Teacher(engine, Ledger()).recipe()

        assert recipe(concurrency=1) == recipe(concurrency=2, timeout_s=1, attempts=1)
        assert recipe() != recipe(error_rate=0.1)
        assert recipe() != recipe(temperature=0.1)
        assert recipe(model="a", base_url="http://h/v1/") == recipe(model="a", base_url="http://h/v1")
        assert recipe(model="a", base_url="http://h/v1") != recipe(model="a", base_url="http://g/v1")


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()
