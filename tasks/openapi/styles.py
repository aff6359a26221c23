"""How values travel: parameters as text in the styles of OpenAPI 3.1, and back from text to values by their schema.

Source: OpenAPI 3.1.1, "Style Values" and "Style Examples". What the table leaves open is settled so:
an empty array, an empty object and null are left out; a list or object within another travels as JSON text; a value
that holds the delimiter of spaceDelimited or pipeDelimited is refused, since those styles have no way to escape it.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

from schemas.base import Json, compact_json
from tasks.openapi.errors import CallError
from tasks.openapi.functions import Parameter

Pairs = list[tuple[str, str]]
RESERVED = ":/?@!$'()*;"
"""What `allowReserved` leaves as it is; `& = + , # [ ]` would change how the query reads."""

PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in "%,=")
IN_JSON = {"type": ["object", "array", "number", "boolean", "null"]}
"""What JSON text may be, as a schema."""

DELIMITERS = {"spaceDelimited": " ", "pipeDelimited": "|"}


def write_text(value: Json) -> str:
    """A value as text, not yet escaped."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return compact_json(value)


def _write_json(value: Json) -> str:
    """A value as JSON, where text stands in quotes: `"5"` is no number."""
    return compact_json(value) if isinstance(value, str) else write_text(value)


def parse_text(text: str, schema: Mapping[str, Any]) -> Json:
    """The value that text stands for: an enumerated one, else the first of the schema's types that it reads as."""
    for value in schema.get("enum", ()):
        if write_text(value) == text:
            result: Json = value
            return result
    for name in find_types(schema):
        if name == "string":
            return text
        if name == "boolean" and text in ("true", "false"):
            return text == "true"
        if name in ("integer", "number") and re.fullmatch(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", text):
            number = int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
            if isinstance(number, int) or math.isfinite(number):  # 1e999 is more than a JSON value can be
                return number
        if name == "null" and text == "null":
            return None
        if name in ("array", "object"):
            try:
                decoded: Json = json.loads(text)
            except (ValueError, RecursionError):
                continue
            return decoded
    return text


def find_types(schema: Mapping[str, Any]) -> list[str]:
    """The types that a schema allows, those of its alternatives included, in its order."""
    types = schema.get("type", [])
    found = [types] if isinstance(types, str) else list(types)
    if not found and "items" in schema:
        found.append("array")
    if not found and "properties" in schema:
        found.append("object")
    for key in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(key, ()):
            if isinstance(part, Mapping):
                found += find_types(part)
    return list(dict.fromkeys(found))


def _find_part(schema: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """`items` or `properties` of a schema or of the first of its alternatives that has some."""
    if isinstance(part := schema.get(key), Mapping):
        return part
    for word in ("allOf", "anyOf", "oneOf"):
        for child in schema.get(word, ()):
            if isinstance(child, Mapping) and (part := _find_part(child, key)):
                return part
    return {}


def write_path(parameter: Parameter, value: Json) -> str:
    """The text that takes the place of `{name}` in a path. Raises CallError where it would be empty."""
    style, name = parameter.style, quote(parameter.name, safe="")
    joined = _join_items(parameter, value, _escape_dots if style == "label" else _escape)
    items = joined.split("\0")
    if style == "label":
        text = "." + ("." if parameter.explode else ",").join(items)
    elif style == "matrix":
        is_object = isinstance(value, dict) and not parameter.is_json
        if parameter.explode:
            text = "".join(f";{item}" if is_object else f";{name}={item}" for item in items)
        else:
            text = f";{name}={','.join(items)}"
    else:
        text = ",".join(items)
        if not text.strip("."):  # "." and ".." would climb in the path
            text = text.replace(".", "%2E")
    if not joined or text in (".", ".."):
        raise CallError(
            "invalid_argument", f"argument `{parameter.argument}` must not be empty: it is part of the path"
        )
    return text


def read_path(parameter: Parameter, raw: str) -> Json:
    """The inverse of `write_path`."""
    name = quote(parameter.name, safe="")
    if parameter.style == "label":
        return _split_items(parameter, raw.removeprefix("."), "." if parameter.explode else ",")
    if parameter.style == "matrix":
        if not parameter.explode:
            return _split_items(parameter, raw.removeprefix(f";{name}="), ",")
        parts = raw.removeprefix(";").split(";")
        if "object" not in find_types(parameter.schema) or parameter.is_json:
            parts = [part.removeprefix(f"{name}=") for part in parts]
        return _split_items(parameter, "\0".join(parts), "\0")
    return _split_items(parameter, raw, ",")


def write_header(parameter: Parameter, value: Json) -> str | None:
    """A header's value in the simple style, printable ASCII; None where there is nothing to send."""
    if value is None or value == [] or value == {}:
        return None
    return ",".join(_join_items(parameter, value, _escape_header).split("\0"))


def read_header(parameter: Parameter, raw: str) -> Json:
    """The inverse of `write_header`."""
    return _split_items(parameter, raw, ",")


def write_pairs(parameter: Parameter, value: Json) -> Pairs:
    """A query or cookie parameter as escaped pairs of name and value."""
    name = quote(parameter.name, safe="")
    if value is None or value == [] or value == {}:
        return []

    def escape(text: str) -> str:
        return quote(text, safe=RESERVED if parameter.allow_reserved else "")

    if parameter.is_json:
        return [(name, escape(_write_json(value)))]
    if not isinstance(value, list | dict):
        return [(name, escape(write_text(value)))]
    if isinstance(value, dict) and parameter.style == "deepObject":
        return [(quote(f"{parameter.name}[{key}]", safe=""), escape(write_text(item))) for key, item in value.items()]
    if parameter.explode:
        if isinstance(value, dict):
            return [(quote(key, safe=""), escape(write_text(item))) for key, item in value.items()]
        return [(name, escape(write_text(item))) for item in value]
    texts = list(_list_texts(value))
    delimiter = DELIMITERS.get(parameter.style)
    if delimiter is None:
        return [(name, ",".join(escape(text) for text in texts))]
    if any(delimiter in text for text in texts):
        message = f"argument `{parameter.argument}`: no value may hold {delimiter!r}, which separates the values"
        raise CallError("invalid_argument", message)
    return [(name, quote(delimiter).join(escape(text) for text in texts))]


def read_pairs(parameter: Parameter, pairs: Pairs, claimed: set[str]) -> Json | None:
    """The inverse of `write_pairs`; None where the parameter is absent.

    `pairs` are still escaped; `claimed` are the names of the other parameters of the same place, which an object
    that is spread over the query does not take for its own.
    """
    types, schema = find_types(parameter.schema), parameter.schema
    if "object" in types and not parameter.is_json and (parameter.style == "deepObject" or parameter.explode):
        return _read_spread_object(parameter, pairs, claimed)
    values = [value for key, value in pairs if unquote_plus(key) == parameter.name]
    if not values:
        return None
    if parameter.is_json:
        return parse_text(unquote_plus(values[0]), IN_JSON)
    if parameter.explode and "array" in types and (len(values) > 1 or not _has_scalar(types)):
        items = _find_part(schema, "items")
        return [parse_text(unquote_plus(value), items) for value in values]
    if parameter.explode or not {"array", "object"} & set(types):
        return parse_text(unquote_plus(values[0]), schema)
    delimiter = DELIMITERS.get(parameter.style, ",")
    pattern = {" ": r"%20|\+", "|": r"%7[Cc]|\|"}.get(delimiter, re.escape(delimiter))
    return _split_items(parameter, "\0".join(re.split(pattern, values[0])), "\0", plus=True)


def _read_spread_object(parameter: Parameter, pairs: Pairs, claimed: set[str]) -> Json | None:
    properties = _find_part(parameter.schema, "properties")
    extra = parameter.schema.get("additionalProperties", not properties)
    result: dict[str, Any] = {}
    for key, raw in pairs:
        name = unquote_plus(key)
        if parameter.style == "deepObject":
            if not (name.startswith(f"{parameter.name}[") and name.endswith("]")):
                continue
            name = name[len(parameter.name) + 1 : -1]
        elif name in claimed or (name not in properties and not extra):
            continue
        shape = properties.get(name, extra)
        result[name] = parse_text(unquote_plus(raw), shape if isinstance(shape, Mapping) else {})
    return result or None


def _has_scalar(types: list[str]) -> bool:
    return not {"string", "integer", "number", "boolean"}.isdisjoint(types)


def _list_texts(value: list[Any] | dict[str, Any]) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield write_text(item)
    else:
        yield from map(write_text, value)


def _join_items(parameter: Parameter, value: Json, escape: Any) -> str:
    """The escaped items of a value with NUL between them; of an object that is exploded, `key=value`."""
    if parameter.is_json:
        return str(escape(_write_json(value)))
    if not isinstance(value, list | dict):
        return str(escape(write_text(value)))
    if isinstance(value, dict) and parameter.explode:
        return "\0".join(f"{escape(key)}={escape(write_text(item))}" for key, item in value.items())
    return "\0".join(escape(text) for text in _list_texts(value))


def _split_items(parameter: Parameter, raw: str, delimiter: str, plus: bool = False) -> Json:
    """The inverse of `_join_items`, for items with `delimiter` between them."""
    decode = unquote_plus if plus else unquote
    types = find_types(parameter.schema)
    if parameter.is_json:
        return parse_text(decode(raw), IN_JSON)
    parts = raw.split(delimiter)
    if "object" in types and (not _has_scalar(types) or len(parts) > 1):
        properties = _find_part(parameter.schema, "properties")
        extra = parameter.schema.get("additionalProperties")
        fields = (
            [part.partition("=")[::2] for part in parts] if parameter.explode else zip(*[iter(parts)] * 2, strict=False)
        )
        found: dict[str, Any] = {}
        for key, value in fields:
            shape = properties.get(decode(key), extra)
            found[decode(key)] = parse_text(decode(value), shape if isinstance(shape, Mapping) else {})
        return found
    if "array" in types and (not _has_scalar(types) or len(parts) > 1):
        items = _find_part(parameter.schema, "items")
        return [parse_text(decode(part), items) for part in parts]
    return parse_text(decode(raw), parameter.schema)


def _escape(text: str) -> str:
    return quote(text, safe="")


def _escape_dots(text: str) -> str:
    return quote(text, safe="").replace(".", "%2E")


def _escape_header(text: str) -> str:
    """Headers are ASCII; spaces at an end would be lost on the way."""
    text = quote(text, safe=PRINTABLE)
    bare = text.strip(" ")
    before, _, after = text.partition(bare) if bare else (text, "", "")
    return "%20" * len(before) + bare + "%20" * len(after)
