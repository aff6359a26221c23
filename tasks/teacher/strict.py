"""Schemas in the form that strict structured output takes, and answers given in that form.

As OpenAI documents it, and others follow: every object lists all its properties as required and
allows no others; a property that may be left out may be null instead; lengths of text and defaults are not known. A
free-form object has no such form. Where it is one of several alternatives, the others are kept (a value of any kind
becomes a scalar); elsewhere the whole schema has none.
"""

from contextlib import suppress
from functools import cache
from typing import Any

from pydantic import BaseModel

_UNKNOWN = frozenset({"default", "minLength", "maxLength", "title"})
_KINDS = ("$ref", "anyOf", "type", "enum", "const")
_NULL = {"type": "null"}


class _FreeFormError(ValueError):
    """The schema allows what strict output cannot."""


def make_strict(schema: dict[str, Any]) -> dict[str, Any] | None:
    """The strict form of an object's schema; None if it has none."""
    try:
        strict = _convert(schema)
    except _FreeFormError:
        return None
    return strict if strict.get("type") == "object" else None


def drop_nulls(value: Any, schema_model: type[BaseModel]) -> Any:
    """An answer without the nulls that stand for properties left out, which are those that may not be null."""
    schema = _load_schema(schema_model)
    return _drop(value, schema, schema.get("$defs", {}))


@cache
def _load_schema(schema_model: type[BaseModel]) -> dict[str, Any]:
    return schema_model.model_json_schema()


def _convert(schema: Any) -> dict[str, Any]:
    if not isinstance(schema, dict) or not any(kind in schema for kind in _KINDS):
        raise _FreeFormError  # anything at all
    strict = {key: value for key, value in schema.items() if key not in _UNKNOWN}
    for key in ("$defs", "properties"):
        if key in strict:
            strict[key] = {name: _convert(child) for name, child in strict[key].items()}
    if "anyOf" in strict:
        strict["anyOf"] = _convert_alternatives(strict["anyOf"])
    if strict.get("type") == "array":
        strict["items"] = _convert(strict.get("items"))
    if strict.get("type") == "object":
        if strict.get("additionalProperties", False) is not False or "properties" not in strict:
            raise _FreeFormError
        required = set(schema.get("required", ()))
        strict["properties"] = {
            name: child if name in required or _takes_null(child) else {"anyOf": [child, _NULL]}
            for name, child in strict["properties"].items()
        }
        strict |= {"required": list(strict["properties"]), "additionalProperties": False}
    return strict


def _convert_alternatives(schemas: list[Any]) -> list[dict[str, Any]]:
    converted = []
    for schema in schemas:
        with suppress(_FreeFormError):
            converted.append(_convert(schema))
    if not converted:
        raise _FreeFormError
    return converted


def _takes_null(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "null" or any(_takes_null(child) for child in schema.get("anyOf", ()))


def _drop(value: Any, schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    if (reference := schema.get("$ref")) is not None:
        schema = definitions.get(str(reference).rpartition("/")[2], {})
    if not schema:  # free form, such as a whole OpenAPI document: no null in it is ours
        return value
    if isinstance(value, list):
        return [_drop(item, schema.get("items") or {}, definitions) for item in value]
    if not isinstance(value, dict):
        return value
    choices = [schema, *(choice for choice in schema.get("anyOf", ()) if choice != _NULL)]
    if len(choices) == 2:  # an object or null
        return _drop(value, choices[1], definitions)
    properties, required = schema.get("properties", {}), schema.get("required", ())
    return {
        name: _drop(item, properties.get(name, {}), definitions)
        for name, item in value.items()
        if not (item is None and name in properties and name not in required and not _takes_null(properties[name]))
    }
