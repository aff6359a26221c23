"""From an OpenAPI document as written to the one form that the rest works on: 3.1, free of references, all named.

`load_document` is the whole way for documents of others: mend, validate, normalise. Nothing here reaches the network.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.openapi.errors import DocumentError, explain_failures
from tasks.openapi.functions import METHODS, list_operations
from tasks.openapi.leaving_out import bound_document, leave_out_overdrawn
from tasks.openapi.mend import mend_document
from tasks.openapi.references import inline_references
from tasks.openapi.schema_checks import compile_operation
from tasks.openapi.swagger2 import convert_swagger
from tasks.openapi.upgrade import upgrade_schema
from tasks.openapi.validate import find_spec_problems

NAME_LIMIT = 64

KEPT_KEYS = ("operationId", "summary", "description", "tags", "deprecated")

NO_SERVER = "https://api.invalid"
"""Stands for the host where a document names none; `.invalid` is never resolved (RFC 2606)."""


LONGEST_URL = 2_000


@dataclass(frozen=True)
class LoadedDocument:
    """A normalised document, and what had to be mended in the original, one line each.

    `left_out` holds a line for each operation that asks for more than `limits` allows.
    """

    document: dict[str, Any]
    mends: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@explain_failures()
def load_document(doc: Mapping[str, Any]) -> LoadedDocument:
    """A document of any supported version, mended where that is mechanical, validated and normalised.

    An operation that asks for more than `limits` allows is left out.

    Raises:
        DocumentError: the document is invalid or too large, or refers in a loop or to elsewhere; the problem holds the
            reasons, joined by "; ".
    """
    if not isinstance(doc, Mapping):
        raise DocumentError("the document is no object")
    bounded, left_out = bound_document(dict(doc))
    mended, mends = mend_document(bounded)
    if problems := find_spec_problems(mended):
        raise DocumentError("; ".join(problems))
    document = normalise_document(mended)
    left_out += leave_out_overdrawn(document)
    for operation in list_operations(document):
        compile_operation(operation)
    return LoadedDocument(document, tuple(mends), tuple(left_out))


@explain_failures()
def normalise_document(doc: Mapping[str, Any]) -> dict[str, Any]:
    """A valid document as OpenAPI 3.1 without references: shared parameters merged, every operation named uniquely.

    Names match `^[a-zA-Z0-9_-]{1,64}$`. Normalising a normalised document changes nothing.

    Raises:
        DocumentError: not OpenAPI, no operation, a reference loop, a missing or remote reference.
    """
    source = dict(doc)
    version = str(source.get("openapi") or source.get("swagger") or "")
    if not version.startswith(("2.0", "3.0", "3.1")):
        raise DocumentError(f"not an OpenAPI document of version 2.0, 3.0 or 3.1 (it says {version or 'none'!r})")
    paths = source.get("paths")
    if not isinstance(paths, dict) or not all(isinstance(item, dict) for item in paths.values()):
        raise DocumentError("the document has no `paths` object of path items")
    source["paths"] = inline_references(source, {path: item for path, item in paths.items() if path.startswith("/")})
    if version.startswith("2.0"):
        source = convert_swagger(source)
    result: dict[str, Any] = {"openapi": "3.1.0", "info": _make_info(source.get("info"))}
    result["servers"] = source.get("servers") or [{"url": NO_SERVER}]
    result["paths"] = {path: _normalise_item(item) for path, item in source["paths"].items()}
    name_operations(result)
    return result


def find_base_url(doc: Mapping[str, Any]) -> str:
    """The document's first server, variables at their defaults, without a slash at the end."""
    server: dict[str, Any] = next(iter(doc.get("servers") or []), {})
    url = str(server.get("url", ""))
    for name, variable in (server.get("variables") or {}).items():
        place, value = f"{{{name}}}", str(variable.get("default", ""))
        if len(url) + url.count(place) * len(value) > LONGEST_URL:  # variables may hold variables, each many times
            return NO_SERVER
        url = url.replace(place, value)
    if not re.match("https?://[^/]", url):
        url = f"{NO_SERVER}/{url.lstrip('/')}"
    return url.partition("?")[0].partition("#")[0].rstrip("/")


