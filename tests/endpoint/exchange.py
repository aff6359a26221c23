"""One request and its response on a real connection: what a response can do wrong as well as what it should."""

import asyncio
import contextlib
import socket
import struct
from typing import Any

from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from tests.endpoint.limits import Headers

_TRANSPORT = "toolherd.transport"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, for no time: closing sends RST and not FIN."""


class ReachableProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # uvicorn picks it when it is imported
    """uvicorn's HTTP protocol, which lets the app reach the connection through the scope's state."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Keep the transport where every request of this connection finds it."""
        self.app_state: dict[str, Any] = {**self.app_state, _TRANSPORT: transport}
        super().connection_made(transport)


class Exchange:
    """A request whose body has been read, and the way to answer it. `headers` go with every response."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._transport: asyncio.Transport = scope["state"][_TRANSPORT]
        self._receive = receive
        self._send = send
        self.headers: Headers = []

    @property
    def is_abandoned(self) -> bool:
        """Whether the client has gone."""
        return self._transport.is_closing()

    async def reply(
        self, status: int, body: bytes, headers: Headers | None = None, content_type: str = "application/json"
    ) -> None:
        """A whole response."""
        await self.start(status, [*(headers or []), ("content-length", str(len(body)))], content_type)
        await self._send({"type": "http.response.body", "body": body})

    async def start(self, status: int, headers: Headers | None = None, content_type: str = "application/json") -> None:
        """The status line and the headers; without a content-length the body is sent in chunks."""
        named = [("content-type", content_type), *self.headers, *(headers or [])]
        encoded = [(name.encode("ascii"), value.encode("ascii")) for name, value in named]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def write(self, part: bytes) -> None:
        """Some more of a body that goes on."""
        await self._send({"type": "http.response.body", "body": part, "more_body": True})

    def write_raw(self, data: bytes) -> None:
        """Bytes past the server, which knows nothing of them: break the connection off in the end."""
        self._transport.write(data)

    async def wait(self, seconds: float | None) -> None:
        """Wait, but no longer than the client does; None waits for it to go."""
        with contextlib.suppress(asyncio.TimeoutError):
            async with asyncio.timeout(seconds):
                while (await self._receive())["type"] != "http.disconnect":
                    pass

    async def reset(self) -> None:
        """Break the connection off, as a crashed server does: the client's kernel is sent RST."""
        connection = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()
        await self.wait(None)


async def read_body(receive: Receive) -> bytes | None:
    """The whole body of a request; None if the client went before its end."""
    message: Message | dict[str, Any] = await receive()
    parts = []
    while message["type"] == "http.request":
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)
        message = await receive()
    return None
