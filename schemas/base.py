"""The base of every record and the one way to hash one."""

import hashlib
import json
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, TypeAdapter, model_validator

HASH_SCHEME = "1"
"""Goes into every content hash, so that a change of the canonical form never meets an old hash by accident."""

Json = None | bool | int | float | str | list[Any] | dict[str, Any]
"""A decoded JSON value."""


class Record(BaseModel):
    """A frozen record; an unknown field is an error, so that a typo is never a silent default."""

    # Without the last, a number that JSON cannot hold would become null without a word.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Parameters(Record):
    """The base of what people set by hand: the word `none` takes a value away where there may be none."""

    @model_validator(mode="before")
    @classmethod
    def _take_none(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: None if cls._is_taken_away(name, value) else value for name, value in given.items()}

    @classmethod
    def _is_taken_away(cls, name: str, value: Any) -> bool:
        field = cls.model_fields.get(name)
        return (
            isinstance(value, str)
            and value.lower() == "none"
            and field is not None
            and (type(None) in get_args(field.annotation))
        )


_ANYTHING = TypeAdapter[Any](Any, config=ConfigDict(ser_json_inf_nan="constants"))


def canonical_json(value: Any) -> str:
    """The one spelling of a JSON value: sorted keys, no spaces, characters as they are."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def compact_json(value: Any) -> str:
    """A JSON value as it travels: keys in their order, no spaces, characters as they are.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def dump_json(value: Any) -> bytes:
    """A JSON value, or records in one, as compact JSON in the order in which they stand; fields of records as declared.

    Half of a surrogate pair, which JSON can hold and UTF-8 cannot, is written as it is.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    try:
        text = _ANYTHING.dump_json(value)
    except ValueError:
        text = b""
    if text and b"NaN" not in text and b"Infinity" not in text:
        return text
    plain = _ANYTHING.dump_python(value, mode="json")  # slowly, and with the last word on what JSON can hold
    return compact_json(plain).encode("utf-8", "surrogatepass")


def content_hash(value: Any, length: int = 16) -> str:
    """A hex digest of a JSON value (or of a record), `length` characters long; the same on every machine."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    text = f"{HASH_SCHEME}\n{canonical_json(value)}"
    # half of a surrogate pair, which JSON can hold and UTF-8 cannot, is hashed as it is
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]
