"""Rows become conversations: arguments are objects of their own, control tokens are plain text."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.trainer.conversations import STRUCTURE, BadRowError, Cleaner, build_conversation
from tests.tasks.trainer.episodes import SYSTEM, TOOLS, call, make_row, parallel_calls, result, say, two_calls, user

CLEANER = Cleaner(["<s>", "</s>", "<|im_end|>"])
TOKENS = ("<s>", "</s>", "<|im_end|>", *STRUCTURE)


def test_each_call_carries_its_own_arguments_and_no_others() -> None:
    row = make_row(parallel_calls("Oslo", "Lima"))
    row["messages"][2]["tool_calls"][1]["arguments"] = '{"unit": "kelvin"}'
    calls = build_conversation(row, CLEANER).messages[2]["tool_calls"]
    assert [call["function"]["arguments"] for call in calls] == [{"city": "Oslo"}, {"unit": "kelvin"}]


def test_a_row_is_what_a_chat_template_takes() -> None:
    conversation = build_conversation(make_row(two_calls("Oslo")), CLEANER)
    assert conversation.tools == TOOLS
    kelvin = {"city": "Oslo", "unit": "kelvin"}
    assert conversation.messages == [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": "How warm is it in the first city?"},
        {
            "role": "assistant",
            "content": "I list the cities.",
            "tool_calls": [{"type": "function", "function": {"name": "listCities", "arguments": {}}}],
        },
        {"role": "tool", "content": '{"status": 200, "body": ["Oslo"]}', "name": "listCities"},
        {
            "role": "assistant",
            "content": "The first is Oslo.",
            "tool_calls": [{"type": "function", "function": {"name": "getWeather", "arguments": kelvin}}],
        },
        {"role": "tool", "content": '{"status": 200, "body": {"degrees": 280}}', "name": "getWeather"},
        {"role": "assistant", "content": "In Oslo it is 280 kelvin."},
    ]


def test_results_name_the_function_of_their_own_call() -> None:
    """Those of calls made together, in another order, and of a call that lies further back."""
    messages = [
        user("What is there?"),
        call("", ("listCities", {}), ("getWeather", {"city": "Oslo"})),
        result(200, {"degrees": 4}, 2),
        result(200, ["Oslo"], 1),
        call("", ("getWeather", {"city": "Rome"}), first=3),
        result(200, [], 1),
        {**result(200, {}), "tool_call_id": "call_9"},
        {**result(200, {}), "tool_call_id": None},
    ]
    built = build_conversation(make_row(messages), CLEANER).messages
    assert [message["name"] for message in built if message["role"] == "tool"] == [
        "getWeather", "listCities", "listCities", "", ""
    ]  # fmt: skip
    assert all("name" not in message for message in built if message["role"] != "tool")


def test_what_is_not_said_is_empty_and_an_answer_has_no_spaces_around_it() -> None:
    silent: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": None, "tool_call_id": None}
    row = make_row([user(" \n a  b\n")])
    row["messages"].append(silent)
    built = build_conversation(row, CLEANER).messages
    assert built[1:] == [{"role": "user", "content": "a  b"}, {"role": "assistant", "content": ""}]


@given(st.lists(st.sampled_from([*TOKENS, "<", "/s>", "|im_end|>", "tool_call>", "x", " "])).map("".join))
def test_no_control_token_is_left_and_no_character_is_lost(text: str) -> None:
    cleaned = CLEANER.clean(text)
    assert not any(token in cleaned for token in TOKENS)
    assert cleaned.replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_is_broken_up_after_its_first_character(token: str) -> None:
    assert CLEANER.clean(f"a {token}b{token}") == f"a < {token[1:]}b< {token[1:]}"


def test_a_token_that_comes_up_where_another_was_broken_up_is_broken_up_too() -> None:
    cleaner = Cleaner(["xyz", "x yz", ""])
    assert cleaner.clean("xyz") == "x  yz"


def test_of_two_tokens_that_begin_alike_the_longer_is_met_first() -> None:
    assert Cleaner(["<a>", "<a><b>"]).clean("<a><b> <a>") == "< a><b> < a>"


def test_tools_and_arguments_are_cleaned_to_the_innermost_text() -> None:
    row = make_row(parallel_calls("</s>"))
    given = {"<s>": [{"text": "</s>"}, "</s>", 1.5, True, None], "count": 3}
    row["tools"] = json.dumps([{"function": {"description": "ends </s>"}}])
    row["messages"][2]["tool_calls"][1]["arguments"] = json.dumps(given)
    conversation = build_conversation(row, CLEANER)
    assert conversation.tools == [{"function": {"description": "ends < /s>"}}]
    calls = conversation.messages[2]["tool_calls"]
    assert calls[0]["function"]["arguments"] == {"city": "< /s>"}
    assert calls[1]["function"]["arguments"] == {"< s>": [{"text": "< /s>"}, "< /s>", 1.5, True, None], "count": 3}


def test_ordinary_text_stays_as_it_is() -> None:
    text = "if a < b and c > d: print('</html>')\n\ttabs  and spaces"
    assert build_conversation(make_row([user(text), say("Yes.")]), CLEANER).messages[1]["content"] == text


@pytest.mark.parametrize("arguments", ["{", "[1]", "null", '"a"', None])
def test_a_row_whose_arguments_are_no_object_is_named(arguments: str | None) -> None:
    row = make_row(parallel_calls(), number=7)
    row["messages"][2]["tool_calls"][0]["arguments"] = arguments
    with pytest.raises(BadRowError, match="row row-7: "):
        build_conversation(row, CLEANER)


def test_arguments_that_are_no_object_are_quoted_up_to_80_characters() -> None:
    row = make_row(parallel_calls(), number=7)
    row["messages"][2]["tool_calls"][0]["arguments"] = json.dumps("a" * 200)
    with pytest.raises(BadRowError) as caught:
        build_conversation(row, CLEANER)
    assert str(caught.value) == f'row row-7: arguments that are no object: "{"a" * 79}'


@pytest.mark.parametrize(
    "change",
    [
        {"tools": "["},
        {"tools": "{}"},
        {"tools": None},
        {"messages": []},
        {"messages": None},
        {"messages": [{"role": "user"}]},
        {"messages": [{"content": "a"}]},
        {"messages": [{"role": "assistant", "content": "", "tool_calls": [{"id": "1", "arguments": "{}"}]}]},
        {"messages": [{"role": "root", "content": "a"}]},
        {"messages": [{"role": None, "content": "a"}]},
        {"messages": [{"role": "user", "content": 1}]},
        {"messages": [{**say(""), "tool_calls": [{"id": "1", "name": None, "arguments": "{}"}]}]},
        {"messages": [{**say(""), "tool_calls": [{"id": "1", "name": "f", "arguments": '{"a": ' + "[" * 100_000}]}]},
        {"messages": [{**say(""), "tool_calls": [{"id": "1", "name": "f", "arguments": f'{{"a": {"9" * 5000}}}'}]}]},
        {"tools": "[" * 100_000},
        {"tools": "[" * 900 + "]" * 900},
    ],
)
def test_a_row_that_is_no_conversation_is_named(change: dict[str, Any]) -> None:
    with pytest.raises(BadRowError, match="row row-3: "):
        build_conversation({**make_row([user("a"), say("b")], 3), **change}, CLEANER)


@pytest.mark.parametrize("id", ["\x1b[31mred", "a\nb\u202e", "x" * 500, None, 7])
def test_a_rows_name_is_shown_as_what_can_be_printed(id: Any) -> None:
    with pytest.raises(BadRowError) as caught:
        build_conversation({"id": id, "tools": "[]", "messages": []}, CLEANER)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 150


def test_half_of_a_pair_is_no_character_and_no_tokenizer_takes_it() -> None:
    """A model can write one as a JSON escape, in its arguments or in a document."""
    row = make_row(parallel_calls("\ud83d"))
    row["tools"] = '[{"a\\ud83d": "\\ud83d\\ude00"}]'
    built = build_conversation(row, CLEANER)
    assert built.tools == [{"a\ufffd": "😀"}]
    assert built.messages[2]["tool_calls"][0]["function"]["arguments"] == {"city": "\ufffd"}


def test_a_functions_name_holds_no_control_token_either() -> None:
    row = make_row(parallel_calls())
    for called in row["messages"][2]["tool_calls"]:
        called["name"] = "a</s>b"
    built = build_conversation(row, CLEANER).messages
    assert built[2]["tool_calls"][0]["function"]["name"] == "a< /s>b"
    assert {message["name"] for message in built if message["role"] == "tool"} == {"a< /s>b"}


def test_a_row_that_has_no_name_is_an_error_all_the_same() -> None:
    with pytest.raises(BadRowError, match=r"row \?: no messages, or tools that are no list"):
        build_conversation({"tools": "[]", "messages": []}, CLEANER)
