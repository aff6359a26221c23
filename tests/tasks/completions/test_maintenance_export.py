"""Completions out into a file and in again: every byte comes back, nothing there is lost, bad files stay out."""

import errno
import os
import sqlite3
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows import completions_command
from tasks.completions import maintenance
from tasks.completions.keys import SCHEME
from tasks.completions.store import CompletionStore
from tests.tasks.completions.keeping import age, date, fill, key, make, read_all, read_hits, refuse
from tests.tasks.completions.watching import Watch, fail_once


def export(path: Path, file: Path) -> None:
    assert completions_command.main(["export", str(file), "--store", str(path)]) == 0


def change(file: Path, row: int, column: str, value: object) -> None:
    """Writes an exported file anew with one value changed."""
    table = pq.read_table(file)
    rows = table.to_pylist()
    rows[row][column] = value
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)


def spoil(path: Path, number: int, column: str, value: object) -> None:
    """Changes one kept completion's value in the store's file."""
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE completions SET {column} = ? WHERE key = ?", (value, key(number)))
    connection.commit()
    connection.close()


def list_temporary(folder: Path) -> list[str]:
    return [found.name for found in folder.iterdir() if "tmp" in found.name]


def test_export_and_import_bring_back_every_byte(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, copy, file = tmp_path / "c.sqlite", tmp_path / "new" / "copy.sqlite", tmp_path / "c.parquet"
    fill(path, range(2500))
    age(path, range(7), 1 / 3)
    with CompletionStore(path) as store:
        assert [store.get(key(n)) for n in (3, 3, 4)] == [make(3), make(3), make(4)]
    export(path, file)
    assert completions_command.main(["--store", str(copy), "import", str(file)]) == 0
    assert read_all(copy) == read_all(path)
    with CompletionStore(copy) as store:
        assert store.get(key(2499)) == make(2499)
    assert capsys.readouterr().out.splitlines() == [
        f"2,500 completions exported to {file}",
        "2,500 completions imported, 0 were there already and stay as they are",
    ]
    assert list_temporary(tmp_path) == []


def test_import_keeps_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other, file = tmp_path / "1.sqlite", tmp_path / "2.sqlite", tmp_path / "c.parquet"
    fill(one, range(10), "first")
    fill(other, range(5, 15), "second")
    with CompletionStore(other) as store:
        store.get(key(7))
    export(other, file)
    for line in ("5 completions imported, 5 were", "0 completions imported, 10 were"):
        assert completions_command.main(["import", str(file), "--store", str(one)]) == 0
        assert line in capsys.readouterr().out
    assert [row[2] for row in read_all(one)] == ["first"] * 10 + ["second"] * 5
    assert read_hits(one) == {}


def test_a_file_of_another_scheme_is_not_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, file = tmp_path / "c.sqlite", tmp_path / "c.parquet"
    fill(path, range(2))
    export(path, file)
    change(file, 1, "scheme", "99")
    capsys.readouterr()
    problem = refuse(capsys, "import", str(file), "--store", str(tmp_path / "new.sqlite"))
    assert "1 of 2 rows" in problem
    assert f"keys of scheme 99 and this ToolHerd's are of scheme {SCHEME}: nothing was imported" in problem
    assert not (tmp_path / "new.sqlite").exists()


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("completion", "{}", "in row 3, the completion cannot be read"),
        ("model", None, "in row 3, model is null"),
        ("created_at", float("nan"), "in row 3, created_at or hits is out of range"),
        ("created_at", float("inf"), "in row 3, created_at or hits is out of range"),
        ("created_at", float("-inf"), "in row 3, created_at or hits is out of range"),
        ("hits", -1, "in row 3, created_at or hits is out of range"),
    ],
)
def test_one_bad_row_keeps_the_whole_file_out(
    column: str, value: object, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, file = tmp_path / "c.sqlite", tmp_path / "c.parquet"
    fill(path, range(3))
    export(path, file)
    capsys.readouterr()
    change(file, 2, column, value)
    assert reason in refuse(capsys, "import", str(file), "--store", str(tmp_path / "new.sqlite"))
    assert not (tmp_path / "new.sqlite").exists()


def test_an_export_has_its_name_once_all_of_it_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, file = tmp_path / "c.sqlite", tmp_path / "c.parquet"
    fill(path, range(3))
    file.write_bytes(b"older")
    done: list[tuple[str, int, bytes]] = []
    flush, rename = os.fsync, os.replace

    def note_flush(descriptor: int) -> None:
        flush(descriptor)
        done.append(("flushed", os.fstat(descriptor).st_size, file.read_bytes()))

    def note_rename(old: Path, new: Path) -> None:
        done.append(("renamed", old.stat().st_size, new.read_bytes()))
        assert old.parent == new.parent  # on the same disk, or it would be a copy
        rename(old, new)

    monkeypatch.setattr(os, "fsync", note_flush)
    monkeypatch.setattr(os, "replace", note_rename)
    export(path, file)
    size = file.stat().st_size
    assert done == [("flushed", size, b"older"), ("renamed", size, b"older")]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("a completion", "holds a completion that cannot be read"),
        ("fsync", "No space left on device"),
        ("replace", "No space left on device"),
    ],
)
def test_an_export_that_fails_leaves_the_older_file_and_no_other(
    broken: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, file = tmp_path / "c.sqlite", tmp_path / "c.parquet"
    fill(path, range(3))
    file.write_bytes(b"older")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if broken == "a completion":
        spoil(path, 2, "payload", b"\0")
    else:
        monkeypatch.setattr(os, broken, fail)
    assert reason in refuse(capsys, "export", str(file), "--store", str(path))
    assert file.read_bytes() == b"older"
    assert list_temporary(tmp_path) == []


def test_an_export_is_in_the_order_in_which_completions_were_kept_and_says_its_scheme(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "_ROWS", 2)
    path, file = tmp_path / "c.sqlite", tmp_path / "c.parquet"
    for number in (4, 1, 3, 0, 2):
        fill(path, range(number, number + 1))
    with CompletionStore(path) as store:
        store.get(key(3))
    export(path, file)
    table = pq.read_table(file)
    assert table.column("key").to_pylist() == [key(number) for number in (4, 1, 3, 0, 2)]
    assert table.column("hits").to_pylist() == [0, 0, 1, 0, 0]
    assert table.column("completion").to_pylist()[1] == make(1).model_dump_json()
    assert table.schema.metadata[b"toolherd.key_scheme"] == SCHEME.encode()
    assert pq.ParquetFile(file).metadata.row_group(0).column(7).compression == "ZSTD"
    assert capsys.readouterr() == (f"5 completions exported to {file}\n", "")


def test_a_store_of_nothing_is_a_file_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with CompletionStore(tmp_path / "c.sqlite") as store:
        path = store.path
    export(path, tmp_path / "c.parquet")
    assert completions_command.main(["import", str(tmp_path / "c.parquet"), "--store", str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("0 completions imported, 0 were there already")


def test_a_file_may_have_the_longest_name_that_there_is(tmp_path: Path) -> None:
    file = tmp_path / f"{'n' * 247}.parquet"
    fill(tmp_path / "c.sqlite", range(1))
    export(tmp_path / "c.sqlite", file)
    assert pq.read_table(file).num_rows == 1


@pytest.mark.parametrize(
    "spoilt",
    [
        f"{SCHEME}-{'a' * 63}",
        f"{SCHEME}-{'a' * 65}",
        f"{SCHEME}-{'A' * 64}",
        f"x{SCHEME}-{'a' * 64}",
        f"0-{'a' * 64}",
        "a" * 64,
    ],
)
def test_only_whole_keys_of_this_scheme_go_out_or_come_in(
    spoilt: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, file = tmp_path / "c.sqlite", tmp_path / "c.parquet"
    fill(path, range(2))
    export(path, file)
    change(file, 1, "key", spoilt)
    capsys.readouterr()
    target = tmp_path / "new.sqlite"
    assert f"in row 2, the key is none of scheme {SCHEME}" in refuse(
        capsys, "import", str(file), "--store", str(target)
    )
    spoil(path, 1, "key", spoilt)
    export(path, file)
    out, err = capsys.readouterr()
    assert (out[:22], err[:31]) == ("1 completions exported", "1 of older key schemes left out")
    assert pq.read_table(file).column("key").to_pylist() == [key(0)]


def test_the_store_itself_is_not_overwritten_by_its_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, link = tmp_path / "c.parquet", tmp_path / "link.parquet"
    fill(path, range(2))
    link.symlink_to(path)
    before = read_all(path)
    for file in (path, link):
        reason = f"{file} is the store itself: nothing was exported"
        assert reason in refuse(capsys, "export", str(file), "--store", str(path))
    assert read_all(path) == before


def test_a_bad_row_is_found_however_far_down_it_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "_ROWS", 2)
    path, file, target = tmp_path / "c.sqlite", tmp_path / "c.parquet", tmp_path / "new.sqlite"
    fill(path, range(5))
    export(path, file)
    capsys.readouterr()
    change(file, 4, "completion", "{}")
    assert "in row 5, the completion cannot be read" in refuse(capsys, "import", str(file), "--store", str(target))
    assert not target.exists()
    change(file, 4, "completion", make(4).model_dump_json())
    change(file, 4, "created_at", -1.0)  # before 1970 is a time like any other
    assert completions_command.main(["import", str(file), "--store", str(target)]) == 0
    assert len(read_all(target)) == 5


def test_of_rows_with_one_key_the_first_comes_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "_ROWS", 3)
    path, file, target = tmp_path / "c.sqlite", tmp_path / "c.parquet", tmp_path / "new.sqlite"
    fill(path, range(4))
    date(path, {number: 1.8e9 + number for number in range(4)})
    export(path, file)
    change(file, 1, "key", key(0))  # in the same batch as row 0
    change(file, 3, "key", key(2))  # in another batch than row 2
    capsys.readouterr()
    assert completions_command.main(["import", str(file), "--store", str(target)]) == 0
    assert capsys.readouterr().out.startswith("2 completions imported, 2 were there already")
    assert [(row[0], row[4]) for row in read_all(target)] == [(key(0), 1.8e9), (key(2), 1.8e9 + 2)]


def test_a_file_that_is_no_store_is_not_imported_into(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, database, letter = tmp_path / "c.parquet", tmp_path / "other.sqlite", tmp_path / "letter"
    fill(tmp_path / "c.sqlite", range(1))
    export(tmp_path / "c.sqlite", file)
    capsys.readouterr()
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE mine (a)")
    connection.close()
    letter.write_text("this is a letter " * 100)
    for target, reason in ((database, "is no completion store"), (letter, "not a database")):
        before = target.read_bytes()
        assert reason in refuse(capsys, "import", str(file), "--store", str(target))
        assert target.read_bytes() == before


@pytest.mark.parametrize("spoil", ["another order of columns", "a column more"])
def test_a_file_of_other_columns_is_not_imported(
    spoil: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, file = tmp_path / "c.sqlite", tmp_path / "c.parquet"
    fill(path, range(2))
    export(path, file)
    capsys.readouterr()
    table = pq.read_table(file)
    other = table.select(table.column_names[::-1]) if "order" in spoil else table.append_column("a", pa.array([1, 2]))
    pq.write_table(other, file)
    assert "its columns are others" in refuse(capsys, "import", str(file), "--store", str(path))


def test_an_import_that_fails_in_the_middle_leaves_whole_batches_and_the_file_free(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "_ROWS", 2)
    path, file, target = tmp_path / "c.sqlite", tmp_path / "c.parquet", tmp_path / "new.sqlite"
    fill(path, range(5))
    export(path, file)
    capsys.readouterr()
    with monkeypatch.context() as broken:
        watch, failing = Watch(broken), fail_once(sqlite3.OperationalError("disk I/O error"))
        watch.before["INSERT INTO hits"] = lambda: failing() if watch.count("INSERT INTO hits") == 2 else None
        reason = f"{target} cannot be used (disk I/O error)"
        assert reason in refuse(capsys, "import", str(file), "--store", str(target))
    assert [row[0] for row in read_all(target)] == [key(0), key(1)]
    assert read_hits(target) == {}
    assert completions_command.main(["import", str(file), "--store", str(target)]) == 0
    assert capsys.readouterr().out.startswith("3 completions imported, 2 were there already")
