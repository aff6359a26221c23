"""Completions through the Batch API, against a real HTTP server that offers it: sent, waited for, and kept."""

import asyncio
import datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.calls import Completion, Usage
from schemas.teacher import TeacherSettings
from tasks.completions.store import CompletionStore
from tasks.teacher.endpoint import open_client, read_key
from tasks.teacher.prices import Price
from tests.endpoint.app import create_batching_app
from tests.tasks.embedded.test_app import chat
from tests.tasks.teacher.batching import (
    BatchEndpoint,
    Halt,
    answer_some,
    ask,
    ask_all,
    body,
    connect,
    count_rows,
    expect,
    fail_with,
    run_what_is_ready,
    wait_until,
)
from tests.tasks.teacher.endpoints import serve

pytestmark = pytest.mark.usefixtures("tiny_key")


class TestTheWayOfABatch:
    async def test_the_embedded_teachers_server_answers_in_a_batch_what_it_answers_online_at_half_the_price(
        self, store: CompletionStore
    ) -> None:
        endpoint = BatchEndpoint(app=create_batching_app())
        with serve(endpoint) as url:
            async with connect(url, store, model="offline") as sender:
                answers = await asyncio.gather(*(sender.fetch(f"1-{seed}", chat(seed)) for seed in range(5)))
            settings = TeacherSettings(model="offline", base_url=url, api_key_env="TINY_KEY")
            async with open_client(settings, read_key(settings)) as client:
                online = [await client.chat.completions.create(**chat(seed)) for seed in range(5)]
        assert [answer.content for answer in answers] == [answer.choices[0].message.content for answer in online]
        assert answers == [store.get(f"1-{seed}") for seed in range(5)]
        assert all(answer.batched for answer in answers)
        price = Price(input=2.0, output=8.0, noted=datetime.date(2026, 1, 1))
        usage = answers[0].usage
        assert price.compute_cost(usage, answers[0].batched) == price.compute_cost(usage) / 2 > 0

    async def test_requests_are_gathered_into_one_file(self, store: CompletionStore) -> None:
        endpoint = BatchEndpoint()
        with serve(endpoint) as url:
            async with connect(url, store, linger_s=0.3) as sender:
                first = asyncio.ensure_future(ask_all(sender, range(20)))
                await run_what_is_ready()
                assert await ask_all(sender, range(10, 40)) == expect(range(10, 40))
                assert await first == expect(range(20))
        assert endpoint.desk.uploads == len(endpoint.desk.created) == 1
        assert len(endpoint.lines) == 40

    async def test_a_file_takes_only_so_many_requests(
        self, store: CompletionStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tasks.teacher.batches.batch_requests.MOST_BYTES", 1000)
        endpoint = BatchEndpoint()
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                assert await ask_all(sender, range(30)) == expect(range(30))
        sizes = [batch["request_counts"]["total"] for batch in endpoint.desk.created]
        assert sum(sizes) == 30
        assert all(1 < size < 10 for size in sizes[:-1])

    async def test_a_request_whose_waiter_went_away_before_it_was_sent_is_not_sent(
        self, store: CompletionStore
    ) -> None:
        endpoint = BatchEndpoint()
        with serve(endpoint) as url:
            async with connect(url, store, linger_s=0.2) as sender:
                gone = asyncio.ensure_future(sender.fetch("gone", body("gone")))
                await run_what_is_ready()
                gone.cancel()
                assert await ask_all(sender, [1]) == expect([1])
        assert [line["custom_id"] for line in endpoint.lines] == ["key-1"]

    async def test_ids_fit_endpoints_that_take_64_characters(self, store: CompletionStore) -> None:
        endpoint = BatchEndpoint()
        key = "1-" + "0123456789abcdef" * 4
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                assert (await sender.fetch(key, body("\u2028 ü \ud800"))).content == "You said: \u2028 ü ?"
        assert [line["custom_id"] for line in endpoint.lines] == [key[2:]]
        assert store.get(key) is not None

    async def test_a_store_that_was_answered_in_the_meantime_is_not_asked_for_again(
        self, store: CompletionStore
    ) -> None:
        endpoint = BatchEndpoint()
        made = Completion(content="from elsewhere", model="m", usage=Usage())
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                await store.put("key-1", made, endpoint="e", model="m")
                assert await ask_all(sender, [1, 2]) == ["from elsewhere", *expect([2])]
        assert [line["custom_id"] for line in endpoint.lines] == ["key-2"]

    async def test_so_many_wait_as_have_no_answer_yet(self, store: CompletionStore) -> None:
        endpoint, halt = BatchEndpoint(), Halt()
        endpoint.faults["GET /v1/files/"] = [halt]
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                assert sender.waiting == 0
                asked = asyncio.ensure_future(ask_all(sender, [0, 1, 1]))
                await halt.wait()
                assert sender.waiting == 2
                (row,) = sender.describe_open()
                assert (row.batch_id, row.requests, row.is_mine) == (endpoint.desk.created[0]["id"], 2, True)
                assert row.input_file_id == endpoint.desk.created[0]["input_file_id"]
                halt.let_go()
                await asked
                assert sender.waiting == 0


class TestAnswersThatArrive:
    async def test_a_batch_is_forgotten_when_its_answers_are_kept_and_its_files_go_last(
        self, store: CompletionStore, path: Path
    ) -> None:
        endpoint = BatchEndpoint(answer_some())
        seen: list[tuple[int, tuple[int, int]]] = []

        async def look(app: Any, scope: Any, receive: Any, send: Any) -> None:
            seen.append((store.count(), count_rows(path)))
            await app(scope, receive, send)

        endpoint.faults["GET /v1/files/"] = [look] * 2
        endpoint.faults["DELETE /v1/files/"] = [look] * 3
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                await ask(sender, "one", "refuse me", "other")
                assert sender.describe_open() == []
                await wait_until(lambda: not endpoint.desk._files)
        assert seen == [(0, (1, 3))] * 2 + [(2, (0, 0))] * 3  # what was sent, the answers, the refusals

    async def test_each_is_kept_under_its_own_key_however_many_there_are(
        self, store: CompletionStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tasks.teacher.batches.batch._ROWS_A_PUT", 3)
        with serve(BatchEndpoint()) as url:
            async with connect(url, store) as sender:
                assert await ask_all(sender, range(7)) == expect(range(7))
        kept = [store.get(f"key-{number}") for number in range(7)]
        assert [made.content for made in kept if made is not None] == expect(range(7))

    @pytest.mark.forced
    async def test_an_answer_that_was_kept_meanwhile_is_the_one(self, store: CompletionStore) -> None:
        endpoint, halt = BatchEndpoint(), Halt()
        endpoint.faults["GET /v1/files/"] = [halt]
        first = Completion(content="from elsewhere", model="m", usage=Usage())
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                asked = asyncio.ensure_future(ask_all(sender, range(3)))
                await halt.wait()
                await store.put("key-1", first, endpoint="e", model="m")
                halt.let_go()
                assert await asked == ["You said: number 0", "from elsewhere", "You said: number 2"]

    @pytest.mark.forced
    async def test_one_that_nobody_waits_for_any_more_is_kept(self, store: CompletionStore) -> None:
        endpoint, halt = BatchEndpoint(), Halt()
        endpoint.faults["GET /v1/files/"] = [halt]
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                asked = asyncio.ensure_future(ask_all(sender, [0]))
                await halt.wait()
                asked.cancel()
                halt.let_go()
                await wait_until(lambda: store.count() == 1)
                assert await sender.fetch("key-9", body("Hello"))
        assert len(endpoint.lines) == 2


class TestTheLog:
    """What a user sees of batches who looks into the log of a run that takes a day."""

    @pytest.fixture(autouse=True)
    def log(self, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
        caplog.set_level("INFO", "tasks.teacher")
        return caplog

    async def test_it_says_what_was_sent_and_what_came_of_it(
        self, store: CompletionStore, log: pytest.LogCaptureFixture
    ) -> None:
        endpoint = BatchEndpoint(answer_some())
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                await ask(sender, "one", "refuse me", "other")
        batch_id = endpoint.desk.created[0]["id"]
        assert f"3 requests sent to {url} as batch {batch_id}" in log.messages
        assert f"batch {batch_id} completed: 2 of 3 requests answered" in log.messages

    async def test_it_says_what_was_found_again(self, store: CompletionStore, log: pytest.LogCaptureFixture) -> None:
        endpoint, halt = BatchEndpoint(), Halt()
        endpoint.faults["GET /v1/batches/"] = [halt]
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                asked = asyncio.ensure_future(ask(sender, "one", "other"))
                await halt.wait()
                await sender.stop()
                await asked
                halt.let_go()
            async with connect(url, store) as sender:
                await ask(sender, "one")
        assert f"waiting for batch {endpoint.desk.created[0]['id']} with 2 requests" in log.messages

    @pytest.mark.parametrize("lists", [True, False], ids=["lists batches", "lists none"])
    async def test_it_says_what_is_sent_again_and_why(
        self, store: CompletionStore, log: pytest.LogCaptureFixture, lists: bool
    ) -> None:
        endpoint = BatchEndpoint()
        endpoint.faults["POST /v1/batches"] = [fail_with(503)] * 3
        if not lists:
            endpoint.faults["GET /v1/batches"] = [fail_with(404)] * 3
        endpoint.faults["GET /v1/batches/"] = [fail_with(404, "No batch found")]
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                await ask(sender, "one")
                name = sender.describe_open()[0].name
                await ask(sender, "one")
        assert f"batch {name} was never created: its 1 requests are free again" in log.messages
        gone = [text for text in log.messages if text.startswith(f"{url} has batch ")]
        assert [text.endswith(" no more: its requests are sent again") for text in gone] == [True]
        cannot = f"{url} cannot say whether it has batch {name}: its requests are sent again"
        assert (cannot in log.messages) == (not lists)
