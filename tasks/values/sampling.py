"""A value that conforms to a schema, as realistic as name, description and format allow."""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from schemas.base import Json
from tasks.values import texts
from tasks.values.kinds import Scene, draw_text
from tasks.values.merging import flatten_schema, merge_schemas
from tasks.values.names import infer_value_kind
from tasks.values.number_drawing import make_number_sampler
from tasks.values.patterns import matches_pattern, sample_pattern
from tasks.values.validators import conforms
from tasks.values.words import name_words

Schema = dict[str, Any]

DEEPEST = 6
"""Beyond this depth only required properties and items are given."""

MOST_ITEMS = 3
"""How many a list holds that asks for no more."""

ATTEMPTS = 25
# Keywords that the direct way does not honour by itself: what was drawn is checked, and drawn anew where it fails.
CHECKED_KEYWORDS = frozenset((
    "allOf", "oneOf", "anyOf", "not", "if", "then", "else", "contains", "minContains", "maxContains",
    "dependentRequired", "dependentSchemas", "propertyNames", "patternProperties", "unevaluatedProperties",
    "unevaluatedItems", "uniqueItems", "minProperties", "maxProperties", "multipleOf", "pattern",
))  # fmt: skip
REGIONS_OF = "US"
"""The country whose regions the pool of regions holds, so that no state of it is said to be in another."""

ANYTHING: Schema = {}
_AS_TEXT: Schema = {"type": "string"}
TEXT_CAP = 4
"""How many draws of a kind are tried before text is made to fit."""


Sampler = Callable[[Scene, int], Json]
"""Draws a value in a scene, at a depth in the whole; made once for each field."""

MOST_SAMPLERS = 4096
"""How many are kept: those of some forty APIs, which are more than are under way at a time."""

# By name and identity, the schema kept beside, as in `validators`.
_samplers: dict[tuple[str, int], tuple[Any, Sampler]] = {}


def sample_value(name: str, schema: Schema, rng: Random) -> Json:
    """A value for the field `name` that conforms to `schema` (JSON schema 2020-12 without references).

    It holds at most some 100,000 values, however many the schema asks for.

    In this order: `const`, `enum`, `examples` or `example` (one that conforms), the kind that name, format and
    description tell, the type. All properties of an object are given. The same generator state gives the same value
    on every machine. Where a schema cannot be met (or only by luck), the value comes as near to it as was found. The
    schema must not be changed afterwards: what was found out about it is kept.
    """
    return _sample(name, schema, Scene(rng), 0)


def _sample(name: str, schema: Any, scene: Scene, depth: int) -> Json:
    key = (name, id(schema))
    known = _samplers.get(key)
    if known is None:
        if len(_samplers) >= MOST_SAMPLERS:
            _samplers.clear()
        known = _samplers[key] = (schema, _make_sampler(name, schema))
    return known[1](scene, depth)


def _make_sampler(name: str, schema: Any) -> Sampler:
    if not isinstance(schema, dict) or not schema:
        kind = infer_value_kind(name, {}) or "word"
        return lambda scene, _: draw_text(kind, {}, scene)
    if CHECKED_KEYWORDS.isdisjoint(schema):
        return _make_flat_sampler(name, schema)
    return _find_stated(schema) or partial(_sample_checked, name, schema)


def _make_flat_sampler(name: str, schema: Schema) -> Sampler:
    """A sampler that takes no heed of `CHECKED_KEYWORDS`."""
    return _find_stated(schema) or _make_typed_sampler(name, schema)


def _find_stated(schema: Schema) -> Sampler | None:
    """Draws from the values that the schema itself states; None if it states none that conform to it."""
    if "const" in schema:
        constant: Json = schema["const"]
        return lambda scene, _: constant
    given = _find_given(schema)
    return (lambda scene, _: scene.rng.choice(given)) if given else None


