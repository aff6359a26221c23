"""Two runs that publish under one name: each gets a version of its own, and none overwrites the other's."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from schemas.errors import UserError
from schemas.manifest import DatasetRef
from tasks.datasets.manifests import read_manifest
from tasks.datasets.publish import publish_dataset
from tasks.datasets.root import DataRoot
from tasks.datasets.tables import Content
from tasks.datasets.versions import get_dataset_path, list_versions, read_latest
from tests.recorded_disk import RecordedDisk
from tests.tasks.datasets.samples import build_content, build_facts, build_row, build_toolset

T = TypeVar("T")

pytestmark = pytest.mark.forced


@pytest.fixture(params=["folder", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> DataRoot:
    return DataRoot(str(tmp_path / "data") if request.param == "folder" else f"memory://{tmp_path.name}")


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedDisk]:
    """The disk that versions are written to before they are handed over."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    disk = RecordedDisk(tmp_path, monkeypatch)
    yield disk
    disk.close()


def build(number: int = 0) -> Content:
    return build_content([build_row(number=number)], [build_toolset()])


def publish(root: DataRoot, version: str | None, content: Content) -> DatasetRef:
    return publish_dataset(root, "demo", version, content, build_facts())


def then(items: Iterable[T], act: Callable[[], object]) -> Iterator[T]:
    """The items, and before they end something else happens."""
    yield from items
    act()


def when_manifest_is_written(disk: RecordedDisk, act: Callable[[], object]) -> None:
    """The run that publishes has chosen its version by then and has not taken it yet."""

    def watch(step: str) -> None:
        if step.startswith("write ") and step.endswith("/manifest.json"):
            disk.before = lambda step: None
            act()

    disk.before = watch


def list_contents(root: DataRoot, version: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in get_dataset_path(root, "demo", version).iterdir()}


def test_a_version_asked_for_that_another_run_published_meanwhile_is_left_to_it(root: DataRoot) -> None:
    other, theirs = build(1), dict[str, bytes]()

    def act() -> None:
        publish(root, "mine", other)
        theirs.update(list_contents(root, "mine"))

    content = build()
    with pytest.raises(UserError, match="dataset demo got a version mine from another run: publish again"):
        publish(root, "mine", replace(content, rows=then(content.rows, act)))
    assert list_contents(root, "mine") == theirs
    assert read_latest(root, "demo") == "mine"
    assert {path.name for path in root.path("datasets", "demo").iterdir()} == {"mine", "latest"}


def test_the_version_after_is_taken_where_another_run_took_the_next_one(root: DataRoot, disk: RecordedDisk) -> None:
    when_manifest_is_written(disk, lambda: publish(root, None, build(1)))
    ours = publish(root, None, build())
    assert ours.version == "v2"
    assert list_versions(root, "demo") == ("v1", "v2")
    manifests = [read_manifest(get_dataset_path(root, "demo", version)) for version in ("v1", "v2")]
    assert [manifest.version for manifest in manifests] == ["v1", "v2"]
    assert manifests[1].tables["train.parquet"].content_hash == ours.content_hash
    assert manifests[0].tables["train.parquet"].content_hash != ours.content_hash
    folder = get_dataset_path(root, "demo", "v2")
    assert "# demo v2" in (folder / "README.md").read_text()
    assert 'demo <span class="version">v2</span>' in (folder / "report.html").read_text()
    assert read_latest(root, "demo") == "v2"
    assert {path.name for path in root.path("datasets", "demo").iterdir()} == {"v1", "v2", "latest"}


def test_a_run_that_is_overtaken_again_and_again_goes_on(root: DataRoot, disk: RecordedDisk) -> None:
    def overtake(left: int) -> None:
        publish(root, None, build(left))
        if left:
            when_manifest_is_written(disk, lambda: overtake(left - 1))

    when_manifest_is_written(disk, lambda: overtake(2))
    assert publish(root, None, build()).version == "v4"


def test_a_file_that_has_the_next_versions_name_is_told_and_not_tried_for_ever(tmp_path: Path) -> None:
    root = DataRoot(str(tmp_path))
    (tmp_path / "datasets" / "demo").mkdir(parents=True)
    (tmp_path / "datasets" / "demo" / "v1").write_text("in the way")
    with pytest.raises(UserError, match="got a version v1 from another run"):
        publish(root, None, build())
    assert [path.name for path in (tmp_path / "datasets" / "demo").iterdir()] == ["v1"]


def test_runs_that_end_at_once_get_a_version_each(tmp_path: Path) -> None:
    root = DataRoot(str(tmp_path))
    with ThreadPoolExecutor(4) as pool:
        refs = list(pool.map(lambda number: publish(root, None, build(number)), range(4)))
    assert sorted(ref.version for ref in refs) == ["v1", "v2", "v3", "v4"]
    assert {path.name for path in (tmp_path / "datasets" / "demo").iterdir()} == {"v1", "v2", "v3", "v4", "latest"}
