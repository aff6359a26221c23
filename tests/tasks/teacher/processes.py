"""Processes of their own, for what several share: forked from one that has loaded the store, so they start at once.

Each is a connection to a function that runs there: what it sends is what the test waits for, so that who does what in
which order is said and not hoped for.
"""

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from flows import completions_command
from schemas.calls import Completion, Usage
from tasks.completions.keys import SCHEME
from tasks.completions.locks import Claims
from tasks.completions.store import CompletionStore, connect
from tests.tasks.teacher import batching

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])
_LONGEST_S = 120.0
_left: CompletionStore | None = None


@dataclass(frozen=True)
class Process:
    """A process that runs, and the line to it."""

    process: BaseProcess
    line: "Connection[Any, Any]"

    def hear(self) -> Any:
        """The next thing that it says; a test fails that waits for too long."""
        assert self.line.poll(_LONGEST_S), "the process says nothing"
        return self.line.recv()

    def tell(self, word: object) -> None:
        """Say something to it."""
        self.line.send(word)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.join()


@contextmanager
def start(work: "Callable[..., None]", *arguments: object) -> Iterator[Process]:
    """Another process that runs `work(line, *arguments)`; it is ended with the block."""
    line, other = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=work, args=(other, *arguments), daemon=True)
    process.start()
    other.close()
    running = Process(process, line)
    try:
        yield running
        line.close()
        process.join(_LONGEST_S)
    finally:
        running.kill()


def write(line: "Connection[Any, Any]", path: Path, name: str, count: int) -> None:
    """Says it is there, waits for a word, opens the store and keeps so many completions, telling each key once kept."""

    async def work(store: CompletionStore) -> None:
        async def put(number: int) -> None:
            made = Completion(content=f"{name} {number}", model="m", usage=Usage())
            await store.put(f"{name}-{number}", made, endpoint="e", model="m")
            line.send(f"{name}-{number}")

        for first in range(0, count, 20):
            await asyncio.gather(*(put(number) for number in range(first, min(first + 20, count))))

    line.send("ready")
    line.recv()
    with CompletionStore(path) as store:
        asyncio.run(work(store))
    line.send("done")


def read(line: "Connection[Any, Any]", keys: list[str]) -> None:
    """Opens each store that is named to it, says how many of the keys it has, and closes it; until the line ends."""
    line.send("ready")
    while True:
        try:
            path = line.recv()
        except EOFError:
            return
        with CompletionStore(path) as store:
            found = sum(store.get(key) is not None for key in keys)
        line.send(found)


def run_until_told(line: "Connection[Any, Any]", path: Path) -> None:
    """Keeps one completion after the other, says when the first is there, and their number once it is told to stop."""

    async def work(store: CompletionStore) -> int:
        number = 0
        while not line.poll():
            key, made = f"{SCHEME}-{number:064x}", Completion(content=str(number), model="m", usage=Usage())
            await store.put(key, made, endpoint="e", model="run")
            assert store.get(key) == made
            number += 1
            if number == 1:
                line.send("started")
        return number

    with CompletionStore(path) as store:
        number = asyncio.run(work(store))
    line.send(number)


def show_to_nobody(line: "Connection[Any, Any]", path: Path) -> None:
    """Shows a store to a reader who has gone away, and says with which status it ended."""
    reader, writer = os.pipe()
    os.close(reader)
    os.dup2(writer, 1)
    sys.stdout = os.fdopen(1, "w", buffering=1)
    line.send(completions_command.main(["show", "--store", str(path)]))


def send_in_batches(line: "Connection[Any, Any]", url: str, path: Path) -> None:
    """Asks for four completions by the Batch API, and says when it has them."""
    os.environ["TINY_KEY"] = "sk-1"

    async def work(store: CompletionStore) -> None:
        async with batching.connect(url, store) as sender:
            await batching.ask_all(sender, range(4))

    with CompletionStore(path) as store:
        asyncio.run(work(store))
    line.send("done")


def leave_open(line: "Connection[Any, Any]", path: Path) -> None:
    """Opens a store and goes without a word to it."""
    global _left
    _left = CompletionStore(path)
    line.send("goes")


def hold_file(line: "Connection[Any, Any]", path: Path) -> None:
    """Holds a store's file as a writer does, from when it says so until it is told to let go."""
    connection = connect(path)
    connection.execute("BEGIN IMMEDIATE")
    line.send("held")
    line.recv()
    connection.execute("COMMIT")
    connection.close()


def claim(line: "Connection[Any, Any]", path: Path) -> None:
    """Takes each key that is named to it, and says whether it got it; until the line ends."""
    claims = Claims(path)
    while True:
        try:
            key = line.recv()
        except EOFError:
            return
        line.send(claims.take(key))
