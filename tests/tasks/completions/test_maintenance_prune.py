"""Pruning by the command line: what goes and what stays, to the second; and the disk gets its space back."""

import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from flows import completions_command
from tasks.completions import maintenance
from tasks.completions.store import CompletionStore
from tests.tasks.completions.keeping import age, date, fill, key, read_all, read_hits, refuse
from tests.tasks.completions.watching import Watch, fail_once

NOW = 1_800_000_000.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "c.sqlite"


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's clock stands at NOW."""
    monkeypatch.setattr("flows.completions_command.time", SimpleNamespace(time=lambda: NOW))


def list_kept(path: Path) -> list[object]:
    return [row[0] for row in read_all(path)]


def prune(path: Path, *options: str) -> int:
    return completions_command.main(["prune", "--store", str(path), *options])


def test_prune_goes_by_age_and_model_and_gives_the_space_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "_ROWS", 7)
    path = tmp_path / "c.sqlite"
    fill(path, range(2000), "a")
    fill(path, range(2000, 2100), "b")
    age(path, range(1, 2050), 31)
    with CompletionStore(path) as store:
        store.get(key(1))
        store.get(key(2060))
    size = path.stat().st_size

    old_ones = ["prune", "--store", str(path), "--older-than", "30d"]
    assert completions_command.main([*old_ones, "--dry-run"]) == 0
    assert capsys.readouterr().out == "2,049 completions would go\n"
    assert len(read_all(path)) == 2100

    assert completions_command.main([*old_ones, "--model", "b"]) == 0
    assert capsys.readouterr().out.startswith("50 completions removed, ")
    assert completions_command.main(old_ones) == 0
    assert capsys.readouterr().out.startswith("1,999 completions removed, ")
    assert [row[0] for row in read_all(path)] == [key(n) for n in (0, *range(2050, 2100))]
    assert read_hits(path) == {key(2060): 1}
    assert path.stat().st_size < size / 5

    assert completions_command.main(["prune", "--store", str(path), "--model", "b"]) == 0
    assert completions_command.main(["prune", "--store", str(path), "--model", "b"]) == 0
    assert capsys.readouterr().out.endswith("\n0 completions removed, 0 kB freed\n")
    assert [row[0] for row in read_all(path)] == [key(0)]


@pytest.mark.usefixtures("stopped")
def test_of_one_model_only_those_go_that_are_old_and_of_it(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(path, range(2), "m")
    fill(path, range(2, 4), "mini")
    date(path, {n: NOW - 86_400 * (n % 2 + 1) for n in range(4)})  # the odd ones are two days old
    assert prune(path, "--older-than", "36h", "--model", "m", "--dry-run") == 0
    assert capsys.readouterr().out == "1 completions would go\n"
    assert prune(path, "--older-than", "36h", "--model", "m") == 0
    assert list_kept(path) == [key(0), key(2), key(3)]
    assert prune(path, "--model", "m") == 0
    assert list_kept(path) == [key(2), key(3)]


@pytest.mark.parametrize(("count", "steps"), [(1, 1), (3, 1), (4, 2), (9, 3), (10, 4)])
def test_all_go_from_the_first_to_the_last_in_steps_between_which_runs_get_their_turn(
    count: int, steps: int, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(maintenance, "_ROWS", 3)
    fill(path, range(count))
    watch = Watch(monkeypatch)
    assert prune(path, "--model", "m") == 0
    assert capsys.readouterr().out.startswith(f"{count} completions removed, ")
    assert list_kept(path) == []
    assert watch.count("DELETE FROM completions") == steps


def test_where_nothing_goes_the_file_is_not_written_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with CompletionStore(path):
        pass
    fill(tmp := path.with_name("other.sqlite"), range(2))
    watch = Watch(monkeypatch)
    for store in (path, tmp):
        assert prune(store, "--model", "another") == 0
        assert capsys.readouterr().out == "0 completions removed, 0 kB freed\n"
    assert watch.count("VACUUM") == 0


def test_the_disk_gets_its_space_back_also_beside_a_run(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(path, range(500))
    with CompletionStore(path) as run:
        before = path.stat().st_size
        assert prune(path, "--model", "m") == 0
        left = path.stat().st_size
        assert left < before / 5
        assert Path(f"{path}-wal").stat().st_size == 0
        freed = before - left
        spelled = f"{freed / 1e6:.1f} MB" if freed >= 1e5 else f"{freed / 1e3:.0f} kB"
        assert capsys.readouterr().out == f"500 completions removed, {spelled} freed\n"
        assert run.count() == 0


def test_where_there_is_no_room_to_write_the_file_anew_the_rest_is_done_and_said(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(path, range(3))
    date(path, {2: 4e9})
    Watch(monkeypatch).before["VACUUM"] = fail_once(sqlite3.OperationalError("database or disk is full"))
    assert prune(path, "--model", "m") == 0
    out, err = capsys.readouterr()
    assert out == "2 completions removed\n"
    assert err == "the disk did not get their space back (database or disk is full); new ones will use it\n"
    assert list_kept(path) == [key(2)]


def test_a_removal_that_fails_is_told_and_the_file_is_free_again(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(path, range(3))
    Watch(monkeypatch).before["DELETE FROM hits"] = fail_once(sqlite3.OperationalError("disk I/O error"))
    assert "cannot be used (disk I/O error)" in refuse(capsys, "prune", "--store", str(path), "--model", "m")
    fill(path, range(3, 4))
    assert list_kept(path) == [key(3)]
