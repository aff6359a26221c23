"""Writes and reads the Parquet tables, by explicit schemas, and hashes what their rows say."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, BinaryIO, Generic, Self, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError
from upath import UPath

from schemas.arrow import API_SCHEMA, CALL_SCHEMA, INSTANCE_SCHEMA
from schemas.base import Record, canonical_json
from schemas.calls import LedgerRow
from schemas.errors import UserError
from schemas.instance import ApiRow, Instance
from schemas.manifest import TableFacts

ROW_GROUP = 1000
"""The most rows that are written at a time."""

ROW_GROUP_BYTES = 4 << 20
"""As JSON, what rows are held before they are written: some 400 instances, so that memory stays bounded at any size."""

READ_BATCH = 100
"""Rows that are made objects at a time: a megabyte of instances, or of APIs some ten."""

HASH_EXCLUDES = frozenset({"created_at", "latency_s", "attempts", "stored", "batched", "cost_usd", "cached_tokens"})
"""Columns that `content_hash_of_rows` leaves out, because two runs over the same input with one seed may differ in
them: created_at and latency_s are clocks; attempts, stored, batched, cost_usd and cached_tokens tell what the network,
the durable store, the way to the endpoint, the price list and the endpoint's cache happened to be like that day."""

_OF_JUDGES = ("judge_process", "judge_response", "judge_agreement", "judge_votes")
_JOINED = ("sampling", "left_out", "end_state", *_OF_JUDGES, "role", "estimated")
"""Columns that joined later: where one holds its default, as in all older rows, it has no part in the hash."""

SCHEMAS: dict[type[Record], pa.Schema] = {Instance: INSTANCE_SCHEMA, ApiRow: API_SCHEMA, LedgerRow: CALL_SCHEMA}

RowT = TypeVar("RowT", bound=Record)


class TableWriter(Generic[RowT]):
    """Writes a table as its rows come, in row groups, zstd; a table without rows has its schema all the same.

    Use it as a context manager; `finish` completes the file. Without it, what is there at the end is not all of it.
    """

    def __init__(self, path: UPath, row_type: type[RowT]) -> None:
        self._path, self._schema = path, SCHEMAS[row_type]
        self._file = path.open("wb")
        self._writer = pq.ParquetWriter(self._file, self._schema, compression="zstd")
        self._held: list[dict[str, Any]] = []
        self._held_bytes = 0
        self._hashes: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # what failed to be written has been told already
            self._writer.close()
        self._file.close()

    def add(self, row: RowT) -> None:
        """Take a row; it is written when enough of them have come together."""
        text = _spell_row(row)
        self._hashes.append(hashlib.sha256(text).digest())
        self._held.append(row.model_dump())
        self._held_bytes += len(text)
        if len(self._held) >= ROW_GROUP or self._held_bytes >= ROW_GROUP_BYTES:
            self._flush()

    def finish(self) -> TableFacts:
        """Write what is left, close the file and say what is in it."""
        self._flush()
        self._writer.close()
        self._file.close()
        digest, size = hash_file(self._path)
        return TableFacts(rows=len(self._hashes), bytes=size, sha256=digest, content_hash=_combine_hashes(self._hashes))

    def _flush(self) -> None:
        if self._held:
            self._writer.write_table(pa.Table.from_pylist(self._held, schema=self._schema))
        self._held, self._held_bytes = [], 0


class BadTableError(UserError):
    """A table that somebody else wrote in another form than ours; the message names the file and the row."""


def read_table(path: UPath, row_type: type[RowT]) -> Iterator[RowT]:
    """The rows of a table as records, a batch of them in memory at a time. Raises BadTableError."""
    number = 0
    with open_table(path, row_type) as table, explain_table(path.name):
        for batch in table.iter_batches(batch_size=READ_BATCH):
            for row in batch.to_pylist():
                number += 1
                try:
                    yield row_type.model_validate(row)
                except ValidationError as error:
                    raise BadTableError(f"{path.name}, row {number}: {describe_invalid(error)}.") from error


def read_column(path: UPath, name: str) -> Iterator[Any]:
    """The values of one column, whose rows' other columns are not read. Raises BadTableError."""
    with open_table(path) as table, explain_table(path.name):
        if name not in table.schema_arrow.names:
            raise BadTableError(f"{path.name}: it has no column {name}.")
        for batch in table.iter_batches(columns=[name]):
            yield from batch.column(0).to_pylist()


@contextmanager
def open_table(path: UPath, row_type: type[Record] | None = None) -> Iterator[pq.ParquetFile]:
    """A table, with the columns of its rows' type if one is given; its rows are read later. Raises BadTableError."""
    with path.open("rb") as file:
        with explain_table(path.name):
            table = pq.ParquetFile(file)
        if row_type is not None:
            _check_columns(path.name, table.schema_arrow, row_type)
        yield table


def _check_columns(name: str, found: pa.Schema, row_type: type[Record]) -> None:
    """Raises BadTableError. A column that joined later has a default, and may be missing in an older table."""
    ours = SCHEMAS[row_type]
    required = {name for name, field in row_type.model_fields.items() if field.is_required()}
    problems = [f"{one} is missing" for one in sorted(required - set(found.names))]
    for field in found:
        if field.name not in ours.names or found.names.count(field.name) > 1:
            problems.append(f"{field.name} is none of them, or there twice")
        elif field.type != ours.field(field.name).type:
            problems.append(f"{field.name} is {field.type} and not {ours.field(field.name).type}")
    if problems:
        raise BadTableError(f"{name}: its columns are not those of a dataset: {'; '.join(problems[:3])}.")


@contextmanager
def explain_table(name: str) -> Iterator[None]:
    """Raises BadTableError in place of what Parquet's reader has to say."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise BadTableError(f"{name} cannot be read as Parquet: {' '.join(str(error).split())[:200]}.") from error


@contextmanager
def explain_row(table: str, number: int, id: str) -> Iterator[None]:
    """Raises BadTableError in place of what goes wrong where a row's JSON is not what a row of ours has there."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        problem = f"{type(error).__name__}: {error}"[:200]
        raise BadTableError(f"{table}, row {number} ({id[:80]!r}): its JSON is none of ours ({problem}).") from error


def describe_invalid(error: ValidationError) -> str:
    """The first thing that a record of others has wrong: where, and what."""
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def content_hash_of_rows(rows: Iterable[Record]) -> str:
    """A SHA-256 over what the rows say, in no matter what order they come.

    Each row counts by the SHA-256 of its canonical JSON without HASH_EXCLUDES; these are sorted and hashed, so that
    no more than one row is spelled out at a time.
    """
    return _combine_hashes(hashlib.sha256(_spell_row(row)).digest() for row in rows)


def _spell_row(row: Record) -> bytes:
    joined = {name: field for name, field in type(row).model_fields.items() if name in _JOINED}
    absent = {name for name, field in joined.items() if getattr(row, name) == field.default}
    fields: dict[str, Any] = row.model_dump(mode="json", exclude={*HASH_EXCLUDES, *absent})
    return canonical_json(fields).encode()


def _combine_hashes(hashes: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(sorted(hashes))).hexdigest()


def hash_file(path: UPath, copy: BinaryIO | None = None) -> tuple[str, int]:
    """The SHA-256 of a file and its size in bytes, read piece by piece; each piece is written to `copy` too."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            size += len(chunk)
            if copy is not None:
                copy.write(chunk)
    return digest.hexdigest(), size
