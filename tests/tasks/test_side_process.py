"""Calls in processes beside the run's: they return and raise what they would here, and are ended beyond a limit."""

import asyncio
import io
import logging
import os
import pickle
import select
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import CutOffError
from tasks import side_process
from tasks.openapi import DocumentError, load_document
from tasks.side_process import IDLE_S, MOST_ASIDE, SideProcess, serve
from tests.tasks.calls import (
    die_elsewhere,
    eat_memory,
    fail_fussily,
    fail_mutely,
    hang_once,
    list_loaded,
    make_unpicklable,
    panic,
    say_and_backtrack,
)
from tests.tasks.supervision.parts import wait_until

HERE = os.getpid()
FOR_EVER_S = 600.0

FURTHER = "/further"
"""A folder that this process was told to look for modules in."""


@pytest.fixture(autouse=True)
def have_two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


@pytest.fixture
async def side() -> AsyncIterator[SideProcess]:
    """One that starts its process with the first call."""
    side = SideProcess(worth_it=0)
    yield side
    side.close()


def list_started() -> set[int]:
    """The processes for calls that this one has started and that have not ended."""
    listed = subprocess.run(["ps", "-o", "pid=,stat=,args=", "--ppid", str(HERE)], capture_output=True, text=True)
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return {int(pid) for pid, state, call in rows if "tasks.side_process" in call and not state.startswith("Z")}


def is_running(pid: int) -> bool:
    """Whether there is such a process that is no zombie."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(listed.stdout.strip()) and not listed.stdout.startswith("Z")


def make_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


class TestCalls:
    async def test_they_are_done_elsewhere_one_after_another(self, side: SideProcess) -> None:
        pids = await asyncio.gather(*(side.run(os.getpid) for _ in range(20)))
        assert len(set(pids)) == 1
        assert pids[0] != HERE
        assert await side.run(os.path.join, "a" * 5_000_000, "b") == "a" * 5_000_000 + "/b"
        assert await side.run(int, "11", base=2) == 3

    async def test_exceptions_come_back_as_themselves(self, side: SideProcess) -> None:
        with pytest.raises(DocumentError, match="not an OpenAPI document"):
            await side.run(load_document, {})
        assert await side.run(os.getpid) != HERE

    async def test_what_does_not_survive_the_way_is_an_error_that_says_what_it_was(self, side: SideProcess) -> None:
        with pytest.raises(RuntimeError, match=r"^FussyError: a leak at the bow$"):
            await side.run(fail_fussily)
        with pytest.raises(RuntimeError, match=r"^MuteError: "):
            await side.run(fail_mutely)
        with pytest.raises(RuntimeError, match=r"^GeneratorExit: a panic$"):
            await side.run(panic)
        with pytest.raises(Exception, match=r"(?i)pickle"):
            await side.run(make_unpicklable)
        assert await side.run(os.getpid) != HERE

    async def test_what_a_call_prints_does_not_get_between_the_outcomes(self, side: SideProcess) -> None:
        await side.run(print, "x" * 10_000, flush=True)
        assert await side.run(abs, -1) == 1

    async def test_what_a_call_prints_reaches_no_terminal(
        self, side: SideProcess, capfd: pytest.CaptureFixture[str]
    ) -> None:
        await side.run(os.write, 1, b"\x1b[31m")
        await side.run(os.write, 2, b"\x1b[31m")
        assert capfd.readouterr() == ("", "")

    async def test_the_process_finds_modules_where_this_one_would(
        self, side: SideProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYTHONPATH", FURTHER)
        project = str(Path(__file__).parents[2])
        assert await side.run(os.getenv, "PYTHONPATH") == f"{project}{os.pathsep}{FURTHER}"

    async def test_the_process_holds_no_library_that_its_work_has_no_need_of(self, side: SideProcess) -> None:
        """Each takes 40 MB and more, beside a run that has loaded it already."""
        assert await side.run(list_loaded, "tasks.check", "tasks.specify") == ["tasks.check", "tasks.specify"]
        assert await side.run(list_loaded, "prefect", "pyarrow", "pandas", "openai", "torch") == []

    async def test_its_environment_holds_what_python_needs_and_no_secret(
        self, side: SideProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Documents of strangers are read there."""
        secrets = ("OPENAI_API_KEY", "PREFECT_API_AUTH_STRING", "https_proxy", "MINE")
        for name in secrets:
            monkeypatch.setenv(name, "secret")
        assert await side.run(os.getenv, "PATH") == os.environ["PATH"]
        assert [await side.run(os.getenv, name) for name in secrets] == [None] * len(secrets)

    async def test_what_is_nested_too_deep_to_be_handed_over_is_one_line(self, side: SideProcess) -> None:
        nested: list[Any] = []
        for _ in range(100_000):
            nested = [nested]
        with pytest.raises(CutOffError, match=r"^len: what it is given is nested too deep"):
            await side.run_apart(len, nested)
        while nested:  # or Python itself would go as deep to let go of it
            nested = nested.pop()


