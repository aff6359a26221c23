"""Which dataset is trained on, and its rows as a local file wherever they lie."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from upath import UPath

from schemas.episodes import Kind
from schemas.errors import UserError
from schemas.instance import Instance
from schemas.models import TrainingSet
from schemas.reasons import Reason
from tasks.datasets import (
    DataRoot,
    content_hash_of_rows,
    fetch_train_file,
    find_training_set,
    publish_dataset,
    read_table,
)
from tests.tasks.datasets.samples import CREATED_AT, build_content, build_facts, build_row, build_sample_content


@pytest.fixture(params=["folder", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> DataRoot:
    return DataRoot(str(tmp_path) if request.param == "folder" else f"memory://{tmp_path.name}")


def publish(root: DataRoot, name: str, days: int) -> None:
    facts = build_facts(created_at=CREATED_AT + timedelta(days=days))
    publish_dataset(root, name, None, build_sample_content(), facts)


def test_without_a_name_it_is_the_newest_of_all(root: DataRoot) -> None:
    assert find_training_set(root, "") is None
    publish(root, "old", 0)
    publish(root, "new", 5)
    publish(root, "middle", 3)
    found = find_training_set(root, "")
    assert found is not None
    assert (found.name, found.version) == ("new", "v1")


def test_the_newest_of_all_is_a_latest_version_and_no_older_one_of_its_name(root: DataRoot) -> None:
    publish(root, "one", 9)
    publish(root, "two", 3)
    publish(root, "one", 1)
    found = find_training_set(root, "")
    assert found is not None
    assert (found.name, found.version) == ("two", "v1")


def test_a_dataset_without_rows_to_train_on_is_bad_input(root: DataRoot) -> None:
    content = build_content([build_row(Kind.NO_TOOL, 0, 1, Reason.PLACEHOLDER)])
    publish_dataset(root, "demo", None, content, build_facts())
    with pytest.raises(UserError, match=r"dataset demo v1 has no accepted rows in train.parquet: name another"):
        find_training_set(root, "demo")


def test_it_is_known_by_what_its_manifest_says(root: DataRoot) -> None:
    facts = build_facts(teacher="gpt-x", executor="live", recipe_hash="r")
    publish_dataset(root, "demo", "mine", build_sample_content(), facts)
    found = find_training_set(root, "demo")
    folder = root.path("datasets", "demo", "mine")
    assert found == TrainingSet(
        name="demo", version="mine", path=str(folder), teacher="gpt-x", executor="live", recipe_hash="r", rows=15,
        content_hash=content_hash_of_rows(read_table(folder / "train.parquet", Instance)),
        sha256=hashlib.sha256((folder / "train.parquet").read_bytes()).hexdigest(),
    )  # fmt: skip


def test_it_is_found_by_name_version_and_place_and_known_by_its_hashes(root: DataRoot) -> None:
    publish(root, "demo", 0)
    found = find_training_set(root, "demo")
    assert found is not None
    assert found == find_training_set(root, "demo/v1") == find_training_set(root, found.path)
    rows = list(read_table(UPath(found.path) / "train.parquet", Instance))
    assert found.rows == len(rows)
    assert found.content_hash == content_hash_of_rows(rows)


def test_its_rows_come_as_a_local_file_that_is_gone_at_the_end(root: DataRoot) -> None:
    publish(root, "demo", 0)
    found = find_training_set(root, "demo")
    assert found is not None
    with fetch_train_file(found) as path:
        assert isinstance(path, Path)
        assert path.name == "train.parquet"
        assert hashlib.sha256(path.read_bytes()).hexdigest() == found.sha256
    assert not path.exists()


def test_rows_that_are_gone_are_bad_input(root: DataRoot) -> None:
    publish(root, "demo", 0)
    found = find_training_set(root, "demo")
    assert found is not None
    (UPath(found.path) / "train.parquet").unlink()
    with (
        pytest.raises(UserError, match=r"demo/v1/train.parquet is gone: publish the dataset again"),
        fetch_train_file(found),
    ):
        pytest.fail("it was found")


def swap_rows(folder: str, change: Callable[[pa.Table], pa.Table], **told: Any) -> None:
    """Other rows in place of a dataset's, and a manifest that was written for them."""
    path, manifest = UPath(folder) / "train.parquet", UPath(folder) / "manifest.json"
    with path.open("rb") as file:
        table = change(pq.read_table(file))
    with path.open("wb") as file:
        pq.write_table(table, file)
    written = json.loads(manifest.read_bytes())
    data = path.read_bytes()
    written["tables"]["train.parquet"] |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), **told}
    manifest.write_bytes(json.dumps(written).encode())


