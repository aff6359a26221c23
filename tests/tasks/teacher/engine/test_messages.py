"""What a run and its engine say to each other, one message after another; the test is the other one.

That the two understand each other as processes is in test_process.
"""

import asyncio
import gc
import logging
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

import tasks
from schemas.calls import ChatRequest, Completion, Usage
from schemas.errors import EngineLostError, FatalTeacherError, RunStoppedError, TeacherError, UserError
from schemas.parameters import Budget
from schemas.teacher import TeacherSettings
from tasks.teacher import CompletionStore, EngineStart, Spent
from tasks.teacher.batches.batch_record import OpenBatch
from tasks.teacher.engine.channel import Channel
from tasks.teacher.engine.engine import Answer, EngineState
from tasks.teacher.engine.process import (
    Abort,
    Ask,
    AskOutcome,
    Close,
    Ended,
    EngineProcess,
    EngineServer,
    Forwarder,
    Said,
    Standing,
    Stop,
)
from tests.tasks.teacher.batching import wait_until
from tests.tasks.teacher.endpoints import Endpoint, fail, serve

START = EngineStart(TeacherSettings(model="tiny", base_url="http://host/v1"), Path("c.sqlite"), key="sk-1")
ANSWER = Answer(Completion(content="Hello.", model="tiny", usage=Usage(prompt=10, completion=4)), 1, None)
ENOUGH = RunStoppedError("enough", "signal")


def ask(text: str = "Hello") -> ChatRequest:
    return ChatRequest(messages=({"role": "user", "content": text},))


class Other:
    """The other end of a channel: what it has heard, and a way to speak. `task` is what runs at this end."""

    task: asyncio.Task[Any]

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.ended = asyncio.Event()
        self.channel: Channel

    async def open(self, end: socket.socket) -> "Other":
        self.channel = await Channel.open(end, self.heard.append, self.ended.set)
        return self

    def find(self, kind: type) -> list[Any]:
        return [message for message in self.heard if isinstance(message, kind)]

    async def wait_for_end(self) -> None:
        """Returns when the other end is closed."""
        async with asyncio.timeout(60):
            await self.ended.wait()

    async def hear(self, kind: type, count: int = 1) -> Any:
        """The so-many-eth message of a kind."""
        await wait_until(lambda: len(self.find(kind)) >= count)
        return self.find(kind)[count - 1]


class PickyError(Exception):
    """One that pickle writes and cannot read."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} {other}?")


class NoProcess:
    """Stands for the process that is started: it takes its end of the socket, and is waited for at the end."""

    started: ClassVar[list["NoProcess"]] = []

    def __init__(self, command: list[str], *, pass_fds: list[int], **options: Any) -> None:
        self.command = command
        self.options = options
        self.end = socket.socket(fileno=os.dup(pass_fds[0]))
        self.waited = False
        self.started.append(self)

    def wait(self) -> int:
        self.waited = True
        return 0


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> type[NoProcess]:
    monkeypatch.setattr(NoProcess, "started", [])
    monkeypatch.setattr(subprocess, "Popen", NoProcess)
    return NoProcess


@pytest.fixture
async def no_complaints() -> AsyncIterator[None]:
    """Nothing that happens may be an error of the event loop's."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    yield
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []


@pytest.fixture
async def other(process: type[NoProcess], no_complaints: None) -> AsyncIterator[Other]:
    """The engine's side of a run that waits for its engine to be there."""
    starting = asyncio.create_task(EngineProcess.start(START))
    await wait_until(lambda: bool(process.started))
    other = await Other().open(process.started[0].end)
    other.task = starting
    yield other
    other.channel.close()
    await asyncio.wait([starting])


@pytest.fixture
async def engine(other: Other) -> EngineProcess:
    """The run's side of it, once the engine is there."""
    other.channel.send(Standing(EngineState()))
    started: EngineProcess = await other.task
    return started


