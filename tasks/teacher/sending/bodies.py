"""What the user's settings add to a request's body, whatever form the endpoint takes it in."""

from collections.abc import Collection
from typing import Any

from schemas.base import content_hash
from schemas.calls import ChatRequest
from schemas.teacher import TeacherSettings

_EPHEMERAL = {"type": "ephemeral"}


def finish_body(
    body: dict[str, Any], request: ChatRequest, settings: TeacherSettings, left_out: Collection[str] = ()
) -> dict[str, Any]:
    """The body with further sampling, a hint on what may be cached, and the user's own fields, which go last.

    `left_out` are parameters that the endpoint does not take. A field that the user sets to null is taken out.
    """
    more: dict[str, Any] = {"top_p": request.top_p, "reasoning_effort": request.reasoning_effort}
    if settings.caching == "prompt_cache_key":
        more["prompt_cache_key"] = content_hash([request.messages[:1], request.tools])
    more = {name: value for name, value in more.items() if value is not None and name not in left_out}
    if settings.caching == "cache_control":
        body = {**body, "messages": _mark_prefix(list(body["messages"]))}
    merged = {**body, **more, **(request.extra_body or {})}
    return {
        name: value for name, value in merged.items() if value is not None or name not in (request.extra_body or ())
    }


def _mark_prefix(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages with the first one as the end of what may be cached: all of an API's episodes begin with it."""
    first = messages[0] if messages else {}
    if not isinstance(first.get("content"), str):
        return messages
    part = {"type": "text", "text": first["content"], "cache_control": _EPHEMERAL}
    return [{**first, "content": [part]}, *messages[1:]]
