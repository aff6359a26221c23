"""How long one attempt may take: so long in all, or, where the answer is streamed, so long to each next byte.

The time to the next byte is the client's own time-out; here is what bounds the whole.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

import httpx2

_EVENTS = "text/event-stream"

_limit: ContextVar[tuple[asyncio.Timeout, float] | None] = ContextVar("limit of an attempt", default=None)


@asynccontextmanager
async def limit_attempt(timeout_s: float, longest_s: float) -> AsyncIterator[None]:
    """What is done inside may take `timeout_s` seconds, and `longest_s` from when an answer begins to be streamed.

    Raises:
        TimeoutError: it takes longer.
    """
    async with asyncio.timeout(timeout_s) as timeout:
        token = _limit.set((timeout, longest_s))
        try:
            yield
        finally:
            _limit.reset(token)


async def allow_stream(response: httpx2.Response) -> None:
    """A client's hook: an answer that comes as events may go on for as long as they come."""
    limit = _limit.get()
    if limit is not None and response.headers.get("content-type", "").lower().startswith(_EVENTS):
        timeout, longest_s = limit
        timeout.reschedule(asyncio.get_running_loop().time() + longest_s)
