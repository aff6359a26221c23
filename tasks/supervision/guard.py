"""Stands over one program and sees to it that nothing of it is left when the flow ends, however the flow ends.

    python -m tasks.supervision.guard TOKEN GRACE_S plain|launcher COMMAND...

The guard's standard input is a pipe that its flow holds. When that closes (the flow asked for it, or was killed) or a
SIGTERM comes, the program is ended in order: SIGTERM to its workers, then SIGKILL to all that is left after GRACE_S
seconds. SIGQUIT ends it at once. The exit status is the program's.
"""

import os
import select
import signal
import subprocess
import sys
import time

from tasks.supervision.processes import CHILD_MARK, GUARD_MARK, find_processes, pick_workers, send_signal

TICK_S = 0.2

LINGER_S = 5.0
"""What helpers of a program that has ended get to end as well. One that trains on (its launcher was killed) is killed:
the run goes on from the last checkpoint."""


class _Wishes:
    """What was asked of the guard; each deadline is a moment of time.monotonic."""

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self.kill_at: float | None = None
        signal.signal(signal.SIGTERM, lambda *_: self.stop())
        signal.signal(signal.SIGINT, lambda *_: self.stop())
        signal.signal(signal.SIGQUIT, lambda *_: self.kill())

    def stop(self) -> None:
        if self.kill_at is None:
            self.kill_at = time.monotonic() + self._grace_s

    def kill(self) -> None:
        self.kill_at = time.monotonic()


def guard(token: str, grace_s: float, command: list[str], *, launcher: bool) -> int:
    """Run the command to its end, or to the end of the flow; returns its exit status."""
    wishes = _Wishes(grace_s)
    environment = {name: value for name, value in os.environ.items() if name != GUARD_MARK}
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env={**environment, CHILD_MARK: token})
    while process.poll() is None and wishes.kill_at is None:
        if select.select([sys.stdin], [], [], TICK_S)[0] and not os.read(sys.stdin.fileno(), 1024):
            wishes.stop()
    if wishes.kill_at is None:
        wishes.kill_at = time.monotonic() + LINGER_S
    else:
        _stop_workers(token, process.pid, wishes, launcher)
    while left := find_processes(CHILD_MARK, token):
        if time.monotonic() >= wishes.kill_at:
            send_signal(left, signal.SIGKILL)
        process.poll()
        time.sleep(TICK_S)
    status = process.wait()
    return status if status >= 0 else 128 - status


def _stop_workers(token: str, started: int, wishes: _Wishes, launcher: bool) -> None:
    """Ask each worker once, also those that come up meanwhile; return when all are gone or time is up."""
    asked: set[int] = set()
    while (found := find_processes(CHILD_MARK, token)) and time.monotonic() < (wishes.kill_at or 0.0):
        workers = pick_workers(found, started, launcher=launcher)
        send_signal(workers - asked, signal.SIGTERM)
        asked |= workers
        time.sleep(TICK_S)


if __name__ == "__main__":
    given = sys.argv[1:]
    raise SystemExit(guard(given[0], float(given[1]), given[3:], launcher=given[2] == "launcher"))
