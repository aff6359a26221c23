"""Swagger 2.0 documents in the shape of OpenAPI 3.0. References are put in place before; schemas are `upgrade`'s."""

from typing import Any

from tasks.openapi.errors import DocumentError

SHAPE_KEYS = {
    "type", "format", "items", "default", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength",
    "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "enum", "multipleOf",
}  # fmt: skip
"""Keys that stand on a parameter or header in 2.0 and in its schema in 3.0."""

STYLES = {
    "csv": {},
    "multi": {"style": "form", "explode": True},
    "ssv": {"style": "spaceDelimited", "explode": False},
    "pipes": {"style": "pipeDelimited", "explode": False},
}


def convert_swagger(doc: dict[str, Any]) -> dict[str, Any]:
    """A Swagger 2.0 document, free of references, as OpenAPI 3.0.

    Raises:
        DocumentError: for `collectionFormat: tsv`, which OpenAPI 3 cannot say.
    """
    return {
        "openapi": "3.0.3",
        "info": doc.get("info", {}),
        "servers": _make_servers(doc),
        "paths": {path: _convert_item(item, doc) for path, item in doc["paths"].items()},
    }


def _make_servers(doc: dict[str, Any]) -> list[dict[str, Any]]:
    base = doc.get("basePath", "")
    if not doc.get("host"):
        return [{"url": base or "/"}]
    schemes = sorted(doc.get("schemes") or ["https"], key=lambda scheme: str(scheme != "https"))
    return [{"url": f"{scheme}://{doc['host']}{base}"} for scheme in schemes]


def _convert_item(item: dict[str, Any], doc: dict[str, Any]) -> dict[str, Any]:
    """A path item; its own parameters go to its operations, because those in body and form become a request body."""
    shared = item.get("parameters", [])
    return {
        key: _convert_operation(value, shared, doc)
        for key, value in item.items()
        if isinstance(value, dict) and not key.startswith("x-")
    }


def _convert_operation(spec: dict[str, Any], shared: list[dict[str, Any]], doc: dict[str, Any]) -> dict[str, Any]:
    own = spec.get("parameters", [])
    named = {(parameter["name"], parameter["in"]) for parameter in own}
    has_body = any(parameter["in"] in ("body", "formData") for parameter in own)
    inherited = [
        parameter
        for parameter in shared
        if (parameter["name"], parameter["in"]) not in named and not (has_body and parameter["in"] == "body")
    ]
    parameters = [*inherited, *own]
    result = {key: value for key, value in spec.items() if key not in ("consumes", "produces", "schemes")}
    result["parameters"] = [_convert_parameter(item) for item in parameters if item["in"] not in ("body", "formData")]
    consumes = spec.get("consumes") or doc.get("consumes") or []
    if body := _convert_body(parameters, consumes):
        result["requestBody"] = body
    produces = spec.get("produces") or doc.get("produces") or ["application/json"]
    result["responses"] = {
        str(status): _convert_response(item, produces)
        for status, item in spec.get("responses", {}).items()
        if not str(status).startswith("x-")
    }
    return result


def _convert_parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    result = {key: value for key, value in parameter.items() if key not in SHAPE_KEYS | {"collectionFormat"}}
    result["schema"] = _gather_schema(parameter)
    if parameter.get("type") == "array":
        style = _find_style(parameter)
        # csv is form without explode in a query, and simple, the default, elsewhere
        result |= style or ({"explode": False} if parameter["in"] == "query" else {})
    return result


def _find_style(parameter: dict[str, Any]) -> dict[str, Any]:
    collection = parameter.get("collectionFormat", "csv")
    if collection not in STYLES:
        raise DocumentError(f"parameter {parameter['name']!r}: collectionFormat {collection!r} has no OpenAPI 3 form")
    return dict(STYLES[collection])


def _gather_schema(parameter: dict[str, Any]) -> dict[str, Any]:
    schema = {key: value for key, value in parameter.items() if key in SHAPE_KEYS}
    if schema.get("type") == "file":
        schema |= {"type": "string", "format": "binary"}
    if isinstance(schema.get("items"), dict):
        schema["items"] = _gather_schema(schema["items"])
    return schema


def _convert_body(parameters: list[dict[str, Any]], consumes: list[str]) -> dict[str, Any] | None:
    whole = next((parameter for parameter in parameters if parameter["in"] == "body"), None)
    if whole is not None:
        content = {media_type: {"schema": whole.get("schema", {})} for media_type in consumes or ["application/json"]}
        return {
            "description": whole.get("description", ""),
            "required": whole.get("required", False),
            "content": content,
        }
    fields = [parameter for parameter in parameters if parameter["in"] == "formData"]
    if not fields:
        return None
    has_file = any(field.get("type") == "file" for field in fields)
    media_type = "multipart/form-data" if has_file or "multipart/form-data" in consumes else None
    required = [field["name"] for field in fields if field.get("required")]
    schema: dict[str, Any] = {"type": "object", "properties": {}, "required": required}
    for field in fields:
        schema["properties"][field["name"]] = _gather_schema(field)
        if "description" in field:
            schema["properties"][field["name"]]["description"] = field["description"]
    if not required:
        del schema["required"]
    media_type = media_type or "application/x-www-form-urlencoded"
    return {"required": bool(required), "content": {media_type: {"schema": schema}}}


def _convert_response(response: dict[str, Any], produces: list[str]) -> dict[str, Any]:
    result: dict[str, Any] = {"description": response.get("description", "")}
    if "schema" in response:
        schema = response["schema"]
        if schema.get("type") == "file":
            schema = {"type": "string", "format": "binary"}
        result["content"] = {media_type: {"schema": schema} for media_type in produces}
    return result
