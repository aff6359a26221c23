"""Writes a finished dataset in the forms that other tools read. Accepted rows only.

    trl/{train,test}.jsonl          messages + tools, arguments as objects
    sharegpt/{train,test}.jsonl     conversations with Hermes tool-call tags
    xlam/{train,test}.json          query, tools, answers
    toolalpaca/{train,test}.json    ToolAlpaca's own: one object per API

Of each form, `tasks/datasets/export_<form>.py` knows the shape of a row; this module knows the files.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast, get_args

from upath import UPath

from schemas.base import Record
from schemas.errors import UserError
from schemas.instance import ApiRow, Instance
from schemas.parameters import ExportFormat
from tasks.datasets.export_chat import build_sharegpt_row, build_trl_row, build_xlam_row
from tasks.datasets.export_toolalpaca import build_toolalpaca_apis
from tasks.datasets.manifests import copy_tables, read_manifest
from tasks.datasets.parquet import BadTableError, explain_row, read_column, read_table
from tasks.datasets.rows import clean_text
from tasks.datasets.tables import TEST, TOOLSET, TRAIN

EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
SPLITS = ("train", "test")

_ARRAYS = frozenset({"xlam", "toolalpaca"})
_BUILDERS: dict[str, Callable[[Instance], dict[str, Any] | None]] = {
    "trl": build_trl_row,
    "sharegpt": build_sharegpt_row,
    "xlam": build_xlam_row,
}


class ExportedFile(Record):
    """A file that was written: how many rows (for ToolAlpaca: instances) are in it and how many have no place there."""

    format: ExportFormat
    split: str
    path: str
    rows: int
    left_out: int


def check_export_formats(formats: Sequence[str]) -> tuple[ExportFormat, ...]:
    """The formats, each once. Raises UserError for one that does not exist."""
    for name in formats:
        if name not in EXPORT_FORMATS:
            raise UserError(f"no export format {name!r}: choose from {', '.join(EXPORT_FORMATS)}.")
    return cast("tuple[ExportFormat, ...]", tuple(dict.fromkeys(formats)))


def export_dataset(
    dataset_dir: str | Path | UPath, out_dir: str | Path | UPath, formats: Sequence[str] = EXPORT_FORMATS
) -> tuple[ExportedFile, ...]:
    """Export a dataset's folder into `out_dir/<format>/<split>.json[l]`.

    Files are written row by row, ToolAlpaca's API by API, so that memory does not grow with their size.

    Raises UserError if a format does not exist, the folder is no complete dataset or not what its manifest says, or
    `out_dir` cannot be written.
    """
    chosen = check_export_formats(formats)
    source, target = UPath(dataset_dir), UPath(out_dir)
    tables = read_manifest(source).tables
    with copy_tables(source, {name: tables[name].sha256 for name in (TRAIN, TEST, TOOLSET)}) as copies:
        try:
            return tuple(
                _export_split(UPath(copies), target / name, name, split) for split in SPLITS for name in chosen
            )
        except BadTableError as error:
            raise UserError(f"{source}: {error}") from error


def _export_split(source: UPath, target: UPath, name: ExportFormat, split: str) -> ExportedFile:
    table = source / f"{split}.parquet"
    sizes, rows = Counter(read_column(table, "api_id")), read_table(table, Instance)
    if name == "toolalpaca":
        built = build_toolalpaca_apis(rows, sizes, read_table(source / TOOLSET, ApiRow))
    else:
        built = _build_rows(_BUILDERS[name], rows, table.name)
    is_array = name in _ARRAYS
    path = target / f"{split}.{'json' if is_array else 'jsonl'}"
    count = 0

    def count_rows() -> Iterator[dict[str, Any]]:
        nonlocal count
        for one in built:
            count += len(one["Instances"]) if name == "toolalpaca" else 1
            yield one

    _write_pieces(path, (_spell_array if is_array else _spell_lines)(count_rows()))
    return ExportedFile(format=name, split=split, path=str(path), rows=count, left_out=sizes.total() - count)


def _build_rows(
    build: Callable[[Instance], dict[str, Any] | None], rows: Iterable[Instance], table: str
) -> Iterator[dict[str, Any]]:
    """The rows that have a place in the form. Raises BadTableError."""
    for number, row in enumerate(rows, start=1):
        with explain_row(table, number, row.id):
            built = build(row)
        if built is not None:
            yield built


def _spell_lines(items: Iterable[Any]) -> Iterator[str]:
    return (json.dumps(item, ensure_ascii=False) + "\n" for item in items)


def _spell_array(items: Iterable[Any]) -> Iterator[str]:
    """What `json.dumps(list(items), indent=1)` gives, item by item."""
    opening = "[\n "
    for item in items:
        yield opening + json.dumps(item, ensure_ascii=False, indent=1).replace("\n", "\n ")
        opening = ",\n "
    yield "[]" if opening.startswith("[") else "\n]"


def _write_pieces(path: UPath, pieces: Iterable[str]) -> None:
    """Write a file piece by piece; one that cannot be completed is removed."""
    with _explain(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("wb")
    try:
        with file:
            for piece in pieces:
                with _explain(path):
                    file.write(clean_text(piece).encode())  # decoded arguments may hold half of a surrogate pair
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@contextmanager
def _explain(path: UPath) -> Iterator[None]:
    """Raises UserError in place of what a disk or an object store has to say."""
    try:
        yield
    except OSError as error:
        raise UserError(f"exports cannot be written to {path}: {error.strerror or error}.") from error
