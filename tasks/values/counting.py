"""How many values a draw by a schema gives at most."""

from typing import Any

from tasks.values.sampling import DEEPEST, MOST_ITEMS


def count_drawn(schema: Any, most: int, depth: int = 0) -> int:
    """The objects, lists and values in one that is drawn by a schema; a number beyond `most` where there are more."""
    if not isinstance(schema, dict) or "const" in schema or isinstance(schema.get("enum"), list):
        return 1
    total = 1
    for name, part in _items(schema.get("properties")):
        if depth < DEEPEST or name in (schema.get("required") or ()):
            total += count_drawn(part, most, depth + 1)
        if total > most:
            return total
    total += len(schema.get("required") or ())
    if "items" in schema:
        size = max(_number(schema.get("minItems")), MOST_ITEMS if depth < DEEPEST else 0)
        longest = schema.get("maxItems")
        size = min(size, longest) if isinstance(longest, int) else size
        total += size * count_drawn(schema["items"], most, depth + 1)
    extra = schema.get("additionalProperties")
    wanted = max(_number(schema.get("minProperties")), 3 if isinstance(extra, dict) and depth < DEEPEST else 0)
    total += wanted * (count_drawn(extra, most, depth + 1) if isinstance(extra, dict) else 1)
    for part in schema.get("prefixItems") or ():
        total += count_drawn(part, most, depth + 1)
    for key in ("allOf", "anyOf", "oneOf"):
        parts = [count_drawn(part, most, depth) for part in schema.get(key) or ()]
        total += sum(parts) if key == "allOf" else max(parts, default=0)
    return total


def _items(properties: Any) -> list[tuple[str, Any]]:
    return list(properties.items()) if isinstance(properties, dict) else []


def _number(value: Any) -> int:
    return int(value) if isinstance(value, (int, float)) else 0
