"""What is believed of what an endpoint and its model take, and the request's body that follows from it.

Every request starts as OpenAI documents it. What an endpoint refuses is learnt in `learning`, one step at a time; what
has been learnt is held in `forms`, and remembered across runs in `memory`.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.base import Json, Record
from schemas.calls import ChatRequest
from tasks.teacher.sending.message_forms import (
    LONGEST_NAME,
    alternate,
    drop_empty_content,
    list_extra_fields,
    make_plain_names,
    move_system,
    rename_calls,
    rename_tools,
    shorten_descriptions,
)
from tasks.teacher.sending.schema_forms import EMPTY_OBJECTS, drop_parts, list_parts, list_tool_parts
from tasks.teacher.sending.seeds import find_seed
from tasks.teacher.sending.turns import CallIds, Thoughts, write_turns
from tasks.teacher.strict import make_strict

_SCHEMA_TEXT = "Answer with one JSON object that conforms to this JSON Schema, and with nothing else:\n{schema}"
"""What tells the model the schema where `response_format` does not.

Not a file of `prompts/`: it is no part of what a caller asks, but one of the forms in which an endpoint takes it, and
rows name the prompts of the caller.
"""

Parameter = Literal[
    "temperature", "top_p", "seed", "tool_choice", "parallel_tool_calls", "reasoning_effort", "prompt_cache_key",
    "stream_options", "stream", "cache_control",
]  # fmt: skip
PARAMETERS: tuple[Parameter, ...] = (
    "temperature", "seed", "top_p", "tool_choice", "parallel_tool_calls", "reasoning_effort", "prompt_cache_key",
    "stream", "stream_options",
)  # fmt: skip
"""What may be left out of a body, in the order of its worth; `cache_control` stands in its messages."""

SAMPLING: tuple[Parameter, ...] = ("temperature", "top_p", "reasoning_effort", "seed")
"""Those that say how answers are drawn."""

Limit = Literal["max_tokens", "max_completion_tokens", "max_output_tokens"]
LIMITS: tuple[Limit, ...] = ("max_tokens", "max_completion_tokens", "max_output_tokens")
"""The names of the most tokens that an answer may have; the first is the one that most endpoints take."""

DEFAULT_LIMIT = 8192
"""Tokens of an answer where the endpoint wants a limit and the request has none; few models write more."""

Answers = Literal["strict", "json_schema", "json_object", "plain"]
Name = Annotated[str, Field(pattern=r"^[$A-Za-z][A-Za-z0-9_ -]{0,63}$")]
Count = Annotated[int, Field(ge=1, le=10**7)]


class Capabilities(Record):
    """The forms that are still believed to be taken. Presets give first beliefs by the same names.

    `answers` is the form in which JSON is asked for. `limit` is the name of the most tokens of an answer, None where
    none is taken; with `needs_limit` there has to be one, and `most_output` is the largest that is taken. `left_out`
    are parameters that are refused. `call_ids` is the form in which ids of calls go back, `refused_fields` are extra
    fields of messages that may not, and `asked_fields` those that each turn with calls must have. `answer_parts` and
    `tool_parts` are keywords (and `schema_forms.SPECIAL`) that schemas of answers and of functions may not hold.
    Without `system` there are no system messages, with `alternate` user and assistant must take turns, without
    `empty_content` a message with calls may not have the content "". `most_tools` is the most functions in a request,
    `longest_name` the longest plain name of one, `longest_description` the most characters of its description.
    None: no bound is known.

    Example: {"answers": "json_schema", "limit": "max_completion_tokens", "left_out": ["seed", "temperature"]}
    """

    answers: Answers = "strict"
    limit: Limit | None = "max_tokens"
    needs_limit: bool = False
    most_output: Count | None = None
    left_out: frozenset[Parameter | Limit] = frozenset()
    call_ids: CallIds = "given"
    refused_fields: frozenset[Name] = frozenset()
    asked_fields: frozenset[Thoughts] = frozenset()
    answer_parts: frozenset[Name] = frozenset()
    tool_parts: frozenset[Name] = frozenset()
    system: bool = True
    alternate: bool = False
    empty_content: bool = True
    most_tools: Count | None = None
    longest_name: Annotated[int, Field(ge=16, le=LONGEST_NAME)] | None = None
    longest_description: Annotated[int, Field(ge=16)] | None = None


def build_body(model: str, request: ChatRequest, known: Capabilities) -> dict[str, Any]:
    """The request's body in the form that the endpoint takes; fields that are not set are left out.

    What the user's settings add to it, whatever the form is, is in `bodies`.
    """
    body: dict[str, Any] = {"model": model, "messages": request.messages}
    if request.tools:
        body["tools"] = _shape_tools(request, known)
    if request.response_format is not None:
        schema = _find_schema(request.response_format)
        if known.answers == "strict":
            body["response_format"] = _reduce(_tighten(request.response_format), known)
        elif known.answers == "json_schema" or (known.answers == "json_object" and schema is None):
            body["response_format"] = _reduce(request.response_format, known)
        else:
            if schema is not None:
                body["messages"] = _append_schema(request.messages, schema)
            if known.answers == "json_object":
                body["response_format"] = {"type": "json_object"}
    body["messages"] = _shape_messages(body["messages"], request, known)
    if request.temperature is not None and "temperature" not in known.left_out:
        body["temperature"] = request.temperature
    if known.limit is not None and (request.max_tokens is not None or known.needs_limit):
        limit = DEFAULT_LIMIT if request.max_tokens is None else request.max_tokens
        body[known.limit] = limit if known.most_output is None else min(limit, known.most_output)
    if request.seed is not None and "seed" not in known.left_out:
        body["seed"] = find_seed(request)
    return body


def choose_names(request: ChatRequest, known: Capabilities) -> dict[str, str]:
    """The names under which the request's functions are sent; none where all go under their own."""
    return {} if known.longest_name is None else make_plain_names(request.tools, known.longest_name)


