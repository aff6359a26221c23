"""What each role answers: finds or changes things in the world, and puts them into the response's shape."""

import re
from collections.abc import Callable
from typing import Any

from schemas.base import Json, canonical_json
from tasks.mock.computed import echo_arguments, fill_conversion, fill_outcome, fill_statistics
from tasks.mock.finding import Arguments, Targets, find_things, own_collection, own_target, read_wish
from tasks.mock.lists import DEFAULT_PAGE, describe_figure, find_slice, read_int
from tasks.mock.plan import Role, Route
from tasks.mock.shapes import Schema, has_type, list_properties, put_at, read_at
from tasks.mock.vocabulary import CONTROLS, is_id_name, read_resource
from tasks.mock.world import Thing, Wish, World
from tasks.values import conforms, join_snake, name_words, sample_value

ACTIONS = {"cancel": "cancel", "close": "close", "complete": "complet", "confirm": "confirm", "approve": "approv"}


def answer(route: Route, arguments: Arguments, targets: Targets, world: World) -> Json:
    """The body of a good answer; changes the world where the role does."""
    given = _flatten_arguments(arguments)
    body = _ANSWERS[route.role](route, given, targets, world)
    if route.response is not None and not route.check(body):
        body = _mend(route, body, given, world)
    return body


def _flatten_arguments(arguments: Arguments) -> dict[str, Any]:
    """The arguments, with the members of a whole body beside them."""
    inner = {key: value for part in arguments.values() if isinstance(part, dict) for key, value in part.items()}
    return {**inner, **arguments}


def _answer_list(route: Route, arguments: Arguments, targets: Targets, world: World) -> Json:
    found = find_things(route, arguments, targets, world)
    start, size = find_slice(route.controls, arguments)
    shown = found[start:] if size is None else found[start : start + size]
    # Where no limit is given, a first page still leaves out what only later pages were made for.
    if size is None and route.controls.page and start == 0:
        shown = found[:DEFAULT_PAGE]
    items: list[Json] = [world.project(thing, route.item) for thing in shown]
    body = put_at(_sample_frame(route, arguments, world), route.keys, items)
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
    thing = own_target(route, targets)
    if thing is None:
        collection = own_collection(route)
        wish = read_wish(route, arguments)
        found = world.find(collection, Wish(wish.conditions, "", wish.scope, most=1))
        if not found:
            return _answer_other(route, arguments, targets, world)
        thing = found[0]
    return _show_thing(route, thing, arguments, targets, world)


def _answer_pick(route: Route, arguments: Arguments, targets: Targets, world: World) -> Json:
    found = find_things(route, arguments, targets, world)
    if not found:
        return _answer_other(route, arguments, targets, world)
    drawn = world.rng("pick", route.operation.name, canonical_json(dict(arguments))).choice(found)
    thing = drawn if "random" in route.verbs else found[0]
    return _show_thing(route, thing, arguments, targets, world)


def _answer_create(route: Route, arguments: Arguments, targets: Targets, world: World) -> Json:
    collection = own_collection(route)
    values = _read_fields(route, arguments)
    thing = world.create(collection, values, {name: arguments[name] for name in arguments if name in route.fields})
    return _show_outcome(route, thing, arguments, targets, world)


def _answer_update(route: Route, arguments: Arguments, targets: Targets, world: World) -> Json:
    thing = own_target(route, targets)
    if thing is None:
        return _answer_other(route, arguments, targets, world)
    own = {item.argument for item in route.ids if item.is_own}
    world.changes.note_change(own_collection(route).name, thing.id, thing.values)
    thing.values.update(_read_fields(route, {name: arguments[name] for name in arguments if name not in own}))
    _apply_action(route, thing)
    return _show_outcome(route, thing, arguments, targets, world)


