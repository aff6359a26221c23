"""Writes a finished dataset in the forms that other tools read. Accepted rows only.

    trl/{train,test}.jsonl          messages + tools, arguments as objects
    sharegpt/{train,test}.jsonl     conversations with Hermes tool-call tags
    xlam/{train,test}.json          query, tools, answers
    toolalpaca/{train,test}.json    ToolAlpaca's own: one object per API

Of each form, `tasks/store/export_<form>.py` knows the shape of a row; this module knows the files.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast, get_args

from upath import UPath

from schemas.base import Record
from schemas.errors import UserError
from schemas.instance import ApiRow, Instance
from schemas.parameters import ExportFormat
from tasks.store.export_chat import build_sharegpt_row, build_trl_row, build_xlam_row
from tasks.store.export_toolalpaca import build_toolalpaca_apis
from tasks.store.parquet import read_table
from tasks.store.publish import read_manifest
from tasks.store.rows import clean_text

EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
SPLITS = ("train", "test")


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

    Raises UserError if a format does not exist, the folder is no complete dataset, or `out_dir` cannot be written.
    """
    chosen = check_export_formats(formats)
    source, target = UPath(dataset_dir), UPath(out_dir)
    read_manifest(source)
    apis = list(read_table(source / "toolset.parquet", ApiRow))
    written: list[ExportedFile] = []
    for split in SPLITS:
        rows = [row for row in read_table(source / f"{split}.parquet", Instance) if row.accepted]
        try:
            written.extend(_export_split(target, name, split, rows, apis) for name in chosen)
        except OSError as error:
            raise UserError(f"exports cannot be written to {target}: {error.strerror or error}.") from error
    return tuple(written)


def _export_split(
    target: UPath, name: ExportFormat, split: str, rows: Sequence[Instance], apis: Sequence[ApiRow]
) -> ExportedFile:
    if name == "toolalpaca":
        built = build_toolalpaca_apis(rows, apis)
        path = _write_text(target / name / f"{split}.json", json.dumps(built, ensure_ascii=False, indent=1))
        count = sum(len(api["Instances"]) for api in built)
    elif name == "xlam":
        answers = list(_build_rows(rows, build_xlam_row))
        path = _write_text(target / name / f"{split}.json", json.dumps(answers, ensure_ascii=False, indent=1))
        count = len(answers)
    else:
        lines = list(_build_rows(rows, build_trl_row if name == "trl" else build_sharegpt_row))
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        path = _write_text(target / name / f"{split}.jsonl", text)
        count = len(lines)
    return ExportedFile(format=name, split=split, path=str(path), rows=count, left_out=len(rows) - count)


def _build_rows(
    rows: Iterable[Instance], build: Callable[[Instance], dict[str, Any] | None]
) -> Iterator[dict[str, Any]]:
    return (built for built in map(build, rows) if built is not None)


def _write_text(path: UPath, text: str) -> UPath:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(clean_text(text).encode())  # decoded arguments may hold half of a surrogate pair
    return path
