"""Server-sent events add up to the body that would have come in one piece."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.teacher.event_stream import is_event_stream, join_events
from tests.growth import grows_in_step


def write(*events: Any, done: bool = True, end: str = "\n\n") -> bytes:
    lines = [json.dumps(event) for event in events] + (["[DONE]"] if done else [])
    return "".join(f"data: {line}{end}" for line in lines).encode()


def delta(finish: str | None = None, **pieces: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": pieces, "finish_reason": finish}]}


def join_message(*events: Any, **options: Any) -> dict[str, Any]:
    message: dict[str, Any] = join_events(write(*events, **options))["choices"][0]["message"]
    return message


@pytest.mark.parametrize(
    ("body", "is_stream"),
    [(b"data: {}", True), (b"event: message\ndata: {}", True), (b": OPENROUTER PROCESSING\n\n", True), (b"id: 1", True),
     (b'{"data": 1}', False), (b"[]", False), (b"", False), (b"database: x", False), (b"<html>", False)],
)  # fmt: skip
def test_events_are_told_from_json(body: bytes, is_stream: bool) -> None:
    assert is_event_stream(body) is is_stream


@given(st.text(max_size=40), st.integers(1, 7), st.sampled_from(["\n\n", "\r\n\r\n", "\n"]))
def test_a_text_is_the_same_in_pieces_of_any_length(text: str, length: int, end: str) -> None:
    pieces = [text[place : place + length] for place in range(0, len(text), length)]
    events = [delta(role="assistant", content=""), *(delta(content=piece) for piece in pieces), delta(finish="stop")]
    body = join_events(write(*events, end=end))
    assert body["choices"][0]["message"]["content"] == text
    assert body["choices"][0]["finish_reason"] == "stop"


def test_what_stands_beside_the_choices_is_kept_and_usage_may_come_last() -> None:
    body = join_events(
        write({"id": "a", "model": "tiny", **delta(content="Hi")}, delta("stop"), {"choices": [], "usage": {"x": 1}})
    )
    assert (body["id"], body["model"], body["usage"]) == ("a", "tiny", {"x": 1})


def test_calls_come_in_pieces_by_index() -> None:
    message = join_message(
        delta(tool_calls=[{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": '{"x"'}}]),
        delta(
            tool_calls=[
                {"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}, "extra_content": {"s": 1}}
            ]
        ),
        delta(tool_calls=[{"index": 0, "id": "", "function": {"name": "f", "arguments": ": 1}"}}]),
    )
    assert message["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}},
        {"id": "b", "function": {"name": "g", "arguments": "{}"}, "extra_content": {"s": 1}},
    ]


def test_without_an_index_the_id_tells_or_a_name_begins_the_next() -> None:
    pieces = [{"id": "a", "function": {"name": "f", "arguments": "{"}}, {"function": {"arguments": "}"}},
              {"function": {"name": "g", "arguments": "{}"}}]  # fmt: skip
    calls = join_message(*(delta(tool_calls=[piece]) for piece in pieces))["tool_calls"]
    assert [(call["function"]["name"], call["function"]["arguments"]) for call in calls] == [("f", "{}"), ("g", "{}")]


def test_thoughts_refusals_and_parts_go_on_too() -> None:
    begun = {"type": "reasoning.text", "index": 0, "text": "a"}
    message = join_message(
        delta(reasoning_content="H", refusal="I ", reasoning_details=[begun]),
        delta(reasoning_content="m", refusal="won't", reasoning_details=[{**begun, "text": "b", "signature": "s"}]),
        delta(reasoning_details=[{"type": "reasoning.encrypted", "index": 1, "data": "x"}]),
    )
    assert (message["reasoning_content"], message["refusal"]) == ("Hm", "I won't")
    assert message["reasoning_details"] == [
        {"type": "reasoning.text", "index": 0, "text": "ab", "signature": "s"},
        {"type": "reasoning.encrypted", "index": 1, "data": "x"},
    ]


def test_a_whole_message_at_the_end_stands_for_its_pieces() -> None:
    whole = {"choices": [{"index": 0, "message": {"content": "Hello."}, "finish_reason": "stop"}]}
    assert join_message(delta(content="Hel"), whole)["content"] == "Hello."


def test_of_several_choices_the_first_counts() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "Other"}, "finish_reason": "length"}]}
    body = join_events(write(delta(content="Hi"), other, delta("stop")))
    assert (body["choices"][0]["message"]["content"], body["choices"][0]["finish_reason"]) == ("Hi", "stop")


def test_a_stream_that_breaks_off_says_so_and_an_error_is_the_body_s() -> None:
    assert join_events(write(delta(content="Hi"), done=False))["choices"][0]["finish_reason"] == "abort"
    assert join_events(write(delta(content="Hi")))["choices"][0].get("finish_reason") is None
    assert join_events(write(delta(content="Hi"), {"error": {"code": 502}}))["error"] == {"code": 502}
    assert "choices" not in join_events(write({"error": {"code": 502}}))


@pytest.mark.parametrize("body", [b"data: [DONE]\n\n", b"data: {", b": nothing\n\n", b"data: 7\n\n", b"data: \n\n"])
def test_where_nothing_was_said_there_is_no_body(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        join_events(body)


@pytest.mark.parametrize(
    "event",
    [
        {"choices": {"0": 1}},
        {"choices": ["x"]},
        {"choices": [{"delta": "x"}]},
        delta(tool_calls=["x", {"function": "f"}]),
        delta(tool_calls=[{"index": [1], "id": {"a": 1}}]),
        delta(content=7),
        [1],
        delta(reasoning_details=["x", {"index": 0}]),
    ],
)
def test_pieces_of_any_shape_raise_nothing(event: Any) -> None:
    join_events(write(delta(content="Hi"), event, event))


def test_ten_times_as_many_pieces_take_about_ten_times_as_long() -> None:
    piece = write(delta(content="x" * 50, tool_calls=[{"index": 0, "function": {"arguments": "y" * 50}}]))
    assert grows_in_step(lambda times: join_events(piece * times), 2_000)
