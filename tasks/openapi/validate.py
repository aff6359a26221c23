"""What openapi-spec-validator says of a document, one line a problem. The document is taken in its own version.

The validator would fetch what a remote reference names, files of this machine included. So remote references are found
first, and end the matter; `$id`, which can make a local reference remote, is not shown to it.

Whether a document is valid is the validator's word. But it takes 10 ms, in Python, to look at a schema of OpenAPI 3.1
with ten properties. So what jsonschema-rs finds sound is kept from it, in two ways:
    - a schema that holds nothing else for it to find is not shown to it (`_hide_plain_schemas`);
    - the others name a dialect of our own, whose check has jsonschema-rs look first (`_check_schema`).
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

import jsonschema_rs
from jsonschema.validators import create, validator_for
from jsonschema_path.paths import SchemaPath
from openapi_schema_validator import OAS31_BASE_DIALECT_ID, OAS31Validator, oas31_format_checker
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV30SpecValidator, OpenAPIV31SpecValidator
from openapi_spec_validator.schemas import schema_v2, schema_v30
from referencing.exceptions import Unresolvable

from tasks.openapi.functions import METHODS
from tasks.openapi.walking import quicken_walk

MAX_PROBLEMS = 20
LINE_LIMIT = 300

MOST_EXPLAINED = 20_000
"""Values of a document for which the slow validator looks for the alternative that came closest: half a minute."""

VALIDATORS = {"2.0": OpenAPIV2SpecValidator, "3.0": OpenAPIV30SpecValidator, "3.1": OpenAPIV31SpecValidator}
PUBLISHED_SCHEMAS = {"2.0": schema_v2, "3.0": schema_v30}

LOOKED_FOR = frozenset({"$ref", "$schema", "allOf", "default"})
"""Keywords for whose sake the validator walks through a schema that is sound."""

NOT_IN_JSON_SCHEMA = frozenset({"discriminator", "externalDocs", "xml"})
"""Keywords that OpenAPI 3.1 has rules for and JSON Schema 2020-12 has none."""

OWN_DIALECT = "https://toolherd.invalid/openapi-3.1-looked-at-quickly"


def find_spec_problems(doc: Mapping[str, Any]) -> list[str]:
    """Where and how a document departs from the specification that it names; empty if it is valid.

    At most 20 problems, each with the place (`paths./cats.get.parameters.0`) and the innermost thing that is wrong.
    """
    version = str(doc.get("openapi") or doc.get("swagger") or "")[:3]
    if version not in VALIDATORS:
        return [f"not an OpenAPI document of version 2.0, 3.0 or 3.1 (it says {version or 'none'!r})"]
    problems: dict[str, None] = {}
    pointers: dict[str, None] = {}
    try:
        local = _copy_local(doc, pointers)
        if remote := [pointer for pointer in pointers if not pointer.startswith("#")]:
            told = "only references within the document are followed"
            return [f"remote reference {pointer!r}: {told}" for pointer in remote[:MAX_PROBLEMS]]
        errors = _list_errors_3_1(local, pointers) if version == "3.1" else _list_errors(local, version)
        for error in errors:
            problems[_describe(error)] = None
            if len(problems) == MAX_PROBLEMS:
                break
    except Unresolvable as error:
        problems[f"missing reference: nothing stands at {error.ref!r}"] = None
    except RecursionError:
        problems["the document nests without end (a value that holds itself)"] = None
    except Exception as error:
        # The validator walks on through what is wrong, and trips over it in any way that Python can: a division by a
        # `multipleOf` of 0, a pattern that is none.
        if not problems:
            message = " ".join(f"{type(error).__name__}: {error}".split())
            problems[f"the validator cannot read the document: {message}"[:LINE_LIMIT]] = None
    return list(problems)


def _copy_local(node: Any, pointers: dict[str, None]) -> Any:
    """A copy without `$id`; whatever a reference in it points at, wherever that stands, is put among the pointers."""
    if isinstance(node, list):
        return [_copy_local(child, pointers) for child in node]
    if not isinstance(node, Mapping):
        return node
    for key in ("$ref", "$dynamicRef", "$recursiveRef"):
        if isinstance(pointer := node.get(key), str):
            pointers[pointer] = None
    return {
        key: _copy_local(child, pointers)
        for key, child in node.items()
        if not (key == "$id" and isinstance(child, str))
    }


def _list_errors(doc: Any, version: str) -> Iterator[Any]:
    """The errors of a document of version 2.0 or 3.0; of alternatives, those of the one that came closest."""
    # the fast validator, which the other one asks, does not say which alternative of a `oneOf` came closest
    errors = list(islice(VALIDATORS[version].schema_validator.iter_errors(doc), MAX_PROBLEMS))
    if any("oneOf" in error.message for error in errors) and _count_values(doc) <= MOST_EXPLAINED:
        yield from (_find_innermost(error) for error in _load_explainer(version).iter_errors(doc))
    else:
        yield from errors
        yield from _check_inside(doc, version)


def _list_errors_3_1(doc: Any, pointers: Iterable[str]) -> Iterator[Any]:
    """The errors of a document of version 3.1, whose schema has next to no alternatives."""
    errors = list(islice(_check_outside(doc, "3.1"), MAX_PROBLEMS))
    yield from errors
    # what is hidden must not be pointed at, and must be where it belongs
    if not errors and all(pointer.startswith("#/components/") for pointer in pointers):
        _hide_plain_schemas(doc)
    is_usual = doc.get("jsonSchemaDialect", OAS31_BASE_DIALECT_ID) == OAS31_BASE_DIALECT_ID
    if is_usual and all(pointer.startswith(("#/components/", "#/paths/")) for pointer in pointers):
        doc["jsonSchemaDialect"] = OWN_DIALECT
    yield from _check_inside(doc, "3.1")


def _check_outside(doc: Any, version: str) -> Iterator[Any]:
    """Hold a document against the published schema, which says nothing of the schemas within; jsonschema-rs does it.

    This, then `_check_inside`, is what the validator's `iter_errors` does, whose cache keeps every document for ever.
    """
    yield from VALIDATORS[version].schema_validator.iter_errors(doc)


def _check_inside(doc: Any, version: str) -> Iterator[Any]:
    """Walk through a document for what the published schema does not tell."""
    # Given a path instead of a document, it need not read from the environment how many places to keep: 128.
    walker = VALIDATORS[version](SchemaPath.from_dict(doc, resolved_cache_maxsize=128))
    quicken_walk(walker, is_new=version == "3.1")
    yield from walker.root_validator(walker.schema_path)


def _hide_plain_schemas(doc: dict[str, Any]) -> None:
    """Put nothing in the place of each schema in the paths that has nothing for the validator to find."""
    nothing: dict[str, Any] = {}
    for holder in _list_schema_holders(doc):
        schema = holder.get("schema")
        if isinstance(schema, dict) and _holds_none(schema, LOOKED_FOR) and _is_sound(schema):
            holder["schema"] = nothing


def _list_schema_holders(doc: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parameters and the media types of responses, of a document that conforms to the published schema."""
    for item in (item for path, item in doc.get("paths", {}).items() if path.startswith("/")):
        for part in [item, *(item[method] for method in METHODS if method in item)]:
            yield from part.get("parameters", ())
            for status, response in part.get("responses", {}).items():
                if not status.startswith("x-"):
                    yield from response.get("content", {}).values()


