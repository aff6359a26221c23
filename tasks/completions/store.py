"""The durable store of completions: SQLite in WAL mode, one file that any number of processes may share.

A completion is on disk before it is used. Commits are flushed to the disk (`synchronous=FULL`), so that neither
kill -9 nor a power cut loses an answer that was handed out; a writer thread commits whatever waits in one transaction,
so that the flush is shared. The first answer to a key stays: a process that comes second is given the first one's.

How often each was served stands in a table of its own, which a file of an older version is given when it is opened;
the older version goes on working with such a file. Hits are counted in memory and written every few seconds and at the
end: a kill loses some of the count and no answer. `maintenance` shows and prunes what is kept.
"""

import asyncio
import json
import queue
import sqlite3
import threading
import time
import zlib
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from schemas.calls import Completion
from schemas.errors import UserError
from schemas.private_files import close_to_others, make_private_folder
from tasks.completions.answers import read_kept_completion
from tasks.completions.locks import Claims

STORE_NAME = "completions.sqlite"
FORMAT = 1
"""That of the tables, in the file's user_version; keys carry a version of their own. See docs/formats.md."""

_BUSY_TIMEOUT_S = 300.0
"""Longer than `maintenance.reclaim` holds the file (1 s per 150 MB): a paid answer waits rather than fails."""

