"""An OpenAPI 3.1 document of what a teacher described function by function. What needs no teacher is decided here:
operationIds, which paths there are (each once, with the parameters that it names), what is bounded, which values are
kept, what a field without a description is, and which list returns an id that a function needs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.base import Json
from schemas.described import DescribedField, DescribedOperation, DescribedParameter
from schemas.toolset import Documentation
from tasks.openapi.functions import list_operations
from tasks.openapi.lint import is_limit_name, is_named_id, list_unlisted_ids
from tasks.openapi.load import normalise_document
from tasks.values import (
    conforms,
    infer_value_kind,
    is_plural,
    join_camel,
    join_snake,
    pluralize,
    singularize_last,
    split_name,
)

MOST_LISTED = 100
"""Things that a list returns at most."""

_LIMIT_BOUNDS = (1.0, 50.0)
_BOUNDS = (0.0, 1_000_000.0)
"""Of a number in a call that was described without any."""

_MOST_ITEMS = 20
_SHAPES = (
    (re.compile(r"\d{4}-\d\d-\d\d"), "date"),
    (re.compile(r"\d{4}-\d\d-\d\dT.*"), "date-time"),
    (re.compile(r"[^@\s]+@[^@\s]+\.\w+"), "email"),
    (re.compile(r"https?://\S+"), "uri"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "uuid"),
)
_FORMATS = {
    "date": "date", "birth_date": "date", "date_time": "date-time", "email": "email", "url": "uri", "image_url": "uri",
    "uuid": "uuid",
}  # fmt: skip
"""The format of each kind of value that has one."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_ENDING = ("by", "for", "with", "of", "in", "from", "near")
"""Words of a function's name after which it tells no more of what is returned."""

_LISTING = frozenset(("search", "find", "list", "browse", "query", "filter"))
_GETTING = frozenset(("get", "fetch", "show", "retrieve"))
"""Verbs of functions that return several things, and those that do where a plural follows."""

_NO_NOUN = frozenset(("all", "the", "top", "best", "latest", "newest", "new", "recent", "random", "popular"))
"""Words of it that say which of them, so that all functions name alike what they return."""


@dataclass(frozen=True)
class Assembled:
    """A document, and for each function that is not in it the reason."""

    document: dict[str, Any]
    left_out: dict[str, str]


def assemble_document(
    title: str, documentation: Documentation, described: Mapping[str, DescribedOperation]
) -> Assembled:
    """The document of the documented functions that were described, in the documentation's order.

    An id that a function needs and no list returns becomes a field of a list. Where there is no list for it, the
    function is left out.
    """
    operations = {f.name: described[f.name] for f in documentation.functions if f.name in described}
    operations = {name: _correct_list(name, operation) for name, operation in operations.items()}
    operations = _agree_on_ids(operations)
    left_out: dict[str, str] = {}
    asked: set[tuple[str, str]] = set()
    while operations:
        document = _compose_document(title, documentation, operations)
        unlisted = list_unlisted_ids(list_operations(normalise_document(document)))
        if not unlisted:
            return Assembled(document, left_out)
        for name, id_name in unlisted:
            source = None if (name, id_name) in asked else _choose_list(operations, name, id_name)
            asked.add((name, id_name))
            if source is not None:
                operations[source] = _return_id(operations[source], id_name, operations[name])
            elif name in operations:
                left_out[name] = f"no list or search returns the {id_name!r} that it needs"
                del operations[name]
    return Assembled(_compose_document(title, documentation, {}), left_out)


def _correct_list(name: str, operation: DescribedOperation) -> DescribedOperation:
    """The operation, returning one thing where its path ends with the id that what comes back has."""
    own = re.search(r"\{([^{}]+)\}/?$", operation.path)
    if operation.method != "get" or own is None or _sounds_like_list(name):
        return operation
    ids = {_name_id(field.name, name) for field in operation.answer if is_named_id(field.name)}
    return operation.model_copy(update={"returns_list": False}) if _name_id(own[1], name) in ids else operation


