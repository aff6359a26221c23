"""The state of one episode: which things exist, and what is known of each.

A thing's values follow from (API, seed, collection, what it was made for), not from when it was asked for.
"""

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from schemas.base import Json, canonical_json
from tasks.mock.changes import ChangeLog
from tasks.mock.filters import Condition, fit_conditions, fit_text, meets, meets_text
from tasks.mock.plan import Collection
from tasks.mock.shapes import Schema, has_type, is_number, list_properties
from tasks.mock.shown_ids import blend_label, draw_id, list_shown_values
from tasks.values import conforms, sample_value

Values = dict[str, Any]
Stocks = dict[str, bytes]
"""What collections are first stocked with, by their names: shelves, packed."""

ATTEMPTS = 12
DRAWS = 5
MOST_THINGS = 60
"""How far one list grows when ever later pages are asked for."""


@dataclass(eq=False)
class Thing:
    """One thing of a collection. `scope` is what it was found under; `values` may hold more than any answer shows."""

    id: Json
    values: Values
    scope: Values = field(default_factory=dict)
    variants: dict[tuple[str, int], Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Wish:
    """What a request asks a collection for, and between which numbers of things it should find (made if need be)."""

    conditions: tuple[Condition, ...] = ()
    text: str = ""
    scope: tuple[tuple[str, Any], ...] = ()
    least: int = 0
    most: int = 5


ANYTHING = Wish()


@dataclass(eq=False)
class Shelf:
    """A collection's things in an episode, in the order in which they came to be; deleted ids never come back."""

    things: list[Thing] = field(default_factory=list)
    by_id: dict[str, Thing] = field(default_factory=dict)
    taken_ids: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    answered: dict[str, int] = field(default_factory=dict)
    created: int = 0


class World:
    """All things of an episode.

    `stocks` is shared by worlds of one API and seed that would else each make the same things to begin with: the
    first one leaves copies in it, which the others unpack. Nothing that happens in a world reaches it.
    """

    def __init__(self, api_id: str, seed: int, stocks: Stocks | None = None) -> None:
        self._key = f"{api_id}|{seed}"
        self._stocks = stocks
        self._shelves: dict[str, Shelf] = {}
        self.changes = ChangeLog()
        """What requests have done to its things."""
        self._ids: dict[str, list[Json]] = {}

    def rng(self, *parts: object) -> Random:
        """A generator for one purpose: the same for the same API, seed and parts, on every machine."""
        return Random("|".join((self._key, *map(str, parts))))

    def find_by_id(self, collection: Collection, wanted: Json) -> Thing | None:
        """The thing of that id, or None."""
        return self._stock(collection).by_id.get(str(wanted))

    def find(self, collection: Collection, wish: Wish) -> list[Thing]:
        """The things that meet the wish. Some are made when it is asked for the first time and too few meet it."""
        shelf = self._stock(collection)
        found = [thing for thing in shelf.things if _fits(thing, wish)]
        key = canonical_json([[[c.filter.argument, c.value] for c in wish.conditions], wish.text, wish.scope])
        narrowed = bool(wish.conditions or wish.text or wish.scope)
        usual = self.rng("size", collection.name, key).randint(1, wish.most) if narrowed else 0
        wanted = min(max(usual, wish.least), MOST_THINGS)
        made = shelf.answered.get(key, 0)
        if made >= wanted:
            return found
        for turn in range(made, made + max(wanted - len(found), 0)):
            thing = self._make(collection, f"{key}#{turn}", wish, turn)
            if _fits(thing, wish):
                found.append(thing)
        shelf.answered[key] = wanted
        return found

    def create(self, collection: Collection, values: Values, scope: Values) -> Thing:
        """A new thing with the given values, the others made up; an id among them is kept."""
        shelf = self._stock(collection)
        shelf.created += 1
        given = values.get(collection.id_name) if collection.id_name else None
        known = given is not None and str(given) not in shelf.by_id
        thing = self._make(collection, f"created#{shelf.created}", id=given if known else None)
        for name, value in values.items():
            if name != collection.id_name:
                thing.values[name] = value
        thing.scope = scope
        self.changes.note_made(collection.name, thing.id, thing.values)
        return thing

    def ensure(self, collection: Collection, wanted: Json) -> Thing:
        """The thing of that id, made up if there is none (for ids that come from outside the API)."""
        return self.find_by_id(collection, wanted) or self._make(collection, f"id {wanted}", id=wanted)

    def delete(self, collection: Collection, thing: Thing) -> None:
        """Removes a thing for good."""
        shelf = self._stock(collection)
        shelf.things.remove(thing)
        del shelf.by_id[str(thing.id)]
        self.changes.note_removed(collection.name, thing.id)

    def list_ids(self, collection: Collection) -> list[Json]:
        """The ids that exist from the start, in order; a function of API and seed only."""
        if collection.name not in self._ids:
            self._ids[collection.name] = self._make_ids(collection)
        return self._ids[collection.name]

    def _make_ids(self, collection: Collection) -> list[Json]:
        ids: list[Json] = list(collection.id_examples[:10])
        resource = collection.name.split("_")[-1]
        size = len(ids) + self.rng("stock", collection.name).randint(4, 6) - min(len(ids), 3)
        position = 0
        while len(ids) < size and position < 3 * size:
            rng = self.rng("id", collection.name, position)
            candidate = draw_id(collection.id_name or "id", collection.id_schema, collection.id_examples, rng, resource)
            if candidate not in ids:
                ids.append(candidate)
            position += 1
        return ids

    def project(self, thing: Thing, schema: Schema) -> Values:
        """A thing as a schema shows it: values it has, others made up once and kept."""
        shown: Values = {}
        for name, part in list_properties(schema).items():
            if name in thing.values and _looks_right(thing.values[name], part):
                shown[name] = _narrow(thing.values[name], part)
                continue
            key = (name, id(part))
            if key not in thing.variants:
                thing.variants[key] = sample_value(name, part, self.rng("variant", thing.id, name))
                thing.values.setdefault(name, thing.variants[key])
            shown[name] = thing.variants[key]
        return shown

    def _stock(self, collection: Collection) -> Shelf:
        if collection.name not in self._shelves:
            self._fill_shelf(collection)
        return self._shelves[collection.name]

    def _fill_shelf(self, collection: Collection) -> None:
        # What the things refer to may have changed in this episode; then they are this episode's alone.
        is_usual = self._shelves.keys().isdisjoint(owner.name for owner in collection.foreign.values())
        stocks = self._stocks if is_usual else None
        if stocks is not None and collection.name in stocks:
            self._shelves[collection.name] = pickle.loads(stocks[collection.name])
            return
        shelf = self._shelves[collection.name] = Shelf()
        for id_ in self.list_ids(collection):
            self._make(collection, f"stock {id_}", id=id_)
        if stocks is not None:
            stocks[collection.name] = pickle.dumps(shelf)

    def _make(
        self, collection: Collection, purpose: str, wish: Wish = ANYTHING, turn: int = 0, id: Json = None
    ) -> Thing:
        shelf = self._shelves[collection.name]
        rng = self.rng("thing", collection.name, purpose)
        values = self._draw_values(collection, rng, shelf)
        self._set_label(collection, values, rng, shelf)
        if id is None:
            id = self._new_id(collection, rng, shelf)
        if collection.id_name is not None:
            values[collection.id_name] = id
        for alias in collection.id_aliases:
            self._relate(values, alias, collection.properties[alias], id)
        for name, owner in collection.foreign.items():
            ids = [thing.id for thing in self._shelves[owner.name].things] if owner.name in self._shelves else []
            ids = ids or self.list_ids(owner)
            self._relate(values, name, collection.properties[name], rng.choice(ids))
        for first, second in collection.pairs:
            _order_pair(values, first, second)
        if wish.text:
            fit_text(values, wish.text, collection)
        fit_conditions(values, wish.conditions, rng, turn)
        thing = Thing(id, values, dict(wish.scope))
        shelf.things.append(thing)
        shelf.by_id[str(id)] = thing
        shelf.taken_ids.add(str(id))
        return thing

    def _draw_values(self, collection: Collection, rng: Random, shelf: Shelf) -> Values:
        """Values that belong together; drawn anew as a whole while their name is another thing's."""
        values: Values = {}
        for _ in range(DRAWS):
            drawn = sample_value(collection.name, collection.drawn_schema, rng)
            assert isinstance(drawn, dict)
            values = {name: drawn.get(collection.fuller_names.get(name, name)) for name in collection.properties}
            if collection.label is None or str(values[collection.label]) not in shelf.labels:
                break
        return values

    def _relate(self, values: Values, name: str, part: Schema, id: Json) -> None:
        related: Json = [id] if has_type(part, "array") else id
        if conforms(related, part) or conforms(related := str(id), part):
            values[name] = related

    def _new_id(self, collection: Collection, rng: Random, shelf: Shelf) -> Json:
        resource = collection.name.split("_")[-1]
        candidate: Json = None
        for _ in range(ATTEMPTS):
            candidate = draw_id(collection.id_name or "id", collection.id_schema, collection.id_examples, rng, resource)
            if str(candidate) not in shelf.taken_ids:
                break
        return candidate

    def _set_label(self, collection: Collection, values: Values, rng: Random, shelf: Shelf) -> None:
        """Sees to it that no two things share a name, as far as the schema has names enough."""
        if collection.label is None:
            return
        part, bare = collection.properties[collection.label], collection.label_schema
        name = collection.fuller_names.get(collection.label, collection.label)
        label: Json = values.get(collection.label)
        examples = [example for example in list_shown_values(part) if isinstance(example, str)]
        for attempt in range(ATTEMPTS):
            if str(label) not in shelf.labels or "enum" in part:
                break
            label = (
                blend_label(examples, rng) if examples and attempt < ATTEMPTS // 2 else sample_value(name, bare, rng)
            )
            label = label if conforms(label, bare) else sample_value(name, bare, rng)
        shelf.labels.add(str(label))
        values[collection.label] = label


def _fits(thing: Thing, wish: Wish) -> bool:
    return (
        all(thing.scope.get(name) == value for name, value in wish.scope)
        and all(meets(thing.values, condition) for condition in wish.conditions)
        and (not wish.text or meets_text(thing.values, wish.text))
    )


def _order_pair(values: Values, first: str, second: str) -> None:
    low, high = values.get(first), values.get(second)
    if type(low) is type(high) and isinstance(low, (str, int, float)) and low > high:  # type: ignore[operator]
        values[first], values[second] = high, low


_TYPES: dict[str, Callable[[Json], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": is_number,
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}


def _looks_right(value: Json, part: Schema) -> bool:
    """Whether a value is of the type that the schema asks for (the whole answer is checked afterwards)."""
    declared = part.get("type")
    types: Sequence[str] = declared if isinstance(declared, list) else (declared,) if declared else ()
    if "enum" in part and value not in part["enum"]:
        return False
    return not types or any(_TYPES[kind](value) for kind in types if kind in _TYPES)


def _narrow(value: Json, part: Schema) -> Json:
    """Only those members of an object that the schema shows."""
    inner = list_properties(part)
    return (
        {key: member for key, member in value.items() if key in inner} if inner and isinstance(value, dict) else value
    )
