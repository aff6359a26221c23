"""Calls in a process beside the run's: they return and raise what they would here, and nothing is lost with it."""

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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.openapi import DocumentError, load_document
from tasks.side_process import IDLE_S, SideProcess, serve
from tests.tasks.calls import die_elsewhere, fail_fussily, hang_once, make_unpicklable
from tests.tasks.supervision.parts import wait_until

HERE = os.getpid()


FURTHER = "/further"
"""A folder that this process was told to look for modules in."""


@pytest.fixture(scope="module")
def side() -> Iterator[SideProcess]:
    """One that starts its process with the first call, on any machine; for tests that leave it as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: 2)
        patch.setenv("PYTHONPATH", FURTHER)
        side = SideProcess(worth_it=0)
        yield side
        side.close()


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[SideProcess]:
    """The same, for a test that does with the process as it likes."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    side = SideProcess(worth_it=0)
    yield side
    side.close()


async def test_calls_are_done_elsewhere_one_after_another(side: SideProcess) -> None:
    pids = await asyncio.gather(*(side.run(os.getpid) for _ in range(20)))
    assert len(set(pids)) == 1
    assert pids[0] != HERE
    assert await side.run(os.path.join, "a" * 100_000, "b") == "a" * 100_000 + "/b"
    assert await side.run(int, "11", base=2) == 3


