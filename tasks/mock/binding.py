"""Which arguments narrow down, cut and order a list: told once for each operation, from names and schemas."""

from collections.abc import Iterable, Mapping

from tasks.mock.plan import Collection, Filter, ListControls
from tasks.mock.shapes import Schema, has_type, list_properties
from tasks.mock.vocabulary import (
    CONTROLS,
    DIRECTIONS,
    FREE_TEXT,
    LIMITS,
    LOWER_BOUNDS,
    OFFSETS,
    PAGES,
    SORTS,
    UPPER_BOUNDS,
    is_id_name,
)
from tasks.values import Words, infer_value_kind, join_snake, name_words


def read_controls(arguments: Mapping[str, Schema], properties: Mapping[str, Schema]) -> ListControls:
    """Which arguments cut, order and search a list."""
    taken = {join_snake(name) for name in properties}

    def pick(words: frozenset[str], kinds: tuple[str, ...], own: bool = False) -> str | None:
        for name, schema in arguments.items():
            # An argument named like a property filters by it, except for what only ever cuts a list.
            fits = any(has_type(schema, kind) for kind in kinds) or "type" not in schema
            if join_snake(name) in words and fits and (own or join_snake(name) not in taken):
                return name
        return None

    return ListControls(
        limit=pick(LIMITS, ("integer", "number", "string")),
        offset=pick(OFFSETS, ("integer", "number")),
        page=pick(PAGES, ("integer", "number", "string")),
        sort=pick(SORTS, ("string",), own=True),
        direction=pick(DIRECTIONS, ("string",)),
        text=pick(FREE_TEXT, ("string",)),
    )


def bind_filters(arguments: Mapping[str, Schema], collection: Collection, taken: Iterable[str]) -> tuple[Filter, ...]:
    """The arguments that narrow a collection down by a property of its things."""
    used = set(taken)
    bound = (_bind_filter(name, schema, collection) for name, schema in arguments.items() if name not in used)
    return tuple(item for item in bound if item is not None)


def _bind_filter(argument: str, schema: Schema, collection: Collection) -> Filter | None:
    words = name_words(argument)
    paths = _list_paths(collection)
    keys = _find_exact(words, paths, collection)
    if keys is not None:
        return _bind_equal(argument, keys, paths[keys], collection)
    for bounds, test in ((LOWER_BOUNDS, "least"), (UPPER_BOUNDS, "most")):
        spots = [position for position, word in enumerate(words) if word in bounds]
        # `min_minimum_salary` asks for the least of a property that is itself a minimum.
        for bare in dict.fromkeys(_drop(words, dropped) for dropped in (spots, spots[:1], spots[-1:]) if spots):
            keys = _find_exact(bare, paths, collection) or _find_part(bare, paths)
            keys = keys or _find_dated(bare, schema, paths)
            if keys is not None and not has_type(paths[keys], "array"):
                return Filter(argument, keys, test, paths[keys])
    keys = _find_part(words, paths)
    return _bind_equal(argument, keys, paths[keys], collection) if keys is not None else None


def _drop(words: Words, positions: list[int]) -> Words:
    return tuple(word for position, word in enumerate(words) if position not in positions)


def _bind_equal(argument: str, keys: tuple[str, ...], part: Schema, collection: Collection) -> Filter:
    kind = infer_value_kind(keys[-1], part)
    if has_type(part, "array"):
        test = "member"
    elif kind in {"latitude", "longitude"}:
        test = "near"
    elif has_type(part, "string") and (keys == (collection.label,) or kind in {"title", "description", "sentence"}):
        test = "contains"
    else:
        test = "equal"
    return Filter(argument, keys, test, part)


def _list_paths(collection: Collection) -> dict[tuple[str, ...], Schema]:
    """Properties of the things, and those of objects directly in them."""
    paths: dict[tuple[str, ...], Schema] = {(name,): part for name, part in collection.properties.items()}
    for name, part in collection.properties.items():
        paths |= {(name, inner): schema for inner, schema in list_properties(part).items()}
    return {keys: part for keys, part in paths.items() if not has_type(part, "object")}


def _find_exact(
    words: Words, paths: Mapping[tuple[str, ...], Schema], collection: Collection
) -> tuple[str, ...] | None:
    """The property of that name; the resource's own name may precede it (`petName` for a pet's `name`)."""
    resource = tuple(collection.name.split("_"))
    for wanted in (words, words[len(resource) :] if words[: len(resource)] == resource else ()):
        for keys in paths:
            if wanted and name_words(keys[-1]) == wanted and not (len(keys) > 1 and join_snake(keys[-1]) in CONTROLS):
                return keys
    return None


def _find_part(words: Words, paths: Mapping[tuple[str, ...], Schema]) -> tuple[str, ...] | None:
    """The property that has one word more or less: `category_name` for `category`, `city` for `location_city`."""
    for keys in paths:
        names = name_words(keys[-1])
        if (
            len(keys) == 1
            and words
            and not is_id_name(keys[-1])
            and (names[:-1] == words or (len(words) == 2 and names == words[1:]))
        ):
            return keys
    return None


def _find_dated(bare: Words, schema: Schema, paths: Mapping[tuple[str, ...], Schema]) -> tuple[str, ...] | None:
    """The one date that `from`, `start_date` or `until` can mean."""
    is_date = bare in {(), ("date",), ("time",), ("at",), ("on",)}
    kind = infer_value_kind("_".join(bare), schema)
    if not is_date or (not bare and kind not in {"date", "date_time"} and "date" not in str(schema.get("description"))):
        return None
    dated = (keys for keys, part in paths.items() if infer_value_kind(keys[-1], part) in {"date", "date_time"})
    return next((keys for keys in dated if has_type(paths[keys], "string")), None)
