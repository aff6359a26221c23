"""The durable store: across processes, after a kill, and on files that are none."""

import asyncio
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.calls import Completion, Usage
from schemas.episodes import ToolCall
from schemas.errors import UserError
from tasks.completions.maintenance import open_store, summarise
from tasks.completions.store import FORMAT, CompletionStore, connect, pack_completion, unpack_completion
from tests.kept_formats import list_stores
from tests.tasks.completions.watching import Gate, Watch
from tests.tasks.teacher import processes

KEY = "1-" + "a" * 64


def make(content: str = "Hello.") -> Completion:
    calls = (ToolCall(id="1", name="f", arguments='{"ä": "🦊"}'),)
    return Completion(content=content, tool_calls=calls, finish_reason="length", model="m-1", usage=Usage(prompt=3),
                      flaw="cut_off", flaw_detail="it ended at a limit of tokens")  # fmt: skip


async def test_what_was_put_is_there_as_it_was_also_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "c.sqlite"
    with CompletionStore(path) as store:
        assert store.get("k") is None
        assert await store.put("k", make(), endpoint="e", model="m") == make()
        assert store.get("k") == make()
    with CompletionStore(path) as store:
        assert store.get("k") == make()
        assert store.count() == 1
    connection = sqlite3.connect(path)
    kept = connection.execute("SELECT endpoint, model, finish_reason, created_at FROM completions")
    endpoint, model, finish_reason, created_at = kept.fetchone()
    assert (endpoint, model, finish_reason) == ("e", "m", "length")
    assert created_at > 1.7e9
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)  # as all stores had it so far
    connection.close()


async def test_what_is_kept_is_for_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = tmp_path / "data" / "cache" / "c.sqlite"
        with CompletionStore(path) as store:
            await store.put("k", make(), endpoint="e", model="m")
            modes = read_modes(path.parent)
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("c.sqlite", "c.sqlite-wal", "c.sqlite-shm", "c.claims"), 0o600)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.parents[1].stat().st_mode & 0o777 == 0o777  # data, as the umask says


async def test_what_an_older_version_left_open_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "c.sqlite"
    with CompletionStore(path) as store, closing(sqlite3.connect(path)) as reader:
        await store.put("k", make(), endpoint="e", model="m")
        reader.execute("SELECT * FROM completions").fetchall()
        for file in path.parent.iterdir():
            file.chmod(0o664)
        path.parent.chmod(0o775)
        with CompletionStore(path) as other:
            assert set(read_modes(path.parent).values()) == {0o600}
            assert path.parent.stat().st_mode & 0o777 == 0o700
            assert other.get("k") == make()


def read_modes(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}


def test_what_is_kept_takes_less_room_than_its_text() -> None:
    text = make("Hello. " * 1000).model_dump_json()
    assert len(pack_completion(text)) < len(text) / 10


def test_what_was_kept_before_batches_were_known_is_still_read() -> None:
    older = make().model_dump_json(exclude={"batched"})
    assert "batched" not in older
    assert unpack_completion(pack_completion(older)) == make()


async def test_the_first_answer_to_a_key_stays(tmp_path: Path) -> None:
    with CompletionStore(tmp_path / "c.sqlite") as one, CompletionStore(tmp_path / "c.sqlite") as other:
        await one.put("k", make("first"), endpoint="e", model="m")
        assert await other.put("k", make("second"), endpoint="e", model="m") == make("first")
        assert other.get("k") == make("first")


async def test_many_at_once_are_committed_together_and_a_cancelled_one_disturbs_nobody(tmp_path: Path) -> None:
    with CompletionStore(tmp_path / "c.sqlite") as store:
        puts = [asyncio.ensure_future(store.put(f"k{n}", make(str(n)), endpoint="e", model="m")) for n in range(1200)]
        await asyncio.sleep(0)
        puts[7].cancel()
        answers = await asyncio.gather(*puts, return_exceptions=True)
        assert [n for n, answer in enumerate(answers) if answer != make(str(n))] == [7]
        assert store.count() == 1200


