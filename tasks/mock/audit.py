"""The audit of a toolset: every function called through the mock, once well and once badly."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from schemas.base import Json
from schemas.toolset import AuditedCall, Toolset
from tasks.mock.plan import Collection, Role, Route
from tasks.mock.recognition import find_ordered_pairs
from tasks.mock.shapes import has_type, list_properties, read_at
from tasks.mock.transport import MockApi, MockTransport
from tasks.mock.world import Stocks
from tasks.openapi.errors import CallError, explain_failures
from tasks.openapi.functions import Operation, build_function, list_operations
from tasks.openapi.requests import build_request
from tasks.openapi.responses import check_response
from tasks.values import conforms, sample_value

BASE_URL = "https://api.example.com"
AUDIT_SEED = 0
DEEPEST = 3
"""How many calls may be needed one after another before an id is known."""

MOST_LOOKUPS = 200
"""How many calls are made for one function's ids; where all functions need each other's, there is no end of them."""

UNKNOWN_ARGUMENT = "no_such_argument"


@dataclass
class _Trial:
    """An episode in which one function is called, and how many further calls may be made for its ids."""

    api: MockApi
    transport: MockTransport
    lookups: int = MOST_LOOKUPS


@explain_failures()
def audit_functions(toolset: Toolset) -> tuple[AuditedCall, ...]:
    """One good and one bad call of each function, in the document's order, each in an episode of its own.

    A good call gives the required arguments and a value for each optional filter, drawn by name and schema; ids come
    from examples, or from what a search or list answers. It must be answered 2xx, in the declared shape. A bad call
    misses a required argument, has one of the wrong type, or one that the function does not know; it must get 4xx.

    Raises:
        DocumentError: The mock cannot make anything of the document.
    """
    operations = list_operations(toolset.document)
    api = MockApi(operations, toolset.entry.id)
    stocks: Stocks = {}
    calls: list[AuditedCall] = []
    for operation in operations:
        good = _call_well(_Trial(api, api.transport(AUDIT_SEED, stocks=stocks)), operation)
        calls += (good, _call_badly(operation, good.arguments, api.transport(AUDIT_SEED, stocks=stocks)))
    return tuple(calls)


def _call_well(trial: _Trial, operation: Operation) -> AuditedCall:
    arguments = _choose_arguments(trial, operation, 0)
    status, body, problem = _send(trial.transport, operation, arguments)
    if not problem:
        problem = (
            f"status {status} for a good call" if not 200 <= status < 300 else check_response(operation, status, body)
        )
    return AuditedCall(function=operation.name, good=True, arguments=arguments, status=status, problem=problem)


def _call_badly(operation: Operation, good: dict[str, Any], transport: MockTransport) -> AuditedCall:
    arguments = _spoil_arguments(operation, good)
    status, _, _ = _send(transport, operation, arguments)
    problem = "" if 400 <= status < 500 else f"status {status} for a bad call"
    return AuditedCall(function=operation.name, good=False, arguments=arguments, status=status, problem=problem)


def _send(transport: MockTransport, operation: Operation, arguments: dict[str, Any]) -> tuple[int, Json, str]:
    """Status, body and what kept the call from being sent (empty if nothing)."""
    try:
        request = build_request(operation, arguments, BASE_URL)
    except CallError as error:
        return error.status, None, error.message
    response = transport.handle_request(request)
    return response.status_code, response.json() if response.content else None, ""


def _choose_arguments(trial: _Trial, operation: Operation, depth: int) -> dict[str, Any]:
    """Arguments of a good call: all required ones, and the optional ones that are neither ids nor objects."""
    parameters = build_function(operation).parameters
    properties = list_properties(parameters)
    required: Sequence[str] = parameters.get("required", ())  # type: ignore[assignment]
    route = trial.api.find_route(operation)
    owners = {item.argument: item.collection for item in route.ids}
    rng = Random(f"audit|{operation.name}")
    arguments: dict[str, Any] = {}
    for name, schema in properties.items():
        if name in owners:
            if name in required:
                id_ = _find_id(trial, owners[name], operation, depth)
                given: Json = [id_] if has_type(schema, "array") else id_
                usable = id_ is not None and conforms(given, schema)
                arguments[name] = given if usable else sample_value(name, schema, rng)
        elif name in required or (depth == 0 and route.role is not Role.OTHER and not has_type(schema, "object")):
            arguments[name] = sample_value(name, schema, rng)
        if isinstance(arguments.get(name), dict):
            _place_ids(arguments[name], owners, trial, operation, depth)
    for first, second in find_ordered_pairs(arguments):
        low, high = arguments[first], arguments[second]
        swapped = {**arguments, first: high, second: low}
        if type(low) is type(high) and low > high and all(conforms(swapped[n], properties[n]) for n in (first, second)):
            arguments = swapped
    return arguments


def _place_ids(
    body: dict[str, Any], owners: dict[str, Collection], trial: _Trial, operation: Operation, depth: int
) -> None:
    """Puts ids that exist into a body that is one argument."""
    for name in [name for name in body if name in owners]:
        id_ = _find_id(trial, owners[name], operation, depth)
        body[name] = id_ if id_ is not None else body[name]


def _find_id(trial: _Trial, collection: Collection, operation: Operation, depth: int) -> Json:
    """An id that exists: from the examples, else from the answer of an operation that lists or makes such things."""
    if collection.id_examples:
        return collection.id_examples[0]
    if depth >= DEEPEST:
        return None
    routes = [trial.api.find_route(other) for other in trial.api.operations if other is not operation]
    order = (Role.LIST, Role.PICK, Role.CREATE, Role.FETCH)
    telling = [route for role in order for route in routes if route.role is role and _tells_id(route, collection)]
    for route in telling:
        if trial.lookups <= 0:
            break
        trial.lookups -= 1
        arguments = _choose_arguments(trial, route.operation, depth + 1)
        status, body, _ = _send(trial.transport, route.operation, arguments)
        if not 200 <= status < 300:
            continue
        found = _read_id(route, collection, body)
        if found is not None:
            return found
    return None


def _tells_id(route: Route, collection: Collection) -> bool:
    return route.collection is collection and collection.id_name in list_properties(route.item)


def _read_id(route: Route, collection: Collection, body: Json) -> Json:
    try:
        held = read_at(body, route.keys)
        first = held[0] if isinstance(held, list) else held
        return first[collection.id_name]  # type: ignore[no-any-return]
    except (KeyError, IndexError, TypeError):
        return None


def _spoil_arguments(operation: Operation, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with one thing wrong: the last required one left out, else a wrong type, else an unknown name."""
    parameters = build_function(operation).parameters
    required: Sequence[str] = parameters.get("required", ())  # type: ignore[assignment]
    if required:
        return {name: value for name, value in arguments.items() if name != required[-1]}
    for name, schema in list_properties(parameters).items():
        for wrong in ({"wrong": "type"}, "not a value of this type"):
            if not conforms(wrong, schema):
                return {**arguments, name: wrong}
    return {**arguments, UNKNOWN_ARGUMENT: "x"}
