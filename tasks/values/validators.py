"""Compiled checks of values against schemas, formats included."""

from collections.abc import Callable
from typing import Any

import jsonschema_rs

from schemas.base import Json, canonical_json
from tasks.values.expressions import PATTERN_OPTIONS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MOST_KEPT = 1024
MOST_CHARACTERS = 5_000_000
"""Of the schemas whose checks are kept, all together: a check takes some ten times as much memory as its text."""

Validator = Callable[[Any], bool]

_by_text: dict[str, Validator] = {}
_kept_characters = 0
# By identity, because writing a schema down to look it up costs more than the check. The schema is kept beside its
# check, so that no other one can come to have its identity.
_by_identity: dict[int, tuple[dict[str, Any], Validator]] = {}


def compile_validator(schema: dict[str, Any]) -> Validator:
    """A check of values against the schema; a schema that is none allows everything."""
    try:
        return jsonschema_rs.validator_for(
            {**schema, "$schema": DIALECT}, validate_formats=True, pattern_options=PATTERN_OPTIONS
        ).is_valid
    except (ValueError, jsonschema_rs.ReferencingError):
        return lambda _: True


def conforms(value: Json, schema: dict[str, Any]) -> bool:
    """Whether the value conforms to the schema, which must not be changed afterwards: its compiled check is kept."""
    global _kept_characters
    known = _by_identity.get(id(schema))
    if known is not None:
        return known[1](value)
    if len(_by_identity) >= MOST_KEPT:
        _by_identity.clear()
    key = canonical_json(schema)
    check = _by_text.get(key)
    if check is None:
        _kept_characters += len(key)
        if len(_by_text) >= MOST_KEPT or _kept_characters > MOST_CHARACTERS:
            _by_text.clear()
            _by_identity.clear()
            _kept_characters = len(key)
        check = _by_text[key] = compile_validator(schema)
    _by_identity[id(schema)] = (schema, check)
    return check(value)
