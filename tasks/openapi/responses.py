"""Whether an API's answer is what the document promises."""

from functools import lru_cache

import jsonschema_rs

from schemas.base import Json
from tasks.openapi.functions import Operation, Response
from tasks.openapi.schema_checks import compile_schema, describe_value_error


def check_response(operation: Operation, status: int, body: Json) -> str:
    """What is wrong with an answer; empty if it conforms.

    An undeclared 1xx, 2xx or 3xx is wrong; an undeclared error is not: documents seldom list them all. A response
    without a schema promises nothing.
    """
    response = operation.find_response(status)
    if response is None:
        return "" if status >= 400 else f"status {status} is not among those that the document declares"
    if response.schema is None:
        return ""
    try:
        error = next(compile_response(response).iter_errors(body), None)
    except (TypeError, ValueError) as problem:
        return f"body: it holds a value that JSON cannot carry: {problem}"
    return "" if error is None else describe_value_error(error)


@lru_cache(maxsize=512)
def compile_response(response: Response) -> jsonschema_rs.Draft202012Validator:
    """The validator of a response's bodies; one without a schema promises nothing.

    Raises:
        DocumentError: the schema cannot be compiled.
    """
    return compile_schema(response.schema or {})
