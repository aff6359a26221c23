"""Stores of completions to look after: filled, aged, looked into; and the command line, which is refused."""

import asyncio
import sqlite3
import time
from pathlib import Path

import pytest

from flows import completions_command
from schemas.calls import Completion, Usage
from schemas.episodes import ToolCall
from tasks.completions.keys import SCHEME
from tasks.completions.store import CompletionStore


def key(n: int) -> str:
    return f"{SCHEME}-{n:064x}"


def make(n: int, prompt: int = 100) -> Completion:
    calls = (ToolCall(id="1", name="f", arguments='{"ä": "🦊"}'),)
    usage = Usage(prompt=prompt, completion=prompt // 10)
    return Completion(content=f"answer {n} ß" * 20, tool_calls=calls, model="m-1", usage=usage, fingerprint="fp")


def fill(path: Path, numbers: range, model: str = "m", endpoint: str = "https://x.test/v1", prompt: int = 100) -> None:
    async def put() -> None:
        await asyncio.gather(
            *(store.put(key(n), make(n, prompt), endpoint=endpoint, model=model) for n in numbers),
        )

    with CompletionStore(path) as store:
        asyncio.run(put())


def fill_with(path: Path, *completions: Completion, model: str = "m") -> None:
    """Keeps these, under keys from 0."""

    async def put() -> None:
        for n, made in enumerate(completions):
            await store.put(key(n), made, endpoint="https://x.test/v1", model=model)

    with CompletionStore(path) as store:
        asyncio.run(put())


def age(path: Path, numbers: range, days: float) -> None:
    connection = sqlite3.connect(path)
    rows = [(time.time() - days * 86400, key(n)) for n in numbers]
    connection.executemany("UPDATE completions SET created_at = ? WHERE key = ?", rows)
    connection.commit()
    connection.close()


def date(path: Path, moments: dict[int, float]) -> None:
    """Sets when completions were made: seconds since 1970 by number."""
    connection = sqlite3.connect(path)
    rows = [(moment, key(n)) for n, moment in moments.items()]
    connection.executemany("UPDATE completions SET created_at = ? WHERE key = ?", rows)
    connection.commit()
    connection.close()


def read_all(path: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT * FROM completions LEFT JOIN hits USING (key) ORDER BY key").fetchall()
    connection.close()
    return rows


def read_hits(path: Path) -> dict[str, int]:
    connection = sqlite3.connect(path)
    hits = dict(connection.execute("SELECT key, hits FROM hits").fetchall())
    connection.close()
    return hits


def refuse(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Runs a command that must fail, and returns its one line."""
    try:
        status = completions_command.main(arguments)
    except SystemExit as stop:
        status = int(stop.code or 0)
    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1)
    return err
