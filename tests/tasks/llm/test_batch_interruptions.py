"""Batches and runs that end before their time: nothing is paid for twice, and nothing that was paid for is lost."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from schemas.calls import Completion, Usage
from schemas.errors import UserError
from tasks.llm.batch import BatchSender, BatchStoppedError
from tasks.llm.retries import EndpointError
from tasks.llm.store import CompletionStore
from tasks.offline.batches import BatchDials
from tests.tasks.llm import processes
from tests.tasks.llm.batching import (
    BatchEndpoint,
    Fault,
    Halt,
    ask_all,
    body,
    connect,
    count_rows,
    expect,
    fail_with,
    hang,
    hang_after,
    lose_answer,
    run_what_is_ready,
    wait_until,
    watch_sleep,
)
from tests.tasks.llm.endpoints import serve
from tests.tasks.llm.watching import Watch, fail_once

pytestmark = pytest.mark.usefixtures("tiny_key")


def list_running() -> list[str]:
    """What senders still do in this loop."""
    running = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]
    return [name for name in running if name.startswith("BatchSender.")]


class TestStopping:
    @pytest.mark.forced
    async def test_a_stopped_wait_says_what_is_open_and_the_next_run_resumes_the_same_batch(
        self, store: CompletionStore
    ) -> None:
        endpoint, halt = BatchEndpoint(), Halt()
        endpoint.faults["GET /v1/batches/"] = [halt]
        with serve(endpoint) as url:
            async with connect(url, store, lease_s=60) as sender:
                asked = asyncio.ensure_future(ask_all(sender, range(4)))
                await halt.wait()
                await sender.stop()
                halt.let_go()
                batch_id = endpoint.desk.created[0]["id"]
                with pytest.raises(BatchStoppedError, match=f"while 4 requests wait in {batch_id}; run again"):
                    await asked
                assert list_running() == []
                with pytest.raises(BatchStoppedError):
                    await sender.fetch("late", body("late"))
                assert [(row.batch_id, row.requests) for row in sender.describe_open()] == [(batch_id, 4)]
            async with connect(url, store, lease_s=60) as sender:
                assert await ask_all(sender, range(4)) == expect(range(4))
        assert endpoint.desk.uploads == len(endpoint.desk.created) == 1

    @pytest.mark.forced
    @pytest.mark.parametrize("call", ["POST /v1/files", "POST /v1/batches"])
    async def test_what_is_being_sent_is_finished_and_the_next_sender_waits_for_it(
        self, store: CompletionStore, call: str
    ) -> None:
        endpoint, halt = BatchEndpoint(dials=BatchDials(delay_s=0.1)), Halt()
        endpoint.faults[call] = [halt]
        with serve(endpoint) as url:
            async with connect(url, store, lease_s=60) as sender:
                asked = asyncio.ensure_future(ask_all(sender, range(4)))
                await halt.wait()
                stopping = asyncio.ensure_future(sender.stop())
                await run_what_is_ready()
                assert not stopping.done()
                halt.let_go()
                await stopping
                (row,) = sender.describe_open()
                assert row.batch_id == endpoint.desk.created[0]["id"]
                with pytest.raises(BatchStoppedError, match=f"while 4 requests wait in {row.batch_id}; run again"):
                    await asked
                assert list_running() == []
            async with connect(url, store, lease_s=60) as sender:
                assert await ask_all(sender, range(4)) == expect(range(4))
        assert endpoint.desk.uploads == len(endpoint.desk.created) == 1

    @pytest.mark.forced
    async def test_an_upload_that_hangs_holds_a_stop_up_no_longer_than_it_must(
        self, store: CompletionStore, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tasks.llm.batch._STOP_S", 0.05)
        endpoint = BatchEndpoint()
        endpoint.faults["POST /v1/files"] = [hang]
        with serve(endpoint) as url:
            async with connect(url, store, lease_s=60) as sender:
                asked = asyncio.ensure_future(ask_all(sender, range(2)))
                await wait_until(lambda: not endpoint.faults["POST /v1/files"])
                await sender.stop()
                (row,) = sender.describe_open()
                assert row.batch_id is None
                with pytest.raises(BatchStoppedError, match=f"while 2 requests wait in {row.name}; run again"):
                    await asked
            async with connect(url, store, lease_s=60) as sender:  # it is free at once
                assert await ask_all(sender, range(2)) == expect(range(2))
        assert len(endpoint.desk.created) == 1

    async def test_where_nothing_was_sent_nothing_is_open_and_nothing_goes_out_any_more(
        self, store: CompletionStore
    ) -> None:
        endpoint = BatchEndpoint()
        with serve(endpoint) as url:
            async with connect(url, store, linger_s=60) as sender:
                asked = asyncio.ensure_future(ask_all(sender, range(2)))
                await run_what_is_ready()
                assert sender.waiting == 2
                await sender.stop()
                await sender.stop()
                with pytest.raises(BatchStoppedError, match=r"^stopped before the request was sent$"):
                    await asked
                with pytest.raises(BatchStoppedError, match=r"^stopped before the request was sent$"):
                    await sender.fetch("late", body("late"))
                assert (sender.waiting, sender.describe_open()) == (0, [])
        assert endpoint.calls == []


def reached(endpoint: BatchEndpoint) -> str:
    """The last call that the endpoint has done what it asks for."""
    return "POST /v1/batches" if endpoint.desk.created else "POST /v1/files" if endpoint.desk.uploads else ""


async def leave_open(endpoint: BatchEndpoint, sender: BatchSender, numbers: Iterable[int]) -> None:
    """Asks, and stops the sender once the batch is created."""
    asked = asyncio.ensure_future(ask_all(sender, numbers))
    await wait_until(lambda: bool(endpoint.desk.created))
    await sender.stop()
    await asyncio.wait({asked})


class TestWhatIsOpen:
    @pytest.mark.parametrize(
        ("call", "fault", "uploads"),
        [
            ("GET /v1/batches/", hang, 1),  # killed while it waits
            ("POST /v1/batches", hang_after, 1),  # killed before the batch's id was written down
            ("POST /v1/batches", hang, 2),  # killed before the batch was created
            ("POST /v1/files", hang_after, 2),  # killed before the file's id was written down
        ],
    )
    @pytest.mark.forced
    async def test_after_a_kill_no_request_is_paid_for_twice(
        self, path: Path, call: str, fault: Fault, uploads: int
    ) -> None:
        endpoint = BatchEndpoint()
        endpoint.faults[call] = [fault]
        with serve(endpoint) as url:
            with processes.start(processes.send_in_batches, url, path) as run:
                await wait_until(lambda: not endpoint.faults[call])
                await wait_until(lambda: fault is not hang_after or reached(endpoint) == call)
                run.kill()
            assert count_rows(path) == (1, 4)
            with CompletionStore(path) as store:
                assert store.count() == 0
                async with connect(url, store) as sender:
                    assert await ask_all(sender, range(4)) == expect(range(4))
        assert endpoint.desk.uploads == uploads
        assert len(endpoint.desk.created) == 1
        assert count_rows(path) == (0, 0)

    async def test_what_nobody_asks_for_any_more_is_fetched_too_for_it_is_paid(self, store: CompletionStore) -> None:
        endpoint = BatchEndpoint(dials=BatchDials(delay_s=0.2))
        with serve(endpoint) as url:
            async with connect(url, store, lease_s=60) as sender:
                await leave_open(endpoint, sender, range(4))
            async with connect(url, store) as sender:
                assert await ask_all(sender, [9]) == expect([9])
                await wait_until(lambda: store.count() == 5)
        assert [line["custom_id"] for line in endpoint.lines] == ["key-0", "key-1", "key-2", "key-3", "key-9"]

    @pytest.mark.forced
    async def test_a_batch_is_looked_for_by_its_name_and_known_by_its_id_once_it_was_found(
        self, store: CompletionStore
    ) -> None:
        endpoint, halt = BatchEndpoint(), Halt()
        endpoint.faults["POST /v1/batches"] = [lose_answer]
        endpoint.faults["GET /v1/batches"] = [fail_with(503)] * 3
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                with pytest.raises(EndpointError, match="503"):
                    await sender.fetch("key-1", body("number 1"))
                assert [row.batch_id for row in sender.describe_open()] == [None]
                endpoint.faults["GET /v1/batches/"] = [halt]
                asked = asyncio.ensure_future(ask_all(sender, [1]))
                await halt.wait()
                assert [row.batch_id for row in sender.describe_open()] == [endpoint.desk.created[0]["id"]]
                halt.let_go()
                assert await asked == expect([1])
        assert len(endpoint.desk.created) == 1


class TestTheStore:
    async def test_a_disk_that_is_full_leaves_the_batch_to_the_next_sender(
        self, store: CompletionStore, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        endpoint = BatchEndpoint()
        watch = Watch(monkeypatch)
        watch.before["INSERT OR IGNORE INTO completions"] = fail_once(sqlite3.OperationalError("disk is full"))
        with serve(endpoint) as url:
            with CompletionStore(path) as watched:
                async with connect(url, watched) as sender:
                    results = await asyncio.gather(*(ask_all(sender, [n]) for n in range(3)), return_exceptions=True)
                    assert [type(result) for result in results] == [UserError] * 3
                    assert "disk is full" in str(results[0])
            assert count_rows(path) == (1, 3)
            assert endpoint.count("DELETE") == 0
            async with connect(url, store) as sender:
                assert await ask_all(sender, range(3)) == expect(range(3))
        assert endpoint.desk.uploads == len(endpoint.desk.created) == 1

    async def test_a_store_that_cannot_be_written_is_told_to_all_who_wait(
        self, store: CompletionStore, path: Path
    ) -> None:
        with serve(BatchEndpoint()) as url:
            async with connect(url, store) as sender:
                with sqlite3.connect(path) as connection:
                    connection.execute("ALTER TABLE batch_keys RENAME TO away")
                results = await asyncio.gather(ask_all(sender, [1]), ask_all(sender, [2]), return_exceptions=True)
                with sqlite3.connect(path) as connection:
                    connection.execute("ALTER TABLE away RENAME TO batch_keys")
                assert [type(result) for result in results] == [UserError, UserError]
                with suppress(UserError):  # both its tasks met the problem, and one may tell of it late
                    await ask_all(sender, [1])
                assert await ask_all(sender, [1]) == expect([1])


class TestNeighbours:
    async def test_senders_on_one_store_send_each_request_once(self, store: CompletionStore, path: Path) -> None:
        endpoint = BatchEndpoint(dials=BatchDials(delay_s=0.1))
        with serve(endpoint) as url, CompletionStore(path) as neighbour:
            async with connect(url, store) as one, connect(url, neighbour) as other:
                answers = tuple(await asyncio.gather(ask_all(one, range(30)), ask_all(other, range(10, 40))))
        assert answers == (expect(range(30)), expect(range(10, 40)))
        assert max(Counter(line["custom_id"] for line in endpoint.lines).values()) == 1
        assert store.count() == 40

    @pytest.mark.forced
    async def test_a_batch_that_was_taken_over_while_its_file_went_up_is_left_to_the_other(
        self, store: CompletionStore, path: Path
    ) -> None:
        endpoint, halt = BatchEndpoint(), Halt()
        endpoint.faults["POST /v1/files"] = [halt]
        with serve(endpoint) as url:
            async with connect(url, store, lease_s=0.3) as sender:
                asked = asyncio.ensure_future(ask_all(sender, range(2)))
                await halt.wait()
                connection = sqlite3.connect(path)
                connection.execute("UPDATE batches SET holder = 'another', held_until = 1e12")
                connection.commit()
                halt.let_go()
                await wait_until(lambda: endpoint.desk.uploads == 1)
                for number in range(2):  # the other has brought it to its end
                    made = Completion(content=f"another's {number}", model="m", usage=Usage())
                    await store.put(f"key-{number}", made, endpoint="e", model="m")
                connection.execute("DELETE FROM batch_keys")
                connection.execute("DELETE FROM batches")
                connection.commit()
                connection.close()
                assert await asked == ["another's 0", "another's 1"]
        assert endpoint.count("POST /v1/batches") == 0

    async def test_a_sender_of_another_model_leaves_a_batch_alone_however_long_nobody_asks_after_it(
        self, store: CompletionStore, path: Path
    ) -> None:
        endpoint = BatchEndpoint(dials=BatchDials(delay_s=60))
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                await leave_open(endpoint, sender, range(2))
            polls = endpoint.count("GET /v1/batches/")
            endpoint.faults["POST /v1/files"] = [fail_with(400)]
            async with connect(url, store, model="other", lease_s=0.05) as sender:
                with pytest.raises(EndpointError):
                    await sender.fetch("k", body("Hello"))
                assert sender.describe_open() == []
        assert endpoint.count("GET /v1/batches/") == polls
        assert count_rows(path) == (1, 2)

    async def test_a_sender_says_three_times_a_lease_that_it_is_there(
        self, store: CompletionStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        slept = watch_sleep(monkeypatch)
        endpoint, halt = BatchEndpoint(), Halt()
        endpoint.faults["GET /v1/batches/"] = [halt]
        with serve(endpoint) as url:
            async with connect(url, store, lease_s=900) as sender:
                asked = asyncio.ensure_future(ask_all(sender, [0]))
                await halt.wait()
                await wait_until(lambda: sum(seconds > 1 for seconds in slept) >= 3)
                halt.let_go()
                await asked
        assert all(240 <= seconds <= 300 for seconds in slept if seconds > 1)
