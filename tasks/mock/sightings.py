"""Reads each operation by itself: its verbs, what it speaks of, what it answers with, and the part it plays.

Signs, strongest first: the id in a path, lists of objects in responses, the verbs in names, the method.
"""

from dataclasses import dataclass

from tasks.mock.plan import Collection, Role
from tasks.mock.shapes import Schema, Spot, find_list_spot, find_record_spot, has_type, list_properties, tidy_schema
from tasks.mock.vocabulary import (
    COMPUTING,
    COUNTING,
    DELETING,
    PICKING,
    READING,
    UPDATING,
    VERBS,
    is_id_name,
    read_resource,
    strip_id,
)
from tasks.openapi.functions import Operation
from tasks.values import Words, name_words, split_name


@dataclass(eq=False)
class Sighting:
    """What one operation shows: its verbs, what it speaks of, and the list or record that it answers with."""

    operation: Operation
    schema: Schema
    verbs: frozenset[str]
    resource: Words
    parent: Words
    list_spot: Spot | None
    record_spot: Spot
    arguments: dict[str, Schema]
    body_arguments: dict[str, Schema]
    role: Role = Role.OTHER
    collection: Collection | None = None
    own_id: str | None = None


def sight_operation(operation: Operation) -> Sighting:
    """Reads an operation by itself, before collections are known."""
    success = operation.success
    schema = tidy_schema(success.schema if success is not None else None)
    segments = [segment for segment in operation.path.split("/") if segment]
    fixed = [segment for segment in segments if "{" not in segment]
    named = [words for segment in fixed if (words := read_resource(segment))]
    by_name = read_resource(operation.name)
    resource = named[-1] if named else by_name
    first_words = {split_name(operation.name)[0]} if split_name(operation.name) else set()
    last_words = set(split_name(fixed[-1])) if fixed else set()
    verbs = frozenset((set(split_name(operation.name)) | last_words) & VERBS)
    body: dict[str, Schema] = {}
    if operation.body is not None:
        tidy = tidy_schema(operation.body.schema)
        body = dict(list_properties(tidy)) if operation.body.argument is None else {operation.body.argument: tidy}
        if operation.body.argument is not None:
            body |= list_properties(tidy)
    arguments = {parameter.argument: tidy_schema(parameter.schema) for parameter in operation.parameters}
    sighting = Sighting(
        operation=operation,
        schema=schema,
        verbs=verbs | frozenset(f"first:{word}" for word in first_words & VERBS),
        resource=resource,
        parent=named[-2] if len(named) > 1 else (),
        list_spot=find_list_spot(schema, resource),
        record_spot=find_record_spot(schema, resource),
        arguments=arguments,
        body_arguments=body,
    )
    sighting.own_id = _find_own_id(sighting, segments)
    sighting.role = _tell_role(sighting, segments)
    return sighting


def _find_own_id(sighting: Sighting, segments: list[str]) -> str | None:
    """The argument that holds the id of the thing that the operation is about."""
    last = segments[-1] if segments else ""
    path_ids = [
        parameter.argument
        for parameter in sighting.operation.parameters
        if parameter.place == "path" and is_id_name(parameter.name)
    ]
    if path_ids and last == f"{{{path_ids[-1]}}}":
        return path_ids[-1]
    candidates = [*sighting.arguments, *sighting.body_arguments]
    for name in candidates:
        if is_id_name(name) and strip_id(name) and strip_id(name) == sighting.resource:
            return name
    # `/pets/{petId}/details`, `/orders/{orderId}/cancel`: what follows the id is no thing of its own.
    if path_ids and "{" not in last and not read_resource(last):
        return path_ids[-1]
    # A bare `id` says whose it is only by where it stands.
    return next((name for name in candidates if is_id_name(name) and not strip_id(name)), None)


def _tell_role(sighting: Sighting, segments: list[str]) -> Role:
    verbs, method = sighting.verbs, sighting.operation.method
    leading = {verb.removeprefix("first:") for verb in verbs if verb.startswith("first:")}
    plain = {verb for verb in verbs if not verb.startswith("first:")}
    if method == "DELETE" or (method != "GET" and leading & DELETING and sighting.own_id):
        return Role.DELETE
    if method in {"PUT", "PATCH"} or (method == "POST" and leading & UPDATING and sighting.own_id):
        return Role.UPDATE
    if method == "POST" and not (leading & (READING | COMPUTING)):
        ends_in_action = bool(segments) and "{" not in segments[-1] and not read_resource(segments[-1])
        return Role.UPDATE if sighting.own_id and ends_in_action else Role.CREATE
    if method == "POST" and leading & COMPUTING:
        return Role.OTHER
    holds_one = _holds_record(sighting)
    if sighting.list_spot is not None and not holds_one:
        return Role.LIST
    if sighting.own_id is not None:
        return Role.FETCH
    if (plain & COUNTING and not plain & {"total"}) or "count" in plain:
        return Role.COUNT
    if leading & COMPUTING:
        return Role.OTHER
    if plain & PICKING:
        return Role.PICK
    return Role.FETCH


def _holds_record(sighting: Sighting) -> bool:
    """Whether a response that has a list in it is nevertheless one thing (an order with its items)."""
    if sighting.list_spot is None or not sighting.list_spot.keys or sighting.own_id is None:
        return sighting.list_spot is None
    spot = sighting.record_spot
    scalars = [name for name, part in list_properties(spot.schema).items() if not has_type(part, "array")]
    listed = name_words(sighting.list_spot.keys[-1])
    if listed[-1:] == sighting.resource[-1:] and strip_id(sighting.own_id) != sighting.resource:
        return False  # /pets/{petId}/visits answering {pet_id, visits: […]}
    return sighting.own_id in scalars or "id" in scalars or len(scalars) >= 3
