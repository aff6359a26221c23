"""The bounds of an answer, kept where an endpoint's is read and where one is taken from the store.

What is stored may be of an older version, which knew no bounds. What is over a bound is cut off there, or counts as not
told: an answer that was paid for is kept all the same, and nothing in it may break what comes later.
"""

import json
from typing import Any

from pydantic import ValidationError

from schemas.base import Json
from schemas.calls import MOST_TOKENS, Completion, Usage, count_tokens
from schemas.episodes import Flaw, ToolCall
from tasks.markup.control_tokens import find_control_token

MOST_CONTENT = 1_000_000
"""Characters; models write up to some 500,000 at once. What is longer was cut off, as at a limit of tokens."""

MOST_CALLS_AT_ONCE = 128
"""Calls in one answer, as many as OpenAI takes tools. One more than these is kept, to tell that there were more."""

MOST_ARGUMENTS = 200_000
"""Characters of a call's arguments; those that are longer are cut, and so no JSON any more."""

MOST_EXTRA = 200_000
"""Characters, as JSON, of what a message holds beyond its standard fields; thoughts of a turn have some 50,000."""

_MOST_DETAIL = 200
_MOST_LABEL = 256
"""Characters of a name, an id, a fingerprint; function names have 64."""


def clean_words(text: str) -> str:
    """`text` without what some file cannot hold: halves of surrogate pairs, which a cut-off escape leaves, and NUL."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "?") if "\0" in text else text


def clean_label(said: Any) -> str:
    """A name or an id in one line of bounded length; empty for what is neither text nor a whole number."""
    if isinstance(said, int) and not isinstance(said, bool):
        said = str(said) if abs(said) < 10**_MOST_LABEL else ""
    if not isinstance(said, str):
        return ""
    text = clean_words(said[:_MOST_LABEL])
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)


def clean_extra(extra: dict[str, Json]) -> dict[str, Json]:
    """What can be written down of it, as far as it is within its bound; the first fields go first."""
    kept: dict[str, Json] = {}
    room = MOST_EXTRA
    for name, value in extra.items():
        try:
            text = clean_words(json.dumps([name, value], ensure_ascii=False, allow_nan=False))
        except (ValueError, RecursionError):
            continue
        if len(text) <= room:
            room -= len(text)
            clean_name, clean_value = json.loads(text)
            kept[clean_name] = clean_value
    return kept


def mark_flaw(completion: Completion, flaw: Flaw, detail: str) -> Completion:
    """The completion as one that is no answer; `detail` is shortened to a line."""
    line = " ".join(clean_words(detail).split())
    line = line if len(line) <= _MOST_DETAIL else f"{line[: _MOST_DETAIL - 1]}…"
    return completion.model_copy(update={"flaw": flaw, "flaw_detail": line})


def find_flaws(completion: Completion) -> Completion:
    """The completion, marked where it shows by itself that it is no answer.

    So may one be that was stored before flaws were looked for.
    """
    if completion.flaw is not None:
        return completion
    if completion.finish_reason == "length":
        return mark_flaw(completion, "cut_off", "it ended at a limit of tokens")
    if completion.finish_reason == "content_filter":
        return mark_flaw(completion, "filtered", "a content filter ended it")
    if token := find_control_token(completion.content):
        return mark_flaw(completion, "leaked_tokens", f"it holds {token}")
    if not completion.content.strip() and not completion.tool_calls:
        return mark_flaw(completion, "empty", "it says nothing")
    return completion


def bound_completion(completion: Completion) -> Completion:
    """The completion within the bounds; itself, as nearly always, where it is."""
    changes: dict[str, Any] = {}
    if len(completion.content) > MOST_CONTENT:
        changes |= {"content": completion.content[:MOST_CONTENT], "finish_reason": "length"}
    calls = completion.tool_calls
    if len(calls) > MOST_CALLS_AT_ONCE + 1 or not all(map(_is_bounded, calls)):
        changes["tool_calls"] = tuple(map(_bound_call, calls[: MOST_CALLS_AT_ONCE + 1]))
    if completion.extra and (extra := clean_extra(completion.extra)) != completion.extra:
        changes["extra"] = extra
    if len(completion.flaw_detail) > _MOST_DETAIL:
        changes["flaw_detail"] = completion.flaw_detail[:_MOST_DETAIL]
    for name in ("model", "fingerprint"):
        if len(said := getattr(completion, name)) > _MOST_LABEL:
            changes[name] = said[:_MOST_LABEL]
    usage = completion.usage
    counts = (usage.prompt, usage.completion, usage.cached, usage.reasoning)
    if min(counts) < 0 or max(counts) > MOST_TOKENS:
        changes["usage"] = Usage(**{name: count_tokens(getattr(usage, name)) for name in Usage.model_fields})
    return completion.model_copy(update=changes) if changes else completion


def read_kept_completion(text: bytes) -> Completion:
    """The completion of the JSON that is kept of it, with its flaw, if it has one.

    Raises:
        ValueError: it is none.
    """
    try:
        completion = Completion.model_validate_json(text)
    except ValidationError:
        completion = Completion.model_validate_json(_mend(text))
    return find_flaws(bound_completion(completion))


def _mend(text: bytes) -> bytes:
    """The JSON with counts that are numbers, without halves of surrogate pairs and what a later version has added.

    Raises:
        ValueError: it is none.
    """
    try:
        kept = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(kept, dict):
        raise ValueError("it is no JSON object")
    usage = kept.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    kept = {name: kept[name] for name in Completion.model_fields if name in kept}
    kept["usage"] = {name: count_tokens(counts.get(name)) for name in Usage.model_fields}
    return json.dumps(kept, ensure_ascii=False).encode("utf-8", "replace")


def _is_bounded(call: ToolCall) -> bool:
    return len(call.arguments) <= MOST_ARGUMENTS and len(call.name) <= _MOST_LABEL and len(call.id) <= _MOST_LABEL


def _bound_call(call: ToolCall) -> ToolCall:
    if _is_bounded(call):
        return call
    return ToolCall(id=call.id[:_MOST_LABEL], name=call.name[:_MOST_LABEL], arguments=call.arguments[:MOST_ARGUMENTS])