def list_left_out(request: ChatRequest, known: Capabilities) -> tuple[str, ...]:
    """What the request asks for and its body does not hold, by name and sorted: for whoever reads the answer.

    Parameters by their names; `json_schema` where only an object was asked for, `response_format` where not even that;
    `system_role`, `messages.<field>`, `response_format.<keyword>` and `tools.<keyword>`.
    """
    wished: set[str] = {name for name in SAMPLING if getattr(request, name) is not None}
    found = wished & known.left_out
    if request.max_tokens is not None and known.limit is None:
        found.add("max_tokens")
    if request.response_format is not None:
        schema = _find_schema(request.response_format)
        if known.answers in ("strict", "json_schema"):
            parts = known.answer_parts and known.answer_parts & list_parts([schema])
            found |= {f"response_format.{part}" for part in parts}
        elif known.answers == "plain":
            found.add("response_format")
        elif schema is not None:
            found.add("json_schema")
    if request.tools and known.tool_parts:
        found |= {f"tools.{part}" for part in known.tool_parts & list_tool_parts(request.tools)}
    if known.refused_fields:
        found |= {f"messages.{name}" for name in known.refused_fields & list_extra_fields(request.messages)}
    if not known.system and any(message.get("role") == "system" for message in request.messages):
        found.add("system_role")
    return tuple(sorted(found))


def _shape_tools(request: ChatRequest, known: Capabilities) -> Any:
    """The functions in the form that the endpoint takes; as they are asked for where nothing is known of it."""
    tools: Any = request.tools
    if known.tool_parts:
        tools = [{**tool, "function": _reduce_function(tool["function"], known.tool_parts)} for tool in tools]
    if known.longest_description is not None:
        tools = shorten_descriptions(tools, known.longest_description)
    if names := choose_names(request, known):
        tools = rename_tools(tools, names)
    return tools


def _reduce_function(function: Any, parts: frozenset[str]) -> dict[str, Any]:
    parameters = function.get("parameters")
    if not isinstance(parameters, dict):
        return dict(function)
    if EMPTY_OBJECTS in parts and not parameters.get("properties"):
        return {name: value for name, value in function.items() if name != "parameters"}
    return {**function, "parameters": drop_parts(parameters, parts)}


def _shape_messages(messages: Any, request: ChatRequest, known: Capabilities) -> Any:
    messages = write_turns(
        messages, request.call_ids,
        call_ids=known.call_ids, refused=known.refused_fields, asked_for=known.asked_fields,
    )  # fmt: skip
    if not known.empty_content:
        messages = drop_empty_content(messages)
    if names := choose_names(request, known):
        messages = rename_calls(messages, names)
    if not known.system:
        messages = move_system(messages)
    return alternate(messages) if known.alternate else messages


def _reduce(response_format: dict[str, Any], known: Capabilities) -> dict[str, Any]:
    """The response format without the parts of its schema that are not taken."""
    schema = _find_schema(response_format)
    if not known.answer_parts or not isinstance(schema, dict):
        return response_format
    described = {**response_format["json_schema"], "schema": drop_parts(schema, known.answer_parts)}
    return {**response_format, "json_schema": described}


def _tighten(response_format: dict[str, Any]) -> dict[str, Any]:
    """The response format in its strict form, where its schema has one."""
    schema = _find_schema(response_format)
    strict = make_strict(schema) if isinstance(schema, dict) else None
    if strict is None:
        return response_format
    return {**response_format, "json_schema": {**response_format["json_schema"], "schema": strict, "strict": True}}


def _find_schema(response_format: Mapping[str, Any]) -> Json:
    described = response_format.get("json_schema")
    return described.get("schema") if isinstance(described, dict) else None


def _append_schema(messages: tuple[dict[str, Json], ...], schema: Json) -> tuple[dict[str, Json], ...]:
    """The messages with the schema at the end of the last one, where that is the user's, or as one of its own.

    In the user's message, because not every model's chat template takes a system message, or one after the first.
    """
    text = _SCHEMA_TEXT.format(schema=json.dumps(schema, ensure_ascii=False))
    last = messages[-1] if messages else {}
    content = last.get("content")
    if last.get("role") != "user" or not isinstance(content, str):
        return (*messages, {"role": "user", "content": text})
    return (*messages[:-1], {**last, "content": f"{content}\n\n{text}"})