class TestWhere:
    async def test_the_first_fifty_calls_of_a_run_start_no_process(self) -> None:
        side = SideProcess()
        pids = [await side.run(os.getpid) for _ in range(50)]
        assert set(pids) == {HERE}
        assert await side.run(os.getpid) != HERE
        side.close()

    async def test_what_others_have_written_is_worked_on_apart_from_the_first_call_on(self) -> None:
        side = SideProcess()
        assert await side.run_apart(os.getpid) != HERE
        side.close()

    @pytest.mark.parametrize("cores", [1, None])
    async def test_where_there_is_one_core_all_is_done_here_but_what_others_have_written(
        self, cores: int | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "cpu_count", lambda: cores)
        side = SideProcess(worth_it=1)
        side.expect(1000)
        assert [await side.run(os.getpid) for _ in range(3)] == [HERE] * 3
        assert await side.run_apart(os.getpid) != HERE
        side.close()

    async def test_calls_that_are_done_here_do_not_keep_the_event_loop(self) -> None:
        assert await SideProcess().run(threading.get_ident) != threading.get_ident()

    async def test_where_many_calls_are_expected_it_starts_before_the_first(self) -> None:
        others, side = list_started(), SideProcess(worth_it=5)
        side.expect(5)
        assert await side.run(os.getpid) == HERE  # not worth it
        for _ in range(3):
            side.expect(5)
        pids = {await side.run(os.getpid) for _ in range(3)}
        assert list_started() - others == pids
        side.close()

    async def test_without_a_process_what_is_our_own_is_done_here_and_nothing_else(
        self, side: SideProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(sys, "executable", "/no/such/python")
        with caplog.at_level(logging.WARNING, "tasks.side_process"):
            assert await side.run(os.getpid) == HERE
            assert await side.run(os.getpid) == HERE
        (line,) = [record.getMessage() for record in caplog.records]
        assert line.startswith("a process for documents cannot be started: ")
        assert line.endswith(": checks are done in the run's own process")
        with pytest.raises(DocumentError):
            await side.run(load_document, {})
        with pytest.raises(OSError, match="a process for documents cannot be started: "):
            await side.run_apart(os.getpid)

    async def test_a_process_that_does_not_come_up_is_none(
        self, side: SideProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "sitecustomize.py").write_text("raise SystemExit(7)")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(side_process, "_FOLDER", tmp_path)
        with pytest.raises(OSError, match="a process for documents ended with status 1 as it came up"):
            await side.run_apart(os.getpid)

    async def test_ctrl_c_does_not_reach_the_process(self, side: SideProcess) -> None:
        assert os.getsid(await side.run(os.getpid)) != os.getsid(0)


class TestLimits:
    @pytest.mark.forced
    async def test_a_call_beyond_its_time_is_ended_and_the_others_go_on(self, tmp_path: Path) -> None:
        side = SideProcess(worth_it=0, limit_s=1.0)
        first = await side.run(os.getpid)
        pipe = make_pipe(tmp_path)
        endless = asyncio.create_task(side.run(say_and_backtrack, str(pipe)))
        assert int(await asyncio.to_thread(pipe.read_text)) == first
        others = [asyncio.create_task(side.run(pow, 2, number)) for number in range(5)]
        with pytest.raises(CutOffError) as caught:
            await endless
        assert str(caught.value) == (
            "say and backtrack was cut off: it took longer than the 1 s that --document_limit_s allows"
        )
        assert not is_running(first)
        assert await asyncio.gather(*others) == [1, 2, 4, 8, 16]
        assert await side.run(os.getpid) not in (first, HERE)
        side.close()

    @pytest.mark.forced
    async def test_the_others_do_not_wait_for_a_slow_call_to_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(side_process, "SLOW_S", 0.2)
        side = SideProcess(worth_it=0, limit_s=FOR_EVER_S)
        before, pipe = list_started(), make_pipe(tmp_path)
        slow = []
        for _ in range(MOST_ASIDE):
            slow.append(asyncio.create_task(side.run(say_and_backtrack, str(pipe))))
            await asyncio.to_thread(pipe.read_text)
            assert await side.run(pow, 2, 5) == 32
        assert len(list_started() - before) == MOST_ASIDE + 1
        assert not any(call.done() for call in slow)
        for call in slow:
            call.cancel()
        await asyncio.wait(slow)
        assert await side.run(pow, 2, 5) == 32
        assert len(list_started() - before) == 1  # of those that were given up nothing is left
        side.close()

    @pytest.mark.forced
    async def test_a_slow_call_that_ends_in_time_is_answered(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(side_process, "SLOW_S", 0.0)
        side = SideProcess(worth_it=0, limit_s=FOR_EVER_S)
        pipe = make_pipe(tmp_path)
        slow = asyncio.create_task(side.run(Path.read_text, pipe))
        told = await asyncio.to_thread(pipe.open, "w")  # opens when the other end does
        assert await side.run(pow, 2, 5) == 32
        with told:
            told.write("done")
        assert await slow == "done"
        assert await side.run(pow, 2, 5) == 32
        side.close()

    async def test_a_call_beyond_its_memory_is_ended_and_the_next_one_has_all_of_it(self) -> None:
        side = SideProcess(worth_it=0, limit_mb=512)
        first = await side.run(os.getpid)
        with pytest.raises(CutOffError) as caught:
            await side.run(eat_memory, 600)
        assert str(caught.value) == (
            "eat memory was cut off: it took more than the 512 MB of memory that --document_limit_mb allows"
        )
        assert await side.run(eat_memory, 200) == 200 * 2**20
        assert await side.run(os.getpid) not in (first, HERE)
        side.close()

    async def test_a_result_that_the_run_could_not_hold_does_not_reach_it(self) -> None:
        side = SideProcess(worth_it=0, limit_mb=600)
        assert await side.run(bytes, 20 * 2**20) == bytes(20 * 2**20)
        with pytest.raises(CutOffError, match=r"^bytes was cut off: what it made is larger than 150 MB, a quarter of "):
            await side.run(bytes, 150 * 2**20)
        assert await side.run(abs, -1) == 1
        side.close()

    @pytest.mark.forced
    async def test_a_call_that_is_given_up_ends_at_once(self, side: SideProcess, tmp_path: Path) -> None:
        pipe = make_pipe(tmp_path)
        endless = asyncio.create_task(side.run(say_and_backtrack, str(pipe)))
        pid = int(await asyncio.to_thread(pipe.read_text))
        endless.cancel()
        await asyncio.wait({endless})
        assert endless.cancelled()
        assert not is_running(pid)
        assert await side.run(os.getpid) not in (pid, HERE)


class TestLosses:
    @pytest.mark.forced
    async def test_a_call_whose_process_is_killed_is_done_again(self, side: SideProcess, tmp_path: Path) -> None:
        pipe = make_pipe(tmp_path)
        first = await side.run(os.getpid)
        call = asyncio.create_task(side.run(hang_once, str(tmp_path)))
        assert int(await asyncio.to_thread(pipe.read_text)) == first
        os.kill(first, signal.SIGKILL)
        assert await call not in (first, HERE)
        assert await side.run(os.getpid) not in (first, HERE)

    @pytest.mark.forced
    async def test_a_call_that_kills_its_process_twice_is_never_done_here_and_the_others_go_on(
        self, side: SideProcess
    ) -> None:
        others = list_started()
        with pytest.raises(CutOffError, match=r"^die elsewhere: its process was killed by signal 9, 2 times$"):
            await side.run(die_elsewhere, HERE)
        assert await side.run(os.getpid) != HERE
        assert len(list_started() - others) == 1

    async def test_a_process_that_has_ended_for_lack_of_work_is_started_again(
        self, side: SideProcess, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = await side.run(os.getpid)
        await asyncio.to_thread(wait_until, lambda: not is_running(first), "the end of the process for calls")
        assert await side.run(os.getpid) not in (first, HERE)
        assert len(side._workers) == 1  # nothing is held for the one that is gone


class TestEnds:
    @pytest.mark.forced
    async def test_what_is_closed_ends_in_the_middle_of_a_call(self, side: SideProcess, tmp_path: Path) -> None:
        pipe = make_pipe(tmp_path)
        endless = asyncio.create_task(side.run(say_and_backtrack, str(pipe)))
        pid = int(await asyncio.to_thread(pipe.read_text))
        side.close()
        assert not is_running(pid)
        with pytest.raises(CutOffError):
            await endless
        assert list_started() == set()

    def test_what_has_started_no_process_can_be_closed_too(self) -> None:
        SideProcess().close()

    @pytest.mark.forced
    @pytest.mark.parametrize("moment", ["idle", "endless", "starting"])
    def test_the_process_ends_with_the_run_even_if_that_is_killed(self, moment: str, tmp_path: Path) -> None:
        pipe = make_pipe(tmp_path)
        script = (
            "import asyncio, os, signal, sys\n"
            "from tasks.side_process import SideProcess\n"
            "from tests.tasks.calls import say_and_backtrack\n"
            "os.cpu_count = lambda: 2\n"
            "async def main():\n"
            "    side = SideProcess(worth_it=1)\n"
            "    side.expect(2)\n"
            "    if sys.argv[1] == 'starting':\n"
            "        os.kill(os.getpid(), signal.SIGKILL)\n"
            "    pid = await side.run(os.getpid)\n"
            "    if sys.argv[1] == 'idle':\n"
            "        open(sys.argv[2], 'w').write(str(pid))\n"
            "    await side.run(say_and_backtrack, sys.argv[2])\n"
            "asyncio.run(main())\n"
        )
        command = [sys.executable, "-c", script, moment, str(pipe)]
        with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as run:
            if moment != "starting":
                pid = int(pipe.read_text())
                assert is_running(pid)
                run.kill()
        mark = f"tasks.side_process {run.pid} "
        wait_until(lambda: not any(mark in line for line in list_commands()), "the end of the process for calls")


def list_commands() -> list[str]:
    return subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True).stdout.splitlines()


def frame(call: object) -> bytes:
    """A call as it is written to the process."""
    data = pickle.dumps(call, pickle.HIGHEST_PROTOCOL)
    return len(data).to_bytes(8, "big") + data


def test_the_process_waits_for_its_first_call_as_long_as_it_takes_and_for_others_no_longer_than_is_worth_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float | None] = []

    def wait(streams: list[Any], writable: list[Any], odd: list[Any], timeout: float | None) -> Any:
        waited.append(timeout)
        return (streams if len(waited) < 3 else [], [], [])

    monkeypatch.setattr(select, "select", wait)
    calls = io.BytesIO(frame((abs, (-1,), {})) + frame((abs, (-2,), {})) + frame((abs, (-3,), {})))
    outcomes = io.BytesIO()
    serve(calls, outcomes, 100)
    assert waited == [None, IDLE_S, IDLE_S]
    assert outcomes.getvalue() == frame(("done", 1)) + frame(("done", 2))


def test_the_process_ends_with_its_input_also_in_the_middle_of_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(select, "select", lambda streams, *_: (streams, [], []))
    for rest in (b"", frame((abs, (-2,), {}))[:7]):
        outcomes = io.BytesIO()
        serve(io.BytesIO(frame((abs, (-1,), {})) + rest), outcomes, 100)
        assert outcomes.getvalue() == frame(("done", 1))
