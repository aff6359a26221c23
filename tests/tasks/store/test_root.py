import json
import os
from pathlib import Path
from typing import NoReturn

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from schemas.errors import UserError
from tasks.store.root import ROOT_VARIABLE, DataRoot

PAYLOAD = {"messages": ["plain", "Ångström 🐑", "half a pair: \ud83d"], "score": 0.1, "none": None}


@pytest.fixture(params=["folder", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> DataRoot:
    return DataRoot(str(tmp_path / "data") if request.param == "folder" else f"memory://{tmp_path.name}")


def test_an_artifact_comes_back_as_it_was(root: DataRoot) -> None:
    ref = root.write_artifact("episodes", "open-trails", "abc123", PAYLOAD, {"episodes": 3})
    assert ref.path == "episodes/open-trails/abc123.json"
    assert root.read_artifact(ref) == PAYLOAD
    assert root.find_artifact("episodes", "open-trails", "abc123") == ref


def test_what_was_never_written_is_missing(root: DataRoot) -> None:
    assert root.find_artifact("toolset", "open-trails", "abc123") is None


def test_an_artifact_without_counts_has_none(root: DataRoot) -> None:
    ref = root.write_artifact("verdicts", "open-trails", "abc123", PAYLOAD)
    assert (ref.stage, ref.api_id, ref.counts) == ("verdicts", "open-trails", {})
    assert root.find_artifact("verdicts", "open-trails", "abc123") == ref


def test_an_artifact_is_one_json_object_with_its_payload_on_a_line_of_its_own(root: DataRoot) -> None:
    ref = root.write_artifact("toolset", "open-trails", "abc123", {"é": 1}, {"functions": 2})
    text = root.path(ref.path).read_bytes().decode()
    assert json.loads(text) == {"sha256": ref.hash, "counts": {"functions": 2}, "payload": {"é": 1}}
    assert text.splitlines()[1:] == ['{"é":1}', "}"]


def test_an_artifact_is_found_by_stage_api_and_recipe(root: DataRoot) -> None:
    root.write_artifact("toolset", "open-trails", "abc123", PAYLOAD)
    for stage, api_id, recipe in (
        ("episodes", "open-trails", "abc123"),
        ("toolset", "open-trail", "abc123"),
        ("toolset", "open-trails", "abc124"),
    ):
        assert root.find_artifact(stage, api_id, recipe) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"n":1', b'"n":2'),
        (b'{"sha256"', b'{"sha255"'),
        (b'"counts"', b'"county"'),
        (b', "payload":\n', b', "payload": '),
        (b'{"sha256"', b'["sha256"'),
        (b"\n}\n", b"\n}\n "),
    ],
    ids=["payload", "no hash", "no counts", "no mark", "no object", "more behind it"],
)
def test_an_artifact_that_was_changed_counts_as_missing(root: DataRoot, before: bytes, after: bytes) -> None:
    ref = root.write_artifact("toolset", "open-trails", "abc123", {"n": 1}, {"functions": 2})
    path = root.path(ref.path)
    changed = path.read_bytes().replace(before, after)
    assert changed != path.read_bytes()
    path.write_bytes(changed)
    assert root.read_artifact(ref) is None
    assert root.find_artifact("toolset", "open-trails", "abc123") is None


@pytest.mark.parametrize("keep", [0, 1, 40, 150, -1, -3])
def test_a_torn_artifact_counts_as_missing(root: DataRoot, keep: int) -> None:
    ref = root.write_artifact("toolset", "open-trails", "abc123", PAYLOAD)
    path = root.path(ref.path)
    path.write_bytes(path.read_bytes()[:keep])
    assert root.read_artifact(ref) is None
    assert root.find_artifact("toolset", "open-trails", "abc123") is None


def test_another_content_under_the_same_name_is_not_what_the_reference_names(root: DataRoot) -> None:
    ref = root.write_artifact("toolset", "open-trails", "abc123", {"n": 1})
    root.write_artifact("toolset", "open-trails", "abc123", {"n": 2})
    assert root.read_artifact(ref) is None


@pytest.mark.parametrize("part", ["../outside", "", "a/b", ".hidden", "-a", "_a", "a b", "a\n", "é", "a" * 129])
def test_a_name_that_is_no_file_name_is_refused(root: DataRoot, part: str) -> None:
    for api_id, recipe in ((part, "abc123"), ("open-trails", part)):
        with pytest.raises(ValueError, match="not safe as a file name"):
            root.write_artifact("toolset", api_id, recipe, {})
        with pytest.raises(ValueError, match="not safe as a file name"):
            root.find_artifact("toolset", api_id, recipe)


@pytest.mark.parametrize("part", ["a", "0", "A.b_c-d", "a" * 128])
def test_a_name_that_is_a_file_name_is_taken(root: DataRoot, part: str) -> None:
    assert root.write_artifact("toolset", part, part, {}).path == f"toolset/{part}/{part}.json"