def _agree_on_ids(operations: Mapping[str, DescribedOperation]) -> dict[str, DescribedOperation]:
    """The operations with ids of one name of one type and with the same examples: those of the first list that has it.

    Each operation was described by itself, and one may take for text what another counts.
    """
    in_order = sorted(operations.items(), key=lambda item: not item[1].returns_list)
    known: dict[tuple[str, ...], DescribedField] = {}
    for name, operation in in_order:
        for field in (*operation.answer, *operation.parameters):
            known.setdefault(_name_id(field.name, name), field)

    def agree(field: DescribedField, function: str) -> DescribedField:
        first = known[_name_id(field.name, function)] if is_named_id(field.name) else field
        return field.model_copy(update={"type": first.type, "examples": first.examples or field.examples})

    return {
        name: operation.model_copy(
            update={
                "answer": tuple(agree(field, name) for field in operation.answer),
                "parameters": tuple(agree(parameter, name) for parameter in operation.parameters),
            }
        )
        for name, operation in operations.items()
    }


def _name_id(field: str, function: str) -> tuple[str, ...]:
    """A field's words; of an `id` alone with those of what the function is about, so that `petId` is `id` of pets."""
    words = split_name(field)
    things = split_name(tell_things(function)) if words == ("id",) else ()
    return (*singularize_last(things), *words)


def _choose_list(operations: Mapping[str, DescribedOperation], name: str, id_name: str) -> str | None:
    """The list that is to return an id that the function `name` needs: one of what the id is of, else the first."""
    if name not in operations:
        return None
    able = {
        other: operation
        for other, operation in operations.items()
        if not any(p.name == id_name and p.required for p in operation.parameters)
    }
    lists = [other for other, operation in able.items() if operation.returns_list]
    lists = lists or [other for other in able if _sounds_like_list(other)]
    words = split_name(id_name)[:-1] or split_name(name)[1:]
    alike = (other for other in lists if words and pluralize(words[-1]) in split_name(other))
    return next(alike, next(iter(lists), None))


def _sounds_like_list(name: str) -> bool:
    """Whether a function's name is that of one that returns several things, whatever was told of it."""
    verb, *words = split_name(name) or ("",)
    return verb in _LISTING or (verb in _GETTING and any(is_plural(word) for word in words[-1:]))


def _return_id(operation: DescribedOperation, id_name: str, needed_by: DescribedOperation) -> DescribedOperation:
    """The operation as a list, with the id first among the fields that come back."""
    parameter = next((p for p in needed_by.parameters if p.name == id_name), None)
    told = parameter.model_dump(include=set(DescribedField.model_fields)) if parameter else {"name": id_name}
    others = tuple(field for field in operation.answer if field.name != id_name)
    answer = (DescribedField.model_validate(told), *others)
    return operation.model_copy(update={"answer": answer, "returns_list": True})


def _compose_document(
    title: str, documentation: Documentation, operations: Mapping[str, DescribedOperation]
) -> dict[str, Any]:
    descriptions = {function.name: function.description for function in documentation.functions}
    paths: dict[str, dict[str, Any]] = {}
    taken: dict[str, str] = {}
    for name, operation in operations.items():
        path, parameters = _settle_path(name, operation, paths, taken)
        taken[_PLACEHOLDER.sub("{}", path)] = path
        made = _compose_operation(name, descriptions[name], path, operation, parameters)
        paths.setdefault(path, {})[operation.method] = made
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "api"
    return {
        "openapi": "3.1.0",
        "info": {"title": title or "API", "version": "1.0.0", "description": documentation.introduction},
        "servers": [{"url": f"https://{slug[:60].strip('-')}.example.com/v1"}],
        "paths": paths,
    }


