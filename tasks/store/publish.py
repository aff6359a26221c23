"""Publishes a dataset: tables, card, report, and last of all the manifest that makes the version complete."""

import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from upath import UPath

from schemas.calls import LedgerRow
from schemas.errors import UserError
from schemas.instance import ApiRow, Instance, RejectedApi
from schemas.manifest import DatasetFacts, DatasetRef, Manifest, TableFacts
from schemas.toolset import Toolset
from tasks.store.card import render_card
from tasks.store.parquet import write_table
from tasks.store.report import render_report
from tasks.store.root import DataRoot
from tasks.store.rows import build_api_row, build_rejected_api_row
from tasks.store.split import DEFAULT_TEST_SHARE, Split, split_apis
from tasks.store.statistics import compute_statistics, count_kinds, count_reasons
from tasks.store.versions import LATEST, MANIFEST, get_dataset_path, next_version, require_new_version


class _VersionTakenError(UserError):
    """Another run gave its dataset this version while this one was being written."""


@dataclass(frozen=True)
class Tables:
    """The rows of each Parquet file."""

    train: tuple[Instance, ...]
    test: tuple[Instance, ...]
    rejected: tuple[Instance, ...]
    apis: tuple[ApiRow, ...]
    calls: tuple[LedgerRow, ...]


def publish_dataset(
    root: DataRoot,
    name: str,
    version: str | None,
    rows: Sequence[Instance],
    toolsets: Sequence[Toolset],
    rejected_apis: Sequence[RejectedApi],
    ledger: Sequence[LedgerRow],
    facts: DatasetFacts,
    *,
    test_apis: int | float = DEFAULT_TEST_SHARE,
) -> DatasetRef:
    """Publish `datasets/<name>/<version>/`, the next free version by default, and make it the latest.

    Accepted rows are split into train and test by API with the seed of `facts`. On a local disk the version appears
    whole, by a rename; on an object store it is written in place and becomes complete with its manifest. If anything
    fails, what was written is removed. Where another run takes the next free version meanwhile, the one after is taken.

    Raises UserError if the version exists or a name cannot be used.
    """
    split = split_apis([row for row in rows if row.accepted], test_apis, facts.seed)
    tables = _arrange_tables(rows, split, toolsets, rejected_apis, ledger)
    if version is not None:
        require_new_version(root, name, version)
        return _publish_version(root, name, version, tables, split, facts)
    while True:
        version = next_version(root, name)
        try:
            return _publish_version(root, name, version, tables, split, facts)
        except _VersionTakenError:
            if next_version(root, name) == version:  # what has the name is no version: a file, say
                raise


def _publish_version(
    root: DataRoot, name: str, version: str, tables: Tables, split: Split, facts: DatasetFacts
) -> DatasetRef:
    target = get_dataset_path(root, name, version)
    folder = target.parent / f".{version}.{secrets.token_hex(4)}.tmp" if root.is_local else target
    try:
        manifest = _write_dataset(root, folder, name, version, tables, split, facts)
        if root.is_local:
            _move_folder(folder, target, name, version)
    except BaseException:
        _remove_folder(root, folder)
        raise
    root.write_bytes(root.path("datasets", name, LATEST), f"{version}\n".encode())
    counts = {table: held.rows for table, held in manifest.tables.items()}
    content_hash = manifest.tables["train.parquet"].content_hash
    return DatasetRef(name=name, version=version, path=str(target), content_hash=content_hash, counts=counts)


def read_manifest(folder: UPath) -> Manifest:
    """The manifest of a dataset's folder. Raises UserError if the folder has none."""
    path = folder / MANIFEST
    if not path.exists():
        raise UserError(f"{folder} is no complete dataset: it has no {MANIFEST}.")
    return Manifest.model_validate_json(path.read_bytes())


def _arrange_tables(
    rows: Sequence[Instance],
    split: Split,
    toolsets: Sequence[Toolset],
    rejected_apis: Sequence[RejectedApi],
    ledger: Sequence[LedgerRow],
) -> Tables:
    """Every table in an order that does not depend on which API was done first."""
    apis = [*map(build_api_row, toolsets), *map(build_rejected_api_row, rejected_apis)]
    return Tables(
        train=split.train,
        test=split.test,
        rejected=tuple(sorted((row for row in rows if not row.accepted), key=lambda row: row.id)),
        apis=tuple(sorted(apis, key=lambda api: api.api_id)),
        calls=tuple(sorted(ledger, key=lambda call: (call.api_id, call.stage, call.owner))),
    )


def _write_dataset(
    root: DataRoot, folder: UPath, name: str, version: str, tables: Tables, split: Split, facts: DatasetFacts
) -> Manifest:
    folder.mkdir(parents=True, exist_ok=True)
    written = _write_tables(folder, tables)
    rows = [*tables.train, *tables.test, *tables.rejected]
    costs = [row.cost_usd for row in tables.calls]
    known = [cost for cost in costs if cost is not None]
    manifest = Manifest(
        name=name,
        version=version,
        facts=facts,
        statistics=compute_statistics(rows, tables.apis),
        kinds=count_kinds(rows),
        reasons={reason.value: count for reason, count in count_reasons(rows).items()},
        test_apis=split.test_apis,
        input_tokens=sum(call.prompt_tokens for call in tables.calls),
        output_tokens=sum(call.completion_tokens for call in tables.calls),
        cost_usd=round(sum(known), 6) if costs and len(known) == len(costs) else None,
        tables=written,
    )
    root.write_bytes(folder / "README.md", render_card(manifest, tables.apis).encode())
    report = render_report(manifest, train=tables.train, test=tables.test, rejected=tables.rejected, apis=tables.apis)
    root.write_bytes(folder / "report.html", report.encode())
    root.write_bytes(folder / MANIFEST, manifest.model_dump_json(indent=2).encode())
    return manifest


def _write_tables(folder: UPath, tables: Tables) -> dict[str, TableFacts]:
    return {
        "train.parquet": write_table(folder / "train.parquet", tables.train, Instance),
        "test.parquet": write_table(folder / "test.parquet", tables.test, Instance),
        "rejected.parquet": write_table(folder / "rejected.parquet", tables.rejected, Instance),
        "toolset.parquet": write_table(folder / "toolset.parquet", tables.apis, ApiRow),
        "calls.parquet": write_table(folder / "calls.parquet", tables.calls, LedgerRow),
    }


def _move_folder(folder: UPath, target: UPath, name: str, version: str) -> None:
    """Make every file durable, then give the folder its name. Raises _VersionTakenError if another run took it."""
    for file in (*Path(str(folder)).iterdir(), Path(str(folder))):
        descriptor = os.open(file, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    try:
        os.rename(str(folder), str(target))
    except OSError as error:
        if target.exists():
            raise _VersionTakenError(
                f"dataset {name} got a version {version} from another run: publish again."
            ) from error
        raise


def _remove_folder(root: DataRoot, folder: UPath) -> None:
    if root.is_local:
        shutil.rmtree(str(folder), ignore_errors=True)
    elif folder.exists():
        folder.fs.rm(folder.path, recursive=True)
