"""Pure work of an API, done in a process beside the run's, so that the event loop goes on with the requests in flight.

The process is started here and not by concurrent.futures, whose processes import the run's main module again, Prefect
and all. It reads pickled calls from its standard input and writes pickled outcomes to its standard output. It ends
when its input does (so also where the run is killed), and when there is nothing to do: it holds memory that publishing
may need.
"""

import asyncio
import logging
import os
import pickle
import select
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import IO, Any, ParamSpec, TypeVar

from schemas.environment import pick_environment
from schemas.errors import make_portable

WORTH_IT = 50
"""Calls after which the process pays: it takes 2 s of CPU to start, a call some 11 ms. Small runs never start it."""

IDLE_S = 3.0
"""Seconds without work after which the process ends."""

_ASKED_FOR = ("tasks.openapi", "tasks.mock", "tasks.quality", "tasks.datasets")
"""What calls are about, imported while none has come yet."""

_LENGTH = 8  # bytes before each pickle that say how long it is
_FOLDER = Path(__file__).parents[1]

_log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")


class SideProcess:
    """Does calls one after another in a process of its own, started once there have been `worth_it` of them.

    The first calls, and all where there is one core or no process can be had, are done in threads of this process.
    """

    def __init__(self, worth_it: int = WORTH_IT) -> None:
        self._spare = worth_it
        self._is_usable = (os.cpu_count() or 1) > 1
        self.process: subprocess.Popen[bytes] | None = None
        self._asking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="side process")

    def expect(self, calls: int) -> None:
        """So many calls are likely to come: where they are worth a process it is started now, and not in their way."""
        if calls > self._spare > 0 and self._is_usable:
            self._spare = 0
            self._asking.submit(self._start)

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What a module's function returns or raises. Arguments and result must be such as pickle takes."""
        self._spare -= 1
        if self._spare < 0 and self._is_usable:
            call = pickle.dumps((function, args, kwargs), pickle.HIGHEST_PROTOCOL)
            try:
                is_done, value = await asyncio.get_running_loop().run_in_executor(self._asking, self._ask, call)
            except OSError as error:
                self._is_usable = False
                _log.warning("the process for checks cannot be used (%s): they are done in the run's own", error)
            else:
                if is_done:
                    return value  # type: ignore[no-any-return]
                raise value
        return await asyncio.to_thread(function, *args, **kwargs)

    def close(self) -> None:
        """Ends the process, after the call that it is at."""
        self._asking.shutdown(wait=False, cancel_futures=True)
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()

    def _ask(self, call: bytes) -> Any:
        """The outcome of a call; a process that has just ended for lack of work is started again. Raises OSError."""
        if self.process is not None and self.process.poll() is None:
            try:
                return _exchange(self.process, call)
            except OSError:
                self.process.wait()
        self._start()
        assert self.process is not None
        return _exchange(self.process, call)

    def _start(self) -> None:
        self.process = _launch()


def _launch() -> subprocess.Popen[bytes]:
    paths = [str(_FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**pick_environment(), "PYTHONPATH": os.pathsep.join(paths)},
        start_new_session=True,  # Ctrl-C in a terminal is the run's to handle
    )


def _exchange(process: subprocess.Popen[bytes], call: bytes) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    _write(process.stdin, call)
    outcome = _read(process.stdout)
    if outcome is None:
        raise OSError(f"it ended with status {process.wait()}")
    return pickle.loads(outcome)


def _write(stream: IO[bytes], data: bytes) -> None:
    stream.write(len(data).to_bytes(_LENGTH, "big") + data)
    stream.flush()


def _read(stream: IO[bytes]) -> bytes | None:
    head = stream.read(_LENGTH)
    return stream.read(int.from_bytes(head, "big")) if len(head) == _LENGTH else None


def serve(calls: IO[bytes], outcomes: IO[bytes]) -> None:
    """Do calls until there are no more. An outcome is whether it was done, and the result or the exception.

    The next call comes only after the outcome of the last one, so none waits in a buffer where `select` would miss it.
    The first one may take its time.
    """
    idle_s = None
    while select.select([calls], [], [], idle_s)[0] and (call := _read(calls)) is not None:
        _write(outcomes, _do(call))
        idle_s = IDLE_S


def _do(call: bytes) -> bytes:
    try:
        function, args, kwargs = pickle.loads(call)
        return pickle.dumps((True, function(*args, **kwargs)), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        return pickle.dumps((False, make_portable(error)), pickle.HIGHEST_PROTOCOL)


def _main() -> None:
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what anything prints must not get between the outcomes
    for name in _ASKED_FOR:
        import_module(name)
    serve(sys.stdin.buffer, channel)


if __name__ == "__main__":
    _main()
