"""Finds the things that a request is about: those that its ids name, and those that its filters find."""

from collections.abc import Mapping
from typing import Any

from tasks.mock.faults import RequestError
from tasks.mock.filters import Condition, split_wanted
from tasks.mock.lists import find_slice, sort_things
from tasks.mock.plan import Collection, Route
from tasks.mock.world import MOST_THINGS, Thing, Wish, World

Arguments = Mapping[str, Any]
Targets = dict[str, Thing]

LONGEST_UNFILTERED = 12
"""Up to this many things are made to fill the limit of a list that nothing narrows down."""


def find_targets(route: Route, arguments: Arguments, world: World) -> Targets:
    """The things that the request's ids name, by argument.

    Raises:
        RequestError: 404, an id names nothing that exists.
    """
    targets: Targets = {}
    for item in route.ids:
        given = arguments.get(item.argument)
        for wanted in given if isinstance(given, list) else [given]:
            if wanted is None or isinstance(wanted, dict):
                continue
            thing = world.find_by_id(item.collection, wanted)
            if thing is None and (item.collection.is_listed or item.collection.id_examples):
                noun = item.collection.name.replace("_", " ")
                raise RequestError(404, "not_found", f"There is no {noun} with the id {wanted}.")
            targets[item.argument] = thing or world.ensure(item.collection, wanted)
    return targets


def read_wish(route: Route, arguments: Arguments) -> Wish:
    """What a list, a count or a pick looks for."""
    scope = {name: arguments[name] for name in route.scope if name in arguments}
    conditions = []
    for item in route.filters:
        value = arguments.get(item.argument)
        if value is None or value == [] or value == "":
            continue
        conditions.append(Condition(item, value))
    text = arguments.get(route.controls.text or "")
    return Wish(tuple(conditions), text if isinstance(text, str) else "", tuple(sorted(scope.items())))


def find_things(route: Route, arguments: Arguments, targets: Targets, world: World) -> list[Thing]:
    """What a list shows if nothing cuts it, in its order; things are made where too few meet the request."""
    collection = own_collection(route)
    wish = read_wish(route, arguments)
    start, size = find_slice(route.controls, arguments)
    narrowed = bool(wish.conditions or wish.text or wish.scope)
    least = size if size is not None and size <= LONGEST_UNFILTERED and (not narrowed or route.is_bounded) else 0
    if start and start + 1 < MOST_THINGS:
        least = max(least, start + world.rng("page", collection.name, start).randint(1, 4))
    several = next(
        (item for item in wish.conditions if item.filter.test == "equal" and len(split_wanted(item.value)) > 1), None
    )
    if several is not None:
        for value in split_wanted(several.value):
            others = tuple(item for item in wish.conditions if item is not several)
            each = (*others, Condition(several.filter, value))
            world.find(collection, Wish(each, wish.text, wish.scope, most=1))
    in_path = {parameter.argument for parameter in route.operation.parameters if parameter.place == "path"}
    names_one = any(c.filter.keys == (collection.label,) and c.filter.argument in in_path for c in wish.conditions)
    wish = Wish(wish.conditions, wish.text, wish.scope, least, most=1 if several is not None or names_one else 5)
    found = world.find(collection, wish)
    own = {id(thing) for thing in targets.values()}
    found = [thing for thing in found if id(thing) not in own]
    return sort_things(found, route.controls, arguments, collection, route.verbs)


def own_target(route: Route, targets: Targets) -> Thing | None:
    """The thing that the operation is about, if an id names it."""
    return next((targets[item.argument] for item in route.ids if item.is_own and item.argument in targets), None)


def own_collection(route: Route) -> Collection:
    """The collection that the operation works on."""
    own = next((item.collection for item in route.ids if item.is_own), None)
    collection = route.collection or own
    assert collection is not None
    return collection
