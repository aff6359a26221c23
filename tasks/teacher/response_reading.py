"""From the body of a chat completion response to a `Completion`, whatever liberties the endpoint takes.

Every field is bounded and cleaned here; the bounds are in `tasks/completions/answers.py`. The time that it takes grows
with the body's length and not faster.
"""

import json
import re
from typing import Any

from schemas.calls import Completion, FinishReason
from schemas.episodes import ToolCall
from tasks.completions.answers import MOST_ARGUMENTS, MOST_CALLS_AT_ONCE, bound_completion, clean_label, clean_words
from tasks.teacher.event_stream import is_event_stream, join_events
from tasks.teacher.usage import read_usage

_FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "content_filter": "content_filter",
}

_THOUGHT_START = re.compile(r"<(think(?:ing)?)>")
_THOUGHT_PARTS = ("thinking", "reasoning")

_UNWRITABLE = "(nested too deeply)"
"""Stands for what cannot be written as text. It is no JSON: a call with such arguments is turned down."""


class BadAnswerError(ValueError):
    """The response is no chat completion: worth asking again."""


def parse_answer(body: bytes, model: str) -> Completion:
    """The completion in a response body; `model` stands in where the endpoint names none.

    Missing usage counts as zeros; thoughts (`reasoning_content`, `<think>` blocks) are left out; a refusal is the
    content, with the finish reason `content_filter`.

    Raises:
        BadAnswerError: the body is no JSON, reports an error, or has no choice.
    """
    try:
        text = body.lstrip()
        data = join_events(text) if is_event_stream(text) else _load(body)
    except (ValueError, RecursionError) as error:
        start = body[:80].decode("utf-8", "replace").strip()
        raise BadAnswerError(f"the response is not JSON; it begins with {start!r}") from error
    if not isinstance(data, dict):
        raise BadAnswerError("the response is no JSON object")
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        reported = f": {_write(data['error'], ascii_only=True)[:300]}" if data.get("error") else ""
        raise BadAnswerError(f"the response has no choices{reported}")
    choice = choices[0]
    message, said_finish = choice.get("message"), choice.get("finish_reason")
    if not isinstance(message, dict) or said_finish == "error":
        raise BadAnswerError("the response's first choice holds no message")
    calls = _read_calls(message.get("tool_calls"))
    content = _read_content(message.get("content"))
    finish: FinishReason = "tool_calls" if calls else "stop"
    if isinstance(said_finish, str):
        finish = _FINISH_REASONS.get(said_finish, finish)
    if not content and not calls and isinstance(message.get("refusal"), str):
        content, finish = clean_words(message["refusal"]), "content_filter"
    return bound_completion(
        Completion(
            content=content,
            tool_calls=calls,
            finish_reason=finish,
            model=clean_label(data.get("model")) or model,
            usage=read_usage(data),
            fingerprint=clean_label(data.get("system_fingerprint")),
        )
    )


def strip_thoughts(text: str) -> str:
    """`text` without `<think>` blocks: whole ones, one whose opening tag was in the prompt, one that never ended."""
    if "<think" not in text and "</think" not in text:
        return text
    text = _strip_whole_thoughts(text)
    end = max((text.rfind(tag) + len(tag) for tag in ("</think>", "</thinking>") if tag in text), default=0)
    text = text[end:]
    start = _THOUGHT_START.search(text)
    return (text[: start.start()] if start else text).strip()


def _strip_whole_thoughts(text: str) -> str:
    """The text without blocks that begin and end with the same tag; no part of it is looked at more than thrice."""
    kept: list[str] = []
    place = at = 0  # all before `place` is kept or left out; a block is looked for from `at` on
    ended: set[str] = set()  # the tags that are not closed any more
    while (start := _THOUGHT_START.search(text, at)) is not None:
        tag, at = start[1], start.end()
        if tag in ended:
            continue
        closing = f"</{tag}>"
        end = text.find(closing, at)
        if end < 0:
            ended.add(tag)
            continue
        kept.append(text[place : start.start()])
        place = at = end + len(closing)
    return "".join([*kept, text[place:]])


def _load(body: bytes) -> Any:
    """The JSON value of a body. Raises ValueError, RecursionError."""
    try:
        return json.loads(body)
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise
    except ValueError:  # a number with more digits than Python reads, which an answer may hold where nobody looks
        return json.loads(body, parse_int=_read_whole_number)


def _read_whole_number(digits: str) -> int | None:
    return int(digits) if len(digits) < 100 else None


def _write(value: Any, *, ascii_only: bool = False) -> str:
    """A JSON value as text; what is nested too deeply for that is `_UNWRITABLE`."""
    try:
        return json.dumps(value, ensure_ascii=ascii_only)
    except RecursionError:
        return _UNWRITABLE


def _read_content(content: Any) -> str:
    if isinstance(content, list):  # content in parts, as some endpoints answer
        content = "".join(part["text"] for part in content if _is_said(part))
    return strip_thoughts(clean_words(content)) if isinstance(content, str) else ""


def _is_said(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") not in _THOUGHT_PARTS and isinstance(part.get("text"), str)


def _read_calls(calls: Any) -> tuple[ToolCall, ...]:
    """The calls, up to one more than may be."""
    if not isinstance(calls, list):
        return ()
    read: list[ToolCall] = []
    for index, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            continue
        arguments = function.get("arguments")
        if arguments is None:
            arguments = ""
        elif not isinstance(arguments, str):  # some servers send the object itself
            arguments = _write(arguments)
        read.append(
            ToolCall(
                id=clean_label(call.get("id")) or f"call_{index}",
                name=clean_label(function.get("name")),
                arguments=clean_words(arguments[:MOST_ARGUMENTS]),
            )
        )
        if len(read) > MOST_CALLS_AT_ONCE:
            break
    return tuple(read)
