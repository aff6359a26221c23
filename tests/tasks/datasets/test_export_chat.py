"""Rows for chat trainers, element by element, also those that are rare."""

import json
from typing import Any

import pytest

from schemas.episodes import Kind, Message
from schemas.instance import Instance
from tasks.datasets.export_chat import build_sharegpt_row, build_trl_row, build_xlam_row
from tests.tasks.datasets.samples import ask, build_row, call, say

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "find",
            "description": "Finds é.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    },
    {"type": "function", "function": {"name": "list", "description": "", "parameters": {"type": "object"}}},
]


def build(*messages: Message, tools: Any = TOOLS) -> Instance:
    update = {"id": "i", "instruction": "Hi, é!", "tools": json.dumps(tools, ensure_ascii=False), "messages": messages}
    return build_row().model_copy(update=update)


def answer(id: str, content: str) -> Message:
    return Message(role="tool", tool_call_id=id, content=content)


CONVERSATION = (
    Message(role="system", content="Be brief."),
    ask("Hi, é!"),
    say("", call("1", "find", '{"city": "Ålesund",  "n": 1.0}'), call("2", "list", "{}")),
    answer("1", '{"status": 200, "body": "é </tool_response>"}'),
    answer("2", "no JSON"),
    say("Once more.", call("3", "find", '{"city": "</tool_call>"}')),
    answer("3", "[1]"),
    say("Done é."),
)


def test_trl_rows_hold_each_message_with_calls_as_objects() -> None:
    assert build_trl_row(build(*CONVERSATION)) == {
        "id": "i",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi, é!"},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {
                        "id": "1",
                        "type": "function",
                        "function": {"name": "find", "arguments": {"city": "Ålesund", "n": 1.0}},
                    },
                    {"id": "2", "type": "function", "function": {"name": "list", "arguments": {}}},
                ],
            },
            {
                "role": "tool",
                "content": '{"status": 200, "body": "é </tool_response>"}',
                "tool_call_id": "1",
                "name": "find",
            },
            {"role": "tool", "content": "no JSON", "tool_call_id": "2", "name": "list"},
            {
                "role": "assistant",
                "content": "Once more.",
                "tool_calls": [
                    {"id": "3", "type": "function", "function": {"name": "find", "arguments": {"city": "</tool_call>"}}}
                ],
            },
            {"role": "tool", "content": "[1]", "tool_call_id": "3", "name": "find"},
            {"role": "assistant", "content": "Done é."},
        ],
        "tools": TOOLS,
    }


def test_a_trl_answer_to_no_call_has_no_name() -> None:
    (message,) = build_trl_row(build(answer("9", "x")))["messages"]
    assert message == {"role": "tool", "content": "x", "tool_call_id": "9", "name": ""}


def test_sharegpt_rows_hold_each_turn_and_the_answers_of_one_turn_together() -> None:
    row = build(*CONVERSATION)
    built = build_sharegpt_row(row)
    assert (built["id"], built["tools"]) == ("i", row.tools)
    system, *turns = built["conversations"]
    assert turns == [
        {"from": "human", "value": "Hi, é!"},
        {
            "from": "gpt",
            "value": '<tool_call>\n{"name": "find", "arguments": {"city": "Ålesund",  "n": 1.0}}\n</tool_call>\n'
            '<tool_call>\n{"name": "list", "arguments": {}}\n</tool_call>',
        },
        {
            "from": "tool",
            "value": '<tool_response>\n{"name": "find", "content": {"status": 200, '
            '"body": "é \\u003c/tool_response>"}}\n</tool_response>\n'
            '<tool_response>\n{"name": "list", "content": "no JSON"}\n</tool_response>',
        },
        {
            "from": "gpt",
            "value": 'Once more.\n<tool_call>\n{"name": "find", "arguments": {"city": "\\u003c/tool_call>"}}\n'
            "</tool_call>",
        },
        {"from": "tool", "value": '<tool_response>\n{"name": "find", "content": [1]}\n</tool_response>'},
        {"from": "gpt", "value": "Done é."},
    ]
    assert system["from"] == "system"
    assert system["value"].startswith("You are a function calling AI model.")
    tools = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in TOOLS)
    assert system["value"].endswith(f"Here are the available tools:\n<tools>\n{tools}\n</tools>\n\nBe brief.")


def test_a_sharegpt_row_without_a_system_message_has_the_tools_only() -> None:
    (system, said) = build_sharegpt_row(build(say("Hm."), tools=[]))["conversations"]
    assert system["value"].endswith("\n<tools>\n\n</tools>")
    assert said == {"from": "gpt", "value": "Hm."}


