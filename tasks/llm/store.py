"""The durable store of completions: SQLite in WAL mode, one file that any number of processes may share.

A completion is on disk before it is used. Commits are flushed to the disk (`synchronous=FULL`), so that neither
kill -9 nor a power cut loses an answer that was handed out; a writer thread commits whatever waits in one transaction,
so that the flush is shared. The first answer to a key stays: a process that comes second is given the first one's.
"""

import asyncio
import queue
import sqlite3
import threading
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from schemas.calls import Completion
from schemas.errors import UserError

LAYOUT = 1
"""The version of the tables, in the file's user_version; keys carry a version of their own."""

_BUSY_TIMEOUT_S = 60.0
_ROWS_A_COMMIT = 500
_COMPRESSION = 1
_CREATE = """
CREATE TABLE IF NOT EXISTS completions (
    key TEXT PRIMARY KEY,
    endpoint TEXT NOT NULL,
    model TEXT NOT NULL,
    finish_reason TEXT NOT NULL,
    created_at REAL NOT NULL,
    payload BLOB NOT NULL
)
"""
_COLUMNS = 6


@dataclass(frozen=True)
class _Put:
    """A completion on its way to the disk, and who waits for it."""

    row: tuple[str, str, str, str, float, bytes]
    completion: Completion
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[Completion]"


class CompletionStore:
    """Completions by key.

    Columns: key, endpoint, model (as asked), finish_reason, created_at (seconds since 1970), payload (the completion
    as JSON, compressed by zlib). Use it as a context manager or call `close`.

    Raises:
        UserError: the file cannot be opened, is no store, or is one of another version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[_Put | None] = queue.SimpleQueue()
        self._reader = self._connect()
        self._writer = threading.Thread(
            target=self._write, args=(self._connect(),), name=f"completions {self.path.name}", daemon=True
        )
        self._writer.start()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Commits what waits and closes the file; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        self._writer.join()
        with self._lock:
            self._reader.close()

    def get(self, key: str) -> Completion | None:
        """The completion kept under `key`, or None. A point read, about 30 µs: cheap enough for the event loop.

        Raises:
            UserError: the file cannot be read.
        """
        try:
            with self._lock:
                row = self._reader.execute("SELECT payload FROM completions WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            raise self._explain(error) from error
        return None if row is None else Completion.model_validate_json(zlib.decompress(row[0]))

    async def put(self, key: str, completion: Completion, *, endpoint: str, model: str) -> Completion:
        """Keeps a completion and returns once it is on disk; the one that is kept, if another process came first.

        Raises:
            UserError: the file cannot be written (the disk is full).
        """
        if self._closed:
            raise RuntimeError(f"{self.path} is closed")
        payload = zlib.compress(completion.model_dump_json().encode(), _COMPRESSION)
        loop = asyncio.get_running_loop()
        put = _Put(
            row=(key, endpoint, model, completion.finish_reason, time.time(), payload),
            completion=completion,
            loop=loop,
            done=loop.create_future(),
        )
        self._queue.put(put)
        return await put.done

    def count(self) -> int:
        """The number of completions kept."""
        with self._lock:
            return int(self._reader.execute("SELECT count(*) FROM completions").fetchone()[0])

    def _connect(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                self.path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            layout = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if layout not in (0, LAYOUT):
                connection.close()
                raise UserError(
                    f"{self.path} is a completion store of layout {layout} and this ToolHerd reads {LAYOUT}: "
                    "use the version that wrote it, or move the file away"
                )
            if layout == 0:
                _switch_to_wal(connection)
                connection.execute(_CREATE)
                connection.execute(f"PRAGMA user_version = {LAYOUT}")
            connection.execute("PRAGMA synchronous = FULL")
        except (sqlite3.Error, OSError) as error:
            raise self._explain(error) from error
        return connection

    def _write(self, connection: sqlite3.Connection) -> None:
        while (first := self._queue.get()) is not None:
            batch = [first]
            ends = False
            while len(batch) < _ROWS_A_COMMIT and not self._queue.empty():
                put = self._queue.get()
                if put is None:
                    ends = True
                    break
                batch.append(put)
            self._commit(connection, batch)
            if ends:
                break
        connection.close()

    def _commit(self, connection: sqlite3.Connection, batch: list[_Put]) -> None:
        kept: dict[str, Completion] = {}
        problem: UserError | None = None
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                kept = _insert(connection, batch)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except Exception as error:  # whoever waits must hear of it, whatever it is
            problem = self._explain(error)
        for loop in {put.loop for put in batch}:
            mine = [put for put in batch if put.loop is loop]
            if not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, mine, kept, problem)

    def _explain(self, error: Exception) -> UserError:
        return UserError(
            f"the completion store {self.path} cannot be used ({error}): "
            "see that the disk has room, the folder can be written, and the file is a ToolHerd store"
        )


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Sets the journal mode of a new file; SQLite does not wait by itself where two processes do so at once."""
    give_up = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
        time.sleep(0.01)


def _insert(connection: sqlite3.Connection, batch: list[_Put]) -> dict[str, Completion]:
    """Inserts in one statement, for each statement gives up the interpreter's lock and may wait 5 ms to get it back.

    Returns what is kept by key where that is not the completion at hand.
    """
    holes = ",".join(["(" + ",".join("?" * _COLUMNS) + ")"] * len(batch))
    values = [value for put in batch for value in put.row]
    inserted = connection.execute(f"INSERT OR IGNORE INTO completions VALUES {holes}", values).rowcount
    if inserted == len(batch):
        return {}
    keys = [put.row[0] for put in batch]
    holes = ",".join("?" * len(keys))
    rows = connection.execute(f"SELECT key, payload FROM completions WHERE key IN ({holes})", keys)
    return {key: Completion.model_validate_json(zlib.decompress(payload)) for key, payload in rows}


def _resolve(batch: list[_Put], kept: dict[str, Completion], problem: UserError | None) -> None:
    for put in batch:
        if put.done.done():  # cancelled while it waited; the completion is kept all the same
            continue
        if problem is not None:
            put.done.set_exception(problem)
        else:
            put.done.set_result(kept.get(put.row[0], put.completion))
