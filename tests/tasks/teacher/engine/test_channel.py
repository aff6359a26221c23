"""Messages over a pair of sockets arrive whole, in order and as what they were."""

import asyncio
import pickle
import socket
from collections.abc import Callable
from typing import Any

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import FatalTeacherError, RunStoppedError, TeacherError, UserError
from tasks.teacher.engine.channel import Channel, frame_message
from tests.tasks.teacher.batching import wait_until


class End:
    """One end of a channel and what came over it."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.ended = asyncio.Event()
        self.channel: Channel

    async def open(self, end: socket.socket) -> "End":
        self.channel = await Channel.open(end, self.messages.append, self.ended.set)
        return self


async def open_pair() -> tuple[End, End]:
    one, other = socket.socketpair()
    return await End().open(one), await End().open(other)


async def test_messages_of_all_sizes_arrive_in_order_and_then_the_end() -> None:
    sent: list[Any] = [None, "ä" * 10, {"a": [1, 2.5]}, b"x" * 5_000_000, ("last", 1)]
    one, other = await open_pair()
    for message in sent:
        one.channel.send(message)
    one.channel.close()
    await other.ended.wait()
    assert other.messages == sent


async def test_both_ends_speak() -> None:
    one, other = await open_pair()
    one.channel.send("hello")
    await wait_until(lambda: other.messages == ["hello"])
    other.channel.send("and you")
    other.channel.close()
    await one.ended.wait()
    assert (one.messages, other.messages) == (["and you"], ["hello"])


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_what_is_sent_to_nobody_is_lost(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    complaints: list[dict[str, Any]] = []

    async def play() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        one, other = await open_pair()
        other.channel.close()
        await one.ended.wait()
        one.channel.send("hello?")
        await asyncio.sleep(0)
        other.channel.send("and here?")  # which closed itself
        await asyncio.sleep(0)
        for end in (one, other):
            end.channel.close()
        assert (one.messages, other.messages) == ([], [])

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(play())
    assert complaints == []


async def test_what_is_sent_in_one_turn_of_the_loop_goes_in_one_piece() -> None:
    one, other = socket.socketpair()
    other.setblocking(False)
    end = await End().open(one)
    end.channel.send("a")
    end.channel.send("b")
    with pytest.raises(BlockingIOError):
        other.recv(100)
    await asyncio.sleep(0)
    assert other.recv(100) == frame_message("a") + frame_message("b")
    end.channel.send("c")
    await asyncio.sleep(0)
    assert other.recv(100) == frame_message("c")
    other.close()
    await end.ended.wait()


async def test_what_cannot_be_pickled_is_an_error_of_the_sender_and_disturbs_nothing() -> None:
    one, other = await open_pair()
    with pytest.raises(AttributeError, match="lambda"):
        one.channel.send(lambda: None)
    one.channel.send("next")
    one.channel.close()
    await other.ended.wait()
    assert other.messages == ["next"]


def test_a_message_goes_with_its_length_before_it_in_eight_bytes() -> None:
    packed = frame_message("x" * 300)
    assert packed[:8] == (len(packed) - 8).to_bytes(8, "big")
    assert pickle.loads(packed[8:]) == "x" * 300


@given(pieces=st.lists(st.integers(1, 50), max_size=60), messages=st.lists(st.binary(max_size=100), max_size=8))
def test_messages_may_come_in_any_pieces(pieces: list[int], messages: list[bytes]) -> None:
    received: list[Any] = []
    receiver = Channel(received.append, print)
    rest = b"".join(map(frame_message, messages))
    for piece in pieces:
        receiver.data_received(rest[:piece])
        rest = rest[piece:]
    receiver.data_received(rest)
    assert received == messages


@pytest.mark.parametrize(
    "error",
    [
        UserError("no key"),
        TeacherError("answered 400"),
        FatalTeacherError("answered 401"),
        RunStoppedError("the budget is reached", "budget"),
    ],
)
async def test_errors_arrive_as_themselves(error: Exception) -> None:
    one, other = await open_pair()
    one.channel.send(error)
    one.channel.close()
    await other.ended.wait()
    (arrived,) = other.messages
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert arrived.__dict__ == error.__dict__
