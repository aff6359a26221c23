"""Builders of small documents, and the APIs beside the pets that the mock is tried on.

Each has what the pets have not: a place on the map, pages, few ids, answers of several shapes.
"""

from typing import Any

from tasks.mock import MockApi
from tasks.mock.plan import Route
from tasks.openapi.functions import Operation, list_operations
from tasks.openapi.load import normalise_document

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
WHOLE: Json = {"type": "integer"}
NUMBER: Json = {"type": "number"}
FLAG: Json = {"type": "boolean"}
DATE: Json = {"type": "string", "format": "date"}
MOMENT: Json = {"type": "string", "format": "date-time"}


def record(**properties: Json) -> Json:
    """An object all of whose properties are given."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def array(item: Json, **more: Any) -> Json:
    return {"type": "array", "items": item, **more}


def query(name: str, schema: Json, **more: Any) -> Json:
    return {"name": name, "in": "query", "schema": schema, **more}


def in_path(name: str, schema: Json = TEXT) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def operation(
    name: str,
    *parameters: Json,
    answer: Json | None = None,
    status: str = "200",
    body: Json | None = None,
    errors: Json | None = None,
    **more: Any,
) -> Json:
    """An operation with one good answer (without a body where no schema is given), and errors by status."""
    responses = {status: _respond(answer), **{code: _respond(schema) for code, schema in (errors or {}).items()}}
    spec: Json = {"operationId": name, "parameters": list(parameters), "responses": responses, **more}
    if body is not None:
        spec["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return spec


def _respond(schema: Json | None) -> Json:
    return {"description": "-", **({"content": {"application/json": {"schema": schema}}} if schema is not None else {})}


def document(paths: Json) -> Json:
    return {"openapi": "3.1.0", "info": {"title": "An API", "version": "1"}, "paths": paths}


def operations(paths: Json) -> tuple[Operation, ...]:
    return list_operations(normalise_document(document(paths)))


def open_api(paths: Json, name: str = "an-api") -> MockApi:
    return MockApi(operations(paths), name)


def route_of(paths: Json, name: str) -> Route:
    """How the operation of that name is answered."""
    api = open_api(paths)
    return next(api.find_route(item) for item in api.operations if item.name == name)


PLACE_FIELDS: Json = {
    "name": TEXT,
    "kind": {"type": "string", "enum": ["cafe", "museum", "park"]},
    "latitude": {"type": "number", "minimum": -90, "maximum": 90},
    "longitude": {"type": "number", "minimum": -180, "maximum": 180},
    "price": {"type": "number", "minimum": 0, "maximum": 1000},
    "seats": {"type": "integer", "minimum": 0, "maximum": 1000},
    "opened_on": DATE,
    "tags": array(TEXT),
    "wheelchair": FLAG,
    "description": TEXT,
}
PLACE = record(id=TEXT, **PLACE_FIELDS)
PLACE_FILTERS = (
    query("name", TEXT),
    query("kind", TEXT),
    query("latitude", NUMBER),
    query("longitude", NUMBER),
    query("min_latitude", NUMBER),
    query("max_latitude", NUMBER),
    query("min_longitude", NUMBER),
    query("max_longitude", NUMBER),
    query("price", NUMBER),
    query("min_price", NUMBER),
    query("max_price", NUMBER),
    query("seats_from", WHOLE),
    query("seats_to", WHOLE),
    query("from", DATE),
    query("to", DATE),
    query("opened_on", DATE),
    query("tags", array(TEXT), style="form", explode=False),
    query("wheelchair", FLAG),
    query("q", TEXT),
    query("sort", TEXT),
)
PLACES: Json = {
    "/places": {
        "get": operation("listPlaces", *PLACE_FILTERS, answer=record(places=array(PLACE), total=WHOLE)),
        "post": operation("addPlace", answer=PLACE, status="201", body={**record(**PLACE_FIELDS), "required": []}),
    },
    "/places/{placeId}": {
        "get": operation("getPlace", in_path("placeId"), answer=PLACE),
        "put": operation("replacePlace", in_path("placeId"), answer=PLACE, body=record(**PLACE_FIELDS)),
        "delete": operation("removePlace", in_path("placeId"), status="204"),
    },
    "/places/stats": {
        "get": operation(
            "getPlaceStatistics",
            query("kind", TEXT),
            answer=record(count=WHOLE, average_price=NUMBER, min_price=NUMBER, max_price=NUMBER, total_price=NUMBER),
        )
    },
}

ARTICLE = record(id={"type": "integer", "examples": [104]}, title=TEXT, views=WHOLE, published_at=MOMENT)
PAGE_FIGURES: Json = {
    "total": WHOLE,
    "total_pages": WHOLE,
    "page": WHOLE,
    "per_page": WHOLE,
    "has_more": FLAG,
    "has_previous": FLAG,
}
PAGED = (query("page", WHOLE), query("per_page", WHOLE))
ARTICLES: Json = {
    "/articles": {
        "get": operation("listArticles", *PAGED, answer=record(articles=array(ARTICLE), **PAGE_FIGURES)),
        "post": operation(
            "addArticle", answer=ARTICLE, status="201", body={"type": "object", "properties": {"title": TEXT}}
        ),
    },
    "/articles/{articleId}": {"delete": operation("deleteArticle", in_path("articleId", WHOLE), status="204")},
    "/articles/latest": {
        "get": operation("getLatestArticles", query("limit", WHOLE), answer=array(ARTICLE)),
    },
    "/articles/search": {
        "get": operation(
            "searchArticles",
            query("q", TEXT, required=True),
            query("offset", WHOLE),
            query("limit", WHOLE),
            answer=record(data=record(articles=array(ARTICLE), offset=WHOLE, limit=WHOLE, count=WHOLE, total=WHOLE)),
        )
    },
}

SEAT_ID: Json = {"type": "integer", "minimum": 1, "maximum": 8}
SEAT = record(id=SEAT_ID, row={"type": "string", "enum": ["A", "B"]}, taken=FLAG)
SEATS: Json = {
    "/seats": {
        "get": operation("listSeats", query("row", TEXT), query("limit", WHOLE), answer=array(SEAT)),
        "post": operation(
            "addSeat", answer=SEAT, status="201", body={"type": "object", "properties": {"id": WHOLE, "row": TEXT}}
        ),
    },
    "/seats/{seatId}": {
        "get": operation("getSeat", in_path("seatId", WHOLE), answer=SEAT),
        "delete": operation("removeSeat", in_path("seatId", WHOLE), status="204"),
    },
}

CARD = record(kind={"const": "card"}, last_digits={"type": "string", "pattern": "^[0-9]{4}$"})
TRANSFER = record(kind={"const": "transfer"}, iban=TEXT)
PAYMENT: Json = {
    "type": "object",
    "properties": {"id": TEXT, "amount": {"type": "number", "minimum": 1}},
    "required": ["id", "amount", "kind"],
    "oneOf": [CARD, TRANSFER],
    "discriminator": {"propertyName": "kind"},
}
PAYMENTS: Json = {
    "/payments": {
        "get": operation("listPayments", answer=array(PAYMENT)),
        "post": operation("addPayment", answer=PAYMENT, status="201", body=record(amount=NUMBER)),
    },
    "/payments/{paymentId}": {
        "get": operation("getPayment", in_path("paymentId"), answer=PAYMENT),
    },
    "/payments/{paymentId}/receipt": {
        "get": operation(
            "getReceipt",
            in_path("paymentId"),
            answer={"anyOf": [record(number=TEXT, amount=NUMBER), {"type": "null"}]},
        ),
    },
}

PET = record(id=TEXT, name=TEXT, status={"type": "string", "enum": ["new", "sold", "cancelled"]}, age=WHOLE)
NEW_PET: Json = {"type": "object", "properties": {"name": TEXT, "age": WHOLE, "status": TEXT}}
SHOP: Json = {
    "/pets": {
        "get": operation("listPets", query("name", TEXT), query("status", TEXT), answer=record(pets=array(PET))),
        "post": operation("addPet", body=NEW_PET, answer=PET, status="201"),
    },
    "/pets/{petId}": {
        "get": operation("getPet", in_path("petId"), answer=PET),
        "put": operation("putPet", in_path("petId"), body=NEW_PET, answer=PET),
        "patch": operation("patchPet", in_path("petId"), body=NEW_PET, answer=PET),
        "delete": operation(
            "dropPet", in_path("petId"), answer=record(id=TEXT, success=FLAG, status=TEXT, message=TEXT)
        ),
    },
}