def name_operations(doc: dict[str, Any]) -> None:
    """Give each operation an `operationId` that can be a tool's name and that no other has.

    One without is named by path and method, `/jokes/random/{category}` and GET as `jokes_random_category_get`
    (ToolAlpaca's names for the same operations, so that its test sets' answers fit).
    """
    taken: set[str] = set()
    operations = [(path, method, item[method]) for path, item in doc["paths"].items() for method in item]
    if not operations:
        raise DocumentError("the document has no operation")
    for path, method, spec in operations:
        name = spec.get("operationId") or "_".join([*re.findall(r"[A-Za-z0-9_.-]+", path), method])
        base = re.sub(r"[^a-zA-Z0-9_-]+", "_", name).strip("_")[:NAME_LIMIT] or method
        name, count = base, 1
        while name in taken:
            count += 1
            name = f"{base[: NAME_LIMIT - len(str(count))]}{count}"
        taken.add(name)
        spec["operationId"] = name


def _make_info(info: Any) -> dict[str, Any]:
    info = info if isinstance(info, dict) else {}
    kept = {key: info[key] for key in ("title", "description", "version") if isinstance(info.get(key), str)}
    return {"title": "API", "version": "1", **kept}


def _normalise_item(item: dict[str, Any]) -> dict[str, Any]:
    shared = item.get("parameters", [])
    return {method: _normalise_operation(item[method], shared) for method in METHODS if method in item}


def _normalise_operation(spec: dict[str, Any], shared: list[dict[str, Any]]) -> dict[str, Any]:
    own = spec.get("parameters", [])
    named = {(parameter["name"], parameter["in"]) for parameter in own}
    merged = [*(item for item in shared if (item["name"], item["in"]) not in named), *own]
    result: dict[str, Any] = {key: spec[key] for key in KEPT_KEYS if key in spec}
    result["parameters"] = [_normalise_parameter(parameter) for parameter in merged]
    if "requestBody" in spec:
        result["requestBody"] = _normalise_content(spec["requestBody"], ("description", "required"))
    result["responses"] = {
        str(status): {"description": "", **_normalise_content(response, ("description",))}
        for status, response in spec.get("responses", {}).items()
        if not str(status).startswith("x-")
    }
    return result


def _normalise_parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    kept = ("name", "in", "required", "description", "style", "explode", "allowReserved", "deprecated")
    result = {key: parameter[key] for key in kept if key in parameter}
    if "content" in parameter:
        return {**result, **_normalise_content(parameter, ())}
    schema = upgrade_schema(parameter.get("schema", {}))
    examples = list_parameter_examples(parameter)
    if examples and isinstance(schema, dict) and "examples" not in schema:
        schema = {**schema, "examples": examples}
    return {**result, "schema": schema if isinstance(schema, dict) else {}}


def _normalise_content(spec: dict[str, Any], kept: tuple[str, ...]) -> dict[str, Any]:
    result: dict[str, Any] = {key: spec[key] for key in kept if key in spec}
    if spec.get("content"):
        result["content"] = {media: _normalise_media(item) for media, item in spec["content"].items()}
    return result


def _normalise_media(item: dict[str, Any]) -> dict[str, Any]:
    """A media type's schema; `true`, the schema of anything, becomes the empty one."""
    if "schema" not in item:
        return {}
    schema = upgrade_schema(item["schema"])
    return {"schema": schema if isinstance(schema, dict) else {}}


def list_parameter_examples(spec: Mapping[str, Any]) -> list[Any]:
    """The values of a parameter's `example` or `examples`."""
    if "example" in spec:
        return [spec["example"]]
    examples = spec.get("examples") or {}
    if isinstance(examples, list):
        return examples
    return [item["value"] for item in examples.values() if isinstance(item, dict) and "value" in item]
