"""Writes and reads the Parquet tables, by explicit schemas, and hashes what their rows say."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from schemas.arrow import API_SCHEMA, CALL_SCHEMA, INSTANCE_SCHEMA
from schemas.base import Record, canonical_json
from schemas.calls import LedgerRow
from schemas.instance import ApiRow, Instance
from schemas.manifest import TableFacts

ROW_GROUP = 1000
"""Rows written at a time: some ten megabytes of instances, so that memory stays bounded at any size."""

HASH_EXCLUDES = frozenset({"created_at", "latency_s", "attempts", "stored", "batched", "cost_usd", "cached_tokens"})
"""Columns that `content_hash_of_rows` leaves out, because two runs over the same input with one seed may differ in
them: created_at and latency_s are clocks; attempts, stored, batched, cost_usd and cached_tokens tell what the network,
the durable store, the way to the endpoint, the price list and the endpoint's cache happened to be like that day."""

SCHEMAS: dict[type[Record], pa.Schema] = {Instance: INSTANCE_SCHEMA, ApiRow: API_SCHEMA, LedgerRow: CALL_SCHEMA}

RowT = TypeVar("RowT", bound=Record)


def write_table(path: UPath, rows: Sequence[RowT], row_type: type[RowT]) -> TableFacts:
    """Write the rows of one table in row groups, zstd; a table without rows has its schema all the same."""
    schema = SCHEMAS[row_type]
    with path.open("wb") as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for start in range(0, len(rows), ROW_GROUP):
            batch = [row.model_dump(mode="python") for row in rows[start : start + ROW_GROUP]]
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
    digest, size = _hash_file(path)
    return TableFacts(rows=len(rows), bytes=size, sha256=digest, content_hash=content_hash_of_rows(rows))


def read_table(path: UPath, row_type: type[RowT]) -> Iterator[RowT]:
    """The rows of a table as records, one row group in memory at a time."""
    with path.open("rb") as file:
        for batch in pq.ParquetFile(file).iter_batches(batch_size=ROW_GROUP):
            for row in batch.to_pylist():
                yield row_type.model_validate(row)


def content_hash_of_rows(rows: Iterable[Record]) -> str:
    """A SHA-256 over what the rows say, in no matter what order they come.

    Each row counts by the SHA-256 of its canonical JSON without HASH_EXCLUDES; these are sorted and hashed, so that
    no more than one row is spelled out at a time.
    """
    return hashlib.sha256(b"".join(sorted(_hash_row(row) for row in rows))).hexdigest()


def _hash_row(row: Record) -> bytes:
    fields: dict[str, Any] = row.model_dump(mode="json", exclude=set(HASH_EXCLUDES))
    return hashlib.sha256(canonical_json(fields).encode()).digest()


def _hash_file(path: UPath) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size
