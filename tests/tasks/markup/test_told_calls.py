"""A call that a teacher wrote into its text is found; JSON, code and words that are no call are not."""

import json

import pytest

from tasks.markup.told_calls import find_written_call

FUNCTIONS = frozenset({"searchPets", "get-pet"})


def find(text: str, has_calls: bool = False) -> str:
    return find_written_call(text, FUNCTIONS, has_calls=has_calls)


@pytest.mark.parametrize(
    "tag",
    [
        "<tool_call>",
        "</tool_call>",
        "<tool_calls>",
        "<TOOL_CALL>",
        "<|tool_call|>",
        "<function_call>",
        "<function_calls>",
        '<invoke name="x">',
        "<function=searchPets>",
        "[TOOL_CALLS]",
    ],
)
def test_a_tag_of_calls_is_one_whatever_stands_beside_it(tag: str) -> None:
    for has_calls in (False, True):
        assert find(f"I look. {tag} x", has_calls) == f"{tag} x"
        assert find(f"{tag}{'x' * 100}", has_calls) == f"{tag}{'x' * 100}"[:80]


@pytest.mark.parametrize(
    "text", ["<tool>", "<tool_caller>", "<b>function_call</b>", "TOOL_CALLS", "<functional>", "invoke"]
)
def test_another_tag_is_none(text: str) -> None:
    assert find(f"I look. {text} x") == ""


NAME_KEYS = ("name", "function", "tool", "tool_name", "action", "function_name")
ARGUMENT_KEYS = ("arguments", "parameters", "args", "action_input", "input", "params")
CALLS = [
    *(json.dumps({key: "searchPets", "arguments": {}}) for key in NAME_KEYS),
    *(json.dumps({"name": "searchPets", key: {}}) for key in ARGUMENT_KEYS),
    json.dumps({"name": "unknownFunction", "arguments": {}}),
    json.dumps({"name": "unknownFunction", "arguments": {}, "id": "1", "type": "function"}),
    json.dumps({"name": "get-pet", "arguments": {}, "thought": "x"}),
    json.dumps({"tool_calls": []}),
    json.dumps({"type": "function", "function": {"name": "searchPets", "arguments": "{}"}}),
    json.dumps([{"id": 1}, {"name": "searchPets", "arguments": {}}]),
    json.dumps({"name": "searchPets", "arguments": {"city": "L" + "y" * 100 + "on"}}),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("has_calls", [False, True], ids=["alone", "beside calls"])
def test_a_call_in_json_is_one_bare_or_in_a_fence(call: str, has_calls: bool) -> None:
    assert find(call, has_calls) == call[:80]
    assert find(f"I look.\n{call}", has_calls) == f"I look.\n{call}"[:80]
    assert find(f"{call} and so on", has_calls)
    for fence in (
        f"```json\n{call}\n```",
        f"```\n{call}```",
        f"Look: ```json\n{call}",
        f"```py\n1\n```\n```\n{call}\n```",
    ):
        assert find(f"[1] {fence} done", has_calls).startswith(call[:80])


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"name": "Luna", "input": "x"}),
        json.dumps({"name": "Luna", "breed": "Beagle"}),
        json.dumps({"name": "searchPets"}),
        json.dumps({"arguments": {}}),
        json.dumps({"name": 7, "arguments": {}}),
        json.dumps({"breed": "Beagle", "name": "Luna", "arguments": {}}),
        json.dumps({"tool_calls": 2}),
        json.dumps({"function": {"name": "searchPets"}}),
        json.dumps(["searchPets", "arguments"]),
        json.dumps([1, 2]),
        "a { brace and [ a bracket",
        "[" * 100_000,
        "no braces",
        "",
    ],
)
def test_other_json_and_text_is_no_call(text: str) -> None:
    assert find(text) == ""
    assert find(f"```json\n{text}\n```") == ""


@pytest.mark.parametrize("name", ["name", "function", "tool", "action"])
@pytest.mark.parametrize("arguments", ["arguments", "parameters", "args"])
def test_a_call_whose_json_breaks_off_is_one(name: str, arguments: str) -> None:
    text = f'{{"{name}": "anything", "{arguments}": {{"city": "Ly'
    for has_calls in (False, True):
        assert find(text, has_calls) == text
        assert find(f"  {text}", has_calls) == text
        assert find(f"{text}{'o' * 100}", has_calls) == f"{text}{'o' * 100}"[:80]
        assert find(f"Look:\n```json\n{text}", has_calls) == text


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Luna", "breed": "Bea',
        '{"title": "x", "arguments": {"a',
        'So {"name": "x", "arguments": {"a',
        '{"name": 1, "arguments": {',
    ],
)
def test_other_json_that_breaks_off_is_none(text: str) -> None:
    assert find(text) == ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('searchPets({"city": "Lyon"})', 'searchPets({"city": "Lyon"})'),
        ("So searchPets(city='Lyon') it is", "searchPets(city='Lyon') it is"),
        ("searchPets()", "searchPets()"),
        ("searchPets ( 'Lyon' )", "searchPets ( 'Lyon' )"),
        ('get-pet("4821")', 'get-pet("4821")'),
        ("findPets(), then searchPets()", "searchPets()"),
        ("Action: searchPets\nAction Input: {}", "Action: searchPets"),
        ("Thought: x\n  Action : get-pet", "Action : get-pet"),
        ("Action Input: searchPets", "Action Input: searchPets"),
    ],
)
def test_a_call_in_words_is_one_in_a_message_without_calls(text: str, found: str) -> None:
    assert find(text).strip() == found
    assert find(text, has_calls=True) == ""


def test_a_long_call_in_words_is_cut() -> None:
    text = f"searchPets('{'x' * 100}')"
    assert find(text) == text[:80]


@pytest.mark.parametrize(
    "text",
    [
        "I used searchPets (for Lyon) and found Luna.",
        "searchPets(3 of them)",
        "findPets('Lyon')",
        "Action: findPets",
        "My Action: searchPets",
        "Action searchPets",
        "searchPets is what I used",
    ],
)
def test_a_function_that_is_only_spoken_of_is_no_call(text: str) -> None:
    assert find(text) == ""
