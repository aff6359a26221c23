"""What is done with all the durable completions: summed up, pruned, exported to Parquet, imported from it.

Works while runs use the store. Keys and their scheme are `keys`' matter, the tables are `store`'s, the command line is
in `flows/completions_command.py`.
"""

import math
import os
import re
import secrets
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.arrow import COMPLETION_SCHEMA
from schemas.calls import Completion
from schemas.errors import UserError
from tasks.completions.keys import SCHEME
from tasks.completions.store import add_hits, connect, pack_completion, probe_format, unpack_completion

_ROWS = 1000
"""Rows read or written at a time: memory stays bounded, and a run that wants to write waits some milliseconds."""

_KEY = re.compile(rf"{re.escape(SCHEME)}-[0-9a-f]{{64}}")
_SELECT = "SELECT {} FROM completions LEFT JOIN hits USING (key)"


@dataclass
class Group:
    """What is kept of one model at one endpoint; tokens are 0 where the endpoint did not tell them."""

    endpoint: str
    model: str
    count: int = 0
    prompt: int = 0
    completion: int = 0
    hits: int = 0
    oldest: float = math.inf
    newest: float = -math.inf


@dataclass(frozen=True)
class Exported:
    """How many completions were written, and how many have keys of another scheme and were not."""

    count: int
    left_out: int


@dataclass(frozen=True)
class Imported:
    """How many completions were new, and how many the store had already."""

    new: int
    known: int


def open_store(path: Path) -> sqlite3.Connection:
    """Opens a store that is there; any other file is left as it is.

    Raises:
        UserError: there is none, or the file is none.
    """
    if not path.is_file():
        raise UserError(f"there is no completion store at {path}: a run makes it, --store names another")
    if probe_format(path) == 0:
        raise UserError(f"{path} is no completion store")
    return connect(path)


def measure_size(path: Path) -> int:
    """Bytes on disk, with what SQLite keeps beside the file."""
    files = (path.with_name(path.name + end) for end in ("", "-wal", "-shm"))
    return sum(file.stat().st_size for file in files if file.exists())


def summarise(connection: sqlite3.Connection) -> list[Group]:
    """What is kept, by endpoint and model."""
    groups: dict[tuple[str, str], Group] = {}
    for endpoint, model, created_at, payload, hits in connection.execute(
        _SELECT.format("endpoint, model, created_at, payload, ifnull(hits, 0)")
    ):
        group = groups.setdefault((endpoint, model), Group(endpoint, model))
        usage = unpack_completion(payload).usage
        group.count += 1
        group.prompt += usage.prompt
        group.completion += usage.completion
        group.hits += hits
        group.oldest = min(group.oldest, created_at)
        group.newest = max(group.newest, created_at)
    return [groups[name] for name in sorted(groups)]


def count_matches(connection: sqlite3.Connection, before: float, model: str | None) -> int:
    """How many completions `prune` with the same arguments would remove."""
    condition, values = _build_condition(before, model)
    return int(connection.execute(f"SELECT count(*) FROM completions WHERE {condition}", values).fetchone()[0])


def prune(connection: sqlite3.Connection, before: float, model: str | None) -> int:
    """Removes completions made before `before` (seconds since 1970), only those of `model` if it is given.

    Goes in steps, so that runs get their turn; their own writes go on. Returns how many went.
    """
    condition, values = _build_condition(before, model)
    last = connection.execute("SELECT ifnull(max(rowid), 0) FROM completions").fetchone()[0]
    gone = 0
    for start in range(0, last, _ROWS):
        step = f"DELETE FROM completions WHERE rowid > ? AND rowid <= ? AND {condition}"
        gone += connection.execute(step, (start, min(start + _ROWS, last), *values)).rowcount
    connection.execute("DELETE FROM hits WHERE key NOT IN (SELECT key FROM completions)")
    return gone


