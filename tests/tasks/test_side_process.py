"""Calls in a process beside the run's: they return and raise what they would here, and nothing is lost with it."""

import asyncio
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tasks.openapi import DocumentError, load_document
from tasks.side_process import SideProcess, serve


@pytest.fixture
def side(monkeypatch: pytest.MonkeyPatch) -> Iterator[SideProcess]:
    """One that starts its process with the first call, on any machine."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    side = SideProcess(worth_it=0)
    yield side
    side.close()


async def test_calls_are_done_elsewhere_one_after_another(side: SideProcess) -> None:
    pids = await asyncio.gather(*(side.run(os.getpid) for _ in range(20)))
    assert len(set(pids)) == 1
    assert pids[0] != os.getpid()
    assert await side.run(os.path.join, "a" * 100_000, "b") == "a" * 100_000 + "/b"


async def test_the_first_calls_of_a_run_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    side = SideProcess(worth_it=2)
    pids = [await side.run(os.getpid) for _ in range(3)]
    side.close()
    assert [pid == os.getpid() for pid in pids] == [True, True, False]


async def test_where_many_calls_are_expected_it_starts_before_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    side = SideProcess(worth_it=5)
    side.expect(5)
    assert await side.run(os.getpid) == os.getpid()  # not worth it
    for _ in range(3):
        side.expect(5)
    pids = {await side.run(os.getpid) for _ in range(3)}
    listed = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True)
    started = {int(line.split()[0]) for line in listed.stdout.splitlines() if line.endswith("tasks.side_process")}
    assert started == pids
    side.close()


def test_the_process_waits_for_its_first_call_and_ends_when_no_more_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.side_process.IDLE_S", 0.05)
    (asked, ask), (answered, answer) = os.pipe(), os.pipe()
    with open(asked, "rb") as calls, open(answer, "wb") as outcomes, open(ask, "wb") as asking:
        process = threading.Thread(target=serve, args=(calls, outcomes))
        process.start()
        process.join(0.5)
        assert process.is_alive()
        call = pickle.dumps((os.getpid, (), {}))
        asking.write(len(call).to_bytes(8, "big") + call)
        asking.flush()
        process.join(60)
        assert not process.is_alive()
    with open(answered, "rb") as said:
        assert pickle.loads(said.read()[8:]) == (True, os.getpid())


async def test_exceptions_come_back_as_themselves(side: SideProcess) -> None:
    with pytest.raises(DocumentError, match="not an OpenAPI document"):
        await side.run(load_document, {})


async def test_a_call_whose_process_is_killed_is_done_again(side: SideProcess) -> None:
    first = await side.run(os.getpid)
    slow = asyncio.create_task(side.run(time.sleep, 0.5))
    await asyncio.sleep(0.1)
    os.kill(first, signal.SIGKILL)
    await slow
    assert await side.run(os.getpid) not in (first, os.getpid())


async def test_without_a_process_calls_are_done_here(side: SideProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert await side.run(os.getpid) == os.getpid()


async def test_ctrl_c_does_not_reach_the_process(side: SideProcess) -> None:
    assert os.getsid(await side.run(os.getpid)) != os.getsid(0)


async def test_the_process_ends_with_the_run_even_if_that_is_killed() -> None:
    script = (
        "import asyncio, os, time\n"
        "from tasks.side_process import SideProcess\n"
        "os.cpu_count = lambda: 2\n"
        "print(asyncio.run(SideProcess(worth_it=0).run(os.getpid)), flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        pid = int(run.stdout.readline())
        assert _is_running(pid)
        run.kill()
    for _ in range(100):
        if not _is_running(pid):
            break
        await asyncio.sleep(0.1)
    assert not _is_running(pid)


def _is_running(pid: int) -> bool:
    """Whether there is such a process that is no zombie."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(listed.stdout.strip()) and not listed.stdout.startswith("Z")
