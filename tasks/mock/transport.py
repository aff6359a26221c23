"""An API that answers from its document alone, as an httpx transport with the state of one episode."""

from collections.abc import Sequence

import httpx

from schemas.base import Json, compact_json
from schemas.episodes import Change
from tasks.mock.answers import answer
from tasks.mock.faults import RequestError, choose_fault, write_error
from tasks.mock.finding import find_targets
from tasks.mock.plan import Route
from tasks.mock.routes import compile_routes
from tasks.mock.world import Stocks, World
from tasks.openapi.functions import Operation
from tasks.openapi.matching import match_request, read_arguments


class MockApi:
    """An API's operations, read once; `transport` gives each episode a transport with a world of its own."""

    def __init__(self, operations: Sequence[Operation], api_id: str) -> None:
        self.operations = tuple(operations)
        self.api_id = api_id
        self._routes: dict[str, Route] = compile_routes(self.operations)

    def transport(self, seed: int, fail_once: bool = False, stocks: Stocks | None = None) -> "MockTransport":
        """A transport for one episode; costs microseconds. `stocks` spares many of one seed work (see `World`)."""
        return MockTransport(self, seed, fail_once, stocks)

    def find_route(self, operation: Operation) -> Route:
        """How an operation is answered."""
        return self._routes[operation.name]


class MockTransport(httpx.AsyncBaseTransport, httpx.BaseTransport):
    """Answers an episode's requests, for sync and async clients alike.

    Answers follow from the API's id, `seed` and what was created, changed and deleted before. With `fail_once`, the
    first otherwise good request gets 500, 503, 429 or 504 and changes nothing.
    """

    def __init__(self, api: MockApi, seed: int, fail_once: bool, stocks: Stocks | None) -> None:
        self._api = api
        self._world = World(api.api_id, seed, stocks)
        self._fails_next = fail_once

    def read_changes(self) -> tuple[Change, ...]:
        """How the episode's things differ from how they were."""
        return self._world.changes.describe()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See `handle_request`; nothing waits."""
        await request.aread()
        return self.handle_request(request)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The API's answer; errors of the request's are answers too, never exceptions."""
        request.read()
        matched = match_request(self._api.operations, request)
        if matched is None:
            error = RequestError(404, "not_found", f"There is no operation {request.method} {request.url.path}.")
            return _respond(error.status, write_error(error, None, self._world), request)
        operation = matched[0]
        route = self._api.find_route(operation)
        try:
            status, body = self._answer(route, request)
        except RequestError as error:
            status, body = error.status, write_error(error, route.describe_error(error.status), self._world)
        return _respond(status, body, request)

    def _answer(self, route: Route, request: httpx.Request) -> tuple[int, Json]:
        try:
            arguments = read_arguments(route.operation, request)
        except ValueError as problem:
            raise RequestError(400, "invalid_request", f"The request cannot be read: {problem}.") from problem
        targets = find_targets(route, arguments, self._world)
        if self._fails_next:
            self._fails_next = False
            raise choose_fault(self._world)
        return route.status, answer(route, arguments, targets, self._world)


def _respond(status: int, body: Json, request: httpx.Request) -> httpx.Response:
    if status == 204:
        return httpx.Response(status, request=request)
    content = compact_json(body).encode()
    return httpx.Response(status, content=content, headers={"Content-Type": "application/json"}, request=request)
