"""Prepared sequences, read back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from schemas.training import PreparedData

Prepare = Callable[..., tuple[Path, PreparedData]]


def read_sequences(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / "sequences.parquet").to_pylist()
    return rows


def split_sequences(rows: list[dict[str, Any]]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The conversations in the sequences: ids and labels."""
    found = []
    for row in rows:
        begin = 0
        for length in row["seq_lengths"]:
            piece = slice(begin, begin + length)
            found.append((tuple(row["input_ids"][piece]), tuple(row["labels"][piece])))
            begin += length
        assert begin == len(row["input_ids"]) == len(row["labels"])
    return found
