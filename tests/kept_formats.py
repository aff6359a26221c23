"""What lies on the disk as ToolHerd once wrote it, one of each format; see docs/formats.md."""

import json
import shutil
from pathlib import Path

_FOLDER = Path(__file__).parent / "fixtures" / "formats"


def list_datasets() -> list[Path]:
    """The folders of datasets, by format: `dataset-1` and so on."""
    return _list("dataset-*")


def list_stores() -> list[Path]:
    """The files of completion stores, by format: `completions-1.sqlite` and so on."""
    return _list("completions-*.sqlite")


def list_memories() -> list[Path]:
    """The files of what was learnt of endpoints, by format: `endpoints-1.json` and so on."""
    return _list("endpoints-*.json")


def place(dataset: Path, data: Path, changed_format: int | None = None) -> Path:
    """Copies a dataset into a data root as `demo` v1, of another format if one is given; returns its folder."""
    folder = data / "datasets" / "demo" / "v1"
    shutil.copytree(dataset, folder)
    (folder.parent / "latest").write_text("v1\n")
    if changed_format is not None:
        told = json.loads((folder / "manifest.json").read_text())
        written = {**told, "format": changed_format, "what_joined_later": 1}
        (folder / "manifest.json").write_text(json.dumps(written))
    return folder


def list_contents(folder: Path) -> dict[str, bytes]:
    """All files of a folder with what they hold."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _list(pattern: str) -> list[Path]:
    return sorted(_FOLDER.glob(pattern), key=lambda path: int(path.stem.partition("-")[2]))
