"""Completions are read from whatever an endpoint makes of them, and nothing else is taken for one."""

import json
import re
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.calls import Completion, Usage
from tasks.completions.answers import MOST_CALLS_AT_ONCE, MOST_CONTENT
from tasks.teacher.response_reading import BadAnswerError, parse_answer, strip_thoughts
from tests.tasks.teacher.endpoints import build_answer

CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"a": 1}'}}


def read(message: Any = None, finish: Any = "stop", **changes: Any) -> Completion:
    """The completion in a body whose first choice is this."""
    message = {"content": "Hello."} if message is None else message
    choices = [{"finish_reason": finish, "message": message}, {"finish_reason": "length", "message": {"content": "2"}}]
    return parse_answer(json.dumps(build_answer(choices=choices, **changes)).encode(), "asked")


class TestWhatIsNoAnswer:
    @pytest.mark.parametrize(
        ("body", "problem"),
        [
            (b"", "is not JSON; it begins with ''"),
            (b" <html>" + b"x" * 100, "is not JSON; it begins with '<html>" + "x" * 73 + "'"),
            (b"\xff\xfe!", "is not JSON; it begins with '��!'"),
            (b'{"choices": [{"m', """is not JSON; it begins with '{"choices": [{"m'"""),
            (b"[]", "is no JSON object"),
            (b'"choices"', "is no JSON object"),
            (b"null", "is no JSON object"),
            (b"{}", "has no choices"),
            (b'{"choices": []}', "has no choices"),
            (b'{"choices": null}', "has no choices"),
            (b'{"choices": {"0": {}}}', "has no choices"),
            (b'{"choices": ["Hello."]}', "has no choices"),
            (b'{"choices": ["Hello.", {"message": {"content": "Hello."}}]}', "has no choices"),
            (b'{"error": {"message": "overloaded"}}', 'has no choices: {"message": "overloaded"}'),
            (b'{"error": null}', "has no choices"),
            (b'{"choices": [{}]}', "first choice holds no message"),
            (b'{"choices": [{"message": "Hello."}]}', "first choice holds no message"),
            (
                b'{"choices": [{"finish_reason": "error", "message": {"content": "H"}}]}',
                "first choice holds no message",
            ),
        ],
    )
    def test_it_is_told_what_there_is_instead(self, body: bytes, problem: str) -> None:
        with pytest.raises(BadAnswerError) as raised:
            parse_answer(body, "tiny")
        assert str(raised.value).endswith(problem)

    def test_a_long_report_is_cut(self) -> None:
        body = json.dumps({"error": "x" * 1000}).encode()
        with pytest.raises(BadAnswerError) as raised:
            parse_answer(body, "tiny")
        assert str(raised.value) == "the response has no choices: " + '"' + "x" * 299


class TestFinish:
    @pytest.mark.parametrize(
        ("said", "read_as"),
        [
            ("stop", "stop"),
            ("tool_calls", "tool_calls"),
            ("function_call", "tool_calls"),
            ("length", "length"),
            ("content_filter", "content_filter"),
            ("eos", "stop"),
            (None, "stop"),
            (["length"], "stop"),
        ],
    )
    def test_the_endpoints_word_is_taken_where_it_is_known(self, said: Any, read_as: str) -> None:
        assert read(finish=said).finish_reason == read_as

    @pytest.mark.parametrize(("said", "read_as"), [("eos", "tool_calls"), (None, "tool_calls"), ("stop", "stop")])
    def test_where_it_is_not_calls_speak_for_themselves(self, said: Any, read_as: str) -> None:
        assert read({"tool_calls": [CALL]}, said).finish_reason == read_as

    @pytest.mark.parametrize(
        ("message", "content", "finish"),
        [
            ({"content": None, "refusal": "I will not."}, "I will not.", "content_filter"),
            ({"content": "", "refusal": "No \ud83d"}, "No ?", "content_filter"),
            ({"content": "Here.", "refusal": "I will not."}, "Here.", "stop"),
            ({"content": "Here.", "refusal": None}, "Here.", "stop"),
            ({"content": None, "refusal": None}, "", "stop"),
            ({"content": None, "refusal": {"no": 1}}, "", "stop"),
            ({"content": None, "refusal": "I will not.", "tool_calls": [CALL]}, "", "stop"),
        ],
    )
    def test_a_refusal_is_one_only_where_nothing_else_was_said(
        self, message: dict[str, Any], content: str, finish: str
    ) -> None:
        answer = read(message)
        assert (answer.content, answer.finish_reason) == (content, finish)


