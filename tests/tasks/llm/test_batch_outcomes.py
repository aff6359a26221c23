"""What becomes of each request of a batch that went only partly well, or not at all."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.calls import Completion
from tasks.llm.batch import BatchSender
from tasks.llm.retries import EndpointError
from tasks.llm.store import CompletionStore
from tasks.offline.batches import BatchDesk
from tests.tasks.llm.batching import (
    BatchEndpoint,
    Halt,
    ask_all,
    body,
    connect,
    count_rows,
    echo_line,
    expect,
    fail_with,
    wait_until,
)
from tests.tasks.llm.endpoints import serve


@pytest.fixture(autouse=True)
def set_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINY_KEY", "sk-1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "completions.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[CompletionStore]:
    with CompletionStore(path) as store:
        yield store


class UntidyDesk(BatchDesk):
    """Gives a batch's lines back in disorder and among others', and leaves out the first time what asks for it."""

    left_out = False

    def _end(self, shown: dict[str, Any]) -> dict[str, Any]:
        ended = super()._end(shown)
        file, content = self._files[ended["output_file_id"]]
        lines = content.splitlines(keepends=True)[::-1]
        if not self.left_out:
            self.left_out = True
            lines = [line for line in lines if b"leave me out" not in line]
        stranger = json.dumps({"custom_id": "key-99", "response": {"status_code": 200, "body": {}}}).encode() + b"\n"
        self._files[ended["output_file_id"]] = (file, b"\n".join([stranger, *lines, b'{"custom_id": "ke']))
        return ended


def answer_some(asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    text = asked["messages"][-1]["content"]
    if text == "refuse me":
        return 400, {"error": {"message": "this one is too long", "code": "too_long", "param": "messages"}}
    return echo_line(asked)


async def ask(sender: BatchSender, *texts: str) -> list[Completion | BaseException]:
    """What comes of requests whose keys are their texts."""
    asked = (sender.fetch(text, body(text)) for text in texts)
    return await asyncio.gather(*asked, return_exceptions=True)


def count_sent(endpoint: BatchEndpoint) -> Counter[str]:
    return Counter(line["custom_id"] for line in endpoint.lines)


async def test_each_request_has_its_own_outcome_and_only_what_got_none_is_sent_again(store: CompletionStore) -> None:
    endpoint = BatchEndpoint(answer_some, desk=UntidyDesk)
    with serve(endpoint) as url:
        async with connect(url, store) as sender:
            one, refused, missing, other = await ask(sender, "one", "refuse me", "leave me out", "other")
    assert isinstance(refused, EndpointError)
    assert "400: this one is too long" in str(refused)
    assert refused.said == "messages too_long this one is too long"
    said = [made.content for made in (one, missing, other) if isinstance(made, Completion)]
    assert said == ["You said: one", "You said: leave me out", "You said: other"]
    assert count_sent(endpoint) == {"one": 1, "refuse me": 1, "leave me out": 2, "other": 1}
    assert store.get("refuse me") is None
    assert store.count() == 3


@pytest.mark.forced
async def test_what_failed_in_passing_and_nobody_waits_for_any_more_is_not_sent_again(store: CompletionStore) -> None:
    endpoint, halt = BatchEndpoint(desk=UntidyDesk), Halt()
    endpoint.faults["GET /v1/batches/"] = [halt]
    with serve(endpoint) as url:
        async with connect(url, store) as sender:
            asked = asyncio.ensure_future(ask(sender, "leave me out"))
            other = asyncio.ensure_future(ask(sender, "other"))
            await halt.wait()
            asked.cancel()
            await asyncio.wait({asked})
            halt.let_go()
            await other
            assert sender.waiting == 0
            await ask(sender, "another")
    assert count_sent(endpoint) == {"leave me out": 1, "other": 1, "another": 1}


class TestTheQueueIsFull:
    class FullDesk(BatchDesk):
        """Turns every batch down for want of room."""

        def _end(self, shown: dict[str, Any]) -> dict[str, Any]:
            problem = {"code": "token_limit_exceeded", "message": "Enqueued token limit", "line": None, "param": None}
            return {"status": "failed", "errors": {"object": "list", "data": [problem]}}

    @pytest.mark.parametrize(
        ("count", "sizes"),
        [(1, [1, 1, 1]), (2, [2, 1, 1, 1, 1, 1, 1]), (3, [3, 1, 1, 1, 1, 1, 1, 1, 1, 1])],
    )
    async def test_only_a_batch_that_cannot_be_smaller_counts_as_a_failure(
        self, store: CompletionStore, path: Path, count: int, sizes: list[int]
    ) -> None:
        endpoint = BatchEndpoint(desk=self.FullDesk)
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                results = await ask(sender, *map(str, range(count)))
        for result in results:
            assert isinstance(result, EndpointError)
            assert str(result).endswith("(in 3 batches)")
            assert not result.is_limit
        assert [batch["request_counts"]["total"] for batch in endpoint.desk.created] == sizes
        assert count_rows(path) == (0, 0)

    async def test_each_time_it_is_left_alone_for_as_long_as_between_two_polls(
        self, store: CompletionStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        slept: list[float] = []
        sleep = asyncio.sleep

        async def note(seconds: float) -> None:
            slept.append(seconds)
            await sleep(min(seconds, 0.01))

        monkeypatch.setattr("tasks.llm.batch.asyncio.sleep", note)
        endpoint = BatchEndpoint(desk=self.FullDesk)
        with serve(endpoint) as url:
            async with connect(url, store, poll_longest_s=1000) as sender:
                await ask(sender, "one")
        long = [seconds for seconds in slept if seconds > 100]
        assert len(long) == len(endpoint.desk.created) == 3
        assert all(900 <= seconds <= 1100 for seconds in long)


class TestCreating:
    @pytest.mark.parametrize("status", [400, 401])
    async def test_a_batch_that_is_refused_leaves_no_file_and_no_row(
        self, store: CompletionStore, path: Path, status: int
    ) -> None:
        endpoint = BatchEndpoint()
        endpoint.faults["POST /v1/batches"] = [fail_with(status, "no batches for you")]
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                results = await ask(sender, "one", "other")
                for result in results:
                    assert isinstance(result, EndpointError)
                    assert f"{status}: no batches for you" in str(result)
                assert count_rows(path) == (0, 0)
                await wait_until(lambda: not endpoint.desk._files)
                assert await ask_all(sender, [1]) == expect([1])
        assert endpoint.count("POST /v1/batches") == 2

    async def test_a_file_that_could_not_be_uploaded_is_tried_in_another_round(
        self, store: CompletionStore, path: Path
    ) -> None:
        endpoint = BatchEndpoint()
        endpoint.faults["POST /v1/files"] = [fail_with(503)] * 6  # three attempts a round
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                assert await ask_all(sender, range(2)) == expect(range(2))
                assert count_rows(path) == (0, 0)
                endpoint.faults["POST /v1/files"] = [fail_with(503)] * 9
                (result,) = await ask(sender, "one")
        assert isinstance(result, EndpointError)
        assert "503" in str(result)
        assert str(result).endswith("(in 3 batches)")
        assert endpoint.faults["POST /v1/files"] == []
        assert count_rows(path) == (0, 0)

    async def test_a_batch_of_which_it_is_not_known_whether_it_was_created_stays_open(
        self, store: CompletionStore, path: Path
    ) -> None:
        endpoint = BatchEndpoint()
        endpoint.faults["POST /v1/batches"] = [fail_with(503)] * 3
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                (result,) = await ask(sender, "one")
                assert isinstance(result, EndpointError)
                assert not result.retried
                assert count_rows(path) == (1, 1)
                assert endpoint.count("DELETE") == 0
                (made,) = await ask(sender, "one")  # it is looked for, and is not there
        assert isinstance(made, Completion)
        assert endpoint.desk.uploads == 2
        assert len(endpoint.desk.created) == 1
        assert count_rows(path) == (0, 0)


class TestWaiting:
    async def test_a_batch_that_could_not_be_asked_after_is_asked_after_again_when_it_is_wanted(
        self, store: CompletionStore, path: Path
    ) -> None:
        endpoint = BatchEndpoint()
        endpoint.faults["GET /v1/batches/"] = [fail_with(400, "not now")]
        with serve(endpoint) as url:
            async with connect(url, store, lease_s=0.05) as sender:
                (refused,) = await ask(sender, "one")
                assert isinstance(refused, EndpointError)
                assert "400: not now" in str(refused)
                (other,) = await ask(sender, "other")
                assert isinstance(other, Completion)
                assert count_rows(path) == (1, 1)
                (made,) = await ask(sender, "one")
        assert isinstance(made, Completion)
        assert count_sent(endpoint) == {"one": 1, "other": 1}

    async def test_a_batch_that_is_gone_is_forgotten_with_its_file(self, store: CompletionStore, path: Path) -> None:
        endpoint = BatchEndpoint()
        endpoint.faults["GET /v1/batches/"] = [fail_with(404, "No batch found")]
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                assert await ask_all(sender, range(2)) == expect(range(2))
                assert count_rows(path) == (0, 0)
                await wait_until(lambda: not endpoint.desk._files)
        assert count_sent(endpoint) == {"key-0": 2, "key-1": 2}

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


class TestTheLog:
    """What a user sees of batches who looks into the log of a run that takes a day."""

    @pytest.fixture(autouse=True)
    def log(self, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
        caplog.set_level("INFO", "tasks.llm")
        return caplog

    async def test_it_says_what_was_sent_and_what_came_of_it(
        self, store: CompletionStore, log: pytest.LogCaptureFixture
    ) -> None:
        endpoint = BatchEndpoint(answer_some)
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
