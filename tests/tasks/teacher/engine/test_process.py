"""The engine in a process of its own answers, fails, stops and ends as the one in process does."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from schemas.calls import ChatRequest, Completion
from schemas.errors import FatalTeacherError, RunStoppedError, TeacherError, UserError
from schemas.parameters import Budget
from schemas.teacher import TeacherSettings
from tasks.teacher import CompletionStore, EngineStart, Ledger, Teacher, open_teacher
from tasks.teacher.engine import process
from tasks.teacher.engine.process import EngineProcess
from tasks.teacher.notices import LOGGER
from tests.tasks.teacher.batching import wait_until
from tests.tasks.teacher.endpoints import Endpoint, HasApp, echo, fail, serve

KEY = "sk-marked-4711"
FOR_EVER_S = 600
ROOT = Path(__file__).parents[4]

KILLED = """
import asyncio
from pathlib import Path
from schemas.calls import ChatRequest
from schemas.teacher import TeacherSettings
from tasks.teacher import EngineStart
from tasks.teacher.engine.process import EngineProcess

async def main():
    settings = TeacherSettings(model="tiny", base_url={url!r}, concurrency=2, timeout_s={timeout_s})
    engine = await EngineProcess.start(EngineStart(settings, Path({path!r})))
    print(engine._process.pid, flush=True)
    requests = [ChatRequest(messages=({{"role": "user", "content": str(number)}},)) for number in range(3)]
    await asyncio.gather(*(engine.answer(request, "simulate", "cats") for request in requests))

