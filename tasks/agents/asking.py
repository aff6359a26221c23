"""What all agents need to ask the teacher: messages in OpenAI's form, seeds that never change, several at once."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from schemas.base import Json, content_hash
from schemas.episodes import Message

T = TypeVar("T")


def derive_seed(*parts: str | int) -> int:
    """A seed (31 bits, as every endpoint takes it) for whatever the parts name; the same on every machine."""
    return int(content_hash([str(part) for part in parts]), 16) % 2**31


def user_message(content: str) -> dict[str, Json]:
    """A user's message."""
    return {"role": "user", "content": content}


def to_chat(message: Message) -> dict[str, Json]:
    """A message of a trajectory in OpenAI's form."""
    chat: dict[str, Json] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        chat["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        chat["tool_call_id"] = message.tool_call_id
    return chat


async def gather_or_cancel(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """All results, in order. The first error ends the others and arrives as itself; a TaskGroup would raise a group."""
    running = [asyncio.create_task(one) for one in work]
    try:
        return await asyncio.gather(*running)
    finally:
        for task in running:
            task.cancel()
