"""The cache's command line on real store files: what it shows, removes, writes and refuses, also beside a run."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.calls import Completion, Usage
from schemas.episodes import ToolCall
from tasks.llm import cache, upkeep
from tasks.llm.keys import SCHEME
from tasks.llm.store import CompletionStore

ROOT = Path(__file__).resolve().parents[3]
OLD_STORE = """
CREATE TABLE completions (
    key TEXT PRIMARY KEY, endpoint TEXT NOT NULL, model TEXT NOT NULL,
    finish_reason TEXT NOT NULL, created_at REAL NOT NULL, payload BLOB NOT NULL
)
"""
READER = """
import sys
from tasks.llm.store import CompletionStore

with CompletionStore(sys.argv[1]) as store:
    print(sum(store.get(key) is not None for key in sys.argv[2:]))
"""
RUN = """
import asyncio, sys, time
from schemas.calls import Completion, Usage
from tasks.llm.keys import SCHEME
from tasks.llm.store import CompletionStore

async def write(store):
    n, end = 0, time.monotonic() + float(sys.argv[2])
    while time.monotonic() < end:
        key, made = f"{SCHEME}-{n:064x}", Completion(content=str(n), model="m", usage=Usage())
        await store.put(key, made, endpoint="e", model="run")
        assert store.get(key) == made
        n += 1
        if n == 1:
            print("started", flush=True)
    print(n)

with CompletionStore(sys.argv[1]) as store:
    asyncio.run(write(store))
"""


def key(n: int) -> str:
    return f"{SCHEME}-{n:064x}"


def make(n: int, prompt: int = 100) -> Completion:
    calls = (ToolCall(id="1", name="f", arguments='{"ä": "🦊"}'),)
    usage = Usage(prompt=prompt, completion=prompt // 10)
    return Completion(content=f"answer {n} ß" * 20, tool_calls=calls, model="m-1", usage=usage, fingerprint="fp")


def fill(path: Path, numbers: range, model: str = "m", endpoint: str = "https://x.test/v1", prompt: int = 100) -> None:
    async def put() -> None:
        await asyncio.gather(
            *(store.put(key(n), make(n, prompt), endpoint=endpoint, model=model) for n in numbers),
        )

    with CompletionStore(path) as store:
        asyncio.run(put())


def make_old(path: Path, numbers: range) -> None:
    """A store as the first version made it."""
    fill(path, numbers)
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE hits")
    connection.commit()
    sql = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table'").fetchall()
    connection.close()
    assert [" ".join(text.split()) for (text,) in sql] == [" ".join(OLD_STORE.split())]


def age(path: Path, numbers: range, days: float) -> None:
    connection = sqlite3.connect(path)
    rows = [(time.time() - days * 86400, key(n)) for n in numbers]
    connection.executemany("UPDATE completions SET created_at = ? WHERE key = ?", rows)
    connection.commit()
    connection.close()


def read_all(path: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT * FROM completions LEFT JOIN hits USING (key) ORDER BY key").fetchall()
    connection.close()
    return rows


def read_hits(path: Path) -> dict[str, int]:
    connection = sqlite3.connect(path)
    hits = dict(connection.execute("SELECT key, hits FROM hits").fetchall())
    connection.close()
    return hits


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def refuse(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Runs a command that must fail, and returns its one line."""
    try:
        status = cache.main(arguments)
    except SystemExit as stop:
        status = int(stop.code or 0)
    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1)
    return err