def reclaim(connection: sqlite3.Connection) -> None:
    """Gives the space of what was removed back to the disk; runs wait with their writes meanwhile, and read on.

    Raises:
        sqlite3.Error: there is no room for the copy that this takes, or other writers never leave the file alone.
    """
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def export_completions(connection: sqlite3.Connection, path: Path) -> Exported:
    """Writes the completions of the present key scheme as Parquet, under a temporary name until all is on the disk.

    Raises:
        OSError: the file cannot be written.
    """
    temporary = path.with_name(f".{path.name[:80]}.{secrets.token_hex(4)}.tmp")
    schema = COMPLETION_SCHEMA.with_metadata({"toolherd.key_scheme": SCHEME})
    columns = "key, endpoint, model, finish_reason, created_at, ifnull(hits, 0), payload"
    rows = connection.execute(_SELECT.format(columns) + " ORDER BY completions.rowid")
    count = left_out = 0
    try:
        with temporary.open("wb") as file:
            with pq.ParquetWriter(file, schema, compression="zstd") as writer:
                while batch := rows.fetchmany(_ROWS):
                    table = [
                        dict(zip(schema.names, (key, SCHEME, *rest, zlib.decompress(payload).decode()), strict=True))
                        for key, *rest, payload in batch
                        if _KEY.fullmatch(key)
                    ]
                    writer.write_table(pa.Table.from_pylist(table, schema=schema))
                    count += len(table)
                    left_out += len(batch) - len(table)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return Exported(count, left_out)


def import_completions(store: Path, path: Path) -> Imported:
    """Adds the completions of an exported file, all of which is checked first; what the store has already stays.

    Raises:
        UserError: the file is none that `export_completions` wrote, or its keys are of another scheme.
    """
    try:
        with path.open("rb") as file:
            parquet = pq.ParquetFile(file)
            if not parquet.schema_arrow.equals(COMPLETION_SCHEMA):
                raise UserError(f"{path} was not exported by this command: its columns are others")
            _check_schemes(path, parquet)
            for number, row in enumerate(_read_rows(parquet), 1):
                if (problem := _find_problem(row)) is not None:
                    raise UserError(f"{path} cannot be imported: in row {number}, {problem}")
            with closing(open_store(store) if store.exists() else connect(store)) as connection:
                return _insert(connection, parquet)
    except pa.ArrowException as error:
        raise UserError(f"{path} cannot be read as Parquet: {error}") from error


def _build_condition(before: float, model: str | None) -> tuple[str, list[Any]]:
    return ("created_at < ?", [before]) if model is None else ("created_at < ? AND model = ?", [before, model])


def _read_rows(parquet: pq.ParquetFile) -> Iterator[dict[str, Any]]:
    for batch in parquet.iter_batches(batch_size=_ROWS):
        yield from batch.to_pylist()


def _check_schemes(path: Path, parquet: pq.ParquetFile) -> None:
    schemes = [str(row["scheme"]) for row in parquet.read(columns=["scheme"]).to_pylist()]
    others = sorted({scheme for scheme in schemes if scheme != SCHEME})
    if others:
        count = sum(scheme != SCHEME for scheme in schemes)
        raise UserError(
            f"{count:,} of {len(schemes):,} rows of {path} have keys of scheme {', '.join(others)} and this ToolHerd's "
            f"are of scheme {SCHEME}: nothing was imported"
        )


def _find_problem(row: dict[str, Any]) -> str | None:
    empty = [name for name, value in row.items() if value is None]
    if empty:
        return f"{empty[0]} is null"
    if not _KEY.fullmatch(row["key"]):
        return f"the key is none of scheme {SCHEME}"
    if not math.isfinite(row["created_at"]) or row["hits"] < 0:
        return "created_at or hits is out of range"
    try:
        Completion.model_validate_json(row["completion"])
    except ValueError:
        return "the completion cannot be read"
    return None


def _insert(connection: sqlite3.Connection, parquet: pq.ParquetFile) -> Imported:
    new = known = 0
    for batch in parquet.iter_batches(batch_size=_ROWS):
        rows: dict[str, dict[str, Any]] = {}
        for row in batch.to_pylist():
            rows.setdefault(row["key"], row)
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            holes = ",".join("?" * len(rows))
            for (key,) in connection.execute(f"SELECT key FROM completions WHERE key IN ({holes})", list(rows)):
                del rows[key]
            names = ("key", "endpoint", "model", "finish_reason", "created_at")
            values = [(*(row[name] for name in names), pack_completion(row["completion"])) for row in rows.values()]
            connection.executemany("INSERT INTO completions VALUES (?, ?, ?, ?, ?, ?)", values)
            add_hits(connection, {key: row["hits"] for key, row in rows.items() if row["hits"]})
        new += len(rows)
        known += batch.num_rows - len(rows)
    return Imported(new, known)
