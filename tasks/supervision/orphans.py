"""Sees to it that a process of ours does not outlive the one that started it, in whatever way that ended.

It hears of the end from the socket or pipe between the two, once it looks. What is here holds for one that does not
look any more, because something keeps it busy.
"""

import ctypes
import os
import signal
import sys
import threading
import time

_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux."""

_LOOK_EVERY_S = 0.5


class ParentWatch:
    """Ends this process `grace_s` seconds after its parent `parent` is gone. Looks from a thread of its own.

    `grace_s` may be changed meanwhile.
    """

    def __init__(self, parent: int, grace_s: float = 0.0) -> None:
        self.grace_s = grace_s
        self._parent = parent
        threading.Thread(target=self._watch, name="parent watch", daemon=True).start()

    def _watch(self) -> None:
        while os.getppid() == self._parent:
            time.sleep(_LOOK_EVERY_S)
        gone_at = time.monotonic()
        while time.monotonic() - gone_at < self.grace_s:
            time.sleep(_LOOK_EVERY_S)
        os._exit(1)


def end_with_parent(parent: int) -> None:
    """Have this process end when its parent `parent` does, or the thread that started it.

    On Linux the kernel sees to that, whatever this process is at; elsewhere a `ParentWatch`, which needs Python to get
    its turn.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)
    ParentWatch(parent)  # on Linux too: the parent may have been gone already
