"""Compiles a document's operations into routes over collections."""

from collections.abc import Sequence
from dataclasses import replace

from tasks.mock.binding import bind_filters, read_controls
from tasks.mock.filters import find_text_spot
from tasks.mock.plan import Collection, Filter, IdArgument, ListControls, Role, Route
from tasks.mock.recognition import find_id_owner, gather_collections
from tasks.mock.shapes import Schema, schema_without
from tasks.mock.sightings import Sighting, sight_operation
from tasks.mock.vocabulary import CONTROLS, PICKING, is_id_name
from tasks.openapi.functions import Operation
from tasks.values import infer_value_kind, join_snake, name_words

DEFAULT_STATUS = {"POST": 201, "DELETE": 200}


def compile_routes(operations: Sequence[Operation]) -> dict[str, Route]:
    """A route for each operation, by its name."""
    sightings = [sight_operation(operation) for operation in operations]
    collections = gather_collections(sightings)
    return {item.operation.name: _compile_route(item, collections) for item in sightings}


def _compile_route(sighting: Sighting, collections: dict[str, Collection]) -> Route:
    operation, collection = sighting.operation, sighting.collection
    schema = operation.success.schema if operation.success is not None else None
    arguments = {**sighting.arguments, **sighting.body_arguments}
    ids = _bind_ids(sighting, arguments, collections)
    role = _settle_role(sighting, ids)
    spot = sighting.list_spot if role is Role.LIST else sighting.record_spot
    id_arguments = {item.argument for item in ids}
    controls = ListControls()
    filters: tuple[Filter, ...] = ()
    scope: tuple[str, ...] = ()
    if collection is not None and role in {Role.LIST, Role.PICK, Role.COUNT, Role.FETCH}:
        if role is not Role.FETCH:
            controls = read_controls(arguments, collection.properties)
            if find_text_spot(collection) is None:
                controls = replace(controls, text=None)
        # A list under a thing of its own sort (similar ones) is no search for that thing.
        taken = {item.argument for item in ids if item.collection is collection} | set(vars(controls).values())
        filters = bind_filters(arguments, collection, [name for name in taken if name])
        scope = _list_scope(sighting, arguments, id_arguments, filters, controls)
    if role is Role.FETCH and not any(item.is_own for item in ids) and not filters:
        role = Role.OTHER
    keys = spot.keys if spot is not None else ()
    return Route(
        operation=operation,
        role=role,
        status=_read_status(operation),
        response=schema,
        shape=sighting.schema,
        collection=collection,
        keys=keys,
        item=spot.schema if spot is not None else {},
        ids=ids,
        filters=filters,
        controls=controls,
        scope=scope,
        fields=_map_fields(arguments, collection),
        verbs=sighting.verbs,
        is_bounded=bool(sighting.verbs & PICKING),
        frame=schema_without(sighting.schema, keys) if keys or role is Role.LIST else {"const": {}},
    )


def _bind_ids(
    sighting: Sighting, arguments: dict[str, Schema], collections: dict[str, Collection]
) -> tuple[IdArgument, ...]:
    """The id arguments whose things must exist: those that an answer tells, or that have examples."""
    bound = []
    for name, schema in arguments.items():
        is_own = name == sighting.own_id
        if not (is_id_name(name) or is_own) or schema.get("type") in ("object", "boolean"):
            continue
        owner = sighting.collection if is_own and sighting.collection else find_id_owner(name, sighting, collections)
        if owner is None or (sighting.role is Role.CREATE and owner is sighting.collection):
            continue
        bound.append(IdArgument(name, owner, is_own))
    return tuple(bound)


def _settle_role(sighting: Sighting, ids: tuple[IdArgument, ...]) -> Role:
    """The role, less where there is nothing to play it on."""
    if sighting.role in {Role.UPDATE, Role.DELETE} and not any(item.is_own for item in ids):
        return Role.OTHER
    if sighting.collection is None and sighting.role not in {Role.UPDATE, Role.DELETE}:
        return Role.OTHER
    return sighting.role


def _list_scope(
    sighting: Sighting,
    arguments: dict[str, Schema],
    ids: set[str],
    filters: tuple[Filter, ...],
    controls: ListControls,
) -> tuple[str, ...]:
    """Required arguments that say which things are meant, though the things have no such property."""
    used = {item.argument for item in filters} | set(vars(controls).values())
    required = {parameter.argument for parameter in sighting.operation.parameters if parameter.required}
    if sighting.operation.body is not None:
        required |= set(sighting.operation.body.schema.get("required") or ())
    return tuple(
        name
        for name in arguments
        if name not in used
        and name != sighting.own_id
        and (name in ids or name in required)
        and join_snake(name) not in CONTROLS
        and infer_value_kind(name, arguments[name]) != "token"
    )


def _read_status(operation: Operation) -> int:
    success = operation.success
    if success is not None and success.status.isdigit():
        return int(success.status)
    return DEFAULT_STATUS.get(operation.method, 200) if success is None else 200


def _map_fields(arguments: dict[str, Schema], collection: Collection | None) -> dict[str, str]:
    """Which property each argument sets when a thing is created or changed."""
    by_words = {name_words(name): name for name in (collection.properties if collection is not None else ())}
    return {name: by_words.get(name_words(name), name) for name in arguments}
