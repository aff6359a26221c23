"""From an HTTP request back to the operation and its arguments: the inverse of `requests`, for what plays the API."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
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
        template = _read_template(operation.path)
        if template.rank <= best_rank:
            continue
        found = template.match(path)
        if found is None or (base_url and found.prefix != base_path):
            continue
        best, best_rank = (operation, _read_path_values(operation, template, found)), template.rank
    return best


def read_arguments(operation: Operation, request: httpx.Request) -> dict[str, Any]:
    """The arguments of a request, typed by the document's schemas; what is not there is left out."""
    template = _read_template(operation.path)
    found = template.match(_read_raw_path(request))
    arguments = _read_path_values(operation, template, found) if found is not None else {}
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


class _Found(NamedTuple):
    prefix: str
    values: list[str]


@dataclass(frozen=True)
class _Template:
    """A path template: the fixed texts of each segment, between which its values stand, and their names in order.

    Any segments may stand before it.

    `rank` is how much of it is fixed text.
    """

    segments: tuple[tuple[str, ...], ...]
    names: tuple[str, ...]
    rank: int

    def match(self, path: str) -> _Found | None:
        """What stands before, and the values, each as short as can be; in a time that grows with the path alone.

        A regular expression would try all ways to part a segment that holds several values.
        """
        parts = path.split("/")
        start = len(parts) - len(self.segments)
        if start < 1 or parts[0]:
            return None
        values: list[str] = []
        for fixed, part in zip(self.segments, parts[start:], strict=True):
            if not _match_segment(fixed, part, values):
                return None
        return _Found("/".join(parts[:start]), values)


def _match_segment(fixed: tuple[str, ...], part: str, values: list[str]) -> bool:
    first, *rest = fixed
    if not rest:
        return part == first
    last = rest.pop()
    end = len(part) - len(last)
    if not part.startswith(first) or not part.endswith(last):
        return False
    position = len(first)
    for text in rest:
        spot = part.find(text, position + 1, end)
        if spot < 0:
            return False
        values.append(part[position:spot])
        position = spot + len(text)
    values.append(part[position:end])
    return position < end


@lru_cache(maxsize=1024)
def _read_template(path: str) -> _Template:
    parts = re.split(r"\{([^{}]+)\}", path)
    segments: list[list[str]] = [[""]]
    for number, literal in enumerate(parts[::2]):
        first, *others = quote(literal, safe=PATH_SAFE).split("/")
        if number:
            segments[-1].append(first)
        else:
            segments[-1][0] = first
        segments += [[other] for other in others]
    rank = sum(len(quote(literal, safe=PATH_SAFE)) for literal in parts[::2])
    return _Template(tuple(map(tuple, segments[1:])), tuple(parts[1::2]), rank)


def _read_path_values(operation: Operation, template: _Template, found: _Found) -> dict[str, Any]:
    declared = {parameter.name: parameter for parameter in operation.parameters if parameter.place == "path"}
    return {
        declared[name].argument: read_path(declared[name], raw)
        for name, raw in zip(template.names, found.values, strict=True)
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
