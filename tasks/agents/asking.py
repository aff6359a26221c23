"""What all agents need to ask the teacher: messages in OpenAI's form, seeds that never change, several at once."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from schemas.base import Json, content_hash
from schemas.calls import Completion
from schemas.episodes import Message, ToolCall
from schemas.errors import TeacherError
from tasks.completions.answers import MOST_CALLS_AT_ONCE

T = TypeVar("T")

_MOST_SAID = 50_000
"""Characters of one turn of a dialogue, arguments included; nobody reads that many, and the checks would take long."""


def derive_seed(*parts: str | int) -> int:
    """A seed (31 bits, as every endpoint takes it) for whatever the parts name; the same on every machine."""
    return int(content_hash([str(part) for part in parts]), 16) % 2**31


def user_message(content: str) -> dict[str, Json]:
    """A user's message."""
    return {"role": "user", "content": content}


def to_chat(message: Message, extra: Mapping[str, Json] | None = None) -> dict[str, Json]:
    """A message of a trajectory in OpenAI's form; `extra` is what else the assistant's own had, see `Completion`."""
    further = dict(extra or {})
    of_calls = further.pop("tool_calls", None)
    chat: dict[str, Json] = {**further, "role": message.role, "content": message.content}
    if message.tool_calls:
        extras = of_calls if isinstance(of_calls, list) and len(of_calls) == len(message.tool_calls) else None
        chat["tool_calls"] = [
            _write_call(call, extras[place] if extras else {}) for place, call in enumerate(message.tool_calls)
        ]
    if message.tool_call_id is not None:
        chat["tool_call_id"] = message.tool_call_id
    return chat


def _write_call(call: ToolCall, extra: Mapping[str, Any]) -> dict[str, Json]:
    function = {**extra.get("function", {}), "name": call.name, "arguments": call.arguments}
    return {**extra, "id": call.id, "type": "function", "function": function}


def require_bounded(answer: Completion) -> None:
    """Raises TeacherError for an answer that is too much for one turn of a dialogue."""
    if len(answer.tool_calls) > MOST_CALLS_AT_ONCE:
        raise TeacherError(f"one answer holds more than {MOST_CALLS_AT_ONCE} calls")
    said = len(answer.content) + sum(len(call.arguments) for call in answer.tool_calls)
    if said > _MOST_SAID:
        raise TeacherError(f"one answer holds {said:,} characters, and {_MOST_SAID:,} are the limit")


async def gather_or_cancel(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """All results, in order. The first error ends the others and arrives as itself; a TaskGroup would raise a group."""
    running = [asyncio.create_task(one) for one in work]
    try:
        return await asyncio.gather(*running)
    finally:
        for task in running:
            task.cancel()
