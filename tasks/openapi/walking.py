"""openapi-spec-validator's walk through a document, in a time that grows with the document and no faster.

As it comes, it looks for each schema in a list of all before, gathers the properties of what `allOf` joins anew at
every level, and matches defaults with Python's `re`, which may take for ever. What it finds stays the same.
"""

from collections.abc import Iterator
from typing import Any

from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from openapi_schema_validator import OAS30Validator, OAS31Validator, oas30_format_checker, oas31_format_checker
from openapi_spec_validator.validation.keywords import (
    OpenAPIV30SchemaValidator,
    OpenAPIV31SchemaValidator,
    SchemaValidator,
    ValueValidator,
)

from tasks.values.expressions import compile_pattern


def quicken_walk(walker: Any, *, is_new: bool) -> None:
    """Give a validator of one document (`is_new`: of OpenAPI 3.1) parts that take their time once."""
    registry = walker.keyword_validators_registry
    registry["schema"] = (_SchemaWalk31 if is_new else _SchemaWalk30)(registry)
    registry["default"] = (_DefaultCheck31 if is_new else _DefaultCheck30)(registry)


class _Ids(set[int]):
    """A set that is filled as a list is."""

    append = set.add


class _Walk(SchemaValidator):
    def __init__(self, registry: Any) -> None:
        super().__init__(registry)
        self.visited_schema_ids = _Ids()  # type: ignore[assignment]
        self.meta_checked_schema_ids = _Ids()  # type: ignore[assignment]
        self._properties: dict[int, set[str]] = {}

    def _collect_properties(self, schema: Any) -> set[str]:
        key = id(schema.read_value())
        if key not in self._properties:
            self._properties[key] = set()  # of one that holds itself
            self._properties[key] = super()._collect_properties(schema)
        return self._properties[key]


class _SchemaWalk30(_Walk, OpenAPIV30SchemaValidator):
    pass


class _SchemaWalk31(_Walk, OpenAPIV31SchemaValidator):
    pass


def _match_pattern(validator: Any, pattern: str, instance: Any, _: Any) -> Iterator[ValidationError]:
    matches = compile_pattern(pattern) if validator.is_type(instance, "string") else None
    if matches is not None and not matches(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _match_names(validator: Any, schemas: dict[str, Any], instance: Any, _: Any) -> Iterator[ValidationError]:
    for pattern, schema in schemas.items() if validator.is_type(instance, "object") else ():
        matches = compile_pattern(pattern)
        found = [name for name in instance if matches(name)] if matches is not None else []
        for name in found:
            yield from validator.descend(instance[name], schema, path=name, schema_path=pattern)


def _find_nothing(*_: Any) -> Iterator[ValidationError]:
    """Of keywords that look through patterns of parts, beside which a default is not checked."""
    yield from ()


def _make_check(base: Any) -> Any:
    """A class of jsonschema's whose checks never have Python match a pattern, whatever dialect a schema names."""
    own = {"pattern": _match_pattern, "unevaluatedProperties": _find_nothing}
    if "patternProperties" in base.VALIDATORS:
        own["patternProperties"] = _match_names
    additional = base.VALIDATORS["additionalProperties"]

    def check_additional(validator: Any, allowed: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        yield from () if "patternProperties" in schema else additional(validator, allowed, instance, schema)

    checked: Any = extend(base, {**own, "additionalProperties": check_additional})  # type: ignore[no-untyped-call]
    evolve = checked.evolve

    def keep_class(validator: Any, **changes: Any) -> Any:
        schema = changes.get("schema")
        if isinstance(schema, dict) and "$schema" in schema:
            changes["schema"] = {key: part for key, part in schema.items() if key != "$schema"}
        return evolve(validator, **changes)

    checked.evolve = keep_class
    return checked


class _DefaultCheck30(ValueValidator):
    value_validator_cls = _make_check(OAS30Validator)
    value_validator_format_checker = oas30_format_checker


class _DefaultCheck31(ValueValidator):
    value_validator_cls = _make_check(OAS31Validator)
    value_validator_format_checker = oas31_format_checker