def test_a_write_leaves_no_temporary_file_and_none_open(tmp_path: Path) -> None:
    root = DataRoot(str(tmp_path))
    root.write_bytes(root.path("a", "b.json"), b"1")
    assert os.listdir(tmp_path / "a") == ["b.json"]
    held = [link.resolve() for link in Path("/proc/self/fd").iterdir()]
    assert not [path for path in held if path.is_relative_to(tmp_path)]


def test_a_name_as_long_as_the_disk_takes_can_be_written(tmp_path: Path) -> None:
    root = DataRoot(str(tmp_path))
    root.write_bytes(root.path("a" * 255), b"1")
    assert root.read_bytes(root.path("a" * 255)) == b"1"


def test_a_file_is_read_whole_and_there_is_none_where_there_is_no_file(root: DataRoot) -> None:
    root.write_bytes(root.path("folder", "file"), b"\0\xff")
    assert root.read_bytes(root.path("folder", "file")) == b"\0\xff"
    for parts in (("none",), ("folder",), ("folder", "none")):
        assert root.read_bytes(root.path(*parts)) is None


def test_there_is_no_file_below_a_file(tmp_path: Path) -> None:
    root = DataRoot(str(tmp_path))
    root.write_bytes(root.path("file"), b"1")
    assert root.read_bytes(root.path("file", "below")) is None


@pytest.mark.parametrize(("number", "is_missing"), [(2, True), (5, False), (None, False)])
def test_an_object_store_says_in_its_own_way_that_there_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int | None, is_missing: bool
) -> None:
    class StoreError(OSError):
        errno = number

    def refuse(*_: object, **__: object) -> NoReturn:
        raise StoreError("the store's own words")

    root = DataRoot(f"memory://{tmp_path.name}")
    monkeypatch.setattr(MemoryFileSystem, "_open", refuse)
    monkeypatch.setattr(MemoryFileSystem, "cat_file", refuse)
    if is_missing:
        assert root.read_bytes(root.path("a")) is None
    else:
        with pytest.raises(StoreError):
            root.read_bytes(root.path("a"))


def test_the_folders_of_the_cache_lie_in_the_root(root: DataRoot) -> None:
    assert root.cache == root.path("cache")
    assert root.results == root.path("cache", "results")


def test_a_root_that_can_be_written_is_left_clean(tmp_path: Path) -> None:
    DataRoot(str(tmp_path / "new")).require_writable()
    assert os.listdir(tmp_path / "new") == []


def test_a_root_that_cannot_be_written_gets_one_line_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"cannot be written.*TOOLHERD_DATA_ROOT") as caught:
        DataRoot(str(tmp_path / "file" / "data")).require_writable()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(28, "the text of the error"), "No space left on device"),
        (OSError("bucket is read-only"), "bucket is read-only"),
        (ValueError("no such bucket"), "no such bucket"),
        (ValueError(), "ValueError"),
    ],
    ids=["by number", "no number", "another error", "no words"],
)
def test_what_a_store_says_when_it_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise error

    root = DataRoot(f"memory://{tmp_path.name}")
    monkeypatch.setattr(MemoryFileSystem, "_open", refuse)
    with pytest.raises(UserError) as caught:
        root.require_writable()
    remedy = "make it writable, or set TOOLHERD_DATA_ROOT to another place."
    assert str(caught.value) == f"data root {root.url} cannot be written: {reason}; {remedy}"


@pytest.mark.parametrize(
    ("url", "reason"), [("nonsense://bucket/x", "nonsense"), ("~nobody-here/data", "home directory")]
)
def test_a_place_that_cannot_be_found_gets_one_line(url: str, reason: str) -> None:
    with pytest.raises(UserError, match=f"data root '{url}' cannot be used: .*{reason}") as caught:
        DataRoot(url)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("Set TOOLHERD_DATA_ROOT to a folder.")


@pytest.mark.parametrize("prefix", ["", "file://", "local://"])
def test_a_folder_may_be_named_as_a_path_or_a_url(tmp_path: Path, prefix: str) -> None:
    root = DataRoot(f"{prefix}{tmp_path}/data")
    assert (root.is_local, root.url) == (True, str(tmp_path / "data"))
    assert not DataRoot("memory://bucket").is_local


def test_a_folder_is_known_by_its_full_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert DataRoot("~/data").url == str(tmp_path / "home" / "data")
    assert DataRoot("a/../data").url == str(tmp_path / "data")


def test_the_environment_names_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path / "elsewhere"))
    assert DataRoot.from_environment().url == str(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(ROOT_VARIABLE, "")
    assert DataRoot.from_environment().url == str(tmp_path / "data")
    monkeypatch.delenv(ROOT_VARIABLE)
    assert DataRoot.from_environment().url == str(tmp_path / "data")
