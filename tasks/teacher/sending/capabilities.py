"""What an endpoint and its model take, learnt from what they refuse, and the request's body that follows from it.

Every request starts as OpenAI documents it. An endpoint that refuses a part of it gets the next form at once, and from
then on; whoever sends (`client`) holds what has been learnt, for one endpoint and model, and forgets it with the run.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from schemas.base import Json
from schemas.calls import ChatRequest
from tasks.teacher.sending.retries import EndpointError
from tasks.teacher.sending.turns import CallIds, find_asked_fields, find_form_of_ids, find_refused_fields, write_turns
from tasks.teacher.strict import make_strict

_SEED_STEP = 1_000_003
_SEEDS = 2**31
_SCHEMA_TEXT = "Answer with one JSON object that conforms to this JSON Schema, and with nothing else:\n{schema}"
"""What tells the model the schema where `response_format` does not.

Not a file of `prompts/`: it is no part of what a caller asks, but one of the forms in which an endpoint takes it, and
rows name the prompts of the caller.
"""

# Read in issue threads: OpenAI names the parameter ("Unsupported parameter: 'max_tokens' is not supported with this
# model"), llama.cpp the values ("response_format type must be one of ...", with status 500), vLLM's xgrammar the schema
# ("features not supported by xgrammar"). As remembered, not looked up: vLLM names the place in the body ("'loc':
# ('body', 'response_format', 'type')"), Ollama the format ("invalid JSON schema in format").
_FORMAT = re.compile(r"response[_ ]format|json[_ ](?:schema|object|mode)|structured[_ ]outputs?|\bguided|grammar", re.I)
_REFUSED = re.compile(
    r"unsupported|n[o']t (?:\w+ )?support|un(?:known|recogni[sz]ed|expected)"
    r"|not (?:permitted|allowed|available|accepted)|deprecated|only (?:the default|1(?:\.0)?\b)",
    re.I,
)
_NAMED_WITH_500 = r"response_format|[Tt]ool call id"
_ECHO = re.compile(r"['\"]input['\"]:.*", re.DOTALL)
"""Where pydantic's errors begin to repeat the request, which may name anything."""


@dataclass(frozen=True)
class Capabilities:
    """The forms that are still believed to be taken."""

    answers: Literal["strict", "json_schema", "json_object", "plain"] = "strict"
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: bool = True
    call_ids: CallIds = "given"
    refused_fields: tuple[str, ...] = ()
    asked_fields: tuple[str, ...] = ()


def learn(used: Capabilities, body: Mapping[str, Any], refusal: EndpointError) -> Capabilities | None:
    """What to go on with after `body`, made with `used`, was refused; None where no other form of it is left.

    Only a part that `body` holds and the refusal names is given up, and a sampling parameter only where the parameter
    is refused and not its value (a limit that is too large stays the caller's error).
    """
    said = _ECHO.sub("", refusal.said)
    if refusal.status not in (400, 422) and not (refusal.status in (500, 501) and re.search(_NAMED_WITH_500, said)):
        return None
    learnt = learn_turns(used, body["messages"], said)
    if "response_format" in body and _FORMAT.search(said):
        learnt = replace(learnt, answers=_step_down(used, body["response_format"]))
    if _REFUSED.search(said):
        if "max_tokens" in body and re.search(r"\bmax_tokens\b", said):
            learnt = replace(learnt, limit="max_completion_tokens")
        if "temperature" in body and re.search(r"\btemperature\b", said):
            learnt = replace(learnt, temperature=False)
    return None if learnt == used else learnt


def learn_turns(used: Capabilities, messages: Sequence[Any], said: str) -> Capabilities:
    """What a refusal tells of the assistant's turns that went back."""
    refused = (name for name in find_refused_fields(messages, said) if name not in used.refused_fields)
    asked = (name for name in find_asked_fields(messages, said) if name not in used.asked_fields)
    return replace(
        used,
        call_ids=find_form_of_ids(used.call_ids, messages, said),
        refused_fields=(*used.refused_fields, *refused),
        asked_fields=(*used.asked_fields, *asked),
    )


def build_body(model: str, request: ChatRequest, known: Capabilities) -> dict[str, Any]:
    """The request's body in the form that the endpoint takes; fields that are not set are left out.

    A further sample of a seeded request gets a seed of its own, or a deterministic endpoint would repeat itself.
    """
    messages = write_turns(
        request.messages, request.call_ids,
        call_ids=known.call_ids, refused=known.refused_fields, asked_for=known.asked_fields,
    )  # fmt: skip
    body: dict[str, Any] = {"model": model, "messages": messages}
    if request.tools:
        body["tools"] = request.tools
    if request.response_format is not None:
        schema = _find_schema(request.response_format)
        if known.answers == "strict":
            body["response_format"] = _tighten(request.response_format)
        elif known.answers == "json_schema" or (known.answers == "json_object" and schema is None):
            body["response_format"] = request.response_format
        else:
            if schema is not None:
                body["messages"] = _append_schema(messages, schema)
            if known.answers == "json_object":
                body["response_format"] = {"type": "json_object"}
    if request.temperature is not None and known.temperature:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        body[known.limit] = request.max_tokens
    if request.seed is not None:
        body["seed"] = (request.seed + _SEED_STEP * request.sample) % _SEEDS if request.sample else request.seed
    return body


def _step_down(used: Capabilities, refused: Any) -> Literal["json_schema", "json_object", "plain"]:
    """The next form of a JSON answer, where `refused` was not taken."""
    if used.answers == "strict" and refused.get("json_schema", {}).get("strict"):
        return "json_schema"
    return "json_object" if used.answers in ("strict", "json_schema") else "plain"


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


def _append_schema(messages: Sequence[dict[str, Json]], schema: Json) -> tuple[dict[str, Json], ...]:
    """The messages with the schema at the end of the last one, where that is the user's, or as one of its own.

    In the user's message, because not every model's chat template takes a system message, or one after the first.
    """
    text = _SCHEMA_TEXT.format(schema=json.dumps(schema, ensure_ascii=False))
    last = messages[-1] if messages else {}
    content = last.get("content")
    if last.get("role") != "user" or not isinstance(content, str):
        return (*messages, {"role": "user", "content": text})
    return (*messages[:-1], {**last, "content": f"{content}\n\n{text}"})
