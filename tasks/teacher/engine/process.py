"""A teacher's engine in a process of its own, so that nothing that the run computes keeps a request waiting.

In one process an answer that has come waits until the event loop has done with whatever it is at (a mock's reply, a
check, Prefect's bookkeeping), and its place in flight stays empty as long. The engine's process sends on as soon as an
answer is there and bears the work of that on another core.

Both ends are here: what they say to each other, `EngineProcess`, which the run holds, and `EngineServer`, which serves
it in a process that `EngineProcess` starts. That process ends when it is told to, or when the other end is gone: a run
that was killed has paid for what is in flight, which is finished and kept all the same; nothing more is sent, and what
does not come within the time that one attempt may take is given up.
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

import uvloop

from schemas.calls import ChatRequest, Role, Stage
from schemas.environment import NETWORK, pick_environment
from schemas.errors import EngineLostError, RunStoppedError, make_portable
from schemas.shown import PrintableRecord
from schemas.teacher import TeacherSettings
from tasks.completions.store import CompletionStore
from tasks.supervision.orphans import ParentWatch
from tasks.teacher.batches.batch_record import OpenBatch
from tasks.teacher.counting import TIKTOKEN_VARIABLES
from tasks.teacher.endpoint import gather_secrets
from tasks.teacher.engine.channel import Channel
from tasks.teacher.engine.engine import Answer, EngineState
from tasks.teacher.engine.engines import Engines, EngineStart, open_engines
from tasks.teacher.engine.garbage import collect_rarely
from tasks.teacher.prices import PRICES_VARIABLE

_FOLDER = Path(__file__).parents[3]
_TELL_EVERY_S = 0.1
_ASKED_FOR = (
    "OPENAI_BASE_URL",
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT_ID",
    "OPENAI_LOG",
    PRICES_VARIABLE,
    *TIKTOKEN_VARIABLES,
)
"""Variables that only the engine reads, the SDK's own among them."""

_SERVE = """
import sys
from tasks.supervision.orphans import ParentWatch
watch = ParentWatch(int(sys.argv[1]))
from tasks.teacher.engine.process import serve_engine
serve_engine(watch)
"""
"""What the engine's process runs; as `-m` the module would be there twice, and its messages of two types. It is watched
for its parent's end from the first moment on: what it imports takes a while."""

LAST_S = 3.0
"""What the engine of a run that was killed gets, beyond the time of one attempt, to keep what was answered last."""


# What the two processes say to each other. The run's sends EngineStart, then Ask, Stop, Abort and Close.


