"""What each role answers: finds or changes things in the world, and puts them into the response's shape."""

from collections.abc import Callable, Mapping
from typing import Any

from schemas.base import Json, canonical_json
from tasks.mock.computed import echo_arguments, fill_conversion, fill_outcome, fill_statistics
from tasks.mock.faults import RequestError
from tasks.mock.filters import Condition
from tasks.mock.lists import DEFAULT_PAGE, describe_figure, find_slice, read_int, sort_things
from tasks.mock.plan import Collection, Role, Route
from tasks.mock.shapes import Schema, has_type, list_properties, put_at, read_at, tidy_schema
from tasks.mock.vocabulary import CONTROLS, is_id_name, name_words, read_resource, snake
from tasks.mock.world import MOST_THINGS, Thing, Wish, World
from tasks.values import conforms, sample_value

Arguments = Mapping[str, Any]
Targets = dict[str, Thing]

LONGEST_UNFILTERED = 12
"""Up to this many things are made to fill the limit of a list that nothing narrows down."""

ACTIONS = {"cancel": "cancel", "close": "close", "complete": "complet", "confirm": "confirm", "approve": "approv"}


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


def answer(route: Route, arguments: Arguments, targets: Targets, world: World) -> Json:
    """The body of a good answer; changes the world where the role does. None where there is no body."""
    given = _flatten_arguments(arguments)
    body = _ANSWERS[route.role](route, given, targets, world)
    if route.response is None:
        return None if route.status == 204 else body
    if not route.check(body):
        body = _mend(route, body, given, world)
    return body


def _flatten_arguments(arguments: Arguments) -> dict[str, Any]:
    """The arguments, with the members of a whole body beside them."""
    inner = {key: value for part in arguments.values() if isinstance(part, dict) for key, value in part.items()}
    return {**inner, **arguments}


def _read_wish(route: Route, arguments: Arguments, targets: Targets) -> Wish:
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


def _find_things(route: Route, arguments: Arguments, targets: Targets, world: World) -> list[Thing]:
    collection = _own_collection(route)
    wish = _read_wish(route, arguments, targets)
    start, size = find_slice(route.controls, arguments)
    narrowed = bool(wish.conditions or wish.text or wish.scope)
    least = size if size is not None and size <= LONGEST_UNFILTERED and (not narrowed or route.is_bounded) else 0
    if start and start + 1 < MOST_THINGS:
        least = max(least, start + world.rng("page", collection.name, start).randint(1, 4))
    several = next((item for item in wish.conditions if item.filter.test == "equal" and len(_split(item)) > 1), None)
    if several is not None:
        for value in _split(several):
            others = tuple(item for item in wish.conditions if item is not several)
            each = (*others, Condition(several.filter, value))
            world.find(collection, Wish(each, wish.text, wish.scope, most=1))
        least = max(least, 1)
    in_path = {parameter.argument for parameter in route.operation.parameters if parameter.place == "path"}
    names_one = any(c.filter.keys == (collection.label,) and c.filter.argument in in_path for c in wish.conditions)
    wish = Wish(wish.conditions, wish.text, wish.scope, least, most=1 if several is not None or names_one else 5)
    found = world.find(collection, wish)
    own = {id(thing) for thing in targets.values()}
    found = [thing for thing in found if id(thing) not in own]
    return sort_things(found, route.controls, arguments, collection, route.verbs)


def _split(condition: Condition) -> list[Any]:
    value = condition.value
    if isinstance(value, list):
        return value
    return [each.strip() for each in value.split(",")] if isinstance(value, str) and "," in value else [value]


def _answer_list(route: Route, arguments: Arguments, targets: Targets, world: World) -> Json:
    found = _find_things(route, arguments, targets, world)
    start, size = find_slice(route.controls, arguments)
    shown = found[start:] if size is None else found[start : start + size]
    # Where no limit is given, a first page still leaves out what only later pages were made for.
    if size is None and route.controls.page and start == 0 and len(found) > DEFAULT_PAGE:
        shown = found[:DEFAULT_PAGE]
    items: list[Json] = [world.project(thing, route.item) for thing in shown]
    body = put_at(_sample_frame(route, arguments, world), route.keys, items)
    if not route.keys:
        return body
    echo_arguments(body, route.frame, arguments)
    for depth in range(len(route.keys)):
        holder, schema = read_at(body, route.keys[:depth]), _schema_at(route.frame, route.keys[:depth])
        for name, part in list_properties(schema).items():
            figure = describe_figure(name, part, len(found), len(shown), start, size)
            if figure is not None and conforms(figure, part):
                holder[name] = figure
        _copy_from_targets(holder, schema, arguments, targets)
    fill_statistics(body, _without_figures(route.frame), shown)
    return body


