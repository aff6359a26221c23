import hashlib
import importlib.metadata
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn, TypeVar

import pandas as pd
import pytest

from schemas.calls import LedgerRow
from schemas.episodes import Kind
from schemas.errors import UserError
from schemas.instance import ApiRow, Instance
from schemas.manifest import DatasetRef
from schemas.reasons import Reason
from tasks.datasets.manifests import read_manifest
from tasks.datasets.parquet import content_hash_of_rows, read_column, read_table
from tasks.datasets.publish import publish_dataset, read_code_version
from tasks.datasets.root import DataRoot
from tasks.datasets.split import choose_test_apis
from tasks.datasets.versions import list_versions, read_latest, resolve_dataset
from tests.tasks.datasets.samples import (
    CREATED_AT,
    WORLDS,
    build_content,
    build_facts,
    build_ledger,
    build_ledger_row,
    build_row,
    build_rows,
    build_sample_content,
    build_toolset,
    build_toolsets,
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


def test_a_partial_dataset_is_the_latest_after_another_partial_one(root: DataRoot) -> None:
    publish(root, unfinished_apis=7)
    publish(root, unfinished_apis=3)
    assert root.path("datasets", "demo", "latest").read_text() == "v2\n"


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


def test_an_existing_version_is_refused_before_any_row_is_made(root: DataRoot) -> None:
    def make_rows() -> Iterator[Instance]:
        pytest.fail("a row was made")
        yield build_row()

    publish(root, "v1")
    with pytest.raises(UserError, match="already has a version v1"):
        publish_dataset(root, "demo", "v1", replace(build_sample_content(), rows=make_rows()), build_facts())


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


def change(rows: Sequence[Instance], chosen: Callable[[Instance], bool]) -> list[Instance]:
    """The rows with another instruction in the first that is chosen."""
    one = next(row for row in rows if chosen(row))
    return [row.model_copy(update={"instruction": "Another."}) if row is one else row for row in rows]


def test_a_dataset_is_the_same_if_train_test_and_rejected_are_and_it_is_as_complete(tmp_path: Path) -> None:
    root = DataRoot(str(tmp_path))
    rows, toolsets = build_rows(), build_toolsets()
    publish_dataset(root, "demo", None, build_content(rows, toolsets), build_facts())
    newest = read_manifest(resolve_dataset(root, "demo"))
    (test_api,) = newest.test_apis

    def publish_again(rows: Sequence[Instance], **facts: object) -> str:
        content = build_content(rows, toolsets, [], build_ledger(rows))
        return publish_dataset(root, "demo", None, content, build_facts(**facts), newest=newest).version

    assert publish_again(rows) == "v1"  # other calls led to them
    assert publish_again(change(rows, lambda row: row.accepted and row.api_id != test_api)) == "v2"
    assert publish_again(change(rows, lambda row: row.accepted and row.api_id == test_api)) == "v3"
    assert publish_again(change(rows, lambda row: not row.accepted)) == "v4"
    assert publish_again(rows, unfinished_apis=1) == "v5"
    assert publish_again(rows, seed=1) == "v6"


def test_the_test_set_is_chosen_from_apis_with_accepted_rows_by_seed(tmp_path: Path) -> None:
    root = DataRoot(str(tmp_path))
    rows = [*build_rows(), build_row(Kind.SINGLE_CALL, 0, 95, Reason.PLACEHOLDER)]
    rows = [row for row in rows if row.api_id != "recipe-box"]
    rows += [build_row(Kind.SINGLE_CALL, 3, n, Reason.PLACEHOLDER) for n in range(3)]  # none of recipe-box is accepted
    categories = {world[0]: world[2] for world in WORLDS[:3]}
    seen = set()
    for seed in range(6):
        content = build_content(rows, build_toolsets())
        ref = publish_dataset(root, "demo", None, content, build_facts(seed=seed), test_apis=2)
        manifest = read_manifest(resolve_dataset(root, "demo", ref.version))
        assert manifest.test_apis == tuple(sorted(choose_test_apis(categories, 2, seed)))
        seen.add(manifest.test_apis)
    assert len(seen) > 1


def test_a_tenth_of_the_apis_is_the_test_set_if_nothing_is_said(tmp_path: Path) -> None:
    rows = [build_row().model_copy(update={"id": f"{n:02}", "api_id": f"api-{n:02}"}) for n in range(50)]
    publish_dataset(DataRoot(str(tmp_path)), "demo", None, build_content(rows), build_facts())
    assert len(read_manifest(resolve_dataset(DataRoot(str(tmp_path)), "demo")).test_apis) == 5


def test_the_manifest_holds_the_figures_in_print(root: DataRoot) -> None:
    rows = build_rows()
    calls = [build_ledger_row(row.id, row.api_id, prompt_tokens=1000 + n, completion_tokens=n, cost_usd=0.001)
             for n, row in enumerate(rows)]  # fmt: skip
    publish_dataset(root, "demo", "mine", build_content(rows, build_toolsets(), (), calls), build_facts(seed=3))
    manifest = read_manifest(resolve_dataset(root, "demo/mine"))
    assert (manifest.name, manifest.version, manifest.facts) == ("demo", "mine", build_facts(seed=3))
    text = (resolve_dataset(root, "demo/mine") / "manifest.json").read_text()
    assert text.startswith('{\n  "format": 1,\n')
    assert (manifest.input_tokens, manifest.output_tokens) == (23_000 + 253, 253)  # 0 to 22 make 253
    assert manifest.cost_usd == 0.023
    assert list(manifest.kinds.items()) == [(kind, 4) for kind in sorted(kind.value for kind in Kind)]
    assert manifest.statistics.instances == 20
    assert {name: (table.bytes, table.sha256) for name, table in manifest.tables.items()} == {
        path.name: (len(data := path.read_bytes()), hashlib.sha256(data).hexdigest())
        for path in resolve_dataset(root, "demo").iterdir()
        if path.name.endswith(".parquet")
    }


def test_a_reference_says_where_a_dataset_lies_and_what_it_holds(root: DataRoot) -> None:
    ref = publish(root)
    assert (ref.name, ref.version, ref.path) == ("demo", "v1", str(root.path("datasets", "demo", "v1")))
    assert ref.counts == {"train.parquet": 15, "test.parquet": 5, "rejected.parquet": 3, "toolset.parquet": 5,
                          "calls.parquet": 23}  # fmt: skip


def test_a_folder_without_a_manifest_is_no_complete_dataset(root: DataRoot) -> None:
    publish(root)
    folder = resolve_dataset(root, "demo")
    (folder / "manifest.json").unlink()
    with pytest.raises(UserError, match=f"{folder.name} is no complete dataset: it has no manifest.json"):
        read_manifest(folder)


def test_the_version_of_the_code_is_the_installed_one_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_code_version() == importlib.metadata.version("toolherd")

    def find_none(name: str) -> NoReturn:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", find_none)
    assert read_code_version() == ""


@pytest.mark.parametrize("name", ["Demo", "../up", "latest"])
def test_a_bad_name_is_refused(root: DataRoot, name: str) -> None:
    with pytest.raises(UserError, match="no dataset name"):
        publish_dataset(root, name, None, build_sample_content(), build_facts())
    assert not root.path("datasets").exists()


@pytest.mark.parametrize("version", ["V1", "../up", ".x", "a" * 65, "latest"])
def test_a_bad_version_is_refused(root: DataRoot, version: str) -> None:
    with pytest.raises(UserError, match="no dataset version"):
        publish(root, version)


def test_nothing_is_left_when_writing_fails(root: DataRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tasks.datasets.publish.render_report", fail)
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


def assert_nothing_is_there(root: DataRoot) -> None:
    assert list_versions(root, "demo") == ()
    folder = root.path("datasets", "demo")
    assert not folder.exists() or list(folder.iterdir()) == []


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
