"""A small API, as the tools of a chat request, for the tests of the embedded teacher."""

from typing import Any

import pytest

from tasks.embedded.tool_roles import Tool, read_tools

PETS = "pets (list of id, name, age_years, city), total"


def make_function(name: str, description: str, required: list[str], **properties: dict[str, Any]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"name": name, "description": description, "parameters": parameters}


@pytest.fixture(scope="session")
def functions() -> list[dict[str, Any]]:
    pet_id = {"type": "string", "description": "The id of the pet", "examples": ["pet_4821", "pet_1093"]}
    city = {"type": "string", "description": "The city of the shelter", "examples": ["Lyon", "Oslo", "New York"]}
    return [
        make_function(
            "searchPets",
            f"Search pets. Returns: {PETS}.",
            ["city"],
            city=city,
            species={"type": "string", "description": "The kind of animal", "enum": ["dog", "cat"]},
            max_age_years={"type": "integer", "description": "The highest age", "minimum": 0, "maximum": 15},
            limit={"type": "integer", "description": "How many", "minimum": 1, "maximum": 20},
        ),
        make_function("getPet", "Get one pet. Returns: id, name, age_years, city.", ["petId"], petId=pet_id),
        make_function("listPetVisits", "List the visits. Returns: visits (list of id, day).", ["petId"], petId=pet_id),
        make_function(
            "createVisit",
            "Create a visit. Returns: id, title, day.",
            ["title", "day"],
            title={"type": "string", "description": "The title of the visit"},
            day={"type": "string", "format": "date", "description": "The day of the visit"},
            petId=pet_id,
        ),
        make_function("deletePet", "Delete a pet. Returns: id, deleted.", ["petId"], petId=pet_id),
        make_function("countPets", "Count the pets. Returns: count.", [], city=city),
        make_function("getRandomPet", "Pick a pet at random. Returns: id, name, age_years, city.", []),
    ]


@pytest.fixture(scope="session")
def tools(functions: list[dict[str, Any]]) -> tuple[Tool, ...]:
    return read_tools(functions)