def _without_figures(schema: Schema) -> Schema:
    """The frame without its counts, which `describe_figure` has set already."""
    kept = {
        name: part
        for name, part in list_properties(schema).items()
        if {"average", "avg", "mean", "min", "max", "lowest", "highest", "sum"} & set(name_words(name))
    }
    return {**schema, "properties": kept}


def _answer_fetch(route: Route, arguments: Arguments, targets: Targets, world: World) -> Json:
    thing = _own_target(route, targets)
    if thing is None:
        collection = _own_collection(route)
        wish = _read_wish(route, arguments, targets)
        found = world.find(collection, Wish(wish.conditions, "", wish.scope, most=1))
        if not found:
            return _answer_other(route, arguments, targets, world)
        thing = found[0]
    return _show_thing(route, thing, arguments, targets, world)


def _answer_pick(route: Route, arguments: Arguments, targets: Targets, world: World) -> Json:
    found = _find_things(route, arguments, targets, world)
    if not found:
        return _answer_other(route, arguments, targets, world)
    drawn = world.rng("pick", route.operation.name, canonical_json(dict(arguments))).choice(found)
    thing = drawn if "random" in route.verbs else found[0]
    return _show_thing(route, thing, arguments, targets, world)


def _answer_create(route: Route, arguments: Arguments, targets: Targets, world: World) -> Json:
    collection = _own_collection(route)
    values = _read_fields(route, arguments)
    thing = world.create(collection, values, {name: arguments[name] for name in arguments if name in route.fields})
    body = _show_thing(route, thing, arguments, targets, world)
    fill_outcome(body, tidy_schema(route.response), route.role, collection.name, is_read=False)
    return body


def _answer_update(route: Route, arguments: Arguments, targets: Targets, world: World) -> Json:
    thing = _own_target(route, targets)
    if thing is None:
        return _answer_other(route, arguments, targets, world)
    own = {item.argument for item in route.ids if item.is_own}
    thing.values.update(_read_fields(route, {name: arguments[name] for name in arguments if name not in own}))
    # What the change is made to may be shown in another shape elsewhere: those views are made anew.
    thing.variants.clear()
    _apply_action(route, thing)
    body = _show_thing(route, thing, arguments, targets, world)
    fill_outcome(body, tidy_schema(route.response), route.role, _own_collection(route).name, is_read=False)
    return body


def _answer_delete(route: Route, arguments: Arguments, targets: Targets, world: World) -> Json:
    thing = _own_target(route, targets)
    body = _answer_other(route, arguments, targets, world)
    if thing is None:
        return body
    item = next(item for item in route.ids if item.is_own)
    if item.collection.id_name is not None and isinstance(body, dict):
        part = list_properties(tidy_schema(route.response)).get(item.collection.id_name)
        if part is not None and conforms(thing.id, part):
            body[item.collection.id_name] = thing.id
    world.delete(item.collection, thing)
    return body


def _answer_count(route: Route, arguments: Arguments, targets: Targets, world: World) -> Json:
    things = _find_things(route, arguments, targets, world)
    body = _answer_other(route, arguments, targets, world)
    schema = tidy_schema(route.response)
    fill_statistics(body, schema, things)
    return len(things) if has_type(schema, "integer") else body


def _answer_other(route: Route, arguments: Arguments, targets: Targets, world: World) -> Json:
    if route.response is None and route.status == 204:
        return None
    if _is_open(route.response):
        return _answer_openly(arguments, world)
    assert route.response is not None
    rng = world.rng("answer", route.operation.name, canonical_json(dict(arguments)))
    resource = "_".join(read_resource(route.operation.name)) or route.operation.name
    schema = tidy_schema(route.response)
    words = [segment for segment in route.operation.path.split("/") if segment and "{" not in segment]
    drawn = route.response
    if has_type(schema, "array") and not list_properties(schema.get("items", {})) and "maxItems" not in schema:
        drawn = {**drawn, "minItems": max(schema.get("minItems", 0), 5), "uniqueItems": True}  # all there are: several
    body = sample_value(words[-1] if words and has_type(schema, "array") else resource, drawn, rng)
    _copy_from_targets(body, schema, arguments, targets)
    echo_arguments(body, schema, arguments)
    noun = route.collection.name if route.collection is not None else ""
    fill_outcome(body, schema, route.role, noun, is_read=route.operation.method == "GET")
    fill_conversion(body, schema, arguments, world)
    limit = read_int(arguments.get("limit"), -1)
    return body[:limit] if isinstance(body, list) and limit >= 0 else body


def _is_open(response: Schema | None) -> bool:
    """Whether the document says nothing of what an answer holds."""
    return not response or not {"type", "properties", "items", "enum", "const", "allOf", "oneOf", "anyOf"} & set(
        response
    )


