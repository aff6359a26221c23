"""A small API of the usual shape, to try the mock on."""

from typing import Any

from tasks.openapi.functions import Operation, list_operations
from tasks.openapi.load import normalise_document

Json = dict[str, Any]

PET_PROPERTIES: Json = {
    "id": {"type": "string", "examples": ["pet_4821", "pet_1290"]},
    "name": {"type": "string", "description": "The pet's name"},
    "breed": {"type": "string", "examples": ["Beagle", "Poodle"]},
    "status": {"type": "string", "enum": ["available", "adopted"]},
    "age_years": {"type": "number", "minimum": 0, "maximum": 20},
    "vaccinated": {"type": "boolean"},
    "city": {"type": "string"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "arrived_on": {"type": "string", "format": "date"},
}
PET: Json = {"type": "object", "properties": PET_PROPERTIES, "required": list(PET_PROPERTIES)}
PET_IN_LIST: Json = {
    "type": "object",
    "properties": {key: part for key, part in PET_PROPERTIES.items() if key != "tags"},
    "required": ["id", "name"],
}
VISIT: Json = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "petId": {"type": "string"},
        "date": {"type": "string", "format": "date"},
        "cost": {"type": "number"},
    },
    "required": ["id", "petId", "date", "cost"],
}
PET_ID: Json = {
    "name": "petId",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "examples": ["pet_4821"]},
}


def _query(name: str, kind: str, **more: Any) -> Json:
    return {"name": name, "in": "query", "schema": {"type": kind, **more}}


def _answer(schema: Json, status: str = "200") -> Json:
    return {status: {"description": "ok", "content": {"application/json": {"schema": schema}}}}


def _list_of(name: str, item: Json) -> Json:
    properties = {name: {"type": "array", "items": item}, "total": {"type": "integer"}}
    return {"type": "object", "properties": properties, "required": [name, "total"]}


def _body(*names: str, required: tuple[str, ...] = (), **more: Json) -> Json:
    properties = {name: PET_PROPERTIES[name] for name in names} | more
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


FILTERS: list[Json] = [
    _query("breed", "string"),
    _query("status", "string", enum=["available", "adopted"]),
    _query("min_age_years", "number", minimum=0, maximum=20),
    _query("max_age_years", "number", minimum=0, maximum=20),
    _query("vaccinated", "boolean"),
    _query("tag", "string"),
    _query("arrived_after", "string", format="date"),
    _query("query", "string"),
    _query("limit", "integer", minimum=1, maximum=50),
    _query("offset", "integer", minimum=0),
    _query("sort_by", "string", enum=["age_years", "name"]),
    _query("order", "string", enum=["asc", "desc"]),
]

PATHS: Json = {
    "/pets": {
        "get": {"operationId": "listPets", "parameters": FILTERS, "responses": _answer(_list_of("pets", PET_IN_LIST))},
        "post": {
            "operationId": "createPet",
            "requestBody": _body("name", "breed", "age_years", required=("name",)),
            "responses": _answer(PET, "201"),
        },
    },
    "/pets/random": {"get": {"operationId": "getRandomPet", "responses": _answer(PET)}},
    "/pets/count": {
        "get": {
            "operationId": "countPets",
            "parameters": [_query("breed", "string")],
            "responses": _answer(
                {"type": "object", "properties": {"count": {"type": "integer"}, "breed": {"type": "string"}}}
            ),
        }
    },
    "/pets/{petId}": {
        "get": {
            "operationId": "getPet",
            "parameters": [PET_ID],
            "responses": {
                **_answer(PET),
                "404": {
                    "description": "none",
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {"status": {"type": "integer"}, "message": {"type": "string"}},
                                "required": ["status", "message"],
                                "additionalProperties": False,
                            }
                        }
                    },
                },
            },
        },
        "patch": {
            "operationId": "updatePet",
            "parameters": [PET_ID],
            "requestBody": _body("name", "status"),
            "responses": _answer(PET),
        },
        "delete": {
            "operationId": "deletePet",
            "parameters": [PET_ID],
            "responses": _answer(
                {
                    "type": "object",
                    "properties": {"id": {"type": "string"}, "deleted": {"type": "boolean"}},
                    "required": ["id", "deleted"],
                }
            ),
        },
    },
    "/pets/{petId}/visits": {
        "get": {
            "operationId": "listVisits",
            "parameters": [PET_ID],
            "responses": _answer(_list_of("visits", VISIT)),
        }
    },
    "/visits": {
        "post": {
            "operationId": "bookVisit",
            "requestBody": _body(
                required=("petId", "date"), petId={"type": "string"}, date={"type": "string", "format": "date"}
            ),
            "responses": _answer(VISIT, "201"),
        }
    },
    "/visits/{visitId}": {
        "delete": {
            "operationId": "cancelVisit",
            "parameters": [{"name": "visitId", "in": "path", "required": True, "schema": {"type": "string"}}],
            "responses": {"204": {"description": "gone"}},
        }
    },
    "/countries/{countryCode}": {
        "get": {
            "operationId": "getCountry",
            "parameters": [
                {"name": "countryCode", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 2}}
            ],
            "responses": _answer(
                {
                    "type": "object",
                    "properties": {
                        "countryCode": {"type": "string"},
                        "name": {"type": "string"},
                        "latitude": {"type": "number", "minimum": -90, "maximum": 90},
                    },
                    "required": ["countryCode", "name", "latitude"],
                }
            ),
        }
    },
    "/convert": {
        "get": {
            "operationId": "convertCurrency",
            "parameters": [_query("from", "string"), _query("to", "string"), _query("amount", "number")],
            "responses": _answer(
                {
                    "type": "object",
                    "properties": {
                        "from": {"type": "string"},
                        "to": {"type": "string"},
                        "amount": {"type": "number"},
                        "rate": {"type": "number"},
                        "result": {"type": "number"},
                    },
                    "required": ["from", "to", "amount", "rate", "result"],
                }
            ),
        }
    },
}

DOCUMENT: Json = {"openapi": "3.1.0", "info": {"title": "Pets", "version": "1"}, "paths": PATHS}


def read_operations(document: Json = DOCUMENT) -> tuple[Operation, ...]:
    """The operations of a document that need not be normalised yet."""
    return list_operations(normalise_document(document))
