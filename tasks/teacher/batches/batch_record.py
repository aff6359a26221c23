"""What is known of batches at an endpoint, kept in the completion store's file: which requests are paid for and where.

A batch is written down before it is created (its name, which goes along as the batch's metadata, and its keys), and its
id as soon as there is one. So whatever kills a run, the next one finds the batch: by its id, or by its name in the
endpoint's list. A key belongs to one batch at a time, and it is claimed in one transaction, so that of several
processes on one store only one sends it.

Each batch is held by one sender, which says every few seconds that it is still there; after `lease_s` without a word
another takes the batch over. When a batch has ended and its completions are kept, its rows go.
"""

import asyncio
import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tasks.completions.store import connect, explain_problem

T = TypeVar("T")

_CREATE = (
    """
    CREATE TABLE IF NOT EXISTS batches (
        name TEXT PRIMARY KEY,
        endpoint TEXT NOT NULL,
        model TEXT NOT NULL,
        batch_id TEXT,
        input_file_id TEXT,
        created_at REAL NOT NULL,
        holder TEXT NOT NULL,
        held_until REAL NOT NULL
    )
    """,
    "CREATE TABLE IF NOT EXISTS batch_keys (key TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS batch_keys_by_name ON batch_keys (name)",
)
_AMONG = "IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True)
class OpenBatch:
    """A batch that has not ended, or whose answers were not fetched yet.

    `batch_id` is None where the run ended before the endpoint's answer to its creation was written down. `created_at`
    is in seconds since 1970.
    """

    name: str
    batch_id: str | None
    input_file_id: str | None
    requests: int
    created_at: float
    is_mine: bool


@dataclass(frozen=True)
class Claim:
    """What became of keys that were to be sent: `mine` are to be sent as batch `name`, `others` are in the batches
    that are named, `answered` are in the store."""

    name: str
    mine: tuple[str, ...] = ()
    others: dict[str, str] = field(default_factory=dict)
    answered: tuple[str, ...] = ()


class BatchRecord:
    """The batches of one endpoint and model, as one sender sees them. `lease_s` is in seconds.

    Every method but `close` raises UserError where the file cannot be read or written.
    """

    def __init__(self, path: Path, endpoint: str, model: str, lease_s: float) -> None:
        self._path = path
        self._endpoint = endpoint
        self._model = model
        self._lease_s = lease_s
        self._holder = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._connection = connect(path)
        for statement in _CREATE:  # an older file gains them; an older version goes on working with such a file
            self._connection.execute(statement)

    def close(self) -> None:
        """Closes the file; what it holds stays."""
        with self._lock:
            self._connection.close()

    async def claim(self, keys: Sequence[str]) -> Claim:
        """Claims the keys that are neither answered nor in a batch, under a new name."""
        return await self._run(lambda connection: self._claim(connection, keys))

    async def note_file(self, name: str, input_file_id: str) -> bool:
        """Writes down the uploaded file and renews the lease; False if another sender has taken the batch over."""
        return await self._run(lambda connection: self._update(connection, name, "input_file_id", input_file_id))

    async def note_batch(self, name: str, batch_id: str) -> bool:
        """Writes down the id that the endpoint gave the batch; False if another sender has taken it over."""
        return await self._run(lambda connection: self._update(connection, name, "batch_id", batch_id))

    async def tend(self) -> list[OpenBatch]:
        """Renews what is held, takes over what nobody holds any more, and returns all that is open."""

        def tend(connection: sqlite3.Connection) -> list[OpenBatch]:
            now = time.time()
            connection.execute(
                "UPDATE batches SET holder = ?, held_until = ? "
                "WHERE endpoint = ? AND model = ? AND (holder = ? OR held_until < ?)",
                (self._holder, now + self._lease_s, self._endpoint, self._model, self._holder, now),
            )
            return self._list(connection)

        return await self._run(tend)

    async def list_keys(self, name: str) -> list[str]:
        """The keys of a batch; none where its rows are gone."""
        rows = await self._run(
            lambda connection: connection.execute("SELECT key FROM batch_keys WHERE name = ?", (name,)).fetchall()
        )
        return [key for (key,) in rows]

    async def remove(self, name: str) -> None:
        """Forgets a batch: its answers are kept, or there will be none."""

        def remove(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM batch_keys WHERE name = ?", (name,))
            connection.execute("DELETE FROM batches WHERE name = ?", (name,))

        await self._run(remove)

    async def release(self) -> None:
        """Lets go of all that is held, so that another sender need not wait for the leases to run out."""
        await self._run(
            lambda connection: connection.execute("UPDATE batches SET held_until = 0 WHERE holder = ?", (self._holder,))
        )

    def list_open(self) -> list[OpenBatch]:
        """All open batches, oldest first."""
        return self._transact(self._list)

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        # In a thread: another process may hold the file for a while, and the loop has others to serve.
        return await asyncio.to_thread(self._transact, work)

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            with self._lock, self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                return work(self._connection)
        except sqlite3.Error as error:
            raise explain_problem(self._path, error) from error

    def _claim(self, connection: sqlite3.Connection, keys: Sequence[str]) -> Claim:
        wanted = json.dumps(list(keys))
        answered = {key for (key,) in connection.execute(f"SELECT key FROM completions WHERE key {_AMONG}", (wanted,))}
        others = {
            key: name
            for key, name in connection.execute(f"SELECT key, name FROM batch_keys WHERE key {_AMONG}", (wanted,))
            if key not in answered
        }
        claim = Claim(
            name=f"toolherd-{secrets.token_hex(12)}",
            mine=tuple(key for key in keys if key not in answered and key not in others),
            others=others,
            answered=tuple(answered),
        )
        if claim.mine:
            now = time.time()
            row = (claim.name, self._endpoint, self._model, now, self._holder, now + self._lease_s)
            connection.execute("INSERT INTO batches VALUES (?, ?, ?, NULL, NULL, ?, ?, ?)", row)
            connection.executemany("INSERT INTO batch_keys VALUES (?, ?)", [(key, claim.name) for key in claim.mine])
        return claim

    def _update(self, connection: sqlite3.Connection, name: str, column: str, value: str) -> bool:
        updated = connection.execute(
            f"UPDATE batches SET {column} = ?, held_until = ? WHERE name = ? AND holder = ?",
            (value, time.time() + self._lease_s, name, self._holder),
        )
        return updated.rowcount == 1

    def _list(self, connection: sqlite3.Connection) -> list[OpenBatch]:
        rows = connection.execute(
            "SELECT name, batch_id, input_file_id, (SELECT count(*) FROM batch_keys WHERE name = batches.name), "
            "created_at, holder = ? FROM batches WHERE endpoint = ? AND model = ? ORDER BY created_at",
            (self._holder, self._endpoint, self._model),
        )
        return [
            OpenBatch(name, batch_id, input_file_id, requests, created_at, bool(is_mine))
            for name, batch_id, input_file_id, requests, created_at, is_mine in rows
        ]
