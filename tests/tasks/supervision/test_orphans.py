"""A process of ours ends with the one that started it, also where it is at something that does not end."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tasks.supervision.parts import wait_until

ROOT = Path(__file__).parents[3]

PARENT = """
import os, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
signal.pause()
"""
"""Starts a program and waits until that says something."""

BUSY = {
    "in Python, watched": "watch = ParentWatch(parent); say(); [None for _ in iter(int, 1)]",
    "in Python, to end at once": "end_with_parent(parent); say(); [None for _ in iter(int, 1)]",
    "with a pattern": "end_with_parent(parent); say(); re.fullmatch('(a+)+', 'a' * 64 + 'b')",
    "asleep": "end_with_parent(parent); say(); time.sleep(100_000)",
}
CHILD = """
import re, sys, time
from tasks.supervision.orphans import ParentWatch, end_with_parent
parent = int(sys.argv[1])
say = lambda: print(flush=True)
"""


def is_running(pid: int) -> bool:
    """Whether there is such a process that is no zombie."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(listed.stdout.strip()) and not listed.stdout.startswith("Z")


@pytest.mark.forced
@pytest.mark.parametrize("busy", BUSY.values(), ids=BUSY)
def test_a_process_ends_with_its_parent_whatever_it_is_at(busy: str) -> None:
    command = [sys.executable, "-c", PARENT, CHILD + busy]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.kill()
    wait_until(lambda: not is_running(pid), "the end of the child")


@pytest.mark.parametrize("call", ["ParentWatch", "end_with_parent"])
def test_a_parent_that_is_gone_already_is_noticed_too(call: str) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    program = f"import sys, time\nfrom tasks.supervision.orphans import {call}\n{call}({gone.pid}); time.sleep(100_000)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 1


def test_a_process_that_may_finish_what_it_is_at_gets_its_time() -> None:
    program = (
        "import sys, time\n"
        "from tasks.supervision.orphans import ParentWatch\n"
        "ParentWatch(1 << 30, 100_000.0)\n"
        "time.sleep(2)\n"
        "sys.exit(7)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 7