def _settle_path(
    name: str, operation: DescribedOperation, paths: Mapping[str, Mapping[str, Any]], taken: Mapping[str, str]
) -> tuple[str, tuple[DescribedParameter, ...]]:
    """A path that no other operation of the method has, and the parameters with those in it where they belong.

    `taken` holds each path by its form: two that differ in the names of their parameters are one to OpenAPI.
    """
    path, parameters = _read_path(name, operation.path), operation.parameters
    inside = _PLACEHOLDER.findall(path)
    strays = [p.name for p in parameters if p.place == "path" and p.name not in inside]
    unknown = [found for found in inside if found not in {p.name for p in parameters}]
    if len(strays) == 1 and len(unknown) == 1:  # /pets/{id} for petId
        path = path.replace(f"{{{unknown[0]}}}", f"{{{strays[0]}}}")
        strays, unknown = [], []
    path = "".join([path.rstrip("/"), *(f"/{{{stray}}}" for stray in strays)]) or "/"
    placed = tuple(_place(parameter, path, operation.method) for parameter in parameters)
    placed += tuple(DescribedParameter(name=found, place="path", required=True) for found in unknown)
    own = f"/{'-'.join(split_name(name)) or name}"
    while (
        taken.get(_PLACEHOLDER.sub("{}", path), path) != path  # the form is another's
        or operation.method in paths.get(path, {})
    ):
        path = path.rstrip("/") + own
    return path, placed


def _read_path(name: str, told: str) -> str:
    """A path as it was meant: without host and query, its parameters in braces, each once."""
    path = re.sub(r"^[a-z]+://[^/]*", "", told.strip()).partition("?")[0]
    path = re.sub(r"/[:<]([A-Za-z_]\w*)>?", r"/{\1}", path)
    seen: list[str] = []
    segments = []
    for segment in path.split("/"):
        match = _PLACEHOLDER.search(segment)
        if match is None:
            segments.append(re.sub(r"[^A-Za-z0-9._~-]+", "-", segment).strip("-")[:64])
            continue
        found = re.sub(r"[^A-Za-z0-9_]+", "_", match[1]).strip("_")[:64]
        if found and found not in seen:
            seen.append(found)
            segments.append(f"{{{found}}}")
    kept = [segment for segment in segments if segment.strip(".")][:8]
    return "/" + ("/".join(kept) or "-".join(split_name(name)) or name)


def _place(parameter: DescribedParameter, path: str, method: str) -> DescribedParameter:
    """The parameter where it can stand: in the path if that names it, in a body only of methods that have one."""
    if f"{{{parameter.name}}}" in path:
        kind = "string" if parameter.type == "array" else parameter.type
        return parameter.model_copy(update={"place": "path", "required": True, "type": kind})
    if parameter.place == "path" or (parameter.place == "body" and method in ("get", "delete")):
        return parameter.model_copy(update={"place": "query"})
    return parameter


def _compose_operation(
    name: str,
    description: str,
    path: str,
    operation: DescribedOperation,
    parameters: tuple[DescribedParameter, ...],
) -> dict[str, Json]:
    made: dict[str, Json] = {"operationId": name, "summary": description}
    outside = [p for p in parameters if p.place != "body"]
    inside = [p for p in parameters if p.place == "body"]
    if outside:
        made["parameters"] = [_compose_parameter(parameter) for parameter in outside]
    if inside:
        schema = _compose_object(inside, [p.name for p in inside if p.required], in_call=True)
        required = any(p.required for p in inside)
        made["requestBody"] = {"required": required, "content": {"application/json": {"schema": schema}}}
    status = "201" if operation.method == "post" else "200"
    answer = {"application/json": {"schema": _compose_answer(name, path, operation)}}
    made["responses"] = {status: {"description": description, "content": answer}}
    return made


def _compose_parameter(parameter: DescribedParameter) -> dict[str, Json]:
    schema = _compose_schema(parameter, in_call=True)
    description = schema.pop("description")
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": description,
        "schema": schema,
    }


def _compose_answer(name: str, path: str, operation: DescribedOperation) -> dict[str, Json]:
    """What comes back: the fields, or a list of things that have them with the number of all there are."""
    names = [field.name for field in operation.answer]
    item = _compose_object(operation.answer, names, in_call=False)
    if not operation.returns_list:
        return item
    things = tell_things(name, path)
    key = join_snake(things) if any("_" in field for field in names) else join_camel(things)
    listed = {"type": "array", "description": f"The {things} found", "maxItems": MOST_LISTED, "items": item}
    total = {"type": "integer", "description": "How many there are", "minimum": 0, "maximum": 100_000}
    return {"type": "object", "properties": {key: listed, "total": total}, "required": [key, "total"]}


