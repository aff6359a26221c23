"""What the store promises of the disk: a completion that was handed out is committed and flushed, and no other is."""

import asyncio
import random
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.calls import Completion, Usage
from schemas.errors import UserError
from tasks.completions.store import CompletionStore, connect
from tasks.teacher.batches.batch_record import BatchRecord
from tests.tasks.completions.watching import Gate, Watch, fail_once

FULL = 2
"""What `PRAGMA synchronous` says where each commit is flushed to the disk."""


def make(content: str = "Hello.") -> Completion:
    return Completion(content=content, model="m-1", usage=Usage(prompt=3))


def put(store: CompletionStore, key: str, content: str = "Hello.") -> "asyncio.Future[Completion]":
    return asyncio.ensure_future(store.put(key, make(content), endpoint="e", model="m"))


def look(path: Path, sql: str = "SELECT key FROM completions ORDER BY rowid") -> list[object]:
    """What another process would see in the file."""
    connection = sqlite3.connect(path)
    found = [row[0] for row in connection.execute(sql)]
    connection.close()
    return found


async def run_what_is_ready() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize("default", ["OFF", "NORMAL", "FULL"])
async def test_each_commit_is_flushed_whatever_the_default_of_the_sqlite_at_hand_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, default: str
) -> None:
    watch = Watch(monkeypatch, f"PRAGMA synchronous = {default}")
    with CompletionStore(tmp_path / "c.sqlite") as store:
        await put(store, "k")
        record = BatchRecord(store.path, "e", "m", 60)
        assert len(watch.ask("synchronous")) == 3
        assert set(watch.ask("synchronous")) == {FULL}
        record.close()


async def test_readers_and_writers_do_not_wait_for_each_other_and_writers_wait_for_writers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(monkeypatch)
    with CompletionStore(tmp_path / "c.sqlite") as store:
        await put(store, "k")
        assert set(watch.ask("journal_mode")) == {"wal"}
        assert min(watch.ask("busy_timeout")) >= 300_000  # milliseconds: longer than a vacuum holds the file


@pytest.mark.forced
async def test_an_answer_is_handed_out_after_it_is_committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, commit = Watch(monkeypatch), Gate()
    watch.before["COMMIT"] = commit
    with CompletionStore(tmp_path / "c.sqlite") as store:
        asked = put(store, "k")
        try:
            await asyncio.to_thread(commit.await_arrival)
            await run_what_is_ready()
            assert not asked.done()
            assert store.get("k") is None
            assert look(tmp_path / "c.sqlite") == []
        finally:
            commit.open()
        assert await asked == make()
        assert look(tmp_path / "c.sqlite") == ["k"]


@pytest.mark.forced
@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "INSERT OR IGNORE INTO completions", "COMMIT"])
async def test_what_could_not_be_committed_is_not_handed_out_and_what_comes_next_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    watch = Watch(monkeypatch)
    watch.before[statement] = fail_once(sqlite3.OperationalError("disk I/O error"))
    with CompletionStore(tmp_path / "c.sqlite") as store:
        with pytest.raises(UserError, match=r"c\.sqlite cannot be used \(disk I/O error\)"):
            await put(store, "lost")
        assert store.get("lost") is None
        assert await put(store, "kept") == make()
    assert look(tmp_path / "c.sqlite") == ["kept"]


async def test_a_full_disk_is_told_to_all_who_wait_and_is_no_end_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = random.Random(0).randbytes(100_000).hex()  # nothing that could be compressed into the pages there are
    watch = Watch(monkeypatch)
    with CompletionStore(tmp_path / "c.sqlite") as store:
        await put(store, "before")
        for connection in watch.connections:
            connection.execute("PRAGMA max_page_count = 1")  # no less than there are: the file grows no more
        puts = [put(store, f"k{number}", noise) for number in range(3)]
        for result in await asyncio.gather(*puts, return_exceptions=True):
            assert isinstance(result, UserError)
            assert "disk is full" in str(result)
        assert store.get("before") == make()
        for connection in watch.connections:
            connection.execute("PRAGMA max_page_count = 100000")
        assert await put(store, "k0", noise) == make(noise)
    assert look(tmp_path / "c.sqlite") == ["before", "k0"]


@pytest.mark.forced
@pytest.mark.parametrize(("count", "commits"), [(500, 1), (1000, 2), (1001, 3)])
async def test_what_waits_is_committed_together_in_batches_of_five_hundred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, commits: int
) -> None:
    watch, first = Watch(monkeypatch), Gate()
    watch.before["BEGIN IMMEDIATE"] = first
    with CompletionStore(tmp_path / "c.sqlite") as store:
        puts = [put(store, "first")]
        try:
            await asyncio.to_thread(first.await_arrival)
            puts += [put(store, f"k{number}", str(number)) for number in range(count)]
            await run_what_is_ready()
        finally:
            first.open()
        answers = await asyncio.gather(*puts)
        assert watch.count("COMMIT") == 1 + commits
        assert answers == [make(), *(make(str(number)) for number in range(count))]
    assert look(tmp_path / "c.sqlite") == ["first", *(f"k{number}" for number in range(count))]


