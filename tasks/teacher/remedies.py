"""What is wrong with a part of an answer, as one line that a model can act on: the place, and what to put there."""

import json
from typing import Any

_REMEDIES = {
    "missing": "it is missing; add it",
    "extra_forbidden": "nobody asked for it; leave it out",
    "string_type": "write a text",
    "string_too_short": "it is empty; write it out",
    "string_too_long": "write at most {max_length} characters",
    "int_type": "write a whole number",
    "int_parsing": "write a whole number",
    "int_from_float": "write a whole number",
    "float_type": "write a number",
    "float_parsing": "write a number",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "list_type": "write a list",
    "tuple_type": "write a list",
    "model_type": "write an object",
    "model_attributes_type": "write an object",
    "dict_type": "write an object",
    "too_short": "give at least {min_length}, not {actual_length}",
    "too_long": "give at most {max_length}, not {actual_length}",
    "literal_error": "write one of {expected}",
    "enum": "write one of {expected}",
    "value_error": "{error}",
}
"""By pydantic's types of errors, with what it tells of each."""


def describe_problem(problem: Any) -> str:
    """One of pydantic's errors: where it is, what to write instead, and what stands there if that is short."""
    where = ".".join(map(str, problem["loc"])) or "the object"
    remedy = _REMEDIES.get(problem["type"])
    told = remedy.format_map(problem.get("ctx", {})) if remedy else problem["msg"]
    got = ""
    # Where something is missing, what lacks it stands there.
    if problem["type"] != "missing" and isinstance(problem["input"], str | int | float | None):
        got = f", not {json.dumps(problem['input'], ensure_ascii=False)[:80]}"
    return f"{where}: {told}{got}"
