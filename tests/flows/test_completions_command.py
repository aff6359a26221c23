"""The command line of the completions on real store files: what it shows and what it refuses, also beside a run."""

import os
import sqlite3
import subprocess
import sys
import time
import zlib
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows import completions_command
from schemas.calls import Completion, Usage
from tasks.completions.store import CompletionStore
from tasks.teacher.sending.memory import Learnt, Memory
from tests.hostile import ALL, list_unprintable
from tests.tasks.completions.keeping import date, fill, fill_with, key, read_all, read_hits, refuse
from tests.tasks.completions.watching import Watch, fail_once
from tests.tasks.teacher import processes

ROOT = Path(__file__).resolve().parents[2]
OLD_STORE = """
CREATE TABLE completions (
    key TEXT PRIMARY KEY, endpoint TEXT NOT NULL, model TEXT NOT NULL,
    finish_reason TEXT NOT NULL, created_at REAL NOT NULL, payload BLOB NOT NULL
)
"""


def make_old(path: Path, numbers: range) -> None:
    """A store as the first version made it."""
    fill(path, numbers)
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE hits")
    connection.commit()
    sql = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table'").fetchall()
    connection.close()
    assert [" ".join(text.split()) for (text,) in sql] == [" ".join(OLD_STORE.split())]