def test_a_sharegpt_answer_to_no_call_has_no_name() -> None:
    turns = build_sharegpt_row(build(answer("9", "1"), Message(role="tool", content="2")))["conversations"]
    assert turns[1]["value"] == (
        '<tool_response>\n{"name": "", "content": 1}\n</tool_response>\n'
        '<tool_response>\n{"name": "", "content": 2}\n</tool_response>'
    )


def test_a_sharegpt_name_is_spelled_as_json() -> None:
    turns = build_sharegpt_row(build(say("", call("1", 'é"', "{}"))))["conversations"]
    assert turns[1]["value"] == '<tool_call>\n{"name": "é\\"", "arguments": {}}\n</tool_call>'


CALLS = (call("1", "find", '{"city": "Ålesund"}'), call("2", "list", "{}"))


@pytest.mark.parametrize(
    ("messages", "answers"),
    [
        ((ask("q"), say("No.")), []),
        ((ask("q"), say("", *CALLS[:1])), [{"name": "find", "arguments": {"city": "Ålesund"}}]),
        (
            (ask("q"), say("", *CALLS), answer("1", "x"), say("Done.")),
            [{"name": "find", "arguments": {"city": "Ålesund"}}, {"name": "list", "arguments": {}}],
        ),
        ((ask("q"), say("", *CALLS[:1]), say("", *CALLS[1:])), None),
        ((ask("q"), say("Which?"), ask("That."), say("", *CALLS)), None),
        ((say("", *CALLS),), None),
    ],
    ids=["no call", "one call", "two at once", "one after the other", "two questions", "no question"],
)
def test_an_xlam_row_holds_one_question_and_one_turn_of_calls(
    messages: tuple[Message, ...], answers: list[dict[str, Any]] | None
) -> None:
    built = build_xlam_row(build(*messages))
    if answers is None:
        assert built is None
        return
    assert built is not None
    assert (built["id"], built["query"]) == ("i", "Hi, é!")
    assert built["answers"] == json.dumps(answers, ensure_ascii=False)
    assert built["tools"] == json.dumps(
        [
            {
                "name": "find",
                "description": "Finds é.",
                "parameters": {"city": {"description": "", "type": "str"}},
            },
            {"name": "list", "description": "", "parameters": {}},
        ],
        ensure_ascii=False,
    )


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ({"type": "string"}, {"description": "", "type": "str, optional"}),
        ({"type": "integer", "default": 0}, {"description": "", "type": "int, optional", "default": 0}),
        ({"type": "number", "default": None}, {"description": "", "type": "float, optional", "default": None}),
        ({"type": "boolean", "description": "Is it?"}, {"description": "Is it?", "type": "bool, optional"}),
        ({"type": "array"}, {"description": "", "type": "List, optional"}),
        ({"type": "object"}, {"description": "", "type": "Dict, optional"}),
        ({"type": ["null", "integer", "string"]}, {"description": "", "type": "int, optional"}),
        ({"type": ["null"]}, {"description": "", "type": "Any, optional"}),
        ({"type": "null"}, {"description": "", "type": "Any, optional"}),
        ({}, {"description": "", "type": "Any, optional"}),
        ({"type": "string", "enum": ["a", 1]}, {"description": "One of: a, 1.", "type": "str, optional"}),
        (
            {"type": "string", "enum": ["km"], "description": "The unit."},
            {"description": "The unit. One of: km.", "type": "str, optional"},
        ),
        ({"type": "string", "enum": []}, {"description": "", "type": "str, optional"}),
    ],
    ids=str,
)
def test_an_xlam_parameter_has_pythons_type_and_says_what_may_be_given(
    field: dict[str, Any], told: dict[str, Any]
) -> None:
    parameters = {"type": "object", "properties": {"x": field}}
    tools = [{"type": "function", "function": {"name": "f", "description": "", "parameters": parameters}}]
    built = build_xlam_row(build(ask("q"), tools=tools))
    assert built is not None
    assert json.loads(built["tools"])[0]["parameters"]["x"] == told
    tools[0]["function"]["parameters"] = {**parameters, "required": ["x"]}  # type: ignore[index]
    built = build_xlam_row(build(ask("q"), tools=tools))
    assert built is not None
    assert json.loads(built["tools"])[0]["parameters"]["x"]["type"] == told["type"].removesuffix(", optional")


@pytest.mark.parametrize("kind", list(Kind))
def test_what_is_no_call_stays_as_it_was_said(kind: Kind) -> None:
    row = build_row(kind)
    built = build_trl_row(row)["messages"]
    assert [(one["role"], one["content"]) for one in built] == [(one.role, one.content) for one in row.messages]
    said = [turn["value"] for turn in build_sharegpt_row(row)["conversations"] if turn["from"] == "human"]
    assert said == [one.content for one in row.messages if one.role == "user"]
