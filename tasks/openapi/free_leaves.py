"""The values in arguments and answers that no schema names: somebody had to come up with them."""

from collections.abc import Iterator
from typing import Any


def find_free_leaves(path: str, value: Any, schemas: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The strings and numbers in a value that no schema names (as default, const or member of an enum), by path.

    `schemas` are free of references; those of a function's parameters are `[parameters]`, and its `path` is empty.
    """
    schemas = _expand_schemas(schemas)
    if any("default" in s and _equals(s["default"], value) for s in schemas):
        return
    if any(_equals(s.get("const", ...), value) or any(_equals(m, value) for m in s.get("enum", ())) for s in schemas):
        return
    if isinstance(value, dict):
        for key, item in value.items():
            inner = [s["properties"].get(key, s.get("additionalProperties")) for s in schemas if "properties" in s]
            yield from find_free_leaves(f"{path}.{key}".lstrip("."), item, [s for s in inner if isinstance(s, dict)])
    elif isinstance(value, list):
        items = [s["items"] for s in schemas if isinstance(s.get("items"), dict)]
        for index, item in enumerate(value):
            yield from find_free_leaves(f"{path}[{index}]", item, items)
    elif value is not None and not isinstance(value, bool):
        yield path, value


def _expand_schemas(schemas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    expanded = []
    for schema in schemas:
        expanded.append(schema)
        for key in ("anyOf", "oneOf", "allOf"):
            expanded.extend(_expand_schemas([s for s in schema.get(key, ()) if isinstance(s, dict)]))
    return expanded


def _equals(one: Any, other: Any) -> bool:
    """Equality as JSON has it: true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
