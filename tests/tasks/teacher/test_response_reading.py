"""Completions are read from whatever an endpoint makes of them, and nothing else is taken for one."""

import json
from contextlib import suppress
from typing import Any

import pytest

from schemas.calls import Completion, Usage
from tasks.completions.answers import MOST_CALLS_AT_ONCE, MOST_CONTENT
from tasks.teacher.response_reading import BadAnswerError, parse_answer
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
                b'{"choices": [{"finish_reason": "error", "message": {"content": ""}}]}',
                "first choice holds no message, and ended with 'error'",
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
        ],
    )
    def test_the_endpoints_word_is_taken_where_it_is_known(self, said: Any, read_as: str) -> None:
        assert read(finish=said).finish_reason == read_as

    @pytest.mark.parametrize(("said", "read_as"), [("eos", "stop"), (None, "tool_calls"), ("stop", "stop")])
    def test_where_nothing_is_said_calls_speak_for_themselves(self, said: Any, read_as: str) -> None:
        assert read({"tool_calls": [CALL]}, said).finish_reason == read_as

    @pytest.mark.parametrize(
        ("message", "content"),
        [
            ({"content": None, "refusal": "I will not."}, "I will not."),
            ({"content": "", "refusal": "No \ud83d"}, "No ?"),
            ({"content": "Here.", "refusal": "I will not."}, "Here."),
            ({"content": [{"type": "refusal", "refusal": "I will not."}]}, "I will not."),
            ({"content": None, "refusal": "I will not.", "tool_calls": [CALL]}, "I will not."),
        ],
    )
    def test_a_refusal_is_one_whatever_stands_beside_it(self, message: dict[str, Any], content: str) -> None:
        answer = read(message)
        assert (answer.content, answer.finish_reason, answer.flaw) == (content, "content_filter", "refused")
        assert answer.flaw_detail.startswith("the model refused: ")

    @pytest.mark.parametrize("refusal", [None, "", " ", {"no": 1}, False])
    def test_a_refusal_without_words_is_none(self, refusal: Any) -> None:
        assert read({"content": "Here.", "refusal": refusal}).flaw is None


FILTERED = {"violence": {"filtered": True, "severity": "medium"}, "hate": {"filtered": False, "severity": "safe"}}
LOOKED_FOR = {"violence": {"filtered": False, "severity": "safe"}, "protected_material": {"detected": True}}