_ROWS_A_COMMIT = 500
_HITS_EVERY_S = 5.0
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
_CREATE_HITS = "CREATE TABLE IF NOT EXISTS hits (key TEXT PRIMARY KEY, hits INTEGER NOT NULL) WITHOUT ROWID"
_ADD_HITS = """
INSERT INTO hits SELECT key, value FROM json_each(?) WHERE key IN (SELECT key FROM completions)
ON CONFLICT (key) DO UPDATE SET hits = hits + excluded.hits
"""


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
    as JSON, compressed by zlib). In a table beside it: key, hits. Use it as a context manager or call `close`.

    Raises:
        UserError: the file cannot be opened, is no store, or is one of a newer format.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[_Put | None] = queue.SimpleQueue()
        self._hits: dict[str, int] = {}
        self._reader = connect(self.path)
        self.claims = Claims(self.path.with_suffix(".claims"))
        self._writer = threading.Thread(
            target=self._write, args=(connect(self.path),), name=f"completions {self.path.name}", daemon=True
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
        """Commits what waits, hits included, and closes the file; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        self._writer.join()
        with self._lock:
            self._reader.close()
        self.claims.close()

    def get(self, key: str) -> Completion | None:
        """The completion kept under `key`, or None. A point read, about 30 µs: cheap enough for the event loop.

        What can be read as none, because the file was damaged, is removed: it would be in the way of another.

        Raises:
            UserError: the file cannot be read.
        """
        try:
            with self._lock:
                row = self._reader.execute("SELECT payload FROM completions WHERE key = ?", (key,)).fetchone()
                if row is None:
                    return None
                try:
                    completion = unpack_completion(row[0])
                except ValueError:
                    self._reader.execute("DELETE FROM completions WHERE key = ?", (key,))
                    return None
                self._hits[key] = self._hits.get(key, 0) + 1
        except sqlite3.Error as error:
            raise explain_problem(self.path, error) from error
        return completion

    async def put(self, key: str, completion: Completion, *, endpoint: str, model: str) -> Completion:
        """Keeps a completion and returns once it is on disk; the one that is kept, if another process came first.

        Raises:
            UserError: the file cannot be written (the disk is full).
        """
        if self._closed:
            raise RuntimeError(f"{self.path} is closed")
        payload = pack_completion(completion.model_dump_json())
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

    def _write(self, connection: sqlite3.Connection) -> None:
        ends, written_at = False, time.monotonic()
        while not ends:
            batch, ends = self._gather()
            if batch:
                self._commit(connection, batch)
            if ends or time.monotonic() - written_at >= _HITS_EVERY_S:
                self._write_hits(connection)
                written_at = time.monotonic()
        connection.close()

    def _gather(self) -> tuple[list[_Put], bool]:
        """What waits, up to a commit's worth, and whether the store is being closed; nothing after a while of rest."""
        batch: list[_Put] = []
        try:
            put = self._queue.get(timeout=_HITS_EVERY_S)
        except queue.Empty:
            return batch, False
        while put is not None:
            batch.append(put)
            if len(batch) == _ROWS_A_COMMIT or self._queue.empty():
                return batch, False
            put = self._queue.get()
        return batch, True

    def _write_hits(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            hits, self._hits = self._hits, {}
        if hits:
            with suppress(sqlite3.Error):  # a count is worth no answer, nor a run
                add_hits(connection, hits)

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
            problem = explain_problem(self.path, error)
        for loop in {put.loop for put in batch}:
            mine = [put for put in batch if put.loop is loop]
            if not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, mine, kept, problem)


def connect(path: Path) -> sqlite3.Connection:
    """Opens a store's file in autocommit mode, makes it where it is missing, and adds what an older version left out.

    Raises:
        UserError: the file cannot be opened, is no store, or is one of a newer format.
    """
    try:
        make_private_folder(path.parent)  # before the file is made, and with it
        connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            is_new = _read_format(path, connection) == 0
            for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
                close_to_others(file)  # SQLite makes the latter two with the rights of the first
            if is_new:
                _switch_to_wal(connection)
                connection.execute(_CREATE)
                connection.execute(f"PRAGMA user_version = {FORMAT}")
            connection.execute(_CREATE_HITS)  # only reads where the table is there
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise explain_problem(path, error) from error
    return connection


def probe_format(path: Path) -> int:
    """The format of a file that is there and is left as it is; 0 where it is no store.

    Raises:
        UserError: the file cannot be read, or is a store of a newer format.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return _read_format(path, connection)
    except sqlite3.Error as error:
        raise explain_problem(path, error) from error


def explain_problem(path: Path, error: Exception) -> UserError:
    """What to tell the user of an error that came from the store's file."""
    return UserError(
        f"the completion store {path} cannot be used ({error}): "
        "see that the disk has room, the folder can be written, and the file is a ToolHerd store"
    )


def pack_completion(text: str) -> bytes:
    """A completion's JSON as the column `payload` holds it."""
    return zlib.compress(text.encode(), _COMPRESSION)


def unpack_completion(payload: bytes) -> Completion:
    """The completion that a payload holds, within the bounds of today.

    Raises:
        ValueError: it holds none.
    """
    try:
        return read_kept_completion(zlib.decompress(payload))
    except (zlib.error, TypeError) as error:
        raise ValueError("it cannot be unpacked") from error


def add_hits(connection: sqlite3.Connection, hits: dict[str, int]) -> None:
    """Adds to the counts by key, in one statement; keys that are not kept (any more) are passed over."""
    connection.execute(_ADD_HITS, (json.dumps(hits),))


def _read_format(path: Path, connection: sqlite3.Connection) -> int:
    written = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if not 0 <= written <= FORMAT:
        raise UserError(
            f"{path} is a completion store of format {written}, and this ToolHerd reads formats up to {FORMAT}: "
            "install a newer ToolHerd"
        )
    return written


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
    kept: dict[str, Completion] = {}
    for key, payload in rows:
        with suppress(ValueError):  # a damaged one, which `get` would have removed
            kept[key] = unpack_completion(payload)
    return kept


def _resolve(batch: list[_Put], kept: dict[str, Completion], problem: UserError | None) -> None:
    for put in batch:
        if put.done.done():  # cancelled while it waited; the completion is kept all the same
            continue
        if problem is not None:
            put.done.set_exception(problem)
        else:
            put.done.set_result(kept.get(put.row[0], put.completion))
