"""The operations of a normalised document as records, and each as a function that a student sees.

Documents are read by `load`; requests are built from these records by `requests` and read back by `matching`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from schemas.toolset import Function
from tasks.openapi.tools import describe_returns, drop_repeating, end_sentence, make_lean_schema, shorten_text

Place = Literal["path", "query", "header", "cookie"]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
IGNORED_HEADERS = {"accept", "content-type", "authorization"}
"""Header parameters that OpenAPI 3.1 says to ignore (Parameter Object, `name`)."""

BODY_MEDIA_TYPES = ("application/json", "+json", "application/x-www-form-urlencoded", "multipart/form-data")
RESPONSE_MEDIA_TYPES = ("application/json", "+json", "text/json", "text/plain")
"""Media types in the order in which they are preferred; `+json` stands for any type with that suffix."""


@dataclass(frozen=True, eq=False)
class Parameter:
    """A path, query, header or cookie parameter.

    `name` is its name on the wire and `argument` its name among the function's arguments; they differ only where two
    parameters share a name. `style` and `explode` are OpenAPI's, defaults filled in. `is_json` says that the value
    travels as JSON text (a parameter with `content`).
    """

    name: str
    place: Place
    required: bool
    schema: dict[str, Any]
    style: str
    explode: bool
    description: str
    argument: str
    is_json: bool
    allow_reserved: bool


@dataclass(frozen=True, eq=False)
class Body:
    """A request body. Its fields are arguments of their own, unless `argument` names the one that holds it whole."""

    media_type: str
    schema: dict[str, Any]
    required: bool
    description: str
    argument: str | None


@dataclass(frozen=True, eq=False)
class Response:
    """A declared response; `status` is `"200"`, `"4XX"` or `"default"`, `schema` is None where none is declared."""

    status: str
    description: str
    media_type: str
    schema: dict[str, Any] | None


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of a document, free of references. `method` is in upper case; `name` is its `operationId`."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    body: Body | None
    responses: Mapping[str, Response]

    @property
    def success(self) -> Response | None:
        """The response of a good call: the lowest declared 2xx, else `2XX`, else `default`."""
        exact = sorted(status for status in self.responses if status.startswith("2"))
        key = exact[0] if exact else "default"
        return self.responses.get(key)

    def find_response(self, status: int) -> Response | None:
        """The declared response for a status: the exact one, else its range, else `default`."""
        for key in (str(status), f"{status // 100}XX", "default"):
            if key in self.responses:
                return self.responses[key]
        return None


def list_operations(doc: Mapping[str, Any]) -> tuple[Operation, ...]:
    """The operations of a normalised document (see `load.normalise_document`), in its order."""
    return tuple(
        _read_operation(method, path, item[method])
        for path, item in doc["paths"].items()
        for method in item
        if method in METHODS
    )


@lru_cache(maxsize=512)
def build_function(operation: Operation) -> Function:
    """An operation as a tool.

    Parameters and body fields stand side by side; a body that is no plain object, or a field of which has the name of
    a parameter, is one argument named `body`. A required argument that has a default may be left out. There are no
    other arguments than those that are named; `schema_checks` holds calls to that.
    """
    properties: dict[str, Any] = {}
    required: list[str] = []
    for parameter in operation.parameters:
        own = {"description": parameter.description} if parameter.description else {}
        schema = make_lean_schema({**parameter.schema, **own})
        properties[parameter.argument] = schema
        if parameter.required and "default" not in schema:
            required.append(parameter.argument)
    if operation.body is not None:
        body_properties, body_required = _list_body_arguments(operation.body)
        properties |= body_properties
        required += body_required
    text = end_sentence(shorten_text(operation.description or operation.summary or operation.name))
    properties = {name: drop_repeating(schema, (name, operation.name)) for name, schema in properties.items()}
    return Function(
        name=operation.name,
        description=f"{text} {describe_returns(operation.success.schema if operation.success else None)}",
        parameters={"type": "object", "properties": properties, **({"required": required} if required else {})},
    )


def _list_body_arguments(body: Body) -> tuple[dict[str, Any], list[str]]:
    schema = make_lean_schema(body.schema)
    if body.argument is not None:
        if body.description and "description" not in schema:
            schema = make_lean_schema({**body.schema, "description": body.description})
        return {body.argument: schema}, [body.argument] if body.required and not has_default(schema) else []
    properties: dict[str, Any] = schema["properties"]
    if not body.required:
        return properties, []
    return properties, [name for name in schema.get("required", []) if not has_default(properties.get(name))]


def has_default(schema: Any) -> bool:
    """Whether a schema, which may also be `true`, has a default."""
    return isinstance(schema, dict) and "default" in schema


def _read_operation(method: str, path: str, spec: Mapping[str, Any]) -> Operation:
    parameters = _read_parameters(spec.get("parameters", []))
    return Operation(
        name=spec["operationId"],
        method=method.upper(),
        path=path,
        summary=spec.get("summary", ""),
        description=spec.get("description", ""),
        parameters=parameters,
        body=_read_body(spec.get("requestBody"), {parameter.argument for parameter in parameters}),
        responses={str(status): _read_response(str(status), item) for status, item in spec["responses"].items()},
    )


def _read_parameters(specs: list[dict[str, Any]]) -> tuple[Parameter, ...]:
    parameters: list[Parameter] = []
    taken: set[str] = set()
    for spec in specs:
        name, place = spec["name"], spec["in"]
        if place == "header" and name.lower() in IGNORED_HEADERS:
            continue
        style = spec.get("style") or ("form" if place in ("query", "cookie") else "simple")
        argument = name if name not in taken else f"{name}_{place}"
        taken.add(argument)
        content = next(iter(spec.get("content", {}).values()), None)
        parameters.append(
            Parameter(
                name=name,
                place=place,
                required=place == "path" or spec.get("required", False),
                schema=_read_schema((spec if content is None else content).get("schema", {})),
                style=style,
                explode=spec.get("explode", style in ("form", "deepObject")),
                description=spec.get("description", ""),
                argument=argument,
                is_json=content is not None,
                allow_reserved=spec.get("allowReserved", False),
            )
        )
    return tuple(parameters)


def _read_body(spec: Mapping[str, Any] | None, taken: set[str]) -> Body | None:
    if spec is None:
        return None
    media_type = _choose_media_type(spec.get("content", {}), BODY_MEDIA_TYPES)
    if media_type is None:
        return None
    schema = drop_fields(_read_schema(spec["content"][media_type].get("schema", {})), "readOnly")
    is_flat = bool(schema.get("properties")) and schema.get("type", "object") == "object"
    is_flat = is_flat and not any(key in schema for key in ("oneOf", "anyOf", "allOf", "not", "patternProperties"))
    is_flat = is_flat and taken.isdisjoint(schema["properties"])
    argument = None if is_flat else next(name for name in ("body", "request_body", "requestBody") if name not in taken)
    return Body(media_type, schema, spec.get("required", False), spec.get("description", ""), argument)


def _read_response(status: str, spec: Mapping[str, Any]) -> Response:
    content = spec.get("content", {})
    media_type = _choose_media_type(content, RESPONSE_MEDIA_TYPES)
    schema = content[media_type].get("schema") if media_type is not None else None
    return Response(
        status=status.upper() if status != "default" else status,
        description=spec.get("description", ""),
        media_type=media_type or "",
        schema=drop_fields(_read_schema(schema), "writeOnly") if schema is not None else None,
    )


def _choose_media_type(content: Mapping[str, Any], preferred: tuple[str, ...]) -> str | None:
    with_schema = [media_type for media_type in content if "schema" in content[media_type]]
    for wanted in preferred:
        for media_type in with_schema:
            essence = media_type.partition(";")[0].strip().lower()
            if essence == wanted or (wanted == "+json" and essence.endswith("+json")):
                return media_type
    return next(iter(with_schema or content), None)


def _read_schema(schema: Any) -> dict[str, Any]:
    """A schema as an object: `true` and `false` are schemas too. What is none is left for `schema_checks` to find."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    return schema  # type: ignore[no-any-return]


def drop_fields(schema: dict[str, Any], mark: str) -> dict[str, Any]:
    """A schema without the properties that carry `mark` (`readOnly` in requests, `writeOnly` in responses).

    Keywords that are not what they should be are left as they are, for `schema_checks` to find.
    """
    result = dict(schema)
    if isinstance(properties := schema.get("properties"), dict):
        kept = {name: _drop_within(child, mark) for name, child in properties.items() if not _is_marked(child, mark)}
        result["properties"] = kept
        dropped = list(properties.keys() - kept.keys())
        if isinstance(required := schema.get("required"), list):
            result["required"] = [name for name in required if name not in dropped]
    if "items" in schema:
        result["items"] = _drop_within(schema["items"], mark)
    for key in ("allOf", "anyOf", "oneOf"):
        if isinstance(children := schema.get(key), list):
            result[key] = [_drop_within(child, mark) for child in children]
    return result


def _drop_within(schema: Any, mark: str) -> Any:
    return drop_fields(schema, mark) if isinstance(schema, dict) else schema


def _is_marked(schema: Any, mark: str) -> bool:
    return isinstance(schema, dict) and schema.get(mark) is True
