"""Where in a response the list or the record is, and which of its fields tell how many there are."""

from dataclasses import dataclass
from random import Random
from typing import Any

from schemas.base import Json
from tasks.mock.vocabulary import WRAPPERS
from tasks.values import COMBINATIONS, Words, flatten_schema, name_words, split_name

Schema = dict[str, Any]
Keys = tuple[str, ...]

DEEPEST = 8


@dataclass(frozen=True, eq=False)
class Spot:
    """A place in a response: the keys that lead to it and the schema there (of one item, for a list)."""

    keys: Keys
    schema: Schema


def tidy_schema(schema: Any, depth: int = 0) -> Schema:
    """A schema with combinations flattened at every level, to be looked at (not to validate by)."""
    if not isinstance(schema, dict):
        return {}
    # A generator costs more than all else here, and few schemas have anything to choose from.
    flat = dict(schema) if COMBINATIONS.isdisjoint(schema) else dict(flatten_schema(schema, Random(0)))
    if depth < DEEPEST:
        if isinstance(flat.get("properties"), dict):
            # What is required though nobody describes it is given all the same.
            undescribed = {name: flat.get("additionalProperties") for name in flat.get("required") or ()}
            parts = {**undescribed, **flat["properties"]}
            flat["properties"] = {
                name: tidy_schema(parts[name], depth + 1) for name in [*flat["properties"], *undescribed]
            }
        if isinstance(flat.get("items"), dict):
            flat["items"] = tidy_schema(flat["items"], depth + 1)
    return flat


def has_type(schema: Schema, kind: str) -> bool:
    """Whether the schema's type is, or includes, the given one; told by its keywords where it says none."""
    declared = schema.get("type")
    if declared is None:
        return (kind == "object" and "properties" in schema) or (kind == "array" and "items" in schema)
    return declared == kind or (isinstance(declared, list) and kind in declared)


def is_number(value: Any) -> bool:
    """Whether a value is a number of JSON that can be reckoned with."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300


def list_properties(schema: Schema) -> dict[str, Schema]:
    """The properties of an object's schema; empty for anything else."""
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) and has_type(schema, "object") else {}


def leave_out(schema: Schema, *keywords: str) -> Schema:
    """The schema without some keywords."""
    return {key: value for key, value in schema.items() if key not in keywords}


def find_list_spot(schema: Schema, resource: Words, depth: int = 0) -> Spot | None:
    """The list of objects that a response is about: the whole, a property, or within a wrapper such as `data`."""
    items = schema.get("items")
    if has_type(schema, "array"):
        return Spot((), items) if isinstance(items, dict) and list_properties(items) else None
    lists = {
        name: part
        for name, part in list_properties(schema).items()
        if has_type(part, "array") and isinstance(part.get("items"), dict) and list_properties(part["items"])
    }
    if lists:
        named = (name for name in lists if name_words(name)[-1:] == resource[-1:])
        generic = (name for name in lists if split_name(name)[-1:] and split_name(name)[-1] in WRAPPERS)
        name = next(named, None) or next(generic, None) or next(iter(lists))
        return Spot((name,), lists[name]["items"])
    if depth < 2:
        for name, part in list_properties(schema).items():
            if name in WRAPPERS:
                found = find_list_spot(part, resource, depth + 1)
                if found is not None:
                    return Spot((name, *found.keys), found.schema)
    return None


def find_record_spot(schema: Schema, resource: Words) -> Spot:
    """The object that a response is about: itself, or what a wrapper or a property of the resource's name holds."""
    properties = list_properties(schema)
    objects = {name: part for name, part in properties.items() if list_properties(part)}
    for name, part in objects.items():
        words = name_words(name)
        wraps = words[-1:] and (words[0] in WRAPPERS or (resource and words[0] == resource[0]))
        if wraps and len(properties) <= 4:
            deeper = find_record_spot(part, resource)
            return Spot((name, *deeper.keys), deeper.schema)
    return Spot((), schema)


def read_at(value: Any, keys: Keys) -> Any:
    """What lies at the keys."""
    for key in keys:
        value = value[key]
    return value


def put_at(value: Json, keys: Keys, part: Json) -> Json:
    """The value with `part` at the keys (`part` itself where there are none); changes the value in place."""
    if not keys:
        return part
    holder: Any = value
    for key in keys[:-1]:
        holder = holder[key]
    holder[keys[-1]] = part
    return value


def schema_without(schema: Schema, keys: Keys) -> Schema:
    """The schema with the part at the keys replaced by an empty list or object, so that sampling it costs nothing."""
    if not keys:
        return {"const": []}
    properties = dict(schema.get("properties", {}))
    part = properties.get(keys[0], {})
    if len(keys) > 1:
        properties[keys[0]] = schema_without(part, keys[1:])
    else:
        properties[keys[0]] = {"const": [] if has_type(part, "array") else {}}
    return {**schema, "properties": properties, "type": "object"}