@pytest.mark.forced
async def test_of_equal_keys_in_one_commit_the_first_stays_and_is_given_to_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, begin = Watch(monkeypatch), Gate()
    watch.before["BEGIN IMMEDIATE"] = begin
    with CompletionStore(tmp_path / "c.sqlite") as store:
        puts = [put(store, "other")]
        try:
            await asyncio.to_thread(begin.await_arrival)
            puts += [put(store, "k", "first"), put(store, "k", "second"), put(store, "l", "third")]
            await run_what_is_ready()
        finally:
            begin.open()
        assert await asyncio.gather(*puts) == [make(), make("first"), make("first"), make("third")]
        assert store.count() == 3


@pytest.mark.forced
async def test_what_waits_when_the_store_is_closed_is_kept_and_handed_out(tmp_path: Path) -> None:
    with CompletionStore(tmp_path / "c.sqlite") as store:
        puts = [put(store, f"k{number}", str(number)) for number in range(3)]
        await run_what_is_ready()
        store.close()
        assert await asyncio.gather(*puts) == [make(str(number)) for number in range(3)]
        store.close()
        with pytest.raises(RuntimeError, match=r"c\.sqlite is closed"):
            await put(store, "late")
    assert look(tmp_path / "c.sqlite") == ["k0", "k1", "k2"]


async def test_a_run_that_fails_closes_its_store(tmp_path: Path) -> None:
    store = CompletionStore(tmp_path / "c.sqlite")
    with pytest.raises(ZeroDivisionError), store:
        raise ZeroDivisionError
    with pytest.raises(RuntimeError, match="is closed"):
        await put(store, "late")


@pytest.mark.forced
def test_the_end_of_one_loop_is_no_matter_to_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, begin = Watch(monkeypatch), Gate()
    watch.before["BEGIN IMMEDIATE"] = begin

    async def give_up(store: CompletionStore) -> None:
        asked = put(store, "gone", "gone")
        await asyncio.to_thread(begin.await_arrival)
        asked.cancel()

    async def wait(store: CompletionStore) -> Completion:
        asked = put(store, "k")
        await run_what_is_ready()
        begin.open()
        return await asked

    with CompletionStore(tmp_path / "c.sqlite") as store:
        asyncio.run(give_up(store))
        assert asyncio.run(wait(store)) == make()
        assert store.get("gone") == make("gone")  # it was paid for


@pytest.mark.forced
def test_each_of_two_loops_hears_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, begin, together = Watch(monkeypatch), Gate(), threading.Barrier(3)
    watch.before["BEGIN IMMEDIATE"] = begin
    heard: dict[str, Completion] = {}

    async def ask(store: CompletionStore, key: str) -> None:
        asked = put(store, key, key)
        await run_what_is_ready()
        await asyncio.to_thread(together.wait)
        heard[key] = await asked

    with CompletionStore(tmp_path / "c.sqlite") as store:
        threads = [threading.Thread(target=lambda key=key: asyncio.run(ask(store, key))) for key in ("a", "b")]
        for thread in threads:
            thread.start()
        together.wait(60)
        begin.open()
        for thread in threads:
            thread.join()
    assert heard == {"a": make("a"), "b": make("b")}


class TestHits:
    """How often an answer was served is counted in passing: it is worth no flush and no failure."""

    async def test_they_are_not_written_with_each_answer_but_all_at_the_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tasks.completions.store._HITS_EVERY_S", 3600.0)
        watch = Watch(monkeypatch)
        with CompletionStore(tmp_path / "c.sqlite") as store:
            await put(store, "k")
            for _ in range(3):
                store.get("k")
            await put(store, "l")
            assert watch.count("INSERT INTO hits") == 0
        assert watch.count("INSERT INTO hits") == 1
        assert look(tmp_path / "c.sqlite", "SELECT hits FROM hits") == [3]

    async def test_they_are_written_while_a_run_only_reads_and_each_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tasks.completions.store._HITS_EVERY_S", 0.01)
        watch, written = Watch(monkeypatch), threading.Event()
        watch.after["INSERT INTO hits"] = written.set
        with CompletionStore(tmp_path / "c.sqlite") as store:
            await put(store, "k")
            for _ in range(2):
                written.clear()
                store.get("k")
                assert await asyncio.to_thread(written.wait, 60)
            assert look(tmp_path / "c.sqlite", "SELECT hits FROM hits") == [2]
        assert look(tmp_path / "c.sqlite", "SELECT hits FROM hits") == [2]

    async def test_a_count_that_cannot_be_written_stops_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tasks.completions.store._HITS_EVERY_S", 0.01)
        watch, tried = Watch(monkeypatch), threading.Event()
        watch.before["INSERT INTO hits"] = _do_both(tried.set, fail_once(sqlite3.OperationalError("disk is full")))
        with CompletionStore(tmp_path / "c.sqlite") as store:
            await put(store, "k")
            store.get("k")
            assert await asyncio.to_thread(tried.wait, 60)
            assert await put(store, "l") == make()

    async def test_what_was_removed_meanwhile_has_no_count(self, tmp_path: Path) -> None:
        with CompletionStore(tmp_path / "c.sqlite") as store:
            await asyncio.gather(put(store, "k"), put(store, "l"))
            store.get("k")
            store.get("l")
            connection = connect(store.path)
            connection.execute("DELETE FROM completions WHERE key = 'k'")
            connection.close()
        assert look(tmp_path / "c.sqlite", "SELECT key FROM hits") == ["l"]


def _do_both(first: Callable[[], object], second: Callable[[], object]) -> Callable[[], None]:
    def act() -> None:
        first()
        second()

    return act
