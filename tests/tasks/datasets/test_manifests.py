"""A dataset of somebody else is taken by our own rules: what its manifest may say, and that its tables are its own."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from schemas.errors import UserError
from tasks.datasets import DataRoot, publish_dataset
from tasks.datasets.manifests import MAX_MANIFEST_BYTES, copy_tables, is_unchanged, read_manifest, require_unchanged
from tests.tasks.datasets.samples import build_facts, build_sample_content

Told = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A dataset that is as it was published."""
    root = DataRoot(str(tmp_path / "data"))
    return Path(publish_dataset(root, "demo", None, build_sample_content(), build_facts()).path)


def rewrite(folder: Path, change: Callable[[Told], object]) -> UPath:
    path = folder / "manifest.json"
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))
    return UPath(folder)


def put(*keys: str, value: Any) -> Callable[[Told], None]:
    def change(told: Told) -> None:
        for key in keys[:-1]:
            told = told[key]
        told[keys[-1]] = value

    return change


TRAIN = ("tables", "train.parquet")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("name", value="../../etc"), "'../../etc' is no dataset name"),
        (put("name", value="x\x1b[31m"), r"'x\x1b[31m' is no dataset name"),
        (put("name", value="a" * 65), "is no dataset name"),
        (put("name", value="<img src=x onerror=alert(1)>"), "is no dataset name"),
        (put("version", value="v1/../../x"), "is no dataset version"),
        (put("version", value="latest"), "is no dataset version"),
        (put("tables", "../../secret.parquet", value={}), "tables.../../secret.parquet.rows: Field required"),
        (lambda told: told["tables"].update({"../x.parquet": told["tables"]["train.parquet"]}), "its tables are not"),
        (lambda told: told["tables"].pop("train.parquet"), "its tables are not"),
        (put(*TRAIN, "sha256", value="A" * 64), "tables.train.parquet: a hash is none"),
        (put(*TRAIN, "content_hash", value="ab"), "tables.train.parquet: a hash is none"),
        (put(*TRAIN, "rows", value=-1), "tables.train.parquet: rows or bytes are out of range"),
        (put(*TRAIN, "bytes", value=10**30), "tables.train.parquet: rows or bytes are out of range"),
        (put(*TRAIN, "rows", value="many"), "tables.train.parquet.rows: Input should be a valid integer"),
        (put("reasons", value={"`x`": 1}), "reasons: '`x`' is none"),
        (put("reasons", value={"placeholder": -1}), "reasons: 'placeholder' is none"),
        (put("facts", "created_at", value="2026-03-04T05:06:07"), "facts.created_at has no time zone"),
        (put("facts", "created_at", value="yesterday"), "facts.created_at: Input should be a valid datetime"),
        (put("more\x1b[2J\n", value=1), "more [2J : Extra inputs are not permitted"),
        (put("format", value="1"), "it says no format"),
        (put("format", value=True), "it says no format"),
        (put("format", value=0), "it says no format"),
        (put("format", value=None), "it says no format"),
    ],
)
def test_a_manifest_that_no_toolherd_wrote_is_turned_down_in_one_line(
    folder: Path, change: Callable[[Told], object], said: str
) -> None:
    with pytest.raises(UserError) as caught:
        read_manifest(rewrite(folder, change))
    line = str(caught.value)
    assert line.startswith(f"{folder / 'manifest.json'} is no manifest of a dataset: ")
    assert said in line
    assert line.isprintable()
    assert len(line) < len(str(folder)) + 300


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"{", b"[" * 100_000, b'{"format": ' + b"9" * 5000 + b"}", b"NaN"],
    ids=["empty", "list", "null", "number", "text", "no text", "torn", "deep", "huge number", "nan"],
)
def test_what_is_no_manifest_at_all_is_turned_down_in_one_line(folder: Path, text: bytes) -> None:
    (folder / "manifest.json").write_bytes(text)
    with pytest.raises(UserError, match=r"manifest\.json is (no manifest of a dataset: |a dataset of format 9+, )"):
        read_manifest(UPath(folder))


def test_a_manifest_is_read_up_to_a_limit(folder: Path) -> None:
    path = folder / "manifest.json"
    text = path.read_bytes()
    with path.open("ab") as file:
        file.write(b" " * (MAX_MANIFEST_BYTES - len(text)))
    assert read_manifest(UPath(folder)).name == "demo"
    with path.open("ab") as file:
        file.write(b" ")
    with pytest.raises(UserError, match="it has more than 64 MB"):
        read_manifest(UPath(folder))


def test_a_pipe_in_its_place_is_no_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")
    with pytest.raises(UserError, match=r"it has no manifest\.json"):
        read_manifest(UPath(folder))


def test_texts_are_one_line_of_what_can_be_printed(folder: Path) -> None:
    told = {"teacher": "gpt\n\x1b[31m# x\u202e", "executor": "e" * 500, "recipe_hash": "r"}
    facts = read_manifest(rewrite(folder, lambda given: given["facts"].update(told))).facts
    assert (facts.teacher, facts.executor, facts.recipe_hash) == ("gpt [31m# x", "e" * 199 + "…", "r")


def test_what_we_have_written_is_taken_as_it_is(folder: Path) -> None:
    manifest = read_manifest(UPath(folder))
    assert json.loads(manifest.model_dump_json()) == json.loads((folder / "manifest.json").read_text())


def swap(path: Path) -> None:
    """Another file of the same size."""
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])


def replace_by(make: Callable[[Path], None]) -> Callable[[Path], None]:
    def work(path: Path) -> None:
        path.unlink()
        make(path)

    return work


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (swap, "is not the file that manifest.json was written for"),
        (lambda path: path.write_bytes(path.read_bytes() + b"0"), "is not the file that manifest.json was written for"),
        (lambda path: path.write_bytes(b""), "is not the file that manifest.json was written for"),
        (lambda path: path.unlink(), "is gone: publish the dataset again"),
        (replace_by(os.mkfifo), "is gone: publish the dataset again"),
        (replace_by(os.mkdir), "is gone: publish the dataset again"),
    ],
    ids=["swapped", "longer", "empty", "gone", "a pipe", "a folder"],
)
def test_a_table_that_is_not_the_manifests_own_is_turned_down(
    folder: Path, damage: Callable[[Path], object], said: str
) -> None:
    facts = read_manifest(UPath(folder)).tables["train.parquet"]
    path = UPath(folder / "train.parquet")
    require_unchanged(UPath(folder), "train.parquet", facts)
    assert is_unchanged(path, facts)
    damage(folder / "train.parquet")
    assert not is_unchanged(path, facts)
    with pytest.raises(UserError, match=f"train.parquet {said}"):
        require_unchanged(UPath(folder), "train.parquet", facts)
    with (
        pytest.raises(UserError, match=f"train.parquet {said}"),
        copy_tables(UPath(folder), {"train.parquet": facts.sha256}),
    ):
        pytest.fail("it was taken")


def test_what_is_used_is_a_copy_that_nothing_changes_after_its_check(folder: Path) -> None:
    tables = {name: facts.sha256 for name, facts in read_manifest(UPath(folder)).tables.items()}
    before = {name: (folder / name).read_bytes() for name in tables}
    with copy_tables(UPath(folder), tables) as copies:
        for name in tables:
            swap(folder / name)
        assert {path.name: path.read_bytes() for path in copies.iterdir()} == before
    assert not copies.exists()
