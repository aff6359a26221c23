"""What the user's settings add to a request's body, whatever form the endpoint takes it in."""

from collections.abc import Collection
from typing import Any

from schemas.base import content_hash
from schemas.calls import ChatRequest
from schemas.teacher import TeacherSettings

_EPHEMERAL = {"type": "ephemeral"}


def finish_body(
    body: dict[str, Any],
    request: ChatRequest,
    settings: TeacherSettings,
    left_out: Collection[str] = (),
    *,
    streams: bool = False,
) -> dict[str, Any]:
    """The body with further sampling, a hint on what may be cached, and the user's own fields, which go last.

    `left_out` are parameters that the endpoint does not take. With `streams` the answer may be streamed: it is, where
    it may be long, and that is where no functions come with the request, for many servers are at odds with themselves
    where calls are streamed. A field that the user sets to null is taken out.
    """
    more: dict[str, Any] = {"top_p": request.top_p, "reasoning_effort": request.reasoning_effort}
    if settings.caching == "prompt_cache_key":
        more["prompt_cache_key"] = content_hash([request.messages[:1], request.tools])
    is_wanted = settings.stream == "always" or (settings.stream == "auto" and not request.tools)
    if streams and is_wanted and not settings.is_embedded:
        more |= {"stream": True, "stream_options": {"include_usage": True}}
    more = {name: value for name, value in more.items() if value is not None and name not in left_out}
    if settings.caching == "cache_control" and "cache_control" not in left_out:
        body = {**body, "messages": _mark_prefix(list(body["messages"]))}
    own = request.extra_body or {}
    merged = {**body, **more, **own}
    taken_out = {name for name, value in own.items() if value is None}
    if not merged.get("stream"):
        taken_out.add("stream_options")
    return {name: value for name, value in merged.items() if name not in taken_out}


def _mark_prefix(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages with the first one as the end of what may be cached: all of an API's episodes begin with it."""
    first = messages[0] if messages else {}
    if not isinstance(first.get("content"), str):
        return messages
    part = {"type": "text", "text": first["content"], "cache_control": _EPHEMERAL}
    return [{**first, "content": [part]}, *messages[1:]]
