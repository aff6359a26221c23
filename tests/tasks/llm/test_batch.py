"""Completions through the Batch API, against a real HTTP server that offers it."""

import asyncio
import datetime
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.calls import Completion
from schemas.errors import UserError
from schemas.teacher import TeacherSettings
from tasks.llm.batch import BatchSender
from tasks.llm.capabilities import Capabilities, learn
from tasks.llm.endpoint import open_client, read_key
from tasks.llm.prices import Price
from tasks.llm.retries import EndpointError
from tasks.llm.store import CompletionStore
from tasks.offline.app import create_app
from tasks.offline.batches import BatchDesk, BatchDials
from tests.tasks.llm.batching import (
    BatchEndpoint,
    Fault,
    ask_all,
    body,
    connect,
    count_rows,
    echo_line,
    expect,
    fail_with,
    lose_answer,
    run_what_is_ready,
    wait_until,
)
from tests.tasks.llm.endpoints import Endpoint, serve
from tests.tasks.offline.test_app import chat

KEY = "sk-marked-4711"


@pytest.fixture(autouse=True)
def set_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINY_KEY", KEY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "completions.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[CompletionStore]:
    with CompletionStore(path) as store:
        yield store


async def refuse(sender: BatchSender, key: str = "k", **fields: Any) -> EndpointError:
    with pytest.raises(EndpointError) as caught:
        await sender.fetch(key, body("Hello", **fields))
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)
    return caught.value


class TestTheWayOfABatch:
    async def test_the_embedded_teachers_server_answers_in_a_batch_what_it_answers_online_at_half_the_price(
        self, store: CompletionStore
    ) -> None:
        endpoint = BatchEndpoint(app=create_app())
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
        monkeypatch.setattr("tasks.llm.batch_requests.MOST_BYTES", 1000)
        endpoint = BatchEndpoint()
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                assert await ask_all(sender, range(30)) == expect(range(30))
        sizes = [batch["request_counts"]["total"] for batch in endpoint.desk.created]
        assert sum(sizes) == 30
        assert all(1 < size < 10 for size in sizes[:-1])

    async def test_nothing_is_left_behind(self, store: CompletionStore, path: Path) -> None:
        endpoint = BatchEndpoint(dials=BatchDials(fail_share=0.3))
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                await asyncio.gather(*(ask_all(sender, [number]) for number in range(20)), return_exceptions=True)
                assert sender.describe_open() == []
                await wait_until(lambda: not endpoint.desk._files)
        assert count_rows(path) == (0, 0)

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


