"""What a function shows of an operation: a lean schema of its arguments, one paragraph of text, one line on returns.

Functions go out with every turn of an episode, so that nothing is said twice: neither by a description what the name or
the bounds beside it say, nor by examples what an enum says.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tasks.values.words import singularize, split_name

KEPT = {
    "type", "description", "enum", "const", "default", "examples", "format", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems",
    "required", "minProperties", "maxProperties",
}  # fmt: skip
"""Keywords that a function's schema keeps as they are; those that hold schemas are gone through, the rest goes."""

SCHEMA_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
SCHEMAS = ("items", "additionalProperties", "not")
TEXT_LIMIT = 300
FIELD_LIMIT = 200
RETURNS_LIMIT = 300

_SAYS_NOTHING = frozenset(
    ("the", "a", "an", "of", "for", "to", "s", "this", "its", "one", "id", "identifier", "unique")
)
_RANGE = re.compile(r"\s*\(\s*(-?\d[\d.,]*)\s*(?:to|-|–)\s*(-?\d[\d.,]*)\s*\)")


def make_lean_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without what says nothing to who fills it in: titles, XML, external documents, extensions."""
    lean = {key: value for key, value in schema.items() if key in KEPT}
    if "enum" in lean:
        lean.pop("examples", None)
    if isinstance(lean.get("description"), str):
        lean["description"] = shorten_text(_drop_range(lean["description"], schema), limit=FIELD_LIMIT)
    if isinstance(properties := schema.get("properties"), dict):
        lean["properties"] = {name: _make_lean(child) for name, child in properties.items()}
    for key in SCHEMAS:
        if key in schema:
            lean[key] = _make_lean(schema[key])
    for key in SCHEMA_LISTS:
        if key in schema:
            lean[key] = [_make_lean(child) for child in schema[key]]
    return lean


def _make_lean(schema: Any) -> Any:
    return make_lean_schema(schema) if isinstance(schema, dict) else schema


def _drop_range(text: str, schema: Mapping[str, Any]) -> str:
    """Text without "(1 to 50)" where these are the schema's bounds."""

    def drop(match: re.Match[str]) -> str:
        told = [float(number.replace(",", "").rstrip(".") or 0) for number in match.groups() if number.count(".") < 2]
        return "" if told == [schema.get("minimum"), schema.get("maximum")] else match.group()

    return _RANGE.sub(drop, text) if "minimum" in schema and "maximum" in schema else text


def repeats_names(text: str, names: Iterable[str]) -> bool:
    """Whether a text says nothing but these names: "The id of the pet" of `petId`, in whichever function."""
    known = {singularize(word) for name in names for word in split_name(name)} | _SAYS_NOTHING
    words = re.findall(r"[^\W_]+", text.lower())
    return all(word in known or singularize(word) in known for word in words)


def drop_repeating(schema: Any, names: Iterable[str]) -> Any:
    """A field's schema without a description that only repeats `names`."""
    if isinstance(schema, dict) and isinstance(text := schema.get("description"), str) and repeats_names(text, names):
        return {key: value for key, value in schema.items() if key != "description"}
    return schema


def shorten_text(text: str, limit: int = TEXT_LIMIT) -> str:
    """Text as one paragraph of at most `limit` characters, cut after a sentence beyond their half, else at a word."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    ends = [match.end() for match in re.finditer(r"[.!?](?=\s)", text[: limit + 1])]
    if ends and ends[-1] >= limit // 2:
        return text[: ends[-1]]
    return text[: limit - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def end_sentence(text: str) -> str:
    """Text with a full stop, unless it ends a sentence already."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def describe_returns(schema: Mapping[str, Any] | None) -> str:
    """One line that names what comes back, two levels deep: `Returns: results (list of id, name), total.`"""
    if schema is None:
        return "Returns: nothing."
    listed = _name_fields(schema, 1)
    line = listed or str(_name_type(schema) or "a value")
    if len(line) > RETURNS_LIMIT:
        line = line[: RETURNS_LIMIT - 1].rsplit(", ", 1)[0]
        line += ", …" + ")" * (line.count("(") - line.count(")"))
    return f"Returns: {line}."


def _name_fields(schema: Mapping[str, Any], depth: int) -> str:
    """The fields of an object or of a list's items, comma-separated; empty where there are none to name."""
    if _name_type(schema) == "array":
        items = schema.get("items")
        items = items if isinstance(items, Mapping) else {}
        return f"list of {_name_fields(items, depth) or _name_type(items) or 'values'}"
    properties = find_properties(schema)
    if depth == 0:
        return ", ".join(properties)
    return ", ".join(_name_field(name, child, depth) for name, child in properties.items())


def _name_field(name: str, schema: Any, depth: int) -> str:
    fields = _name_fields(schema, depth - 1) if isinstance(schema, Mapping) else ""
    is_plain_list = fields in ("list of string", "list of integer", "list of number", "list of values")
    return f"{name} ({fields})" if fields and not is_plain_list else name


def find_properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of an object, those of its `allOf` parts and of its first alternative included."""
    found: dict[str, Any] = {}
    parts = [*schema.get("allOf", []), *schema.get("anyOf", [])[:1], *schema.get("oneOf", [])[:1]]
    for part in parts:
        if isinstance(part, Mapping):
            found |= find_properties(part)
    return found | (schema.get("properties") or {})


def _name_type(schema: Mapping[str, Any]) -> str | None:
    """The first type of a schema that is not null."""
    types = schema.get("type")
    if isinstance(types, list):
        types = next((name for name in types if name != "null"), None)
    if types is None and "items" in schema:
        return "array"
    return types if isinstance(types, str) else None
