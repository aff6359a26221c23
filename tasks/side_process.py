"""Pure work of an API, done in processes beside the run's: the event loop goes on with the requests in flight, and what
a document makes endless or enormous is ended, while the other APIs go on.

The processes are started here and not by concurrent.futures, whose processes import the run's main module again,
Prefect and all, and cannot be killed one by one. Each reads pickled calls from a socket, which is its standard input
and output, and writes pickled outcomes to it. It ends when the run does, and when there is nothing to do: it holds
memory that publishing may need.
"""

import asyncio
import logging
import os
import pickle
import resource
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Literal, NoReturn, ParamSpec, TypeVar, cast

from schemas.environment import pick_environment
from schemas.errors import CutOffError, make_portable
from schemas.parameters import DOCUMENT_LIMIT_MB, DOCUMENT_LIMIT_S
from tasks.supervision.orphans import end_with_parent

WORTH_IT = 50
"""Calls after which a process pays: it takes 2 s of CPU to start, a call some 11 ms. Small runs never start one, where
all that they work on is their own."""

IDLE_S = 3.0
"""Seconds without work after which a process ends."""

SLOW_S = 2.0
"""Seconds after which a call goes on aside, and those that wait for it are given another process."""

MOST_ASIDE = 2
"""Calls that may be aside at a time: each may take all the memory that it is allowed."""

START_S = 120.0
"""Seconds after which a process that has not come up is given up; it takes one or two."""

_ATTEMPTS = 2
"""A process may be killed for what another has done, by a kernel that is short of memory; twice is no accident."""

_ASKED_FOR = ("tasks.check", "tasks.specify")
"""Where the functions are that calls are about, imported while none has come yet."""

_LAST_S = 1.0
"""What a process whose end of the socket is closed may take to be gone."""

_LENGTH = 8  # bytes before each pickle that say how long it is
_BUFFER = 2**20
_FOLDER = Path(__file__).parents[1]

_log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")

_Outcome = tuple[Literal["done", "failed", "memory", "large"], Any]


class _NoProcessError(OSError):
    """A process cannot be started."""


class _LostError(Exception):
    """A process ended in the middle of a call; the message says how."""


