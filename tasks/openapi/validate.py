"""What openapi-spec-validator says of a document, one line a problem. The document is taken in its own version.

The validator would fetch what a remote reference names, files of this machine included. So remote references are found
first, and end the matter; `$id`, which can make a local reference remote, is not shown to it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs
from jsonschema.exceptions import ValidationError
from jsonschema.validators import validator_for
from jsonschema_path.paths import SchemaPath
from openapi_schema_validator import OAS31_BASE_DIALECT_ID, OAS31Validator, oas31_format_checker
from openapi_schema_validator._specifications import REGISTRY
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV30SpecValidator, OpenAPIV31SpecValidator
from openapi_spec_validator.schemas.utils import get_schema_content
from openapi_spec_validator.validation.keywords import KeywordValidator, OpenAPIV31SchemaValidator
from referencing.exceptions import Unresolvable

MAX_PROBLEMS = 20
LINE_LIMIT = 300


class _FastSchemaValidator(OpenAPIV31SchemaValidator):
    """Has a fast validator look at each schema first, and the slow one only at those in which it finds something.

    The slow one, in Python, takes 10 ms of a schema with ten properties, and lists nothing but what is wrong. It then
    walks through the schema for the sake of a few keywords: without these there is nothing to walk for.
    """

    def __call__(
        self, schema: SchemaPath, require_properties: bool = True, meta_checked: bool = False
    ) -> Iterator[ValidationError]:
        value = schema.read_value()
        if meta_checked or not _is_plain(value) or not self._is_sound(schema, value):
            yield from super().__call__(schema, require_properties, meta_checked)

    def _is_sound(self, schema: SchemaPath, value: Any) -> bool:
        is_known = self._get_schema_dialect_id(schema, value) == OAS31_BASE_DIALECT_ID
        return is_known and _load_meta_schema().is_valid(value)

    def _get_schema_checker(self, schema: Any, schema_value: Any) -> Callable[[Any], None]:
        check: Callable[[Any], None] = super()._get_schema_checker(schema, schema_value)
        if self._get_schema_dialect_id(schema, schema_value) != OAS31_BASE_DIALECT_ID:
            return check
        is_sound = _load_meta_schema().is_valid
        return lambda value: None if is_sound(value) else check(value)


_WALKED_FOR = frozenset({"$ref", "$schema", "allOf", "default"})


def _is_plain(schema: Any) -> bool:
    """Whether no keyword in a schema, nor any name, is one that the slow validator walks through schemas for."""
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if not _WALKED_FOR.isdisjoint(node):
                return False
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return True


class _FastV31SpecValidator(OpenAPIV31SpecValidator):
    keyword_validators: dict[str, type[KeywordValidator]] = {  # noqa: RUF012 - declared so by the base
        **OpenAPIV31SpecValidator.keyword_validators,
        "schema": _FastSchemaValidator,
    }


VALIDATORS = {"2.0": OpenAPIV2SpecValidator, "3.0": OpenAPIV30SpecValidator, "3.1": _FastV31SpecValidator}


def find_spec_problems(doc: Mapping[str, Any]) -> list[str]:
    """Where and how a document departs from the specification that it names; empty if it is valid.

    At most 20 problems, each with the place (`paths./cats.get.parameters.0`) and the innermost thing that is wrong.
    """
    version = str(doc.get("openapi") or doc.get("swagger") or "")[:3]
    if version not in VALIDATORS:
        return [f"not an OpenAPI document of version 2.0, 3.0 or 3.1 (it says {version or 'none'!r})"]
    problems: dict[str, None] = {}
    try:
        local = _copy_local(doc, problems)
        if problems:
            return list(problems)[:MAX_PROBLEMS]
        for error in _list_errors(local, version):
            problems[_describe(error)] = None
            if len(problems) == MAX_PROBLEMS:
                break
    except Unresolvable as error:
        problems[f"missing reference: nothing stands at {error.ref!r}"] = None
    except RecursionError:
        problems["the document nests without end (a value that holds itself)"] = None
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:
        # the validator walks on through what its schema has found wrong, and trips over it
        if not problems:
            problems[f"the validator cannot read the document: {type(error).__name__}: {error}"[:LINE_LIMIT]] = None
    return list(problems)


def _copy_local(node: Any, problems: dict[str, None]) -> Any:
    """A copy without `$id`; a reference that leaves the document is a problem, wherever it stands."""
    if isinstance(node, list):
        return [_copy_local(child, problems) for child in node]
    if not isinstance(node, Mapping):
        return node
    for key in ("$ref", "$dynamicRef", "$recursiveRef"):
        if isinstance(pointer := node.get(key), str) and not pointer.startswith("#"):
            problems[f"remote reference {pointer!r}: only references within the document are followed"] = None
    return {
        key: _copy_local(child, problems)
        for key, child in node.items()
        if not (key == "$id" and isinstance(child, str))
    }


def _list_errors(doc: Any, version: str) -> Iterator[Any]:
    validator = VALIDATORS[version]
    # the fast validator does not say which alternative of a `oneOf` came closest; 3.1's schema has next to none
    if version != "3.1" and any("oneOf" in error.message for error in validator.schema_validator.iter_errors(doc)):
        yield from (_find_innermost(error) for error in _load_explainer(version).iter_errors(doc))
    else:
        # What its own `iter_errors` does; that one has an unbounded cache, which keeps every document for ever.
        # Given a path instead of a document, it need not read from the environment how many places to keep: 128.
        walker = validator(SchemaPath.from_dict(doc, resolved_cache_maxsize=128))
        yield from walker.schema_validator.iter_errors(doc)
        yield from walker.root_validator(walker.schema_path)


@lru_cache
def _load_meta_schema() -> jsonschema_rs.Draft202012Validator:
    """What a schema of OpenAPI 3.1 must look like. Patterns are read as Python does it, as by the slow validator."""
    return jsonschema_rs.Draft202012Validator(
        OAS31Validator.META_SCHEMA,
        validate_formats=True,
        formats={"regex": lambda text: oas31_format_checker.conforms(text, "regex")},
        retriever=REGISTRY.contents,
    )


@lru_cache
def _load_explainer(version: str) -> Any:
    schema = get_schema_content(version)
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
