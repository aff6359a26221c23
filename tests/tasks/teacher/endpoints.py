"""Endpoints to test the client against: an OpenAI-compatible app that answers by script, in process or over HTTP."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

Reply = Callable[[dict[str, Any]], Response]

KEY = "sk-marked-4711"
"""The API key, which must stand nowhere but in the header that is for it."""


def build_answer(content: str | None = "Hello.", **changes: Any) -> dict[str, Any]:
    """A chat completion's body."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "tiny-2025-01-01",
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}],
        "usage": {
            "prompt_tokens": 10,
            "completion_tokens": 4,
            "total_tokens": 14,
            "prompt_tokens_details": {"cached_tokens": 6},
            "completion_tokens_details": {"reasoning_tokens": 3},
        },
        **changes,
    }


def say(content: str, finish_reason: str = "stop") -> Reply:
    """A reply with this content."""
    choice = {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": content}}
    return lambda _: JSONResponse(build_answer(choices=[choice]))


def echo(body: dict[str, Any]) -> Response:
    """A reply that repeats the last message, which only a real call can know."""
    return JSONResponse(build_answer(f"You said: {body['messages'][-1]['content']}"))


def call_or_echo(body: dict[str, Any]) -> Response:
    """Calls the first function where there are some, keeps to the probe's schema, else repeats what was said."""
    if "<probe>" in str(body["messages"][-1]["content"]):
        return say('{"stations": [{"city": "Oslo"}], "unit": "celsius"}')(body)
    if "tools" not in body:
        return echo(body)
    function = {"name": body["tools"][0]["function"]["name"], "arguments": "{}"}
    calls = [{"id": "c1", "type": "function", "function": function}]
    message = {"role": "assistant", "content": "", "tool_calls": calls}
    return JSONResponse(build_answer(choices=[{"index": 0, "finish_reason": "tool_calls", "message": message}]))


def fail(status: int, message: str = "no", headers: dict[str, str] | None = None, code: str | None = None) -> Reply:
    """An error in OpenAI's form."""
    return lambda _: JSONResponse({"error": {"message": message, "code": code}}, status, headers)


def break_off(_: dict[str, Any]) -> Response:
    """A response whose connection breaks in the middle of the body."""

    async def write() -> Any:
        yield b'{"choices": ['
        raise ConnectionResetError

    return StreamingResponse(write(), headers={"content-length": "500", "content-type": "application/json"})


def show_html(_: dict[str, Any]) -> Response:
    """What a proxy in front of the endpoint says while it is away, with status 200."""
    return HTMLResponse("<html><body>Please wait</body></html>")


class Endpoint:
    """An app that takes its replies from a script and repeats `last` when the script is over.

    `requests` holds the bodies received, `headers` their headers, `busiest` the most requests in flight at once. After
    `hold` no answer goes out until `release`, so that a test says what is in flight at the same time.
    """

    def __init__(self, *script: Reply, last: Reply = echo, delay_s: float = 0.0) -> None:
        self.script = list(script)
        self.last = last
        self.delay_s = delay_s
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.busy = self.busiest = 0
        self._held: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] | None = None
        self._guard = threading.Lock()  # the app may run in a thread of its own
        self.app = Starlette(routes=[Route("/v1/chat/completions", self._complete, methods=["POST"])])

    def hold(self) -> Self:
        """Keep all answers back from now on."""
        with self._guard:
            self._held = []
        return self

    def release(self) -> None:
        """Let the answers out, and hold no more back."""
        with self._guard:
            held, self._held = self._held or [], None
        for loop, released in held:
            loop.call_soon_threadsafe(released.set)

    async def _wait_for_release(self) -> None:
        released = asyncio.Event()
        with self._guard:
            if self._held is None:
                return
            self._held.append((asyncio.get_running_loop(), released))
        await released.wait()

    async def _complete(self, request: Request) -> Response:
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            body = await request.json()
            self.requests.append(body)
            self.headers.append(dict(request.headers))
            await asyncio.sleep(self.delay_s)
            await self._wait_for_release()
            return (self.script.pop(0) if self.script else self.last)(body)
        finally:
            self.busy -= 1


class HasApp(Protocol):
    """An endpoint of whatever kind: what is served is its `app`."""

    @property
    def app(self) -> Any: ...


@contextmanager
def serve(endpoint: HasApp) -> Iterator[str]:
    """The endpoint as a real HTTP server on a free port; gives its base URL."""
    # Names TCP, or asyncio leaves Nagle's algorithm on and every answer is 40 ms late.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    server = uvicorn.Server(uvicorn.Config(endpoint.app, log_level="critical", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
