"""Which dataset is trained on, and its rows as a local file wherever they lie."""

import hashlib
from datetime import timedelta
from pathlib import Path

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


def test_its_rows_come_as_a_local_file(root: DataRoot) -> None:
    publish(root, "demo", 0)
    found = find_training_set(root, "demo")
    assert found is not None
    with fetch_train_file(found) as path:
        assert isinstance(path, Path)
        assert path.name == "train.parquet"
        assert hashlib.sha256(path.read_bytes()).hexdigest() == found.sha256
        assert (str(path) == f"{found.path}/train.parquet") == root.is_local
    assert path.exists() == root.is_local


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


def test_an_unknown_dataset_names_those_there_are(root: DataRoot) -> None:
    publish(root, "demo", 0)
    with pytest.raises(UserError, match=r"no dataset 'other' in .*there is: demo"):
        find_training_set(root, "other")
