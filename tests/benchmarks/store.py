"""Durable writes and reads a second of the completion store, by two processes at once on one file.

Reads and writes are counted from the moment both processes are ready to the end of the slower one. The yardstick of
the writes is how often a second the disk takes a page to its medium (write and fdatasync, one after the other).
"""

import asyncio
import json
import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

from schemas.calls import Completion, Usage
from tasks.completions.store import STORE_NAME
from tasks.teacher import CompletionStore
from tasks.teacher.response_reading import parse_answer
from tests.benchmarks.recording import record

PROCESSES = 2
WRITES = 10_000
READS = 50_000
"""By each process."""

WAITING = 256
"""Writes that wait at a time, as they do where so many requests are in flight."""

_APIS = 10
_PATIENCE_S = 300
_SHORTEST, _LONGEST = 2000, 6000
"""Characters of a completion, as JSON."""


def measure_store() -> Iterator[tuple[str, float, str, float | None]]:
    """Name, value, unit and yardstick of each figure."""
    text = _gather_text()
    with tempfile.TemporaryDirectory(prefix="toolherd-bench-") as folder:
        path = Path(folder) / STORE_NAME
        flushes = _measure_flushes(Path(folder) / "flushes")
        yield "writes", PROCESSES * WRITES / _measure(_write, path, text), "a second", flushes
        yield "reads", PROCESSES * READS / _measure(_read, path, text), "a second", None
        with CompletionStore(path) as store:
            yield "kept", store.count(), "completions", PROCESSES * WRITES
        yield "bytes_each", path.stat().st_size / (PROCESSES * WRITES), "bytes on disk", None


def _measure(work: Callable[[Path, str, int, Barrier], None], path: Path, text: str) -> float:
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(PROCESSES + 1, timeout=_PATIENCE_S)  # or one that fails would be waited for
    processes = [context.Process(target=work, args=(path, text, number, ready)) for number in range(PROCESSES)]
    for process in processes:
        process.start()
    ready.wait()
    start = time.perf_counter()
    ready.wait()
    seconds = time.perf_counter() - start
    for process in processes:
        process.join()
    return seconds


def _write(path: Path, text: str, number: int, ready: Barrier) -> None:
    draw = random.Random(number)
    completions = [_make_completion(text, draw) for _ in range(WRITES)]

    async def write_all() -> None:
        places = asyncio.Semaphore(WAITING)

        async def write(place: int, completion: Completion) -> None:
            async with places:
                await store.put(_name_key(number, place), completion, endpoint="http://bench/v1", model="offline")

        await asyncio.gather(*(write(place, completion) for place, completion in enumerate(completions)))

    with CompletionStore(path) as store:
        ready.wait()
        asyncio.run(write_all())
        ready.wait()


def _read(path: Path, text: str, number: int, ready: Barrier) -> None:
    draw = random.Random(number)
    keys = [_name_key(draw.randrange(PROCESSES), draw.randrange(WRITES)) for _ in range(READS)]
    with CompletionStore(path) as store:
        ready.wait()
        found = sum(store.get(key) is not None for key in keys)
        ready.wait()
    assert found == READS


def _name_key(number: int, place: int) -> str:
    """A key in the store's form: hexadecimal digits that are in no order."""
    return f"1-{random.Random(f'{number} {place}').getrandbits(256):064x}"


def _make_completion(text: str, draw: random.Random) -> Completion:
    length = draw.randint(_SHORTEST, _LONGEST) - 200  # for the fields around it
    start = draw.randrange(len(text) - length)
    return Completion(
        content=text[start : start + length], model="offline", usage=Usage(prompt=1200, completion=length // 4)
    )


def _gather_text() -> str:
    """What the embedded teacher answers over some APIs, so that it compresses as answers do."""
    lines = record(_APIS).answers.read_text().splitlines()
    return "".join(parse_answer(json.loads(line)["answer"].encode(), "offline").content for line in lines)


def _measure_flushes(path: Path, seconds: float = 1.0) -> float:
    """Pages a second that the disk takes to its medium."""
    page, count = os.urandom(4096), 0
    with path.open("wb", buffering=0) as file:
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            file.write(page)
            os.fdatasync(file.fileno())
            count += 1
        return count / (time.perf_counter() - start)
