"""What the client adds to a bare loop: in wall time over single-shot stages, and in CPU per completion."""

import asyncio
import gc
import os
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from schemas.calls import ChatRequest
from schemas.catalog import CatalogEntry
from schemas.parameters import BuildDatasetParams
from schemas.teacher import TeacherSettings
from tasks.agents import instruct_api
from tasks.completions.store import STORE_NAME
from tasks.side_process import SideProcess
from tasks.teacher import EngineStart, Ledger, Teacher, open_teacher
from tests.benchmarks.bare import Way, choose_send, measure_bare, open_bare, send_all
from tests.benchmarks.recording import SINGLE_SHOT, list_entries, make_body, make_toolset, record
from tests.endpoint.process import serve_offline

SINGLE_APIS: int | None = None
"""None takes the whole bundled catalogue."""

SINGLE_LATENCY_S = 1.0
SINGLE_IN_FLIGHT = 64
APIS_ON_THEIR_WAY = 256
"""So many that 64 requests are always wanted."""

CPU_APIS = 100
CPU_REQUESTS = 1500
CPU_LATENCY_S = 0.05
CPU_IN_FLIGHT = 32
CPU_ROUNDS = 7
"""Timed rounds of each way, in turn; one more before them is thrown away."""


def measure_single_shot() -> Iterator[tuple[str, float, str, float | None]]:
    """Documenting, specifying and instructing, 64 requests at a time, over calls × latency ÷ 64; and a bare loop's."""
    recording = record(SINGLE_APIS)
    bodies = [make_body(request) for request in recording.list_requests(*SINGLE_SHOT)]
    gc.collect()
    gc.freeze()
    replay = ("--replay", str(recording.answers), "--latency", str(SINGLE_LATENCY_S))
    with serve_offline(*replay) as server:
        seconds = measure_bare(server.base_url, bodies, SINGLE_IN_FLIGHT, "create")
    bare = seconds / (len(bodies) * SINGLE_LATENCY_S / SINGLE_IN_FLIGHT)
    with serve_offline(*replay) as server:
        start = time.perf_counter()
        asyncio.run(_walk_single_shot(server.base_url))
        seconds = time.perf_counter() - start
        stats = server.stats()
    ideal = stats["paid"]["completions"] * SINGLE_LATENCY_S / SINGLE_IN_FLIGHT
    yield "walk", (stats["last_at"] - stats["first_at"]) / ideal, "times the ideal", bare
    yield "with_start_and_end", seconds / ideal, "times the ideal", bare
    yield "calls", stats["paid"]["completions"], "completions", len(bodies)
    yield "not_replayed", stats["generated"], "answers", None


async def _walk_single_shot(base_url: str) -> None:
    settings = TeacherSettings(base_url=base_url, concurrency=SINGLE_IN_FLIGHT)
    params = BuildDatasetParams()
    places = asyncio.Semaphore(APIS_ON_THEIR_WAY)
    side = SideProcess()

    async def walk(entry: CatalogEntry, teacher: Teacher) -> None:
        async with places:
            toolset = await make_toolset(entry, teacher, side.run)
            await instruct_api(toolset, params.instructions, params.shares.by_kind(), params.seed, teacher)

    try:
        with tempfile.TemporaryDirectory(prefix="toolherd-bench-") as folder:
            start = EngineStart(settings, Path(folder) / STORE_NAME)
            async with open_teacher(start, Ledger()) as teacher, asyncio.TaskGroup() as group:
                for entry in list_entries(SINGLE_APIS):
                    group.create_task(walk(entry, teacher))
    finally:
        side.close()


def measure_client_cpu() -> Iterator[tuple[str, float, str, float | None]]:
    """CPU per completion of `Teacher.complete` (key, store, throttle, budget, ledger) over that of a bare loop.

    All threads of this process count, and the process in which the teacher's engine runs; the server does not. The ways
    take turns, round by round, and medians are compared; the teacher's store is empty at the start of its rounds.
    """
    recording = record(CPU_APIS)
    requests = random.Random(0).sample(recording.list_requests(), CPU_REQUESTS)
    bodies = [make_body(request) for request in requests]
    gc.collect()
    gc.freeze()
    with serve_offline("--replay", str(recording.answers), "--latency", str(CPU_LATENCY_S)) as server:
        ways: dict[str, Callable[[], float]] = {
            "teacher": lambda: asyncio.run(_measure_teacher(server.base_url, requests)),
            "create": lambda: asyncio.run(_measure_bare_cpu(server.base_url, bodies, "create")),
            "post": lambda: asyncio.run(_measure_bare_cpu(server.base_url, bodies, "post")),
        }
        rounds = [{name: measure() for name, measure in ways.items()} for _ in range(CPU_ROUNDS + 1)][1:]
    median = {name: 1000 * statistics.median(each[name] for each in rounds) / CPU_REQUESTS for name in ways}
    yield "over_create", median["teacher"] / median["create"], "times", None
    yield "over_post", median["teacher"] / median["post"], "times", None
    yield "teacher", median["teacher"], "ms", median["create"]
    yield "bare_create", median["create"], "ms", None
    yield "bare_post", median["post"], "ms", None
    ratios = [each["teacher"] / each["create"] for each in rounds]
    yield "over_create_lowest", min(ratios), "times", None
    yield "over_create_highest", max(ratios), "times", None


async def _measure_teacher(base_url: str, requests: Sequence[ChatRequest]) -> float:
    settings = TeacherSettings(base_url=base_url, concurrency=CPU_IN_FLIGHT)
    others = find_children()
    with tempfile.TemporaryDirectory(prefix="toolherd-bench-") as folder:
        start = EngineStart(settings, Path(folder) / STORE_NAME)
        async with open_teacher(start, Ledger()) as teacher:

            async def ask(request: ChatRequest) -> object:
                return await teacher.complete(request, stage="simulate", api_id="api", owner="api-001")

            return await _measure_cpu(ask, requests, find_children() - others)


async def _measure_bare_cpu(base_url: str, bodies: Sequence[dict[str, Any]], way: Way) -> float:
    async with open_bare(base_url) as client:
        return await _measure_cpu(choose_send(client, way), bodies)


async def _measure_cpu(
    send: Callable[[Any], Awaitable[object]], items: Sequence[Any], helpers: Iterable[int] = ()
) -> float:
    """Seconds of CPU of this process and of `helpers`, which are process ids."""
    gc.collect()
    start = time.process_time() + sum(map(read_cpu, helpers))
    await send_all(send, items, CPU_IN_FLIGHT)
    return time.process_time() + sum(map(read_cpu, helpers)) - start


def find_children() -> set[int]:
    """The processes that this one has started and that are alive. Linux only."""
    lists = Path("/proc/self/task").glob("*/children")
    return {int(number) for found in lists for number in found.read_text().split()}


def read_cpu(number: int) -> float:
    """The CPU that a process has taken, in seconds, to a hundredth. Linux only."""
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
