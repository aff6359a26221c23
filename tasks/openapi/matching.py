"""From an HTTP request back to the operation and its arguments: the inverse of `requests`, for what plays the API."""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote_plus, urlsplit

import httpx

from tasks.openapi.functions import Operation
from tasks.openapi.requests import FORM, MULTIPART, OPERATION_KEY, PATH_SAFE
from tasks.openapi.styles import Pairs, find_types, parse_text, read_header, read_pairs, read_path


def match_request(
    operations: Iterable[Operation], request: httpx.Request, base_url: str = ""
) -> tuple[Operation, dict[str, Any]] | None:
    """The operation that a request is for, and the values in its path; None if it is for none.

    A request of `build_request` says its operation. For others, the operation whose path has the most fixed text wins;
    without a `base_url`, a path may be preceded by anything.
    """
    path = _read_raw_path(request)
    base_path = urlsplit(base_url).path.rstrip("/")
    named = request.extensions.get(OPERATION_KEY)
    best: tuple[Operation, dict[str, Any]] | None = None
    best_rank = -1
    for operation in operations:
        if operation.method != request.method or (named is not None and operation.name != named):
            continue
        pattern, names, rank = _compile_path(operation.path)
        found = pattern.fullmatch(path)
        if found is None or rank <= best_rank or (base_url and found["prefix"] != base_path):
            continue
        best, best_rank = (operation, _read_path_values(operation, names, found)), rank
    return best


def read_arguments(operation: Operation, request: httpx.Request) -> dict[str, Any]:
    """The arguments of a request, typed by the document's schemas; what is not there is left out."""
    pattern, names, _ = _compile_path(operation.path)
    found = pattern.fullmatch(_read_raw_path(request))
    arguments = _read_path_values(operation, names, found) if found is not None else {}
    pairs = {"query": _split_pairs(request.url.query.decode("ascii"), "&")}
    pairs["cookie"] = _split_pairs(request.headers.get("Cookie", ""), ";")
    for parameter in operation.parameters:
        if parameter.place == "header":
            if parameter.name in request.headers:
                arguments[parameter.argument] = read_header(parameter, request.headers[parameter.name])
        elif parameter.place != "path":
            others = {
                item.name for item in operation.parameters if item.place == parameter.place and item is not parameter
            }
            value = read_pairs(parameter, pairs[parameter.place], others)
            if value is not None:
                arguments[parameter.argument] = value
    return arguments | _read_body(operation, request)


def _read_raw_path(request: httpx.Request) -> str:
    """The path as sent, still escaped, so that an escaped slash parts nothing."""
    return request.url.raw_path.partition(b"?")[0].decode("ascii")


@lru_cache(maxsize=1024)
def _compile_path(path: str) -> tuple[re.Pattern[str], tuple[str, ...], int]:
    """A pattern for a path template, the names in it, and how much of it is fixed text."""
    parts = re.split(r"\{([^{}]+)\}", path)
    names = tuple(parts[1::2])
    literals = [quote(part, safe=PATH_SAFE) for part in parts[::2]]
    pattern = r"(?P<prefix>(?:/.*)?)" + re.escape(literals[0])
    pattern += "".join(f"([^/]+?){re.escape(literal)}" for literal in literals[1:])
    return re.compile(pattern), names, sum(map(len, literals))


def _read_path_values(operation: Operation, names: tuple[str, ...], found: re.Match[str]) -> dict[str, Any]:
    declared = {parameter.name: parameter for parameter in operation.parameters if parameter.place == "path"}
    return {
        declared[name].argument: read_path(declared[name], raw)
        for name, raw in zip(names, found.groups()[1:], strict=True)
        if name in declared
    }


def _split_pairs(text: str, delimiter: str) -> Pairs:
    pairs = [item.strip().partition("=") for item in text.split(delimiter) if item.strip()]
    return [(name, value) for name, _, value in pairs]


def _read_body(operation: Operation, request: httpx.Request) -> dict[str, Any]:
    body = operation.body
    essence = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if body is None or not essence:
        return {}
    value: Any
    if essence == FORM:
        pairs = _split_pairs(request.content.decode(), "&")
        value = _read_fields([(unquote_plus(name), unquote_plus(text)) for name, text in pairs], body.schema)
    elif essence == MULTIPART:
        value = _read_fields(_split_parts(request), body.schema)
    elif essence.startswith("text/"):
        value = request.content.decode()
    else:
        value = json.loads(request.content)
    return {body.argument: value} if body.argument is not None else value


def _read_fields(fields: Pairs, schema: dict[str, Any]) -> dict[str, Any]:
    """A form's fields, typed; those whose schema is a list gather their items."""
    properties = schema.get("properties", {})
    result: dict[str, Any] = {}
    for name, text in fields:
        shape = properties.get(name, {})
        if "array" in find_types(shape):
            result.setdefault(name, []).append(parse_text(text, shape.get("items", {})))
        else:
            result[name] = parse_text(text, shape)
    return result


def _split_parts(request: httpx.Request) -> Pairs:
    boundary = request.headers["Content-Type"].partition("boundary=")[2].strip('"')
    pairs = []
    for part in request.content.decode().split(f"--{boundary}")[1:-1]:
        head, _, text = part.partition("\r\n\r\n")
        name = re.search(r'\bname="([^"]*)"', head)
        if name is not None:
            pairs.append((name[1].replace("%22", '"'), text.removesuffix("\r\n")))
    return pairs
