"""The calls of an answer, as they are meant: whatever a server made of their names, their arguments and their place."""

import json
import re
from collections.abc import Mapping
from typing import Any

from schemas.base import Json
from schemas.episodes import ToolCall
from schemas.foreign_json import read_foreign_json
from tasks.completions.answers import MOST_ARGUMENTS, MOST_CALLS_AT_ONCE, clean_label, clean_words
from tasks.markup.function_names import match_function
from tasks.markup.written_calls import ARGUMENT_KEYS

_UNWRITABLE = "(nested too deeply)"
"""Stands for what cannot be written as text. It is no JSON: a call with such arguments is turned down."""

_MOST_LAYERS = 3
"""How often arguments may be wrapped in a JSON string."""

_FENCE = re.compile(r"\s*```(?:json)?\s*(.*?)\s*```\s*", re.DOTALL)
_NAMED = re.compile(r"\s*([\w.:/-]{1,128})\s*(\()?\s*(?=\{)")

Functions = Mapping[str, Mapping[str, Any]]
"""The schemas of parameters of the functions that a request offered, by name."""


def list_functions(tools: Any) -> dict[str, dict[str, Any]]:
    """The functions in a request's tools."""
    functions = [tool.get("function") for tool in tools or () if isinstance(tool, dict)]
    return {
        function["name"]: function.get("parameters") or {}
        for function in functions
        if isinstance(function, dict) and isinstance(function.get("name"), str)
    }


def find_calls(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What is meant for a call in a message, as it came: of `tool_calls`, the older `function_call`, or content in
    parts.

    One without name and arguments beside others is none. Up to one more are given than may be.
    """
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        calls = []
    if not calls and isinstance(message.get("function_call"), dict):
        calls = [{"function": message["function_call"]}]
    content = message.get("content")
    if not calls and isinstance(content, list):
        calls = [part for part in content if isinstance(part, dict) and part.get("type") in ("tool_use", "tool_call")]
    found = [
        call for call in calls[: 2 * MOST_CALLS_AT_ONCE] if isinstance(call, dict) and _get_function(call) is not None
    ]
    named = [call for call in found if not _is_empty(call)]
    return (named or found)[: MOST_CALLS_AT_ONCE + 1]


def read_call(call: Mapping[str, Any], index: int, functions: Functions) -> ToolCall:
    """A call with the name of one of the functions, if that is certain, and its arguments as text."""
    function = _get_function(call) or {}
    written = clean_label(function.get("name"))
    name = match_function(written, functions) or written
    given = next((function[key] for key in ARGUMENT_KEYS if key in function), None)
    return ToolCall(
        id=clean_label(call.get("id")) or f"call_{index}",
        name=name,
        arguments=clean_words(unwrap_arguments(given, name, functions.get(name, {}))[:MOST_ARGUMENTS]),
    )


def unwrap_arguments(given: Json, name: str, schema: Mapping[str, Any]) -> str:
    """Arguments as the text that is meant: an object's JSON, out of what a server wrapped it in.

    They may have been sent as the object itself, as JSON within JSON, in a fence, behind the function's name, or as the
    whole call. No arguments are an empty text. What is none of these stays as it is.
    """
    text = _write(given)
    for _ in range(_MOST_LAYERS):
        try:
            value = read_foreign_json(text)
        except ValueError:
            unwrapped = _unwrap(text, name)
            if unwrapped is None:
                return text
            text = unwrapped
            continue
        if isinstance(value, str):
            text = value
        elif value is None or value == []:
            return ""
        elif isinstance(value, dict) and (inner := _find_whole_call(value, name, schema)) is not None:
            text = inner
        else:
            return text
    return text


def _get_function(call: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """A call's function: an object of its own, or the call itself."""
    function = call.get("function")
    if isinstance(function, dict):
        return function
    return call if isinstance(call.get("name"), str) and any(key in call for key in ARGUMENT_KEYS) else None


def _is_empty(call: Mapping[str, Any]) -> bool:
    function = _get_function(call) or {}
    return not function.get("name") and function.get("arguments") in (None, "", {}, "{}")


def _write(given: Json) -> str:
    """A JSON value as text; what is nested too deeply for that is `_UNWRITABLE`."""
    if given is None:
        return ""
    if isinstance(given, str):
        return given
    try:
        return json.dumps(given, ensure_ascii=False)
    except RecursionError:
        return _UNWRITABLE


def _unwrap(text: str, name: str) -> str | None:
    """What a fence or the function's name stands around; None where neither does."""
    if len(text) > MOST_ARGUMENTS:
        return None
    if fenced := _FENCE.fullmatch(text):
        return fenced[1]
    if (named := _NAMED.match(text)) and match_function(named[1], (name,)):
        rest = text[named.end() :].strip()
        return rest.removesuffix(")") if named[2] else rest
    if text.startswith('{}{"'):  # the empty object that a stream began with
        return text[2:]
    return None


def _find_whole_call(value: dict[str, Any], name: str, schema: Mapping[str, Any]) -> str | None:
    """The arguments within arguments that repeat the call: `{"name": "f", "arguments": {…}}`."""
    keys = set(value)
    properties = schema.get("properties")
    own = set(properties) if isinstance(properties, dict) else set()
    inner = next((key for key in ("arguments", "parameters") if keys == {"name", key}), None)
    if (
        inner is None
        or inner in own
        or not isinstance(value["name"], str)
        or not match_function(value["name"], (name,))
    ):
        return None
    return _write(value[inner])
