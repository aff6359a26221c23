"""Rows for chat trainers: TRL, ShareGPT with Hermes tags, and xLAM."""

import json
from collections.abc import Sequence
from typing import Any

from schemas.episodes import Message, ToolCall
from schemas.instance import Instance

_HERMES_SYSTEM = (
    "You are a function calling AI model. You are provided with function signatures within <tools></tools> XML tags. "
    "You may call one or more functions to assist with the user query. Don't make assumptions about what values to "
    "plug into functions. For each function call return a JSON object with function name and arguments within "
    "<tool_call></tool_call> XML tags. Here are the available tools:\n<tools>\n{tools}\n</tools>"
)
"""The system prompt of Nous Research's Hermes function calling format, with the row's own system message after it."""

_XLAM_TYPES = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "array": "List",
    "object": "Dict",
}


def build_trl_row(row: Instance) -> dict[str, Any]:
    """`messages` and `tools` as TRL's SFTTrainer reads them; arguments are objects.

    Read the lines with `Features({"messages": List(Json()), "tools": List(Json())})`: a reader that guesses columns
    would give each call the keys of all others, as nulls.
    """
    names = {call.id: call.name for message in row.messages for call in message.tool_calls}
    messages = [_build_trl_message(message, names) for message in row.messages]
    return {"id": row.id, "messages": messages, "tools": json.loads(row.tools)}


def _build_trl_message(message: Message, names: dict[str, str]) -> dict[str, Any]:
    built: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        built["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.loads(call.arguments)},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        built |= {"tool_call_id": message.tool_call_id, "name": names.get(message.tool_call_id, "")}
    return built


def build_sharegpt_row(row: Instance) -> dict[str, Any]:
    """`conversations` of `{"from", "value"}` with from in system, human, gpt, tool; calls in `<tool_call>` tags.

    The observations of one turn's calls share one `tool` turn. The arguments' text is kept as the assistant wrote it.
    """
    tools = "\n".join(_escape_tags(json.dumps(tool, ensure_ascii=False)) for tool in json.loads(row.tools))
    system = "\n\n".join([_HERMES_SYSTEM.format(tools=tools), *(m.content for m in row.messages if m.role == "system")])
    names = {call.id: call.name for message in row.messages for call in message.tool_calls}
    turns = [{"from": "system", "value": system}]
    for message in row.messages:
        if message.role == "user":
            turns.append({"from": "human", "value": message.content})
        elif message.role == "assistant":
            blocks = [message.content] if message.content else []
            turns.append({"from": "gpt", "value": "\n".join(blocks + [_tag_call(call) for call in message.tool_calls])})
        elif message.role == "tool":
            answer = _tag_response(names.get(message.tool_call_id or "", ""), message.content)
            if turns[-1]["from"] == "tool":
                turns[-1]["value"] += "\n" + answer
            else:
                turns.append({"from": "tool", "value": answer})
    return {"id": row.id, "conversations": turns, "tools": row.tools}


def _tag_call(call: ToolCall) -> str:
    name, arguments = json.dumps(call.name, ensure_ascii=False), _escape_tags(call.arguments)
    return f'<tool_call>\n{{"name": {name}, "arguments": {arguments}}}\n</tool_call>'


def _tag_response(name: str, content: str) -> str:
    body = _escape_tags(json.dumps({"name": name, "content": _parse_or_text(content)}, ensure_ascii=False))
    return f"<tool_response>\n{body}\n</tool_response>"


def _escape_tags(text: str) -> str:
    """JSON text that ends no tag around it: `</` stands there only inside strings, where it can be escaped."""
    return text.replace("</", "\\u003c/")


def build_xlam_row(row: Instance) -> dict[str, Any] | None:
    """`query`, `tools` and `answers` (JSON strings) as in xlam-function-calling-60k; None where the form cannot say it.

    That form holds one question and the calls that answer it, with no observation between them. So a row has a place
    when the user spoke once and all calls were made in one assistant turn, or none was.
    """
    users = [message for message in row.messages if message.role == "user"]
    calling = [message for message in row.messages if message.tool_calls]
    if len(users) != 1 or len(calling) > 1:
        return None
    answers = [{"name": c.name, "arguments": json.loads(c.arguments)} for m in calling for c in m.tool_calls]
    tools = [_build_xlam_tool(tool["function"]) for tool in json.loads(row.tools)]
    return {
        "id": row.id,
        "query": row.instruction,
        "tools": json.dumps(tools, ensure_ascii=False),
        "answers": json.dumps(answers, ensure_ascii=False),
    }


def _build_xlam_tool(function: dict[str, Any]) -> dict[str, Any]:
    """A function with flat parameters: Python's names of types, ", optional" for those that may be left out."""
    schema = function["parameters"]
    required: Sequence[str] = schema.get("required", ())
    parameters = {}
    for name, field in schema.get("properties", {}).items():
        kind = _XLAM_TYPES.get(_get_type(field), "Any")
        options = f" One of: {', '.join(map(str, field['enum']))}." if field.get("enum") else ""
        parameter = {
            "description": f"{field.get('description', '')}{options}".strip(),
            "type": kind if name in required else f"{kind}, optional",
        }
        if "default" in field:
            parameter["default"] = field["default"]
        parameters[name] = parameter
    return {"name": function["name"], "description": function["description"], "parameters": parameters}


def _get_type(field: dict[str, Any]) -> str:
    """The first type of a schema that is not null."""
    kind = field.get("type", "")
    return next((one for one in kind if one != "null"), "") if isinstance(kind, list) else str(kind)


def _parse_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
