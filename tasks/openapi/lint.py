"""What a document that the teacher wrote must hold beyond the specification, one line a problem, each with its remedy.

Names: operationIds are unique, camelCase, and exactly those of the documented functions.
Text: every parameter and every field of a request body, at every depth, has a description.
Responses: every 2xx has a JSON schema with properties, or a list of objects with properties.
Ids: an id that an operation requires (a required argument named `id` or ending in `Id`, `_id` or `_ID`) is returned in
a list by an operation that does not itself require it: a field of that name, or `id` in a list that its noun names
(`catId` is `id` in `cats`, or in what `/cats` or `/searchCats` lists). A parameter's examples are not enough,
since a user does not know them.
Nothing unbounded:
    - an array has `maxItems` (in a body or parameter), or, in a response, `maxItems` unless the operation has a
      parameter that limits (limit, page_size, per_page, count, top ... of type integer with `maximum`);
    - an integer or number among the arguments has `minimum` and `maximum`, or `enum`, or is an id with examples;
    - an object has properties, anywhere; one without is free-form.
Text has no such rule: limits on its length say little, and real documents leave them out.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.toolset import Documentation
from tasks.openapi.errors import DocumentError, explain_failures
from tasks.openapi.functions import METHODS, Operation, list_operations
from tasks.openapi.leaving_out import list_excess, list_overdrawn
from tasks.openapi.load import normalise_document
from tasks.openapi.schema_checks import compile_operation
from tasks.openapi.styles import find_types
from tasks.openapi.tools import find_properties
from tasks.openapi.validate import MAX_PROBLEMS, find_spec_problems

WRAPPERS = {"results", "items", "data", "records", "entries", "list", "content", "hits", "matches", "values", "rows"}
"""Fields that hold a list of what the path names."""

LIMIT_NAMES = {"limit", "pagesize", "perpage", "count", "top", "size", "maxresults", "take", "first", "num", "maxitems"}
"""Names of parameters that bound a list, lower case, without separators."""


def find_lint_problems(doc: Mapping[str, Any], documentation: Documentation) -> list[str]:
    """What is wrong with a document as a toolset, by the rules above; empty if nothing is.

    A document that is not valid OpenAPI gets `validate`'s problems instead of those beyond names; one that is over a
    limit hears of nothing else.
    """
    try:
        return _find_problems(doc, documentation)
    except DocumentError as error:
        return [error.problem]


@explain_failures()
def _find_problems(doc: Mapping[str, Any], documentation: Documentation) -> list[str]:
    if not isinstance(doc, Mapping):
        raise DocumentError("the document is no object")
    if excess := list_excess(dict(doc)):
        return [str(each) for each in excess[:MAX_PROBLEMS]]
    problems = list(_check_names(doc, [function.name for function in documentation.functions]))
    if invalid := find_spec_problems(doc):
        return [*problems, *invalid]
    try:
        normal = normalise_document(doc)
        if overdrawn := list_overdrawn(normal):
            return [*problems, *map(str, overdrawn)]
        operations = list_operations(normal)
        for operation in operations:
            compile_operation(operation)
    except DocumentError as error:
        return [*problems, error.problem]
    for operation in operations:
        problems += _check_arguments(operation)
        problems += _check_responses(operation)
    problems += _check_ids(operations)
    return list(dict.fromkeys(problems))


def _check_names(doc: Mapping[str, Any], documented: list[str]) -> Iterator[str]:
    found: list[str] = []
    paths = doc.get("paths")
    for path, item in paths.items() if isinstance(paths, dict) else ():
        for method in METHODS:
            if not isinstance(item, dict) or not isinstance(item.get(method), dict):
                continue
            where, name = f"{method.upper()} {path}", item[method].get("operationId")
            if not name:
                yield f"{where}: it has no operationId; give it the name of its documented function"
                continue
            if not isinstance(name, str):
                yield f"{where}: operationId {name!r} is not text; give it the name of its documented function"
                continue
            if name in found:
                yield f"{where}: operationId {name!r} is used twice; each operation needs one of its own"
            if not re.fullmatch(r"[a-z][a-zA-Z0-9]{0,63}", name):
                yield f"{where}: operationId {name!r} is not camelCase; use letters and digits, a small letter first"
            if name not in documented:
                yield f"{where}: operationId {name!r} is no documented function; those are {', '.join(documented)}"
            found.append(name)
    for name in documented:
        if name not in found:
            yield f"function {name!r} is documented and has no operation; add one with that operationId"


def _check_arguments(operation: Operation) -> Iterator[str]:
    for parameter in operation.parameters:
        where = f"{operation.name}: parameter {parameter.name!r}"
        if not (parameter.description or parameter.schema.get("description")):
            yield f"{where} has no description; say what it is"
        yield from _check_argument_schema(parameter.schema, where, parameter.name)
    if operation.body is not None:
        yield from _check_argument_schema(operation.body.schema, f"{operation.name}: request body")


def _check_argument_schema(schema: Any, where: str, name: str = "") -> Iterator[str]:
    """Descriptions of the fields within, and bounds, at every depth."""
    if not isinstance(schema, Mapping):
        return
    types = find_types(schema)
    if "object" in types and not find_properties(schema):
        yield f"{where} is a free-form object; list its properties"
    alternatives = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    for alternative in alternatives:
        yield from _check_argument_schema(alternative, where)
    is_number = not alternatives and not {"integer", "number"}.isdisjoint(types)
    is_number = is_number and not (is_named_id(name) and schema.get("examples"))
    if is_number and "enum" not in schema and "const" not in schema:
        for words in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if not any(word in schema for word in words):
                yield f"{where} has no {words[0]}; give it one"
    if "array" in types and not alternatives:
        if "maxItems" not in schema:
            yield f"{where} is an array without maxItems; give it one"
        if "items" not in schema:
            yield f"{where} is an array without items; say what it holds"
        yield from _check_argument_schema(schema.get("items"), f"{where}, items")
    for name, child in find_properties(schema).items():
        field = f"{where}, field {name!r}"
        if not (isinstance(child, Mapping) and child.get("description")):
            yield f"{field} has no description; say what it is"
        yield from _check_argument_schema(child, field, name)


def _check_responses(operation: Operation) -> Iterator[str]:
    good = [response for status, response in operation.responses.items() if status.startswith("2")]
    if not good:
        yield f"{operation.name}: no 2xx response; add one with a JSON schema"
    for response in good:
        where = f"{operation.name}: response {response.status}"
        schema = response.schema or {}
        items = schema.get("items") if "array" in find_types(schema) else None
        if not find_properties(items if isinstance(items, Mapping) else schema):
            yield f"{where} has no schema with properties; give it an application/json schema that lists its fields"
            continue
        yield from _check_response_schema(schema, where, _has_limit(operation))


def _check_response_schema(schema: Any, where: str, has_limit: bool) -> Iterator[str]:
    if not isinstance(schema, Mapping):
        return
    types = find_types(schema)
    if "object" in types and not find_properties(schema):
        yield f"{where} holds a free-form object; list its properties"
    if "array" in types:
        if "maxItems" not in schema and not has_limit:
            yield f"{where} is an array without bound; give it maxItems, or the operation a `limit` with a maximum"
        if "items" not in schema:
            yield f"{where} is an array without items; say what it holds"
        yield from _check_response_schema(schema.get("items"), f"{where}, items", has_limit)
    for name, child in find_properties(schema).items():
        yield from _check_response_schema(child, f"{where}, field {name!r}", has_limit)


def _has_limit(operation: Operation) -> bool:
    return any(is_limit_name(parameter.name) and "maximum" in parameter.schema for parameter in operation.parameters)


def is_limit_name(name: str) -> bool:
    """Whether a parameter of this name bounds a list."""
    return re.sub(r"[^a-z]", "", name.lower()) in LIMIT_NAMES


def _check_ids(operations: tuple[Operation, ...]) -> Iterator[str]:
    for operation, name in list_unlisted_ids(operations):
        yield (
            f"{operation}: no search or list function returns the {name!r} that it needs; let one that "
            f"does not need it return an array of objects that have {name!r}"
        )


def list_unlisted_ids(operations: tuple[Operation, ...]) -> list[tuple[str, str]]:
    """The operations by name and the ids that they need and no list returns."""
    unlisted = []
    for operation in operations:
        for name in sorted(_list_required_ids(operation)):
            noun = _find_noun(name, operation)
            sources = [other for other in operations if name not in _list_required_ids(other)]
            if not any(_returns_id(other, name, noun) for other in sources):
                unlisted.append((operation.name, name))
    return unlisted


def _list_required_ids(operation: Operation) -> set[str]:
    names = [parameter.name for parameter in operation.parameters if parameter.required]
    if operation.body is not None:
        names += [name for name in operation.body.schema.get("required", ()) if isinstance(name, str)]
    return {name for name in names if is_named_id(name)}


def is_named_id(name: str) -> bool:
    """Whether a parameter or field of this name holds an id: `id`, or what ends in `Id`, `_id` or `_ID`."""
    return name == "id" or re.search(r"([a-z0-9]I[dD]|_id|_ID)$", name) is not None


def _find_noun(name: str, operation: Operation) -> str:
    """What an id is of: `cat` for `catId`; for `id` in a path, the word before it; otherwise unknown and empty."""
    if name != "id":
        return _simplify(re.sub(r"_?(Id|ID|id)$", "", name))
    words = [part for part in operation.path.partition("{id}")[0].split("/") if part and not part.startswith("{")]
    return _simplify(words[-1]) if words and "{id}" in operation.path else ""


def _returns_id(operation: Operation, name: str, noun: str) -> bool:
    """Whether a good answer of the operation holds a list whose items have the id."""
    words = [_simplify(part) for part in operation.path.split("/") if not part.startswith("{")]
    is_noun = any(word.endswith(noun) or noun.endswith(word) for word in words if word)
    good = [response for status, response in operation.responses.items() if status.startswith("2")]
    return any(_holds_id(response.schema, name, noun, is_noun) for response in good)


def _holds_id(schema: Any, name: str, noun: str, is_noun: bool) -> bool:
    """Whether a list within `schema` has the id in its items; `is_noun` says that what is listed is what it is of."""
    if not isinstance(schema, Mapping):
        return False
    if isinstance(items := schema.get("items"), Mapping):
        fields = {re.sub(r"[^a-z0-9]", "", field.lower()) for field in find_properties(items)}
        spelled = re.sub(r"[^a-z0-9]", "", name.lower())
        if (is_noun and "id" in fields) or (name != "id" and spelled in fields) or (noun and f"{noun}id" in fields):
            return True
        return _holds_id(items, name, noun, False)
    return any(
        _holds_id(child, name, noun, _simplify(field) == noun or (is_noun and (not noun or field.lower() in WRAPPERS)))
        for field, child in find_properties(schema).items()
    )


def _simplify(word: str) -> str:
    """A noun in lower case, singular, without separators: `Cat-Breeds` and `catBreed` are one."""
    word = re.sub(r"[^a-z0-9]", "", word.lower())
    if word.endswith(("ies", "ie")):  # movies, movie: alike is what counts here
        return f"{word.removesuffix('s')[:-2]}y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
