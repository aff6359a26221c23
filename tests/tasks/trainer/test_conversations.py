"""Rows become conversations: arguments are objects of their own, control tokens are plain text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.trainer.conversations import BadRowError, Cleaner, build_conversation
from tests.tasks.trainer.episodes import make_row, parallel_calls, say, user

CLEANER = Cleaner(["<s>", "</s>", "<|im_end|>"])


def test_each_call_carries_its_own_arguments_and_no_others() -> None:
    row = make_row(parallel_calls("Oslo", "Lima"))
    row["messages"][2]["tool_calls"][1]["arguments"] = '{"unit": "kelvin"}'
    calls = build_conversation(row, CLEANER).messages[2]["tool_calls"]
    assert [call["function"]["arguments"] for call in calls] == [{"city": "Oslo"}, {"unit": "kelvin"}]


def test_results_name_their_function() -> None:
    messages = build_conversation(make_row(parallel_calls()), CLEANER).messages
    assert [message["name"] for message in messages if message["role"] == "tool"] == ["getWeather", "getWeather"]


@given(st.lists(st.sampled_from(["<s>", "</s>", "<", "/s>", "|im_end|>", "<|im_end|>", "x", " "])).map("".join))
def test_no_control_token_is_left_and_no_character_is_lost(text: str) -> None:
    cleaned = CLEANER.clean(text)
    assert not any(token in cleaned for token in ("<s>", "</s>", "<|im_end|>"))
    assert cleaned.replace(" ", "") == text.replace(" ", "")


def test_tools_and_arguments_are_cleaned_too() -> None:
    row = make_row(parallel_calls("</s>"))
    row["tools"] = json.dumps([{"function": {"description": "ends </s>"}}])
    conversation = build_conversation(row, CLEANER)
    assert conversation.tools == [{"function": {"description": "ends < /s>"}}]
    assert conversation.messages[2]["tool_calls"][0]["function"]["arguments"] == {"city": "< /s>"}


def test_ordinary_text_stays_as_it_is() -> None:
    text = "if a < b and c > d: print('</html>')\n\ttabs  and spaces"
    assert build_conversation(make_row([user(text), say("Yes.")]), CLEANER).messages[1]["content"] == text


@pytest.mark.parametrize("arguments", ["{", "[1]", "null"])
def test_a_row_whose_arguments_are_no_object_is_named(arguments: str) -> None:
    row = make_row(parallel_calls(), number=7)
    row["messages"][2]["tool_calls"][0]["arguments"] = arguments
    with pytest.raises(BadRowError, match="row-7"):
        build_conversation(row, CLEANER)
