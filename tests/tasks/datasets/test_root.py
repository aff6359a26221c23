import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from upath import UPath

from schemas.errors import UserError
from tasks.datasets.root import ROOT_VARIABLE, DataRoot


@pytest.fixture(params=["folder", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> DataRoot:
    return DataRoot(str(tmp_path / "data") if request.param == "folder" else f"memory://{tmp_path.name}")


@pytest.mark.parametrize("write", [DataRoot.write_bytes, DataRoot.write_new_bytes])
def test_a_write_leaves_no_temporary_file_and_none_open(
    tmp_path: Path, write: Callable[[DataRoot, UPath, bytes], object]
) -> None:
    root = DataRoot(str(tmp_path))
    write(root, root.path("a", "b.json"), b"1")
    write(root, root.path("a", "b.json"), b"2")
    assert os.listdir(tmp_path / "a") == ["b.json"]
    held = [link.resolve() for link in Path("/proc/self/fd").iterdir()]
    assert not [path for path in held if path.is_relative_to(tmp_path)]


def test_a_name_as_long_as_the_disk_takes_can_be_written(tmp_path: Path) -> None:
    root = DataRoot(str(tmp_path))
    root.write_bytes(root.path("a" * 255), b"1")
    assert root.read_bytes(root.path("a" * 255)) == b"1"
    assert root.write_new_bytes(root.path("b" * 255), b"2")
    assert root.read_bytes(root.path("b" * 255)) == b"2"


def test_a_new_file_is_written_where_there_is_none_and_leaves_one_that_is_there(root: DataRoot) -> None:
    path = root.path("a", "b.json")
    assert root.write_new_bytes(path, b"1") is True
    assert root.write_new_bytes(path, b"2") is False
    assert root.read_bytes(path) == b"1"
    root.write_bytes(path, b"3")
    assert root.read_bytes(path) == b"3"


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_new_file_is_written_also_where_files_can_have_one_name_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    root = DataRoot(str(tmp_path))
    assert root.write_new_bytes(root.path("a", "b.json"), b"1") is True
    assert root.write_new_bytes(root.path("a", "b.json"), b"2") is False
    assert root.read_bytes(root.path("a", "b.json")) == b"1"
    assert os.listdir(tmp_path / "a") == ["b.json"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_a_disk_that_fails_is_no_disk_without_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    root = DataRoot(str(tmp_path))
    with pytest.raises(OSError, match=os.strerror(number)):
        root.write_new_bytes(root.path("a", "b.json"), b"1")
    assert os.listdir(tmp_path / "a") == []


def test_a_file_where_a_folder_should_be_is_not_taken_for_the_new_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("in the way")
    root = DataRoot(str(tmp_path))
    with pytest.raises(OSError, match="a"):
        root.write_new_bytes(root.path("a", "b.json"), b"1")


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


def test_the_cache_lies_in_the_root(root: DataRoot) -> None:
    assert root.cache == root.path("cache")


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
