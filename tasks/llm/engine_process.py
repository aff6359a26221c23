"""A teacher's engine in a process of its own, so that nothing that the run computes keeps a request waiting.

In one process an answer that has come waits until the event loop has done with whatever it is at (a mock's reply, a
check, Prefect's bookkeeping), and its place in flight stays empty as long. The engine's process (`engine_server`) sends
on as soon as an answer is there and bears the work of that on another core. Where the run is killed it sends nothing
more, finishes and keeps what is in flight, and ends.
"""

import asyncio
import itertools
import logging
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from schemas.calls import ChatRequest, Stage
from schemas.errors import FatalTeacherError, RunStoppedError
from tasks.llm.batch_record import OpenBatch
from tasks.llm.channel import Channel
from tasks.llm.engine import Answer, EngineStart, EngineState

_FOLDER = Path(__file__).parents[2]


# What the two processes say to each other. The run's sends EngineStart, then Ask, Stop, Abort and Close.


@dataclass(frozen=True)
class Ask:
    """A request to be answered; `number` is given back with the answer."""

    number: int
    request: ChatRequest
    stage: Stage
    api_id: str


@dataclass(frozen=True)
class Stop:
    """See `Engine.stop`."""

    error: RunStoppedError


@dataclass(frozen=True)
class Abort:
    """See `Engine.abort`."""


@dataclass(frozen=True)
class Close:
    """See `Engine.aclose`."""


@dataclass(frozen=True)
class Outcome:
    """What became of a request, and how the engine stands after it."""

    number: int
    answer: Answer | Exception
    state: EngineState


@dataclass(frozen=True)
class Standing:
    """How the engine stands, told every now and then."""

    state: EngineState


@dataclass(frozen=True)
class Said:
    """A line of the engine's log."""

    logger: str
    level: int
    message: str


@dataclass(frozen=True)
class Ended:
    """The last message: what is left at the endpoint, or why the engine could not be opened."""

    open_batches: tuple[OpenBatch, ...] = ()
    error: Exception | None = None


class EngineProcess:
    """An `Engine` elsewhere, with the same methods; `state` is what it last told. Opened by `start`."""

    def __init__(self, start: EngineStart) -> None:
        self.settings = start.settings
        self.state = EngineState()
        self._start = start
        self._numbers = itertools.count()
        self._asked: dict[int, asyncio.Future[Answer]] = {}
        self._ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self._started = asyncio.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None

    @classmethod
    async def start(cls, start: EngineStart) -> "EngineProcess":
        """An engine that is open.

        Raises:
            UserError: what `Engine` and `CompletionStore` raise.
            FatalTeacherError: the process ended before it was there.
        """
        engine = cls(start)
        await engine._open()
        return engine

    async def answer(self, request: ChatRequest, stage: Stage, api_id: str) -> Answer:
        """See `Engine.answer`.

        Raises:
            FatalTeacherError: the engine's process was ended by something else.
        """
        if self._ended.done():
            raise self._explain_end()
        number = next(self._numbers)
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[number] = answered
        self._send(Ask(number, request, stage, api_id))
        try:
            return await answered
        finally:
            self._asked.pop(number, None)

    def stop(self, error: RunStoppedError) -> None:
        """See `Engine.stop`."""
        if self.state.stopped is None:
            self.state = replace(self.state, stopped=error)
        self._send(Stop(error))

    def abort(self) -> None:
        """See `Engine.abort`."""
        self._send(Abort())
        for answered in self._asked.values():
            answered.cancel()

    async def aclose(self) -> tuple[OpenBatch, ...]:
        """See `Engine.aclose`; the store is closed with it."""
        self._send(Close())
        ended = await self._ended
        assert self._channel is not None
        assert self._process is not None
        self._channel.close()
        await asyncio.to_thread(self._process.wait)
        if ended.error is not None:
            raise ended.error
        return ended.open_batches

    async def _open(self) -> None:
        mine, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tasks.llm.engine_server", str(its.fileno())],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(_FOLDER), *_read_path()])},
                pass_fds=[its.fileno()],
                start_new_session=True,  # Ctrl-C in a terminal is the run's to handle
            )
        self._channel = await Channel.open(mine, self._take, self._note_end)
        self._send(self._start)
        started = asyncio.create_task(self._started.wait())
        self._ended.add_done_callback(lambda _: started.cancel())
        await asyncio.wait([started])
        if not started.cancelled():
            return
        self._channel.close()
        await asyncio.to_thread(self._process.wait)
        raise self._ended.result().error or self._explain_end()

    def _send(self, message: object) -> None:
        assert self._channel is not None
        self._channel.send(message)

    def _take(self, message: object) -> None:
        match message:
            case Outcome(number, answer, state):
                self._note_state(state)
                answered = self._asked.get(number)
                if answered is None or answered.done():  # nobody waits any more
                    return
                if isinstance(answer, Exception):
                    answered.set_exception(answer)
                else:
                    answered.set_result(answer)
            case Standing(state):
                self._started.set()
                self._note_state(state)
            case Said(logger, level, text):
                logging.getLogger(logger).log(level, "%s", text)
            case Ended() if not self._ended.done():
                self._ended.set_result(message)

    def _note_state(self, state: EngineState) -> None:
        stopped = self.state.stopped or state.stopped  # a stop that is on its way there
        self.state = replace(state, stopped=stopped)

    def _note_end(self) -> None:
        if not self._ended.done():
            self._ended.set_result(Ended())
        for answered in self._asked.values():
            if not answered.done():
                answered.set_exception(self._explain_end())

    def _explain_end(self) -> FatalTeacherError:
        return FatalTeacherError(
            "the process that asks the teacher has ended before the run, killed or out of memory; what was answered is "
            "kept: the same command goes on from there"
        )


def _read_path() -> list[str]:
    given = os.environ.get("PYTHONPATH")
    return [given] if given else []
