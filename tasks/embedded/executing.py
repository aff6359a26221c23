"""The executor: plays an API for one request, from the operation's part of its document and what was answered before.

It answers as the mock does, in a world into which it first puts all that the history tells of the operation's things.
"""

import re
from collections.abc import Iterator
from typing import Any

from schemas.base import Json, compact_json
from tasks.mock import MockApi
from tasks.mock.answers import answer
from tasks.mock.faults import RequestError, write_error
from tasks.mock.finding import find_targets
from tasks.mock.plan import Collection
from tasks.mock.world import World
from tasks.openapi import list_operations
from tasks.values import conforms

_Thing = dict[str, Json]

_SHARE_KNOWN = 0.5
"""Of a thing's fields, how many a collection has to have for it to be one of its things."""


def play_api(
    part: dict[str, Any], history: list[dict[str, Any]], arguments: dict[str, Any], world: World
) -> dict[str, Json]:
    """The answer to a request as {"status", "body"}.

    `part` is {"path", "method", "operation"}, as in an OpenAPI document; each entry of `history` is {"request",
    "arguments", "status", "body"}, where the first is method and path.
    """
    name = part["operation"]["operationId"]
    operations = list_operations({"paths": {part["path"]: _show_things(part)}})
    route = MockApi(operations, "").find_route(next(one for one in operations if one.name == name))
    collections = {item.collection.name: item.collection for item in route.ids}
    if route.collection is not None:
        collections[route.collection.name] = route.collection
    for collection in collections.values():
        _remember(collection, history, world)
    answered = compact_json([entry["body"] for entry in history])
    for item in route.ids:
        id_ = arguments.get(item.argument)
        is_told = isinstance(id_, str | int) and compact_json(id_) in answered
        if is_told and str(id_) not in _read_things(item.collection, history)[1]:
            world.ensure(item.collection, id_)
    try:
        targets = find_targets(route, arguments, world)
        return {"status": route.status, "body": answer(route, arguments, targets, world)}
    except RequestError as error:
        body = write_error(error, route.describe_error(error.status), world)
        return {"status": error.status, "body": body}


def _show_things(part: dict[str, Any]) -> dict[str, Any]:
    """The operations of a path; one that changes or deletes a thing does not tell by itself what the thing is."""
    operation: dict[str, Any] = part["operation"]
    own = re.search(r"\{([^{}]+)\}/?$", part["path"])
    if part["method"] not in ("put", "patch", "delete") or own is None:
        return {part["method"]: operation}
    in_path = [parameter for parameter in operation.get("parameters", []) if parameter["in"] == "path"]
    ids = [parameter.get("schema", {}) for parameter in in_path if parameter["name"] == own[1]]
    fields = {"type": "object", "properties": {"id": ids[0] if ids else {"type": "string"}}}
    answers = operation["responses"] if part["method"] != "delete" else {}
    bare = {"200": {"description": "the thing", "content": {"application/json": {"schema": fields}}}}
    shown = {"operationId": f"{operation['operationId']}_shown", "parameters": in_path, "responses": answers or bare}
    return {"get": shown, part["method"]: operation}


def _remember(collection: Collection, history: list[dict[str, Any]], world: World) -> None:
    """Put the things of a collection into the world as the history leaves them."""
    known, gone = _read_things(collection, history)
    for thing in known.values():
        held = world.ensure(collection, thing[collection.id_name or ""])
        held.values.update(
            {name: value for name, value in thing.items() if conforms(value, collection.properties.get(name, {}))}
        )
    for id_ in gone:
        thing_gone = world.find_by_id(collection, id_)
        if thing_gone is not None:
            world.delete(collection, thing_gone)


def _read_things(collection: Collection, history: list[dict[str, Any]]) -> tuple[dict[str, _Thing], set[str]]:
    """The things that were shown or changed, by their ids, and the ids of those that were deleted."""
    known: dict[str, _Thing] = {}
    gone: set[str] = set()
    name = collection.id_name or ""
    for entry in history:
        if not 200 <= int(entry["status"]) < 300:
            continue
        method, _, target = str(entry["request"]).partition(" ")
        for thing in _walk_things(entry["body"], collection):
            known.setdefault(str(thing[name]), {}).update(thing)
        id_ = target.partition("?")[0].rpartition("/")[2]
        if method == "DELETE":
            known.pop(id_, None)
            gone.add(id_)
        elif method in ("PUT", "PATCH") and id_ in known:
            sent = {key: value for key, value in entry["arguments"].items() if key in collection.properties}
            known[id_].update({key: value for key, value in sent.items() if key != name})
    return known, gone


def _walk_things(body: Json, collection: Collection) -> Iterator[_Thing]:
    """The objects in an answer that are things of a collection: they have its id, and fields as its things have."""
    if isinstance(body, list):
        for item in body:
            yield from _walk_things(item, collection)
    elif isinstance(body, dict):
        fields = body.keys() & collection.properties.keys()
        if collection.id_name in body and len(fields) >= max(2, _SHARE_KNOWN * len(body)):
            yield {name: value for name, value in body.items() if name in fields}
        else:
            for part in body.values():
                yield from _walk_things(part, collection)
