"""Identifiers in the style that a document shows: `pet_4821`, a UUID, a number, a slug."""

import re
from random import Random
from typing import Any
from uuid import UUID

from schemas.base import Json, canonical_json
from tasks.values import ADJECTIVES, conforms, sample_value

LONGEST_ID = 200
"""Characters of an example that is imitated."""

LONGEST_NUMBER = 18
"""Digits of a number that is imitated."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_RUN = re.compile(r"\d+|(?<![A-Za-z])(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{6,}(?![A-Za-z])")


def list_shown_values(schema: dict[str, Any]) -> list[Json]:
    """The values that a schema shows as examples (or enumerates), duplicates left out."""
    given = schema.get("enum") or schema.get("examples")
    values = list(given) if isinstance(given, list) else [schema["example"]] if "example" in schema else []
    shown: dict[str, Json] = {}
    for value in values:
        if value is not None:
            shown.setdefault(canonical_json(value), value)
    return list(shown.values())


def draw_id(name: str, schema: dict[str, Any], examples: list[Json], rng: Random, resource: str) -> Json:
    """An identifier that conforms to the schema, which states no values itself, and looks like the examples.

    Without examples, a number is one of four to six digits and a text the resource's name with digits (`pet_4821`).
    """
    declared = schema.get("type")
    types = declared if isinstance(declared, list) else [declared]
    if "integer" in types or "number" in types:
        candidate: Json = rng.randint(10_000, 99_999) if len(examples) < 1 else _imitate_number(examples[0], rng)
    elif examples and isinstance(examples[0], str) and len(examples[0]) <= LONGEST_ID:
        candidate = _imitate_text(examples[0], rng)
    elif schema.get("format") == "uuid" or name.lower().endswith(("uuid", "guid")):
        candidate = str(UUID(int=rng.getrandbits(128), version=4))
    elif "pattern" in schema or schema.get("format") or name.lower().endswith("slug"):
        candidate = sample_value(name, schema, rng)
    else:
        candidate = f"{resource}_{rng.randint(1000, 9999)}" if resource else str(rng.randint(10_000, 99_999))
    return candidate if conforms(candidate, schema) else sample_value(name, schema, rng)


def _imitate_number(example: Json, rng: Random) -> int:
    digits = max(len(str(abs(int(example)))), 3) if isinstance(example, (int, float)) else 5
    digits = min(digits, LONGEST_NUMBER)
    return rng.randint(10 ** (digits - 1), 10**digits - 1)


def _imitate_text(example: str, rng: Random) -> str:
    """The example with other digits; with digits added where it has none."""
    if _UUID.fullmatch(example):
        return str(UUID(int=rng.getrandbits(128), version=4))

    def renew(run: re.Match[str]) -> str:
        text = run[0]
        if not text.isdigit():
            return f"{rng.getrandbits(4 * len(text)):0{len(text)}x}"
        size = max(len(text), 3)
        return str(rng.randint(10 ** (size - 1), 10**size - 1))

    imitated = _RUN.sub(renew, example)
    if imitated != example:
        return imitated
    stem = re.split(r"[-_]", example)[0] or "item"
    return f"{stem}{'_' if '_' in example else '-'}{rng.randint(100, 999)}"


def blend_label(examples: list[str], rng: Random) -> str:
    """A new name out of the examples' words: the first words of one, the last of another."""
    first, second = rng.choice(examples).split(), rng.choice(examples).split()
    if len(first) > 1 and len(second) > 1:
        return " ".join((*first[:-1], second[-1]))
    return f"{rng.choice(ADJECTIVES)} {' '.join(second)}"
