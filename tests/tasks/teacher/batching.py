"""An endpoint with a Batch API to test the sender against: the embedded teacher's desk, with faults on its calls."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas.calls import Completion
from schemas.teacher import TeacherSettings
from tasks.completions.store import CompletionStore
from tasks.teacher.batches.batch import BatchSender
from tasks.teacher.endpoint import name_endpoint, open_client, read_key
from tests.endpoint.batches import BatchDesk, BatchDials
from tests.tasks.teacher.endpoints import build_answer

Answer = Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]
Fault = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]


def echo_line(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """A line's answer that repeats its last message."""
    return 200, build_answer(f"You said: {body['messages'][-1]['content']}")


def answer_some() -> Answer:
    """Answers as `echo_line`, but refuses "refuse me", and errs the first time at "fail once"."""
    failed = False

    def answer(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        nonlocal failed
        text = body["messages"][-1]["content"]
        if text == "refuse me":
            return 400, {"error": {"message": "this one is too long", "code": "too_long", "param": "messages"}}
        if text == "fail once" and not failed:
            failed = True
            return 500, {"error": {"message": "the server had an error", "code": None}}
        return echo_line(body)

    return answer


def fail_with(status: int, message: str = "no", code: str | None = None) -> Fault:
    """Answers with an error, and does nothing."""

    async def fault(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse({"error": {"message": message, "code": code}}, status)(scope, receive, send)

    return fault


async def lose_answer(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Does what it was asked to do, and then the answer is lost on its way."""

    async def swallow(_: Message) -> None:
        pass

    await app(scope, receive, swallow)
    await fail_with(502)(app, scope, receive, send)


async def hang(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Does nothing and never answers."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def hang_after(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Does what it was asked to do and never answers."""

    async def swallow(_: Message) -> None:
        pass

    await app(scope, receive, swallow)
    await hang(app, scope, receive, send)


class Halt:
    """Keeps a call back until the test lets it go on; then what it asks for is done and answered."""

    def __init__(self) -> None:
        self._reached, self._go_on = threading.Event(), threading.Event()

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self._reached.set()
        await asyncio.to_thread(self._go_on.wait, 60)
        await app(scope, receive, send)

    async def wait(self) -> None:
        """Returns when the call is there."""
        assert await asyncio.to_thread(self._reached.wait, 60), "the call never came"

    def let_go(self) -> None:
        """Let the call be done."""
        self._go_on.set()


class BatchEndpoint:
    """An app that offers the Batch API for the model `tiny`.

    `faults` holds, by method and start of the path, what happens to the next calls instead; `calls` are all calls,
    `lines` the requests of all uploaded files.
    """

    def __init__(
        self,
        answer: Answer = echo_line,
        *,
        dials: BatchDials | None = None,
        desk: type[BatchDesk] = BatchDesk,
        app: Any = None,
    ) -> None:
        if app is None:
            self.desk = desk(answer, "tiny", dials or BatchDials())
            app = Starlette(routes=self.desk.routes())
        else:
            self.desk = app.state.batches
        self._inner = app
        self.app = self
        self.faults: dict[str, list[Fault]] = {}
        self.calls: list[str] = []
        self.lines: list[dict[str, Any]] = []
        self._seen: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        call = f"{scope['method']} {scope['path']}"
        self.calls.append(call)
        for start, faults in self.faults.items():
            if call.startswith(start) and faults:
                await faults.pop(0)(self._inner, scope, receive, send)
                return
        if call == "POST /v1/batches":
            for file_id, (shown, content) in self.desk._files.items():
                if shown["purpose"] == "batch" and file_id not in self._seen:
                    self._seen.add(file_id)
                    self.lines += [json.loads(line) for line in content.splitlines()]
        await self._inner(scope, receive, send)

    def count(self, start: str) -> int:
        """How many calls began like this."""
        return sum(call.startswith(start) for call in self.calls)


async def wait_until(true: Callable[[], bool]) -> None:
    """Returns when it is true; a test fails that waits for too long."""
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def connect(
    url: str, store: CompletionStore, *, model: str = "tiny", lease_s: float = 0.3, **times: float
) -> AsyncIterator[BatchSender]:
    """A sender to the endpoint that waits for hundredths of a second where a real one waits for minutes."""
    settings = TeacherSettings(model=model, base_url=url, api_key_env="TINY_KEY", attempts=3)
    secret = read_key(settings)
    chosen = {"linger_s": 0.03, "poll_first_s": 0.02, "poll_longest_s": 0.05, "first_backoff_s": 0.01, **times}
    async with open_client(settings, secret) as client:
        sender = BatchSender(
            client, store, settings, endpoint=name_endpoint(settings), secret=secret, lease_s=lease_s, **chosen
        )
        try:
            async with asyncio.timeout(60):  # a wait that never ends must not be a test that never ends
                yield sender
        finally:
            await sender.aclose()


def body(text: str, **fields: Any) -> dict[str, Any]:
    """A request's body."""
    return {"model": "tiny", "messages": [{"role": "user", "content": text}], **fields}


def count_rows(path: Path) -> tuple[int, int]:
    """The open batches, and the keys in them, that stand in a store's file."""
    connection = sqlite3.connect(path)
    batches = connection.execute("SELECT count(*) FROM batches").fetchone()[0]
    keys = connection.execute("SELECT count(*) FROM batch_keys").fetchone()[0]
    connection.close()
    return batches, keys


async def run_what_is_ready() -> None:
    """Lets the loop go round some times."""
    for _ in range(10):
        await asyncio.sleep(0)


def watch_sleep(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that senders sleep from now on; they wake after hundredths of one."""
    slept: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        slept.append(seconds)
        await sleep(min(seconds, 0.01))

    monkeypatch.setattr("tasks.teacher.batches.batch.asyncio.sleep", note)
    return slept


async def ask(sender: BatchSender, *texts: str) -> list[Completion | BaseException]:
    """What comes of requests whose keys are their texts."""
    asked = (sender.fetch(text, body(text)) for text in texts)
    return await asyncio.gather(*asked, return_exceptions=True)


async def ask_all(sender: BatchSender, numbers: Iterable[int]) -> list[str]:
    """The contents of the answers to numbered requests."""
    answers = await asyncio.gather(*(sender.fetch(f"key-{number}", body(f"number {number}")) for number in numbers))
    return [answer.content for answer in answers]


def expect(numbers: Iterable[int]) -> list[str]:
    """What `ask_all` gives where all was answered by `echo_line`."""
    return [f"You said: number {number}" for number in numbers]
