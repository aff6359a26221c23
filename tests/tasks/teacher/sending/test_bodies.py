"""What settings add to a request's body: further sampling, hints for caches, streaming, and the user's own fields."""

from typing import Any

import pytest

from schemas.calls import ChatRequest
from schemas.teacher import TeacherSettings
from tasks.teacher.sending.bodies import finish_body

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def finish(
    body: dict[str, Any] | None = None, asked: dict[str, Any] | None = None, streams: bool = False, **settings: Any
) -> dict[str, Any]:
    """The finished body of a request without messages."""
    chosen = TeacherSettings(**{"model": "m", "base_url": "http://host/v1", **settings})
    return finish_body(body or {}, ChatRequest(messages=(), **(asked or {})), chosen, streams=streams)


class TestSampling:
    def test_nothing_is_added_that_is_not_set(self) -> None:
        assert finish({"model": "m"}) == {"model": "m"}

    def test_what_is_set_is_said(self) -> None:
        assert finish(asked={"top_p": 0.9, "reasoning_effort": "low"}) == {"top_p": 0.9, "reasoning_effort": "low"}

    def test_what_the_endpoint_does_not_take_is_left_out(self) -> None:
        request = ChatRequest(messages=(), top_p=0.9, reasoning_effort="low")
        settings = TeacherSettings(model="m", base_url="http://host/v1", caching="prompt_cache_key", stream="always")
        left_out = ("top_p", "prompt_cache_key", "stream")
        assert finish_body({}, request, settings, left_out, streams=True) == {"reasoning_effort": "low"}
        assert finish_body({}, request, settings, ("stream_options",), streams=True)["stream"] is True


class TestOwnFields:
    def test_they_go_before_all_others(self) -> None:
        asked = {"top_p": 0.9, "extra_body": {"top_p": 0.1, "temperature": 1, "provider": {"order": ["a"]}}}
        assert finish({"temperature": 0.7, "seed": 5}, asked) == {
            "temperature": 1, "seed": 5, "top_p": 0.1, "provider": {"order": ["a"]},
        }  # fmt: skip

    def test_null_takes_a_field_out_and_leaves_others_that_are_null(self) -> None:
        assert finish({"seed": 5, "tools": None}, {"extra_body": {"seed": None}}) == {"tools": None}


class TestCaching:
    def test_a_key_is_the_same_for_all_requests_with_one_beginning(self) -> None:
        def read_key(*messages: str, tools: tuple[Any, ...] = ()) -> Any:
            said = tuple({"role": "system", "content": text} for text in messages)
            settings = TeacherSettings(model="m", base_url="http://h/v1", caching="prompt_cache_key")
            return finish_body({}, ChatRequest(messages=said, tools=tools), settings)["prompt_cache_key"]

        assert read_key("a", "b") == read_key("a", "c")
        assert len({read_key("a"), read_key("b"), read_key("a", tools=(TOOL,))}) == 3

    def test_a_mark_stands_at_the_end_of_the_first_message_and_nowhere_else(self) -> None:
        messages = [{"role": "system", "content": "You help."}, {"role": "user", "content": "Hello"}]
        marked = finish({"messages": messages}, caching="cache_control")["messages"]
        part = {"type": "text", "text": "You help.", "cache_control": {"type": "ephemeral"}}
        assert marked == [{"role": "system", "content": [part]}, messages[1]]
        assert messages[0]["content"] == "You help."  # the request's own is not touched

    @pytest.mark.parametrize("messages", [[], [{"role": "user"}], [{"role": "user", "content": [{"type": "text"}]}]])
    def test_what_has_no_words_at_its_head_stays_as_it_is(self, messages: list[Any]) -> None:
        assert finish({"messages": messages}, caching="cache_control")["messages"] == messages

    def test_without_a_hint_messages_stay_as_they_are(self) -> None:
        messages = [{"role": "system", "content": "You help."}]
        assert finish({"messages": messages}) == {"messages": messages}


class TestStreaming:
    @pytest.mark.parametrize(
        ("stream", "tools", "expected"),
        [
            ("auto", (), True),
            ("auto", (TOOL,), False),
            ("always", (TOOL,), True),
            ("never", (), False),
        ],
    )
    def test_an_answer_is_streamed_where_it_may_be_long(
        self, stream: str, tools: tuple[Any, ...], expected: bool
    ) -> None:
        body = finish(asked={"tools": tools}, streams=True, stream=stream)
        assert body == ({"stream": True, "stream_options": {"include_usage": True}} if expected else {})

    def test_neither_the_embedded_teacher_nor_a_batch_streams(self) -> None:
        assert finish(streams=True, model="offline", base_url=None, stream="always") == {}
        assert finish(streams=False, stream="always") == {}

    def test_who_takes_it_out_by_hand_takes_out_its_options(self) -> None:
        assert finish(asked={"extra_body": {"stream": None}}, streams=True) == {}
        assert finish(asked={"extra_body": {"stream": False}}, streams=True) == {"stream": False}
