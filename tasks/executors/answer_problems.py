"""What is wrong with an answer that a model gave in an API's place; none of it is left to another model to see."""

from collections.abc import Iterator
from typing import Any

from schemas.base import Json, canonical_json
from schemas.episodes import Observation
from schemas.reasons import Reason
from tasks.executors.history import Exchange, History, find_part
from tasks.markup.placeholders import find_placeholders
from tasks.mock.filters import Condition, meets, read_value
from tasks.mock.finding import read_wish
from tasks.mock.lists import find_slice
from tasks.openapi.agreement import find_disagreements
from tasks.openapi.free_leaves import find_free_leaves
from tasks.openapi.responses import check_response

_GONE = (404, 410)
_CONFLICT = 409
_EXACT = frozenset({"equal", "member", "least", "most"})
"""The filters that tell what each thing must be; what is near a place, or holds a text, a model may judge otherwise."""


def find_answer_problems(exchange: Exchange, history: History) -> Iterator[tuple[Reason, str]]:
    """What speaks against an answer, with its reason; `history` is what was asked and answered before it."""
    problem = check_response(exchange.route.operation, exchange.status, exchange.body)
    if problem:
        yield Reason.INVALID_RESPONSE, problem
        return
    if not exchange.is_good:
        if not _deserves_error(exchange, history):
            yield (
                Reason.UNDESERVED_ERROR,
                f"status {exchange.status}: the request is a good one, and what it asks for is there",
            )
    elif exchange.is_read and _finds_nothing(exchange) and not _may_find_nothing(exchange, history):
        yield Reason.EMPTY_ANSWER, "nothing is found: make up what fits the request"
    for text in _find_placeholders(exchange, history):
        yield Reason.PLACEHOLDER, f"{text!r} stands where a value should: make one up"
    if exchange.is_good:
        for line in (
            *_find_disagreements(exchange),
            *_find_unmet(exchange),
            *history.find_contradictions(exchange),
        ):
            yield Reason.CONTRADICTORY_ANSWER, line


def _deserves_error(exchange: Exchange, history: History) -> bool:
    if exchange.status in _GONE:
        return history.is_gone(exchange) or any(_is_unheard_of(exchange, history))
    return exchange.status == _CONFLICT and any(
        earlier.is_good and earlier.request == exchange.request and earlier.arguments == exchange.arguments
        for earlier in history.exchanges
        if not earlier.is_read
    )


def _is_unheard_of(exchange: Exchange, history: History) -> Iterator[bool]:
    """For each id of a request, whether neither the document nor an answer has it."""
    answered = canonical_json([earlier.body for earlier in history.exchanges if earlier.is_good])
    for item in exchange.route.ids:
        id_ = exchange.arguments.get(item.argument)
        if isinstance(id_, str | int):
            shown = map(str, item.collection.id_examples)
            yield str(id_) not in shown and canonical_json(id_) not in answered


def _finds_nothing(exchange: Exchange) -> bool:
    """Whether an answer holds no thing where the document says that there are some."""
    body, route = exchange.body, exchange.route
    if route.response is None:
        return False
    return body in (None, "", [], {}) or find_part(body, route.keys) in ([], {})


def _may_find_nothing(exchange: Exchange, history: History) -> bool:
    start, size = find_slice(exchange.route.controls, exchange.arguments)
    return history.may_lack(exchange) or start > 0 or size == 0


def _find_placeholders(exchange: Exchange, history: History) -> Iterator[str]:
    told = canonical_json([dict(exchange.arguments), *(earlier.body for earlier in history.exchanges)])
    response = exchange.route.operation.find_response(exchange.status)
    schema = response.schema if response is not None else None
    for _, value in find_free_leaves("", exchange.body, [schema] if schema else []):
        if isinstance(value, str):
            yield from find_placeholders(value, lambda text: text in told, whole=True)


def _find_disagreements(exchange: Exchange) -> Iterator[str]:
    operation = exchange.route.operation
    observation = Observation(
        tool_call_id="", function=operation.name, status=exchange.status, body=exchange.body
    )  # fmt: skip
    return find_disagreements(exchange.arguments, observation, operation)


def _find_unmet(exchange: Exchange) -> Iterator[str]:
    """The things in a list that the request's filters leave out, and a list that is longer than it may be."""
    route = exchange.route
    shown: Any = find_part(exchange.body, route.keys)
    if not isinstance(shown, list):
        return
    _, size = find_slice(route.controls, exchange.arguments)
    if size is not None and len(shown) > size:
        yield f"{len(shown)} are returned, and {route.controls.limit} = {size} was asked for"
    for condition in read_wish(route, exchange.arguments).conditions:
        unmet = (_read_unmet(thing, condition) for thing in shown if isinstance(thing, dict))
        value = next((value for value in unmet if value is not None), None)
        if value is not None:
            name = ".".join(condition.filter.keys)
            yield f"{condition.filter.argument} = {condition.value!r} was asked for, and one has {name} = {value!r}"


def _read_unmet(thing: dict[str, Json], condition: Condition) -> Json:
    """The value of a thing that a filter should have left out; None where it has none, or meets the filter."""
    value: Json = read_value(thing, condition.filter.keys)
    return None if condition.filter.test not in _EXACT or meets(thing, condition) else value
