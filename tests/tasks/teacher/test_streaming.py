"""Streamed answers over real HTTP: what is still being written is waited for, silence is not."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response, StreamingResponse

from schemas.errors import TeacherError
from tests.tasks.teacher.endpoints import Endpoint, Reply, break_off, build_answer, echo, fail, serve
from tests.tasks.teacher.teachers import ask, complete, connect

pytestmark = pytest.mark.usefixtures("tiny_key")

TIMEOUT_S, BETWEEN_S, WORDS = 1.0, 0.3, 6
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def write_events(*, stops_after: int = WORDS, between_s: float = BETWEEN_S) -> Any:
    """A reply of some words in as many pieces, which takes longer than the time-out where it is whole."""

    async def write() -> AsyncIterator[bytes]:
        for number in range(WORDS):
            await asyncio.sleep(between_s if number < stops_after else 60)
            yield write_event({"delta": {"content": f"{number} "}, "finish_reason": None})
        yield write_event({"delta": {}, "finish_reason": "stop"})
        usage = {"prompt_tokens": 7, "completion_tokens": WORDS}
        yield b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\ndata: [DONE]\n\n"

    return lambda _: StreamingResponse(write(), media_type="text/event-stream")


def write_event(choice: dict[str, Any]) -> bytes:
    body = {"model": "tiny-1", "choices": [{"index": 0, **choice}]}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def answer_slowly(body: dict[str, Any]) -> Response:
    """The same answer, in pieces if it is asked for so, else after all the time that it takes to write it."""
    if body.get("stream"):
        reply: Response = write_events()(body)
        return reply

    async def write() -> AsyncIterator[bytes]:
        await asyncio.sleep(BETWEEN_S * WORDS)
        yield json.dumps(build_answer("late")).encode()

    return StreamingResponse(write(), media_type="application/json")


async def test_what_is_still_being_written_outlasts_the_time_out() -> None:
    endpoint = Endpoint(last=answer_slowly)
    with serve(endpoint) as url:
        async with connect(url, timeout_s=TIMEOUT_S, attempts=1) as teacher:
            answer = await complete(teacher)
    assert (answer.content.split(), answer.model, answer.finish_reason) == (list("012345"), "tiny-1", "stop")
    assert (answer.usage.prompt, answer.usage.completion) == (7, WORDS)
    assert endpoint.requests[0]["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(("fields", "settings"), [({"tools": (TOOL,)}, {}), ({}, {"stream": "never"})])
async def test_what_is_not_streamed_does_not(fields: dict[str, Any], settings: dict[str, Any]) -> None:
    endpoint = Endpoint(last=answer_slowly)
    with serve(endpoint) as url:
        async with connect(url, timeout_s=TIMEOUT_S, attempts=1, **settings) as teacher:
            with pytest.raises(TeacherError, match="no answer within 1 s"):
                await complete(teacher, ask(**fields))
    assert "stream" not in endpoint.requests[0]


async def test_a_stream_that_falls_silent_is_given_up_after_the_time_out() -> None:
    endpoint = Endpoint(write_events(stops_after=2), last=write_events(between_s=0))
    with serve(endpoint) as url:
        async with connect(url, timeout_s=TIMEOUT_S) as teacher:
            answer = await asyncio.wait_for(complete(teacher), 30)
    assert answer.content.split() == list("012345")
    assert len(endpoint.requests) == 2


async def test_a_server_that_answers_in_one_piece_all_the_same_is_understood() -> None:
    endpoint = Endpoint(last=lambda body: JSONResponse(build_answer(f"asked to stream: {body['stream']}")))
    with serve(endpoint) as url:
        async with connect(url) as teacher:
            assert (await complete(teacher)).content == "asked to stream: True"


async def test_whether_it_was_streamed_is_no_part_of_what_is_kept(store: Any) -> None:
    endpoint = Endpoint(last=answer_slowly)
    with serve(endpoint) as url:
        for stream in ("always", "never"):
            async with connect(url, store, stream=stream) as teacher:
                await complete(teacher)
    assert len(endpoint.requests) == 1


async def test_events_without_an_end_end_all_the_same() -> None:
    async def beat() -> AsyncIterator[bytes]:
        while True:
            yield b": still there\n\n"
            await asyncio.sleep(0.05)

    endpoint = Endpoint(last=lambda _: StreamingResponse(beat(), media_type="text/event-stream"))
    with serve(endpoint) as url:
        async with connect(url, timeout_s=0.3, give_up_s=1.0, attempts=1) as teacher:
            with pytest.raises(TeacherError, match="no answer within"):
                await asyncio.wait_for(complete(teacher), 30)


async def test_what_trickles_in_and_is_no_stream_has_the_time_out_and_no_more() -> None:
    async def trickle() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.05)

    endpoint = Endpoint(last=lambda _: StreamingResponse(trickle(), media_type="application/json"))
    with serve(endpoint) as url:
        async with connect(url, timeout_s=0.3, give_up_s=600, attempts=1) as teacher:
            with pytest.raises(TeacherError, match="no answer within"):
                await asyncio.wait_for(complete(teacher), 30)


@pytest.mark.parametrize(
    "reply", [break_off, fail(500, "stream"), lambda _: Response("data: {", media_type="text/event-stream")]
)
async def test_where_streams_come_to_nothing_answers_are_asked_for_in_one_piece(reply: Reply) -> None:
    endpoint = Endpoint(last=lambda body: reply(body) if body.get("stream") else echo(body))
    with serve(endpoint) as url:
        async with connect(url, attempts=3) as teacher:
            for _ in range(2):
                assert (await complete(teacher)).content == "You said: Hello"
    assert ["stream" in body for body in endpoint.requests] == [True, True, False, False]
    assert "stream_options" not in endpoint.requests[-1]


async def test_one_that_fails_either_way_is_asked_to_stream_on() -> None:
    def answer(body: dict[str, Any]) -> Response:
        reply: Response = write_events(between_s=0.0)(body) if body.get("stream") else echo(body)
        return reply

    endpoint = Endpoint(*[fail(500)] * 3, last=answer)
    with serve(endpoint) as url:
        async with connect(url, attempts=5) as teacher:
            assert (await complete(teacher)).content.split() == list("012345")
    assert ["stream" in body for body in endpoint.requests] == [True, True, False, True]


async def test_one_that_has_streamed_before_is_no_more_doubted() -> None:
    replies = [write_events(between_s=0.0), fail(500), fail(500), fail(500)]
    endpoint = Endpoint(*replies, last=write_events(between_s=0.0))
    with serve(endpoint) as url:
        async with connect(url, attempts=5) as teacher:
            for text in ("one", "two"):
                await complete(teacher, ask(text))
    assert all(body.get("stream") for body in endpoint.requests)
