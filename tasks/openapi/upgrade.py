"""Schemas of Swagger 2.0 and OpenAPI 3.0 in JSON Schema 2020-12, which OpenAPI 3.1 uses."""

from typing import Any

DROPPED = {"xml", "externalDocs", "discriminator", "$schema", "$id", "$comment", "example", "nullable", "x-nullable"}
"""Keywords without a meaning for a call; `example` and `nullable` live on in 2020-12's own words."""

SCHEMA_MAPS = ("properties", "patternProperties", "dependentSchemas")
SCHEMA_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
SCHEMAS = ("items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else")


def upgrade_schema(schema: Any) -> Any:
    """A schema in 2020-12; one that is so already stays as it is, but for `example` and parts joined by `allOf`.

    Source: "Migrating from OpenAPI 3.0 to 3.1.0", openapis.org, 2021.
    """
    if not isinstance(schema, dict):
        return schema
    result = {key: value for key, value in schema.items() if key not in DROPPED and not key.startswith("x-")}
    for key in SCHEMA_MAPS:
        if isinstance(result.get(key), dict):
            result[key] = {name: upgrade_schema(child) for name, child in result[key].items()}
    for key in SCHEMA_LISTS:
        if isinstance(result.get(key), list):
            result[key] = [upgrade_schema(child) for child in result[key]]
    for key in SCHEMAS:
        if key in result:
            result[key] = upgrade_schema(result[key])
    _upgrade_bound(result, "exclusiveMinimum", "minimum")
    _upgrade_bound(result, "exclusiveMaximum", "maximum")
    if "example" in schema and "examples" not in result:
        result["examples"] = [schema["example"]]
    result = merge_all_of(result)
    return _allow_null(result) if schema.get("nullable") is True or schema.get("x-nullable") is True else result


def _upgrade_bound(schema: dict[str, Any], exclusive: str, bound: str) -> None:
    """2.0 and 3.0 say with a boolean that a bound is exclusive; 3.1 has the bound itself there."""
    if isinstance(schema.get(exclusive), bool):
        is_exclusive = schema.pop(exclusive)
        if is_exclusive and bound in schema:
            schema[exclusive] = schema.pop(bound)


def _allow_null(schema: dict[str, Any]) -> dict[str, Any]:
    types = schema.get("type")
    if types is None:
        note: dict[str, Any] = {key: schema.pop(key) for key in ("description", "default") if key in schema}
        return {**note, "anyOf": [schema, {"type": "null"}]} if schema else note
    names = types if isinstance(types, list) else [types]
    result = {**schema, "type": [*names, "null"] if "null" not in names else names}
    if "enum" in schema and None not in schema["enum"]:
        result["enum"] = [*schema["enum"], None]
    return result


def merge_all_of(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema whose `allOf` parts say different things, as one schema; unchanged where two parts say the same twice.

    An object put together from parts becomes a plain object, so that its fields can be arguments.
    """
    if not isinstance(schema.get("allOf"), list) or not all(isinstance(part, dict) for part in schema["allOf"]):
        return schema
    own = {key: value for key, value in schema.items() if key != "allOf"}
    merged: dict[str, Any] = {}
    for part in [*schema["allOf"], own]:
        for key, value in part.items():
            if key == "properties" and key in merged:
                if any(merged[key].get(name, child) != child for name, child in value.items()):
                    return schema
                merged[key] = {**merged[key], **value}
            elif key == "required" and key in merged:
                merged[key] = list(dict.fromkeys([*merged[key], *value]))
            elif key in ("title", "description", "default", "examples") or merged.get(key, value) == value:
                merged[key] = value
            else:
                return schema
    return merged
