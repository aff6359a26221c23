"""What the tests of the agents are made of: a small API of pets, teachers that answer by script, and transports."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.responses import JSONResponse, Response

from schemas.catalog import CatalogEntry
from schemas.episodes import Detail, Instruction, Kind
from schemas.teacher import TeacherSettings
from schemas.toolset import Documentation, DocumentedFunction, Toolset
from tasks.agents.toolset import accept_audit, draft_toolset
from tasks.mock import audit_functions
from tasks.teacher import Engine, Ledger, Teacher
from tasks.teacher.in_process import connect_app
from tests.tasks.teacher.endpoints import Endpoint, Reply, build_answer

Json = dict[str, Any]

ENTRY = CatalogEntry(id="petfinder", name="Petfinder", description="Pets that wait for a home", category="Animals")
CITY = {"type": "string", "description": "The city of the shelter", "maxLength": 60, "examples": ["Lyon", "Oslo"]}
ID = {"type": "string", "description": "The id of the pet", "maxLength": 20, "examples": ["pet_4821", "pet_1093"]}
PET = {
    "type": "object",
    "properties": {
        "id": ID,
        "name": {"type": "string", "description": "The name of the pet", "maxLength": 40},
        "city": CITY,
        "age_years": {"type": "integer", "description": "The age in years", "minimum": 0, "maximum": 20},
    },
    "required": ["id", "name", "city", "age_years"],
}


def answer_with(schema: Json, status: str = "200") -> Json:
    """The responses of an operation that answers with `schema`."""
    return {status: {"description": "done", "content": {"application/json": {"schema": schema}}}}


def make_document(title: str = "Petfinder") -> Json:
    """An OpenAPI document of four operations: search, get, create, delete."""
    pets = {"type": "array", "description": "The pets found", "items": PET, "maxItems": 50}
    found = {"type": "object", "properties": {"pets": pets}, "required": ["pets"]}
    gone = {"type": "object", "properties": {"deleted": {"type": "boolean", "description": "Whether it is gone"}}}
    fields = ("name", "city", "age_years")
    new = {
        "type": "object",
        "properties": {name: PET["properties"][name] for name in fields},  # type: ignore[index]
        "required": ["name", "city"],
    }
    path_id = {"name": "petId", "in": "path", "required": True, "description": "The id of the pet", "schema": ID}
    in_city = {"name": "city", "in": "query", "required": True, "description": "Where to look", "schema": CITY}
    limit_schema = {"type": "integer", "minimum": 1, "maximum": 20}
    limit = {"name": "limit", "in": "query", "description": "How many to return", "schema": limit_schema}
    body = {"required": True, "content": {"application/json": {"schema": new}}}
    operations: list[tuple[str, str, Json]] = [
        ("/pets", "get", {"operationId": "searchPets", "summary": "Search pets.", "parameters": [in_city, limit],
                          "responses": answer_with(found)}),
        ("/pets", "post", {"operationId": "createPet", "summary": "Create a pet.", "requestBody": body,
                           "responses": answer_with(PET, "201")}),
        ("/pets/{petId}", "get", {"operationId": "getPet", "summary": "Get one pet.", "parameters": [path_id],
                                  "responses": answer_with(PET)}),
        ("/pets/{petId}", "delete", {"operationId": "deletePet", "summary": "Delete a pet.", "parameters": [path_id],
                                     "responses": answer_with(gone)}),
    ]  # fmt: skip
    paths: Json = {}
    for path, method, operation in operations:
        paths.setdefault(path, {})[method] = operation
    return {"openapi": "3.1.0", "info": {"title": title, "version": "1.0"}, "paths": paths}


def build_audited(entry: CatalogEntry, introduction: str, document: dict[str, Any], teacher: str) -> Toolset:
    """The toolset of a document whose functions have all passed the audit."""
    draft = draft_toolset(entry, introduction, document, teacher)
    return accept_audit(draft, audit_functions(draft))


def make_toolset() -> Toolset:
    """The API of pets, audited."""
    return build_audited(ENTRY, "Petfinder lists the pets of shelters.", make_document(), teacher="offline")


def make_documentation(**changes: Any) -> Documentation:
    """Documentation of two functions, as a good teacher writes it."""
    functions = (
        DocumentedFunction(name="searchPets", description="Search pets.", inputs=("city",), outputs=("petId", "name")),
        DocumentedFunction(name="countPets", description="Count pets.", inputs=("city",), outputs=("count",)),
    )
    told: Json = {"introduction": "Pets that wait for a home.", "functions": functions, **changes}
    return Documentation(**told)


def make_instruction(
    text: str = "Find pets in Lyon.", kind: Kind = Kind.SINGLE_CALL, number: int = 1, withheld: Detail | None = None
) -> Instruction:
    """An instruction for the API of pets."""
    return Instruction(id=f"petfinder-{number:03}", api_id="petfinder", kind=kind, text=text, withheld=withheld)


def say_values(text: str) -> list[Json]:
    """The values of an instruction that names a city."""
    return [{"parameter": "city", "value": city} for city in ("Lyon", "Oslo") if city in text]


def write(value: Any) -> Reply:
    """A reply that is this JSON."""
    return lambda _: JSONResponse(build_answer(json.dumps(value)))


def call(*calls: tuple[str, Any], thought: str = "I look it up.") -> Reply:
    """A reply that calls functions with a thought; arguments that are text are sent as they are."""
    written = [
        {
            "id": f"endpoint_{place}",
            "type": "function",
            "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
        }
        for place, (name, given) in enumerate(calls)
    ]
    message = {"role": "assistant", "content": thought, "tool_calls": written}
    choice = {"index": 0, "finish_reason": "tool_calls", "message": message}
    return lambda _: JSONResponse(build_answer(choices=[choice]))


@asynccontextmanager
async def scripted(
    *script: Reply, last: Reply | None = None, ledger: Ledger | None = None, is_remote: bool = False
) -> AsyncIterator[tuple[Teacher, Endpoint]]:
    """A teacher that answers by script, through the real client; `last` is repeated after the script.

    It is asked as the embedded teacher is, or as any endpoint over HTTP (`is_remote`).
    """
    endpoint = Endpoint(*script, last=last or fail_the_test)
    where = {"model": "tiny", "base_url": "http://tiny.test/v1"} if is_remote else {}
    settings = TeacherSettings.model_validate({"attempts": 2, **where})
    client = connect_app(endpoint.app)
    async with Teacher(Engine(settings, client=client, first_backoff_s=0.0), ledger or Ledger()) as teacher:
        yield teacher, endpoint


@asynccontextmanager
async def embedded() -> AsyncIterator[Teacher]:
    """The embedded teacher."""
    async with Teacher(Engine(TeacherSettings()), Ledger()) as teacher:
        yield teacher


def fail_the_test(body: Json) -> Response:
    """For teachers that must not be asked again."""
    raise AssertionError(f"the teacher was asked once more: {str(body['messages'][-1])[:200]}")


class CountingTransport(httpx.AsyncBaseTransport):
    """Hands requests on and keeps them, so that a test can tell what was sent."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response] | httpx.AsyncBaseTransport) -> None:
        self.requests: list[httpx.Request] = []
        self._inner = answer if isinstance(answer, httpx.AsyncBaseTransport) else httpx.MockTransport(answer)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return await self._inner.handle_async_request(request)
