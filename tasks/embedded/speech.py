"""How values are said, and how they are recognised in a text: both directions side by side, so that they agree."""

import json
import re
from datetime import date
from functools import lru_cache
from random import Random

from schemas.base import Json
from tasks.embedded.tool_roles import ToolParameter
from tasks.values import split_name

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_ISO_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_DATE = rf"\d{{4}}-\d\d-\d\d(?![T\d])|\d{{1,2}} (?:{'|'.join(_MONTHS)}) \d{{4}}"
_NUMBER = r"-?\d+(?:\.\d+)?"
_IDENTIFIER = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)+|[a-z]+(?:[A-Z][a-z0-9]+)+")
_TOKEN = r"[A-Za-z0-9]*(?:[-_]?[A-Za-z]*\d[A-Za-z0-9]*)(?:[-_][A-Za-z0-9]+)*"


def speak(value: Json, rng: Random) -> str:
    """A value as a person writes it in a sentence; not for objects."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " and ".join(speak(item, rng) for item in value)
    if isinstance(value, str):
        match = _ISO_DATE.fullmatch(value)
        if match and rng.random() < 0.6:
            return f"{int(match[3])} {_MONTHS[int(match[2]) - 1]} {match[1]}"
        return value
    return json.dumps(value)


def speak_argument(parameter: ToolParameter, value: Json, rng: Random) -> str:
    """Like `speak`; codes are said in words, and what could run into the words around it is put in quotes."""
    spoken = speak(value, rng)
    schema = _item_schema(parameter)
    if "enum" in schema:
        return _speak_code(spoken)
    if _is_free_text(schema) and value not in _listed(schema):
        return f'"{spoken}"'
    return spoken


def _speak_code(text: str) -> str:
    """`in_stock` and `inStock` as `in stock`."""
    return " ".join(split_name(text)) if _IDENTIFIER.fullmatch(text) else text


def value_pattern(parameter: ToolParameter) -> str:
    """The regular expression that matches the parameter's values as people say them, without groups."""
    return _value_pattern(parameter.schema_json, parameter.role == "reference")


def hear(parameter: ToolParameter, spoken: str) -> Json:
    """The value that `spoken` stands for; the inverse of `speak_argument`."""
    schema = parameter.schema
    if schema.get("type") == "array":
        return [_hear(_item_schema(parameter), part) for part in spoken.split(" and ")]
    return _hear(schema, spoken)


def _hear(schema: dict[str, Json], spoken: str) -> Json:
    text = spoken.strip()
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    if quoted:
        text = text[1:-1]
    for value in _listed(schema):
        if text.lower() in _spellings(value):
            return value
    kind = schema.get("type")
    if kind == "boolean":
        return text.lower() in ("yes", "true")
    if kind == "integer":
        return int(float(text))
    if kind == "number":
        number = float(text)
        return int(number) if number.is_integer() and "." not in text else number
    return text if quoted else _hear_date(text)


def _hear_date(text: str) -> str:
    match = re.fullmatch(rf"(\d{{1,2}}) ({'|'.join(_MONTHS)}) (\d{{4}})", text, re.IGNORECASE)
    if not match:
        return text
    try:
        return date(int(match[3]), _MONTHS.index(match[2].capitalize()) + 1, int(match[1])).isoformat()
    except ValueError:
        return text


@lru_cache(maxsize=512)
def _value_pattern(schema_json: str, reference: bool) -> str:
    schema: dict[str, Json] = json.loads(schema_json)
    if schema.get("type") == "array":
        items = schema.get("items")
        one = _value_pattern(json.dumps(items if isinstance(items, dict) else {}), False)
        return f"(?:{one})(?: and (?:{one}))*"
    listed = sorted({spelling for value in _listed(schema) for spelling in _spellings(value)}, key=_order_longest)
    options = [rf"{re.escape(spelling)}(?!\w)" for spelling in listed]
    kind = schema.get("type")
    if "enum" in schema:
        pass
    elif kind == "boolean":
        options = [r"(?:yes|no|true|false)\b"]
    elif kind in ("integer", "number"):
        options.append(rf"{_NUMBER}(?![\w%]|\.\d)")
    elif schema.get("format") == "date":
        options.append(_DATE)
    elif reference:
        options.append(rf"{_TOKEN}(?!\w)")
    elif schema.get("format") == "date-time":
        options.append(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)?")
    if _is_free_text(schema) or not options:
        options.append(r'"[^"]+"')
    return "|".join(options)


def _order_longest(spelling: str) -> tuple[int, str]:
    return -len(spelling), spelling


def _listed(schema: dict[str, Json]) -> list[Json]:
    values = schema.get("enum") or schema.get("examples") or []
    return [value for value in values if not isinstance(value, dict | list)] if isinstance(values, list) else []


def _spellings(value: Json) -> set[str]:
    rng = Random(0)
    return {str(value).lower(), speak(value, rng).lower(), _speak_code(str(value)).lower()}


def _is_free_text(schema: dict[str, Json]) -> bool:
    return (
        schema.get("type", "string") == "string"
        and "enum" not in schema
        and schema.get("format") not in ("date", "date-time")
    )


def _item_schema(parameter: ToolParameter) -> dict[str, Json]:
    schema = parameter.schema
    items = schema.get("items")
    return items if schema.get("type") == "array" and isinstance(items, dict) else schema
