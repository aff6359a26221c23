"""Datasets as training takes them: which one, and its rows as a file on this machine's disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from upath import UPath

from schemas.errors import UserError
from schemas.instance import Instance
from schemas.manifest import TableFacts
from schemas.models import TrainingSet
from tasks.datasets.manifests import copy_tables, read_manifest, require_unchanged
from tasks.datasets.parquet import BadTableError, open_table
from tasks.datasets.root import DataRoot
from tasks.datasets.tables import TRAIN
from tasks.datasets.versions import get_dataset_path, list_datasets, read_latest, resolve_dataset


def find_training_set(root: DataRoot, name_or_path: str) -> TrainingSet | None:
    """The dataset of that name, `name/version` or folder; without one the newest of all, None where there is none.

    Raises:
        UserError: there is no such dataset, it has no rows to train on, or is not what its manifest says.
    """
    folder = resolve_dataset(root, name_or_path) if name_or_path else _find_newest(root)
    if folder is None:
        return None
    manifest = read_manifest(folder)
    table = manifest.tables[TRAIN]
    if not table.rows:
        raise UserError(
            f"dataset {manifest.name} {manifest.version} has no accepted rows in {TRAIN}: "
            "name another (--dataset), or make one with `make dataset`."
        )
    _require_rows(folder, table)
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


def _require_rows(folder: UPath, table: TableFacts) -> None:
    """Raises UserError where the rows are not those that the manifest was written for, or have another form."""
    require_unchanged(folder, TRAIN, table)
    try:
        with open_table(folder / TRAIN, Instance) as file:
            rows = file.metadata.num_rows
    except BadTableError as error:
        raise UserError(f"{folder}: {error}") from error
    if rows != table.rows:
        raise UserError(f"{folder / TRAIN} has {rows} rows, and its manifest says {table.rows}: take another dataset.")


def _find_newest(root: DataRoot) -> UPath | None:
    """The latest version of the dataset that was published last."""
    latest = [(name, read_latest(root, name)) for name in list_datasets(root)]
    folders = [get_dataset_path(root, name, version) for name, version in latest if version is not None]
    return max(folders, key=lambda folder: read_manifest(folder).facts.created_at, default=None)


@contextmanager
def fetch_train_file(dataset: TrainingSet) -> Iterator[Path]:
    """The rows as a local file: a copy, checked while it is made, that nobody else writes to; gone at the end.

    Raises:
        UserError: the file is gone, or is not the one that was found.
    """
    with copy_tables(UPath(dataset.path), {TRAIN: dataset.sha256}) as folder:
        yield folder / TRAIN
