"""What all agents need to ask: seeds that never move, messages in OpenAI's form, several requests at once."""

import asyncio
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.episodes import Message, ToolCall
from tasks.agents.asking import derive_seed, gather_or_cancel, to_chat, user_message

PARTS = st.lists(st.integers() | st.text(st.characters(codec="utf-8")), max_size=4)


@given(PARTS)
def test_a_seed_is_the_hash_of_its_parts_as_every_endpoint_takes_it(parts: list[str | int]) -> None:
    # A seed that moves makes every user pay again, for it is part of a completion's key.
    text = json.dumps([str(part) for part in parts], separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(f"1\n{text}".encode()).hexdigest()
    assert derive_seed(*parts) == int(digest[:16], 16) % 2**31


def test_what_names_a_seed_and_in_which_order_matters() -> None:
    seeds = [
        derive_seed(*parts) for parts in ((), ("a",), ("a", "b"), ("b", "a"), ("ab",), ("a", "b", ""), (1,), (11,))
    ]
    assert len(set(seeds)) == 8


def test_a_message_is_in_openais_form_and_holds_no_field_that_says_nothing() -> None:
    assert user_message("Hi") == {"role": "user", "content": "Hi"}
    assert to_chat(Message(role="assistant", content="Hi")) == {"role": "assistant", "content": "Hi"}
    calls = (ToolCall(id="1", name="f", arguments='{"a": 1}'), ToolCall(id="2", name="g", arguments="{}"))
    assert to_chat(Message(role="assistant", tool_calls=calls)) == {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
            {"id": "2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
        ],
    }
    tool = to_chat(Message(role="tool", content="{}", tool_call_id="1"))
    assert tool == {"role": "tool", "content": "{}", "tool_call_id": "1"}


class TestSeveralAtOnce:
    async def test_results_are_in_the_order_of_the_work_and_not_of_its_end(self) -> None:
        ended: list[str] = []
        last = asyncio.Event()

        async def be_first() -> str:
            await last.wait()
            ended.append("first")
            return "first"

        async def be_last() -> str:
            ended.append("last")
            last.set()
            return "last"

        assert await gather_or_cancel([be_first(), be_last()]) == ["first", "last"]
        assert ended == ["last", "first"]
        assert await gather_or_cancel([]) == []

    async def test_the_first_error_arrives_as_itself_and_ends_the_others(self) -> None:
        cancelled: list[str] = []
        waiting = asyncio.Event()

        async def wait_for_ever() -> None:
            waiting.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append("the other")
                raise

        async def fail() -> None:
            await waiting.wait()
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await gather_or_cancel([wait_for_ever(), fail()])
        await asyncio.sleep(0)
        assert cancelled == ["the other"]

    async def test_whoever_stops_waiting_ends_them_all(self) -> None:
        started, cancelled = asyncio.Event(), 0

        async def wait_for_ever() -> None:
            nonlocal cancelled
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled += 1

        waiting = asyncio.ensure_future(gather_or_cancel([wait_for_ever(), wait_for_ever()]))
        await started.wait()
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert cancelled == 2