def test_rows_that_were_swapped_are_bad_input_before_anything_is_started(root: DataRoot) -> None:
    publish(root, "demo", 0)
    path = root.path("datasets", "demo", "v1", "train.parquet")
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"x" + content[101:])
    for name in ("", "demo", "demo/v1", str(path.parent)):
        with pytest.raises(UserError, match=r"v1/train\.parquet is not the file that manifest\.json was written for"):
            find_training_set(root, name)


def test_rows_that_were_swapped_after_they_were_found_are_never_trained_on(root: DataRoot) -> None:
    publish(root, "demo", 0)
    found = find_training_set(root, "demo")
    assert found is not None
    swap_rows(found.path, lambda table: table.slice(0, 1), rows=1)
    with (
        pytest.raises(UserError, match=r"v1/train\.parquet is not the file that manifest\.json was written for"),
        fetch_train_file(found),
    ):
        pytest.fail("it was taken")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table.drop_columns(["tools"]), r"tools is missing\.$"),
        (lambda table: table.append_column("more", pa.nulls(len(table))), "more is none of them"),
        (
            lambda table: table.set_column(0, "id", pa.array(range(len(table)))),
            r"columns are not those of a dataset: id is int64 and not string\.$",
        ),
        (lambda table: table.set_column(0, "messages", table["messages"]), "id is missing; messages is none of them"),
        (lambda table: table.slice(0, 3), "has 3 rows, and its manifest says 15: take another dataset"),
    ],
    ids=["a column less", "one more", "another type", "one twice", "fewer rows"],
)
def test_rows_of_another_form_are_bad_input_whatever_their_hash(
    root: DataRoot, change: Callable[[pa.Table], pa.Table], said: str
) -> None:
    publish(root, "demo", 0)
    folder = str(root.path("datasets", "demo", "v1"))
    swap_rows(folder, lambda table: table)
    assert find_training_set(root, "demo") is not None
    swap_rows(folder, change)
    with pytest.raises(UserError, match=f"{folder}.*{said}"):
        find_training_set(root, "demo")


def test_a_file_that_is_no_parquet_is_bad_input_whatever_its_hash(root: DataRoot) -> None:
    publish(root, "demo", 0)
    folder = root.path("datasets", "demo", "v1")
    (folder / "train.parquet").write_bytes(b"PAR1" + b"\xff" * 40 + b"PAR1")
    told = json.loads((folder / "manifest.json").read_bytes())
    data = (folder / "train.parquet").read_bytes()
    told["tables"]["train.parquet"] |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (folder / "manifest.json").write_bytes(json.dumps(told).encode())
    with pytest.raises(UserError, match=r"train\.parquet cannot be read as Parquet: "):
        find_training_set(root, "demo")


def test_a_folder_whose_name_is_none_is_no_dataset(root: DataRoot) -> None:
    publish(root, "demo", 0)
    manifest = root.path("datasets", "demo", "v1", "manifest.json").read_bytes()
    for name in ("Not A Name", "x`y"):
        root.write_bytes(root.path("datasets", name, "v1", "manifest.json"), manifest)
        root.write_bytes(root.path("datasets", "demo", name, "manifest.json"), manifest)
    found = find_training_set(root, "")
    assert found is not None
    assert (found.name, found.version) == ("demo", "v1")


def test_an_unknown_dataset_names_those_there_are(root: DataRoot) -> None:
    publish(root, "demo", 0)
    with pytest.raises(UserError, match=r"no dataset 'other' in .*there is: demo"):
        find_training_set(root, "other")
