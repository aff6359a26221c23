"""The specification writer: turns documentation into an OpenAPI 3.1 document, from the documentation alone."""

import re
from typing import Any

from schemas.base import Json
from tasks.embedded.tool_roles import Tool, read_tools
from tasks.embedded.writer.inventing import as_tool
from tasks.embedded.writer.knowledge import FORMATS
from tasks.values import infer_value_kind, join_camel, join_snake, pluralize, split_name

_RANGE = re.compile(r"\((-?[\d.]+) to (-?[\d.]+)\)")
_SHAPES = (
    (re.compile(r"\d{4}-\d\d-\d\d"), "date"),
    (re.compile(r"\d{4}-\d\d-\d\dT.*"), "date-time"),
    (re.compile(r"[^@\s]+@[^@\s]+\.\w+"), "email"),
    (re.compile(r"https?://\S+"), "uri"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "uuid"),
)
_POSTED = ("create", "update")


def compose_document(entry: dict[str, Any], documentation: dict[str, Any]) -> dict[str, Json]:
    """The OpenAPI document of the API that `documentation` tells of."""
    functions = documentation["functions"]
    tools = read_tools([as_tool(function) for function in functions])
    paths: dict[str, Any] = {}
    for function, tool in zip(functions, tools, strict=True):
        method, path = _choose_path(tool, tools)
        while method in paths.get(path, {}):
            path = f"{path}/{'-'.join(split_name(tool.name))}"
        paths.setdefault(path, {})[method] = _compose_operation(function, tool, method, path)
    slug = re.sub(r"[^a-z0-9]+", "-", str(entry.get("name", "")).lower()).strip("-") or "api"
    return {
        "openapi": "3.1.0",
        "info": {
            "title": entry.get("name") or "API",
            "version": "1.0.0",
            "description": documentation["introduction"],
        },
        "servers": [{"url": f"https://{slug[:60].strip('-')}.example.com/v1"}],
        "paths": paths,
    }


def _choose_path(tool: Tool, tools: tuple[Tool, ...]) -> tuple[str, str]:
    base = "/" + _dash(tool.things or tool.name)
    one = f"{base}/{{{tool.reference.name}}}" if tool.reference else base
    listed = any(other.archetype == "list" and other.things == tool.things for other in tools)
    if tool.archetype == "search":
        return "get", f"{base}/search" if listed else base
    if tool.archetype in ("random", "count", "top", "latest"):
        return "get", f"{base}/{tool.archetype}"
    if tool.archetype == "related":
        assert tool.reference is not None
        return "get", f"/{_dash(pluralize(tool.reference.noun))}/{{{tool.reference.name}}}{base}"
    methods = {"get": "get", "update": "patch", "delete": "delete"}
    if tool.archetype in methods:
        return methods[tool.archetype], one
    return ("post" if tool.archetype == "create" else "get"), base


def _dash(words: str) -> str:
    return "-".join(split_name(words)) or "items"


def _compose_operation(function: dict[str, Any], tool: Tool, method: str, path: str) -> dict[str, Json]:
    inputs = function.get("inputs", ())
    in_path = [field for field in inputs if f"{{{field['name']}}}" in path]
    rest = [field for field in inputs if field not in in_path]
    parameters = [_compose_parameter(field, "path") for field in in_path]
    operation: dict[str, Json] = {"operationId": function["name"], "summary": function["description"]}
    if tool.archetype not in _POSTED:
        parameters += [_compose_parameter(field, "query") for field in rest]
    if parameters:
        operation["parameters"] = parameters
    if tool.archetype in _POSTED and rest:
        schema = _compose_object(rest, [field["name"] for field in rest if field.get("required", True)])
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    status = "201" if method == "post" else "200"
    operation["responses"] = {
        status: {
            "description": function["description"],
            "content": {"application/json": {"schema": _compose_response(function, tool)}},
        }
    }
    return operation


def _compose_parameter(field: dict[str, Any], place: str) -> dict[str, Json]:
    schema = _compose_schema(field)
    description = schema.pop("description")
    required = place == "path" or field.get("required", True)
    return {"name": field["name"], "in": place, "required": required, "description": description, "schema": schema}


def _compose_response(function: dict[str, Any], tool: Tool) -> dict[str, Json]:
    outputs = function.get("outputs", ())
    names = [field["name"] for field in outputs]
    item = _compose_object(outputs, names)
    if not function.get("returns_list"):
        return item
    things = tool.things or "results"
    key = join_snake(things) if any("_" in name for name in names) else join_camel(things)
    listed = {"type": "array", "description": f"The {things} found", "maxItems": 100, "items": item}
    total = {"type": "integer", "description": "How many there are", "minimum": 0, "maximum": 100000}
    return {"type": "object", "properties": {key: listed, "total": total}, "required": [key, "total"]}


def _compose_object(fields: Any, required: list[str]) -> dict[str, Json]:
    return {
        "type": "object",
        "properties": {field["name"]: _compose_schema(field) for field in fields},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _compose_schema(field: dict[str, Any]) -> dict[str, Json]:
    schema: dict[str, Json] = {"type": field["type"], "description": field["description"]}
    if field.get("enum"):
        return {**schema, "enum": list(field["enum"])}
    examples = list(field.get("examples") or ())
    if field["type"] in ("integer", "number"):
        match = _RANGE.search(field["description"])
        low, high = (match.group(1), match.group(2)) if match else ("0", "1000000")
        to_number = int if field["type"] == "integer" else float
        schema |= {"minimum": to_number(float(low)), "maximum": to_number(float(high))}
    elif field["type"] == "string":
        schema |= _compose_string(field["name"], examples)
        if "format" in schema and schema["format"] in ("date", "date-time"):
            examples = []
    elif field["type"] == "array":
        schema |= {"items": {"type": "string", "maxLength": 200}, "maxItems": 20}
    return {**schema, **({"examples": examples} if examples else {})}


def _compose_string(name: str, examples: list[Json]) -> dict[str, Json]:
    for pattern, form in _SHAPES:
        if examples and all(isinstance(value, str) and pattern.fullmatch(value) for value in examples):
            return {"format": form, "maxLength": 300}
    form = FORMATS.get(infer_value_kind(name, {"type": "string"}) or "", "")
    return {"format": form, "maxLength": 300} if form and not examples else {"maxLength": 300}
