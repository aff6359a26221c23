"""From the body of a chat completion response to a `Completion`, whatever liberties the endpoint takes.

Every field is bounded and cleaned here; the bounds are in `tasks/completions/answers.py`. The time that it takes
grows with the body's length and not faster. What shows that an answer is none (cut off, filtered, refused, an error
beside it) becomes its `flaw`.
"""

import json
from collections.abc import Mapping
from typing import Any

from schemas.base import Json
from schemas.calls import Completion
from schemas.episodes import ToolCall
from tasks.completions.answers import bound_completion, clean_extra, clean_label, clean_words, find_flaws, mark_flaw
from tasks.markup.thoughts import strip_thoughts
from tasks.markup.written_calls import ARGUMENT_KEYS, read_written_calls
from tasks.teacher.call_reading import Functions, find_calls, list_functions, read_call
from tasks.teacher.event_stream import is_event_stream, join_events
from tasks.teacher.finish_reasons import find_known_flaw, is_failure, read_finish
from tasks.teacher.usage import read_usage

_THOUGHT_PARTS = ("thinking", "reasoning", "redacted_thinking")
_STANDARD = frozenset(
    {"role", "content", "tool_calls", "function_call", "refusal", "annotations", "audio", "name", "tool_call_id"}
)
"""Fields of a message that are read, or that OpenAI gives and does not take back."""

_STANDARD_OF_CALLS = frozenset({"id", "type", "function", "index", "name", "description", *ARGUMENT_KEYS})
_PASSING = frozenset({401, 402, 403, 408, 409, 425, 429, *range(498, 600)})
"""Codes of errors that are no answer's but the endpoint's."""


class BadAnswerError(ValueError):
    """The response is no chat completion: worth asking again. `reported` is the error that it reports, if it does."""

    def __init__(self, text: str, reported: Json = None) -> None:
        super().__init__(text)
        self.reported = reported


def parse_answer(body: bytes, model: str, tools: Any = (), *, are_written_calls_read: bool = False) -> Completion:
    """The completion in a response body; `model` stands in where the endpoint names none.

    Missing usage counts as zeros; thoughts (`reasoning_content`, `<think>` blocks) are left out of the content; a
    refusal is the content where there is no other. `tools` are those of the request, as it was sent: calls are
    matched to them. With `are_written_calls_read`, calls of theirs that stand in the text of an answer without calls
    are its calls.

    Raises:
        BadAnswerError: the body is no JSON, reports an error and no answer, or has no choice.
    """
    data = _load_body(body)
    choice = _find_choice(data)
    message = choice.get("message")
    reported = choice.get("error") or data.get("error")
    if not isinstance(message, dict):
        raise BadAnswerError(f"the response's first choice holds no message{_quote(reported)}", reported)
    functions = list_functions(tools)
    found = find_calls(message)
    calls = tuple(read_call(call, index, functions) for index, call in enumerate(found))
    content = _read_content(message.get("content"))
    completion = Completion(
        content=content,
        tool_calls=calls,
        finish_reason=read_finish(choice.get("finish_reason"), bool(calls))[0],
        model=clean_label(data.get("model")) or model,
        usage=read_usage(data),
        fingerprint=clean_label(data.get("system_fingerprint")),
        extra=_read_extra(message, found),
    )
    if are_written_calls_read and functions and not calls and content:
        completion = _take_written_calls(completion, functions)
    completion = _judge(completion, choice, message, reported)
    return find_flaws(bound_completion(completion))


def _load_body(body: bytes) -> dict[str, Any]:
    text = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    try:
        data = join_events(text) if is_event_stream(text) else _load(text)
    except (ValueError, RecursionError) as error:
        start = body[:80].decode("utf-8", "replace").strip()
        raise BadAnswerError(f"the response is not JSON; it begins with {start!r}") from error
    if not isinstance(data, dict):
        raise BadAnswerError("the response is no JSON object")
    return data


def _find_choice(data: Mapping[str, Any]) -> dict[str, Any]:
    choices = data.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    reported = data.get("error")
    if not reported and _is_filtered(data.get("prompt_filter_results")):
        raise BadAnswerError("the response has no choices: a content filter took the prompt")
    raise BadAnswerError(f"the response has no choices{_quote(reported)}", reported)


def _quote(reported: Json) -> str:
    return f": {_write(reported, ascii_only=True)[:300]}" if reported else ""


