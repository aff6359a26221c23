"""Datasets as training takes them: which one, and its rows as a file on this machine's disk."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from upath import UPath

from schemas.errors import UserError
from schemas.models import TrainingSet
from tasks.datasets.publish import read_manifest
from tasks.datasets.root import DataRoot
from tasks.datasets.versions import get_dataset_path, list_datasets, read_latest, resolve_dataset

TRAIN_TABLE = "train.parquet"


def find_training_set(root: DataRoot, name_or_path: str) -> TrainingSet | None:
    """The dataset of that name, `name/version` or folder; without one the newest of all, None where there is none.

    Raises:
        UserError: there is no such dataset, or it has no rows to train on.
    """
    folder = resolve_dataset(root, name_or_path) if name_or_path else _find_newest(root)
    if folder is None:
        return None
    manifest = read_manifest(folder)
    table = manifest.tables[TRAIN_TABLE]
    if not table.rows:
        raise UserError(
            f"dataset {manifest.name} {manifest.version} has no accepted rows in {TRAIN_TABLE}: "
            "name another (--dataset), or make one with `make dataset`."
        )
    return TrainingSet(
        name=manifest.name,
        version=manifest.version,
        path=str(folder),
        content_hash=table.content_hash,
        sha256=table.sha256,
        recipe_hash=manifest.facts.recipe_hash,
        teacher=manifest.facts.teacher,
        executor=manifest.facts.executor,
        rows=table.rows,
    )


def _find_newest(root: DataRoot) -> UPath | None:
    """The latest version of the dataset that was published last."""
    latest = [(name, read_latest(root, name)) for name in list_datasets(root)]
    folders = [get_dataset_path(root, name, version) for name, version in latest if version is not None]
    return max(folders, key=lambda folder: read_manifest(folder).facts.created_at, default=None)


@contextmanager
def fetch_train_file(dataset: TrainingSet) -> Iterator[Path]:
    """The rows as a local file: where they lie, or, if that is no disk, a copy that is gone at the end.

    Raises:
        UserError: the file is gone.
    """
    path = UPath(dataset.path) / TRAIN_TABLE
    if not path.exists():
        raise UserError(f"{path} is gone: publish the dataset again, or train on another (--dataset).")
    if DataRoot(dataset.path).is_local:
        yield Path(str(path))
        return
    with tempfile.TemporaryDirectory(prefix="toolherd-") as folder:
        local = Path(folder) / TRAIN_TABLE
        with path.open("rb") as source, local.open("wb") as copy:
            shutil.copyfileobj(source, copy)
        yield local
