"""The teacher against a real HTTP server, and against an app in process: what is sent, answered, kept and told."""

import asyncio
import json
import os
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from schemas.calls import ChatRequest, Stage
from schemas.errors import NoAnswerError, TeacherError
from schemas.teacher import TeacherSettings
from tasks.teacher import CompletionStore, Engine, EngineStart, Ledger, Teacher, open_teacher
from tasks.teacher.engine.process import EngineProcess
from tasks.teacher.in_process import connect_app
from tests.tasks.teacher.batching import wait_until
from tests.tasks.teacher.endpoints import KEY, Endpoint, build_answer, echo, fail, serve
from tests.tasks.teacher.passing_time import in_passing_time, read_clock
from tests.tasks.teacher.processes import start
from tests.tasks.teacher.teachers import ask, ask_once, complete, connect, connect_in_process

pytestmark = pytest.mark.usefixtures("tiny_key")


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

    @in_passing_time
    async def test_the_ledger_says_what_each_took_and_what_it_was_for(self) -> None:
        ledger, endpoint = Ledger(), Endpoint(fail(500, headers={"retry-after": "20"}), delay_s=5)
        settings = TeacherSettings(model="tiny", base_url="http://host/v1")
        async with Teacher(Engine(settings, client=connect_app(endpoint.app)), ledger) as teacher:
            first = asyncio.create_task(complete(teacher))
            await asyncio.sleep(1)
            assert (teacher.state.in_flight, teacher.state.in_batches, teacher.state.stopped) == (1, 0, None)
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
            "role": "assistant",
            "estimated": False,
            "sampling": '{"temperature":0.7,"top_p":null,"reasoning_effort":null,"seed":null}',
            "left_out": (),
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
        assert answer.estimated

    async def test_a_cut_off_answer_and_a_refusal_are_what_they_are(self) -> None:
        cut = {"finish_reason": "length", "message": {"content": "Once \ud83d"}}
        refused = {"finish_reason": "stop", "message": {"content": None, "refusal": "I will not."}}
        for choice, flaw in ((cut, "cut_off"), (refused, "refused")):
            body = b'{"choices": [' + dump(choice) + b"]}"
            with pytest.raises(NoAnswerError) as raised:
                await ask_once(Endpoint(last=lambda _, body=body: Response(body)))  # type: ignore[misc]
            assert raised.value.flaw == flaw


class TestTurns:
    async def test_single_shot_requests_go_first_and_then_those_of_the_api_that_came_first(self) -> None:
        endpoint = Endpoint()
        with serve(endpoint) as url:
            async with connect(url, concurrency=1) as teacher:

                async def send(text: str, stage: Stage, api_id: str) -> None:
                    await teacher.complete(ask(text), stage=stage, api_id=api_id, owner=api_id)

                await send("document cats", "document", "cats")
                endpoint.hold()
                async with asyncio.TaskGroup() as group:
                    group.create_task(send("sent at once", "simulate", "dogs"))
                    await wait_until(lambda: endpoint.busy == 1)
                    group.create_task(send("of dogs", "simulate", "dogs"))
                    group.create_task(send("of cats", "simulate", "cats"))
                    group.create_task(send("instruct birds", "instruct", "birds"))
                    group.create_task(send("document birds", "document", "birds"))
                    await asyncio.sleep(0)
                    endpoint.release()
        sent = [request["messages"][0]["content"] for request in endpoint.requests]
        assert sent[:2] == ["document cats", "sent at once"]
        assert sent[2:] == ["instruct birds", "document birds", "of cats", "of dogs"]

    @in_passing_time
    async def test_no_more_requests_are_in_flight_than_the_settings_allow(self) -> None:
        endpoint, began = Endpoint(delay_s=5), read_clock()
        async with connect_in_process(endpoint, concurrency=3) as teacher:
            await asyncio.gather(*(complete(teacher, ask(str(n))) for n in range(12)))
        assert endpoint.busiest == 3
        assert read_clock() - began == pytest.approx(20)

    @pytest.mark.parametrize(
        ("remaining", "reset", "waits_s"),
        [("0", "30s", 0.3), ("0", "8h20m", 300), ("0", "200h", 3600), ("1", "8h20m", 0)],
    )
    def test_one_that_is_used_up_is_waited_for_before_it_is_run_into(
        self, remaining: str, reset: str, waits_s: float
    ) -> None:
        headers = {
            "x-ratelimit-limit-requests": "100",
            "x-ratelimit-remaining-requests": remaining,
            "x-ratelimit-reset-requests": reset,
        }

        @in_passing_time
        async def play() -> None:
            endpoint = Endpoint(lambda _: JSONResponse(build_answer("first"), headers=headers))
            async with connect_in_process(endpoint) as teacher:
                began = read_clock()
                await complete(teacher)
                assert read_clock() == pytest.approx(began)
                assert waits_s <= teacher.state.pause_s <= waits_s + 1
                await complete(teacher, ask("second"))
                assert waits_s <= read_clock() - began <= waits_s + 1

        play()

    @in_passing_time
    async def test_requests_a_minute_are_capped(self) -> None:
        async with connect_in_process(Endpoint(), rpm=600) as teacher:
            began = read_clock()
            await asyncio.gather(*(complete(teacher, ask(str(n))) for n in range(14)))
            assert read_clock() - began == pytest.approx(0.4)  # ten at once, then ten a second


class TestInProcess:
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
