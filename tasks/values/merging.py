"""One flat schema out of `allOf`, `oneOf` and `anyOf`."""

from random import Random
from typing import Any

from schemas.base import canonical_json

Schema = dict[str, Any]

COMBINATIONS = frozenset({"allOf", "oneOf", "anyOf"})
TIGHTEST = {
    "minimum": max,
    "exclusiveMinimum": max,
    "minLength": max,
    "minItems": max,
    "minProperties": max,
    "maximum": min,
    "exclusiveMaximum": min,
    "maxLength": min,
    "maxItems": min,
    "maxProperties": min,
}


def flatten_schema(schema: Schema, rng: Random) -> Schema:
    """The schema with every `allOf` merged in and one branch of `oneOf` and `anyOf` chosen (not null if possible)."""
    if COMBINATIONS.isdisjoint(schema):
        return schema
    flat = {key: value for key, value in schema.items() if key not in COMBINATIONS}
    for part in schema.get("allOf") or ():
        if isinstance(part, dict):
            flat = merge_schemas(flat, flatten_schema(part, rng))
    for keyword in ("oneOf", "anyOf"):
        branches = [branch for branch in schema.get(keyword) or () if isinstance(branch, dict)]
        telling = [branch for branch in branches if branch.get("type") != "null"] or branches
        if telling:
            flat = merge_schemas(flat, flatten_schema(rng.choice(telling), rng))
    return flat


def merge_schemas(first: Schema, second: Schema) -> Schema:
    """A schema that asks for what both ask for; where two keywords cannot be joined, the second's holds."""
    merged = dict(first)
    for key, value in second.items():
        if key not in merged:
            merged[key] = value
        elif key in TIGHTEST:
            merged[key] = TIGHTEST[key](merged[key], value)
        elif key == "required":
            merged[key] = list(dict.fromkeys([*merged[key], *value]))
        elif key == "enum":
            common = {canonical_json(entry) for entry in value}
            merged[key] = [entry for entry in merged[key] if canonical_json(entry) in common] or value
        elif key == "type":
            merged[key] = _join_types(merged[key], value)
        elif key == "properties":
            merged[key] = {**merged[key], **{name: _merge_any(merged[key].get(name), value[name]) for name in value}}
        elif key == "items":
            merged[key] = _merge_any(merged[key], value)
        elif key not in {"description", "title", "examples", "example", "default"}:
            merged[key] = value
    return merged


def _merge_any(first: Any, second: Any) -> Any:
    if isinstance(first, dict) and isinstance(second, dict):
        return merge_schemas(first, second)
    return second if isinstance(second, dict) or first is None else first


def _join_types(first: Any, second: Any) -> Any:
    ours = first if isinstance(first, list) else [first]
    theirs = second if isinstance(second, list) else [second]
    joint = [kind for kind in ours if kind in theirs]
    joint += ["integer"] if "integer" not in joint and {"integer", "number"} <= {*ours, *theirs} else []
    return (joint[0] if len(joint) == 1 else joint) if joint else second
