"""Small defects of documents that people and models write, mended where only one reading is possible.

Each mend is said in a line, and a document is validated after. What is mended, with where it was met:
a path without its first slash (Fruityvice); paths and components nested into a path item or into the paths by a
misplaced brace (AviationAPI); a path parameter that is not `required` (chucknorris.io) or not declared; a response with
its schema outside `content` (CurrencyBeacon) or without a description; keys at the root that OpenAPI does not have
(Random Useless Facts); an operationId used twice.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any

from tasks.openapi.functions import METHODS

ROOT_KEYS = {
    "openapi", "info", "jsonSchemaDialect", "servers", "paths", "webhooks", "components", "security", "tags",
    "externalDocs",
}  # fmt: skip


def mend_document(doc: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A mended copy of a document, and what was mended, one line each. What is not understood is left as it is."""
    doc = copy.deepcopy(doc)
    mends: list[str] = []
    if not isinstance(doc.get("paths"), dict):
        return doc, mends
    is_three = str(doc.get("openapi", "")).startswith("3")
    _lift_nested_paths(doc, mends)
    if is_three:
        _drop_root_keys(doc, mends)
    taken: set[str] = set()
    for path, method, spec in _iterate_operations(doc):
        where = f"{method.upper()} {path}"
        _declare_path_parameters(doc, path, method, mends)
        name = spec.get("operationId")
        if isinstance(name, str) and name in taken:
            mends.append(f"{where}: operationId {spec.pop('operationId')!r} is used twice; one is made")
        elif isinstance(name, str):
            taken.add(name)
        responses = spec.get("responses")
        for status, response in responses.items() if isinstance(responses, dict) else ():
            if isinstance(response, dict) and "$ref" not in response:
                _mend_response(response, f"{where}, response {status}", is_three, mends)
    _require_path_parameters(doc, "", mends)
    return doc, mends


def _lift_nested_paths(doc: dict[str, Any], mends: list[str]) -> None:
    paths: dict[str, Any] = {}
    for path, item in doc["paths"].items():
        if path == "components" and isinstance(item, dict):
            doc["components"] = {**item, **doc.get("components", {})}
            mends.append("components: stood within paths; moved to the root")
            continue
        if not path.startswith(("/", "x-")):
            mends.append(f"path {path!r}: a slash was put before it")
            path = f"/{path}"
        nested = {key: child for key, child in item.items() if key.startswith("/")} if isinstance(item, dict) else {}
        paths[path] = {key: child for key, child in item.items() if key not in nested} if nested else item
        for key, child in nested.items():
            mends.append(f"path {key!r}: stood within path {path!r}; moved to the paths")
            paths[key] = child
    doc["paths"] = paths


def _drop_root_keys(doc: dict[str, Any], mends: list[str]) -> None:
    for key in [key for key in doc if key not in ROOT_KEYS and not key.startswith("x-")]:
        del doc[key]
        mends.append(f"root key {key!r}: OpenAPI has none of that name; dropped")


def _iterate_operations(doc: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in doc["paths"].items():
        for method in METHODS:
            if isinstance(item, dict) and isinstance(item.get(method), dict):
                yield path, method, item[method]


def _declare_path_parameters(doc: dict[str, Any], path: str, method: str, mends: list[str]) -> None:
    item = doc["paths"][path]
    lists = [item.get("parameters", []), item[method].get("parameters", [])]
    if not all(isinstance(found, list) for found in lists):
        return
    declared = [parameter for found in lists for parameter in found]
    if any(not isinstance(parameter, dict) or "$ref" in parameter for parameter in declared):
        return
    names = [parameter.get("name") for parameter in declared if parameter.get("in") == "path"]
    for name in re.findall(r"\{([^{}]+)\}", path):
        if name not in names:
            shape = {"schema": {"type": "string"}} if "openapi" in doc else {"type": "string"}
            item[method].setdefault("parameters", []).append({"name": name, "in": "path", "required": True, **shape})
            mends.append(f"{method.upper()} {path}: path parameter {name!r} was not declared; taken as text")


def _mend_response(response: dict[str, Any], where: str, is_three: bool, mends: list[str]) -> None:
    if "description" not in response:
        response["description"] = ""
        mends.append(f"{where}: had no description; an empty one stands now")
    if is_three and isinstance(response.get("schema"), dict) and "content" not in response:
        response["content"] = {"application/json": {"schema": response.pop("schema")}}
        mends.append(f"{where}: schema stood outside content; taken as application/json")


def _require_path_parameters(node: Any, where: str, mends: list[str]) -> None:
    if isinstance(node, list):
        for child in node:
            _require_path_parameters(child, where, mends)
    elif isinstance(node, dict):
        if node.get("in") == "path" and isinstance(node.get("name"), str) and node.get("required") is not True:
            node["required"] = True
            mends.append(f"{where.strip('.')}: path parameter {node['name']!r} was not required; it always is")
        for key, child in node.items():
            if isinstance(child, dict | list):
                _require_path_parameters(child, f"{where}.{key}" if where.count(".") < 3 else where, mends)
