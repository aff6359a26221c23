"""Messages and names in the forms that some endpoints want: no system message, turns that alternate, plain names."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schemas.base import Json
from schemas.calls import Completion

Chat = dict[str, Json]

STANDARD_FIELDS = frozenset({"role", "content", "tool_calls", "tool_call_id", "name", "refusal", "function_call"})
_STANDARD_CALL_FIELDS = frozenset({"id", "type", "function", "index"})
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_]")
LONGEST_NAME = 64


def move_system(messages: Sequence[Chat]) -> tuple[Chat, ...]:
    """The messages with what the system says at the head of the user's first one."""
    said = [str(message["content"]) for message in messages if message.get("role") in ("system", "developer")]
    others = [message for message in messages if message.get("role") not in ("system", "developer")]
    if not said:
        return tuple(messages)
    text = "\n\n".join(said)
    for place, message in enumerate(others):
        if message.get("role") == "user" and isinstance(message.get("content"), str):
            others[place] = {**message, "content": f"{text}\n\n{message['content']}"}
            return tuple(others)
    return ({"role": "user", "content": text}, *others)


def alternate(messages: Sequence[Chat]) -> tuple[Chat, ...]:
    """The messages so that user and assistant take turns, the user first: neighbours of one role become one.

    Messages of tools stay as they are; so does the system's, at the head.
    """
    merged: list[Chat] = []
    for message in messages:
        last = merged[-1] if merged else None
        if last is not None and last.get("role") == message.get("role") in ("user", "assistant"):
            merged[-1] = _join(last, message)
        else:
            merged.append(message)
    head = 1 if merged and merged[0].get("role") == "system" else 0
    if len(merged) > head and merged[head].get("role") == "assistant":
        merged.insert(head, {"role": "user", "content": "Hello."})
    return tuple(merged)


def drop_empty_content(messages: Sequence[Chat]) -> tuple[Chat, ...]:
    """The messages with null for the empty content beside an assistant's calls."""
    return tuple(
        {**message, "content": None} if message.get("tool_calls") and message.get("content") == "" else message
        for message in messages
    )


def list_extra_fields(messages: Iterable[Chat]) -> frozenset[str]:
    """What messages and their calls hold beyond OpenAI's own fields: thoughts, signatures."""
    found: set[str] = set()
    for message in messages:
        found |= message.keys() - STANDARD_FIELDS
        for call in _list_calls(message):
            found |= call.keys() - _STANDARD_CALL_FIELDS
    return frozenset(found)


def make_plain_names(tools: Sequence[Mapping[str, Any]], longest: int) -> dict[str, str]:
    """For each function's name one of letters, digits and `_` that begins with no digit and is not too long."""
    plain: dict[str, str] = {}
    taken = {name for name in map(_read_name, tools) if is_plain_name(name, longest)}
    for name in map(_read_name, tools):
        if is_plain_name(name, longest):
            plain[name] = name
            continue
        short = _NOT_PLAIN.sub("_", name)
        short = short if _PLAIN.fullmatch(short) else f"f_{short}"
        if len(short) > longest or short in taken:
            mark = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:6]
            short = f"{short[: longest - 7]}_{mark}"
        taken.add(short)
        plain[name] = short
    return plain


def is_plain_name(name: str, longest: int) -> bool:
    """Whether every endpoint takes a function's name."""
    return len(name) <= longest and _PLAIN.fullmatch(name) is not None


def rename_tools(tools: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The tools under other names."""
    return [{**tool, "function": {**tool["function"], "name": names[_read_name(tool)]}} for tool in tools]


def rename_calls(messages: Sequence[Chat], names: Mapping[str, str]) -> tuple[Chat, ...]:
    """The messages with the functions that their calls name under other names."""
    return tuple(
        {**message, "tool_calls": [_rename_call(call, names) for call in _list_calls(message)]}
        if message.get("tool_calls")
        else message
        for message in messages
    )


def restore_names(completion: Completion, names: Mapping[str, str]) -> Completion:
    """The completion with the functions' own names, where they were sent under others."""
    own = {sent: name for name, sent in names.items() if sent != name}
    if not any(call.name in own for call in completion.tool_calls):
        return completion
    calls = (call.model_copy(update={"name": own.get(call.name, call.name)}) for call in completion.tool_calls)
    return completion.model_copy(update={"tool_calls": tuple(calls)})


def shorten_descriptions(tools: Sequence[Mapping[str, Any]], longest: int) -> list[dict[str, Any]]:
    """The tools with descriptions of at most `longest` characters, cut at a word."""
    return [{**tool, "function": _shorten(tool["function"], longest)} for tool in tools]


def _join(one: Chat, other: Chat) -> Chat:
    """Two messages of one role as one."""
    joined = {**one, **other, "content": _join_content(one.get("content"), other.get("content"))}
    calls = [*_list_calls(one), *_list_calls(other)]
    return {**joined, "tool_calls": calls} if calls else joined


def _join_content(one: Json, other: Json) -> Json:
    parts = [part for part in (one, other) if part]
    if all(isinstance(part, str) for part in parts):
        return "\n\n".join(map(str, parts))
    lists = [part if isinstance(part, list) else [{"type": "text", "text": part}] for part in parts]
    return [item for part in lists for item in part]


def _list_calls(message: Chat) -> list[Any]:
    calls = message.get("tool_calls")
    return [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []


def _read_name(tool: Mapping[str, Any]) -> str:
    return str(tool["function"]["name"])


def _rename_call(call: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    function = call["function"]
    return {**call, "function": {**function, "name": names.get(function["name"], function["name"])}}


def _shorten(function: dict[str, Any], longest: int) -> dict[str, Any]:
    text = function.get("description")
    if not isinstance(text, str) or len(text) <= longest:
        return function
    cut = text[: longest - 1]
    return {**function, "description": (cut.rsplit(" ", 1)[0] or cut).rstrip(" ,;:") + "…"}
