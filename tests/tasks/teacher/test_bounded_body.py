"""Bodies of responses end where the bound is, packed or not, while they are read."""

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from starlette.responses import Response, StreamingResponse

from schemas.errors import FatalTeacherError, TeacherError
from tasks.teacher.bounded_body import MOST_ANSWER_BYTES, PackedError, TooLongError, allow_bytes, bound_body
from tests.tasks.teacher.endpoints import Endpoint, build_answer
from tests.tasks.teacher.teachers import ask_once

MEBIBYTE = 1 << 20


class Source(httpx2.AsyncByteStream):
    """A body in pieces, which counts those that were taken."""

    def __init__(self, *parts: bytes) -> None:
        self.parts, self.taken, self.is_closed = parts, 0, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            self.taken += 1
            yield part

    async def aclose(self) -> None:
        self.is_closed = True


async def read(source: Source, **headers: str) -> bytes:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=headers, stream=source))
    async with httpx2.AsyncClient(transport=transport, event_hooks={"response": [bound_body]}) as client:
        return (await client.get("http://host/")).content


def encode(encoding: str, data: bytes) -> bytes:
    return gzip.compress(data) if encoding == "gzip" else zlib.compress(data)


async def test_a_body_of_as_many_bytes_as_are_taken_is_read() -> None:
    with allow_bytes(10):
        assert await read(Source(b"12345", b"", b"67890")) == b"1234567890"


async def test_one_that_is_longer_is_broken_off_there_and_closed() -> None:
    source = Source(*[b"12345"] * 100)
    with allow_bytes(10), pytest.raises(TooLongError, match="longer than 10 bytes"):
        await read(source)
    assert (source.taken, source.is_closed) == (3, True)


@pytest.mark.parametrize("encoding", ["x-own", "gzip, x-own", "X-Own"])
async def test_what_is_packed_unasked_is_not_read(encoding: str) -> None:
    source = Source(b"12345")
    with pytest.raises(PackedError, match="packed as 'x-own', which was not asked for"):
        await read(source, **{"Content-Encoding": encoding})
    assert (source.taken, source.is_closed) == (0, True)


async def test_it_ends_the_run_with_the_remedy() -> None:
    def pack(body: dict[str, Any]) -> Response:
        return Response(b"\x1b\x03\x07", headers={"Content-Encoding": "x-own"}, media_type="application/json")

    endpoint = Endpoint(last=pack)
    with pytest.raises(FatalTeacherError, match="packed as 'x-own', which was not asked for: turn that off"):
        await ask_once(endpoint)
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("encoding", ["identity", "gzip, identity", "GZIP"])
async def test_what_was_asked_for_is_read(encoding: str) -> None:
    packed = gzip.compress(b"12345") if "gzip" in encoding.lower() else b"12345"
    assert await read(Source(packed), **{"Content-Encoding": encoding}) == b"12345"


async def test_the_bound_holds_inside_only() -> None:
    with allow_bytes(10):
        pass
    assert await read(Source(b"x" * 1000)) == b"x" * 1000


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_packed_body_is_unpacked_and_counted_on_both_sides(encoding: str) -> None:
    packed = encode(encoding, b"Hello. " * 100)
    with allow_bytes(700):
        assert await read(Source(packed), **{"content-encoding": encoding}) == b"Hello. " * 100
    with allow_bytes(699), pytest.raises(TooLongError):
        await read(Source(packed), **{"content-encoding": encoding})


@pytest.mark.parametrize("layers", [1, 2])
async def test_a_bomb_is_unpacked_no_further_than_the_bound(layers: int) -> None:
    bomb = gzip.compress(bytes(300 * MEBIBYTE))
    for _ in range(layers - 1):
        bomb = gzip.compress(bomb)
    tracemalloc.start()
    try:
        with pytest.raises(TooLongError):
            await read(Source(bomb), **{"content-encoding": ", ".join(["gzip"] * layers)})
        assert tracemalloc.get_traced_memory()[1] < 2 * MOST_ANSWER_BYTES
    finally:
        tracemalloc.stop()


def stream(part: bytes, times: int, status: int = 200) -> Callable[[Any], Response]:
    def reply(_: Any) -> Response:
        async def write() -> AsyncIterator[bytes]:
            for _ in range(times):
                yield part

        return StreamingResponse(write(), status)

    return reply


@contextmanager
def fails_once(told: str, endpoint: Endpoint) -> Iterator[None]:
    with pytest.raises(TeacherError, match=told):
        yield
    assert len(endpoint.requests) == 1  # it would be as long again, and paid again


@pytest.mark.usefixtures("tiny_key")
@pytest.mark.parametrize("status", [200, 500])
async def test_no_more_of_an_answer_or_an_error_is_taken_over_http(status: int) -> None:
    endpoint = Endpoint(stream(b" " * MEBIBYTE, 100, status))
    with fails_once("longer than 33,554,432 bytes", endpoint):
        await ask_once(endpoint, attempts=3)


@pytest.mark.usefixtures("tiny_key")
async def test_nor_of_one_that_was_packed() -> None:
    bomb = gzip.compress(bytes(100 * MEBIBYTE))
    endpoint = Endpoint(lambda _: Response(bomb, headers={"content-encoding": "gzip"}))
    with fails_once("longer than", endpoint):
        await ask_once(endpoint, attempts=3)


@pytest.mark.usefixtures("tiny_key")
async def test_a_packed_answer_is_an_answer() -> None:
    body = httpx2.Response(200, json=build_answer("Hello.")).content
    endpoint = Endpoint(lambda _: Response(gzip.compress(body), headers={"content-encoding": "gzip"}))
    assert (await ask_once(endpoint)).content == "Hello."
