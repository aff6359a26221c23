"""Compiled checks of values against schemas, formats included."""

from collections.abc import Callable
from typing import Any

import jsonschema_rs

from schemas.base import Json, canonical_json

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MOST_KEPT = 4096

Validator = Callable[[Any], bool]

_validators: dict[str, Validator] = {}


def compile_validator(schema: dict[str, Any]) -> Validator:
    """A check of values against the schema; a schema that is none allows everything."""
    try:
        return jsonschema_rs.validator_for({**schema, "$schema": DIALECT}, validate_formats=True).is_valid
    except (ValueError, jsonschema_rs.ValidationError):
        return lambda _: True


def conforms(value: Json, schema: dict[str, Any]) -> bool:
    """Whether the value conforms to the schema; the compiled check is kept by the schema's text."""
    key = canonical_json(schema)
    check = _validators.get(key)
    if check is None:
        if len(_validators) >= MOST_KEPT:
            _validators.clear()
        check = _validators[key] = compile_validator(schema)
    return check(value)
