"""From a call's arguments to an HTTP request, held against the document first."""

import re
from typing import Any
from urllib.parse import quote

import httpx

from schemas.base import Json, compact_json
from tasks.openapi.errors import CallError
from tasks.openapi.functions import Body, Operation, Parameter, build_function, has_default
from tasks.openapi.schema_checks import find_argument_problems
from tasks.openapi.styles import write_header, write_pairs, write_path, write_text

OPERATION_KEY = "operation"
"""The request's extension that names its operation: paths such as `/cat/{id}` and `/cat/{tag}` do not tell."""

PATH_SAFE = "/:@!$&'()*+,;=~-._%"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
BOUNDARY = "toolherd-7MA4YWxkTrZu0gW"
"""Fixed, so that a request is a function of its arguments."""


def check_arguments(function_parameters_schema: dict[str, Any], arguments: Json) -> list[str]:
    """What is wrong with the arguments, one line each that names the argument; empty if they conform."""
    return [problem.message for problem in find_argument_problems(function_parameters_schema, arguments)]


def build_request(operation: Operation, arguments: dict[str, Any], base_url: str) -> httpx.Request:
    """The request that a call means. Required arguments that are left out take their default; others are not sent.

    Raises:
        CallError: an argument is missing, unknown or does not conform (status 400).
    """
    problems = find_argument_problems(build_function(operation).parameters, arguments)
    if problems:
        raise CallError(problems[0].code, "; ".join(problem.message for problem in problems))
    path, query, headers, cookies = operation.path, [], {"Accept": "application/json"}, []
    try:
        for parameter in operation.parameters:
            if (value := _find_value(parameter, arguments)) is _MISSING:
                continue
            if parameter.place == "path":
                path = path.replace(f"{{{parameter.name}}}", write_path(parameter, value))
            elif parameter.place == "query":
                query += write_pairs(parameter, value)
            elif parameter.place == "cookie":
                cookies += write_pairs(parameter, value)
            elif (text := write_header(parameter, value)) is not None:
                headers[parameter.name] = text
        content = _write_body(operation.body, arguments, headers)
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies)
        url = base_url.rstrip("/") + _quote_path(path)
        if query:
            url += "?" + "&".join(f"{name}={value}" for name, value in query)
        extensions = {OPERATION_KEY: operation.name}
        return httpx.Request(operation.method, url, headers=headers, content=content, extensions=extensions)
    except (ValueError, httpx.InvalidURL) as error:  # half of a surrogate pair, NaN
        raise CallError("invalid_argument", f"an argument cannot be sent: {error}") from error


_MISSING: Any = object()


def _find_value(parameter: Parameter, arguments: dict[str, Any]) -> Any:
    if parameter.argument in arguments:
        return arguments[parameter.argument]
    return parameter.schema.get("default", _MISSING) if parameter.required else _MISSING


def _quote_path(path: str) -> str:
    """A path whose literal parts are escaped; what `write_path` put in is so already."""
    return re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", quote(path, safe=PATH_SAFE))


def _write_body(body: Body | None, arguments: dict[str, Any], headers: dict[str, str]) -> bytes | None:
    """The body's bytes, its type set among the headers; None where none is to be sent."""
    value = _gather_body(body, arguments) if body is not None else _MISSING
    if body is None or value is _MISSING:
        return None
    essence = body.media_type.partition(";")[0].strip().lower()
    headers["Content-Type"] = body.media_type
    if essence == FORM and isinstance(value, dict):
        return "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in _list_fields(value)).encode()
    if essence == MULTIPART and isinstance(value, dict):
        headers["Content-Type"] = f"{MULTIPART}; boundary={BOUNDARY}"
        return _write_parts(_list_fields(value))
    if essence.startswith("text/") and isinstance(value, str):
        headers["Content-Type"] = f"{essence}; charset=utf-8"
        return value.encode()
    if essence == "*/*":
        headers["Content-Type"] = "application/json"
    return compact_json(value).encode()


def _gather_body(body: Body, arguments: dict[str, Any]) -> Any:
    if body.argument is not None:
        fallback = body.schema.get("default", _MISSING) if body.required else _MISSING
        return arguments.get(body.argument, fallback)
    properties = body.schema["properties"]
    value = {name: arguments[name] for name in properties if name in arguments}
    if not value and not body.required:
        return _MISSING
    for name in body.schema.get("required", ()):
        if name in value or name not in properties:
            continue
        if not has_default(properties[name]):
            raise CallError("missing_argument", f"missing required argument `{name}`: the request body needs it")
        value[name] = properties[name]["default"]
    return value


def _list_fields(value: dict[str, Any]) -> list[tuple[str, str]]:
    """A form's fields: a list is its items under one name, an object is JSON (OpenAPI 3.1.1, Encoding Object)."""
    return [
        (name, write_text(item))
        for name, field in value.items()
        for item in (field if isinstance(field, list) else [field])
    ]


def _write_parts(fields: list[tuple[str, str]]) -> bytes:
    """Fields as multipart/form-data (RFC 7578)."""
    parts = []
    for name, text in fields:
        escaped = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        parts.append(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{escaped}"\r\n\r\n{text}\r\n')
    return "".join([*parts, f"--{BOUNDARY}--\r\n"]).encode()