class TestFlaws:
    @pytest.mark.parametrize(
        ("said", "flaw"),
        [
            ("length", "cut_off"),
            ("MAX_TOKENS", "cut_off"),
            ("content_filter", "filtered"),
            ("refusal", "refused"),
            ("abort", "partial"),
            ("what-is-this", "partial"),
            ("stop", None),
            (None, None),
        ],
    )
    def test_an_answer_that_was_not_completed_is_none_be_it_words_or_calls(self, said: Any, flaw: str | None) -> None:
        assert read({"content": "Hello."}, said).flaw == flaw
        assert read({"content": None, "tool_calls": [CALL]}, said).flaw == flaw

    def test_it_is_told_by_which_word(self) -> None:
        assert read(finish="what-is-this").flaw_detail == "it ended with 'what-is-this'"

    @pytest.mark.parametrize(
        ("said", "flaw"), [("MAX_TOKENS", "cut_off"), ("STOP", None), ("gibberish", None), (1, None)]
    )
    def test_a_word_of_the_provider_counts_beside_the_gateways_where_it_is_known(self, said: Any, flaw: str) -> None:
        choice = {"finish_reason": "stop", "native_finish_reason": said, "message": {"content": "Hello."}}
        assert parse_answer(json.dumps({"choices": [choice]}).encode(), "m").flaw == flaw

    @pytest.mark.parametrize(
        ("annotations", "flaw"),
        [(FILTERED, "filtered"), (LOOKED_FOR, None), (None, None), ({}, None), ([], None), ({"error": "x"}, None)],
    )
    def test_a_filter_s_annotations_are_a_flaw_only_where_it_took_something(self, annotations: Any, flaw: str) -> None:
        choice = {"finish_reason": "stop", "content_filter_results": annotations, "message": {"content": "Hello."}}
        answer = parse_answer(json.dumps({"choices": [choice]}).encode(), "m")
        assert answer.flaw == flaw
        assert answer.content == "Hello."

    def test_a_part_of_an_answer_with_an_error_beside_it_is_none(self) -> None:
        error = {"message": "the tool broke", "code": 400}
        for body in (
            {"choices": [{"finish_reason": "stop", "error": error, "message": {"content": '{"par'}}]},
            {"choices": [{"finish_reason": "stop", "message": {"content": '{"par'}}], "error": error},
        ):
            answer = parse_answer(json.dumps(body).encode(), "m")
            assert (answer.flaw, answer.content) == ("partial", '{"par')
            assert "the tool broke" in answer.flaw_detail

    @pytest.mark.parametrize("error", [{"message": "no", "code": 502}, {"message": "no", "code": "429"}, {"code": 402}])
    def test_an_error_of_the_endpoint_s_own_is_asked_again_whatever_stands_beside_it(self, error: Any) -> None:
        body = {"choices": [{"finish_reason": "error", "error": error, "message": {"content": "Once"}}]}
        with pytest.raises(BadAnswerError) as raised:
            parse_answer(json.dumps(body).encode(), "m")
        assert raised.value.reported == error

    @pytest.mark.parametrize("said", ["error", "insufficient_system_resource", "abort"])
    def test_so_is_an_endpoint_that_failed_before_it_said_anything(self, said: str) -> None:
        with pytest.raises(BadAnswerError, match=said):
            read({"content": ""}, said)

    def test_a_prompt_that_a_filter_took_is_told_as_such(self) -> None:
        body = {"choices": [], "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": FILTERED}]}
        with pytest.raises(BadAnswerError, match="a content filter took the prompt"):
            parse_answer(json.dumps(body).encode(), "m")
        body["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": LOOKED_FOR}]
        with pytest.raises(BadAnswerError, match=r"has no choices$"):
            parse_answer(json.dumps(body).encode(), "m")

    @pytest.mark.parametrize(
        "message",
        [
            {"content": ""},
            {"content": None},
            {"content": " \n"},
            {"content": "<think>Hm</think>"},
            {"content": None, "reasoning_content": "Hm"},
            {"content": [{"type": "thinking", "thinking": "Hm"}]},
        ],
    )
    def test_thoughts_alone_say_nothing(self, message: dict[str, Any]) -> None:
        assert read(message).flaw == "empty"

    def test_leaked_tokens_are_a_flaw(self) -> None:
        assert read({"content": "Hello.<|im_end|>"}).flaw == "leaked_tokens"
        assert read({"content": "It ends with `<|im_end|>`."}).flaw is None


class TestExtra:
    def test_what_a_message_and_its_calls_hold_besides_is_kept_to_go_back(self) -> None:
        signed = {**CALL, "extra_content": {"google": {"thought_signature": "AY8"}}}
        inner = {**CALL, "function": {**CALL["function"], "provider_specific_fields": {"s": 1}}}  # type: ignore[dict-item]
        message = {"role": "assistant", "content": None, "tool_calls": [CALL, signed, inner], "reasoning_content": "Hm",
                   "reasoning_details": [{"type": "reasoning.text", "text": "Hm"}]}  # fmt: skip
        assert read(message).extra == {
            "reasoning_content": "Hm",
            "reasoning_details": [{"type": "reasoning.text", "text": "Hm"}],
            "tool_calls": [
                {},
                {"extra_content": {"google": {"thought_signature": "AY8"}}},
                {"function": {"provider_specific_fields": {"s": 1}}},
            ],
        }

    def test_what_openai_gives_beyond_words_and_what_is_empty_is_not(self) -> None:
        nothing: dict[str, Any] = dict.fromkeys(("refusal", "audio", "function_call", "reasoning_content"))
        nothing |= {"annotations": [], "tool_calls": [], "reasoning_details": []}
        assert read({"role": "assistant", "content": "Hello.", **nothing}).extra == {}

    def test_thoughts_that_are_an_empty_text_are_for_some_endpoints_want_them_back(self) -> None:
        assert read({"content": None, "tool_calls": [CALL], "reasoning_content": ""}).extra == {"reasoning_content": ""}


