"""A small API of adoptable pets, and episodes on it, for the tests of this folder."""

import json
from typing import Any

from schemas.catalog import CatalogEntry
from schemas.episodes import Detail, End, Episode, Flaw, Instruction, Kind, Message, Observation, ToolCall, Trajectory
from schemas.toolset import Function, Toolset
from tasks.openapi import load_document

SEARCH = Function(
    name="searchPets",
    description="Find pets that wait for a home. Returns: pets (list of id, name, breed, age_years, fee), total.",
    parameters={
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "The city of the shelter"},
            "species": {"type": "string", "enum": ["dog", "cat", "rabbit"]},
            "arrived_after": {"type": "string", "format": "date"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10},
            "vaccinated": {"type": "boolean"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["city"],
        "additionalProperties": False,
    },
)
GET = Function(
    name="getPet",
    description="Get one pet. Returns: id, name, breed, age_years, weight_kg.",
    parameters={
        "type": "object",
        "properties": {"pet_id": {"type": "string"}},
        "required": ["pet_id"],
        "additionalProperties": False,
    },
)
TOOLSET = Toolset(
    entry=CatalogEntry(id="petfinder", name="Petfinder", description="Pets that wait for a home", category="Animals"),
    introduction="Petfinder lists the pets of shelters.",
    document={},
    functions=(SEARCH, GET),
)
PETS: dict[str, Any] = {
    "pets": [
        {"id": "pet_4821", "name": "Luna", "breed": "Beagle", "age_years": 3, "fee": 120.5},
        {"id": "pet_7710", "name": "Milo", "breed": "Maine Coon", "age_years": 7, "fee": 85},
        {"id": "pet_1093", "name": "Juniper", "breed": "Beagle", "age_years": 2, "fee": 240},
    ],
    "total": 3,
}
LUNA: dict[str, Any] = {
    "id": "pet_4821",
    "name": "Luna",
    "breed": "Beagle",
    "age_years": 3,
    "weight_kg": 11.4567,
    "arrived_on": "2026-03-03",
    "photo": "https://img.example/luna.jpg",
}

_PET = {"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}}, "required": ["id"]}
_PETS = {"type": "object", "properties": {"pets": {"type": "array", "items": _PET}}, "required": ["pets"]}


def build_documented() -> Toolset:
    """The same API with a document: its answers are `PETS` and `LUNA`, or what conforms to the same schemas."""
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Petfinder", "version": "1"},
        "paths": {
            "/pets": {"get": _describe(SEARCH, _PETS, "query")},
            "/pets/{pet_id}": {"get": _describe(GET, _PET, "path")},
        },
    }
    return TOOLSET.model_copy(update={"document": load_document(document).document})


def _describe(function: Function, answer: dict[str, Any], place: str) -> dict[str, Any]:
    parameters: Any = function.parameters
    return {
        "operationId": function.name,
        "description": function.description,
        "parameters": [
            {"name": name, "in": place, "required": name in parameters["required"], "schema": schema}
            for name, schema in parameters["properties"].items()
        ],
        "responses": {"200": {"description": "Found", "content": {"application/json": {"schema": answer}}}},
    }


Step = Message | tuple[str, str | dict[str, Any], int, Any]


def user(text: str) -> Message:
    return Message(role="user", content=text)


def say(text: str) -> Message:
    return Message(role="assistant", content=text)


def build_episode(
    *steps: Step,
    kind: Kind = Kind.SINGLE_CALL,
    text: str = "Which pets wait for a home in Lyon?",
    withheld: Detail | None = None,
    end: End = "response",
    valid: bool = True,
    flaw: Flaw | None = None,
    functions: tuple[str, ...] = (),
) -> Episode:
    """An episode: what follows the instruction, where (function, arguments, status, body) is a call and its answer."""
    messages = [Message(role="system", content="You are helpful. The key is SECRET-99."), user(text)]
    observations = []
    for number, step in enumerate(steps):
        if isinstance(step, Message):
            messages.append(step)
            continue
        name, arguments, status, body = step
        written = arguments if isinstance(arguments, str) else json.dumps(arguments)
        call = ToolCall(id=f"call_{number}", name=name, arguments=written)
        messages.append(Message(role="assistant", content="I look it up.", tool_calls=(call,)))
        content = json.dumps({"status": status, "body": body})
        messages.append(Message(role="tool", content=content, tool_call_id=call.id))
        observations.append(Observation(tool_call_id=call.id, function=name, status=status, body=body, valid=valid))
    return Episode(
        instruction=Instruction(
            id="petfinder-0", api_id="petfinder", kind=kind, text=text, withheld=withheld, functions=functions
        ),
        trajectory=Trajectory(messages=tuple(messages), observations=tuple(observations), end=end, flaw=flaw),
        seed=0,
    )


def search(city: str = "Lyon", **arguments: Any) -> Step:
    return ("searchPets", {"city": city, **arguments}, 200, PETS)


GOOD = say("There are 3 pets in Lyon: Luna (Beagle), Milo (Maine Coon) and Juniper (Beagle).")
