"""How much a document may ask for: looked at as it is written, before anything of it is copied, matched or drawn.

The limits let real documents pass (GitHub's and Stripe's, which are platforms, come near some). Each excess names its
place and the limit; `leaving_out` says what it costs. The walk is iterative, so that no depth ends it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tasks.values.expressions import HEAVIEST_PATTERN, LONGEST_PATTERN, weigh_pattern

Keys = tuple[str | int, ...]
Kind = Literal["node", "map", "data"]
"""What an object or list is: its keys are keywords, or names; or it is a value, of which only its size matters."""

MOST_VALUES = 500_000
"""Objects, lists and values as written; 5 MB of real text hold some 150,000."""

MOST_OPERATIONS = 2_000
DEEPEST = 100
"""Levels; real documents stay under 40."""

LONGEST_NAME = 1_000
"""Characters of a name: a path, a property, a parameter, an operationId."""

LARGEST_NUMBER = 10**300
"""Whole numbers beyond it are none that arithmetic with fractions can take."""

SMALLEST_STEP = 1e-30
"""Of `multipleOf`."""

MOST_MEMBERS: Mapping[str, int] = {
    "properties": 1_000, "required": 1_000, "patternProperties": 100, "dependentRequired": 1_000,
    "dependentSchemas": 1_000, "enum": 10_000, "allOf": 300, "anyOf": 300, "oneOf": 300, "prefixItems": 500,
    "content": 200, "servers": 200, "variables": 50, "callbacks": 200, "links": 200, "encoding": 1_000,
}  # fmt: skip
"""How many an object or list holds, by its key; any other holds `MOST_ELSEWHERE`."""

MOST_ELSEWHERE = 10_000
MOST_PARAMETERS = 500

HIGHEST: Mapping[str, int] = {"minLength": 10_000, "minItems": 500, "minProperties": 30, "minContains": 500}
"""What a keyword may ask for at least; what it allows at most costs nothing."""

HEAVIEST_PATTERNS = 300_000
"""States of all patterns together: they are compiled each, and kept."""

DATA_KEYS = frozenset({"example", "default", "const", "enum", "value"})
NAMING_KEYS = frozenset({
    "properties", "patternProperties", "dependentSchemas", "$defs", "definitions", "responses", "content", "headers",
    "encoding", "paths", "schemas", "callbacks", "links", "parameters", "requestBodies", "webhooks",
})  # fmt: skip

_PLACE_LIMIT = 200


@dataclass(frozen=True)
class Excess:
    """A place in a document that asks for more than a limit, and what of."""

    keys: Keys
    reason: str

    def __str__(self) -> str:
        return f"{write_place(self.keys)}: {self.reason}"


def write_place(keys: Keys) -> str:
    """`paths./cats.get.parameters[2]`; what is too long for a line is left out in its middle."""
    parts = (f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    text = " ".join("".join(parts).removeprefix(".").split()) or "document"
    return text if len(text) <= _PLACE_LIMIT else f"{text[: _PLACE_LIMIT // 2]}…{text[-_PLACE_LIMIT // 2 :]}"


def tell_kind(kind: Kind, key: str, child: Any) -> Kind:
    """What the object or list `child` is that stands at a key of an object of that kind."""
    if kind == "data":
        return "data"
    if kind == "map":
        return "node"
    if key in DATA_KEYS or key.startswith("x-") or (key == "examples" and isinstance(child, list)):
        return "data"
    return "map" if key in NAMING_KEYS and isinstance(child, dict) else "node"


def find_excess(doc: Any) -> list[Excess]:
    """Everything in a document that is over a limit; what is beneath it is not looked at."""
    return _Walk().look_at(doc)


class _Walk:
    def __init__(self) -> None:
        self._found: list[Excess] = []
        self._patterns: dict[str, int] = {}
        self._weight = 0

    def look_at(self, doc: Any) -> list[Excess]:
        count = 0
        waiting: list[tuple[Any, Kind, Any, int]] = [(doc, "node", None, 0)]
        while waiting:
            node, kind, place, depth = waiting.pop()
            count += len(node)
            if count > MOST_VALUES:
                return [Excess((), f"it holds more than {MOST_VALUES:,} values")]
            if depth > DEEPEST:
                self._note(place, f"it is nested deeper than {DEEPEST} levels")
                continue
            items: Any = node.items() if type(node) is dict else enumerate(node)
            is_map, is_node = kind == "map", kind == "node" and type(node) is dict
            for key, child in items:
                type_ = type(child)
                if type_ is dict or type_ is list:
                    inner = tell_kind(kind, key, child) if type(node) is dict else kind
                    if not self._has_too_many(key, child, inner, is_node, (place, key)):
                        waiting.append((child, inner, (place, key), depth + 1))
                elif is_node and type_ is str:
                    if key == "pattern":
                        self._weigh(child, (place, key))
                    elif len(child) > LONGEST_NAME and key in ("name", "operationId", "$ref"):
                        self._note((place, key), f"it is longer than {LONGEST_NAME:,} characters")
                elif type_ is int or type_ is float:
                    self._check_number(key, child, is_node, (place, key))
                if is_map and len(key) > LONGEST_NAME:
                    self._note((place, key), f"a name is longer than {LONGEST_NAME:,} characters")
        return sorted(self._found, key=lambda excess: len(excess.keys))

    def _note(self, place: Any, reason: str) -> None:
        keys: list[str | int] = []
        while place is not None:
            place, key = place
            keys.append(key)
        self._found.append(Excess(tuple(reversed(keys)), reason))

    def _has_too_many(self, key: Any, child: Any, kind: Kind, in_node: bool, place: Any) -> bool:
        most = MOST_MEMBERS.get(key, MOST_ELSEWHERE) if in_node else MOST_ELSEWHERE
        if in_node and key == "parameters" and type(child) is list:
            most = MOST_PARAMETERS
        if len(child) > most:
            self._note(place, f"{len(child):,} members are more than {most:,}")
            return True
        if in_node and key == "patternProperties" and type(child) is dict:
            for pattern in child:
                self._weigh(pattern, (place, pattern))
        return False

    def _check_number(self, key: Any, number: float, in_node: bool, place: Any) -> None:
        if number in _ORDINARY:
            return
        if type(number) is int:
            if abs(number) > LARGEST_NUMBER:
                self._note(place, "a number is larger than 10^300")
                return
        elif not math.isfinite(number):
            self._note(place, f"{number} is no number of JSON")
            return
        if not in_node:
            return
        if key in HIGHEST and number > HIGHEST[key]:
            self._note(place, f"{number:,} is more than {HIGHEST[key]:,}")
        elif key == "multipleOf" and 0 < number < SMALLEST_STEP:
            self._note(place, f"{number} is less than {SMALLEST_STEP}")

    def _weigh(self, pattern: str, place: Any) -> None:
        if pattern not in self._patterns:
            self._patterns[pattern] = weigh_pattern(pattern)
            self._weight += self._patterns[pattern]
        if self._patterns[pattern] > HEAVIEST_PATTERN:
            told = f"characters, or {HEAVIEST_PATTERN:,} with its repeats written out"
            self._note(place, f"the pattern has more than {LONGEST_PATTERN:,} {told}")
        elif self._weight > HEAVIEST_PATTERNS:
            self._note(
                place, f"the patterns so far have more than {HEAVIEST_PATTERNS:,} characters, repeats written out"
            )


_ORDINARY = frozenset(range(-1, 31))
"""Numbers that no limit forbids."""
