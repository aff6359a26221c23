"""JSON schemas without the keywords that an endpoint does not take: what is left allows no less than before, and as a
rule the same. Answers and calls are checked against the full schema all the same.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

LISTS_OF_TYPES = "lists of types"
NO_PROPERTIES = "objects without properties"
EMPTY_OBJECTS = "functions without parameters"
OTHER_ENUMS = "enums that are not of strings"
SPECIAL = frozenset({LISTS_OF_TYPES, NO_PROPERTIES, EMPTY_OBJECTS, OTHER_ENUMS})
"""What may be refused of a schema and is no keyword."""

KEYWORDS = frozenset({
    "$schema", "$id", "$comment", "$ref", "$defs", "definitions", "additionalProperties", "allOf", "anyOf", "const",
    "contains", "contentEncoding", "contentMediaType", "default", "dependentRequired", "dependentSchemas", "deprecated",
    "else", "enum", "example", "examples", "exclusiveMaximum", "exclusiveMinimum", "format", "if", "maxContains",
    "maxItems", "maxLength", "maxProperties", "maximum", "minContains", "minItems", "minLength", "minProperties",
    "minimum", "multipleOf", "not", "nullable", "oneOf", "pattern", "patternProperties", "prefixItems", "propertyNames",
    "readOnly", "then", "title", "unevaluatedItems", "unevaluatedProperties", "uniqueItems", "writeOnly",
})  # fmt: skip
"""What can be left out. `type`, `properties`, `required`, `items` and `description` cannot: nothing would be left."""

_SCHEMAS = ("items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else")
_SCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SCHEMA_MAPS = ("properties", "$defs", "definitions", "patternProperties", "dependentSchemas")
_BOUNDS = {"exclusiveMinimum": ("minimum", 1), "exclusiveMaximum": ("maximum", -1)}


def list_parts(schemas: Iterable[Any]) -> frozenset[str]:
    """What these schemas hold of `KEYWORDS` and `SPECIAL`; a property that is called like a keyword is none."""
    return frozenset(part for schema in schemas for part in _list_parts(schema, is_root=True))


def list_tool_parts(tools: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """What the schemas of functions hold of `KEYWORDS` and `SPECIAL`; those of one API are gone through once."""
    return _list_tool_parts(json.dumps([tool["function"].get("parameters") for tool in tools]))


@lru_cache(maxsize=256)
def _list_tool_parts(schemas: str) -> frozenset[str]:
    return list_parts(json.loads(schemas))


def drop_parts(schema: dict[str, Any], parts: frozenset[str]) -> dict[str, Any]:
    """The schema without these parts."""
    if not parts:
        return schema
    if parts & {"$ref", "$defs", "definitions"}:
        definitions = {**schema.get("definitions", {}), **schema.get("$defs", {})}
        schema = _inline({key: value for key, value in schema.items() if key not in ("$defs", "definitions")},
                         definitions, ())  # fmt: skip
    rewritten: dict[str, Any] = _rewrite(schema, parts)
    return rewritten


def _list_parts(schema: Any, is_root: bool = False) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    yield from KEYWORDS & schema.keys()
    if isinstance(schema.get("type"), list):
        yield LISTS_OF_TYPES
    if schema.get("type") == "object" and "properties" not in schema:
        yield NO_PROPERTIES
    if is_root and schema.get("type") == "object" and not schema.get("properties"):
        yield EMPTY_OBJECTS
    if isinstance(values := schema.get("enum"), list) and not all(isinstance(value, str) for value in values):
        yield OTHER_ENUMS
    for child in _list_children(schema):
        yield from _list_parts(child)


def _list_children(schema: Mapping[str, Any]) -> Iterator[Any]:
    for key in _SCHEMAS:
        if key in schema:
            yield schema[key]
    for key in _SCHEMA_LISTS:
        if isinstance(children := schema.get(key), list):
            yield from children
    for key in _SCHEMA_MAPS:
        if isinstance(children := schema.get(key), dict):
            yield from children.values()


def _map_children(schema: Mapping[str, Any], change: Any) -> dict[str, Any]:
    """The schema with each schema in it changed."""
    changed = dict(schema)
    for key in _SCHEMAS:
        if key in schema:
            changed[key] = change(schema[key])
    for key in _SCHEMA_LISTS:
        if isinstance(schema.get(key), list):
            changed[key] = [change(child) for child in schema[key]]
    for key in _SCHEMA_MAPS:
        if isinstance(schema.get(key), dict):
            changed[key] = {name: change(child) for name, child in schema[key].items()}
    return changed


def _inline(schema: Any, definitions: Mapping[str, Any], trail: tuple[str, ...]) -> Any:
    """The schema with what its references name in their place; what holds itself ends in anything."""
    if not isinstance(schema, dict):
        return schema
    if isinstance(reference := schema.get("$ref"), str):
        name = reference.rpartition("/")[2]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        if name in trail or name not in definitions:
            return beside
        found = _inline(definitions[name], definitions, (*trail, name))
        return {**found, **beside} if isinstance(found, dict) else found
    return _map_children(schema, lambda child: _inline(child, definitions, trail))


def _rewrite(schema: Any, parts: frozenset[str]) -> Any:
    if not isinstance(schema, dict):
        return schema
    schema = _merge_parts(schema, parts)
    kept = {key: value for key, value in schema.items() if key not in parts or key == "anyOf"}
    if "const" in schema and "const" in parts:
        _allow_only(kept, schema["const"], parts)
    if "examples" in parts:
        _tell_examples(kept, schema.get("examples"))
    if "oneOf" in schema and "oneOf" in parts and "anyOf" not in schema:
        kept["anyOf"] = schema["oneOf"]
    if "prefixItems" in schema and "prefixItems" in parts and "items" not in schema and schema["prefixItems"]:
        kept["items"] = schema["prefixItems"][0]
    for key, (inclusive, step) in _BOUNDS.items():
        is_whole = schema.get("type") == "integer" and isinstance(schema.get(key), int)
        if key in parts and is_whole and inclusive not in schema and inclusive not in parts:
            kept[inclusive] = schema[key] + step
    if LISTS_OF_TYPES in parts and isinstance(types := schema.get("type"), list):
        kept["type"] = next((name for name in types if name != "null"), "null")
    if NO_PROPERTIES in parts and schema.get("type") == "object":
        kept.setdefault("properties", {})
    if OTHER_ENUMS in parts and not all(isinstance(value, str) for value in kept.get("enum", ())):
        del kept["enum"]
    if "anyOf" in kept and "anyOf" in parts:
        return _rewrite(_take_first(kept), parts)  # the first one has parts of its own
    return _map_children(kept, lambda child: _rewrite(child, parts))


def _merge_parts(schema: dict[str, Any], parts: frozenset[str]) -> dict[str, Any]:
    """The schema with the parts of its `allOf` in it, where that is to go."""
    if "allOf" not in parts or not isinstance(schema.get("allOf"), list):
        return schema
    merged = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema["allOf"]:
        if isinstance(part, dict):
            part = _merge_parts(part, parts)
            properties = {**part.get("properties", {}), **merged.get("properties", {})}
            required = [*merged.get("required", ()), *part.get("required", ())]
            merged = {**part, **merged}
            merged |= {"properties": properties} if properties else {}
            merged |= {"required": list(dict.fromkeys(required))} if required else {}
    return merged


def _tell_examples(kept: dict[str, Any], examples: Any) -> None:
    """Tells in the description what values look like."""
    if isinstance(examples, list) and examples and isinstance(kept.get("description", ""), str):
        shown = ", ".join(json.dumps(value, ensure_ascii=False) for value in examples)
        kept["description"] = f"{kept.get('description', '')} (for example: {shown})".lstrip()


def _allow_only(kept: dict[str, Any], value: Any, parts: frozenset[str]) -> None:
    """Says by an enum that there is one value."""
    if "enum" not in parts and (isinstance(value, str) or OTHER_ENUMS not in parts):
        kept.setdefault("enum", [value])
    if isinstance(value, str):
        kept.setdefault("type", "string")


def _take_first(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with the first alternative that is not null in place of all of them."""
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    first = next((item for item in schema["anyOf"] if isinstance(item, dict) and item.get("type") != "null"), {})
    return {**first, **rest}
