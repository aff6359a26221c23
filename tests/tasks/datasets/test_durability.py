"""In what order files reach the disk, and what is there when the power goes or a step fails: a whole thing or none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.manifest import DatasetRef
from tasks.datasets.publish import publish_dataset
from tasks.datasets.root import DataRoot
from tasks.datasets.versions import list_versions
from tests.recorded_disk import RecordedDisk, World
from tests.tasks.datasets.samples import build_content, build_facts, build_row, build_toolset

FILES = {
    "train.parquet", "test.parquet", "rejected.parquet", "toolset.parquet", "calls.parquet",
    "README.md", "report.html", "manifest.json",
}  # fmt: skip
DEMO = "datasets/demo/"


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedDisk]:
    disk = RecordedDisk(tmp_path / "data", monkeypatch)
    yield disk
    disk.close()


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return DataRoot(str(tmp_path / "data"))


def publish(root: DataRoot, version: str | None = None) -> DatasetRef:
    return publish_dataset(root, "demo", version, build_content([build_row()], [build_toolset()]), build_facts())


def test_a_file_is_synced_before_it_gets_its_name_and_its_folder_after(root: DataRoot, disk: RecordedDisk) -> None:
    root.write_bytes(root.path("a.json"), b"1")
    assert disk.steps == ["write .tmp", "sync .tmp", "rename .tmp to a.json", "sync ."]


def test_a_new_folder_is_synced_in_the_one_that_holds_it(root: DataRoot, disk: RecordedDisk) -> None:
    root.write_bytes(root.path("a", "b", "c.json"), b"1")
    assert disk.steps == [
        "mkdir a", "sync .", "mkdir a/b", "sync a",
        "write a/b/.tmp", "sync a/b/.tmp", "rename a/b/.tmp to a/b/c.json", "sync a/b",
    ]  # fmt: skip


def test_a_power_cut_leaves_the_file_before_or_the_one_after(root: DataRoot, disk: RecordedDisk) -> None:
    seen: list[bytes | None] = []
    root.write_bytes(root.path("a", "b.json"), b"before")
    disk.after = lambda step: seen.extend(world.get("a/b.json") for world in disk.list_worlds())
    root.write_bytes(root.path("a", "b.json"), b"after")
    assert set(seen) == {b"before", b"after"}
    assert [world["a/b.json"] for world in disk.list_worlds()] == [b"after"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "ctrl-c"])
@pytest.mark.parametrize("broken", ["write a/.tmp", "sync a/.tmp", "rename a/.tmp to a/b.json"])
def test_a_write_that_fails_leaves_what_was_there(
    root: DataRoot, disk: RecordedDisk, broken: str, error: BaseException
) -> None:
    root.write_bytes(root.path("a", "b.json"), b"before")
    fail_at(disk, broken, error)
    with pytest.raises(type(error)):
        root.write_bytes(root.path("a", "b.json"), b"after")
    assert [path.name for path in root.path("a").iterdir()] == ["b.json"]
    assert root.read_bytes(root.path("a", "b.json")) == b"before"


def test_a_version_is_synced_whole_before_it_gets_its_name_and_is_the_latest_after(
    root: DataRoot, disk: RecordedDisk
) -> None:
    publish(root)
    named = disk.steps.index(f"rename {DEMO}.tmp to {DEMO}v1")
    written = [step.removeprefix("write ") for step in disk.steps[:named] if step.startswith("write ")]
    assert sorted(written) == [f"{DEMO}.tmp/{name}" for name in sorted(FILES)]
    assert written[-1] == f"{DEMO}.tmp/manifest.json"
    whole = disk.steps.index(f"write {DEMO}.tmp/manifest.json") + 1
    assert sorted(disk.steps[whole:named]) == sorted(f"sync {path}" for path in (*written, f"{DEMO}.tmp"))
    assert disk.steps[named + 1 :] == [
        "sync datasets/demo",
        f"write {DEMO}.tmp", f"sync {DEMO}.tmp", f"rename {DEMO}.tmp to {DEMO}latest", "sync datasets/demo",
    ]  # fmt: skip


def test_a_power_cut_leaves_no_half_version_and_no_name_of_one(root: DataRoot, disk: RecordedDisk) -> None:
    seen: list[World] = []
    disk.after = lambda step: seen.extend(disk.list_worlds())
    publish(root, "v1")
    publish(root, "v2")
    whole = {version: read_version(root, version) for version in ("v1", "v2")}
    for world in seen:
        found = list_versions_of(world)
        assert all(found[version] == whole[version] for version in found)
        latest = world.get(f"{DEMO}latest")
        assert latest is None or latest.decode().strip() in found
    assert {frozenset(list_versions_of(world)) for world in seen} == {frozenset(), frozenset(["v1"]), frozenset(whole)}


def test_what_was_published_is_there_after_a_power_cut(root: DataRoot, disk: RecordedDisk) -> None:
    for version in ("v1", "v2"):
        publish(root, version)
        for world in disk.list_worlds():
            assert list_versions_of(world)[version] == read_version(root, version)
            assert world[f"{DEMO}latest"] == f"{version}\n".encode()


def test_publishing_that_is_broken_off_anywhere_leaves_whole_versions_and_the_latest_before(
    root: DataRoot, disk: RecordedDisk
) -> None:
    publish(root)
    begun = len(disk.steps)
    publish(root)
    steps = disk.steps[begun:]
    named, latest_named = (steps.index(f"rename {DEMO}.tmp to {DEMO}{name}") for name in ("v2", "latest"))
    for at in range(latest_named + 1):
        fail_after(disk, at, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            publish(root)
        disk.before = lambda step: None
        versions = list_versions(root, "demo")
        assert len(versions) == 2 + max(at - named, 0)
        assert {path.name for path in root.path(DEMO).iterdir()} == {*versions, "latest"}
        assert all({file.name for file in root.path(DEMO, version).iterdir()} == FILES for version in versions)
        assert root.path(DEMO, "latest").read_text() == "v2\n"


def test_a_version_that_the_disk_refuses_to_name_is_no_reason_to_try_the_next(
    root: DataRoot, disk: RecordedDisk
) -> None:
    fail_at(disk, f"rename {DEMO}.tmp to {DEMO}v1", OSError(28, "No space left on device"))
    with pytest.raises(OSError, match="No space left"):
        publish(root)
    assert list(root.path(DEMO).iterdir()) == []


def test_a_folder_that_another_run_makes_meanwhile_will_do(root: DataRoot, disk: RecordedDisk) -> None:
    def make(step: str) -> None:
        if step == "mkdir a":
            disk.before = lambda step: None
            root.path("a").mkdir()

    disk.before = make
    root.write_bytes(root.path("a", "b.json"), b"1")
    assert root.read_bytes(root.path("a", "b.json")) == b"1"


def fail_at(disk: RecordedDisk, broken: str, error: BaseException) -> None:
    def refuse(step: str) -> None:
        if step == broken:
            raise error

    disk.before = refuse


def fail_after(disk: RecordedDisk, steps: int, error: BaseException) -> None:
    left = iter(range(steps))

    def refuse(step: str) -> None:
        if next(left, None) is None:
            disk.before = lambda step: None  # cleaning up is let through
            raise error

    disk.before = refuse


def list_versions_of(world: World) -> dict[str, World]:
    """The versions that a manifest says are complete, and their files."""
    folders = [path.removesuffix("manifest.json") for path in world if path.endswith("/manifest.json")]
    return {
        folder.removeprefix(DEMO).rstrip("/"): {
            path.removeprefix(folder): data for path, data in world.items() if path.startswith(folder)
        }
        for folder in folders
        if not folder.removeprefix(DEMO).startswith(".")
    }


def read_version(root: DataRoot, version: str) -> World:
    return {path.name: path.read_bytes() for path in root.path("datasets", "demo", version).iterdir()}
