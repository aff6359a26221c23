"""The process of an engine: `python -m tasks.llm.engine_server FD`, started by `engine_process` and by nobody else.

FD is an open socket, over which it is told what to open and what to answer. It ends when it is told to, or when the
other end is gone: a run that was killed has paid for what is in flight, which is finished and kept all the same.
"""

import asyncio
import logging
import socket
import sys

import uvloop

from schemas.errors import make_portable
from tasks.llm.batch_record import OpenBatch
from tasks.llm.channel import Channel
from tasks.llm.engine import Answer, Engine, EngineStart, open_engine
from tasks.llm.engine_process import Abort, Ask, Close, Ended, Outcome, Said, Standing, Stop
from tasks.llm.garbage import collect_rarely
from tasks.llm.store import CompletionStore

_TELL_EVERY_S = 0.1


class EngineServer:
    """Does what comes over a channel. `run` lasts until there is nothing more to do."""

    def __init__(self) -> None:
        self._opened: asyncio.Future[EngineStart | None] = asyncio.get_running_loop().create_future()
        self._closing = asyncio.Event()
        self._answering: set[asyncio.Task[None]] = set()
        self._engine: Engine | None = None
        self._channel: Channel | None = None

    async def run(self, end: socket.socket) -> None:
        """Open the engine that is asked for, serve it, close it."""
        self._channel = await Channel.open(end, self._take, self._note_end)
        start = await self._opened
        if start is None:
            return
        logging.getLogger("tasks").setLevel(logging.INFO)
        logging.getLogger("tasks").addHandler(Forwarder(self._channel))
        try:
            with collect_rarely(), CompletionStore(start.path) as store:
                self._engine = open_engine(start, store)
                open_batches = await self._serve(self._engine)
            ended = Ended(open_batches)
        except Exception as error:
            ended = Ended(error=make_portable(error))
        self._channel.send(ended)
        self._channel.close()

    async def _serve(self, engine: Engine) -> tuple[OpenBatch, ...]:
        telling = asyncio.create_task(self._tell(engine))
        await self._closing.wait()
        open_batches = await engine.aclose()
        while self._answering:  # those who asked are told before the end
            await asyncio.wait(self._answering)
        telling.cancel()
        return open_batches

    async def _tell(self, engine: Engine) -> None:
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

    async def _answer(self, engine: Engine, ask: Ask) -> None:
        assert self._channel is not None
        answer: Answer | Exception
        try:
            answer = await engine.answer(ask.request, ask.stage, ask.api_id)
        except Exception as error:
            answer = make_portable(error)
        self._channel.send(Outcome(ask.number, answer, engine.state))


class Forwarder(logging.Handler):
    """Hands log lines, of whatever thread, to the run's process, whose business it is where they go."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel
        self._loop = asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        self._loop.call_soon_threadsafe(self._channel.send, Said(record.name, record.levelno, record.getMessage()))


async def _main() -> None:
    await EngineServer().run(socket.socket(fileno=int(sys.argv[1])))


if __name__ == "__main__":
    uvloop.run(_main())
