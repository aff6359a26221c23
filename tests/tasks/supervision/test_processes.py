"""Processes are found by their mark, whoever started them, and those that work are told from their launcher."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasks.supervision.processes import CHILD_MARK, GUARD_MARK, find_processes, pick_workers, send_signal
from tests.tasks.supervision.parts import wait_until

pytestmark = pytest.mark.forced

Sleep = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def sleep() -> Iterator[Sleep]:
    """Starts processes that do nothing; they end with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(program: str = "sleep", **environment: str) -> "subprocess.Popen[bytes]":
        started.append(subprocess.Popen([program, "600"], env={"PATH": os.environ["PATH"], **environment}))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_those_of_one_token_are_found_with_their_parent(sleep: Sleep, tmp_path: Path) -> None:
    """Another's token may begin with it, and the guard's mark is another one."""
    token = str(tmp_path)
    ours = [sleep(**{CHILD_MARK: token, "OTHER": "1"}) for _ in range(2)]
    sleep(**{CHILD_MARK: f"{token}2"})
    sleep(**{CHILD_MARK: token[:-1]})
    sleep(**{"MORE": f"{CHILD_MARK}={token}"})
    sleep(**{"X" + CHILD_MARK: token})
    guard = sleep(**{GUARD_MARK: token})
    sleep()
    assert find_processes(CHILD_MARK, token) == {process.pid: os.getpid() for process in ours}
    assert find_processes(GUARD_MARK, token) == {guard.pid: os.getpid()}
    assert find_processes(CHILD_MARK, f"{token}3") == {}


def test_a_parent_is_read_whatever_the_program_is_called(sleep: Sleep, tmp_path: Path) -> None:
    program = tmp_path / "a) R 1 (b"
    shutil.copy(shutil.which("sleep") or "", program)
    process = sleep(str(program), **{CHILD_MARK: str(tmp_path)})
    # until it has become the program, it still has the environment of this process
    wait_until(lambda: bool(find_processes(CHILD_MARK, str(tmp_path))), "the process")
    assert find_processes(CHILD_MARK, str(tmp_path)) == {process.pid: os.getpid()}


def test_one_that_has_ended_is_not_found_though_nobody_has_asked_after_it(sleep: Sleep, tmp_path: Path) -> None:
    process = sleep(**{CHILD_MARK: str(tmp_path)})
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert find_processes(CHILD_MARK, str(tmp_path)) == {}


def test_a_process_does_not_find_itself(sleep: Sleep, tmp_path: Path) -> None:
    other = sleep(**{CHILD_MARK: str(tmp_path)})
    code = f"from tasks.supervision.processes import *; print(find_processes(CHILD_MARK, {str(tmp_path)!r}))"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, CHILD_MARK: str(tmp_path)}, cwd=Path(__file__).parents[3],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert said.strip() == str({other.pid: os.getpid()})


FOUND = {10: 1, 11: 10, 12: 10, 13: 12}
"""A program (10), its children (11, 12), and a child of one of those."""


@pytest.mark.parametrize(
    ("found", "launcher", "workers"),
    [
        (FOUND, True, {11, 12}),  # what they started is theirs to end
        (FOUND, False, {10}),
        ({10: 1}, True, {10}),  # a launcher that has not launched yet
        ({10: 1}, False, {10}),
        ({10: 1, 13: 12}, True, {10}),
        ({11: 1, 12: 1, 13: 12}, True, {11, 12, 13}),  # it is gone
        ({11: 1}, False, {11}),
        ({}, True, set()),
        ({}, False, set()),
    ],
)
def test_a_request_to_stop_is_for_those_who_do_the_work(
    found: dict[int, int], launcher: bool, workers: set[int]
) -> None:
    assert pick_workers(found, 10, launcher=launcher) == workers


def test_a_signal_reaches_all_that_still_live(sleep: Sleep) -> None:
    gone, first, second = sleep(), sleep(), sleep()
    gone.kill()
    gone.wait()
    send_signal([first.pid, gone.pid, second.pid], signal.SIGUSR1)
    assert [process.wait() for process in (first, second)] == [-signal.SIGUSR1] * 2
