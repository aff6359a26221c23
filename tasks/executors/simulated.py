"""The executor `simulated`: a model plays the API, from its document and from what the episode has asked so far.

Code comes first: a call that does not conform never gets here, and the error that an episode plants is drawn. What the
model answers is held against the document, the request and the history; it may mend an answer once.
"""

from typing import TYPE_CHECKING, Any

import httpx
from pydantic import model_validator

from prompts import load_prompt
from schemas.base import Json, compact_json
from schemas.calls import ChatRequest
from schemas.described import Written
from schemas.episodes import Change
from schemas.errors import UnusableAnswerError
from schemas.reasons import Reason
from schemas.toolset import Toolset
from tasks.executors.answer_problems import find_answer_problems
from tasks.executors.history import Exchange, History
from tasks.mock import MockApi
from tasks.mock.faults import choose_fault, write_error
from tasks.mock.plan import Route
from tasks.mock.world import World
from tasks.openapi import Operation, match_request, read_arguments

if TYPE_CHECKING:
    from tasks.teacher import Teacher

FAULT = "toolherd_fault"
"""The extension of a response that cannot be used; it holds a `Fault`."""

Fault = tuple[Reason, str]
"""Why an answer that a model gave cannot be used: the reason, and what shows it."""

_DRAWS = 2
"""An answer and, if something is wrong with it, a mended one."""

_SCHEMAS = frozenset({"items", "prefixItems", "anyOf", "oneOf", "allOf", "additionalProperties"})
"""What holds schemas, beside properties."""

_MOST_ITEMS = 20
_LONGEST_TEXT = 1_000
"""How many things of a list and characters of a text are asked for; an answer may have what the document allows."""

_NOT_FOUND = 404
_ERROR: dict[str, Json] = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
            "required": ["code", "message"],
        }
    },
    "required": ["error"],
}


class _Answer(Written):
    status: int | None = None
    body: Json = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: Any) -> Any:
        """A body alone is the answer that it was meant to be."""
        return {"body": given} if isinstance(given, dict) and "body" not in given else given


class SimulatedApi:
    """An API that a model plays; each episode has a transport of its own. `mock` knows what operations are about."""

    def __init__(self, toolset: Toolset, mock: MockApi, teacher: "Teacher") -> None:
        self.toolset = toolset
        self.teacher = teacher
        self.mock = mock

    def transport(self, seed: int, owner: str, *, fail_once: bool = False) -> "SimulatedTransport":
        """A transport for one episode; `owner` is the instruction's id, for the ledger."""
        return SimulatedTransport(self, seed, owner, fail_once)

    def describe(self, operation: Operation) -> dict[str, Json]:
        """The operation's part of the document."""
        part: Any = self.toolset.document
        part = part["paths"][operation.path][operation.method.lower()]
        return {"method": operation.method.lower(), "path": operation.path, "operation": part}


class SimulatedTransport(httpx.AsyncBaseTransport):
    """Answers an episode's requests, one after the other; the first otherwise good one errs with `fail_once`.

    The same API, seed and requests get the same answers, since the prompts are the same then.
    """

    def __init__(self, api: SimulatedApi, seed: int, owner: str, fail_once: bool) -> None:
        self._api = api
        self._seed = seed
        self._owner = owner
        self._fails_next = fail_once
        self._history = History()

    def read_changes(self) -> tuple[Change, ...]:
        """How the episode's things differ from how they were."""
        return self._history.read_changes()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The model's answer, with the extension `FAULT` where it cannot be used.

        Raises:
            TeacherError: the model cannot be asked.
        """
        await request.aread()
        matched = match_request(self._api.mock.operations, request)
        assert matched is not None, "the executor sends nothing else"
        operation = matched[0]
        route = self._api.mock.find_route(operation)
        if self._fails_next:
            self._fails_next = False
            world = World(self._api.toolset.entry.id, self._seed)
            error = choose_fault(world)
            return _respond(error.status, write_error(error, route.describe_error(error.status), world), request)
        return await self._ask(route, read_arguments(operation, request), request)

    async def _ask(self, route: Route, arguments: dict[str, Json], request: httpx.Request) -> httpx.Response:
        target = f"{request.method} {request.url.raw_path.decode('ascii')}"
        exchange = Exchange(target, route, arguments, route.status, None)
        fault: Fault = (Reason.INVALID_RESPONSE, "there is none")

        def find_problems(answer: _Answer) -> list[str]:
            nonlocal exchange, fault
            exchange = Exchange(target, route, arguments, answer.status or route.status, answer.body)
            found = list(find_answer_problems(exchange, self._history))
            fault = found[0] if found else fault
            return [line for _, line in found]

        api = self._api
        prompt = load_prompt("simulator").render(
            name=api.toolset.entry.name,
            introduction=api.toolset.introduction,
            operation=api.describe(route.operation),
            history=[earlier.describe() for earlier in self._history.exchanges],
            request={"request": target, "arguments": arguments},
            status=route.status,
        )
        asked = ChatRequest(messages=({"role": "user", "content": prompt},), seed=self._seed)
        try:
            await api.teacher.complete_json(
                asked, _Answer, name="answer", stage="simulate", role="simulator", api_id=api.toolset.entry.id,
                owner=self._owner, schema=_make_schema(route), check=find_problems, attempts=_DRAWS,
            )  # fmt: skip
        except UnusableAnswerError:
            return _respond(exchange.status, exchange.body, request, fault)
        self._history.add(exchange)
        return _respond(exchange.status, exchange.body, request)


def _make_schema(route: Route) -> dict[str, Json]:
    """What an answer looks like: that of a good call, or that nothing is there where the request names something."""
    body: Json = bound_schema(route.response or {})
    statuses: list[Json] = [route.status]
    if route.ids:
        statuses.append(_NOT_FOUND)
        body = {"anyOf": [body, route.describe_error(_NOT_FOUND) or _ERROR]}
    return {
        "type": "object",
        "properties": {"status": {"enum": statuses}, "body": body},
        "required": ["status", "body"],
    }


def bound_schema(schema: Json) -> Json:
    """A schema whose lists and texts have an end: a model that is held to it by a grammar could go on and on."""
    if isinstance(schema, list):
        return [bound_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    bounded = {
        key: _bound_parts(part) if key == "properties" else bound_schema(part) if key in _SCHEMAS else part
        for key, part in schema.items()
    }
    if schema.get("type") == "array" and int(schema.get("minItems") or 0) <= _MOST_ITEMS:
        bounded["maxItems"] = min(_MOST_ITEMS, int(schema.get("maxItems", _MOST_ITEMS)))
    if schema.get("type") == "string" and not schema.keys() & {"enum", "const", "format", "pattern", "minLength"}:
        bounded["maxLength"] = min(_LONGEST_TEXT, int(schema.get("maxLength", _LONGEST_TEXT)))
    return bounded


def _bound_parts(properties: Json) -> Json:
    """The properties of an object, each bounded; their names are names, whatever they are called."""
    return (
        {name: bound_schema(part) for name, part in properties.items()} if isinstance(properties, dict) else properties
    )


def _respond(status: int, body: Json, request: httpx.Request, fault: Fault | None = None) -> httpx.Response:
    extensions = {FAULT: fault} if fault is not None else {}
    content = b"" if body is None else compact_json(body).encode()
    headers = {"Content-Type": "application/json"}
    return httpx.Response(status, content=content, headers=headers, request=request, extensions=extensions)