def _find_given(schema: Schema) -> list[Json]:
    enum = schema.get("enum")
    if isinstance(enum, list) and enum:
        telling = [value for value in enum if value is not None] or enum
        return [value for value in telling if conforms(value, schema)] or telling
    examples = schema.get("examples")
    if not isinstance(examples, list):
        examples = [schema["example"]] if "example" in schema else []
    return [value for value in examples if value is not None and conforms(value, schema)] if examples else []


def _sample_checked(name: str, schema: Schema, scene: Scene, depth: int) -> Json:
    value: Json = None
    for _ in range(ATTEMPTS):
        flat = flatten_schema(schema, scene.rng)
        flat = {key: part for key, part in flat.items() if key not in {"if", "then", "else"}}
        value = _make_flat_sampler(name, flat)(scene, depth)
        if conforms(value, schema):
            return value
        for keyword in ("then", "else"):
            if isinstance(schema.get(keyword), dict):
                joined = merge_schemas(flat, flatten_schema(schema[keyword], scene.rng))
                value = _make_flat_sampler(name, joined)(scene, depth)
                if conforms(value, schema):
                    return value
        scene.effort.retries -= 1
        if scene.effort.retries < 0:  # one that cannot be met, within one that cannot be met, within …
            break
    return value


def _make_typed_sampler(name: str, schema: Schema) -> Sampler:
    kind_of_json = _choose_type(schema)
    if kind_of_json == "object":
        # That no other country's place stands beside a region of the pool, which is one of `REGIONS_OF`.
        holds_region = any(infer_value_kind(key, _AS_TEXT) == "region" for key in schema.get("properties") or ())
        return partial(_sample_object, name, schema, REGIONS_OF if holds_region else None)
    if kind_of_json == "array":
        return partial(_sample_array, name, schema)
    if kind_of_json == "boolean":
        return lambda scene, _: scene.rng.random() < 0.6
    if kind_of_json == "null":
        return lambda scene, _: None
    kind = infer_value_kind(name, schema)
    if kind_of_json == "string":
        return lambda scene, _: _sample_text(kind, schema, scene)
    draw_number = make_number_sampler(kind, schema, whole=kind_of_json == "integer")
    return lambda scene, _: draw_number(scene)


def _choose_type(schema: Schema) -> str:
    declared = schema.get("type")
    if isinstance(declared, list):
        declared = next((kind for kind in declared if kind != "null"), "null")
    if isinstance(declared, str):
        return declared
    if "properties" in schema or "additionalProperties" in schema or "required" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    return "number" if "minimum" in schema or "maximum" in schema or "multipleOf" in schema else "string"


def _sample_text(kind: str | None, schema: Schema, scene: Scene) -> str:
    default = schema.get("default")
    if kind is None and isinstance(default, str) and default and conforms(default, schema):
        return default
    pattern = schema.get("pattern")
    shortest, longest = _read_size(schema, "minLength") or 0, _read_size(schema, "maxLength")
    text = ""
    for _ in range(TEXT_CAP):
        text = draw_text(kind or _guess_text_kind(schema), schema, scene) or scene.rng.choice(texts.WORDS)
        fits = len(text) >= shortest and (longest is None or len(text) <= longest)
        if fits and (not isinstance(pattern, str) or matches_pattern(pattern, text)):
            return text
    if isinstance(pattern, str):
        return sample_pattern(pattern, scene.rng, shortest, longest) or text
    if len(text) < shortest and kind in {"url", "image_url"}:
        text += "-" + "a" * (shortest - len(text) - 1)
    while len(text) < shortest:
        text = f"{text} {scene.rng.choice(texts.WORDS)}"[: max(shortest, longest or shortest + 12)]
    return text if longest is None or len(text) <= longest else _shorten(text, shortest, longest)


def _read_size(schema: Schema, key: str) -> int | None:
    """A length that a schema sets, which JSON may spell `3.0`."""
    size = schema.get(key)
    return int(size) if size is not None else None


def _shorten(text: str, shortest: int, longest: int) -> str:
    """The text cut at a word's end if that leaves enough of it."""
    cut = text[:longest]
    whole_words = cut.rpartition(" ")[0].rstrip(" .,")
    return whole_words if len(whole_words) >= max(shortest, 1) else cut


