"""Values held against schemas: compiled once, fast, with problems that a model can act on."""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jsonschema_rs

from schemas.base import Json
from tasks.openapi.errors import DocumentError
from tasks.openapi.functions import Operation
from tasks.values.expressions import PATTERN_OPTIONS

MESSAGE_LIMIT = 300


@dataclass(frozen=True)
class Problem:
    """What is wrong with a value: a code (`missing_argument`, `unknown_argument`, `invalid_argument`) and a line."""

    code: str
    message: str


def compile_schema(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """A validator for a schema, formats included (date, date-time, email, uuid, uri and the like).

    Raises:
        DocumentError: the schema cannot be compiled, because of a pattern that is no regular expression for example.
    """
    try:
        return jsonschema_rs.Draft202012Validator(
            schema, validate_formats=True, retriever=_refuse_reference, pattern_options=PATTERN_OPTIONS
        )
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        line = " ".join(str(error).split())
        raise DocumentError(f"a schema cannot be compiled: {line}"[:MESSAGE_LIMIT]) from error


def compile_operation(operation: Operation) -> None:
    """Compile all schemas of an operation, so that one that cannot be is known before a call. Raises DocumentError."""
    for parameter in operation.parameters:
        compile_schema(parameter.schema)
    if operation.body is not None:
        compile_schema(operation.body.schema)
    for response in operation.responses.values():
        compile_schema(response.schema or {})


def _refuse_reference(uri: str) -> Any:
    raise ValueError(f"remote reference {uri!r}: nothing is fetched")


@lru_cache(maxsize=512)
def _compile_text(text: str) -> jsonschema_rs.Draft202012Validator:
    return compile_schema(json.loads(text))


def find_argument_problems(schema: dict[str, Any], arguments: Json) -> list[Problem]:
    """What is wrong with a function's arguments, in the order in which a reader meets it; empty if they conform.

    A schema that does not say whether there may be others than it names allows none.
    """
    try:
        errors = list(_compile_text(json.dumps({"additionalProperties": False, **schema})).iter_errors(arguments))
    except (TypeError, ValueError) as error:
        return [Problem("invalid_argument", f"the arguments hold a value that JSON cannot carry: {error}")]
    return [problem for error in errors for problem in _describe_error(error, schema)]


def _describe_error(error: jsonschema_rs.ValidationError, schema: dict[str, Any]) -> list[Problem]:
    where = _join_path(error.instance_path)
    kind = error.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        name = f"{where}.{kind.property}" if where else kind.property
        return [Problem("missing_argument", f"missing required argument `{name}`")]
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        known = ", ".join(schema.get("properties", {})) if not where else ""
        hint = f"; known are: {known}" if known else ""
        names = [f"{where}.{name}" if where else name for name in kind.unexpected]
        return [Problem("unknown_argument", f"unknown argument `{name}`{hint}") for name in names]
    subject = f"argument `{where}`" if where else "the arguments"
    return [Problem("invalid_argument", f"{subject}: {error.message}"[:MESSAGE_LIMIT])]


def describe_value_error(error: jsonschema_rs.ValidationError) -> str:
    """A validation error of a response as one line: where in the body, and what."""
    return f"{_join_path(error.instance_path) or 'body'}: {' '.join(error.message.split())}"[:MESSAGE_LIMIT]


def _join_path(path: list[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
