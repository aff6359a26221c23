"""Messages between two processes over a pair of sockets: each is a pickle with its length before it.

Both ends are this project's own processes, and the socket is handed down and has no name: nobody else can write to it.
"""

import asyncio
import pickle
import socket
from collections.abc import Callable
from typing import Any, cast

_LENGTH = 8  # bytes before each pickle that say how long it is


class Channel(asyncio.Protocol):
    """One end. `on_message` is called with each message, `on_end` once, when the other end is gone or has closed."""

    def __init__(self, on_message: Callable[[Any], None], on_end: Callable[[], None]) -> None:
        self._on_message = on_message
        self._on_end = on_end
        self._received = bytearray()
        self._outgoing: list[bytes] = []
        self._transport: asyncio.Transport  # from connection_made on, which is before `open` returns

    @classmethod
    async def open(cls, end: socket.socket, on_message: Callable[[Any], None], on_end: Callable[[], None]) -> "Channel":
        """The channel over one socket of a pair, in the running event loop."""
        loop = asyncio.get_running_loop()
        _, channel = await loop.create_unix_connection(lambda: cls(on_message, on_end), sock=end)
        return channel

    def send(self, message: object) -> None:
        """Sends a message; it is lost where the other end is gone.

        Raises:
            Exception: pickle cannot take it; nothing is sent then.
        """
        data = frame_message(message)
        if not self._outgoing:  # what is sent in one turn of the loop goes in one piece, and wakes the other end once
            asyncio.get_running_loop().call_soon(self._flush)
        self._outgoing.append(data)

    def close(self) -> None:
        """Closes this end once what was sent is through."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        if not self._transport.is_closing():
            self._transport.write(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's: the channel can be used."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """asyncio's: a piece of one message or several."""
        received = self._received
        received += data
        start = 0
        while len(received) - start >= _LENGTH:
            end = start + _LENGTH + int.from_bytes(received[start : start + _LENGTH], "big")
            if len(received) < end:
                break
            with memoryview(received)[start + _LENGTH : end] as message:
                value = pickle.loads(message)
            start = end
            self._on_message(value)
        del received[:start]

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio's: the other end is gone, or this one was closed."""
        self._on_end()


def frame_message(message: object) -> bytes:
    """A message as it goes over the socket."""
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return len(data).to_bytes(_LENGTH, "big") + data
