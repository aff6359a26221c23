"""How many bytes of a response are taken: counted while they are read, as they come and as they are unpacked.

What is packed in a way that was not asked for is not read at all.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from contextvars import ContextVar

import httpx2

MOST_ANSWER_BYTES = 32 << 20
"""Of an answer or an error; the longest text that a model writes at once has some 3 MiB, spelled in escapes."""

_allowed: ContextVar[int] = ContextVar("bytes allowed in a response", default=MOST_ANSWER_BYTES)


class TooLongError(Exception):
    """A response holds more bytes than are taken. What is left of it was not read."""


class PackedError(Exception):
    """A response is packed in a way that was not asked for and cannot be unpacked. It was not read."""


@contextmanager
def allow_bytes(most: int) -> Iterator[None]:
    """Responses to requests made inside may hold so many bytes."""
    token = _allowed.set(most)
    try:
        yield
    finally:
        _allowed.reset(token)


async def bound_body(response: httpx2.Response) -> None:
    """A client's hook: reading the response's body raises TooLongError when it is longer than allowed, and PackedError
    when it cannot be unpacked."""
    most = _allowed.get()
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _BoundedStream(response.stream, most)
    if "content-encoding" in response.headers:
        if unasked := _find_unasked(response):
            response.stream = _Unreadable(response.stream, unasked)
            return
        # Unpacked here, piece by piece, so that what comes of it is counted too.
        packed = httpx2.Response(response.status_code, headers=response.headers, stream=response.stream)
        response.stream = _BoundedStream(_Unpacked(packed), most)
        del response.headers["content-encoding"]


def _find_unasked(response: httpx2.Response) -> str:
    """The first encoding of the body that the request did not name; "" where there is none."""
    asked, given = (
        [word.partition(";")[0].strip().lower() for word in headers.get(name, "").split(",")]
        for headers, name in ((response.request.headers, "accept-encoding"), (response.headers, "content-encoding"))
    )
    return next((word for word in given if word not in ("", "identity", *asked)), "")


class _Unreadable(httpx2.AsyncByteStream):
    """A body that nothing is read of."""

    def __init__(self, stream: httpx2.AsyncByteStream, encoding: str) -> None:
        self._stream = stream
        self._encoding = encoding

    async def __aiter__(self) -> AsyncIterator[bytes]:
        raise PackedError(f"answers come packed as {self._encoding[:40]!r}, which was not asked for")
        yield b""  # never: it makes this a generator

    async def aclose(self) -> None:
        await self._stream.aclose()


class _BoundedStream(httpx2.AsyncByteStream):
    """A body that breaks off with TooLongError."""

    def __init__(self, stream: httpx2.AsyncByteStream, most: int) -> None:
        self._stream = stream
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        parts = aiter(self._stream)
        try:
            async for part in parts:
                size += len(part)
                if size > self._most:
                    raise TooLongError(f"the response is longer than {self._most:,} bytes, and no more are taken")
                yield part
        finally:
            if isinstance(parts, AsyncGenerator):
                await parts.aclose()

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Unpacked(httpx2.AsyncByteStream):
    """The body of a response without its content encodings."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async with aclosing(self._response.aiter_bytes()) as parts:
            async for part in parts:
                yield part

    async def aclose(self) -> None:
        await self._response.aclose()
