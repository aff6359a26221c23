"""The executor: turns a call into an HTTP request, has a transport answer it, and reports what came back."""

import json
from collections.abc import Mapping

import httpx

from schemas.base import Json
from schemas.episodes import Observation, ToolCall
from schemas.foreign_json import read_foreign_json
from tasks.executors.simulated import FAULT, Fault
from tasks.openapi import CallError, Operation, build_request, check_response

_BASE_URL = "https://api.example.com"
"""Where requests are addressed; the transport answers whatever the host is."""


async def execute_call(
    call: ToolCall, operations: Mapping[str, Operation], transport: httpx.AsyncBaseTransport
) -> Observation:
    """What the API says to a call. A call that is no good gets a 4xx here and is never sent.

    Raises:
        TeacherError: a model plays the API, and cannot be asked.
    """
    operation = operations.get(call.name)
    if operation is None:
        return _refuse(call, 404, "unknown_function", f"there is no function {call.name!r}")
    try:
        arguments = read_foreign_json(call.arguments)
    except ValueError as error:
        return _refuse(call, 400, "invalid_json", f"the arguments are not JSON: {error}")
    if not isinstance(arguments, dict):
        return _refuse(call, 400, "invalid_json", "the arguments are not a JSON object")
    try:
        request = build_request(operation, arguments, _BASE_URL)
    except CallError as error:
        return _refuse(call, error.status, "invalid_arguments", str(error))
    response = await transport.handle_async_request(request)
    body = _decode(await response.aread())
    fault: Fault | None = response.extensions.get(FAULT)
    reason, problem = fault or (None, check_response(operation, response.status_code, body))
    return Observation(
        tool_call_id=call.id, function=call.name, status=response.status_code, body=body, valid=not problem,
        problem=problem, reason=reason,
    )  # fmt: skip


def _refuse(call: ToolCall, status: int, code: str, message: str) -> Observation:
    body: Json = {"error": {"code": code, "message": message}}
    return Observation(tool_call_id=call.id, function=call.name, status=status, body=body)


def _decode(content: bytes) -> Json:
    if not content:
        return None
    try:
        value: Json = json.loads(content)
    except ValueError:
        return content.decode(errors="replace")
    return value