@pytest.mark.forced
def test_processes_share_a_store_that_none_of_them_has_made_yet(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with ExitStack() as stack:
        writers = [stack.enter_context(processes.start(processes.write, path, name, 200)) for name in ("a", "b", "c")]
        assert [writer.hear() for writer in writers] == ["ready"] * 3
        for writer in writers:
            writer.tell("go")
        for writer, name in zip(writers, ("a", "b", "c"), strict=True):
            assert {writer.hear() for _ in range(200)} == {f"{name}-{number}" for number in range(200)}
            assert writer.hear() == "done"
    with CompletionStore(path) as store:
        assert store.count() == 600
        completion = store.get("b-199")
        assert completion is not None
        assert completion.content == "b 199"


@pytest.mark.forced
def test_what_was_handed_out_before_a_kill_is_there(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with processes.start(processes.write, path, "a", 1_000_000) as writer:
        assert writer.hear() == "ready"
        writer.tell("go")
        handed_out = [writer.hear() for _ in range(137)]
        writer.kill()
        try:
            while True:
                handed_out.append(writer.line.recv())
        except (EOFError, ConnectionResetError):
            pass
    with CompletionStore(path) as store:
        assert [key for key in handed_out if store.get(key) is None] == []
        assert store.count() >= 137


@pytest.mark.forced
@pytest.mark.parametrize("end", ["it lets go", "it is killed"])
async def test_an_answer_waits_for_the_process_that_holds_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    path, watch, begin = tmp_path / "c.sqlite", Watch(monkeypatch), Gate()
    with CompletionStore(path) as store, processes.start(processes.hold_file, path) as holder:
        assert holder.hear() == "held"
        watch.before["BEGIN IMMEDIATE"] = begin
        begin.open()
        asked = asyncio.ensure_future(store.put("k", make(), endpoint="e", model="m"))
        await asyncio.to_thread(begin.await_arrival)
        assert store.get("k") is None  # reading goes on
        assert not asked.done()
        if end == "it is killed":
            holder.kill()
        else:
            holder.tell("let go")
        assert await asked == make()


@pytest.mark.forced
def test_the_claims_of_a_store_that_is_closed_are_given_back(tmp_path: Path) -> None:
    with CompletionStore(tmp_path / "c.sqlite") as store:
        claims = store.claims
        with processes.start(processes.claim, tmp_path / "c.claims") as other:
            assert claims.take(KEY)
            other.tell(KEY)
            assert other.hear() is False
            store.close()
            other.tell(KEY)
            assert other.hear() is True


def test_a_process_that_leaves_its_store_open_ends_all_the_same(tmp_path: Path) -> None:
    with processes.start(processes.leave_open, tmp_path / "c.sqlite") as careless:
        assert careless.hear() == "goes"
        careless.process.join(60)
        assert careless.process.exitcode == 0


def test_a_file_that_is_no_store_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "c.sqlite").write_text("this is a letter, and a long one at that" * 20)
    with pytest.raises(UserError, match=r"c\.sqlite cannot be used .*not a database"):
        CompletionStore(tmp_path / "c.sqlite")


def test_a_store_of_a_newer_format_is_not_touched(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "c.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    told = r"c\.sqlite is a completion store of format 99, and this ToolHerd reads formats up to 1: install a newer"
    before = (tmp_path / "c.sqlite").read_bytes()
    with pytest.raises(UserError, match=told):
        CompletionStore(tmp_path / "c.sqlite")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"c.sqlite": before}


def test_a_store_of_every_format_there_was_is_read_and_goes_on_being_written(tmp_path: Path) -> None:
    assert [path.name for path in list_stores()] == [f"completions-{number}.sqlite" for number in range(1, FORMAT + 1)]
    for path in list_stores():
        copy = Path(shutil.copy(path, tmp_path))
        with closing(sqlite3.connect(copy)) as connection:
            keys = [key for (key,) in connection.execute("SELECT key FROM completions")]
        with CompletionStore(copy) as store:
            assert store.count() == len(keys) > 0
            found = [store.get(key) for key in keys]
        assert all(one is not None and (one.content or one.tool_calls) for one in found)
        with closing(open_store(copy)) as connection:
            assert sum(group.hits for group in summarise(connection)) == len(keys)


async def test_a_store_that_cannot_be_written_says_so_to_whoever_waits(tmp_path: Path) -> None:
    with CompletionStore(tmp_path / "c.sqlite") as store:
        other = sqlite3.connect(tmp_path / "c.sqlite")
        other.execute("DROP TABLE completions")
        other.commit()
        other.close()
        with pytest.raises(UserError, match="cannot be used"):
            await store.put("k", make(), endpoint="e", model="m")


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UserError, match=r"file/c\.sqlite cannot be used .* see that the disk has room"):
        CompletionStore(tmp_path / "file" / "c.sqlite")


async def test_a_store_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with CompletionStore(tmp_path / "c.sqlite") as store:
        await store.put("k", make(), endpoint="e", model="m")
        other = sqlite3.connect(tmp_path / "c.sqlite")
        other.execute("DROP TABLE completions")
        other.commit()
        other.close()
        with pytest.raises(UserError, match=r"c\.sqlite cannot be used \(no such table: completions\)"):
            store.get("k")


class TestANewFileThatAnotherProcessIsMaking:
    """SQLite does not wait by itself where two set the journal mode of one new file."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "c.sqlite"

    def let_pass(self, monkeypatch: pytest.MonkeyPatch, sleep: Callable[[float], None]) -> None:
        """What is done instead of sleeping."""
        clock = SimpleNamespace(monotonic=time.monotonic, time=time.time, sleep=sleep)
        monkeypatch.setattr("tasks.completions.store.time", clock)

    @pytest.mark.forced
    def test_it_is_waited_for(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        first = sqlite3.connect(path, isolation_level=None)
        first.execute("BEGIN IMMEDIATE")
        waits: list[float] = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 2:
                first.execute("COMMIT")

        self.let_pass(monkeypatch, sleep)
        connection = connect(path)
        assert len(waits) == 2
        assert all(0 < seconds < 1 for seconds in waits)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        first.close()

    @pytest.mark.forced
    def test_it_is_not_waited_for_without_end(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        first = sqlite3.connect(path, isolation_level=None)
        first.execute("BEGIN IMMEDIATE")
        now = [0.0]
        waits: list[float] = []

        def sleep(seconds: float) -> None:
            waits.append(now[0])
            now[0] += 100.0

        self.let_pass(monkeypatch, sleep)
        monkeypatch.setattr("tasks.completions.store.time.monotonic", lambda: now[0])
        with pytest.raises(UserError, match="database is locked"):
            connect(path)
        assert waits == [0.0, 100.0, 200.0, 300.0]  # five minutes
        first.close()

    def test_any_other_problem_is_told_at_once(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(_: Any = None) -> None:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error

        self.let_pass(monkeypatch, lambda seconds: pytest.fail("it waits for nothing"))
        watch = Watch(monkeypatch)
        watch.before["PRAGMA journal_mode"] = fail
        with pytest.raises(UserError, match="disk I/O error"):
            connect(path)
        assert watch.count("PRAGMA journal_mode") == 1
        assert watch.ask("user_version") == []  # it was closed
