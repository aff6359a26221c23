"""The lean client: what goes out is what the SDK's own client sends."""

import asyncio
import json
from typing import Any

import httpx2
import openai
import pytest

from tasks.teacher.lean import LeanClient

BODIES: list[dict[str, Any]] = [
    {"model": "m", "messages": [{"role": "user", "content": "Grüße 猫"}]},
    {"model": "m", "messages": [], "temperature": 0.5},
    {"model": "m", "messages": [{"role": "user", "content": "x" * 5000}]},
]


class Transport(httpx2.AsyncBaseTransport):
    """Takes requests as they come, and reads nothing for them."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        assert isinstance(request.stream, httpx2.AsyncByteStream)
        content, streamed = request.content, b"".join([part async for part in request.stream])
        assert content == streamed
        self.seen.append(
            (request.method, str(request.url), sorted(request.headers.items()), content, request.extensions)
        )
        return httpx2.Response(200, json={})


def send(client_class: type[openai.AsyncOpenAI], *turns: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What a client of this class sends for the bodies, one after another; once for each of the options."""
    transport = Transport()

    async def post() -> None:
        async with client_class(
            api_key="sk-test",
            base_url="http://host:8000/v1/",
            max_retries=0,
            timeout=7,
            http_client=openai.DefaultAsyncHttpxClient(transport=transport),
        ) as client:
            for options in turns:
                for body in BODIES:
                    await client.post("/chat/completions", body=body, cast_to=httpx2.Response, **options)

    asyncio.run(post())
    return transport.seen


PLAIN: dict[str, Any] = {}
WITH_HEADERS = {"options": {"headers": {"x-mine": "1"}}}
WITH_PARAMS = {"options": {"params": {"a": "b"}}}


@pytest.mark.parametrize(
    "turns",
    [[PLAIN], [WITH_HEADERS], [WITH_PARAMS], [PLAIN, WITH_HEADERS, PLAIN], [PLAIN, WITH_PARAMS, PLAIN, WITH_PARAMS]],
)
def test_requests_are_those_of_the_sdk_to_the_byte(turns: list[dict[str, Any]]) -> None:
    lean = send(LeanClient, *turns)
    assert lean == send(openai.AsyncOpenAI, *turns)
    assert len(lean) == 3 * len(turns)
    assert ("authorization", "Bearer sk-test") in lean[0][2]


def test_each_path_has_an_address_of_its_own() -> None:
    async def post() -> list[str]:
        client = LeanClient(
            api_key="k",
            base_url="http://host/v1",
            http_client=openai.DefaultAsyncHttpxClient(
                transport=httpx2.MockTransport(lambda request: httpx2.Response(200, text=request.url.path))
            ),
        )
        async with client:
            return [
                (await client.post(path, body={}, cast_to=httpx2.Response)).text for path in ("/a", "/b", "/a", "/b")
            ]

    assert asyncio.run(post()) == ["/v1/a", "/v1/b", "/v1/a", "/v1/b"]


def test_the_sdk_builds_one_request_for_each_path_and_those_that_are_not_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    build = openai.AsyncOpenAI._build_request

    def watch(client: openai.AsyncOpenAI, options: Any, **more: Any) -> httpx2.Request:
        built.append(options.url)
        return build(client, options, **more)

    monkeypatch.setattr(openai.AsyncOpenAI, "_build_request", watch)
    assert len(send(LeanClient, PLAIN)) == 3
    assert built == ["/chat/completions"]
    send(LeanClient, WITH_HEADERS)
    assert built == ["/chat/completions"] * 4


def test_what_is_no_object_is_the_sdks_to_send() -> None:
    def send_list(client_class: type[openai.AsyncOpenAI]) -> bytes:
        async def post() -> bytes:
            client = client_class(
                api_key="k",
                base_url="http://host/v1",
                http_client=openai.DefaultAsyncHttpxClient(
                    transport=httpx2.MockTransport(lambda request: httpx2.Response(200, content=request.content))
                ),
            )
            async with client:
                response: httpx2.Response = await client.post("/a", body=["x"], cast_to=httpx2.Response)
                return response.content

        return asyncio.run(post())

    assert json.loads(send_list(LeanClient)) == json.loads(send_list(openai.AsyncOpenAI)) == ["x"]


async def test_a_retry_is_the_sdks_to_build() -> None:
    """The count of retries is in a header; where the SDK's retries are on they work as they do without us."""
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(500 if len(seen) == 1 else 200, json={}, headers={"retry-after-ms": "1"})

    async with LeanClient(
        api_key="k",
        base_url="http://host/v1",
        max_retries=1,
        http_client=openai.DefaultAsyncHttpxClient(transport=httpx2.MockTransport(answer)),
    ) as client:
        await client.post("/a", body={"x": 1}, cast_to=httpx2.Response)
    assert [request.headers["x-stainless-retry-count"] for request in seen] == ["0", "1"]
    assert [json.loads(request.content) for request in seen] == [{"x": 1}] * 2
