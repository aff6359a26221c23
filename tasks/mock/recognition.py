"""Tells an API's collections from what its operations show, from the document alone."""

from collections.abc import Iterable

from tasks.mock.plan import Collection, Role
from tasks.mock.shapes import Schema, Spot, has_type, list_properties
from tasks.mock.shown_ids import list_shown_values
from tasks.mock.sightings import Sighting
from tasks.mock.vocabulary import SIMILAR, WRAPPERS, is_id_name, strip_id
from tasks.values import Words, infer_value_kind, join_snake, merge_schemas, name_words, split_name

MOST_PROPERTIES = 2_000
"""How many a collection's things have, before what further operations show of them is left out."""

MOST_ID_EXAMPLES = 1_000

VAGUE_KINDS = frozenset({None, "name", "title", "id", "category"})
ORDERED_PAIRS = (
    ("start", "end"),
    ("starts", "ends"),
    ("begins", "ends"),
    ("min", "max"),
    ("from", "to"),
    ("created", "updated"),
    ("departure", "arrival"),
    ("low", "high"),
    ("lowest", "highest"),
    ("opens", "closes"),
    ("opening", "closing"),
)


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
        if len(found.properties) < MOST_PROPERTIES:
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
    return sighting.resource or ("item",)


def _find_alike(
    name: Words, schema: Schema, sighting: Sighting, collections: dict[str, Collection]
) -> Collection | None:
    """The collection that the things belong to: one of the name, else one whose things look the same."""
    if name[-1] in SIMILAR and sighting.parent:
        parent = find_collection(sighting.parent, collections)
        if parent is not None:
            return parent
    found = collections.get("_".join(name))
    ours = set(list_properties(schema))
    if found is None and sighting.role is not Role.LIST:
        # Creating a thing may tell no more than its id: `{"reportId": …}`.
        owners = (find_collection(strip_id(key), collections) for key in list_properties(schema) if is_id_name(key))
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
            if join_snake(name) == wanted and not has_type(collection.properties[name], "object")
        ),
        None,
    )
    own = {"id", f"{collection.name}_id", f"{words[-1]}_id"}
    collection.id_aliases = [name for name in names if name != collection.id_name and join_snake(name) in own]
    if collection.id_name is not None:
        collection.id_examples += list_shown_values(collection.properties[collection.id_name])[:MOST_ID_EXAMPLES]
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
        if name not in {collection.id_name, *collection.id_aliases} and is_id_name(name):
            owner = find_collection(strip_id(name), {k: v for k, v in collections.items() if v is not collection})
            if owner is not None:
                collection.foreign[name] = owner
    collection.pairs = find_ordered_pairs(names)
    _qualify_names(collection, words[-1])


def _is_label(name: str, wanted: str, words: list[str]) -> bool:
    spelled = join_snake(name)
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
    if collection is not None:
        spot = sighting.list_spot if sighting.role is Role.LIST else sighting.record_spot
        shown = spot is not None and collection.id_name in list_properties(spot.schema)
        if shown and (sighting.role in {Role.LIST, Role.PICK, Role.CREATE} or sighting.own_id is None):
            collection.is_listed = True
    for name, schema in {**sighting.arguments, **sighting.body_arguments}.items():
        owner = find_id_owner(name, sighting, collections) if is_id_name(name) else None
        # The id in the body of a creation is that of a thing that does not exist yet.
        if owner is not None and not (sighting.role is Role.CREATE and owner is collection):
            for example in list_shown_values(schema):
                if len(owner.id_examples) >= MOST_ID_EXAMPLES:
                    break
                if isinstance(example, (str, int, float)) and example not in owner.id_examples:
                    owner.id_examples.append(example)
