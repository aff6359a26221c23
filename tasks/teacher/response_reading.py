"""From the body of a chat completion response to a `Completion`, whatever liberties the endpoint takes."""

import json
import re
from typing import Any

from schemas.calls import Completion, FinishReason, Usage
from schemas.episodes import ToolCall

_FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "content_filter": "content_filter",
}


_THOUGHT = re.compile(r"<(think(?:ing)?)>.*?</\1>", re.DOTALL)
_THOUGHT_TO_ITS_END = re.compile(r"^.*</think(?:ing)?>", re.DOTALL)
_THOUGHT_FROM_ITS_START = re.compile(r"<think(?:ing)?>.*$", re.DOTALL)
_THOUGHT_PARTS = frozenset({"thinking", "reasoning"})


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
        data = json.loads(body)
    except ValueError as error:
        start = body[:80].decode("utf-8", "replace").strip()
        raise BadAnswerError(f"the response is not JSON; it begins with {start!r}") from error
    if not isinstance(data, dict):
        raise BadAnswerError("the response is no JSON object")
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        reported = f": {json.dumps(data['error'])[:300]}" if data.get("error") else ""
        raise BadAnswerError(f"the response has no choices{reported}")
    choice = choices[0]
    message = choice.get("message")
    if not isinstance(message, dict) or choice.get("finish_reason") == "error":
        raise BadAnswerError("the response's first choice holds no message")
    calls = _read_calls(message.get("tool_calls"))
    content = _read_content(message.get("content"))
    finish = _FINISH_REASONS.get(str(choice.get("finish_reason")), "tool_calls" if calls else "stop")
    if not content and not calls and isinstance(message.get("refusal"), str):
        content, finish = _clean(message["refusal"]), "content_filter"
    return Completion(
        content=content,
        tool_calls=calls,
        finish_reason=finish,
        model=str(data.get("model") or model),
        usage=_read_usage(data.get("usage")),
        fingerprint=str(data.get("system_fingerprint") or ""),
    )


def strip_thoughts(text: str) -> str:
    """`text` without `<think>` blocks: whole ones, one whose opening tag was in the prompt, one that never ended."""
    if "<think" not in text and "</think" not in text:
        return text
    text = _THOUGHT_TO_ITS_END.sub("", _THOUGHT.sub("", text))
    return _THOUGHT_FROM_ITS_START.sub("", text).strip()


def _clean(text: str) -> str:
    """`text` without halves of surrogate pairs, which a cut-off escape leaves and no file can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _read_content(content: Any) -> str:
    if isinstance(content, list):  # content in parts, as some endpoints answer
        content = "".join(str(part.get("text") or "") for part in content if _is_said(part))
    return strip_thoughts(_clean(content)) if isinstance(content, str) else ""


def _is_said(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") not in _THOUGHT_PARTS


def _read_calls(calls: Any) -> tuple[ToolCall, ...]:
    if not isinstance(calls, list):
        return ()
    read = []
    for index, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            continue
        arguments = function.get("arguments")
        if arguments is None:
            arguments = ""
        elif not isinstance(arguments, str):  # some servers send the object itself
            arguments = json.dumps(arguments, ensure_ascii=False)
        read.append(
            ToolCall(
                id=_clean(str(call.get("id") or f"call_{index}")),
                name=_clean(str(function.get("name") or "")),
                arguments=_clean(arguments),
            )
        )
    return tuple(read)


def _read_usage(usage: Any) -> Usage:
    if not isinstance(usage, dict):
        return Usage()
    return Usage(
        prompt=_read_count(usage, "prompt_tokens"),
        completion=_read_count(usage, "completion_tokens"),
        cached=_read_count(usage.get("prompt_tokens_details"), "cached_tokens"),
        reasoning=_read_count(usage.get("completion_tokens_details"), "reasoning_tokens"),
    )


def _read_count(counts: Any, name: str) -> int:
    value = counts.get(name) if isinstance(counts, dict) else None
    return max(value, 0) if isinstance(value, int) else 0
