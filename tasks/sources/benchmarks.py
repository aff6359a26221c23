"""Benchmark files: the instructions of one, whatever form it has."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import UserError

_FIELDS = ("instruction", "query")
_FORMS = (
    "use ToolAlpaca's JSON (Instructions), JSON or JSON lines with instruction, query or messages, "
    "Parquet with a column instruction, or plain text lines"
)


def read_benchmark(path: str | Path) -> tuple[str, ...]:
    """The instructions of a benchmark file, in its order, empty ones left out.

    Read are ToolAlpaca's test files, JSON and JSON lines whose records hold `instruction`, `query` or `messages` (the
    first user message), Parquet with a column of those names, and plain text with one instruction a line.

    Raises:
        UserError: no such file, not readable, or no instruction in it.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"benchmark {path}: no such file; give the path of one")
    try:
        texts = _read_parquet(path) if path.suffix == ".parquet" else _read_text(path)
    except (OSError, ValueError, RecursionError, pa.ArrowException) as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"benchmark {path}: cannot be read ({first_line}); {_FORMS}") from error
    instructions = tuple(text.strip() for text in texts if text.strip())
    if not instructions:
        raise UserError(f"benchmark {path}: holds no instruction; {_FORMS}")
    return instructions


def _read_parquet(path: Path) -> list[str]:
    names = pq.read_schema(path).names
    column = next((name for name in (*_FIELDS, "messages") if name in names), None)
    if column is None:
        raise ValueError(f"columns are {', '.join(names)}")
    rows = pq.read_table(path, columns=[column]).to_pylist()
    return [text for row in rows for text in _find_instructions(row)]


def _read_text(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".json":
        return list(_find_instructions(json.loads(text)))
    lines = [line for line in text.splitlines() if line.strip()]
    if path.suffix in (".jsonl", ".ndjson") or (lines and lines[0].lstrip().startswith("{")):
        return [found for line in lines for found in _find_instructions(json.loads(line))]
    return lines


def _find_instructions(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _find_instructions(item)
    elif isinstance(value, dict):
        if isinstance(value.get("Instructions"), list):
            yield from _find_instructions(value["Instructions"])
            return
        text = next((value[field] for field in _FIELDS if isinstance(value.get(field), str)), None)
        messages = value.get("messages")
        if text is None and isinstance(messages, list):
            text = next((m.get("content") for m in messages if isinstance(m, dict) and m.get("role") == "user"), None)
        if isinstance(text, str):
            yield text
