"""Reads what a dataset says of itself, and holds it to its files. A dataset may come from anybody.

Its names are taken by the rules that ours keep, its texts as one line each, and a table is used only where it is the
very file that the manifest was written for. So that nothing can come between the check and the use, what is read row by
row is a copy that was checked while it was made.
"""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError
from upath import UPath

from schemas.errors import UserError
from schemas.manifest import FORMAT, Manifest, TableFacts
from schemas.shown import show_line
from tasks.datasets.parquet import describe_invalid, hash_file
from tasks.datasets.tables import TABLES
from tasks.datasets.versions import MANIFEST, check_dataset_name

MAX_MANIFEST_BYTES = 64 << 20
"""That of 100,000 APIs, all named in `test_apis`, has 7 MB."""

MAX_TEXT = 200
"""Characters that are kept of a text."""

_HASH = re.compile(r"[0-9a-f]{64}")
_CODE = re.compile(r"[a-z][a-z_]{0,63}")
_LARGEST = 2**63


def read_manifest(folder: UPath) -> Manifest:
    """The manifest of a dataset's folder.

    Raises:
        UserError: the folder has none, one of a newer format, or one that no ToolHerd wrote.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise UserError(f"{folder} is no complete dataset: it has no {MANIFEST}.")
    with path.open("rb") as file:
        text = file.read(MAX_MANIFEST_BYTES + 1)
    if len(text) > MAX_MANIFEST_BYTES:
        raise _turn_down(path, f"it has more than {MAX_MANIFEST_BYTES >> 20} MB")
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _turn_down(path, f"it is no JSON ({error})") from error
    _check_format(path, told)
    try:
        return _check(path, Manifest.model_validate_json(text))
    except ValidationError as error:
        raise _turn_down(path, describe_invalid(error)) from error


def is_unchanged(path: UPath, facts: TableFacts) -> bool:
    """Whether a table is there, and is the one that the manifest was written for."""
    if not path.is_file() or path.stat().st_size != facts.bytes:
        return False
    return hash_file(path) == (facts.sha256, facts.bytes)


def require_unchanged(folder: UPath, name: str, facts: TableFacts) -> None:
    """Raises UserError if a table is gone, or is not the one that the manifest was written for."""
    path = folder / name
    _require_file(path)
    if not is_unchanged(path, facts):
        raise _find_changed(folder, name)


@contextmanager
def copy_tables(folder: UPath, hashes: Mapping[str, str]) -> Iterator[Path]:
    """A folder on this machine's disk with copies of tables, by name and SHA-256, which is gone at the end.

    Raises:
        UserError: a table is gone, or is not the one of that hash.
    """
    with tempfile.TemporaryDirectory(prefix="toolherd-") as copies:
        for name, expected in hashes.items():
            _require_file(folder / name)
            with (Path(copies) / name).open("wb") as copy:
                found, _ = hash_file(folder / name, copy)
            if found != expected:
                raise _find_changed(folder, name)
        yield Path(copies)


def _require_file(path: UPath) -> None:
    if not path.is_file():
        raise UserError(f"{path} is gone: publish the dataset again, or take another (--dataset).")


def _find_changed(folder: UPath, name: str) -> UserError:
    return UserError(
        f"{folder / name} is not the file that {MANIFEST} was written for, its SHA-256 is another: get the dataset "
        "again from where it comes, or take another."
    )


def _turn_down(path: UPath, reason: str) -> UserError:
    return UserError(f"{path} is no manifest of a dataset: {show_line(reason, MAX_TEXT)}.")


def _check_format(path: UPath, told: object) -> None:
    written = told.get("format", 1) if isinstance(told, dict) else None
    if type(written) is not int or written < 1:
        raise _turn_down(path, "it says no format")
    if written > FORMAT:
        raise UserError(
            f"{path} is a dataset of format {show_line(written, MAX_TEXT)}, and this ToolHerd reads formats up to "
            f"{FORMAT}: install a newer ToolHerd."
        )


def _check(path: UPath, manifest: Manifest) -> Manifest:
    """The manifest with its texts as one line each. Raises UserError."""
    try:
        check_dataset_name(manifest.name)
        check_dataset_name(manifest.version, "dataset version")
    except UserError as error:
        raise _turn_down(path, str(error).rstrip(".")) from error
    if manifest.tables.keys() != TABLES:
        raise _turn_down(path, f"its tables are not {', '.join(sorted(TABLES))}")
    for name, facts in manifest.tables.items():
        if not _HASH.fullmatch(facts.sha256) or not _HASH.fullmatch(facts.content_hash):
            raise _turn_down(path, f"tables.{name}: a hash is none")
        if not (0 <= facts.rows < _LARGEST and 0 <= facts.bytes < _LARGEST):
            raise _turn_down(path, f"tables.{name}: rows or bytes are out of range")
    for reason, count in manifest.reasons.items():
        if not _CODE.fullmatch(reason) or not 0 <= count < _LARGEST:
            raise _turn_down(path, f"reasons: {reason!r} is none that rows are counted under")
    if manifest.facts.created_at.tzinfo is None:
        raise _turn_down(path, "facts.created_at has no time zone")
    cleaned = {
        name: show_line(getattr(manifest.facts, name), MAX_TEXT) for name in ("teacher", "executor", "recipe_hash")
    }
    return manifest.model_copy(update={"facts": manifest.facts.model_copy(update=cleaned)})
