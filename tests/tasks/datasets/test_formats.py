"""Datasets of every format there was are read; one of a newer format is turned down in a line that says what to do."""

import json
from pathlib import Path

import pytest
from upath import UPath

from schemas.errors import UserError
from schemas.instance import ApiRow, Instance
from schemas.manifest import FORMAT
from tasks.datasets import (
    EXPORT_FORMATS,
    DataRoot,
    content_hash_of_rows,
    export_dataset,
    fetch_train_file,
    find_training_set,
    read_manifest,
    read_table,
    require_readable,
)
from tests.kept_formats import list_contents, list_datasets, place

NEWER = FORMAT + 1
DATASETS = pytest.mark.parametrize("dataset", list_datasets(), ids=lambda path: path.name)


def test_a_dataset_of_each_format_is_kept() -> None:
    assert [path.name for path in list_datasets()] == [f"dataset-{number}" for number in range(1, FORMAT + 1)]
    written = [json.loads((path / "manifest.json").read_text())["format"] for path in list_datasets()]
    assert written == list(range(1, FORMAT + 1))


@DATASETS
def test_its_rows_are_what_its_manifest_says(dataset: Path, tmp_path: Path) -> None:
    folder = DataRoot(str(place(dataset, tmp_path).parent)).path("v1")
    tables = read_manifest(folder).tables
    for name in ("train.parquet", "test.parquet", "rejected.parquet"):
        rows = list(read_table(folder / name, Instance))
        assert (len(rows), content_hash_of_rows(rows)) == (tables[name].rows, tables[name].content_hash)
    assert len(list(read_table(folder / "toolset.parquet", ApiRow))) == tables["toolset.parquet"].rows > 0


@DATASETS
def test_it_can_be_trained_on(dataset: Path, tmp_path: Path) -> None:
    place(dataset, tmp_path)
    found = find_training_set(DataRoot(str(tmp_path)), "")
    assert found is not None
    assert (found.name, found.version) == ("demo", "v1")
    with fetch_train_file(found) as path:
        assert len(list(read_table(UPath(path), Instance))) == found.rows > 0


@DATASETS
def test_it_can_be_exported_in_every_form(dataset: Path, tmp_path: Path) -> None:
    folder = place(dataset, tmp_path)
    rows = {(file.format, file.split): file.rows for file in export_dataset(folder, tmp_path / "out")}
    accepted = read_manifest(DataRoot(str(folder.parent)).path("v1")).tables["train.parquet"].rows
    assert {rows[name, "train"] for name in EXPORT_FORMATS if name != "xlam"} == {accepted}
    assert rows["xlam", "train"] > 0


def test_a_manifest_that_says_no_format_is_of_the_first(tmp_path: Path) -> None:
    path = place(list_datasets()[0], tmp_path) / "manifest.json"
    told = json.loads(path.read_text())
    del told["format"]
    path.write_text(json.dumps(told))
    assert read_manifest(DataRoot(str(path.parent.parent)).path("v1")).format == 1


def test_one_of_a_newer_format_is_turned_down_and_nothing_is_written(tmp_path: Path) -> None:
    folder = place(list_datasets()[-1], tmp_path / "data", NEWER)
    before, root = list_contents(tmp_path), DataRoot(str(tmp_path / "data"))
    told = rf"v1/manifest\.json is a dataset of format {NEWER}, and this ToolHerd reads formats up to {FORMAT}: install"
    for use in (
        lambda: find_training_set(root, ""),
        lambda: find_training_set(root, "demo/v1"),
        lambda: find_training_set(root, str(folder)),
        lambda: export_dataset(folder, tmp_path / "out"),
        lambda: require_readable(root, "demo"),
    ):
        with pytest.raises(UserError, match=told):
            use()
    assert list_contents(tmp_path) == before


def test_only_the_versions_that_a_new_one_is_compared_with_must_be_readable(tmp_path: Path) -> None:
    root = DataRoot(str(tmp_path))
    require_readable(root, "demo")
    newer = place(list_datasets()[-1], tmp_path, NEWER)
    place(list_datasets()[-1], tmp_path / "other")
    (tmp_path / "other" / "datasets" / "demo" / "v1").rename(newer.parent / "v2")
    (newer.parent / "latest").write_text("v2\n")
    require_readable(root, "demo")
    (newer.parent / "latest").write_text("v1\n")
    with pytest.raises(UserError, match="install a newer ToolHerd"):
        require_readable(root, "demo")
    (newer.parent / "latest").write_text("v2\n")
    newer.rename(newer.parent / "v3")
    with pytest.raises(UserError, match="install a newer ToolHerd"):
        require_readable(root, "demo")