def tell_things(name: str, path: str = "") -> str:
    """What a function returns several of, by its name in camelCase: `pets` of `searchPetsByCity`; `results` of none.

    Where a part of the path says it in fewer words, it is that part: `visits` for `listPetVisits` at
    `/pets/{petId}/visits`.
    """
    words = split_name(name)[1:]
    end = next((place for place, word in enumerate(words) if place and word in _ENDING), len(words))
    words = tuple(word for word in words[:end] if word not in _NO_NOUN) or words[:end]
    if not words:
        return "results"
    things = pluralize(" ".join(words))
    parts = (" ".join(split_name(part)) for part in path.split("/") if not part.startswith("{"))
    return next((part for part in parts if part and things.endswith(f" {part}")), things)


def _compose_object(fields: Any, required: list[str], *, in_call: bool) -> dict[str, Json]:
    return {
        "type": "object",
        "properties": {field.name: _compose_schema(field, in_call=in_call) for field in fields},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _compose_schema(field: DescribedField, *, in_call: bool) -> dict[str, Json]:
    """A field's schema: bounded where it is part of a call, its values those that conform to it."""
    schema: dict[str, Json] = {"type": field.type, "description": field.description or _describe(field.name)}
    if field.type == "boolean":
        return schema
    if field.type == "array":
        items: dict[str, Json] = {"type": "string", **({"enum": list(field.enum)} if field.enum else {})}
        return {**schema, "items": items, "maxItems": _MOST_ITEMS}
    enum, is_id = _convert(field.enum, field.type), is_named_id(field.name)
    if len(enum) > 1 and not is_id:  # of ids there are always others
        return {**schema, "enum": enum}
    if field.type == "string":
        form = _find_format(field)
        schema |= {"format": form} if form else {}
        examples: list[Json] = [] if form in ("date", "date-time") else list(field.examples)
    else:
        # A figure has a range, and is drawn from it; an id of digits is one that exists.
        examples = _convert(field.examples, field.type) if is_id else []
        schema |= _find_bounds(field, needed=in_call and not examples)
    usable = [value for value in examples if conforms(value, schema)]
    return {**schema, **({"examples": usable} if usable else {})}


def _describe(name: str) -> str:
    """What a field is of which nothing is said but its name."""
    return f"The {' '.join(split_name(name)) or name}"


def _convert(values: tuple[str, ...], kind: str) -> list[Json]:
    """The values as those of the type; what is none is left out."""
    converted: list[Json] = []
    for value in values:
        try:
            converted.append(int(value) if kind == "integer" else float(value) if kind == "number" else value)
        except ValueError:
            continue
    return converted


def _find_format(field: DescribedField) -> str:
    """The format that all examples have; without examples that of the kind that the name tells."""
    if not field.examples:
        return _FORMATS.get(infer_value_kind(field.name, {"type": "string"}) or "", "")
    shapes = (form for pattern, form in _SHAPES if all(pattern.fullmatch(value) for value in field.examples))
    return next(shapes, "")


def _find_bounds(field: DescribedField, *, needed: bool) -> dict[str, Json]:
    """The lowest and highest number, in their order: both where they are needed, else if both were told."""
    told = [bound for bound in (field.minimum, field.maximum) if bound is not None]
    if not needed and len(told) < 2:
        return {}
    low, high = _LIMIT_BOUNDS if is_limit_name(field.name) else _BOUNDS
    if field.minimum is not None:
        low, high = field.minimum, max(high, 10 * field.minimum)
    if field.maximum is not None:
        low, high = min(low, 10 * field.maximum) if field.minimum is None else low, field.maximum
    low, high = min(low, high), max(low, high)
    return {"minimum": _write_number(low), "maximum": _write_number(high)}


def _write_number(number: float) -> int | float:
    return int(number) if number.is_integer() else number