class TestWrittenCalls:
    TOOLS = ({"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}},)
    TEXT = 'I look.\n<tool_call>\n{"name": "find", "arguments": {"a": 1}}\n</tool_call>'

    def parse(self, message: dict[str, Any], *, is_read: bool = True, finish: str = "stop") -> Completion:
        body = json.dumps({"choices": [{"finish_reason": finish, "message": message}]}).encode()
        return parse_answer(body, "m", self.TOOLS, are_written_calls_read=is_read)

    def test_they_are_calls_where_that_is_asked_for(self) -> None:
        answer = self.parse({"content": self.TEXT})
        assert [(call.id, call.name, call.arguments) for call in answer.tool_calls] == [("call_0", "find", '{"a": 1}')]
        assert (answer.content, answer.finish_reason, answer.reads_calls) == ("I look.", "tool_calls", True)

    def test_else_they_stay_text_as_beside_calls_and_of_functions_that_there_are_not(self) -> None:
        assert self.parse({"content": self.TEXT}, is_read=False).content == self.TEXT
        beside = self.parse({"content": self.TEXT, "tool_calls": [CALL]})
        assert (beside.content, len(beside.tool_calls), beside.reads_calls) == (self.TEXT, 1, False)
        other = self.parse({"content": self.TEXT.replace("find", "search")})
        assert (other.tool_calls, other.reads_calls) == ((), False)

    def test_a_text_that_was_cut_off_is_none_with_its_calls(self) -> None:
        assert self.parse({"content": self.TEXT}, finish="length").flaw == "cut_off"


class TestStreams:
    def test_events_are_read_though_nobody_asked_for_them(self) -> None:
        events = [
            {"model": "tiny", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hel"}}]},
            {"choices": [{"index": 0, "delta": {"content": "lo."}, "finish_reason": "stop"}]},
            {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
        ]
        body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"
        answer = parse_answer(body, "asked")
        assert (answer.content, answer.model, answer.usage) == ("Hello.", "tiny", Usage(prompt=3, completion=2))
        assert answer.flaw is None

    def test_a_stream_that_broke_off_is_no_answer(self) -> None:
        body = b'data: {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}\n\n'
        assert parse_answer(body, "asked").flaw == "partial"
        assert parse_answer(body + b'data: {"error": {"message": "boom", "code": 400}}\n\n', "asked").flaw == "partial"
        with pytest.raises(BadAnswerError, match="boom"):
            parse_answer(b'data: {"error": {"message": "boom"}}\n\n', "asked")

    @pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\n\n   \n", b"\xef\xbb\xbf\r\n"])
    def test_a_byte_order_mark_and_space_stand_before_an_answer_for_nothing(self, before: bytes) -> None:
        assert parse_answer(before + json.dumps(build_answer("Hello.")).encode(), "tiny").content == "Hello."


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
        assert read({"content": text}).content == left


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
            {"id": 7, "function": {"name": "b"}},
        ]
        found = read({"tool_calls": calls}).tool_calls
        assert [(call.id, call.name, call.arguments) for call in found] == [("call_0", "a?", ""), ("7", "b", "")]

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
            ({"prompt_tokens_details": {"cached_tokens": 6}}, Usage()),  # of nothing that was told
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
