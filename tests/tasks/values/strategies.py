"""Hypothesis strategies for the JSON schemas that API documents hold."""

from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]


def strings() -> st.SearchStrategy[Schema]:
    """Text with lengths, a format or enumerated values."""
    lengths = st.tuples(st.integers(0, 40), st.integers(0, 60)).map(
        lambda pair: {"type": "string", "minLength": pair[0], "maxLength": pair[0] + pair[1]}
    )
    formats = st.sampled_from(
        ["date", "date-time", "time", "email", "uri", "uuid", "ipv4", "ipv6", "hostname", "duration", "uri-reference"]
    ).map(lambda name: {"type": "string", "format": name})
    enums = st.lists(st.text(max_size=5), min_size=1, max_size=4).map(lambda values: {"enum": values})
    patterns = st.sampled_from([r"^\d{5}$", "^[A-Z]{2,3}$", "^(GET|POST)$", r"^v\d+\.\d+$", "[a-f0-9]{8}"]).map(
        lambda pattern: {"type": "string", "pattern": pattern}
    )
    return st.one_of(st.just({"type": "string"}), lengths, formats, enums, patterns)


def numbers() -> st.SearchStrategy[Schema]:
    """Whole and real numbers with bounds."""
    whole = st.tuples(st.integers(-10_000, 10_000), st.integers(0, 500), st.booleans()).map(
        lambda t: {"type": "integer", "minimum": t[0], ("exclusiveMaximum" if t[2] else "maximum"): t[0] + t[1] + 1}
    )
    real = st.tuples(st.floats(-1e6, 1e6), st.floats(0.001, 1e6)).map(
        lambda t: {"type": "number", "minimum": t[0], "maximum": t[0] + t[1]}
    )
    one_sided = st.tuples(
        st.sampled_from(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]), st.integers(-900, 900)
    ).flatmap(lambda t: st.sampled_from(["integer", "number"]).map(lambda kind: {"type": kind, t[0]: t[1]}))
    steps = st.integers(1, 50).map(lambda step: {"type": "integer", "multipleOf": step})
    return st.one_of(st.just({"type": "integer"}), st.just({"type": "number"}), whole, real, one_sided, steps)


def _nest(children: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    names = st.sampled_from(["id", "name", "city", "price", "items", "createdAt", "lat", "email", "foo"])
    objects = st.dictionaries(names, children, max_size=4).flatmap(
        lambda properties: st.lists(st.sampled_from(sorted({*properties, "extra"})), unique=True).map(
            lambda required: {"type": "object", "properties": properties, "required": required}
        )
    )
    arrays = st.tuples(children, st.integers(0, 3), st.integers(0, 3)).map(
        lambda t: {"type": "array", "items": t[0], "minItems": t[1], "maxItems": t[1] + t[2]}
    )
    choices = st.lists(children, min_size=1, max_size=3).map(lambda parts: {"anyOf": parts})
    nullable = children.map(lambda part: {"anyOf": [part, {"type": "null"}]})
    maps = children.map(lambda part: {"type": "object", "additionalProperties": part})
    return st.one_of(objects, arrays, choices, nullable, maps)


def schemas() -> st.SearchStrategy[Schema]:
    """Schemas as they occur in API documents; each can be met."""
    return st.recursive(st.one_of(strings(), numbers(), st.just({"type": "boolean"})), _nest, max_leaves=8)