@dataclass(frozen=True)
class Ask:
    """A request to be answered; `number` is given back with the answer."""

    number: int
    request: ChatRequest
    stage: Stage
    api_id: str
    role: Role = "teacher"
    only_stored: bool = False


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
class AskOutcome:
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
            EngineLostError: the process ended before it was there.
        """
        if start.key is None:  # told, for the process has no variable that holds one
            start = replace(start, secrets=gather_secrets(start.list_all_settings(), start.secrets))
        engine = cls(start)
        await engine._open()
        return engine

    def find_settings(self, role: Role) -> TeacherSettings:
        """How a role is asked."""
        return self._start.find_settings(role)

    async def answer(
        self, request: ChatRequest, stage: Stage, api_id: str, role: Role = "teacher", *, only_stored: bool = False
    ) -> Answer:
        """See `Engine.answer`.

        Raises:
            EngineLostError: the engine's process was ended by something else.
        """
        if self._ended.done():
            raise self._explain_end()
        number = next(self._numbers)
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[number] = answered
        self._send(Ask(number, request, stage, api_id, role, only_stored))
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
                [sys.executable, "-c", _SERVE, str(os.getpid()), str(its.fileno())],
                stdin=subprocess.DEVNULL,
                env={
                    **pick_environment(*NETWORK, *_ASKED_FOR),
                    "PYTHONPATH": os.pathsep.join([str(_FOLDER), *_read_path()]),
                },
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
            case AskOutcome(number, answer, state):
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

    def _explain_end(self) -> EngineLostError:
        return EngineLostError(
            "the process that asks the teacher has ended before the run, killed or out of memory; what was answered is "
            "kept: the same command goes on from there"
        )


class EngineServer:
    """Does what comes over a channel. `run` lasts until there is nothing more to do."""

    def __init__(self, watch: ParentWatch | None = None) -> None:
        self._watch = watch
        self._opened: asyncio.Future[EngineStart | None] = asyncio.get_running_loop().create_future()
        self._closing = asyncio.Event()
        self._answering: set[asyncio.Task[None]] = set()
        self._engine: Engines | None = None
        self._channel: Channel | None = None

    async def run(self, end: socket.socket) -> None:
        """Open the engine that is asked for, serve it, close it."""
        self._channel = await Channel.open(end, self._take, self._note_end)
        start = await self._opened
        if start is None:
            return
        if self._watch is not None:
            longest_s = max(settings.timeout_s for settings in start.list_all_settings())
            self._watch.grace_s = longest_s + LAST_S
        logging.getLogger("tasks").setLevel(logging.INFO)
        logging.getLogger("tasks").addHandler(Forwarder(self._channel))
        try:
            with collect_rarely(), CompletionStore(start.path) as store:
                self._engine = open_engines(start, store)
                open_batches = await self._serve(self._engine)
            ended = Ended(open_batches)
        except Exception as error:
            ended = Ended(error=make_portable(error))
        self._channel.send(ended)
        self._channel.close()

    async def _serve(self, engine: Engines) -> tuple[OpenBatch, ...]:
        telling = asyncio.create_task(self._tell(engine))
        await self._closing.wait()
        open_batches = await engine.aclose()
        while self._answering:  # those who asked are told before the end
            await asyncio.wait(self._answering)
        telling.cancel()
        return open_batches

    async def _tell(self, engine: Engines) -> None:
        assert self._channel is not None
        while True:
            self._channel.send(Standing(engine.state))
            await asyncio.sleep(_TELL_EVERY_S)

    def _take(self, message: object) -> None:
        engine = self._engine
        match message:
            case EngineStart():
                self._opened.set_result(message)
            case Close():
                self._closing.set()
            case Ask() if engine is not None:
                answering = asyncio.create_task(self._answer(engine, message))
                self._answering.add(answering)
                answering.add_done_callback(self._answering.discard)
            case Stop(error) if engine is not None:
                engine.stop(error)
            case Abort() if engine is not None:
                engine.abort()

    def _note_end(self) -> None:
        if not self._opened.done():
            self._opened.set_result(None)
        self._closing.set()

    async def _answer(self, engine: Engines, ask: Ask) -> None:
        assert self._channel is not None
        answer: Answer | Exception
        try:
            answer = await engine.answer(ask.request, ask.stage, ask.api_id, ask.role, only_stored=ask.only_stored)
        except Exception as error:
            answer = make_portable(error)
        self._channel.send(AskOutcome(ask.number, answer, engine.state))


class Forwarder(logging.Handler):
    """Hands log lines, of whatever thread, to the run's process, whose business it is where they go."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel
        self._loop = asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        self._loop.call_soon_threadsafe(self._channel.send, Said(record.name, record.levelno, record.getMessage()))


def serve_engine(watch: ParentWatch) -> None:
    """The engine's process: serves what comes over the socket whose number is its last argument, to the end."""
    logging.setLogRecordFactory(PrintableRecord)
    end = socket.socket(fileno=int(sys.argv[2]))
    uvloop.run(_serve(end, watch))


async def _serve(end: socket.socket, watch: ParentWatch) -> None:
    await EngineServer(watch).run(end)


def _read_path() -> list[str]:
    given = os.environ.get("PYTHONPATH")
    return [given] if given else []
