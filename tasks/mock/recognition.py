"""Tells an API's collections and the part that each operation plays, from the document alone.

Signs, strongest first: the id in a path, lists of objects in responses, the verbs in names, the method.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tasks.mock.ids import list_examples
from tasks.mock.plan import Collection, Role
from tasks.mock.shapes import Schema, Spot, find_list, find_record, has_type, list_properties, tidy_schema
from tasks.mock.vocabulary import (
    COMPUTING,
    COUNTING,
    DELETING,
    PICKING,
    READING,
    SIMILAR,
    UPDATING,
    VERBS,
    WRAPPERS,
    Words,
    is_id_name,
    name_words,
    read_resource,
    strip_id,
)
from tasks.openapi.functions import Operation
from tasks.values import infer_value_kind, merge_schemas, split_name

VAGUE_KINDS = frozenset({None, "name", "title", "id", "category"})
ORDERED_PAIRS = (
    ("start", "end"),
    ("min", "max"),
    ("from", "to"),
    ("created", "updated"),
    ("departure", "arrival"),
    ("low", "high"),
    ("opens", "closes"),
    ("opening", "closing"),
)


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
    known: set[str] = field(default_factory=set)


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
        list_spot=find_list(schema, resource),
        record_spot=find_record(schema, resource),
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
    if path_ids and last and "{" not in last and not read_resource(last):
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
    if plain & COMPUTING and leading & COMPUTING:
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


def gather_collections(sightings: Iterable[Sighting]) -> dict[str, Collection]:
    """The collections of an API by name; each sighting that belongs to one is told so."""
    collections: dict[str, Collection] = {}
    ordered = sorted(sightings, key=lambda item: item.role is not Role.LIST)
    for sighting in ordered:
        spot = sighting.list_spot if sighting.role is Role.LIST else sighting.record_spot
        if spot is None or not list_properties(spot.schema) or sighting.role in {Role.COUNT, Role.OTHER, Role.DELETE}:
            continue
        name = _name_collection(sighting, spot)
        found = _find_alike(name, spot.schema, sighting, collections)
        if found is None:
            if sighting.role in {Role.PICK, Role.UPDATE}:
                continue
            found = collections["_".join(name)] = Collection("_".join(name), {"type": "object", "properties": {}})
        sighting.collection = found
        found.schema = merge_schemas(found.schema, {"properties": list_properties(spot.schema)})
    for sighting in ordered:
        if sighting.collection is None and sighting.role not in {Role.LIST, Role.PICK, Role.OTHER}:
            words = strip_id(sighting.own_id) if sighting.own_id else ()
            sighting.collection = find_collection(words or sighting.resource, collections)
            if sighting.role is Role.COUNT and not sighting.resource and len(collections) == 1:
                sighting.collection = next(iter(collections.values()))  # `/count` of the only things there are
    for collection in collections.values():
        _complete_collection(collection, collections)
    for sighting in ordered:
        _note_ids(sighting, collections)
    return collections


def _name_collection(sighting: Sighting, spot: Spot) -> Words:
    key = name_words(spot.keys[-1]) if sighting.role is Role.LIST and spot.keys else ()
    if key and key[-1] not in WRAPPERS and split_name(spot.keys[-1])[-1] not in WRAPPERS:
        return key
    if sighting.own_id and strip_id(sighting.own_id) and sighting.role is not Role.LIST:
        return strip_id(sighting.own_id)
    return sighting.resource or read_resource(sighting.operation.name) or ("item",)


def _find_alike(
    name: Words, schema: Schema, sighting: Sighting, collections: dict[str, Collection]
) -> Collection | None:
    """The collection that the things belong to: one of the name, else one whose things look the same."""
    if name[-1:] and name[-1] in SIMILAR and sighting.parent:
        parent = find_collection(sighting.parent, collections)
        if parent is not None:
            return parent
    found = collections.get("_".join(name))
    ours = set(list_properties(schema))
    if found is None and sighting.role is not Role.LIST:
        # Creating a thing may tell no more than its id: `{"reportId": …}`.
        owners = (find_collection(strip_id(key), collections) for key in ours if is_id_name(key) and strip_id(key))
        found = next((owner for owner in owners if owner is not None), None)
    if found is not None or len(ours) < 3:
        return found or (find_collection(name, collections) if sighting.role is not Role.LIST else None)
    for collection in collections.values():
        theirs = set(collection.properties)
        if len(ours & theirs) >= 0.75 * len(ours | theirs):
            return collection
    return find_collection(name, collections) if sighting.role is not Role.LIST else None


def find_collection(words: Words, collections: dict[str, Collection]) -> Collection | None:
    """The collection that some words name: exactly, or by the last word."""
    if not words:
        return None
    exact = collections.get("_".join(words))
    if exact is not None:
        return exact
    return next((item for name, item in collections.items() if name.split("_")[-1] == words[-1]), None)


def find_id_owner(name: str, sighting: Sighting, collections: dict[str, Collection]) -> Collection | None:
    """The collection whose ids an id argument or an id property holds."""
    words = strip_id(name)
    if words:
        found = find_collection(words, collections)
        return found or next((item for item in collections.values() if item.id_name == name), None)
    return sighting.collection or find_collection(sighting.resource, collections)


def _complete_collection(collection: Collection, collections: dict[str, Collection]) -> None:
    names = list(collection.properties)
    words = collection.name.split("_")
    collection.id_name = next(
        (
            name
            for wanted in (f"{collection.name}_id", f"{words[-1]}_id", "id", f"{words[0]}_id", "uuid", "guid", "slug")
            for name in names
            if "_".join(split_name(name)) == wanted and not has_type(collection.properties[name], "object")
        ),
        None,
    )
    own = {"id", f"{collection.name}_id", f"{words[-1]}_id"}
    collection.id_aliases = [name for name in names if name != collection.id_name and "_".join(split_name(name)) in own]
    if collection.id_name is not None:
        collection.id_examples += list_examples(collection.properties[collection.id_name])
    collection.label = next(
        (
            name
            for wanted in ("name", "title", "label", "full_name", "display_name", "headline", "subject", "username")
            for name in names
            if _is_label(name, wanted, words) and has_type(collection.properties[name], "string")
        ),
        None,
    )
    for name in names:
        if name not in {collection.id_name, *collection.id_aliases} and is_id_name(name) and strip_id(name):
            owner = find_collection(strip_id(name), {k: v for k, v in collections.items() if v is not collection})
            if owner is not None and owner.name.split("_")[-1] == strip_id(name)[-1]:
                collection.foreign[name] = owner
    collection.pairs = find_ordered_pairs(names)
    _qualify_names(collection, words[-1])


def _is_label(name: str, wanted: str, words: list[str]) -> bool:
    spelled = "_".join(split_name(name))
    return spelled == wanted or spelled == f"{'_'.join(words)}_{wanted}" or spelled == f"{words[-1]}_{wanted}"


def _qualify_names(collection: Collection, noun: str) -> None:
    """Finds the properties that tell more under a fuller name: a country's `code`, a pet's `name`."""
    for name, part in collection.properties.items():
        kind, fuller = infer_value_kind(name, part), f"{noun}_{name}"
        if kind in VAGUE_KINDS and fuller not in collection.properties:
            told = infer_value_kind(fuller, part)
            if told is not None and told not in VAGUE_KINDS:
                collection.fuller_names[name] = fuller


def find_ordered_pairs(names: Iterable[str]) -> list[tuple[str, str]]:
    """Names of which the first is of something that comes before the second (`start_date` and `end_date`)."""
    by_words = {split_name(name): name for name in names}
    return [
        (by_words[words], by_words[other])
        for words in by_words
        for low, high in ORDERED_PAIRS
        if low in words and (other := tuple(high if word == low else word for word in words)) in by_words
    ]


def _note_ids(sighting: Sighting, collections: dict[str, Collection]) -> None:
    """Marks collections whose ids an answer tells, and gathers the ids that examples name."""
    collection = sighting.collection
    if collection is not None and collection.id_name is not None:
        spot = sighting.list_spot if sighting.role is Role.LIST else sighting.record_spot
        shown = spot is not None and collection.id_name in list_properties(spot.schema)
        if shown and (sighting.role in {Role.LIST, Role.PICK, Role.CREATE} or sighting.own_id is None):
            collection.is_listed = True
    for name, schema in {**sighting.arguments, **sighting.body_arguments}.items():
        owner = find_id_owner(name, sighting, collections) if is_id_name(name) else None
        # The id in the body of a creation is that of a thing that does not exist yet.
        if owner is not None and not (sighting.role is Role.CREATE and owner is collection):
            for example in list_examples(schema):
                if isinstance(example, (str, int, float)) and example not in owner.id_examples:
                    owner.id_examples.append(example)
