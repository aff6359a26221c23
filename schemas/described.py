"""What a teacher writes of an API's functions: flat records, read as they were meant.

A model that spells a type `int`, gives a list where text was asked for, or adds a field, has not made a mistake worth a
second answer: what has one meaning is read so, and what nobody asked for is let go. The code that makes a document of
these is in `tasks/openapi/assembling`.
"""

import json
import math
import re
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, Field

from schemas.base import Record

MOST_PARAMETERS = 12
MOST_FIELDS = 16
MOST_EXAMPLES = 6
MOST_VALUES = 30
"""How many there may be of each in an answer; what is beyond is cut off."""

LONGEST_NAME = 64
LONGEST_VALUE = 120
LONGEST_DESCRIPTION = 300
"""Characters."""

FieldType = Literal["string", "integer", "number", "boolean", "array"]
Place = Literal["path", "query", "body"]
Method = Literal["get", "post", "put", "patch", "delete"]

_TYPES: dict[str, FieldType] = {
    "str": "string", "text": "string", "date": "string", "datetime": "string", "date-time": "string", "id": "string",
    "uuid": "string", "url": "string", "uri": "string", "email": "string", "enum": "string", "object": "string",
    "int": "integer", "long": "integer", "float": "number", "double": "number", "decimal": "number", "bool": "boolean",
    "list": "array",
}  # fmt: skip
_PLACES: dict[str, Place] = {"url": "path", "uri": "path", "form": "body", "formdata": "body", "json": "body"}
_OTHER = re.compile(r"[^A-Za-z0-9_]+")


class Written(Record):
    """What a model wrote."""

    model_config = ConfigDict(extra="ignore")


def hold_to(characters: int) -> Any:
    """For the schema that is sent: a model that is held to it by a grammar cannot go on and on within a text.

    What is longer all the same is cut by who reads it.
    """
    return Field(json_schema_extra={"maxLength": characters})


def clean_name(name: Any) -> str:
    """A name as one that every endpoint and language takes: letters, digits and underscores, at most 64; "" of none."""
    return _OTHER.sub("_", str(name)).strip("_")[:LONGEST_NAME] if isinstance(name, str | int) else ""


def clean_line(text: Any) -> str:
    """Text on one line, cut at 300 characters; "" of what is none."""
    return " ".join(text.split())[:LONGEST_DESCRIPTION] if isinstance(text, str) else ""


def list_values(given: Any) -> list[Any]:
    """What was given as a list: as it is, one value as a list of it, nothing as none."""
    if given is None or given == "":
        return []
    return list(given) if isinstance(given, list | tuple) else [given]


def _read_texts(given: Any) -> list[str]:
    texts = [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in list_values(given)]
    return list(dict.fromkeys(text.strip()[:LONGEST_VALUE] for text in texts if text.strip()))[:MOST_VALUES]


def _read_examples(given: Any) -> list[str]:
    return _read_texts(given)[:MOST_EXAMPLES]


def _read_type(given: Any) -> Any:
    if isinstance(given, list):
        given = next((kind for kind in given if kind != "null"), "string")
    word = str(given or "string").strip().lower()
    if word.endswith("[]") or word.startswith(("array", "list")):
        return "array"
    return word if word in get_args(FieldType) else _TYPES.get(word, "string")


def _read_place(given: Any) -> Any:
    word = re.sub(r"[^a-z]", "", str(given or "query").lower())
    return _PLACES.get(word, word if word in ("path", "body") else "query")


def _read_method(given: Any) -> Any:
    word = str(given).strip().lower()
    return word if word in get_args(Method) else "get"


def _read_number(given: Any) -> float | None:
    try:
        number = float(given)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and abs(number) < 1e15 else None


def _read_flag(given: Any) -> Any:
    return given.strip().lower() in ("true", "yes", "1") if isinstance(given, str) else bool(given)


def _read_fields(given: Any) -> Any:
    """The fields that have a name; names alone, and an object of fields by name, are fields too."""
    if isinstance(given, dict):
        given = [{"name": name, **(field if isinstance(field, dict) else {})} for name, field in given.items()]
    named: dict[str, Any] = {}
    for field in list_values(given):
        told = {"name": field} if isinstance(field, str) else field
        if isinstance(told, dict) and (name := clean_name(told.get("name"))):
            named.setdefault(name, {**told, "name": name})
    return list(named.values())


def _read_parameters(given: Any) -> Any:
    return _read_fields(given)[:MOST_PARAMETERS]


def _read_answer(given: Any) -> Any:
    return _read_fields(given)[:MOST_FIELDS]


Name = Annotated[str, hold_to(LONGEST_NAME)]
_Value = Annotated[str, hold_to(LONGEST_VALUE)]
Texts = Annotated[tuple[_Value, ...], Field(max_length=MOST_VALUES), BeforeValidator(_read_texts)]
Examples = Annotated[tuple[_Value, ...], Field(max_length=MOST_EXAMPLES), BeforeValidator(_read_examples)]
Line = Annotated[str, hold_to(LONGEST_DESCRIPTION), BeforeValidator(clean_line)]
Bound = Annotated[float | None, BeforeValidator(_read_number)]


class DescribedField(Written):
    """A field: what it is called and holds; `examples` are some values, the bounds a number's, `enum` all there are.

    Example: {"name": "city", "type": "string", "description": "Where the shelter is", "examples": ["Lyon", "Oslo"]}
    """

    model_config = ConfigDict(json_schema_extra={"required": ["name", "type", "description"]})

    name: Name
    type: Annotated[FieldType, BeforeValidator(_read_type)] = "string"
    description: Line = ""
    examples: Examples = ()
    minimum: Bound = None
    maximum: Bound = None
    enum: Texts = ()


def _put_required_first(schema: dict[str, Any]) -> None:
    """What has to be there stands first: a grammar has a model write the properties in their order, and one that it has
    gone past it cannot write any more."""
    needed = ["name", "type", "description", "place", "required"]
    properties = schema["properties"]
    schema["properties"] = {name: properties[name] for name in {**dict.fromkeys(needed), **properties}}
    schema["required"] = needed


class DescribedParameter(DescribedField):
    """A field that a function takes, and where it stands in the request."""

    model_config = ConfigDict(json_schema_extra=_put_required_first)

    place: Annotated[Place, BeforeValidator(_read_place)] = "query"
    required: Annotated[bool, BeforeValidator(_read_flag)] = False


def _ask_for_all(schema: dict[str, Any]) -> None:
    """Held to it by a grammar, a model cannot say that nothing comes back, as small ones do of what deletes."""
    schema["required"] = ["method", "path", "parameters", "answer", "returns_list"]
    schema["properties"]["answer"]["minItems"] = 1


class DescribedOperation(Written):
    """One operation of an API: `answer` are the fields that come back, of one thing where it returns a list of them.

    Example: {"method": "get", "path": "/pets", "parameters": [{"name": "city", "type": "string", "place": "query"}],
    "answer": [{"name": "petId", "type": "string"}], "returns_list": true}
    """

    model_config = ConfigDict(json_schema_extra=_ask_for_all)

    method: Annotated[Method, BeforeValidator(_read_method)] = "get"
    path: Annotated[str, hold_to(LONGEST_DESCRIPTION)] = ""
    parameters: Annotated[
        tuple[DescribedParameter, ...], Field(max_length=MOST_PARAMETERS), BeforeValidator(_read_parameters)
    ] = ()
    answer: Annotated[tuple[DescribedField, ...], Field(max_length=MOST_FIELDS), BeforeValidator(_read_answer)] = ()
    returns_list: Annotated[bool, BeforeValidator(_read_flag)] = False