class SideProcess:
    """Does calls in a process of its own, one after another; a slow one makes room for the others.

    A call may take `limit_s` seconds and its process `limit_mb` MB (2**20 bytes), beyond that it is ended. The first
    `worth_it` calls of `run` are done in threads of this process, and all of them where there is one core or no process
    can be had. Belongs to one event loop.
    """

    def __init__(
        self, worth_it: int = WORTH_IT, *, limit_s: float = DOCUMENT_LIMIT_S, limit_mb: int = DOCUMENT_LIMIT_MB
    ) -> None:
        self._spare = worth_it
        self._limit_s = limit_s
        self._limit_mb = limit_mb
        self._is_worth_it = (os.cpu_count() or 1) > 1
        self._turn = asyncio.Semaphore()
        self._aside = asyncio.Semaphore(MOST_ASIDE)
        self._idle: _Worker | None = None
        self._workers: set[_Worker] = set()
        self._is_closed = False

    def expect(self, calls: int) -> None:
        """So many calls are likely to come: where they are worth a process it is started now, and not in their way."""
        if calls > self._spare > 0 and self._is_worth_it:
            self._spare = 0
            with suppress(_NoProcessError):  # the next call finds out, and says so
                self._idle = self._idle or self._start()

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What a module's function returns or raises. Arguments and result must be such as pickle takes.

        Raises:
            CutOffError: it went beyond a limit, in a process.
        """
        self._spare -= 1
        if self._spare < 0 and self._is_worth_it:
            try:
                return await self.run_apart(function, *args, **kwargs)
            except _NoProcessError as error:
                self._is_worth_it = False
                _log.warning("the process for checks cannot be used (%s): they are done in the run's own", error)
        return await asyncio.to_thread(function, *args, **kwargs)

    async def run_apart(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """As `run`, and never in this process: for what others have written.

        Raises:
            CutOffError: it went beyond a limit, or its process died of it.
            OSError: no process can be had.
        """
        name = getattr(function, "__name__", "a call").strip("_").replace("_", " ")
        try:
            call = pickle.dumps((function, args, kwargs), pickle.HIGHEST_PROTOCOL)
        except RecursionError:
            raise CutOffError(f"{name}: what it is given is nested too deep to be worked on") from None
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                how, value = await self._ask(name, call)
                break
            except _LostError as lost:
                if attempt == _ATTEMPTS or self._is_closed:
                    raise CutOffError(f"{name}: its process {lost}, {attempt} times") from None
        match how:
            case "done":
                return cast(R, value)
            case "failed":
                raise value
            case "memory":
                raise CutOffError(
                    f"{name} was cut off: it took more than the {self._limit_mb:,} MB of memory that "
                    "--document_limit_mb allows"
                )
            case "large":
                most = _choose_most(self._limit_mb) // 2**20
                raise CutOffError(
                    f"{name} was cut off: what it made is larger than {most:,} MB, a quarter of what "
                    "--document_limit_mb allows, and the run has to hold it too"
                )

    def close(self) -> None:
        """Ends all processes at once, whatever they are at."""
        self._is_closed = True
        for worker in tuple(self._workers):
            self._end(worker)

    async def _ask(self, name: str, call: bytes) -> _Outcome:
        """The outcome of a call. Raises _LostError, _NoProcessError, CutOffError."""
        await self._turn.acquire()
        place = self._turn
        worker: _Worker | None = None
        answering: asyncio.Future[_Outcome] | None = None
        is_free = False
        try:
            worker = self._take_idle() or self._start()
            await worker.wait_until_up()
            async with asyncio.timeout(self._limit_s):
                answering = asyncio.ensure_future(worker.ask(call))
                await asyncio.wait({answering}, timeout=SLOW_S)
                if not answering.done() and not self._aside.locked():
                    await self._aside.acquire()
                    place.release()
                    place = self._aside
                outcome = await answering
            is_free = outcome[0] != "memory"
            return outcome
        except TimeoutError:
            raise CutOffError(
                f"{name} was cut off: it took longer than the {self._limit_s:g} s that --document_limit_s allows"
            ) from None
        finally:
            if answering is not None:
                answering.cancel()
            if worker is not None:
                self._put_back(worker, is_free)
            place.release()

    def _start(self) -> "_Worker":
        worker = _Worker(self._limit_mb)
        self._workers.add(worker)
        return worker

    def _take_idle(self) -> "_Worker | None":
        worker, self._idle = self._idle, None
        if worker is not None and not worker.is_alive:
            self._end(worker)
            return None
        return worker

    def _put_back(self, worker: "_Worker", is_free: bool) -> None:
        """Keep one that has nothing to do; end all others."""
        if is_free and self._idle is None and worker in self._workers:
            self._idle = worker
        else:
            self._end(worker)

    def _end(self, worker: "_Worker") -> None:
        self._workers.discard(worker)
        if self._idle is worker:
            self._idle = None
        worker.kill()


class _Worker:
    """One process, and this end of the socket to it. Raises _NoProcessError where it cannot be started."""

    def __init__(self, limit_mb: int) -> None:
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        paths = [str(_FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._socket, its = socket.socketpair()
        with its:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", __name__, str(os.getpid()), str(limit_mb)],
                    stdin=its.fileno(),
                    stdout=its.fileno(),
                    stderr=subprocess.DEVNULL,  # what a document makes it say is nothing for a terminal
                    env={**pick_environment(), "PYTHONPATH": os.pathsep.join(paths)},
                    start_new_session=True,  # Ctrl-C in a terminal is the run's to handle
                )
            except OSError as error:
                self._socket.close()
                raise _NoProcessError(f"it cannot be started: {error}") from error

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    async def wait_until_up(self) -> None:
        """Return when it takes calls. Raises _NoProcessError."""
        if self._streams is not None:
            return
        self._streams = await asyncio.open_unix_connection(sock=self._socket, limit=_BUFFER)
        try:
            async with asyncio.timeout(START_S):
                await self._read()
        except TimeoutError:
            raise _NoProcessError(f"it has not come up within {START_S:g} s") from None
        except _LostError as lost:
            raise _NoProcessError(f"as it came up, it {lost}") from None

    async def ask(self, call: bytes) -> _Outcome:
        """The outcome of a call. Raises _LostError."""
        assert self._streams is not None
        try:
            self._streams[1].write(_frame(call))
            await self._streams[1].drain()
        except OSError:
            raise self._explain_loss() from None
        return cast(_Outcome, pickle.loads(await self._read()))

    def kill(self) -> None:
        """End it, and let go of all that belongs to it."""
        if self.is_alive:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._streams is not None:
            self._streams[1].close()
        else:
            self._socket.close()

    async def _read(self) -> bytes:
        assert self._streams is not None
        try:
            head = await self._streams[0].readexactly(_LENGTH)
            return await self._streams[0].readexactly(int.from_bytes(head, "big"))
        except (OSError, asyncio.IncompleteReadError):
            raise self._explain_loss() from None

    def _explain_loss(self) -> _LostError:
        try:
            status = self._process.wait(_LAST_S)
        except subprocess.TimeoutExpired:
            return _LostError("has closed its end of the socket")
        return _LostError(f"ended with status {status}" if status >= 0 else f"was killed by signal {-status}")


def _choose_most(limit_mb: int) -> int:
    """The most bytes that a result may have."""
    return limit_mb * 2**20 // 4


def _frame(data: bytes) -> bytes:
    return len(data).to_bytes(_LENGTH, "big") + data


# What follows runs in the process.


def serve(calls: IO[bytes], outcomes: IO[bytes], most: int) -> None:
    """Do calls until there are no more. An outcome is how it went, and the result or the exception, in `most` bytes.

    The next call comes only after the outcome of the last one, so none waits in a buffer where `select` would miss it.
    The first one may take its time.
    """
    idle_s = None
    while select.select([calls], [], [], idle_s)[0] and (call := _read(calls)) is not None:
        outcome = _do(call)
        _write(outcomes, outcome if len(outcome) <= most else _LARGE)
        idle_s = IDLE_S


_LARGE = pickle.dumps(("large", None), pickle.HIGHEST_PROTOCOL)


def _read(stream: IO[bytes]) -> bytes | None:
    head = stream.read(_LENGTH)
    return stream.read(int.from_bytes(head, "big")) if len(head) == _LENGTH else None


def _write(stream: IO[bytes], data: bytes) -> None:
    stream.write(_frame(data))
    stream.flush()


def _do(call: bytes) -> bytes:
    outcome: _Outcome
    try:
        function, args, kwargs = pickle.loads(call)
        return pickle.dumps(("done", function(*args, **kwargs)), pickle.HIGHEST_PROTOCOL)
    except MemoryError:
        outcome = ("memory", None)
    except BaseException as error:  # a panic of code in Rust is no Exception
        outcome = ("failed", make_portable(error))
    return pickle.dumps(outcome, pickle.HIGHEST_PROTOCOL)


def limit_memory(megabytes: int) -> None:
    """Give this process no more memory than so many MB; where the system cannot do that, it has no limit."""
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (megabytes * 2**20, most))


def _main() -> NoReturn:
    parent, limit_mb = map(int, sys.argv[1:])
    end_with_parent(parent)
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what anything prints must not get between the outcomes
    for name in _ASKED_FOR:
        import_module(name)
    limit_memory(limit_mb)
    _write(channel, b"")
    serve(sys.stdin.buffer, channel, _choose_most(limit_mb))
    os._exit(0)


if __name__ == "__main__":
    _main()
