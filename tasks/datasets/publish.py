"""Publishes a dataset: tables, card, report, and last of all the manifest that makes the version complete."""

import importlib.metadata
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from upath import UPath

from schemas.errors import UserError
from schemas.manifest import FORMAT, DatasetFacts, DatasetRef, Manifest
from tasks.datasets.card import render_card
from tasks.datasets.manifests import read_manifest
from tasks.datasets.report import render_report
from tasks.datasets.root import DataRoot, make_durable, make_folder
from tasks.datasets.split import DEFAULT_TEST_SHARE, choose_test_apis
from tasks.datasets.statistics import compute_statistics, order_counts
from tasks.datasets.tables import INSTANCE_TABLES, Content, WrittenTables, write_apis, write_instances
from tasks.datasets.versions import (
    LATEST,
    MANIFEST,
    check_dataset_name,
    get_dataset_path,
    list_versions,
    next_version,
    read_latest,
    require_new_version,
)


class _VersionTakenError(UserError):
    """Another run gave its dataset this version while this one was being written."""


def publish_dataset(
    root: DataRoot,
    name: str,
    version: str | None,
    content: Content,
    facts: DatasetFacts,
    *,
    test_apis: int | float = DEFAULT_TEST_SHARE,
    newest: Manifest | None = None,
) -> DatasetRef:
    """Publish `datasets/<name>/<version>/`, the next free version by default, and make it the latest.

    A partial dataset becomes the latest only where there is no complete one, one without accepted rows never.

    Accepted rows are split into train and test by API with the seed of `facts`. If `newest`, a version of this name,
    holds the very same instances, that one is returned and nothing published; which calls it took may differ.

    Everything is written in a temporary folder first. On a local disk that folder becomes the version by a rename; to
    an object store its files are copied, and the version becomes complete with its manifest. If anything fails, what
    was written is removed. Where another run takes the next free version meanwhile, the one after is taken.

    Raises UserError if the version exists or a name cannot be used.
    """
    check_dataset_name(name)
    if version is not None:
        require_new_version(root, name, version)
    accepted = {outline.api_id: outline.category for outline in content.outlines if outline.accepted}
    chosen = choose_test_apis(accepted, test_apis, facts.seed)
    with _open_staging(root, name) as folder:
        draft = write_instances(folder, content, chosen)
        if newest is not None and _is_alike(newest.facts, facts) and _holds(newest, draft):
            return describe_dataset(root, newest)
        write_apis(folder, content, draft)
        while True:
            taken = version or next_version(root, name)
            manifest = _complete(folder, name, taken, draft, facts, tuple(sorted(chosen)))
            try:
                _hand_over(root, folder, manifest)
                break
            except _VersionTakenError:
                # What has the name may be no version (a file, say), and then there is none to go on to.
                if version is not None or next_version(root, name) == taken:
                    raise
    if accepted and (not facts.unfinished_apis or not _has_complete_latest(root, name)):
        root.write_bytes(root.path("datasets", name, LATEST), f"{taken}\n".encode())
    return describe_dataset(root, manifest)


def _is_alike(one: DatasetFacts, other: DatasetFacts) -> bool:
    return (one.seed, one.unfinished_apis) == (other.seed, other.unfinished_apis)


def _has_complete_latest(root: DataRoot, name: str) -> bool:
    latest = read_latest(root, name)
    if latest is None:
        return False
    manifest = read_manifest(get_dataset_path(root, name, latest))
    return not manifest.facts.unfinished_apis and any(
        manifest.tables[table].rows for table in ("train.parquet", "test.parquet")
    )


def require_readable(root: DataRoot, name: str) -> None:
    """Raises UserError if a dataset has versions of a newer format among those that a new one is compared with."""
    for version in {read_latest(root, name), *list_versions(root, name)[-1:]} - {None}:
        read_manifest(get_dataset_path(root, name, str(version)))


def read_code_version() -> str:
    """The installed version of ToolHerd; empty in a checkout that was never installed."""
    try:
        return importlib.metadata.version("toolherd")
    except importlib.metadata.PackageNotFoundError:
        return ""


def describe_dataset(root: DataRoot, manifest: Manifest) -> DatasetRef:
    """The reference to the dataset that a manifest belongs to."""
    return DatasetRef(
        name=manifest.name,
        version=manifest.version,
        path=str(get_dataset_path(root, manifest.name, manifest.version)),
        content_hash=manifest.tables["train.parquet"].content_hash,
        counts={table: held.rows for table, held in manifest.tables.items()},
    )


@contextmanager
def _open_staging(root: DataRoot, name: str) -> Iterator[UPath]:
    """A folder on a local disk to write in, which is gone at the end; beside the versions, so that a rename will do."""
    if not root.is_local:
        with tempfile.TemporaryDirectory(prefix="toolherd-") as temporary:
            yield UPath(temporary)
        return
    folder = root.path("datasets", name, f".{secrets.token_hex(8)}.tmp")
    try:
        make_folder(Path(str(folder.parent)))
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(str(folder), ignore_errors=True)


def _holds(manifest: Manifest, draft: WrittenTables) -> bool:
    return all(manifest.tables[name].content_hash == draft.tables[name].content_hash for name in INSTANCE_TABLES)


def _complete(
    folder: UPath, name: str, version: str, draft: WrittenTables, facts: DatasetFacts, test_apis: tuple[str, ...]
) -> Manifest:
    """Write card, report and manifest beside the tables."""
    manifest = Manifest(
        format=FORMAT,
        name=name,
        version=version,
        facts=facts,
        statistics=compute_statistics(draft.tally, draft.functions),
        kinds=order_counts(draft.tally.kinds),
        reasons=order_counts(draft.tally.reasons),
        test_apis=test_apis,
        input_tokens=draft.spending.input_tokens,
        output_tokens=draft.spending.output_tokens,
        cached_tokens=draft.spending.cached_tokens,
        cost_usd=draft.spending.cost_usd,
        tables=draft.tables,
        left_out=order_counts(draft.spending.left_out),
    )
    (folder / "README.md").write_bytes(render_card(manifest, draft.rejected_apis).encode())
    report = render_report(manifest, draft.tally, draft.sample, draft.rejected_apis)
    (folder / "report.html").write_bytes(report.encode())
    (folder / MANIFEST).write_bytes(manifest.model_dump_json(indent=2).encode())
    return manifest


def _hand_over(root: DataRoot, folder: UPath, manifest: Manifest) -> None:
    """Make the version out of what was written. Raises _VersionTakenError if another run took it."""
    target = get_dataset_path(root, manifest.name, manifest.version)
    taken = _VersionTakenError(
        f"dataset {manifest.name} got a version {manifest.version} from another run: publish again."
    )
    if not root.is_local:
        if target.exists():
            raise taken
        _upload(folder, target)
        return
    for file in (*Path(str(folder)).iterdir(), Path(str(folder))):
        make_durable(file)
    try:
        os.rename(str(folder), str(target))
    except OSError as error:
        if target.exists():
            raise taken from error
        raise
    make_durable(Path(str(target.parent)))


def _upload(folder: UPath, target: UPath) -> None:
    """Copy all files, the manifest last; what was copied is removed if that fails."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        for file in sorted(folder.iterdir(), key=lambda file: (file.name == MANIFEST, file.name)):
            with file.open("rb") as source, (target / file.name).open("wb") as copy:
                shutil.copyfileobj(source, copy)
    except BaseException:
        if target.exists():
            target.fs.rm(target.path, recursive=True)
        raise