class TestTheRunsSide:
    async def test_it_says_with_what_to_start_and_waits_until_the_engine_stands(self, other: Other) -> None:
        assert await other.hear(EngineStart) == START
        await asyncio.sleep(0)
        assert not other.task.done()
        other.channel.send(Standing(EngineState(sent=3)))
        engine = await other.task
        assert engine.state.sent == 3
        assert engine.settings == START.settings

    async def test_an_answer_goes_to_who_asked_for_it_in_whatever_order(
        self, engine: EngineProcess, other: Other
    ) -> None:
        first = asyncio.create_task(engine.answer(ask("1"), "simulate", "cats"))
        second = asyncio.create_task(engine.answer(ask("2"), "judge", "dogs"))
        asked = [await other.hear(Ask, 1), await other.hear(Ask, 2)]
        assert [(one.request, one.stage, one.api_id) for one in asked] == [
            (ask("1"), "simulate", "cats"),
            (ask("2"), "judge", "dogs"),
        ]
        assert asked[0].number != asked[1].number
        other.channel.send(AskOutcome(asked[1].number, ANSWER, EngineState(sent=2)))
        assert await second == ANSWER
        assert engine.state.sent == 2
        assert not first.done()
        other.channel.send(AskOutcome(asked[0].number, TeacherError("no"), EngineState(sent=3)))
        with pytest.raises(TeacherError, match=r"^no$"):
            await first
        assert engine.state.sent == 3

    async def test_answers_are_not_held_on_to(self, engine: EngineProcess, other: Other) -> None:
        for number in range(1, 21):
            asked = asyncio.create_task(engine.answer(ask(str(number)), "simulate", "cats"))
            other.channel.send(AskOutcome((await other.hear(Ask, number)).number, ANSWER, EngineState()))
            await asked
        gc.collect()
        assert sum(type(thing) is Answer for thing in gc.get_objects()) < 10

    async def test_what_nobody_waits_for_any_more_is_passed_over(self, engine: EngineProcess, other: Other) -> None:
        gone = asyncio.create_task(engine.answer(ask("1"), "simulate", "cats"))
        asked = await other.hear(Ask)
        gone.cancel()
        await asyncio.wait([gone])
        for outcome in (ANSWER, TeacherError("no"), ANSWER):
            other.channel.send(AskOutcome(asked.number, outcome, EngineState(sent=1)))
        other.channel.send(AskOutcome(999, ANSWER, EngineState(sent=2)))
        await wait_until(lambda: engine.state.sent == 2)
        waits = asyncio.create_task(engine.answer(ask("2"), "simulate", "cats"))
        number = (await other.hear(Ask, 2)).number
        other.channel.send(AskOutcome(number, ANSWER, EngineState()))
        other.channel.send(AskOutcome(number, TeacherError("twice"), EngineState()))
        assert await waits == ANSWER

    @pytest.mark.forced
    async def test_a_stop_stands_though_what_the_engine_said_before_it_knew_arrives_later(
        self, engine: EngineProcess, other: Other
    ) -> None:
        engine.stop(ENOUGH)
        assert engine.state.stopped is ENOUGH
        engine.stop(RunStoppedError("again", "budget"))
        assert engine.state.stopped is ENOUGH
        other.channel.send(Standing(EngineState(sent=7)))
        await wait_until(lambda: engine.state.sent == 7)
        assert engine.state.stopped is ENOUGH
        assert str((await other.hear(Stop)).error) == "enough"

    async def test_the_engines_own_stop_is_known_here(self, engine: EngineProcess, other: Other) -> None:
        state = EngineState(stopped=RunStoppedError("the budget", "budget"), spent=Spent(3, 4, 0.5), in_flight=2)
        other.channel.send(Standing(state))
        await wait_until(lambda: engine.state.in_flight == 2)
        assert str(engine.state.stopped) == "the budget"
        assert engine.state.spent == Spent(3, 4, 0.5)

    async def test_giving_up_is_told_and_cancels_those_who_wait(self, engine: EngineProcess, other: Other) -> None:
        asked = [asyncio.create_task(engine.answer(ask(str(n)), "simulate", "cats")) for n in range(2)]
        await other.hear(Ask, 2)
        engine.abort()
        await asyncio.wait(asked)
        assert all(task.cancelled() for task in asked)
        await other.hear(Abort)

    async def test_closing_waits_for_the_last_message_and_the_process(
        self, engine: EngineProcess, other: Other, process: type[NoProcess]
    ) -> None:
        closing = asyncio.create_task(engine.aclose())
        await other.hear(Close)
        await asyncio.sleep(0)
        assert (closing.done(), process.started[0].waited) == (False, False)
        left = (OpenBatch("b", "batch_1", "file_1", requests=3, created_at=0.0, is_mine=True),)
        other.channel.send(Ended(left))
        assert await closing == left
        assert process.started[0].waited
        await other.wait_for_end()

    async def test_an_error_at_the_end_is_raised(self, engine: EngineProcess, other: Other) -> None:
        closing = asyncio.create_task(engine.aclose())
        await other.hear(Close)
        other.channel.send(Ended(error=UserError("the disk is full")))
        other.channel.send(Ended())
        with pytest.raises(UserError, match="the disk is full"):
            await closing

    async def test_one_that_ends_unasked_fails_all_who_ask(
        self, engine: EngineProcess, other: Other, process: type[NoProcess]
    ) -> None:
        waiting = [asyncio.create_task(engine.answer(ask(str(n)), "simulate", "cats")) for n in range(3)]
        number = (await other.hear(Ask, 3)).number
        waiting[0].cancel()
        other.channel.send(AskOutcome(number, ANSWER, EngineState()))
        other.channel.close()
        assert await waiting[2] == ANSWER
        for failing in (waiting[1], engine.answer(ask("late"), "simulate", "cats")):
            with pytest.raises(EngineLostError, match="has ended before the run, killed or out of memory"):
                await failing
        assert await engine.aclose() == ()
        assert process.started[0].waited

    @pytest.mark.parametrize(
        ("last", "error", "text"),
        [
            (Ended(error=UserError("not a database")), UserError, "not a database"),
            (Ended(), EngineLostError, "has ended before the run"),
            (None, EngineLostError, "has ended before the run"),
        ],
    )
    async def test_one_that_cannot_be_opened_says_why(
        self, last: Ended | None, error: type[Exception], text: str, other: Other, process: type[NoProcess]
    ) -> None:
        if last is None:
            other.channel.close()
        else:
            other.channel.send(last)
        with pytest.raises(error, match=text):
            await other.task
        assert process.started[0].waited
        await other.wait_for_end()

    async def test_its_log_lines_are_logged_here(
        self, engine: EngineProcess, other: Other, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG, "tasks")
        other.channel.send(Said("tasks.teacher.sending.sender", logging.WARNING, "100 % of it"))
        await wait_until(lambda: bool(caplog.records))
        assert [(record.name, record.levelno, record.getMessage()) for record in caplog.records] == [
            ("tasks.teacher.sending.sender", logging.WARNING, "100 % of it")
        ]

    async def test_the_process_is_out_of_reach_of_the_terminal_and_finds_our_code(
        self, process: type[NoProcess], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for given in ("/elsewhere", None):
            monkeypatch.setenv("https_proxy", "http://proxy.test")
            monkeypatch.delenv("PYTHONPATH", raising=False)
            if given:
                monkeypatch.setenv("PYTHONPATH", given)
            starting = asyncio.create_task(EngineProcess.start(START))
            await wait_until(lambda: bool(process.started))
            started = process.started.pop()
            other = await Other().open(started.end)
            other.channel.send(Standing(EngineState()))
            await starting
            options = started.options
            assert options["start_new_session"] is True
            assert options["stdin"] == subprocess.DEVNULL
            root = str(Path(str(tasks.__file__)).parents[1])
            assert options["env"]["PYTHONPATH"].split(os.pathsep) == [root, *([given] if given else [])]
            assert options["env"]["https_proxy"] == "http://proxy.test"
            assert started.command[1] == "-c"
            assert started.command[2].endswith(
                "from tasks.teacher.engine.process import serve_engine\nserve_engine(watch)\n"
            )
            other.channel.close()


@pytest.fixture
def quiet_loggers() -> Iterator[None]:
    """The server is a process's own and forwards all its log lines from then on; here the handler goes again."""
    logger = logging.getLogger("tasks")
    level, handlers = logger.level, list(logger.handlers)
    yield
    logger.setLevel(level)
    logger.handlers = handlers


@pytest.fixture
async def run(quiet_loggers: None, no_complaints: None) -> AsyncIterator[Other]:
    """The run's side of a server."""
    mine, its = socket.socketpair()
    serving = asyncio.create_task(EngineServer().run(its))
    run = await Other().open(mine)
    run.task = serving
    yield run
    run.channel.close()
    async with asyncio.timeout(60):
        await serving


def start_at(url: str, folder: Path, **options: Any) -> EngineStart:
    return EngineStart(TeacherSettings(model="tiny", base_url=url), folder / "c.sqlite", key="sk-1", **options)


class TestTheEnginesSide:
    async def test_it_answers_what_it_is_asked_and_tells_how_it_stands(self, run: Other, tmp_path: Path) -> None:
        with serve(Endpoint(*[fail(400, "not that")] * 2)) as url:
            run.channel.send(start_at(url, tmp_path))
            assert (await run.hear(Standing)).state == EngineState()
            run.channel.send(Ask(7, ask("one"), "simulate", "cats"))
            failed = await run.hear(AskOutcome)
            assert (failed.number, type(failed.answer), failed.state.sent) == (7, FatalTeacherError, 2)
            run.channel.send(Ask(8, ask("two"), "simulate", "cats"))
            answered = await run.hear(AskOutcome, 2)
            assert (answered.number, answered.answer.completion.content) == (8, "You said: two")
            assert (answered.state.sent, answered.state.spent.calls) == (3, 1)
            told = len(run.find(Standing))
            assert (await run.hear(Standing, told + 2)).state.sent == 3  # again and again
            run.channel.send(Close())
            assert await run.hear(Ended) == Ended()
            await run.wait_for_end()
            await run.task
            assert asyncio.all_tasks() == {asyncio.current_task()}  # nothing goes on

    async def test_those_who_wait_at_the_end_are_told_before_it(self, run: Other, tmp_path: Path) -> None:
        endpoint = Endpoint().hold()
        with serve(endpoint) as url:
            run.channel.send(start_at(url, tmp_path))
            await run.hear(Standing)
            for number in range(3):
                run.channel.send(Ask(number, ask(str(number)), "simulate", "cats"))
            await wait_until(lambda: endpoint.busy == 3)
            run.channel.send(Close())
            run.channel.send(Ask(3, ask("too late"), "simulate", "cats"))
            late = await run.hear(AskOutcome)
            assert (late.number, type(late.answer)) == (3, RunStoppedError)
            endpoint.release()
            await run.hear(Ended)
        last = [message for message in run.heard if not isinstance(message, Standing)]
        assert sorted(message.number for message in last[:-1]) == [0, 1, 2, 3]
        assert isinstance(last[-1], Ended)
        assert isinstance(run.heard[-1], Ended)

    async def test_what_is_asked_before_it_stands_is_passed_over(self, run: Other, tmp_path: Path) -> None:
        for early in (Ask(1, ask(), "simulate", "cats"), Stop(ENOUGH), Abort()):
            run.channel.send(early)
        run.channel.send(start_at("http://127.0.0.1:9/v1", tmp_path))
        assert (await run.hear(Standing)).state.stopped is None
        assert run.find(AskOutcome) == []

    @pytest.mark.forced
    async def test_a_run_that_is_gone_has_its_answers_kept_and_nothing_more_sent(
        self, run: Other, tmp_path: Path
    ) -> None:
        endpoint = Endpoint().hold()
        with serve(endpoint) as url:
            settings = TeacherSettings(model="tiny", base_url=url, concurrency=1)
            run.channel.send(EngineStart(settings, tmp_path / "c.sqlite"))
            await run.hear(Standing)
            for number in range(3):
                run.channel.send(Ask(number, ask(str(number)), "simulate", "cats"))
            await wait_until(lambda: endpoint.busy == 1)
            run.channel.close()
            await run.wait_for_end()
            endpoint.release()
            await run.task
        with CompletionStore(tmp_path / "c.sqlite") as store:
            assert store.count() == len(endpoint.requests) == 1

    async def test_one_that_says_nothing_at_all_is_waited_for_no_longer(self, run: Other) -> None:
        run.channel.close()
        await asyncio.wait_for(run.task, 60)

    async def test_stopping_and_giving_up_are_the_engines(self, run: Other, tmp_path: Path) -> None:
        endpoint = Endpoint().hold()
        with serve(endpoint) as url:
            run.channel.send(start_at(url, tmp_path))
            await run.hear(Standing)
            run.channel.send(Ask(1, ask(), "simulate", "cats"))
            await wait_until(lambda: endpoint.busy == 1)
            run.channel.send(Stop(ENOUGH))
            run.channel.send(Ask(2, ask("other"), "simulate", "cats"))
            assert str((await run.hear(AskOutcome)).answer) == "enough"
            run.channel.send(Abort())
            run.channel.send(Close())
            await run.hear(Ended)  # with the endpoint still silent
            endpoint.release()

    @pytest.mark.parametrize(
        ("options", "text"), [({"budget": Budget(usd=1)}, "price of 'tiny'"), ({}, "not a database")]
    )
    async def test_what_cannot_be_opened_is_told_as_what_it_is(
        self, options: dict[str, Any], text: str, run: Other, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("TOOLHERD_PRICES", raising=False)
        if not options:
            (tmp_path / "c.sqlite").write_text("This is no store of completions, but a text of some length.")
        run.channel.send(start_at("http://127.0.0.1:9/v1", tmp_path, **options))
        ended = await run.hear(Ended)
        assert isinstance(ended.error, UserError)
        assert text in str(ended.error)
        assert run.find(Standing) == []

    @pytest.mark.parametrize("kind", ["hidden", "picky"])
    async def test_an_error_that_cannot_be_sent_or_read_is_said_in_words(
        self, kind: str, run: Other, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class OddError(Exception):
            """Local, so that pickle cannot find it."""

        odd: Exception = OddError("what now?") if kind == "hidden" else PickyError("what", "now")

        def stumble(*_: object) -> None:
            raise odd

        monkeypatch.setattr("tasks.teacher.engine.engine.build_key", stumble)
        run.channel.send(start_at("http://127.0.0.1:9/v1", tmp_path))
        await run.hear(Standing)
        run.channel.send(Ask(1, ask(), "simulate", "cats"))
        error = (await run.hear(AskOutcome)).answer
        assert (type(error), str(error)) == (RuntimeError, f"{type(odd).__name__}: what now?")

    async def test_what_it_logs_from_info_on_is_said(self, run: Other, tmp_path: Path) -> None:
        run.channel.send(start_at("http://127.0.0.1:9/v1", tmp_path))
        await run.hear(Standing)
        logging.getLogger("tasks.completions.store").debug("too small to be told")
        logging.getLogger("elsewhere").warning("of somebody else")
        logging.getLogger("tasks.completions.store").info("%d kept", 3)
        assert await run.hear(Said) == Said("tasks.completions.store", logging.INFO, "3 kept")


async def test_what_another_thread_logs_arrives_too() -> None:
    one, other = socket.socketpair()
    mine, theirs = await Other().open(one), await Other().open(other)
    record = logging.LogRecord(
        "tasks.completions.store", logging.WARNING, __file__, 1, "%s is full", ("the disk",), None
    )
    await asyncio.to_thread(Forwarder(mine.channel).emit, record)
    assert await theirs.hear(Said) == Said("tasks.completions.store", logging.WARNING, "the disk is full")
    mine.channel.close()
    theirs.channel.close()
