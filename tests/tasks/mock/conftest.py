"""A caller that sends calls by function name and checks every answer against the document."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tasks.mock import MockApi, MockTransport
from tasks.openapi.functions import Operation
from tasks.openapi.requests import build_request
from tasks.openapi.responses import check_response
from tests.tasks.mock.documents import SHOP, Json, open_api
from tests.tasks.mock.pets import read_operations


class Caller:
    """One episode, on the pet API if no other is said. `call` gives the body of an answer that must have the status."""

    def __init__(self, transport: MockTransport, operations: Iterable[Operation] | None = None) -> None:
        self.transport = transport
        known = operations if operations is not None else read_operations()
        self.operations = {operation.name: operation for operation in known}

    def call(self, function: str, http_status: int = 200, /, **arguments: Any) -> Any:
        """Sends a call; asserts its status and that the answer conforms."""
        operation = self.operations[function]
        response = self.transport.handle_request(build_request(operation, arguments, "https://api.example.com/v1"))
        body = response.json() if response.content else None
        assert response.status_code == http_status, body
        assert check_response(operation, http_status, body) == ""
        return body


@pytest.fixture(scope="session")
def pet_api() -> MockApi:
    return MockApi(read_operations(), "pets")


@pytest.fixture
def open_episode(pet_api: MockApi) -> Callable[..., Caller]:
    return lambda seed=1, **options: Caller(pet_api.transport(seed, **options))


@pytest.fixture
def pets(open_episode: Callable[..., Caller]) -> Caller:
    return open_episode()


def play(api: MockApi, seed: int = 1, **options: Any) -> Caller:
    """An episode on another API than the pets."""
    return Caller(api.transport(seed, **options), api.operations)


def shop(**more: Json) -> Caller:
    """An episode in the shop, with further operations by path."""
    paths = {path: dict(item) for path, item in SHOP.items()}
    for path, item in more.items():
        paths.setdefault(path, {}).update(item)
    return play(open_api(paths))
