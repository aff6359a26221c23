"""How a run ends that a signal told to: in order, and in time.

The first signal lets nothing more out; what is in flight is finished, for that is paid for, and then the run ends. The
second one waits for nothing. Whatever keeps a run from ending all the same (a thread, a server that does not answer), a
few seconds later it is ended hard: what it keeps, it keeps in such a way that a kill does no harm.
"""

import asyncio
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

from flows.terminal import warn

if TYPE_CHECKING:
    from tasks.teacher import Teacher  # the command line needs this module at once, and not what a teacher imports

R = TypeVar("R")

LAST_S = 8.0
"""What a run may take to end once nothing is in flight, or after a second signal."""

_TELL_EVERY_S = 10.0
_LOOK_EVERY_S = 0.2

INTERRUPTED = "interrupted: what was finished is kept, the same command goes on from there"


class Stoppable(Protocol):
    """What a run has going on, which can be ended in order."""

    def stop(self, sign: signal.Signals) -> str:
        """Have it end; returns what is waited for, in words."""

    def find_time_left(self) -> float:
        """The most seconds that it is to be waited for; 0 where there is nothing to wait for. Any thread may ask."""

    def list_notes(self) -> list[str]:
        """What is to be said at the end of the run, however it ended."""


async def run_until_stopped(teacher: "Teacher", work: Coroutine[Any, Any, R]) -> R:
    """What `work` returns. Where the teacher is told to stop it is cancelled instead.

    What the teacher has in flight is not lost with those who ask for it: it is finished and kept when the teacher is
    closed.

    Raises:
        RunStoppedError: the teacher was told to stop.
    """
    working = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(teacher.wait_for_stop())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
    finally:
        stopping.cancel()
        working.cancel()
        await asyncio.wait({working})
    assert teacher.told_to_stop is not None
    raise teacher.told_to_stop


class Ending:
    """Sees to it that a run which was told to end does so in time, and if not, ends the process by `end`.

    `started` is what the run has going on; it may grow.
    """

    def __init__(self, started: list[Stoppable], end: Callable[[signal.Signals], None]) -> None:
        self._started = started
        self._end = end
        self._signals: list[signal.Signals] = []
        self._has_ended = threading.Event()
        self._hurried_at = math.inf

    def note(self, sign: signal.Signals) -> None:
        """A signal came. To be called in its handler, so that it holds also while the event loop is kept busy."""
        self._signals.append(sign)
        if len(self._signals) == 1:
            threading.Thread(target=self._watch, name="ending", daemon=True).start()
        else:
            self._hurried_at = min(self._hurried_at, time.monotonic())

    def find_time_left(self) -> float:
        """The most seconds that what is going on is waited for."""
        return max((one.find_time_left() for one in self._started), default=0.0)

    def cease(self) -> None:
        """The run has ended."""
        self._has_ended.set()

    def _watch(self) -> None:
        begun_at = told_at = idle_at = time.monotonic()
        most_s = self.find_time_left()
        while not self._has_ended.wait(_LOOK_EVERY_S):
            now = time.monotonic()
            if self.find_time_left():
                idle_at = now
            if now >= min(self._hurried_at, idle_at, begun_at + most_s) + LAST_S:
                self._end(self._signals[0])
                return
            if now - told_at >= _TELL_EVERY_S and now == idle_at:
                told_at = now
                left = max(begun_at + most_s - now, 0.0)
                warn(f"still stopping: at most {left:.0f} s are left")


def end_hard(sign: signal.Signals) -> NoReturn:
    """End this process now, whatever it is at."""
    if sys.stderr.isatty():
        sys.stderr.write("\x1b[?25h")  # shows the cursor, which a bar that nobody takes down had hidden
    warn(INTERRUPTED)
    os._exit(128 + sign)