def _show_outcome(route: Route, thing: Thing, arguments: Arguments, targets: Targets, world: World) -> Json:
    """A thing as it is after a change, and that the change was made."""
    body = _show_thing(route, thing, arguments, targets, world)
    noun = own_collection(route).name
    fill_outcome(body, route.shape, route.role, noun, arguments, is_read=False)
    if isinstance(body, dict) and not route.keys:
        thing.values.update({name: value for name, value in body.items() if name in thing.values})
    return body


def _answer_delete(route: Route, arguments: Arguments, targets: Targets, world: World) -> Json:
    thing = own_target(route, targets)
    body = _answer_other(route, arguments, targets, world)
    if thing is None:
        return body
    item = next(item for item in route.ids if item.is_own)
    id_name = item.collection.id_name or ""
    part = list_properties(route.shape).get(id_name)
    if isinstance(body, dict) and part is not None and conforms(thing.id, part):
        body[id_name] = thing.id
    world.delete(item.collection, thing)
    return body


def _answer_count(route: Route, arguments: Arguments, targets: Targets, world: World) -> Json:
    things = find_things(route, arguments, targets, world)
    body = _answer_other(route, arguments, targets, world)
    schema = route.shape
    fill_statistics(body, schema, things)
    return len(things) if has_type(schema, "integer") else body


def _answer_other(route: Route, arguments: Arguments, targets: Targets, world: World) -> Json:
    if _is_open(route.response):
        return _answer_openly(arguments, world)
    assert route.response is not None
    rng = world.rng("answer", route.operation.name, canonical_json(dict(arguments)))
    resource = "_".join(read_resource(route.operation.name)) or route.operation.name
    schema = route.shape
    words = [segment for segment in route.operation.path.split("/") if segment and "{" not in segment]
    drawn = route.response
    if has_type(schema, "array") and not list_properties(schema.get("items", {})) and "maxItems" not in schema:
        drawn = {**drawn, "minItems": max(schema.get("minItems", 0), 5), "uniqueItems": True}  # all there are: several
    body = sample_value(words[-1] if words and has_type(schema, "array") else resource, drawn, rng)
    _copy_from_targets(body, schema, arguments, targets)
    echo_arguments(body, schema, {**_read_own_id(route, arguments), **arguments})
    noun = route.collection.name if route.collection is not None else ""
    fill_outcome(body, schema, route.role, noun, arguments, is_read=route.operation.method == "GET")
    fill_conversion(body, schema, arguments, world)
    limit = read_int(arguments.get("limit"), -1)
    return body[:limit] if isinstance(body, list) and limit >= 0 else body


def _read_own_id(route: Route, arguments: Arguments) -> dict[str, Any]:
    """The value of the id that the path ends with, as `id`: an answer's own id is that of what is asked for."""
    found = re.search(r"\{([^{}]+)\}/?$", route.operation.path)
    name = found[1] if found else ""
    return {"id": arguments[name]} if is_id_name(name) and name in arguments else {}


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
            if join_snake(name) not in CONTROLS and not isinstance(value, dict)
        },
    }
    figures = {"properties": {"rate": {"type": "number"}, "result": {"type": "number"}}, "type": "object"}
    computed: dict[str, Json] = {"rate": None, "result": None}
    fill_conversion(computed, figures, arguments, world)
    return {**body, **{name: value for name, value in computed.items() if value is not None}}


def _show_thing(route: Route, thing: Thing, arguments: Arguments, targets: Targets, world: World) -> Json:
    """The response with one thing in its place, other fields echoing the request or the thing."""
    if _is_open(route.response):
        return dict(thing.values)
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
    fill_outcome(body, outer, route.role, "", arguments, is_read=route.operation.method == "GET")
    return body


def _words_of(thing: Thing) -> set[tuple[str, ...]]:
    return {name_words(name) for name in thing.values}


def _sample_frame(route: Route, arguments: Arguments, world: World) -> Json:
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
        for thing in targets.values():
            # An `id` beside the thing's own is another's.
            if name not in body or name not in thing.values or name_words(name) in asked or is_id_name(name):
                continue
            if conforms(thing.values[name], part) and not has_type(part, "boolean"):
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