async def test_its_environment_holds_what_python_needs_and_no_secret(
    own: SideProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Documents of strangers are read there."""
    for name in ("OPENAI_API_KEY", "PREFECT_API_AUTH_STRING", "https_proxy", "MINE"):
        monkeypatch.setenv(name, "secret")
    assert await own.run(os.getenv, "PATH") == os.environ["PATH"]
    assert [await own.run(os.getenv, name) for name in ("OPENAI_API_KEY", "PREFECT_API_AUTH_STRING", "MINE")] == [
        None
    ] * 3


async def test_the_first_fifty_calls_of_a_run_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    side = SideProcess()
    pids = [await side.run(os.getpid) for _ in range(50)]
    assert set(pids) == {HERE}
    assert side.process is None
    assert await side.run(os.getpid) != HERE
    side.close()


async def test_calls_that_are_done_here_do_not_keep_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert await SideProcess().run(threading.get_ident) != threading.get_ident()


async def test_where_many_calls_are_expected_it_starts_before_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    others, side = list_started(), SideProcess(worth_it=5)
    side.expect(5)
    assert await side.run(os.getpid) == HERE  # not worth it
    for _ in range(3):
        side.expect(5)
    pids = {await side.run(os.getpid) for _ in range(3)}
    assert list_started() - others == pids
    side.close()


def list_started() -> set[int]:
    """The processes for checks that this one has started and that have not ended."""
    listed = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(HERE)], capture_output=True, text=True)
    return {int(line.split()[0]) for line in listed.stdout.splitlines() if line.endswith("tasks.side_process")}


@pytest.mark.parametrize("cores", [1, None])
async def test_where_there_is_one_core_everything_is_done_here(
    cores: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    side = SideProcess(worth_it=1)
    side.expect(1000)
    assert [await side.run(os.getpid) for _ in range(3)] == [HERE] * 3
    assert side.process is None
    side.close()


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
    serve(calls, outcomes)
    assert waited == [None, IDLE_S, IDLE_S]
    assert outcomes.getvalue() == frame((True, 1)) + frame((True, 2))


def test_the_process_ends_with_its_input_also_in_the_middle_of_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(select, "select", lambda streams, *_: (streams, [], []))
    for rest in (b"", frame((abs, (-2,), {}))[:7]):
        outcomes = io.BytesIO()
        serve(io.BytesIO(frame((abs, (-1,), {})) + rest), outcomes)
        assert outcomes.getvalue() == frame((True, 1))


async def test_a_process_that_has_ended_for_lack_of_work_is_started_again(own: SideProcess) -> None:
    first = await own.run(os.getpid)
    assert own.process is not None
    assert own.process.stdin is not None
    own.process.stdin.close()  # as it ends itself: in order
    own.process.wait(60)
    assert await own.run(os.getpid) not in (first, HERE)


async def test_exceptions_come_back_as_themselves(side: SideProcess) -> None:
    with pytest.raises(DocumentError, match="not an OpenAPI document"):
        await side.run(load_document, {})
    assert await side.run(os.getpid) != HERE


async def test_what_does_not_survive_the_way_is_an_error_that_says_what_it_was(side: SideProcess) -> None:
    with pytest.raises(RuntimeError, match=r"^FussyError: a leak at the bow$"):
        await side.run(fail_fussily)
    with pytest.raises(Exception, match=r"(?i)pickle"):
        await side.run(make_unpicklable)
    assert await side.run(os.getpid) != HERE


async def test_what_a_call_prints_does_not_get_between_the_outcomes(side: SideProcess) -> None:
    await side.run(print, "x" * 10_000, flush=True)
    assert await side.run(abs, -1) == 1


async def test_the_process_finds_modules_where_this_one_would(side: SideProcess) -> None:
    project = str(Path(__file__).parents[2])
    assert await side.run(os.getenv, "PYTHONPATH") == f"{project}{os.pathsep}{FURTHER}"


@pytest.mark.forced
async def test_a_call_whose_process_is_killed_is_done_again(own: SideProcess, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    first = await own.run(os.getpid)
    call = asyncio.create_task(own.run(hang_once, str(tmp_path)))
    assert int(await asyncio.to_thread((tmp_path / "pipe").read_text)) == first
    os.kill(first, signal.SIGKILL)
    assert await call not in (first, HERE)
    assert await own.run(os.getpid) not in (first, HERE)


@pytest.mark.forced
async def test_a_call_that_kills_its_process_twice_is_done_here_and_so_are_all_others(
    own: SideProcess, caplog: pytest.LogCaptureFixture
) -> None:
    others = list_started()
    await own.run(os.getpid)
    with caplog.at_level(logging.WARNING, "tasks.side_process"):
        assert await own.run(die_elsewhere, HERE) == HERE
        assert [await own.run(os.getpid) for _ in range(3)] == [HERE] * 3
    assert [record.getMessage() for record in caplog.records] == [
        "the process for checks cannot be used (it ended with status -9): they are done in the run's own"
    ]
    own.expect(1000)
    assert list_started() - others == set()


async def test_without_a_process_calls_are_done_here(own: SideProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert await own.run(os.getpid) == HERE
    with pytest.raises(DocumentError):
        await own.run(load_document, {})


async def test_ctrl_c_does_not_reach_the_process(side: SideProcess) -> None:
    assert os.getsid(await side.run(os.getpid)) != os.getsid(0)


@pytest.mark.forced
async def test_the_process_is_closed_after_the_call_that_it_is_at(own: SideProcess, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    call = asyncio.create_task(own.run(Path.read_text, tmp_path / "pipe"))
    told = await asyncio.to_thread((tmp_path / "pipe").open, "w")  # opens when the other end does
    own.close()
    told.write("done")
    told.close()
    assert await call == "done"
    assert own.process is not None
    assert own.process.wait(60) == 0


def test_what_has_started_no_process_can_be_closed_too() -> None:
    SideProcess().close()


@pytest.mark.forced
def test_the_process_ends_with_the_run_even_if_that_is_killed() -> None:
    script = (
        "import asyncio, os, signal\n"
        "from tasks.side_process import SideProcess\n"
        "os.cpu_count = lambda: 2\n"
        "print(asyncio.run(SideProcess(worth_it=0).run(os.getpid)), flush=True)\n"
        "signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        pid = int(run.stdout.readline())
        assert is_running(pid)
        run.kill()
    wait_until(lambda: not is_running(pid), "the end of the process for checks")


def is_running(pid: int) -> bool:
    """Whether there is such a process that is no zombie."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(listed.stdout.strip()) and not listed.stdout.startswith("Z")
