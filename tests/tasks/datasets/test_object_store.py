"""Publishing to an object store, which has no rename: the manifest completes a version, and only then is it named."""

import tempfile
from pathlib import Path

import pytest

from schemas.manifest import DatasetRef
from tasks.datasets.publish import publish_dataset
from tasks.datasets.root import DataRoot
from tasks.datasets.versions import list_versions, read_latest
from tests.tasks.datasets.object_store import ObjectStore
from tests.tasks.datasets.samples import build_content, build_facts, build_row, build_toolset

FILES = (
    "README.md", "calls.parquet", "rejected.parquet", "report.html", "test.parquet", "toolset.parquet",
    "train.parquet", "manifest.json",
)  # fmt: skip


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    return ObjectStore(monkeypatch)


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return DataRoot(f"memory://{tmp_path.name}")


def publish(root: DataRoot, version: str | None = None) -> DatasetRef:
    return publish_dataset(root, "demo", version, build_content([build_row()], [build_toolset()]), build_facts())


def name(root: DataRoot, *parts: str) -> str:
    return "/".join([root.base.path.strip("/"), "datasets/demo", *parts])


def list_contents(root: DataRoot) -> dict[str, bytes]:
    return {path.path: path.read_bytes() for path in root.path("datasets", "demo").rglob("*") if path.is_file()}


def test_the_manifest_is_written_when_all_else_is_there_and_then_the_latest(root: DataRoot, store: ObjectStore) -> None:
    publish(root)
    steps = [f"{word} {name(root, 'v1', file)}" for file in FILES for word in ("write", "finish")]
    done = [step for step in store.steps if not step.startswith("mkdir ")]
    assert done[: len(steps)] == steps
    assert done[len(steps)] == f"write {name(root, 'latest')}"
    assert not [step for step in done if step.startswith("remove ")]


def test_a_store_that_has_folders_gets_those_above_a_file_first(root: DataRoot, store: ObjectStore) -> None:
    publish(root)
    made = [
        step.removeprefix("mkdir ") for step in store.steps[: store.steps.index(f"write {name(root, 'v1', FILES[0])}")]
    ]
    assert {name(root, "v1"), name(root)} <= set(made)
    store.steps.clear()
    root.write_bytes(root.path("a", "b", "c"), b"1")
    base = root.base.path.strip("/")
    assert {step for step in store.steps if step.startswith("mkdir ")} >= {f"mkdir {base}/a", f"mkdir {base}/a/b"}
    assert store.steps[-1].endswith(f" {base}/a/b/c")


def test_a_store_that_takes_no_folder_is_told_as_it_says_so(root: DataRoot, store: ObjectStore) -> None:
    def refuse(step: str) -> None:
        if step.startswith("mkdir "):
            raise OSError(5, "Input/output error")

    store.before = refuse
    with pytest.raises(OSError, match="Input/output"):
        publish(root)
    assert not root.path("datasets").exists()


@pytest.mark.parametrize("word", ["write", "finish"])
@pytest.mark.parametrize("file", ["README.md", "toolset.parquet", "manifest.json"])
def test_an_upload_that_is_broken_off_leaves_nothing_of_the_version(
    root: DataRoot, store: ObjectStore, word: str, file: str
) -> None:
    publish(root)
    before = list_contents(root)

    def refuse(step: str) -> None:
        if step == f"{word} {name(root, 'v2', file)}":
            store.before = lambda step: None
            raise KeyboardInterrupt

    store.before = refuse
    with pytest.raises(KeyboardInterrupt):
        publish(root)
    assert list_contents(root) == before
    assert list_versions(root, "demo") == ("v1",)
    assert not root.path("datasets", "demo", "v2").exists()


def test_nothing_is_left_where_the_version_was_written_first(
    root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    publish(root)
    assert list(tmp_path.iterdir()) == []


def test_a_version_whose_name_cannot_be_told_is_complete_all_the_same(root: DataRoot, store: ObjectStore) -> None:
    publish(root)

    def refuse(step: str) -> None:
        if step == f"write {name(root, 'latest')}":
            raise OSError(5, "Input/output error")

    store.before = refuse
    with pytest.raises(OSError, match="Input/output"):
        publish(root)
    assert list_versions(root, "demo") == ("v1", "v2")
    assert read_latest(root, "demo") == "v1"
