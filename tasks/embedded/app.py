"""The embedded teacher as an ASGI app with the chat completions interface: `/v1/chat/completions` and `/v1/models`."""

import hashlib
import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from schemas.base import canonical_json
from tasks.embedded.erring import GrammarAnswer
from tasks.embedded.roles import UnknownRequestError, answer_request

CHAT_PATH = "/v1/chat/completions"
MODEL = "offline"
FINGERPRINT = "offline-1"
_CHARACTERS_PER_TOKEN = 4  # a rule of thumb for English; the grammar has no tokenizer to count with
_CREATED = 1767225600  # 2026-01-01; a clock would make equal answers differ


def create_app(error_rate: float = 0.0) -> Starlette:
    """The app; it errs in a share `error_rate` of its answers."""
    return Starlette(routes=list_routes(error_rate))


def list_routes(error_rate: float) -> list[Route]:
    """What the app answers."""

    async def complete(request: Request) -> Response:
        status, body = answer_chat(await request.body(), error_rate)
        return Response(body, status, media_type="application/json")

    async def list_models(request: Request) -> Response:
        model = {"id": MODEL, "object": "model", "created": _CREATED, "owned_by": "toolherd"}
        return JSONResponse({"object": "list", "data": [model]})

    return [Route(CHAT_PATH, complete, methods=["POST"]), Route("/v1/models", list_models)]


def answer_chat(raw: bytes, error_rate: float = 0.0) -> tuple[int, bytes]:
    """HTTP status and JSON body of the response to a chat completion request with the body `raw`.

    Asked to stream, it answers in one piece all the same, as some servers do.
    """
    try:
        body = json.loads(raw)
        messages = body["messages"]
        if not isinstance(messages, list) or not messages:
            raise TypeError
    except (ValueError, KeyError, TypeError):
        return 400, make_error("the body must be a JSON object with a non-empty list of messages")
    if body.get("model") != MODEL:
        message = f"the model {body.get('model')!r} does not exist; this server has {MODEL!r}"
        return 404, make_error(message, "model_not_found")
    try:
        answer = answer_request(body, error_rate)
    except UnknownRequestError as error:
        return 400, make_error(str(error))
    return 200, json.dumps(_make_completion(body, answer), ensure_ascii=False).encode()


def make_error(message: str, code: str = "invalid_request", kind: str = "invalid_request_error") -> bytes:
    """The body of an error response in OpenAI's form."""
    error = {"message": message, "type": kind, "param": None, "code": code}
    return json.dumps({"error": error}, ensure_ascii=False).encode()


def _make_completion(body: dict[str, Any], answer: GrammarAnswer) -> dict[str, Any]:
    asked = [body.get(name) for name in ("model", "messages", "tools", "response_format", "seed")]
    key = hashlib.sha256(canonical_json([asked, answer.content, answer.calls]).encode()).hexdigest()
    calls = [
        {"id": f"call_{key[:10]}{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for number, (name, arguments) in enumerate(answer.calls)
    ]
    message: dict[str, Any] = {"role": "assistant", "content": answer.content}
    if calls:
        message["tool_calls"] = calls
    prompt = _count_tokens(canonical_json([body["messages"], body.get("tools")]))
    completion = _count_tokens(answer.content + "".join(name + arguments for name, arguments in answer.calls))
    return {
        "id": f"chatcmpl-{key[:24]}",
        "object": "chat.completion",
        "created": _CREATED,
        "model": MODEL,
        "system_fingerprint": f"{FINGERPRINT}+{answer.error}" if answer.error else FINGERPRINT,
        "choices": [
            {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop", "logprobs": None}
        ],
        "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion},
    }


def _count_tokens(text: str) -> int:
    return -(-len(text) // _CHARACTERS_PER_TOKEN)