def _judge(completion: Completion, choice: Mapping[str, Any], message: Mapping[str, Any], reported: Json) -> Completion:
    """The completion, with its flaw where the endpoint says that it has one.

    Raises:
        BadAnswerError: the endpoint reports an error of its own, or one and nothing that was said.
    """
    says_nothing = not completion.content.strip() and not completion.tool_calls
    said = choice.get("finish_reason")
    _, flaw = read_finish(said, bool(completion.tool_calls))
    if reported:
        if says_nothing or _is_passing(reported):
            raise BadAnswerError(f"the response's first choice holds an error{_quote(reported)}", reported)
        return mark_flaw(completion, "partial", f"an error stands beside it{_quote(reported)}")
    if says_nothing and is_failure(said):
        raise BadAnswerError(f"the response's first choice holds no message, and ended with {said!r}")
    if refusal := _read_refusal(message):
        content = completion.content if completion.content.strip() else refusal
        refused = completion.model_copy(update={"content": content, "finish_reason": "content_filter"})
        return mark_flaw(refused, "refused", f"the model refused: {refusal}")
    if flaw is None:
        said = choice.get("native_finish_reason")  # OpenRouter's, in the words of the provider
        flaw = find_known_flaw(said)
    if flaw is not None:
        return mark_flaw(completion, flaw, f"it ended with {said!r}")
    if _is_filtered(choice.get("content_filter_results")):
        filtered = completion.model_copy(update={"finish_reason": "content_filter"})
        return mark_flaw(filtered, "filtered", "a content filter took a part of it")
    return completion


def _is_passing(reported: Json) -> bool:
    """Whether an error beside a part of an answer is one of the endpoint's own, such as a 502."""
    code = reported.get("code") or reported.get("status") if isinstance(reported, dict) else None
    try:
        return int(code or 0) in _PASSING
    except (TypeError, ValueError):
        return False


def _is_filtered(results: Any) -> bool:
    """Whether Azure's annotations say that a filter took something; most say of what it looked for and did not find."""
    if isinstance(results, list):
        return any(_is_filtered(item) for item in results)
    if not isinstance(results, dict):
        return False
    inner = results.get("content_filter_results")
    if inner is not None:
        return _is_filtered(inner)
    return any(isinstance(result, dict) and result.get("filtered") is True for result in results.values())


def _read_refusal(message: Mapping[str, Any]) -> str:
    """The words of a refusal: a field of the message, or parts of its content; empty where there is none."""
    said = message.get("refusal")
    content = message.get("content")
    if not said and isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict) and part.get("type") == "refusal"]
        said = " ".join(text for part in parts if isinstance(text := part.get("refusal") or part.get("text"), str))
    return clean_words(said).strip() if isinstance(said, str) else ""


def _take_written_calls(completion: Completion, functions: Functions) -> Completion:
    written = read_written_calls(completion.content, functions)
    if written is None:
        return completion
    calls = tuple(
        ToolCall(id=f"call_{index}", name=call.name, arguments=call.arguments)
        for index, call in enumerate(written.calls)
    )
    finish = "tool_calls" if completion.finish_reason == "stop" else completion.finish_reason
    return completion.model_copy(
        update={"content": written.before, "tool_calls": calls, "reads_calls": True, "finish_reason": finish}
    )


def _read_extra(message: Mapping[str, Any], calls: list[dict[str, Any]]) -> dict[str, Json]:
    """What the message holds beyond what is read of it; what is empty there says nothing, but for a text."""
    extra = {name: value for name, value in message.items() if name not in _STANDARD and value not in (None, [], {})}
    of_calls = [_leave_out_standard(call) for call in calls]
    if any(of_calls):
        extra["tool_calls"] = of_calls
    return clean_extra(extra) if extra else extra


def _leave_out_standard(call: Mapping[str, Any]) -> dict[str, Json]:
    """What a call holds beyond its standard fields, its function's further ones under `function`."""
    extra = {name: value for name, value in call.items() if _is_extra_of_call(name, value)}
    function = call.get("function")
    if isinstance(function, dict):
        inner = {name: value for name, value in function.items() if _is_extra_of_call(name, value)}
        return extra | {"function": inner} if inner else extra
    return extra


def _is_extra_of_call(name: str, value: Json) -> bool:
    return name not in _STANDARD_OF_CALLS and value not in (None, "", [], {})


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
    """A JSON value as text; what is nested too deeply for that is told as such."""
    try:
        return json.dumps(value, ensure_ascii=ascii_only)
    except RecursionError:
        return "(nested too deeply)"


def _read_content(content: Any) -> str:
    if isinstance(content, list):  # content in parts, as some endpoints answer
        content = "".join(part["text"] for part in content if _is_said(part))
    return strip_thoughts(clean_words(content)) if isinstance(content, str) else ""


def _is_said(part: Any) -> bool:
    return (
        isinstance(part, dict)
        and part.get("type") not in (*_THOUGHT_PARTS, "refusal")
        and isinstance(part.get("text"), str)
    )
