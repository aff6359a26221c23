"""Checkpoints on disk: which are whole, which is the newest, and how a new one takes the old one's place.

A checkpoint is written in a folder of another name and renamed when all of it is durable; the ones before it go after
that. Whether one that is found is whole is nevertheless looked up in the files themselves. Needs no torch.
"""

import json
import os
import pickle
import re
import shutil
import struct
import zipfile
from pathlib import Path
from typing import Any

WRITING = "writing"
"""The folder in which a checkpoint is made; what is found there at a start is what a killed run left."""

_NAME = re.compile(r"checkpoint-(\d+)")
_STATE = "trainer_state.json"
_DESCRIBING = re.compile(
    r"torch\.distributed\.checkpoint\.metadata\.(Metadata|MetadataIndex|StorageMeta|TensorProperties|_MEM_FORMAT_ENCODING"
    r"|TensorStorageMetadata|ChunkStorageMetadata|BytesStorageMetadata)"
    r"|torch\.distributed\.checkpoint\.filesystem\._StorageInfo"
    r"|torch\.(Size|bool|(u?int|float|bfloat|complex)\d+\w*)"
    r"|torch\.serialization\._get_layout|collections\.OrderedDict|pathlib(\._local)?\.(Pure)?(Posix|Windows)Path"
)


def find_newest(folder: Path) -> Path | None:
    """The newest whole checkpoint in a folder of checkpoints, if there is one."""
    whole = [path for path in _list_checkpoints(folder) if find_defect(path) is None]
    return whole[-1] if whole else None


def remove_broken(folder: Path) -> list[str]:
    """Remove what is no whole checkpoint; one line for each, saying why."""
    lines = []
    for path in _list_checkpoints(folder):
        if defect := find_defect(path):
            shutil.rmtree(path)
            lines.append(f"removed {path.name}, which is not whole: {defect}")
    if (folder / WRITING).exists():
        shutil.rmtree(folder / WRITING)
        lines.append("removed a checkpoint that was being written when the run ended")
    return lines


def install(folder: Path, name: str) -> None:
    """Put the checkpoint that was written in `folder`/writing in its place; then remove the others.

    Raises:
        OSError: it cannot be made durable or renamed; the others are still there.
    """
    written = folder / WRITING / name
    _sync(written)
    target = folder / name
    if target.exists():
        shutil.rmtree(target)
    written.rename(target)
    _sync_one(folder)
    shutil.rmtree(folder / WRITING, ignore_errors=True)
    for path in _list_checkpoints(folder):
        if path != target:
            shutil.rmtree(path, ignore_errors=True)


def find_defect(path: Path) -> str | None:
    """What a checkpoint lacks, or None if it is whole: its state, its weights to the last byte, its optimizer."""
    try:
        step = json.loads((path / _STATE).read_text(encoding="utf-8"))["global_step"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return f"{_STATE}, which is written last, is missing or unreadable"
    if path.name != f"checkpoint-{step}":
        return f"{_STATE} is of step {step}"
    sharded = list(path.glob("pytorch_model_fsdp*")) + list(path.glob("optimizer_*"))
    if sharded:
        return next((f"{one.name} has no .metadata" for one in sharded if not (one / ".metadata").is_file()), None)
    weights = list(path.glob("*.safetensors"))
    if missing := _find_missing_shards(path):
        return f"{missing} is missing"
    if not weights:
        return "there are no weights"
    archives = [path / name for name in ("optimizer.pt", "scheduler.pt")]
    return next(
        (f"{one.name} is not readable" for one in weights if not _is_whole_safetensors(one)),
        next((f"{one.name} is not readable" for one in archives if not zipfile.is_zipfile(one)), None),
    )


def _find_missing_shards(path: Path) -> str | None:
    for index in path.glob("*.safetensors.index.json"):
        try:
            names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, AttributeError, RecursionError):
            return index.name
        if outside := [name for name in names if not isinstance(name, str) or Path(name).name != name]:
            return str(outside[0])
        if absent := sorted(name for name in names if not (path / name).is_file()):
            return str(absent[0])
    return None


def _is_whole_safetensors(path: Path) -> bool:
    """Whether the header (8 bytes of length, then JSON) is there, and all the bytes that it speaks of."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
        end = max((entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"), default=0)
        return path.stat().st_size == 8 + int(length) + int(end)
    except (OSError, ValueError, struct.error, LookupError, TypeError, AttributeError, MemoryError, OverflowError):
        return False
    except RecursionError:
        return False


def find_foreign_name(path: Path) -> str | None:
    """What a checkpoint's description of its shards names beside what torch writes there; None if there is nothing.

    torch reads it as a plain pickle, which imports and calls whatever it names.
    """
    for described in sorted(path.glob("*/.metadata")):
        try:
            with described.open("rb") as file:
                _Description(file).load()
        except pickle.UnpicklingError as error:
            return f"{described.relative_to(path)}: {error}"
        except Exception as error:  # a damaged pickle raises anything
            return f"{described.relative_to(path)} cannot be read ({type(error).__name__})"
    return None


class _Description(pickle.Unpickler):
    """Takes no names but those of `torch.distributed.checkpoint`, shapes, types and paths."""

    def find_class(self, module: str, name: str) -> Any:
        if not _DESCRIBING.fullmatch(f"{module}.{name}"):
            raise pickle.UnpicklingError(f"it names {f'{module}.{name}'[:80]!r}")
        return super().find_class(module, name)


def _list_checkpoints(folder: Path) -> list[Path]:
    found = [(int(match[1]), path) for path in folder.glob("checkpoint-*") if (match := _NAME.fullmatch(path.name))]
    return [path for _, path in sorted(found)]


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        _sync_one(path)
    _sync_one(folder)


def _sync_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
