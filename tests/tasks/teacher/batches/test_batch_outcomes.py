"""What becomes of each request of a batch that went only partly well, or not at all."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from schemas.calls import Completion
from tasks.completions.store import CompletionStore
from tasks.teacher.batches.batch import BatchSender
from tasks.teacher.sending.capabilities import Capabilities
from tasks.teacher.sending.learning import learn
from tasks.teacher.sending.retries import EndpointError
from tests.endpoint.app import create_batching_app
from tests.endpoint.batches import BatchDesk, BatchDials
from tests.tasks.teacher.batching import (
    BatchEndpoint,
    Fault,
    Halt,
    answer_some,
    ask,
    ask_all,
    body,
    connect,
    count_rows,
    echo_line,
    expect,
    fail_with,
    lose_answer,
    wait_until,
    watch_sleep,
)
from tests.tasks.teacher.endpoints import KEY, Endpoint, serve

pytestmark = pytest.mark.usefixtures("tiny_key")


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


def count_sent(endpoint: BatchEndpoint) -> Counter[str]:
    return Counter(line["custom_id"] for line in endpoint.lines)


async def refuse(sender: BatchSender, key: str = "k", **fields: Any) -> EndpointError:
    with pytest.raises(EndpointError) as caught:
        await sender.fetch(key, body("Hello", **fields))
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)
    return caught.value


class TestEachRequest:
    async def test_each_has_its_own_outcome_and_only_what_failed_in_passing_or_got_none_is_sent_again(
        self, store: CompletionStore
    ) -> None:
        endpoint = BatchEndpoint(answer_some(), desk=UntidyDesk)
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                texts = ("one", "refuse me", "leave me out", "fail once", "other")
                one, refused, *others = await ask(sender, *texts)
        assert isinstance(refused, EndpointError)
        assert "400: this one is too long" in str(refused)
        assert refused.said == "messages too_long this one is too long"
        said = [made.content for made in (one, *others) if isinstance(made, Completion)]
        assert said == ["You said: one", "You said: leave me out", "You said: fail once", "You said: other"]
        assert count_sent(endpoint) == {"one": 1, "refuse me": 1, "leave me out": 2, "fail once": 2, "other": 1}
        assert store.get("refuse me") is None
        assert store.count() == 4

    async def test_what_expired_is_sent_again_and_nothing_else(self, store: CompletionStore) -> None:
        endpoint = BatchEndpoint(dials=BatchDials(expire_share=0.3))
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                results = await ask(sender, *map(str, range(60)))
        sent = count_sent(endpoint)
        assert 0 < sum(count > 1 for count in sent.values()) < 40
        assert max(sent.values()) <= 3
        for number, result in enumerate(results):
            if isinstance(result, Completion):
                assert result.content == f"You said: {number}"
            else:
                assert sent[str(number)] == 3
        assert sum(isinstance(result, Completion) for result in results) > 50
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

    @pytest.mark.forced
    async def test_what_failed_in_passing_and_nobody_waits_for_any_more_is_not_sent_again(
        self, store: CompletionStore
    ) -> None:
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
                assert learnt == Capabilities(limit="max_completion_tokens", left_out=frozenset({"max_tokens"}))
                assert (await sender.fetch("k", body("Hello", max_completion_tokens=9))).content == "You said: Hello"
        assert error.status == 400
        assert len(endpoint.desk.created) == 2


class FullDesk(BatchDesk):
    """Turns a batch down for want of room."""

    most = 0

    def _end(self, shown: dict[str, Any]) -> dict[str, Any]:
        if shown["request_counts"]["total"] <= self.most:
            return super()._end(shown)
        said = "Enqueued token limit reached for tiny in organization org-1."
        problem = {"code": "token_limit_exceeded", "message": said, "line": None, "param": None}
        return {"status": "failed", "errors": {"object": "list", "data": [problem]}}


class CrowdedDesk(FullDesk):
    """Has room for small batches."""

    most = 5


class TestTheQueueIsFull:
    @pytest.mark.parametrize(
        ("count", "sizes"),
        [(1, [1, 1, 1]), (2, [2, 1, 1, 1, 1, 1, 1]), (3, [3, 1, 1, 1, 1, 1, 1, 1, 1, 1])],
    )
    async def test_only_a_batch_that_cannot_be_smaller_counts_as_a_failure(
        self, store: CompletionStore, path: Path, count: int, sizes: list[int]
    ) -> None:
        endpoint = BatchEndpoint(desk=FullDesk)
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
        slept = watch_sleep(monkeypatch)
        endpoint = BatchEndpoint(desk=FullDesk)
        with serve(endpoint) as url:
            async with connect(url, store, poll_longest_s=1000) as sender:
                await ask(sender, "one")
        long = [seconds for seconds in slept if seconds > 100]
        assert len(long) == len(endpoint.desk.created) == 3
        assert all(900 <= seconds <= 1100 for seconds in long)

    async def test_batches_get_smaller_until_they_go_through(self, store: CompletionStore) -> None:
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
        ("DELETE /v1/files/", [fail_with(500)]),
    ],
)
async def test_passing_errors_pass(store: CompletionStore, call: str, faults: list[Fault]) -> None:
    endpoint = BatchEndpoint()
    endpoint.faults[call] = list(faults)
    with serve(endpoint) as url:
        async with connect(url, store) as sender:
            assert await ask_all(sender, range(3)) == expect(range(3))
    assert endpoint.faults[call] == []
    assert len(endpoint.desk.created) == 1


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

    async def test_an_unknown_model_is_one_clear_line_and_no_later_request_can_succeed(
        self, store: CompletionStore, path: Path
    ) -> None:
        endpoint = BatchEndpoint(app=create_batching_app())
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

    async def test_a_batch_that_is_gone_is_forgotten_with_its_file_and_sent_again(
        self, store: CompletionStore, path: Path
    ) -> None:
        endpoint = BatchEndpoint()
        endpoint.faults["GET /v1/batches/"] = [fail_with(404, "No batch found")]
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                assert await ask_all(sender, range(2)) == expect(range(2))
                assert count_rows(path) == (0, 0)
                await wait_until(lambda: not endpoint.desk._files)
        assert len(endpoint.desk.created) == 2
        assert count_sent(endpoint) == {"key-0": 2, "key-1": 2}

    async def test_a_batch_that_was_cancelled_is_not_sent_again(self, store: CompletionStore) -> None:
        endpoint = BatchEndpoint(dials=BatchDials(delay_s=60))
        with serve(endpoint) as url:
            async with connect(url, store) as sender:
                asked = asyncio.ensure_future(refuse(sender))
                await wait_until(lambda: bool(endpoint.desk.created))
                endpoint.desk.created[0]["status"] = "cancelled"
                assert "was cancelled" in str(await asked)
        assert len(endpoint.desk.created) == 1


class ContradictingDesk(BatchDesk):
    """Says in the error file, too, what became of each line."""

    def _end(self, shown: dict[str, Any]) -> dict[str, Any]:
        ended = super()._end(shown)
        _, content = self._files[ended["output_file_id"]]
        lines = [
            {"custom_id": json.loads(line)["custom_id"], "error": {"code": "lost"}} for line in content.splitlines()
        ]
        errors = b"\n".join(json.dumps(line).encode() for line in lines)
        return {**ended, "error_file_id": self._keep("errors.jsonl", errors, "batch_output")["id"]}


async def test_an_answer_that_came_is_kept_whatever_else_is_said_of_its_request(store: CompletionStore) -> None:
    with serve(BatchEndpoint(desk=ContradictingDesk)) as url:
        async with connect(url, store) as sender:
            assert await ask_all(sender, range(3)) == expect(range(3))
    assert store.count() == 3