def test_show_is_what_a_bare_command_does_and_the_data_root_names_the_store(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "completions.sqlite"
    fill(path, range(3), "gpt-4.1-mini", prompt=2_000_000)
    fill(path, range(3, 5), "someone/a-model-with-a-name-longer-than-its-column", prompt=0)
    fill(path, range(5, 6), "m", "http://localhost:8000/v1")
    with CompletionStore(path) as store:
        assert [store.get(key(n)) is None for n in (0, 0, 1, 99)] == [False, False, False, True]
    command = [sys.executable, "-m", "tasks.llm.cache"]
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


def test_hits_of_two_processes_add_up(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    fill(path, range(4))
    readers = [start(READER, str(path), *[key(0)] * 5, key(1), key(9)) for _ in range(3)]
    assert [reader.communicate()[0].strip() for reader in readers] == ["6"] * 3
    assert read_hits(path) == {key(0): 15, key(1): 3}


def test_hits_are_written_while_a_run_only_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.llm.store._HITS_EVERY_S", 0.05)
    path = tmp_path / "c.sqlite"
    fill(path, range(1))
    with CompletionStore(path) as store:
        store.get(key(0))
        give_up = time.monotonic() + 10
        while read_hits(path) != {key(0): 1} and time.monotonic() < give_up:
            time.sleep(0.02)
        assert read_hits(path) == {key(0): 1}


def test_an_old_store_is_upgraded_where_it_lies_by_processes_that_open_it_at_once(tmp_path: Path) -> None:
    for turn in range(3):
        path = tmp_path / f"{turn}.sqlite"
        make_old(path, range(20))
        readers = [start(READER, str(path), *(key(n) for n in range(20))) for _ in range(4)]
        assert [reader.communicate()[0].strip() for reader in readers] == ["20"] * 4
        assert read_hits(path) == {key(n): 4 for n in range(20)}


def test_an_old_store_is_shown_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_old(tmp_path / "c.sqlite", range(3))
    assert cache.main(["--store", str(tmp_path / "c.sqlite")]) == 0
    assert "3 completions, served 0 times again" in capsys.readouterr().out


def test_prune_goes_by_age_and_model_and_gives_the_space_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_ROWS", 7)
    path = tmp_path / "c.sqlite"
    fill(path, range(2000), "a")
    fill(path, range(2000, 2100), "b")
    age(path, range(1, 2050), 31)
    with CompletionStore(path) as store:
        store.get(key(1))
        store.get(key(2060))
    size = path.stat().st_size

    old_ones = ["prune", "--store", str(path), "--older-than", "30d"]
    assert cache.main([*old_ones, "--dry-run"]) == 0
    assert capsys.readouterr().out == "2,049 completions would go\n"
    assert len(read_all(path)) == 2100

    assert cache.main([*old_ones, "--model", "b"]) == 0
    assert capsys.readouterr().out.startswith("50 completions removed, ")
    assert cache.main(old_ones) == 0
    assert capsys.readouterr().out.startswith("1,999 completions removed, ")
    assert [row[0] for row in read_all(path)] == [key(n) for n in (0, *range(2050, 2100))]
    assert read_hits(path) == {key(2060): 1}
    assert path.stat().st_size < size / 5

    assert cache.main(["prune", "--store", str(path), "--model", "b"]) == 0
    assert cache.main(["prune", "--store", str(path), "--model", "b"]) == 0
    assert capsys.readouterr().out.endswith("\n0 completions removed, 0 kB freed\n")
    assert [row[0] for row in read_all(path)] == [key(0)]


def test_export_and_import_bring_back_every_byte(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, copy, file = tmp_path / "c.sqlite", tmp_path / "new" / "copy.sqlite", tmp_path / "c.parquet"
    fill(path, range(2500))
    age(path, range(7), 1 / 3)
    with CompletionStore(path) as store:
        assert [store.get(key(n)) for n in (3, 3, 4)] == [make(3), make(3), make(4)]
    assert cache.main(["export", str(file), "--store", str(path)]) == 0
    assert cache.main(["--store", str(copy), "import", str(file)]) == 0
    assert read_all(copy) == read_all(path)
    with CompletionStore(copy) as store:
        assert store.get(key(2499)) == make(2499)
    assert capsys.readouterr().out.splitlines() == [
        f"2,500 completions exported to {file}",
        "2,500 completions imported, 0 were there already and stay as they are",
    ]
    assert sorted(found.name for found in tmp_path.iterdir() if "tmp" in found.name) == []


def test_import_keeps_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other, file = tmp_path / "1.sqlite", tmp_path / "2.sqlite", tmp_path / "c.parquet"
    fill(one, range(10), "first")
    fill(other, range(5, 15), "second")
    with CompletionStore(other) as store:
        store.get(key(7))
    assert cache.main(["export", str(file), "--store", str(other)]) == 0
    for line in ("5 completions imported, 5 were", "0 completions imported, 10 were"):
        assert cache.main(["import", str(file), "--store", str(one)]) == 0
        assert line in capsys.readouterr().out
    assert [row[2] for row in read_all(one)] == ["first"] * 10 + ["second"] * 5
    assert read_hits(one) == {}


def test_an_older_scheme_is_neither_exported_nor_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, file = tmp_path / "c.sqlite", tmp_path / "c.parquet"
    fill(path, range(3))
    connection = sqlite3.connect(path)
    connection.execute("UPDATE completions SET key = '0' || substr(key, 2) WHERE key = ?", (key(2),))
    connection.commit()
    connection.close()
    assert cache.main(["export", str(file), "--store", str(path)]) == 0
    out, err = capsys.readouterr()
    assert (out[:22], err[:31]) == ("2 completions exported", "1 of older key schemes left out")

    table = pq.read_table(file)
    pq.write_table(table.set_column(1, "scheme", pa.array([SCHEME, "99"])), file)
    problem = refuse(capsys, "import", str(file), "--store", str(tmp_path / "new.sqlite"))
    assert "1 of 2 rows" in problem
    assert f"keys of scheme 99 and this ToolHerd's are of scheme {SCHEME}: nothing was imported" in problem
    assert not (tmp_path / "new.sqlite").exists()


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("key", f"{SCHEME}-abc", f"in row 3, the key is none of scheme {SCHEME}"),
        ("completion", "{}", "in row 3, the completion cannot be read"),
        ("model", None, "in row 3, model is null"),
        ("created_at", float("nan"), "in row 3, created_at or hits is out of range"),
        ("hits", -1, "in row 3, created_at or hits is out of range"),
    ],
)
def test_one_bad_row_keeps_the_whole_file_out(
    column: str, value: object, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, file = tmp_path / "c.sqlite", tmp_path / "c.parquet"
    fill(path, range(3))
    assert cache.main(["export", str(file), "--store", str(path)]) == 0
    capsys.readouterr()
    table = pq.read_table(file)
    rows = table.to_pylist()
    rows[2][column] = value
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
    assert reason in refuse(capsys, "import", str(file), "--store", str(tmp_path / "new.sqlite"))
    assert not (tmp_path / "new.sqlite").exists()


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
        ("mend",): "invalid choice: 'mend'",
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


def test_an_export_that_fails_leaves_the_older_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, file = tmp_path / "c.sqlite", tmp_path / "c.parquet"
    fill(path, range(3))
    file.write_bytes(b"older")
    connection = sqlite3.connect(path)
    connection.execute("UPDATE completions SET payload = x'00' WHERE key = ?", (key(2),))
    connection.commit()
    connection.close()
    assert "holds a completion that cannot be read" in refuse(capsys, "export", str(file), "--store", str(path))
    assert file.read_bytes() == b"older"
    assert [found.name for found in tmp_path.iterdir() if found.name.endswith(".tmp")] == []


def test_everything_works_beside_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "c.sqlite"
    fill(path, range(1_000_000, 1_003_000), "old")
    run = start(RUN, str(path), "3")
    assert run.stdout is not None
    assert run.stdout.readline() == "started\n"
    for n in range(3):
        assert cache.main(["--store", str(path)]) == 0
        assert cache.main(["export", str(tmp_path / f"{n}.parquet"), "--store", str(path)]) == 0
        assert cache.main(["prune", "--model", "old", "--store", str(path)]) == 0
        assert cache.main(["import", str(tmp_path / "0.parquet"), "--store", str(path)]) == 0
    out, _ = run.communicate()
    assert run.returncode == 0
    assert capsys.readouterr().err == ""
    made = int(out)
    assert [row[0] for row in read_all(path) if row[2] == "run"] == [key(n) for n in range(made)]
    assert sum(row[2] == "old" for row in read_all(path)) == 3000
