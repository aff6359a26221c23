"""The word with which an answer ended is understood in each endpoint's tongue; an unknown one completes nothing."""

from typing import Any

import pytest

from tasks.teacher.finish_reasons import find_known_flaw, is_failure, read_finish

COMPLETED = ["stop", "STOP", "end_turn", "eos", "eos_token", "stop_sequence", "COMPLETE", "FINISH_REASON_STOP", "done"]
CALLED = ["tool_calls", "tool_use", "function_call", "TOOL_CALL"]
CUT = ["length", "max_tokens", "MAX_TOKENS", "FINISH_REASON_MAX_TOKENS", "model_length", "max-output-tokens",
       "model_context_window_exceeded", "incomplete"]  # fmt: skip
FILTERED = ["content_filter", "SAFETY", "RECITATION", "PROHIBITED_CONTENT", "guardrail_intervened", "sensitive",
            "content_filter: RECITATION", "Content Filter", "ERROR_TOXIC"]  # fmt: skip
BROKEN = ["error", "abort", "MALFORMED_FUNCTION_CALL", "function_call_filter: MALFORMED_FUNCTION_CALL", "OTHER",
          "insufficient_system_resource", "pause_turn", "UNEXPECTED_TOOL_CALL", "network_error"]  # fmt: skip
UNKNOWN = ["gone fishing", ["length"], 7, True, {"type": "stop"}]


@pytest.mark.parametrize("said", COMPLETED)
def test_completed(said: str) -> None:
    assert read_finish(said, has_calls=False) == ("stop", None)
    assert read_finish(said, has_calls=True) == ("stop", None)


@pytest.mark.parametrize("said", CALLED)
def test_called(said: str) -> None:
    assert read_finish(said, has_calls=True) == ("tool_calls", None)


@pytest.mark.parametrize("said", [None, "", "null", "FINISH_REASON_UNSPECIFIED"])
def test_nothing_is_said(said: str | None) -> None:
    assert read_finish(said, has_calls=False) == ("stop", None)
    assert read_finish(said, has_calls=True) == ("tool_calls", None)


@pytest.mark.parametrize(
    ("words", "finish", "flaw"),
    [(CUT, "length", "cut_off"), (FILTERED, "content_filter", "filtered"), (["refusal"], "content_filter", "refused"),
     (BROKEN, "stop", "partial"), (UNKNOWN, "stop", "partial")],
)  # fmt: skip
def test_not_completed(words: list[Any], finish: str, flaw: str) -> None:
    assert {read_finish(said, has_calls=False) for said in words} == {(finish, flaw)}


def test_a_word_counts_beside_another_only_where_it_is_known() -> None:
    assert [find_known_flaw(said) for said in ("MAX_TOKENS", "STOP", "gone fishing", None)] == [
        "cut_off",
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("said", "failed"),
    [("error", True), ("insufficient_system_resource", True), ("ABORT", True), ("length", False), ("stop", False),
     ("MALFORMED_FUNCTION_CALL", False), (None, False), (7, False)],
)  # fmt: skip
def test_some_words_are_of_the_endpoint_and_not_of_the_answer(said: Any, failed: bool) -> None:
    assert is_failure(said) is failed