class TestContent:
    @pytest.mark.parametrize(
        ("content", "text"),
        [
            ("  Hello. ", "  Hello. "),
            ("Grüße 猫 😀", "Grüße 猫 😀"),
            ("Once \ud83d", "Once ?"),
            (None, ""),
            (7, ""),
            ({"text": "no"}, ""),
            ([{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo."}], "Hello."),
            ([{"text": "Hello."}], "Hello."),
            ([{"type": "thinking", "text": "Hm"}, {"type": "reasoning", "text": "Hm"}, {"text": "Hello."}], "Hello."),
            (
                [{"type": "text", "text": None}, {"type": "image"}, "loose", {"type": "text", "text": "Hello."}],
                "Hello.",
            ),
            ([], ""),
        ],
    )
    def test_it_is_what_was_said_to_the_user(self, content: Any, text: str) -> None:
        assert read({"content": content}).content == text

    @pytest.mark.parametrize(
        ("text", "left"),
        [
            ("<think>\nHm\n</think>\n\nHello.", "Hello."),
            ("<thinking>Hm</thinking>Hello.", "Hello."),
            ("One <think>a</think>two <think>b</think>three", "One two three"),
            ("Hm\n</think>Hello.", "Hello."),
            ("Hm\n</thinking>\nHello.", "Hello."),
            ("Hm</think>Hm</think>Hello.", "Hello."),
            ("Hello.\n<think>Hm", "Hello."),
            ("Hello.<thinking>Hm\nhm", "Hello."),
            ("<think>Hm", ""),
            ("<think>a</thinking>b</think>Hello.", "Hello."),
            (" think of <b>me</b> ", " think of <b>me</b> "),
        ],
    )
    def test_thoughts_are_left_out(self, text: str, left: str) -> None:
        assert strip_thoughts(text) == left
        assert read({"content": text}).content == left


TAGS = ("<think>", "</think>", "<thinking>", "</thinking>", "<thi", "nk>", "<", ">", "a", " ", "\n")


def strip_simply(text: str) -> str:
    """`strip_thoughts` as it says itself, in three patterns, which take long on many tags."""
    if "<think" not in text and "</think" not in text:
        return text
    text = re.sub(r"(?s)<(think(?:ing)?)>.*?</\1>", "", text)
    return re.sub(r"(?s)<think(?:ing)?>.*$", "", re.sub(r"(?s)^.*</think(?:ing)?>", "", text)).strip()


@given(st.lists(st.sampled_from(TAGS), max_size=14).map("".join))
def test_thoughts_are_found_as_three_patterns_find_them(text: str) -> None:
    assert strip_thoughts(text) == strip_simply(text)


@pytest.mark.parametrize("part", ["<think>", "<think></thinking>", "<think>a</think>", "</think>", "<think><thinking>"])
def test_ten_times_as_many_tags_take_about_ten_times_as_long(part: str) -> None:
    def measure(times: int) -> float:
        started = time.process_time()
        strip_thoughts(part * times)
        return time.process_time() - started

    assert measure(200_000) < 40 * measure(20_000) + 0.5  # a hundred times where each tag looks at all others


class TestCalls:
    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            ('{"a": 1}', '{"a": 1}'),
            ({"a": "é"}, '{"a": "é"}'),
            ([1], "[1]"),
            (False, "false"),
            (None, ""),
            ("", ""),
            ('{"a": "\ud83d"}', '{"a": "?"}'),
        ],
    )
    def test_arguments_are_text_however_they_were_sent(self, arguments: Any, text: str) -> None:
        (call,) = read({"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": arguments}}]}).tool_calls
        assert (call.id, call.name, call.arguments) == ("c", "f", text)

    def test_those_without_an_id_are_named_by_their_place_and_what_is_no_call_is_passed_over(self) -> None:
        calls = [
            "find",
            {"id": "x"},
            {"function": "find"},
            {"function": {"name": "a\ud83d"}},
            {"id": "", "function": {}},
            {"id": 7, "function": {"name": None}},
        ]
        found = read({"tool_calls": calls}).tool_calls
        assert [(call.id, call.name, call.arguments) for call in found] == [
            ("call_3", "a?", ""),
            ("call_4", "", ""),
            ("7", "", ""),
        ]

    @pytest.mark.parametrize("calls", [None, {}, "find", {"0": CALL}])
    def test_what_is_no_list_holds_none(self, calls: Any) -> None:
        assert read({"content": "Hello.", "tool_calls": calls}).tool_calls == ()

    def test_as_many_are_taken_as_may_be_and_one_more_that_tells_of_the_others(self) -> None:
        calls = read({"tool_calls": [CALL] * 10_000}).tool_calls
        assert len(calls) == MOST_CALLS_AT_ONCE + 1

    @pytest.mark.parametrize("levels", [300, 600, 900])
    def test_arguments_that_were_sent_as_an_object_too_deep_to_be_written_are_no_json(self, levels: int) -> None:
        deep = "[" * levels + "]" * levels
        function = f'{{"function": {{"name": "f", "arguments": {deep}}}}}'
        body = f'{{"choices": [{{"message": {{"tool_calls": [{function}]}}}}]}}'
        try:
            (call,) = parse_answer(body.encode(), "tiny").tool_calls
        except BadAnswerError:
            return  # too deep to be read at all
        assert call.arguments in (deep, "(nested too deeply)")

    @pytest.mark.parametrize("said", [{"a": 1}, ["f"], 1.5, True])
    def test_a_name_or_an_id_that_is_no_text_is_none(self, said: Any) -> None:
        (call,) = read({"tool_calls": [{"id": said, "function": {"name": said}}]}).tool_calls
        assert (call.id, call.name) == ("call_0", "")


