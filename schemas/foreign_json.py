"""JSON that others wrote, read within bounds, so that what comes out can be walked, compared and written down anew."""

import json
from typing import Any

from schemas.base import Json

MOST_NESTED = 100
"""Levels of objects and lists. OpenAPI documents have some 30; what is written with pydantic may have 255."""

_MOST_DIGITS = 300
"""Of a whole number; what has more is no float, and from 4,300 on Python neither reads nor prints it."""

_TOO_DEEP = f"it is nested too deeply, in more than {MOST_NESTED} levels"


def _read_whole(digits: str) -> int:
    if len(digits.lstrip("-")) > _MOST_DIGITS:
        raise ValueError(f"a number has more than {_MOST_DIGITS} digits")
    return int(digits)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_int=_read_whole, parse_constant=_refuse_constant)


def read_foreign_json(text: str) -> Json:
    """The JSON value that a text is.

    Raises:
        ValueError: it is none (NaN and Infinity are not), is nested too deeply, or holds a number that is too large.
    """
    value, end = decode_foreign_json(text, len(text) - len(text.lstrip(" \t\n\r")))
    if text[end:].strip(" \t\n\r"):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def decode_foreign_json(text: str, start: int) -> tuple[Json, int]:
    """The JSON value that begins at `start`, and where it ends. Raises ValueError as `read_foreign_json` does."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    # A level has a bracket of its own: where there are few of them, none need be counted.
    if text.count("{", start, end) + text.count("[", start, end) > MOST_NESTED and _is_too_deep(value):
        raise ValueError(_TOO_DEEP)
    return value, end


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MOST_NESTED):
        # The containers of the next level.
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
