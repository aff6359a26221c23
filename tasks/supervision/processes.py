"""Finds the processes of a run, however they were started, and tells which of them do the work.

They are known by a variable in their environment, which all that they start inherits: torchrun puts its workers in
sessions of their own, and a worker whose launcher was killed has another parent.
"""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress

import psutil

CHILD_MARK = "TOOLHERD_CHILD_OF"
"""The variable of everything that a guard started."""

GUARD_MARK = "TOOLHERD_GUARD_OF"
"""The variable of the guard."""


def find_processes(mark: str, token: str) -> dict[int, int]:
    """The living processes that carry the mark with this token: process id to parent's."""
    return {
        process.pid: process.info["ppid"]
        for process in psutil.process_iter(["environ", "ppid"])
        if process.pid != os.getpid() and (process.info["environ"] or {}).get(mark) == token
    }


def pick_workers(found: dict[int, int], started: int, *, launcher: bool) -> set[int]:
    """Those that a request to stop is for: the children of a launcher where it has any, else what was started.

    A launcher is left out because it would pass the request on in its own way: accelerate's ends at once, torchrun
    kills its workers after 30 s. If what was started is gone, all others are meant.
    """
    if started not in found:
        return set(found)
    children = {process for process, parent in found.items() if parent == started}
    return children if launcher and children else {started}


def send_signal(processes: Iterable[int], sign: signal.Signals) -> None:
    """Signal each that still lives."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, sign)