class TestTheRest:
    @pytest.mark.parametrize(
        ("said", "usage"),
        [
            (None, Usage()),
            ([10, 4], Usage()),
            ({}, Usage()),
            ({"prompt_tokens": 10}, Usage(prompt=10)),
            ({"completion_tokens": 4}, Usage(completion=4)),
            ({"prompt_tokens": -1, "completion_tokens": 0}, Usage()),
            ({"prompt_tokens": "10", "completion_tokens": 4.0}, Usage()),
            ({"prompt_tokens": True, "completion_tokens": float("nan")}, Usage()),
            ({"prompt_tokens": 10**30, "completion_tokens": 4}, Usage(completion=4)),
            ({"prompt_tokens": [10], "completion_tokens": {"a": 4}}, Usage()),
            ({"prompt_tokens_details": {"cached_tokens": 6}}, Usage()),
            ({"completion_tokens_details": {"reasoning_tokens": 3}}, Usage()),
            ({"prompt_tokens": 1, "prompt_tokens_details": None, "completion_tokens_details": 3}, Usage(prompt=1)),
        ],
    )
    def test_usage_counts_as_far_as_it_is_told(self, said: Any, usage: Usage) -> None:
        assert read(usage=said).usage == usage

    @pytest.mark.parametrize(
        ("said", "name"),
        [
            ("tiny-2", "tiny-2"),
            (None, "asked"),
            ("", "asked"),
            ("tiny \ud83d", "tiny ?"),
            ("\x1b[31mtiny", "?[31mtiny"),
            ({"name": "tiny"}, "asked"),
            ("x" * 999, "x" * 256),
        ],
    )
    def test_the_model_is_the_one_that_answered_if_it_has_a_name(self, said: Any, name: str) -> None:
        assert read(model=said).model == name

    @pytest.mark.parametrize(("said", "fingerprint"), [("fp_1", "fp_1"), (None, ""), (7, "7")])
    def test_the_fingerprint_is_text(self, said: Any, fingerprint: str) -> None:
        assert read(system_fingerprint=said).fingerprint == fingerprint

    def test_a_number_with_more_digits_than_python_reads_costs_no_answer(self) -> None:
        body = json.dumps(build_answer("Hello.")).encode()
        answer = parse_answer(body.replace(b'"usage": {', b'"usage": {"prompt_tokens": ' + b"9" * 5000 + b', "x": '
                                           + b"9" * 5000 + b","), "tiny")  # fmt: skip
        assert answer.content == "Hello."

    def test_what_is_too_long_was_cut_off(self) -> None:
        answer = read({"content": "x" * (MOST_CONTENT + 1)})
        assert (len(answer.content), answer.finish_reason) == (MOST_CONTENT, "length")

    @pytest.mark.parametrize(
        "body",
        [
            b'{"choices": ' + b"[" * 200_000,
            b'{"error": ' + b"[" * 900 + b"]" * 900 + b"}",
            b'{"choices": [{"message": {"content": [{"type": [], "text": {}}]}, "finish_reason": [[]]}]}',
            "{}".encode("utf-16"),
            b"\xef\xbb\xbf{}",
        ],
    )
    def test_nothing_of_pythons_own_is_raised(self, body: bytes) -> None:
        with suppress(BadAnswerError):
            parse_answer(body, "tiny")

    def test_what_was_read_can_be_written_to_a_file(self) -> None:
        message = {"content": "a\udc00", "tool_calls": [{"id": "i\udc00", "function": {"name": "n\udc00"}}]}
        read(message).model_dump_json().encode()
        with pytest.raises(BadAnswerError) as raised:
            parse_answer(b'{"error": "\\ud83d"}', "tiny")
        str(raised.value).encode()