def _guess_text_kind(schema: Schema) -> str:
    """Words for a short field, a sentence for one that asks for more."""
    longest = schema.get("maxLength")
    if (schema.get("minLength") or 0) > 20:
        return "description"
    return "word" if longest is not None and longest <= 30 else "name"


def _sample_array(name: str, schema: Schema, scene: Scene, depth: int) -> list[Json]:
    shortest, longest = _read_size(schema, "minItems") or 0, _read_size(schema, "maxItems")
    prefix = schema.get("prefixItems") or ()
    items = schema.get("items", ANYTHING)
    size = max(shortest, scene.rng.randint(1, MOST_ITEMS) if depth < DEEPEST else 0)
    size = size if longest is None else min(size, longest)
    size = (
        min(size, len(prefix)) if items is False else max(size, min(len(prefix), size if longest is None else longest))
    )
    item_name = "_".join(name_words(name)) or name
    values: list[Json] = []
    scene.effort.values -= size
    for position in range(size if scene.effort.values > 0 else 0):
        item = prefix[position] if position < len(prefix) else items
        # Each item is a scene of its own: three cities, not one three times. Distinct if that can be had cheaply.
        for _ in range(ATTEMPTS if schema.get("uniqueItems") else 3):
            value = _sample(item_name, item, Scene(scene.rng, scene.effort), depth + 1)
            if value not in values:
                break
            scene.effort.retries -= 1
            if scene.effort.retries < 0:
                break
        else:
            if len(values) >= shortest:
                break
        values.append(value)
    return values


def _sample_object(name: str, schema: Schema, country_code: str | None, scene: Scene, depth: int) -> dict[str, Json]:
    properties = schema.get("properties") or {}
    required = schema.get("required") or ()
    # Nested places and people (an order's customer) are scenes of their own; the object itself is one.
    if depth:
        scene = Scene(scene.rng, scene.effort)
    if country_code is not None:
        scene.country_code = country_code
    members: dict[str, Json] = {}
    scene.effort.values -= len(properties) + len(required)
    if scene.effort.values < 0:
        return members
    for key, part in properties.items():
        if part is not False and (depth < DEEPEST or key in required):
            members[key] = _sample(key, part, scene, depth + 1)
    extra = schema.get("additionalProperties")
    for key in required:
        if key not in members:
            members[key] = _sample(key, extra if isinstance(extra, dict) else ANYTHING, scene, depth + 1)
    most = _read_size(schema, "maxProperties")
    if most is not None and len(members) > most:
        optional = [key for key in members if key not in required]
        for key in optional[: len(members) - most]:
            del members[key]
    wanted = _read_size(schema, "minProperties") or 0
    if not properties and isinstance(extra, dict) and depth < DEEPEST:
        wanted = max(wanted, 3 if most is None else min(3, most))
    _add_extras(members, wanted, name, extra, scene, depth)
    return members


def _add_extras(members: dict[str, Json], wanted: int, name: str, extra: Any, scene: Scene, depth: int) -> None:
    """Further members of a map, under keys of the kind that its name tells (`rates`: currency codes)."""
    if extra is False:
        return
    words = name_words(name)
    kind = infer_value_kind(words[-1], _AS_TEXT) if words else None
    kind = {"exchange_rate": "currency_code", "price": "currency_code"}.get(kind or "", kind)
    for attempt in range(8 * wanted):
        scene.effort.values -= 1
        if len(members) >= wanted or scene.effort.values < 0:
            return
        usable = (
            kind in {"currency_code", "country_code", "language_code", "city", "date", "symbol"}
            and attempt < 4 * wanted
        )
        key = draw_text(kind if usable and kind else "word", {}, Scene(scene.rng, scene.effort)) or "key"
        if key not in members:
            members[key] = _sample(
                key, extra if isinstance(extra, dict) else ANYTHING, Scene(scene.rng, scene.effort), depth + 1
            )