def _is_sound(schema: Any) -> bool:
    """Whether jsonschema-rs has nothing against a schema of OpenAPI 3.1. It may have where the validator has not."""
    return _holds_none(schema, NOT_IN_JSON_SCHEMA) and _load_meta_schema().is_valid(schema)


def _holds_none(schema: Any, keys: frozenset[str]) -> bool:
    """Whether no keyword in a schema, nor any name, is one of those keys."""
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if not keys.isdisjoint(node):
                return False
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return True


@lru_cache
def _load_meta_schema() -> jsonschema_rs.Draft202012Validator:
    """What a schema must look like. Patterns are read as Python does it, as by the validator."""
    return jsonschema_rs.Draft202012Validator(
        {"$ref": "https://json-schema.org/draft/2020-12/schema"},
        validate_formats=True,
        formats={"regex": lambda text: oas31_format_checker.conforms(text, "regex")},
    )


def _check_schema(schema: Any, format_checker: Any) -> None:
    if not _is_sound(schema):
        OAS31Validator.check_schema(schema, format_checker=format_checker)


# jsonschema finds the check of a dialect by the id of its meta-schema.
create({"$id": OWN_DIALECT}, version=OWN_DIALECT).check_schema = _check_schema  # type: ignore[method-assign,assignment]


def _count_values(doc: Any) -> int:
    count, waiting = 0, [doc]
    while waiting:
        node = waiting.pop()
        count += 1
        waiting += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return count


@lru_cache
def _load_explainer(version: str) -> Any:
    schema = PUBLISHED_SCHEMAS[version]
    return validator_for(schema)(schema)


def _find_innermost(error: Any) -> Any:
    """The most telling of the errors beneath a `oneOf` or `anyOf`: the deepest, from the closest alternative."""
    while context := [child for child in error.context if not _is_about_reference(child)]:
        error = max(context, key=lambda child: (len(child.absolute_path), child.validator == "enum"))
    return error


def _is_about_reference(error: Any) -> bool:
    """Most objects may be a reference instead: that one is none tells nothing."""
    return str(error.message) == "'$ref' is a required property"


def _describe(error: Any) -> str:
    where = _join(error.absolute_path) or "document"
    message = str(error.message).split("\n\n")[0]
    return f"{where}: {' '.join(message.split())}"[:LINE_LIMIT]


def _join(path: Iterable[Any]) -> str:
    return ".".join(str(part) for part in path)
