"""An API with state: pets that are searched, shown, entered, changed and deleted; and what is asked of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from schemas.catalog import CatalogEntry
from schemas.toolset import Toolset
from tasks.executors.history import Exchange, History
from tasks.executors.simulated import SimulatedApi, SimulatedTransport
from tasks.mock import MockApi
from tasks.openapi import build_request, list_operations
from tasks.teacher import Teacher
from tests.tasks.agents.parts import CITY, ENTRY, ID, PET, Json, answer_with, build_audited, make_document

LUNA: Json = {"id": "pet_4821", "name": "Luna", "city": "Lyon", "age_years": 3}
MILO: Json = {"id": "pet_1093", "name": "Milo", "city": "Lyon", "age_years": 7}


def make_pets(entry: CatalogEntry = ENTRY) -> Toolset:
    """The API of pets of the agents' tests, with an operation that changes a pet and one with bounds in its search."""
    document = make_document()
    age = {"type": "integer", "description": "The age in years", "minimum": 0, "maximum": 20}
    change = {
        "operationId": "updatePet",
        "summary": "Change a pet.",
        "parameters": [{"name": "petId", "in": "path", "required": True, "description": "The id", "schema": ID}],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"type": "object", "properties": {"age_years": age, "city": CITY}}}
            },
        },
        "responses": answer_with(PET),
    }
    document["paths"]["/pets/{petId}"]["patch"] = change
    bound = {"name": "min_age_years", "in": "query", "description": "The lowest age", "schema": {"type": "integer"}}
    document["paths"]["/pets"]["get"]["parameters"].append(bound)
    return build_audited(entry, "Petfinder lists the pets of shelters.", document, teacher="offline")


TOOLSET = make_pets()
OPERATIONS = {operation.name: operation for operation in list_operations(TOOLSET.document)}
_MOCK = MockApi(tuple(OPERATIONS.values()), "petfinder")


def exchange(name: str, arguments: Json, body: Any, status: int = 0) -> Exchange:
    """A request to one of the API's functions, and its answer; by default with the status of a good one."""
    route = _MOCK.find_route(OPERATIONS[name])
    sent = build_request(OPERATIONS[name], arguments, "https://pets.example")
    return Exchange(f"{sent.method} {sent.url.raw_path.decode()}", route, arguments, status or route.status, body)


def search(*pets: Json, **arguments: Any) -> Exchange:
    """A search in Lyon."""
    return exchange("searchPets", {"city": "Lyon", **arguments}, {"pets": list(pets)})


def show(pet: Json, id_: str = "pet_4821") -> Exchange:
    """One pet that is shown."""
    return exchange("getPet", {"petId": id_}, pet)


def gone(id_: str = "pet_4821") -> Exchange:
    """One pet that is deleted."""
    return exchange("deletePet", {"petId": id_}, {"deleted": True})


def tell(*exchanges: Exchange) -> History:
    """A history of these."""
    history = History()
    for one in exchanges:
        history.add(one)
    return history


class Client:
    """Calls the functions of one episode."""

    def __init__(self, transport: SimulatedTransport) -> None:
        self._transport = transport

    async def call(self, function: str, /, **arguments: Any) -> httpx.Response:
        """What a function answers."""
        request = build_request(OPERATIONS[function], arguments, "https://pets.example")
        response = await self._transport.handle_async_request(request)
        await response.aread()
        return response


@asynccontextmanager
async def play(teacher: Teacher, seed: int = 1, owner: str = "petfinder-001", **how: Any) -> AsyncIterator[Client]:
    """An episode that a teacher plays the API in."""
    yield Client(SimulatedApi(TOOLSET, _MOCK, teacher).transport(seed, owner, **how))