def test_show_is_what_a_bare_command_does_and_the_data_root_names_the_store(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "completions.sqlite"
    fill(path, range(3), "gpt-4.1-mini", prompt=2_000_000)
    fill(path, range(3, 5), "someone/a-model-with-a-name-longer-than-its-column", prompt=0)
    fill(path, range(5, 6), "m", "http://localhost:8000/v1")
    with CompletionStore(path) as store:
        assert [store.get(key(n)) is None for n in (0, 0, 1, 99)] == [False, False, False, True]
    command = [sys.executable, "-m", "flows.completions_command"]
    environment = {**os.environ, "TOOLHERD_DATA_ROOT": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    today = time.strftime("%Y-%m-%d", time.gmtime())
    lines = done.stdout.splitlines()
    assert lines[0] == str(path)
    assert lines[1].endswith("kB on disk, 6 completions, served 3 times again")
    assert [line.split() for line in lines[2:]] == [
        [],
        ["http://localhost:8000/v1"],
        ["model", "kept", "prompt", "answer", "hits", "oldest", "newest"],
        ["m", "1", "100", "10", "0", today, today],
        [],
        ["https://x.test/v1"],
        ["model", "kept", "prompt", "answer", "hits", "oldest", "newest"],
        ["gpt-4.1-mini", "3", "6.0M", "600.0k", "3", today, today],
        ["someone/a-model-with-a-name-longer-than-its-column"],
        ["2", "-", "-", "0", today, today],
    ]
    assert max(len(line) for line in lines[1:]) <= 80
    assert done.stderr == ""


@pytest.mark.forced
def test_hits_of_two_processes_add_up(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    fill(path, range(4))
    wanted = [*[key(0)] * 5, key(1), key(9)]
    with ExitStack() as stack:
        readers = [stack.enter_context(processes.start(processes.read, wanted)) for _ in range(3)]
        assert [reader.hear() for reader in readers] == ["ready"] * 3
        for reader in readers:
            reader.tell(path)
        assert [reader.hear() for reader in readers] == [6] * 3
    assert read_hits(path) == {key(0): 15, key(1): 3}


@pytest.mark.forced
def test_an_old_store_is_upgraded_where_it_lies_by_processes_that_open_it_at_once(tmp_path: Path) -> None:
    with ExitStack() as stack:
        keys = [key(n) for n in range(20)]
        readers = [stack.enter_context(processes.start(processes.read, keys)) for _ in range(4)]
        assert [reader.hear() for reader in readers] == ["ready"] * 4
        for turn in range(3):
            path = tmp_path / f"{turn}.sqlite"
            make_old(path, range(20))
            for reader in readers:
                reader.tell(path)
            assert [reader.hear() for reader in readers] == [20] * 4
            assert read_hits(path) == {key(n): 4 for n in range(20)}


def test_an_old_store_is_shown_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_old(tmp_path / "c.sqlite", range(3))
    assert completions_command.main(["--store", str(tmp_path / "c.sqlite")]) == 0
    assert "3 completions, served 0 times again" in capsys.readouterr().out


def test_bad_input_is_one_line_and_leaves_everything_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, missing, letter = tmp_path / "c.sqlite", tmp_path / "none.sqlite", tmp_path / "letter.parquet"
    fill(path, range(3))
    before = read_all(path)
    letter.write_text("this is a letter " * 100)
    database = tmp_path / "other.sqlite"
    sqlite3.connect(database).execute("CREATE TABLE mine (a)").connection.close()
    cases = {
        ("--store", str(missing)): "there is no completion store at",
        ("export", "x.parquet", "--store", str(missing)): "there is no completion store at",
        ("--store", str(letter)): "not a database",
        ("--store", str(database)): "is no completion store",
        ("prune", "--store", str(path)): "prune takes --older-than, --model or both",
        ("prune", "--store", str(path), "--older-than", "soon"): "'soon' is no age; write it as",
        ("mend",): "there is no command 'mend'",
        ("--store", str(path), "prune"): "prune takes --older-than, --model or both",
        ("export", str(tmp_path / "c.csv"), "--store", str(path)): "does not end in .parquet",
        ("export", str(tmp_path / "no" / "c.parquet"), "--store", str(path)): "No such file or directory",
        ("import", str(tmp_path / "no.parquet"), "--store", str(path)): "No such file or directory",
        ("import", str(letter), "--store", str(path)): "cannot be read as Parquet",
    }
    for arguments, reason in cases.items():
        assert reason in refuse(capsys, *arguments)
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    assert "its columns are others" in refuse(capsys, "import", str(tmp_path / "other.parquet"), "--store", str(path))
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", "memory://x")
    assert "memory://x is no folder" in refuse(capsys)
    assert read_all(path) == before
    assert not missing.exists()
    assert read_tables(database) == ["mine"]


def read_tables(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
    connection.close()
    return names


def show(path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert completions_command.main(["show", "--store", str(path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out.splitlines()


@pytest.mark.parametrize(
    ("size", "spelled"),
    [
        (99_499, "99 kB"),
        (99_501, "100 kB"),
        (99_999, "100 kB"),
        (100_000, "0.1 MB"),
        (999_949_999, "999.9 MB"),
        (999_950_001, "1000.0 MB"),
        (999_999_999, "1000.0 MB"),
        (1_000_000_000, "1.0 GB"),
        (1_949_999_999, "1.9 GB"),
        (1_950_000_001, "2.0 GB"),
    ],
)
def test_the_size_of_a_store_is_told_in_the_unit_that_suits_it(
    size: int, spelled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.sqlite"
    fill(path, range(1))
    os.truncate(path, size)  # with a hole at its end, which takes no room
    assert show(path, capsys)[1] == f"{spelled} on disk, 1 completions, served 0 times again"


@pytest.mark.parametrize(
    ("tokens", "spelled"),
    [
        (1, "1"),
        (9_999, "9,999"),
        (10_000, "10.0k"),
        (999_949, "999.9k"),
        (999_999, "1000.0k"),
        (1_000_000, "1.0M"),
        (999_949_999, "999.9M"),
        (999_950_001, "1000.0M"),
        (999_999_999, "1000.0M"),
        (1_000_000_000, "1.0G"),
        (1_949_999_999, "1.9G"),
        (1_950_000_001, "2.0G"),
    ],
)
def test_tokens_are_told_in_the_unit_that_suits_them(
    tokens: int, spelled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.sqlite"
    parts = [tokens // 2, tokens - tokens // 2]  # more than 10^9 are believed of no completion
    fill_with(path, *(Completion(content="", model="m", usage=Usage(completion=part)) for part in parts))
    assert show(path, capsys)[-1].split()[:5] == ["m", "2", "0", spelled, "0"]


def test_only_a_name_that_fits_its_column_stands_in_one_line_with_the_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.sqlite"
    fill(path, range(1), "a" * 22)
    fill(path, range(1, 2), "b" * 23)
    *_, fits, alone, figures = show(path, capsys)
    assert fits.startswith(f"  {'a' * 22}         1")
    assert alone == f"  {'b' * 23}"
    assert figures.split()[0] == "1"
    assert len(figures) == len(fits)


def test_names_that_others_gave_neither_act_nor_take_a_line_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.sqlite"
    fill(path, range(1), f"m{ALL}", f"https://x.test/v1{ALL}")
    lines = show(path, capsys)
    assert list_unprintable("".join(lines)) == []
    assert [line.split()[0] for line in lines[3:]] == ["https://x.test/v1", "model", "m", "1"]


def test_days_are_those_of_greenwich(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.sqlite"
    fill(path, range(3))
    date(path, {0: 1_735_689_600.0, 1: 1_740_000_000.0, 2: 1_767_225_599.0})  # the first and last second of 2025
    for zone in ("America/New_York", "Asia/Tokyo"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert show(path, capsys)[-1].split()[-2:] == ["2025-01-01", "2025-12-31"]
    monkeypatch.undo()
    time.tzset()


def test_what_sqlite_keeps_beside_the_file_counts_as_on_disk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.sqlite"
    with CompletionStore(path):
        beside = [Path(f"{path}-wal"), Path(f"{path}-shm")]
        size = sum(file.stat().st_size for file in (path, *beside))
        assert all(file.stat().st_size > 0 for file in beside)
        assert show(path, capsys)[1].startswith(f"{size / 1e3:.0f} kB on disk, 0 completions")


def test_a_completion_that_is_spoilt_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, payload in enumerate((b"\x00", zlib.compress(b"{}"))):
        path = tmp_path / f"{number}.sqlite"
        fill(path, range(2))
        connection = sqlite3.connect(path)
        connection.execute("UPDATE completions SET payload = ? WHERE key = ?", (payload, key(1)))
        connection.commit()
        connection.close()
        assert f"{path} holds a completion that cannot be read" in refuse(capsys, "show", "--store", str(path))


def test_a_disk_that_fails_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.sqlite"
    fill(path, range(2))
    Watch(monkeypatch).before["SELECT endpoint"] = fail_once(sqlite3.OperationalError("disk I/O error"))
    assert f"{path} cannot be used (disk I/O error)" in refuse(capsys, "show", "--store", str(path))


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (
            [],
            [
                "Usage: toolherd completions COMMAND [OPTIONS]",
                "Looks after the durable completions.",
                "--store PATH the store's file; without it cache/completions.sqlite in the data root",
                "show What is kept, by endpoint and model (the default).",
                "prune Remove completions, by age, by model, or those of both.",
                "export Write all completions to a Parquet file; one that is there is replaced.",
                "import Add the completions of an exported file; those kept already stay.",
            ],
        ),
        (["show"], ["Usage: toolherd completions show [OPTIONS]", "--store PATH the store's file;"]),
        (
            ["prune"],
            [
                "Usage: toolherd completions prune [OPTIONS]",
                "Remove completions, by age, by model, or those of both.",
                "--older-than STR made longer ago: 90m, 12h, 30d, 8w",
                "--model STR of this model",
                "--dry-run only say how many would go",
            ],
        ),
        (
            ["forget"],
            [
                "Usage: toolherd completions forget [OPTIONS]",
                "they are asked anew what they take",
                "--model STR of this model",
            ],
        ),
        (["export"], ["Usage: toolherd completions export [OPTIONS] FILE", "Write all completions to a Parquet file;"]),
        (["import"], ["Usage: toolherd completions import [OPTIONS] FILE", "Add the completions of an exported file;"]),
    ],
    ids=lambda value: " ".join(value) if len(value) < 2 else "",
)
def test_help_says_what_there_is(
    command: list[str], told: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    assert completions_command.main([*command, "--help"]) == 0
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert [line for line in told if line not in text] == []


@pytest.mark.parametrize(("options", "gone", "left"), [([], 2, []), (["--model", "a"], 1, ["b"])])
def test_what_was_found_of_endpoints_is_forgotten(
    options: list[str], gone: int, left: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    memory = Memory(tmp_path / "c.sqlite")
    for model in ("a", "b"):
        memory.keep(Learnt(endpoint="http://host/v1", model=model, learnt_at=1.0))
    assert completions_command.main(["forget", *options, "--store", str(tmp_path / "c.sqlite")]) == 0
    assert f"{gone} endpoints and models forgotten" in capsys.readouterr().out
    assert [item.model for item in memory.list_all()] == left


def test_ctrl_c_ends_it_in_one_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.sqlite"
    fill(path, range(2))
    Watch(monkeypatch).before["SELECT endpoint"] = fail_once(KeyboardInterrupt())
    assert completions_command.main(["show", "--store", str(path)]) == 130
    assert capsys.readouterr() == ("", "interrupted\n")


def test_a_reader_who_has_read_enough_is_no_failure(tmp_path: Path) -> None:
    fill(tmp_path / "c.sqlite", range(2))
    with processes.start(processes.show_to_nobody, tmp_path / "c.sqlite") as shown:
        assert shown.hear() == 0


def test_a_store_is_found_by_any_name_that_a_file_can_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "what? 100%25 #1.sqlite"
    fill(path, range(2))
    assert show(path, capsys)[1].endswith("2 completions, served 0 times again")


def test_what_is_no_store_that_this_version_reads_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "there is no completion store at" in refuse(capsys, "show", "--store", str(tmp_path))
    path = tmp_path / "c.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    before = path.read_bytes()
    assert "of format 2, and this ToolHerd reads formats up to 1: install a newer ToolHerd" in refuse(
        capsys, "show", "--store", str(path)
    )
    assert path.read_bytes() == before


@pytest.mark.forced
def test_everything_works_beside_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "c.sqlite"
    fill(path, range(1_000_000, 1_003_000), "old")
    with processes.start(processes.run_until_told, path) as run:
        assert run.hear() == "started"
        for n in range(3):
            assert completions_command.main(["--store", str(path)]) == 0
            assert completions_command.main(["export", str(tmp_path / f"{n}.parquet"), "--store", str(path)]) == 0
            assert completions_command.main(["prune", "--model", "old", "--store", str(path)]) == 0
            assert completions_command.main(["import", str(tmp_path / "0.parquet"), "--store", str(path)]) == 0
        run.tell("stop")
        made = run.hear()
    assert capsys.readouterr().err == ""
    assert [row[0] for row in read_all(path) if row[2] == "run"] == [key(n) for n in range(made)]
    assert sum(row[2] == "old" for row in read_all(path)) == 3000


@pytest.mark.parametrize(
    ("spelled", "seconds"),
    [
        ("0d", 0),
        ("45s", 45),
        ("90m", 5_400),
        ("1.5h", 5_400),
        ("12h", 43_200),
        ("30d", 2_592_000),
        ("8w", 4_838_400),
    ],
)
@pytest.mark.parametrize("options", [(), ("--model", "m")], ids=["of all models", "of one"])
def test_what_is_as_old_as_was_said_stays_and_what_is_older_goes(
    spelled: str,
    seconds: int,
    options: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, path = 1_800_000_000.0, tmp_path / "c.sqlite"
    monkeypatch.setattr("flows.completions_command.time", SimpleNamespace(time=lambda: now))
    asked = ["prune", "--store", str(path), "--older-than", spelled, *options]
    fill(path, range(3))
    date(path, {0: now - seconds - 1, 1: now - seconds, 2: now - seconds + 1})
    assert completions_command.main([*asked, "--dry-run"]) == 0
    assert capsys.readouterr().out == "1 completions would go\n"
    assert completions_command.main(asked) == 0
    assert [row[0] for row in read_all(path)] == [key(1), key(2)]


@pytest.mark.parametrize("spelled", ["", "30", "d", "-1d", "1 d", "1d ", "1y", "1D", "1.d", ".5d", "1d2h", "1e3s"])
def test_what_is_no_age_removes_nothing(spelled: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "c.sqlite"
    fill(path, range(1))
    reason = f"{spelled!r} is no age; write it as 90m, 12h, 30d or 8w"
    assert reason in refuse(capsys, "prune", "--store", str(path), f"--older-than={spelled}")
    assert [row[0] for row in read_all(path)] == [key(0)]
