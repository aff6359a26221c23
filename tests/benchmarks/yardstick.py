"""The machine's own yardstick: a plain asyncio loop that makes the same completions, with nothing around them.

No Prefect, store, ledger, mock or checks: the bare SDK in front of the embedded teacher in process. The requests are
recorded first, by walking the APIs once, so that the timed loop only sends.
"""

import asyncio
import json
import time
from collections.abc import Iterable
from typing import Any

import httpx2
import openai
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas.catalog import CatalogEntry
from schemas.parameters import BuildDatasetParams
from schemas.teacher import TeacherSettings
from tasks.agents import instruct_api, simulate_episodes
from tasks.embedded.app import create_app
from tasks.sources import read_catalog, select_entries
from tasks.teacher import Engine, Ledger, Teacher
from tasks.teacher.in_process import connect_app
from tests.benchmarks.recording import make_toolset

_IN_FLIGHT = 32


def measure_plain_loop(limit: int | None, seed: int = 0) -> tuple[float, int]:
    """Seconds that a bare loop takes over the completions of `limit` APIs (None: all), and how many they are."""
    return asyncio.run(_measure(limit, seed))


async def _measure(limit: int | None, seed: int) -> tuple[float, int]:
    entries = select_entries(read_catalog("bundled"), limit=limit, seed=seed)
    bodies: list[dict[str, Any]] = []
    engine = Engine(TeacherSettings(), client=connect_app(_record(create_app(), bodies)))
    async with Teacher(engine, Ledger()) as teacher:
        for entry in entries:
            await _walk(entry, teacher, seed)
    start = time.perf_counter()
    await _send_all(bodies)
    return time.perf_counter() - start, len(bodies)


async def _walk(entry: CatalogEntry, teacher: Teacher, seed: int) -> None:
    params = BuildDatasetParams()
    toolset = await make_toolset(entry, teacher)
    written = await instruct_api(toolset, params.instructions, params.shares.by_kind(), seed, teacher)
    await simulate_episodes(toolset, written.instructions, seed, teacher, _IN_FLIGHT)


def _record(app: ASGIApp, bodies: list[dict[str, Any]]) -> ASGIApp:
    async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
        parts: list[bytes] = []

        async def read() -> Message:
            message = await receive()
            parts.append(message.get("body", b""))
            return message

        await app(scope, read, send)
        if any(parts):
            bodies.append(json.loads(b"".join(parts)))

    return recorded


async def _send_all(bodies: Iterable[dict[str, Any]]) -> None:
    transport = httpx2.ASGITransport(app=create_app())
    http = openai.DefaultAsyncHttpxClient(transport=transport)
    places = asyncio.Semaphore(_IN_FLIGHT)
    async with openai.AsyncOpenAI(
        base_url="http://embedded/v1", api_key="none", http_client=http, max_retries=0
    ) as client:

        async def send(body: dict[str, Any]) -> None:
            async with places:
                await client.chat.completions.create(**body)

        await asyncio.gather(*(send(body) for body in bodies))
