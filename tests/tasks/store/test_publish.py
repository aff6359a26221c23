import os
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, TypeVar

import pandas as pd
import pytest

from schemas.calls import LedgerRow
from schemas.episodes import Kind
from schemas.errors import UserError
from schemas.instance import ApiRow, Instance
from schemas.manifest import DatasetRef
from tasks.store.parquet import content_hash_of_rows, read_column, read_table
from tasks.store.publish import publish_dataset, read_manifest
from tasks.store.root import DataRoot
from tasks.store.versions import list_versions, next_version, read_latest, resolve_dataset
from tests.tasks.store.samples import (
    CREATED_AT,
    WORLDS,
    build_content,
    build_facts,
    build_ledger,
    build_row,
    build_rows,
    build_sample_content,
    build_toolset,
)

T = TypeVar("T")

FILES = {
    "train.parquet", "test.parquet", "rejected.parquet", "toolset.parquet", "calls.parquet",
    "README.md", "report.html", "manifest.json",
}  # fmt: skip


def publish(root: DataRoot, version: str | None = None, **facts: object) -> DatasetRef:
    return publish_dataset(root, "demo", version, build_sample_content(), build_facts(**facts))


@pytest.fixture(params=["folder", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> DataRoot:
    return DataRoot(str(tmp_path / "data") if request.param == "folder" else f"memory://{tmp_path.name}")


def test_a_dataset_has_all_its_files_and_is_the_latest(root: DataRoot) -> None:
    ref = publish(root)
    folder = resolve_dataset(root, "demo")
    assert str(folder) == ref.path
    assert {file.name for file in folder.iterdir()} == FILES
    assert (ref.version, read_latest(root, "demo"), list_versions(root, "demo")) == ("v1", "v1", ("v1",))
    assert {path.name for path in folder.parent.iterdir()} == {"v1", "latest"}


def test_a_partial_dataset_is_the_latest_only_where_there_is_no_complete_one(root: DataRoot) -> None:
    publish(root, unfinished_apis=7)
    assert read_latest(root, "demo") == "v1"
    publish(root)
    publish(root, unfinished_apis=3)
    assert list_versions(root, "demo") == ("v1", "v2", "v3")
    assert read_latest(root, "demo") == "v2"


def test_train_and_test_share_no_api_and_hold_accepted_rows_only(root: DataRoot) -> None:
    publish(root)
    folder = resolve_dataset(root, "demo")
    train, test, rejected = (list(read_table(folder / f"{s}.parquet", Instance)) for s in ("train", "test", "rejected"))
    assert {row.api_id for row in test}
    assert not {row.api_id for row in test} & {row.api_id for row in train}
    assert all(row.accepted for row in train + test)
    assert all(row.reasons and not row.accepted for row in rejected)
    assert sorted([*train, *test, *rejected], key=lambda r: r.id) == sorted(build_rows(), key=lambda r: r.id)


def test_the_manifest_says_what_the_files_hold(root: DataRoot) -> None:
    ref = publish(root)
    manifest = read_manifest(resolve_dataset(root, "demo"))
    assert manifest.tables["train.parquet"].content_hash == ref.content_hash
    assert manifest.reasons == {"ungrounded_argument": 2, "near_duplicate": 1}
    assert (manifest.statistics.apis, manifest.statistics.functions_per_api) == (4, 2.0)
    assert ref.counts == {name: table.rows for name, table in manifest.tables.items()}


def test_a_rejected_api_is_a_row_with_its_problems(root: DataRoot) -> None:
    publish(root)
    apis = {api.api_id: api for api in read_table(resolve_dataset(root, "demo") / "toolset.parquet", ApiRow)}
    assert (apis["broken"].accepted, apis["broken"].rejected_at) == (False, "specify")
    assert "reference loop" in apis["broken"].reasons[0]
    assert apis["open-trails"].num_functions == 2


def test_two_runs_with_one_seed_have_one_content_hash(root: DataRoot) -> None:
    first, second = publish(root), publish(root)
    assert (first.version, second.version) == ("v1", "v2")
    assert first.content_hash == second.content_hash


def test_an_existing_version_is_refused_in_one_line(root: DataRoot) -> None:
    publish(root, "v1")
    with pytest.raises(UserError, match="already has a version v1"):
        publish(root, "v1")


def test_rows_lie_by_id_and_apis_and_calls_by_api(root: DataRoot) -> None:
    publish(root)
    folder = resolve_dataset(root, "demo")
    for table in ("train", "test", "rejected"):
        ids = list(read_column(folder / f"{table}.parquet", "id"))
        assert ids
        assert ids == sorted(ids)
    apis = list(read_column(folder / "toolset.parquet", "api_id"))
    assert apis == sorted([*(world[0] for world in WORLDS), "broken"])
    calls = list(read_table(folder / "calls.parquet", LedgerRow))
    assert [(call.api_id, call.owner) for call in calls] == sorted((row.api_id, row.id) for row in build_rows())


def test_tables_have_the_content_hashes_of_their_rows(root: DataRoot) -> None:
    publish(root)
    folder, rows = resolve_dataset(root, "demo"), build_rows()
    tables = read_manifest(folder).tables
    test_apis = set(read_manifest(folder).test_apis)
    kept = [row for row in rows if row.accepted]
    for name, held in (
        ("train.parquet", [row for row in kept if row.api_id not in test_apis]),
        ("test.parquet", [row for row in kept if row.api_id in test_apis]),
        ("rejected.parquet", [row for row in rows if not row.accepted]),
        ("calls.parquet", build_ledger(rows)),
    ):
        assert (tables[name].content_hash, tables[name].rows) == (content_hash_of_rows(held), len(held))


def test_rows_are_taken_when_it_is_their_turn_and_let_go(tmp_path: Path) -> None:
    alive: weakref.WeakSet[Instance] = weakref.WeakSet()
    most = 0
    rows = [build_row(kind, 0, n) for n in range(50) for kind in Kind]

    def make_rows() -> Iterator[Instance]:
        nonlocal most
        for row in sorted(rows, key=lambda row: row.id):
            made = row.model_copy()
            alive.add(made)
            most = max(most, len(alive))
            yield made

    content = replace(build_content(rows, [build_toolset()]), rows=make_rows())
    ref = publish_dataset(DataRoot(str(tmp_path)), "demo", None, content, build_facts())
    assert ref.counts["train.parquet"] == 250
    assert most <= 3


def test_the_newest_version_is_returned_if_it_holds_the_same_instances(root: DataRoot) -> None:
    first = publish(root)
    newest = read_manifest(resolve_dataset(root, "demo"))
    later = build_facts(recipe_hash="another", created_at=CREATED_AT.replace(year=2027))
    same = publish_dataset(root, "demo", None, build_sample_content(), later, newest=newest)
    assert same == first
    assert {path.name for path in root.path("datasets", "demo").iterdir()} == {"v1", "latest"}

    fewer = publish_dataset(root, "demo", None, build_content(build_rows()[1:]), later, newest=newest)
    other_seed = publish_dataset(root, "demo", None, build_sample_content(), build_facts(seed=1), newest=newest)
    assert (fewer.version, other_seed.version) == ("v2", "v3")


@pytest.mark.parametrize("version", ["V1", "../up", ".x", "a" * 65, "latest"])
def test_a_bad_version_is_refused(root: DataRoot, version: str) -> None:
    with pytest.raises(UserError, match="no dataset version"):
        publish(root, version)


def test_nothing_is_left_when_writing_fails(root: DataRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tasks.store.publish.render_report", fail)
    with pytest.raises(OSError, match="No space"):
        publish(root)
    assert_nothing_is_there(root)


def test_nothing_is_left_when_a_row_or_an_api_cannot_be_read(root: DataRoot) -> None:
    def break_off(items: Iterable[T]) -> Iterator[T]:
        yield next(iter(items))
        raise FileNotFoundError("it is gone")

    content = build_sample_content()
    for broken in (
        replace(content, rows=break_off(content.rows)),
        replace(build_sample_content(), apis=break_off(content.apis)),
    ):
        with pytest.raises(FileNotFoundError, match="it is gone"):
            publish_dataset(root, "demo", None, broken, build_facts())
        assert_nothing_is_there(root)


def test_nothing_is_left_when_an_object_store_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = DataRoot(f"memory://{tmp_path.name}")
    copied: list[str] = []

    def copy(source: IO[bytes], target: IO[bytes], *_: object) -> None:
        if len(copied) == 3:
            raise OSError(5, "Input/output error")
        copied.append("file")
        target.write(source.read())

    monkeypatch.setattr("tasks.store.publish.shutil.copyfileobj", copy)
    with pytest.raises(OSError, match="Input/output"):
        publish(root)
    assert len(copied) == 3
    assert_nothing_is_there(root)


def assert_nothing_is_there(root: DataRoot) -> None:
    assert list_versions(root, "demo") == ()
    folder = root.path("datasets", "demo")
    assert not folder.exists() or list(folder.iterdir()) == []


def test_versions_count_upwards_and_skip_what_is_incomplete(tmp_path: Path) -> None:
    root = DataRoot(str(tmp_path))
    for version, complete in (("v2", True), ("v10", True), ("v11", False), ("named", True)):
        folder = tmp_path / "datasets" / "demo" / version
        folder.mkdir(parents=True)
        if complete:
            (folder / "manifest.json").write_text("{}")
    assert list_versions(root, "demo") == ("v2", "v10", "named")
    assert next_version(root, "demo") == "v12"
    assert next_version(root, "other") == "v1"


def test_a_dataset_is_found_by_name_by_version_and_by_path(tmp_path: Path) -> None:
    root = DataRoot(str(tmp_path))
    publish(root)
    publish(root)
    paths = [str(resolve_dataset(root, *given)) for given in (("demo",), ("demo", "v2"), ("demo/v2",))]
    assert paths == [str(tmp_path / "datasets/demo/v2")] * 3
    assert str(resolve_dataset(root, str(tmp_path / "datasets/demo/v1"))) == str(tmp_path / "datasets/demo/v1")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("nothing", "there is: demo"),
        ("demo/v9", "it has: v1"),
        ("/no/such/place", "neither a dataset's name"),
        ("odd://x", "no dataset at"),
    ],
)
def test_a_dataset_that_is_not_there_gets_one_line(tmp_path: Path, name: str, line: str) -> None:
    root = DataRoot(str(tmp_path))
    publish(root)
    with pytest.raises(UserError, match=line):
        resolve_dataset(root, name)


def test_pandas_and_datasets_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    folder = Path(publish(DataRoot(str(tmp_path / "data"))).path)
    files = {split: str(folder / f"{split}.parquet") for split in ("train", "test")}
    loaded = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "hf"))
    frame = pd.read_parquet(folder / "train.parquet")
    assert list(frame["id"]) == loaded["train"]["id"][:]
    assert loaded["train"].column_names == list(frame.columns)
    calls = [c["arguments"] for m in loaded["train"][0]["messages"] for c in m["tool_calls"]]
    assert calls == [c["arguments"] for m in frame.iloc[0]["messages"] for c in m["tool_calls"]]


def test_temporary_folders_are_not_versions(tmp_path: Path) -> None:
    root = DataRoot(str(tmp_path))
    os.makedirs(tmp_path / "datasets" / "demo" / ".v1.abcd.tmp")
    (tmp_path / "datasets" / "demo" / ".v1.abcd.tmp" / "manifest.json").write_text("{}")
    assert (list_versions(root, "demo"), next_version(root, "demo")) == ((), "v1")