class TestFailures:
    @pytest.mark.parametrize("dial", ["fail_share", "expire_share"])
    async def test_what_failed_or_expired_is_sent_again_and_nothing_else(
        self, store: CompletionStore, dial: str
    ) -> None:
        endpoint = BatchEndpoint(dials=BatchDials(**{dial: 0.3}))
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                results = await asyncio.gather(
                    *(sender.fetch(f"key-{n}", body(f"number {n}")) for n in range(60)), return_exceptions=True
                )
        sent = Counter(line["custom_id"] for line in endpoint.lines)
        assert 0 < sum(count > 1 for count in sent.values()) < 40
        assert max(sent.values()) <= 3
        for number, result in enumerate(results):
            if isinstance(result, Completion):
                assert result.content == f"You said: number {number}"
            else:
                assert sent[f"key-{number}"] == 3
        assert sum(isinstance(result, Completion) for result in results) > 50
        if dial == "expire_share":
            assert endpoint.desk.created[0]["status"] == "expired"

    @pytest.mark.parametrize(
        ("dial", "problem"), [("fail_share", "500: the server had an error"), ("expire_share", "batch_expired")]
    )
    async def test_after_three_batches_the_last_error_is_told(
        self, store: CompletionStore, dial: str, problem: str
    ) -> None:
        endpoint = BatchEndpoint(dials=BatchDials(**{dial: 1.0}))
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                error = await refuse(sender)
        assert problem in str(error)
        assert "in 3 batches" in str(error)
        assert not error.retried
        assert not error.fatal
        assert len(endpoint.desk.created) == 3
        assert store.get("k") is None

    async def test_a_refusal_is_told_as_the_online_path_tells_it_so_that_the_body_can_be_mended(
        self, store: CompletionStore
    ) -> None:
        def answer(asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
            if "max_tokens" not in asked:
                return echo_line(asked)
            said = "Unsupported parameter: 'max_tokens' is not supported with this model."
            return 400, {"error": {"message": said, "param": "max_tokens", "code": "unsupported_parameter"}}

        endpoint = BatchEndpoint(answer)
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                error = await refuse(sender, max_tokens=9)
                learnt = learn(Capabilities(), body("Hello", max_tokens=9), error)
                assert learnt == Capabilities(limit="max_completion_tokens")
                assert (await sender.fetch("k", body("Hello", max_completion_tokens=9))).content == "You said: Hello"
        assert error.status == 400
        assert len(endpoint.desk.created) == 2

    async def test_an_unknown_model_is_one_clear_line_and_no_later_request_can_succeed(
        self, store: CompletionStore, path: Path
    ) -> None:
        endpoint = BatchEndpoint(app=create_app())
        with serve(endpoint) as url:
            async with connect(url, store, model="gpt-0") as sender:
                error = await refuse(sender, model="gpt-0")
        assert "has no model 'gpt-0'" in str(error)
        assert "failed: The provided model" in str(error)
        assert error.fatal
        assert count_rows(path) == (0, 0)

    async def test_a_key_that_is_refused_is_one_clear_line(self, store: CompletionStore) -> None:
        endpoint = BatchEndpoint()
        endpoint.faults["POST /v1/files"] = [fail_with(401, f"Incorrect API key provided: {KEY}")]
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                error = await refuse(sender)
        assert "refuses the API key in the environment variable TINY_KEY" in str(error)
        assert error.fatal

    async def test_an_endpoint_without_a_batch_api_is_told(self, store: CompletionStore) -> None:
        with serve(Endpoint()) as url:
            async with connect(url, store) as sender:
                error = await refuse(sender)
        assert "does not offer the Batch API (404): leave out --teacher.batch" in str(error)
        assert error.fatal

    async def test_a_batch_that_was_cancelled_is_not_sent_again(self, store: CompletionStore) -> None:
        endpoint = BatchEndpoint(dials=BatchDials(delay_s=60))
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                asked = asyncio.ensure_future(refuse(sender))
                await wait_until(lambda: bool(endpoint.desk.created))
                endpoint.desk.created[0]["status"] = "cancelled"
                assert "was cancelled" in str(await asked)
        assert len(endpoint.desk.created) == 1

    async def test_a_full_queue_makes_batches_smaller_until_they_go_through(self, store: CompletionStore) -> None:
        class CrowdedDesk(BatchDesk):
            def _end(self, shown: dict[str, Any]) -> dict[str, Any]:
                if shown["request_counts"]["total"] <= 5:
                    return super()._end(shown)
                said = "Enqueued token limit reached for tiny in organization org-1."
                problem = {"code": "token_limit_exceeded", "message": said, "line": None, "param": None}
                return {"status": "failed", "errors": {"object": "list", "data": [problem]}}

        endpoint = BatchEndpoint(desk=CrowdedDesk)
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                assert await ask_all(sender, range(20)) == expect(range(20))
        sizes = [batch["request_counts"]["total"] for batch in endpoint.desk.created]
        # Each that goes through lets the next be twice as large; of those that are turned down half are sent.
        assert sizes == [20, 10, 5, 10, 5, 10, 5, 5]
        assert sum(batch["request_counts"]["completed"] for batch in endpoint.desk.created) == 20

    @pytest.mark.parametrize(
        ("call", "faults"),
        [
            ("POST /v1/files", [fail_with(503), fail_with(500)]),
            ("POST /v1/files", [fail_with(429)] * 5),
            ("POST /v1/batches", [fail_with(503)]),
            ("POST /v1/batches", [lose_answer]),
            ("GET /v1/batches/", [fail_with(503)] * 7),
            ("GET /v1/files/", [fail_with(502)] * 7),
            ("GET /v1/files/", [lose_answer]),
            ("DELETE /v1/files/", [fail_with(500)]),
        ],
    )
    async def test_passing_errors_pass(self, store: CompletionStore, call: str, faults: list[Fault]) -> None:
        endpoint = BatchEndpoint()
        endpoint.faults[call] = list(faults)
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                assert await ask_all(sender, range(3)) == expect(range(3))
        assert endpoint.faults[call] == []
        assert len(endpoint.desk.created) == 1

    async def test_a_batch_that_is_gone_is_sent_again(self, store: CompletionStore) -> None:
        endpoint = BatchEndpoint(dials=BatchDials(delay_s=0.1))
        endpoint.faults["GET /v1/batches/"] = [fail_with(404, "No batch found")]
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                assert await ask_all(sender, range(3)) == expect(range(3))
        assert len(endpoint.desk.created) == 2

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
                assert await ask_all(sender, [1]) == expect([1])
