"""The yardstick of the client's figures: a bare loop over the SDK on the transport that ToolHerd uses, nothing else."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

import httpx2
import openai

Way = Literal["post", "create"]
"""How the SDK is asked: `client.post`, as ToolHerd does, or `chat.completions.create`, as users do."""

Body = dict[str, Any]


def open_bare(base_url: str) -> openai.AsyncOpenAI:
    """The SDK's client over aiohttp."""
    return openai.AsyncOpenAI(
        api_key="none", base_url=base_url, max_retries=0, timeout=120, http_client=openai.DefaultAioHttpClient()
    )


def choose_send(client: openai.AsyncOpenAI, way: Way) -> Callable[[Body], Awaitable[object]]:
    """What sends one body and returns when its whole answer is there."""

    async def post(body: Body) -> object:
        return await client.post("/chat/completions", body=body, cast_to=httpx2.Response)

    async def create(body: Body) -> object:
        return await client.chat.completions.create(**body)

    return post if way == "post" else create


async def send_all(send: Callable[[Any], Awaitable[object]], items: Sequence[Any], in_flight: int) -> float:
    """Seconds that it takes to send everything, so many at a time."""
    places = asyncio.Semaphore(in_flight)

    async def send_one(item: Any) -> None:
        async with places:
            await send(item)

    start = time.perf_counter()
    await asyncio.gather(*(send_one(item) for item in items))
    return time.perf_counter() - start


def measure_bare(base_url: str, bodies: Sequence[Body], in_flight: int, way: Way) -> float:
    """Seconds that the loop takes over these bodies."""

    async def measure() -> float:
        async with open_bare(base_url) as client:
            return await send_all(choose_send(client, way), bodies, in_flight)

    return asyncio.run(measure())