def _answer_openly(arguments: Arguments, world: World) -> Json:
    """Where the document leaves the answer open: what was asked, and what can be computed from it."""
    body: dict[str, Json] = {
        "success": True,
        **{
            name: value
            for name, value in arguments.items()
            if snake(name) not in CONTROLS and not isinstance(value, dict)
        },
    }
    figures = {"properties": {"rate": {"type": "number"}, "result": {"type": "number"}}, "type": "object"}
    computed: dict[str, Json] = {"rate": None, "result": None}
    fill_conversion(computed, figures, arguments, world)
    return {**body, **{name: value for name, value in computed.items() if value is not None}}


def _show_thing(route: Route, thing: Thing, arguments: Arguments, targets: Targets, world: World) -> Json:
    """The response with one thing in its place, other fields echoing the request or the thing."""
    if _is_open(route.response):
        return None if route.status == 204 else dict(thing.values)
    if not list_properties(route.item):
        return _answer_other(route, arguments, targets, world)
    shown = world.project(thing, route.item)
    if route.role in {Role.FETCH, Role.PICK}:
        unset = {name: value for name, value in arguments.items() if name_words(name) not in _words_of(thing)}
        echo_arguments(shown, route.item, unset)
    if not route.keys:
        return shown
    body = put_at(_sample_frame(route, arguments, world), route.keys, shown)
    outer = {**route.frame, "properties": {k: v for k, v in list_properties(route.frame).items() if k != route.keys[0]}}
    echo_arguments(body, outer, arguments)
    fill_outcome(body, outer, route.role, "", is_read=route.operation.method == "GET")
    return body


def _words_of(thing: Thing) -> set[tuple[str, ...]]:
    return {name_words(name) for name in thing.values}


def _sample_frame(route: Route, arguments: Arguments, world: World) -> Json:
    if not route.keys:
        return []
    return sample_value(
        "response", route.frame, world.rng("frame", route.operation.name, canonical_json(dict(arguments)))
    )


def _schema_at(schema: Schema, keys: tuple[str, ...]) -> Schema:
    for key in keys:
        schema = list_properties(schema).get(key, {})
    return schema


def _copy_from_targets(body: Json, schema: Schema, arguments: Arguments, targets: Targets) -> None:
    """Gives fields that a named thing has too the thing's values (`/pets/{petId}/availability` telling the name)."""
    if not isinstance(body, dict):
        return
    asked = {name_words(name) for name in arguments}
    for name, part in list_properties(schema).items():
        for argument, thing in targets.items():
            # An `id` beside the thing's own is another's.
            if name not in body or name not in thing.values or name_words(name) in asked or is_id_name(name):
                continue
            if conforms(thing.values[name], part) and argument in arguments and not has_type(part, "boolean"):
                body[name] = thing.values[name]


def _read_fields(route: Route, arguments: Arguments) -> dict[str, Any]:
    """The values that a request sets, by property."""
    return {
        route.fields.get(name, name): value
        for name, value in arguments.items()
        if name in route.fields and not (isinstance(value, dict) and name in {"body", "request_body", "requestBody"})
    }


def _apply_action(route: Route, thing: Thing) -> None:
    """`/orders/{orderId}/cancel` sets the status that its schema has for it."""
    stem = next((ACTIONS[word] for word in ACTIONS if word in route.operation.path.lower().split("/")[-1]), None)
    collection = route.collection
    if stem is None or collection is None:
        return
    for name, part in collection.properties.items():
        options = part.get("enum")
        fitting = next((v for v in options if isinstance(v, str) and v.startswith(stem)), None) if options else None
        if fitting is not None:
            thing.values[name] = fitting


def _own_target(route: Route, targets: Targets) -> Thing | None:
    return next((targets[item.argument] for item in route.ids if item.is_own and item.argument in targets), None)


def _own_collection(route: Route) -> Collection:
    own = next((item.collection for item in route.ids if item.is_own), None)
    collection = route.collection or own
    assert collection is not None
    return collection


def _mend(route: Route, body: Json, arguments: Arguments, world: World) -> Json:
    """An answer that conforms, as near to the one that does not as can be had: fields that do not fit are made anew."""
    assert route.response is not None
    fresh = sample_value(
        "response", route.response, world.rng("mend", route.operation.name, canonical_json(dict(arguments)))
    )
    if not isinstance(body, dict) or not isinstance(fresh, dict):
        return fresh
    mended = dict(fresh)
    for name, value in body.items():
        candidate = {**mended, name: value}
        if route.check(candidate):
            mended = candidate
    return mended


_ANSWERS: dict[Role, Callable[[Route, Arguments, Targets, World], Json]] = {
    Role.LIST: _answer_list,
    Role.FETCH: _answer_fetch,
    Role.PICK: _answer_pick,
    Role.CREATE: _answer_create,
    Role.UPDATE: _answer_update,
    Role.DELETE: _answer_delete,
    Role.COUNT: _answer_count,
    Role.OTHER: _answer_other,
}
