"""The Batch API's calls against a real HTTP server: what is sent, what is tried again, and for how long."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx2
import openai
import pytest
from pydantic import SecretStr
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from schemas.teacher import TeacherSettings
from tasks.teacher.batches.batch_api import BatchApi
from tasks.teacher.endpoint import name_endpoint, open_client, read_key
from tasks.teacher.sending.retries import EndpointError
from tests.tasks.teacher.batching import BatchEndpoint, Fault, Halt, body, fail_with, lose_answer
from tests.tasks.teacher.endpoints import serve

KEY = "sk-marked-4711"
LINE = json.dumps({"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": body("Hi")}).encode()


@pytest.fixture(autouse=True)
def set_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINY_KEY", KEY)


@pytest.fixture
def endpoint() -> BatchEndpoint:
    return BatchEndpoint()


@pytest.fixture
def url(endpoint: BatchEndpoint) -> Iterator[str]:
    with serve(endpoint) as url:
        yield url


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it slept, with every chance in the middle of its range; no time passes."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("tasks.teacher.batches.batch_api.asyncio", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(
        "tasks.teacher.batches.batch_api.random", SimpleNamespace(uniform=lambda low, high: (low + high) / 2)
    )
    return slept


@asynccontextmanager
async def open_api(url: str) -> AsyncIterator[BatchApi]:
    settings = TeacherSettings(model="tiny", base_url=url, api_key_env="TINY_KEY", attempts=3)
    secret = read_key(settings)
    async with open_client(settings, secret) as client:
        yield BatchApi(client, settings, name_endpoint(settings), secret, first_backoff_s=0.001)


async def create(api: BatchApi, name: str = "toolherd-1") -> str:
    return await api.create(name, await api.upload(name, LINE + b"\n"))


def ask_to_wait(seconds: int) -> Fault:
    async def fault(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {"retry-after": str(seconds)}
        await JSONResponse({"error": {"message": "slow"}}, 429, headers)(scope, receive, send)

    return fault


async def test_a_batch_is_created_of_an_uploaded_file_and_carries_its_name(endpoint: BatchEndpoint, url: str) -> None:
    async with open_api(url) as api:
        batch_id = await create(api)
        (shown,) = endpoint.desk.created
        (file, content), *_ = endpoint.desk._files.values()
        assert (file["filename"], file["purpose"], content) == ("toolherd-1.jsonl", "batch", LINE + b"\n")
        assert shown["id"] == batch_id
        assert (shown["endpoint"], shown["completion_window"]) == ("/v1/chat/completions", "24h")
        assert (shown["input_file_id"], shown["metadata"]) == (file["id"], {"toolherd": "toolherd-1"})
        assert (await api.wait(batch_id, first_s=0, longest_s=0)).status == "completed"
        output = endpoint.desk.created[0]["output_file_id"]
        assert await api.download(output) == endpoint.desk._files[output][1]
        await api.delete([None, output, "file-unknown", file["id"], ""])
    assert endpoint.desk._files == {}
    assert endpoint.count("DELETE") == 3


class TestFinding:
    async def test_a_batch_is_found_by_its_whole_name_on_whatever_page_it_stands(
        self, endpoint: BatchEndpoint, url: str
    ) -> None:
        async with open_api(url) as api:
            wanted = await create(api, "toolherd-1")
            file_id = endpoint.desk.created[0]["input_file_id"]
            for number in range(100):
                await api.create(f"toolherd-1{number}", file_id)
            endpoint.desk.created[50]["metadata"] = None
            endpoint.desk.created[51]["metadata"] = {"another": "toolherd-1"}
            assert await api.find("toolherd-1") == wanted
            assert await api.find("toolherd-") is None
        assert endpoint.count("GET /v1/batches") == 4

    @pytest.mark.parametrize("status", [404, 405, 501])
    async def test_an_endpoint_that_lists_no_batches_has_none_of_the_name(
        self, endpoint: BatchEndpoint, url: str, status: int
    ) -> None:
        async with open_api(url) as api:
            await create(api)
            endpoint.faults["GET /v1/batches"] = [fail_with(status)]
            assert await api.find("toolherd-1") is None

    @pytest.mark.parametrize(("status", "calls"), [(400, 1), (401, 1), (503, 3)])
    async def test_an_endpoint_that_cannot_say_is_no_endpoint_that_has_none(
        self, endpoint: BatchEndpoint, url: str, status: int, calls: int
    ) -> None:
        endpoint.faults["GET /v1/batches"] = [fail_with(status)] * 9
        async with open_api(url) as api:
            with pytest.raises(EndpointError, match=str(status)):
                await api.find("toolherd-1")
        assert endpoint.count("GET /v1/batches") == calls


class TestWaiting:
    @pytest.mark.parametrize("end", ["completed", "failed", "expired", "cancelled"])
    async def test_it_asks_until_the_batch_has_ended_less_and_less_often(
        self, endpoint: BatchEndpoint, url: str, sleeps: list[float], end: str
    ) -> None:
        statuses = ["validating", "in_progress", "finalizing", "cancelling", *["in_progress"] * 3, end]

        async def show_next(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
            endpoint.desk.created[0]["status"] = statuses.pop(0)
            await JSONResponse(endpoint.desk.created[0])(scope, receive, send)

        endpoint.faults["GET /v1/batches/"] = [show_next] * 8
        async with open_api(url) as api:
            batch = await api.wait(await create(api), first_s=10, longest_s=60)
        assert (batch.status, statuses) == (end, [])
        assert sleeps == pytest.approx([10, 15, 22.5, 33.75, 50.625, 60, 60])

    @pytest.mark.parametrize(("each_s", "calls"), [(1200.0, 3), (1199.9, 4), (4000.0, 3)])
    async def test_an_endpoint_that_is_away_is_given_an_hour_for_a_batch_that_is_paid_for(
        self, endpoint: BatchEndpoint, url: str, sleeps: list[float], monkeypatch: pytest.MonkeyPatch,
        each_s: float, calls: int,
    ) -> None:  # fmt: skip
        now = [0.0]
        monkeypatch.setattr("tasks.teacher.batches.batch_api.time", SimpleNamespace(monotonic=lambda: now[0]))

        async def be_away(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
            now[0] += each_s
            await fail_with(503)(app, scope, receive, send)

        endpoint.faults["GET /v1/batches/"] = [be_away] * 9
        async with open_api(url) as api:
            batch_id = await create(api)
            with pytest.raises(EndpointError, match="503") as caught:
                await api.wait(batch_id, first_s=1, longest_s=1)
        assert caught.value.retried
        assert endpoint.count("GET /v1/batches/") == calls

    async def test_a_file_that_is_paid_for_is_fetched_as_patiently(
        self, endpoint: BatchEndpoint, url: str, sleeps: list[float]
    ) -> None:
        endpoint.faults["GET /v1/files/"] = [fail_with(503)] * 20
        async with open_api(url) as api:
            await create(api)
            assert await api.download(endpoint.desk.created[0]["input_file_id"]) == LINE + b"\n"
        assert endpoint.count("GET /v1/files/") == 21


class TestFailures:
    async def test_passing_ones_are_tried_so_many_times(
        self, endpoint: BatchEndpoint, url: str, sleeps: list[float]
    ) -> None:
        endpoint.faults["POST /v1/files"] = [fail_with(503)] * 2
        async with open_api(url) as api:
            await api.upload("toolherd-1", LINE)
            assert endpoint.count("POST /v1/files") == 3
            endpoint.faults["POST /v1/files"] = [fail_with(503)] * 3
            with pytest.raises(EndpointError, match="503") as caught:
                await api.upload("toolherd-1", LINE)
        assert caught.value.retried
        assert endpoint.faults["POST /v1/files"] == []
        assert len(sleeps) == 4

    async def test_limits_are_waited_for_as_long_as_is_asked_and_count_for_nothing(
        self, endpoint: BatchEndpoint, url: str, sleeps: list[float]
    ) -> None:
        endpoint.faults["POST /v1/files"] = [ask_to_wait(20)] * 7
        async with open_api(url) as api:
            await api.upload("toolherd-1", LINE)
            assert len(sleeps) == 7
            assert all(20 <= seconds <= 21 for seconds in sleeps)
            limited = [fail_with(503), ask_to_wait(20)] * 2
            endpoint.faults["POST /v1/files"] = [*limited, fail_with(503)]
            with pytest.raises(EndpointError, match="503"):
                await api.upload("toolherd-1", LINE)
        assert endpoint.faults["POST /v1/files"] == []

    async def test_waits_grow_with_limits_in_a_row_and_begin_anew_after_a_failure(
        self, endpoint: BatchEndpoint, url: str, sleeps: list[float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tasks.teacher.sending.retries.random", SimpleNamespace(uniform=lambda low, high: high))
        endpoint.faults["POST /v1/files"] = [fail_with(status) for status in (429, 429, 429, 503, 429, 503)]
        async with open_api(url) as api:
            await api.upload("toolherd-1", LINE)
        assert sleeps == pytest.approx([0.001, 0.002, 0.004, 0.001, 0.001, 0.002])

    @pytest.mark.parametrize("status", [400, 401, 402, 413, 422])
    async def test_what_will_not_pass_is_tried_once(self, endpoint: BatchEndpoint, url: str, status: int) -> None:
        endpoint.faults["POST /v1/files"] = [fail_with(status)] * 9
        async with open_api(url) as api:
            with pytest.raises(EndpointError, match=str(status)) as caught:
                await api.upload("toolherd-1", LINE)
        assert not caught.value.retried
        assert len(endpoint.calls) == 1

    @pytest.mark.parametrize("status", [404, 405, 501])
    async def test_an_endpoint_without_the_call_has_no_batch_api_and_one_without_the_model_has_none_of_it(
        self, endpoint: BatchEndpoint, url: str, status: int
    ) -> None:
        endpoint.faults["POST /v1/files"] = [fail_with(status), fail_with(404, code="model_not_found")]
        async with open_api(url) as api:
            with pytest.raises(EndpointError, match=rf"not offer the Batch API \({status}\)") as caught:
                await api.upload("toolherd-1", LINE)
            assert (caught.value.status, caught.value.fatal, caught.value.retried) == (404, True, False)
            with pytest.raises(EndpointError, match="has no model 'tiny'") as caught:
                await api.upload("toolherd-1", LINE)
            assert caught.value.fatal

    @pytest.mark.parametrize("fault", [fail_with(401, f"bad key {KEY}"), fail_with(400, f"bad key {KEY}")])
    async def test_no_error_leads_to_the_key(self, endpoint: BatchEndpoint, url: str, fault: Fault) -> None:
        endpoint.faults["POST /v1/files"] = [fault]
        async with open_api(url) as api:
            with pytest.raises(EndpointError) as caught:
                await api.upload("toolherd-1", LINE)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        assert KEY not in str(caught.value)

    async def test_a_batch_whose_creation_failed_is_looked_for_before_it_is_created_again(
        self, endpoint: BatchEndpoint, url: str, sleeps: list[float]
    ) -> None:
        async with open_api(url) as api:
            file_id = await api.upload("toolherd-1", LINE)
            endpoint.faults["POST /v1/batches"] = [fail_with(503), lose_answer]
            batch_id = await api.create("toolherd-1", file_id)
        assert [batch["id"] for batch in endpoint.desk.created] == [batch_id]
        calls = [call.split()[0] for call in endpoint.calls if call.endswith("/v1/batches")]
        assert calls == ["POST", "GET", "POST", "GET"]
        assert len(sleeps) == 2


@pytest.mark.parametrize(("timeout_s", "transfer_s"), [(120.0, 600.0), (900.0, 900.0)])
async def test_files_have_ten_minutes_to_pass_or_what_any_answer_has(timeout_s: float, transfer_s: float) -> None:
    allowed: dict[str, float] = {}

    def answer(request: httpx2.Request) -> httpx2.Response:
        allowed[f"{request.method} {request.url.path}"] = request.extensions["timeout"]["read"]
        if request.url.path.endswith("/content"):
            return httpx2.Response(200, content=b"")
        file = {"id": "file-1", "object": "file", "bytes": 1, "created_at": 1, "filename": "f", "purpose": "batch",
                "status": "processed"}  # fmt: skip
        return httpx2.Response(200, json=file)

    settings = TeacherSettings(model="tiny", base_url="http://h/v1", timeout_s=timeout_s)
    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    async with openai.AsyncOpenAI(api_key="sk-1", base_url="http://h/v1", http_client=http, timeout=7) as client:
        api = BatchApi(client, settings, "http://h/v1", SecretStr("sk-1"), first_backoff_s=0.001)
        await api.download(await api.upload("toolherd-1", LINE))
        await api.delete(["file-1"])
    assert allowed == {
        "POST /v1/files": transfer_s, "GET /v1/files/file-1/content": transfer_s, "DELETE /v1/files/file-1": 7
    }  # fmt: skip


async def test_a_call_that_is_cancelled_is_not_tried_again(endpoint: BatchEndpoint, url: str) -> None:
    halt = Halt()
    endpoint.faults["POST /v1/files"] = [halt]
    async with open_api(url) as api:
        asked = asyncio.ensure_future(api.upload("toolherd-1", LINE))
        await halt.wait()
        asked.cancel()
        await asyncio.wait({asked})
        halt.let_go()
    assert asked.cancelled()
    assert len(endpoint.calls) == 1


def show(**shown: Any) -> Fault:
    """Answers with this and does nothing."""

    async def fault(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await Response(json.dumps(shown), media_type="application/json")(scope, receive, send)

    return fault


async def show_page(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await HTMLResponse("<html>")(scope, receive, send)


async def send_elsewhere(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await RedirectResponse("http://elsewhere.example/v1/files", 307)(scope, receive, send)


async def drip(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    async def write() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.05)

    await StreamingResponse(write(), media_type="application/json")(scope, receive, send)


class TestAnEndpointThatMeansHarm:
    @pytest.mark.parametrize(
        "fault", [show(id=7), show(id=["a"]), show(id=""), show(id="\ud83d"), show(id="x" * 10_000), show(), show_page]
    )
    @pytest.mark.parametrize("path", ["/v1/files", "/v1/batches"])
    async def test_what_cannot_be_kept_as_an_id_is_none(
        self, endpoint: BatchEndpoint, url: str, fault: Fault, path: str
    ) -> None:
        endpoint.faults[f"POST {path}"] = [fault] * 9
        async with open_api(url) as api:
            with pytest.raises(EndpointError, match="names no file or batch"):
                await create(api)

    @pytest.mark.parametrize("fault", [show(id="batch_1"), show(status=["completed"]), show_page])
    async def test_what_is_no_batch_has_not_ended(
        self, endpoint: BatchEndpoint, url: str, fault: Fault, sleeps: list[float]
    ) -> None:
        async with open_api(url) as api:
            batch_id = await create(api)
            endpoint.faults["GET /v1/batches/"] = [fault]
            assert (await api.wait(batch_id, first_s=0, longest_s=0)).status == "completed"

    async def test_the_files_of_a_batch_have_names_or_are_not_there(self, endpoint: BatchEndpoint, url: str) -> None:
        async with open_api(url) as api:
            batch_id = await create(api)
            endpoint.faults["GET /v1/batches/"] = [
                show(id="other", status="completed", output_file_id=[7], error_file_id="")
            ]
            batch = await api.wait(batch_id, first_s=0, longest_s=0)
        assert (batch.id, batch.output_file_id, batch.error_file_id) == (batch_id, None, None)

    async def test_a_redirect_is_refused_with_the_new_address(self, endpoint: BatchEndpoint, url: str) -> None:
        endpoint.faults["POST /v1/files"] = [send_elsewhere]
        async with open_api(url) as api:
            with pytest.raises(EndpointError, match=r"sends requests on to http://elsewhere\.example/v1") as raised:
                await create(api)
        assert raised.value.fatal

    async def test_a_file_is_read_as_far_as_it_may_go_and_once(self, endpoint: BatchEndpoint, url: str) -> None:
        async with open_api(url) as api:
            await create(api)
            file_id = endpoint.desk.created[0]["input_file_id"]
            size = len(LINE) + 1
            assert await api.download(file_id, size) == LINE + b"\n"
            with pytest.raises(EndpointError, match="longer than"):
                await api.download(file_id, size - 1)
        assert endpoint.count(f"GET /v1/files/{file_id}/content") == 2

    async def test_no_call_takes_longer_than_its_time_out_byte_by_byte(self, endpoint: BatchEndpoint, url: str) -> None:
        endpoint.faults["POST /v1/batches"] = [drip] * 9
        settings = TeacherSettings(model="tiny", base_url=url, api_key_env="TINY_KEY", attempts=2, timeout_s=0.5)
        async with open_client(settings, read_key(settings)) as client, asyncio.timeout(60):
            api = BatchApi(client, settings, name_endpoint(settings), read_key(settings), first_backoff_s=0.001)
            with pytest.raises(EndpointError, match="no answer within"):
                await api.create("toolherd-1", "file-1")