asyncio.run(main())
"""
"""A run that asks for three completions, two at a time, and tells the process of its engine."""


@pytest.fixture(autouse=True)
def set_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two cores, and no settings of its user."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "TOOLHERD_PRICES"):
        monkeypatch.delenv(name, raising=False)


@asynccontextmanager
async def open_at(
    url: str, folder: Path, ledger: Ledger | None = None, budget: Budget | None = None, **settings: Any
) -> AsyncIterator[Teacher]:
    """A teacher over an endpoint, its engine elsewhere."""
    chosen = TeacherSettings(model="tiny", base_url=url, **settings)
    start = EngineStart(chosen, folder / "c.sqlite", budget or Budget(), key=KEY)
    async with open_teacher(start, ledger or Ledger()) as teacher:
        assert isinstance(teacher._engine, EngineProcess)
        yield teacher


@asynccontextmanager
async def connect(endpoint: HasApp, folder: Path, **options: Any) -> AsyncIterator[Teacher]:
    """The same over an endpoint that is served meanwhile."""
    with serve(endpoint) as url:
        async with open_at(url, folder, **options) as teacher:
            yield teacher


async def complete(teacher: Teacher, text: str = "Hello", **fields: Any) -> Completion:
    request = ChatRequest(messages=({"role": "user", "content": text},), **fields)
    return await teacher.complete(request, stage="simulate", api_id="cats", owner="cats-1")


def find_pid(teacher: Teacher) -> int:
    assert isinstance(teacher._engine, EngineProcess)
    assert teacher._engine._process is not None
    return teacher._engine._process.pid


def lives(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def find_socket(pid: int) -> int:
    """The file descriptor over which the process of an engine hears from its run."""
    return int(Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[-2])


def has_open(pid: int, descriptor: int) -> bool:
    return os.path.lexists(f"/proc/{pid}/fd/{descriptor}")


class TestAnswers:
    async def test_they_come_back_with_what_they_took_and_are_kept(self, tmp_path: Path) -> None:
        ledger, endpoint = Ledger(), Endpoint()
        async with connect(endpoint, tmp_path, ledger=ledger) as teacher:
            answers = await asyncio.gather(*(complete(teacher, str(n)) for n in range(50)))
            assert (teacher.counts.sent, teacher.counts.stored, teacher.state.spent.calls) == (50, 0, 50)
            assert (teacher.state.spent.tokens, teacher.get_spent("cats").tokens) == (50 * 14, 50 * 14)
        assert [answer.content for answer in answers] == [f"You said: {n}" for n in range(50)]
        assert {(row.attempts, row.stored, row.prompt_tokens, row.cost_usd) for row in ledger.rows} == {
            (1, False, 10, None)
        }
        assert endpoint.headers[0]["authorization"] == f"Bearer {KEY}"
        with CompletionStore(tmp_path / "c.sqlite") as store:
            assert store.count() == 50

    async def test_what_is_stored_is_not_sent_again(self, tmp_path: Path) -> None:
        endpoint = Endpoint()
        with serve(endpoint) as url:
            for run in range(2):
                async with open_at(url, tmp_path) as teacher:
                    await asyncio.gather(*(complete(teacher) for _ in range(5)))
                    assert (teacher.counts.sent, teacher.counts.stored) == (1 - run, 4 + run)
        assert len(endpoint.requests) == 1


class TestFailures:
    async def test_a_refusal_arrives_as_what_it_is(self, tmp_path: Path) -> None:
        refused, no_key = [fail(400, "not that")] * 2, [fail(401, "not you")] * 2
        async with connect(Endpoint(echo, *refused, *no_key), tmp_path) as teacher:
            await complete(teacher, "first")
            with pytest.raises(TeacherError, match="not that") as caught:
                await complete(teacher)
            assert type(caught.value) is TeacherError
            with pytest.raises(FatalTeacherError, match="not you"):
                await complete(teacher)

    async def test_a_budget_that_is_reached_stops_the_teacher(self, tmp_path: Path) -> None:
        async with connect(Endpoint(), tmp_path, budget=Budget(calls=1)) as teacher:
            await complete(teacher, "one")
            with pytest.raises(RunStoppedError, match="budget of 1 completions") as caught:
                await complete(teacher, "two")
            assert caught.value.cause == "budget"
            assert teacher.state.stopped is not None
            assert (await complete(teacher, "one")).content == "You said: one"

    async def test_what_cannot_be_opened_is_told_at_once(self, tmp_path: Path) -> None:
        path = tmp_path / "c.sqlite"
        with pytest.raises(UserError, match="OPENAI_API_KEY"):
            await EngineProcess.start(EngineStart(TeacherSettings(model="gpt-4o"), path))
        path.write_text("This is no store of completions, but a text of some length.")
        settings = TeacherSettings(model="tiny", base_url="http://localhost:9/v1")
        with pytest.raises(UserError, match="not a database"):
            await EngineProcess.start(EngineStart(settings, path))

    async def test_a_number_that_json_has_not_is_an_error_of_the_one_request(self, tmp_path: Path) -> None:
        async with connect(Endpoint(), tmp_path) as teacher:
            with pytest.raises(TeacherError, match="cannot be written as JSON"):
                await complete(teacher, temperature=float("nan"))
            await complete(teacher)

    @pytest.mark.forced
    async def test_one_that_is_killed_ends_the_run_with_one_clear_line(self, tmp_path: Path) -> None:
        endpoint = Endpoint(delay_s=FOR_EVER_S)
        async with connect(endpoint, tmp_path) as teacher:
            waiting = asyncio.create_task(complete(teacher))
            await wait_until(lambda: endpoint.busy == 1)
            os.kill(find_pid(teacher), signal.SIGKILL)
            with pytest.raises(FatalTeacherError, match="goes on from there"):
                await waiting
            with pytest.raises(FatalTeacherError, match="goes on from there"):
                await complete(teacher)


class TestEnds:
    @pytest.mark.forced
    async def test_stop_finishes_and_keeps_what_is_in_flight(self, tmp_path: Path) -> None:
        endpoint = Endpoint().hold()
        async with connect(endpoint, tmp_path, concurrency=2) as teacher:
            running = [asyncio.create_task(complete(teacher, str(n))) for n in range(4)]
            await wait_until(lambda: endpoint.busy == 2)
            teacher.stop(RunStoppedError("stopped by SIGINT", "signal"))
            await wait_until(lambda: sum(task.done() for task in running) == 2)  # those that were not sent
            endpoint.release()
            ended = await asyncio.gather(*running, return_exceptions=True)
            assert teacher.state.stopped is not None
        assert sorted(type(one).__name__ for one in ended) == ["Completion"] * 2 + ["RunStoppedError"] * 2
        with CompletionStore(tmp_path / "c.sqlite") as store:
            assert store.count() == 2

    async def test_a_caller_that_is_cancelled_loses_no_answer(self, tmp_path: Path) -> None:
        endpoint = Endpoint().hold()
        async with connect(endpoint, tmp_path) as teacher:
            running = asyncio.create_task(complete(teacher))
            await wait_until(lambda: endpoint.busy == 1)
            running.cancel()
            await asyncio.wait([running])
            endpoint.release()
        with CompletionStore(tmp_path / "c.sqlite") as store:
            assert store.count() == 1

    @pytest.mark.forced
    async def test_an_interrupt_gives_up_what_is_in_flight(self, tmp_path: Path) -> None:
        endpoint = Endpoint(delay_s=FOR_EVER_S)
        running: list[asyncio.Task[Completion]] = []

        async def interrupt() -> None:
            async with connect(endpoint, tmp_path) as teacher:
                running.append(asyncio.create_task(complete(teacher)))
                await wait_until(lambda: endpoint.busy == 1)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await interrupt()
        assert running[0].cancelled()

    async def test_the_process_is_gone_at_the_end(self, tmp_path: Path) -> None:
        async with connect(Endpoint(), tmp_path) as teacher:
            pid = find_pid(teacher)
            assert lives(pid)
        assert not lives(pid)

    @pytest.mark.forced
    async def test_a_run_that_is_killed_loses_no_answer_and_leaves_no_process(self, tmp_path: Path) -> None:
        endpoint = Endpoint().hold()
        with serve(endpoint) as url:
            program = KILLED.format(url=url, path=str(tmp_path / "c.sqlite"), timeout_s=FOR_EVER_S)
            run = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
            assert run.stdout is not None
            with run.stdout:
                pid = int(run.stdout.readline())
                await wait_until(lambda: endpoint.busy == 2)
                assert lives(pid)
                assert has_open(pid, find_socket(pid))
                run.kill()
                run.wait()
            await wait_until(lambda: not has_open(pid, find_socket(pid)))  # it knows
            endpoint.release()
            await wait_until(lambda: not lives(pid))
        assert len(endpoint.requests) == 2  # the third, which waited, was not sent
        with CompletionStore(tmp_path / "c.sqlite") as store:
            assert store.count() == 2

    @pytest.mark.forced
    @pytest.mark.parametrize("answers", ["never", "with an error"])
    async def test_after_a_kill_nothing_is_tried_again_and_nothing_is_waited_for_longer_than_an_attempt_may_take(
        self, answers: str, tmp_path: Path
    ) -> None:
        endpoint = Endpoint(*(fail(500, "not now") for _ in range(9)) if answers == "with an error" else ()).hold()
        timeout_s = FOR_EVER_S if answers == "with an error" else 8
        with serve(endpoint) as url:
            program = KILLED.format(url=url, path=str(tmp_path / "c.sqlite"), timeout_s=timeout_s)
            run = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
            assert run.stdout is not None
            with run.stdout:
                pid = int(run.stdout.readline())
                await wait_until(lambda: endpoint.busy == 2)
                run.kill()
                run.wait()
            await wait_until(lambda: not has_open(pid, find_socket(pid)))  # it knows
            if answers == "with an error":
                endpoint.release()
            await wait_until(lambda: not lives(pid))
            endpoint.release()
        assert len(endpoint.requests) == 2

    @pytest.mark.forced
    async def test_a_run_that_is_killed_before_its_engine_is_up_leaves_no_process(self, tmp_path: Path) -> None:
        program = KILLED.format(url="http://127.0.0.1:9/v1", path=str(tmp_path / "c.sqlite"), timeout_s=FOR_EVER_S)
        kill = "Channel.open = lambda *_: os.kill(os.getpid(), signal.SIGKILL)"  # the process is there, and no message
        before = f"import os, signal\nfrom tasks.teacher.engine.channel import Channel\n{kill}\n"
        run = subprocess.Popen([sys.executable, "-c", before + program], cwd=ROOT)
        assert await asyncio.to_thread(run.wait) == -signal.SIGKILL
        await wait_until(lambda: not list_engines(run.pid))

    @pytest.mark.forced
    async def test_an_engine_that_is_kept_busy_does_not_outlive_its_run(self, tmp_path: Path) -> None:
        watched = process._SERVE.replace("serve_engine(watch)", "print(flush=True)\nwhile True: pass")
        starts = (
            "import os, subprocess, sys\n"
            f"child = subprocess.Popen([sys.executable, '-c', {watched!r}, str(os.getpid()), '0'], "
            "stdout=subprocess.PIPE)\n"
            "child.stdout.readline()\n"
        )
        run = subprocess.Popen([sys.executable, "-c", starts], cwd=ROOT)
        assert await asyncio.to_thread(run.wait) == 0
        await wait_until(lambda: not list_engines(run.pid))


def list_engines(run: int) -> list[int]:
    """The processes of engines that a run started, that are there and no zombies."""
    pids = [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    found = []
    for pid in pids:
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(b"serve_engine" in part for part in command) and str(run).encode() in command and lives(pid):
            found.append(pid)
    return found


class TestSecrets:
    async def test_the_key_is_in_no_argument_and_no_environment(self, tmp_path: Path) -> None:
        async with connect(Endpoint(), tmp_path) as teacher:
            folder = Path(f"/proc/{find_pid(teacher)}")
            assert b"tasks.teacher.engine.process" in (folder / "cmdline").read_bytes()
            for name in ("cmdline", "environ"):
                assert KEY.encode() not in (folder / name).read_bytes()

    async def test_its_environment_holds_no_key_though_ours_does(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The key that it is to use is told to it, whatever the variable is called; others are none of its business."""
        secrets = ("TINY_KEY", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "PREFECT_API_AUTH_STRING", "OPENAI_ADMIN_KEY")
        for name in secrets:
            monkeypatch.setenv(name, f"sk-{name}")
        monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
        endpoint = Endpoint()
        with serve(endpoint) as url:
            settings = TeacherSettings(model="tiny", base_url=url, api_key_env="TINY_KEY")
            async with open_teacher(EngineStart(settings, tmp_path / "c.sqlite"), Ledger()) as teacher:
                await complete(teacher)
                environment = Path(f"/proc/{find_pid(teacher)}/environ").read_bytes()
        assert endpoint.headers[0]["authorization"] == "Bearer sk-TINY_KEY"
        assert b"https_proxy=http://proxy.example:3128" in environment
        assert [name for name in secrets if f"sk-{name}".encode() in environment] == []

    def test_the_key_does_not_show_itself(self, tmp_path: Path) -> None:
        assert KEY not in repr(EngineStart(TeacherSettings(), tmp_path / "c.sqlite", key=KEY))


async def test_what_it_logs_is_logged_by_the_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tasks")
    refusal = fail(400, "Unsupported parameter: 'temperature' is not supported with this model.")
    async with connect(Endpoint(refusal), tmp_path, temperature=0.5) as teacher:
        await complete(teacher)
    (line,) = [record for record in caplog.records if record.name == LOGGER]
    assert "does not take `temperature`" in line.getMessage()


async def test_the_embedded_teacher_is_asked_in_process(tmp_path: Path) -> None:
    async with open_teacher(EngineStart(TeacherSettings(), tmp_path / "c.sqlite"), Ledger()) as teacher:
        assert not isinstance(teacher._engine, EngineProcess)
