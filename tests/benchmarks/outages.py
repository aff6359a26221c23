"""An endpoint that is away for a minute in the middle of a run: a hundred requests, eight in flight. None may be lost.

The yardstick of the seconds is the outage and what the requests take without it.
"""

import asyncio
import json
import os
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from contextlib import suppress

from schemas.calls import ChatRequest
from schemas.teacher import TeacherSettings
from tasks.teacher import Engine, Ledger, Teacher
from tests.tasks.teacher.endpoints import build_answer

REQUESTS, IN_FLIGHT, ANSWER_S = 100, 8, 0.2
OUTAGE_S = float(os.environ.get("OUTAGE_S", "60"))
AFTER = 30
"""Answers before the outage."""

_PAGE = b"<html><head><title>502 Bad Gateway</title></head></html>"
_LOADING = json.dumps({"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}).encode()


class _Endpoint:
    """Answers over real sockets; away by `kind`: `502`, `loading`, or `refused`, for which its port is closed."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.answered = self.asked_in_vain = 0
        self.is_away = False
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[StreamWriter] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def be_away(self) -> None:
        """The outage, once enough is answered."""
        while self.answered < AFTER:
            await asyncio.sleep(0.01)
        self.is_away = True
        if self.kind == "refused":
            await self.close()
        await asyncio.sleep(OUTAGE_S)
        self.is_away = False
        if self.kind == "refused":
            await self.open()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = next(
                    int(line.partition(":")[2]) for line in head.split("\r\n") if line.startswith("content-l")
                )
                await reader.readexactly(length)
                await asyncio.sleep(ANSWER_S)
                status, body = (200, json.dumps(build_answer()).encode()) if not self.is_away else self._refuse()
                self.answered += status == 200
                told = f"HTTP/1.1 {status} X\r\ncontent-type: text/html\r\ncontent-length: {len(body)}\r\n\r\n"
                writer.write(told.encode() + body)
        self._writers.discard(writer)
        writer.close()

    def _refuse(self) -> tuple[int, bytes]:
        self.asked_in_vain += 1
        return (502, _PAGE) if self.kind == "502" else (503, _LOADING)


def measure_outages() -> Iterator[tuple[str, float, str, float | None]]:
    """Name, value, unit and yardstick of each figure."""
    for kind in ("502", "refused", "loading"):
        lost, seconds, in_vain = asyncio.run(_measure(kind))
        yield f"{kind}.lost", lost, "requests", None
        yield f"{kind}.seconds", seconds, "s", OUTAGE_S + ANSWER_S * REQUESTS / IN_FLIGHT
        yield f"{kind}.asked_in_vain", in_vain, "requests", None


async def _measure(kind: str) -> tuple[int, float, int]:
    endpoint = _Endpoint(kind)
    await endpoint.open()
    away = asyncio.create_task(endpoint.be_away())
    settings = TeacherSettings(model="m", base_url=f"http://127.0.0.1:{endpoint.port}/v1", concurrency=IN_FLIGHT)
    began = asyncio.get_running_loop().time()
    async with Teacher(Engine(settings), Ledger()) as teacher:
        asked = (
            teacher.complete(
                ChatRequest(messages=({"role": "user", "content": str(number)},)),
                stage="simulate",
                api_id="a",
                owner="a",
            )
            for number in range(REQUESTS)
        )
        results = await asyncio.gather(*asked, return_exceptions=True)
    seconds = asyncio.get_running_loop().time() - began
    await away
    await endpoint.close()
    return sum(isinstance(result, BaseException) for result in results), seconds, endpoint.asked_in_vain
