"""A new checkpoint takes the old one's place: durable before it is named, and the old one goes only after that."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.trainer.checkpoints import WRITING, find_defect, find_newest, install
from tests.tasks.trainer.files import make_checkpoint, shard_whole

Calls = list[tuple[str, str]]


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    """What is made durable, renamed and removed below `tmp_path`, in order; a removal by the folder that goes."""
    made: Calls = []
    real = {name: getattr(os, name) for name in ("fsync", "rename", "rmdir")}

    def name(path: str) -> str:
        return str(Path(path).relative_to(tmp_path))

    def fsync(handle: int) -> None:
        made.append(("fsync", name(os.readlink(f"/proc/self/fd/{handle}"))))
        real["fsync"](handle)

    def rename(source: Any, target: Any, **more: Any) -> None:
        made.append(("rename", f"{name(source)} -> {name(target)}"))
        real["rename"](source, target, **more)

    def rmdir(path: Any, *, dir_fd: int | None = None) -> None:
        place = Path(os.readlink(f"/proc/self/fd/{dir_fd}"), path) if dir_fd is not None else Path(path)
        made.append(("remove", name(str(place))))
        real["rmdir"](path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)
    monkeypatch.setattr(os, "rmdir", rmdir)
    yield made
    monkeypatch.undo()


def list_open() -> set[str]:
    """What this process holds open, but for the list itself."""
    return {f"{one}: {os.readlink(one)}" for one in map(str, Path("/proc/self/fd").iterdir()) if os.path.exists(one)}


def test_a_new_checkpoint_takes_the_place_of_all_others(tmp_path: Path) -> None:
    for step in (3, 5, 100):
        make_checkpoint(tmp_path, step)
    make_checkpoint(tmp_path / WRITING, 6)
    install(tmp_path, "checkpoint-6")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-6"]
    assert find_defect(tmp_path / "checkpoint-6") is None


def test_all_of_it_is_durable_before_it_gets_its_name_and_the_name_before_the_old_one_goes(
    tmp_path: Path, calls: Calls
) -> None:
    make_checkpoint(tmp_path, 3)
    new = make_checkpoint(tmp_path / WRITING, 6)
    shard_whole(new)
    everything = {("fsync", str(path.relative_to(tmp_path))) for path in (new, *new.rglob("*"))}
    install(tmp_path, "checkpoint-6")
    renamed = calls.index(("rename", "writing/checkpoint-6 -> checkpoint-6"))
    assert set(calls[:renamed]) == everything
    assert calls[renamed + 1] == ("fsync", ".")
    assert calls.index(("remove", "checkpoint-3")) > renamed + 1
    # a folder's own entry comes after what is in it
    assert calls[renamed - 1] == ("fsync", "writing/checkpoint-6")


def test_a_torn_checkpoint_of_the_same_step_gives_way(tmp_path: Path, calls: Calls) -> None:
    old, torn = make_checkpoint(tmp_path, 3), make_checkpoint(tmp_path, 6)
    (torn / "optimizer.pt").unlink()
    (torn / "left over").touch()
    make_checkpoint(tmp_path / WRITING, 6)
    install(tmp_path, "checkpoint-6")
    assert list(tmp_path.iterdir()) == [torn]
    assert find_defect(torn) is None
    assert not (torn / "left over").exists()
    assert calls.index(("remove", "checkpoint-6")) < calls.index(("remove", old.name))


def test_nothing_is_taken_away_where_nothing_was_written(tmp_path: Path) -> None:
    old = make_checkpoint(tmp_path, 3)
    with pytest.raises(OSError, match="checkpoint-6"):
        install(tmp_path, "checkpoint-6")
    assert list(tmp_path.iterdir()) == [old]


@pytest.mark.parametrize("place", ["writing/checkpoint-6/model.safetensors", "writing/checkpoint-6", "."])
def test_the_old_one_stays_where_the_new_one_cannot_be_made_durable(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make_checkpoint(tmp_path, 3)
    make_checkpoint(tmp_path / WRITING, 6)
    real = os.fsync

    def fsync(handle: int) -> None:
        if Path(os.readlink(f"/proc/self/fd/{handle}")) == tmp_path / place:
            raise OSError(5, "Input/output error")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    held = list_open()
    with pytest.raises(OSError, match="Input/output error"):
        install(tmp_path, "checkpoint-6")
    assert find_defect(old) is None
    assert find_newest(tmp_path) == (tmp_path / "checkpoint-6" if place == "." else old)
    assert list_open() == held


def test_no_file_is_left_open(tmp_path: Path) -> None:
    make_checkpoint(tmp_path / WRITING, 6)
    held = list_open()
    install(tmp_path, "checkpoint-6")
    assert list_open() == held


def test_an_old_one_that_cannot_be_removed_does_not_fail_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_checkpoint(tmp_path, 3)
    make_checkpoint(tmp_path, 4)
    make_checkpoint(tmp_path / WRITING, 6)
    (tmp_path / WRITING / "left over").touch()

    def unlink(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "unlink", unlink)
    install(tmp_path, "checkpoint-6")
    assert find_newest(tmp_path) == tmp_path / "checkpoint-6"
