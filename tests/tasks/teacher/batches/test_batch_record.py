"""What is written down of open batches: one owner a key, one holder a batch, and nothing lost between the two."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from schemas.calls import Completion, Usage
from schemas.errors import UserError
from tasks.completions.store import CompletionStore
from tasks.teacher.batches.batch_record import BatchRecord, Claim
from tests.tasks.completions.watching import Gate, Watch, fail_once

NOW = 1_800_000_000.0
LEASE_S = 60.0


class Clock:
    """What time it is for the records."""

    def __init__(self) -> None:
        self.now = NOW

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("tasks.teacher.batches.batch_record.time", SimpleNamespace(time=clock.time))
    return clock


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CompletionStore]:
    with CompletionStore(tmp_path / "c.sqlite") as store:
        yield store


@pytest.fixture
def one(store: CompletionStore, clock: Clock) -> Iterator[BatchRecord]:
    record = BatchRecord(store.path, "e", "m", LEASE_S)
    yield record
    record.close()


@pytest.fixture
def other(store: CompletionStore, clock: Clock) -> Iterator[BatchRecord]:
    record = BatchRecord(store.path, "e", "m", LEASE_S)
    yield record
    record.close()


def held(rows: "list[object]") -> list[bool]:
    return [row.is_mine for row in rows]  # type: ignore[attr-defined]


async def keep(store: CompletionStore, key: str) -> None:
    await store.put(key, Completion(content="", model="m", usage=Usage()), endpoint="e", model="m")


class TestClaims:
    async def test_a_key_is_the_first_ones_who_claims_it(self, one: BatchRecord, other: BatchRecord) -> None:
        first = await one.claim(["c", "a", "b"])
        assert first == Claim(first.name, mine=("c", "a", "b"))
        second = await other.claim(["d", "a", "e", "c"])
        assert second == Claim(second.name, mine=("d", "e"), others={"a": first.name, "c": first.name})
        assert first.name != second.name
        assert first.name.startswith("toolherd-")
        assert sorted(await one.list_keys(first.name)) == ["a", "b", "c"]
        assert sorted(await one.list_keys(second.name)) == ["d", "e"]

    async def test_what_is_answered_is_claimed_by_nobody(self, store: CompletionStore, one: BatchRecord) -> None:
        first = await one.claim(["a", "b"])
        await keep(store, "a")  # by a batch that is not forgotten yet
        await keep(store, "c")
        second = await one.claim(["a", "b", "c", "d"])
        assert (second.mine, second.others) == (("d",), {"b": first.name})
        assert sorted(second.answered) == ["a", "c"]

    async def test_where_there_is_nothing_to_send_no_batch_is_written_down(
        self, store: CompletionStore, one: BatchRecord
    ) -> None:
        await keep(store, "a")
        first = await one.claim(["b"])
        claim = await one.claim(["a", "b"])
        assert claim == Claim(claim.name, others={"b": first.name}, answered=("a",))
        assert [row.name for row in one.list_open()] == [first.name]

    async def test_a_batch_that_is_forgotten_frees_its_keys_and_no_others(self, one: BatchRecord) -> None:
        first, second = await one.claim(["a", "b"]), await one.claim(["c"])
        await one.remove(first.name)
        assert await one.list_keys(first.name) == []
        assert [row.name for row in one.list_open()] == [second.name]
        third = await one.claim(["a", "b", "c"])
        assert (third.mine, third.others) == (("a", "b"), {"c": second.name})

    @pytest.mark.forced
    async def test_of_two_who_claim_at_once_each_key_has_one(
        self, one: BatchRecord, other: BatchRecord, monkeypatch: pytest.MonkeyPatch, store: CompletionStore
    ) -> None:
        watch, middle = Watch(monkeypatch), Gate()
        record = BatchRecord(store.path, "e", "m", LEASE_S)
        watch.before["INSERT INTO batches"] = middle
        first = asyncio.ensure_future(record.claim(["a", "b"]))
        await asyncio.to_thread(middle.await_arrival)
        second = asyncio.ensure_future(other.claim(["b", "c"]))
        try:
            done, _ = await asyncio.wait({second}, timeout=0.05)
            assert not done  # it cannot even look before the first is through
        finally:
            middle.open()
        made, found = await first, await second
        assert made.mine == ("a", "b")
        assert (found.mine, found.others) == (("c",), {"b": made.name})
        record.close()

    async def test_a_claim_that_fails_leaves_nothing_and_the_file_free(
        self, other: BatchRecord, monkeypatch: pytest.MonkeyPatch, store: CompletionStore, clock: Clock
    ) -> None:
        watch = Watch(monkeypatch)
        record = BatchRecord(store.path, "e", "m", LEASE_S)
        watch.after["INSERT INTO batches"] = fail_once(sqlite3.OperationalError("disk I/O error"))
        with pytest.raises(UserError, match=r"c\.sqlite cannot be used \(disk I/O error\)"):
            await record.claim(["a"])
        assert other.list_open() == []
        assert (await other.claim(["a"])).mine == ("a",)
        assert (await record.claim(["b"])).mine == ("b",)
        record.close()


class TestWhatIsOpen:
    async def test_it_is_told_from_the_claim_to_the_end_oldest_first(self, one: BatchRecord, clock: Clock) -> None:
        clock.now = NOW + 5
        late = await one.claim(["c"])
        clock.now = NOW
        early = await one.claim(["a", "b"])
        assert await one.note_file(early.name, "file-1")
        assert await one.note_batch(early.name, "batch_1")
        first, second = one.list_open()
        assert (first.name, first.batch_id, first.input_file_id) == (early.name, "batch_1", "file-1")
        assert (first.requests, first.created_at, first.is_mine) == (2, NOW, True)
        assert (second.name, second.batch_id, second.input_file_id) == (late.name, None, None)
        assert (second.requests, second.created_at) == (1, NOW + 5)

    async def test_it_outlasts_its_process(self, store: CompletionStore, one: BatchRecord) -> None:
        claim = await one.claim(["a"])
        await one.note_batch(claim.name, "batch_1")
        one.close()
        again = BatchRecord(store.path, "e", "m", LEASE_S)
        (row,) = again.list_open()
        assert (row.name, row.batch_id, row.requests, row.is_mine) == (claim.name, "batch_1", 1, False)
        again.close()

    async def test_batches_of_another_model_or_endpoint_are_others_matter(
        self, store: CompletionStore, one: BatchRecord, clock: Clock
    ) -> None:
        await one.claim(["a"])
        clock.now += 10 * LEASE_S  # nobody holds it any more
        for endpoint, model in (("e", "n"), ("f", "m")):
            stranger = BatchRecord(store.path, endpoint, model, LEASE_S)
            assert stranger.list_open() == await stranger.tend() == []
            stranger.close()
        assert held([*one.list_open()]) == [True]


class TestLeases:
    @pytest.mark.parametrize("passed", [0.0, LEASE_S - 1, LEASE_S])
    async def test_while_a_lease_lasts_nobody_else_takes_the_batch(
        self, one: BatchRecord, other: BatchRecord, clock: Clock, passed: float
    ) -> None:
        claim = await one.claim(["a"])
        clock.now += passed
        assert held([*await other.tend()]) == [False]
        assert not await other.note_file(claim.name, "file-2")
        assert not await other.note_batch(claim.name, "batch_2")
        (row,) = one.list_open()
        assert (row.is_mine, row.input_file_id, row.batch_id) == (True, None, None)

    async def test_when_it_is_over_the_batch_is_the_next_ones_and_the_first_hears_of_it(
        self, one: BatchRecord, other: BatchRecord, clock: Clock
    ) -> None:
        claim = await one.claim(["a"])
        clock.now += LEASE_S + 1
        assert held([*await other.tend()]) == [True]
        assert held([*await one.tend()]) == [False]
        assert not await one.note_file(claim.name, "file-1")
        assert await other.note_file(claim.name, "file-2")

    @pytest.mark.parametrize("word", ["tend", "note_file", "note_batch"])
    async def test_each_word_renews_it(self, one: BatchRecord, other: BatchRecord, clock: Clock, word: str) -> None:
        claim = await one.claim(["a"])
        clock.now += LEASE_S - 1
        if word == "tend":
            await one.tend()
        else:
            assert await getattr(one, word)(claim.name, "id")
        clock.now += LEASE_S
        assert held([*await other.tend()]) == [False]
        clock.now += 1
        assert held([*await other.tend()]) == [True]

    async def test_what_is_released_is_free_at_once_and_what_others_hold_is_not(
        self, store: CompletionStore, one: BatchRecord, other: BatchRecord
    ) -> None:
        first, second = await one.claim(["a"]), await other.claim(["b"])
        await one.release()
        third = BatchRecord(store.path, "e", "m", LEASE_S)
        assert {row.name for row in await third.tend() if row.is_mine} == {first.name}
        assert {row.name for row in await other.tend() if row.is_mine} == {second.name}
        third.close()
