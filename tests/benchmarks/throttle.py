"""How well the throttle follows an endpoint whose limit on requests in flight moves, and which only says 429.

The ideal is what the limits allow: the sum of limit × seconds ÷ latency. There are always more requests waiting than
may be in flight, and the server does not say how long to wait.
"""

import asyncio
import itertools
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas.calls import ChatRequest
from schemas.errors import RunStoppedError
from schemas.teacher import TeacherSettings
from tasks.completions.store import STORE_NAME
from tasks.teacher import CompletionStore, Engine, Ledger, Teacher
from tests.benchmarks.recording import record
from tests.endpoint.process import OfflineServer, serve_offline

LIMITS = (20, 5, 40)
STEP_S = 30.0
"""Seconds for which each limit holds."""

LATENCY_S = 0.5
CONCURRENCY = 256
_ASKING = 512
_APIS = 10


def measure_throttle() -> Iterator[tuple[str, float, str, float | None]]:
    """Name, value, unit and yardstick of each figure."""
    recording = record(_APIS)
    schedule = ",".join(f"{limit}@{STEP_S * place:g}" for place, limit in enumerate(LIMITS))
    options = ("--replay", str(recording.answers), "--latency", str(LATENCY_S), "--limit", schedule)
    with serve_offline(*options) as server:
        moments = asyncio.run(_ask(server, recording.list_requests()))
    done = [moment["paid"]["completions"] for moment in moments]
    refused = [moment["statuses"].get("429", 0) for moment in moments]
    asked = [moment["requests"] for moment in moments]
    ideal = sum(LIMITS) * STEP_S / LATENCY_S
    yield "throughput", done[-1] / ideal, "of the ideal", None
    yield "refused", refused[-1] / asked[-1], "share of requests", None
    for place, limit in enumerate(LIMITS):
        before = place - 1
        completed = done[place] - (done[before] if place else 0)
        yield f"throughput_at_{limit}", completed / (limit * STEP_S / LATENCY_S), "of the ideal", None
        said_no = refused[place] - (refused[before] if place else 0)
        yield f"refused_at_{limit}", said_no / (asked[place] - (asked[before] if place else 0)), "share", None
    yield "completions", done[-1], "completions", ideal


async def _ask(server: OfflineServer, requests: list[ChatRequest]) -> list[dict[str, Any]]:
    """The server's counts at the end of each limit's time."""
    numbers = itertools.count()

    async def ask(teacher: Teacher) -> None:
        while True:
            number = next(numbers)  # a sample of its own: no request may be had from the store
            request = requests[number % len(requests)].model_copy(update={"sample": number})
            try:
                await teacher.complete(request, stage="simulate", api_id="api", owner="api-001")
            except RunStoppedError:
                return

    with (
        tempfile.TemporaryDirectory(prefix="toolherd-bench-") as folder,
        CompletionStore(Path(folder) / STORE_NAME) as store,
    ):
        settings = TeacherSettings(base_url=server.base_url, concurrency=CONCURRENCY)
        async with Teacher(Engine(settings, store), Ledger()) as teacher, asyncio.TaskGroup() as group:
            for _ in range(_ASKING):
                group.create_task(ask(teacher))
            first_at = None
            while first_at is None:
                await asyncio.sleep(0.01)
                first_at = (await asyncio.to_thread(server.stats))["first_at"]
            moments = []
            for place in range(len(LIMITS)):
                await asyncio.sleep(first_at + STEP_S * (place + 1) - time.monotonic())
                moments.append(await asyncio.to_thread(server.stats))
            teacher.stop(RunStoppedError("measured", "signal"))
    return moments
