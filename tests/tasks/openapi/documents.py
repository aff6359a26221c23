"""Small documents for the tests of this room."""

from typing import Any

from schemas.toolset import Documentation, DocumentedField, DocumentedFunction
from tasks.openapi import Operation, list_operations, normalise_document

CAT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "Identifier"},
        "name": {"type": "string", "description": "Name"},
        "age": {"type": "integer", "description": "Years"},
    },
    "required": ["id", "name"],
}


def make_document(paths: dict[str, Any], version: str = "3.1.0", **parts: Any) -> dict[str, Any]:
    return {"openapi": version, "info": {"title": "Cats", "version": "1"}, "paths": paths, **parts}


def make_answer(schema: dict[str, Any]) -> dict[str, Any]:
    return {"200": {"description": "Good", "content": {"application/json": {"schema": schema}}}}


def make_operation(
    parameters: list[dict[str, Any]] | None = None,
    body: dict[str, Any] | None = None,
    *,
    path: str = "/cats",
    method: str = "post",
    media_type: str = "application/json",
    body_required: bool = True,
) -> Operation:
    """The one operation of a document that holds these parameters and this body schema."""
    spec: dict[str, Any] = {"operationId": "useCats", "parameters": parameters or [], "responses": make_answer(CAT)}
    if body is not None:
        spec["requestBody"] = {"required": body_required, "content": {media_type: {"schema": body}}}
    return list_operations(normalise_document(make_document({path: {method: spec}})))[0]


def make_clean_document() -> dict[str, Any]:
    """A document that the lint has nothing against."""
    listed = {"type": "object", "properties": {"results": {"type": "array", "maxItems": 50, "items": CAT}}}
    limit = {"type": "integer", "minimum": 1, "maximum": 50, "default": 10}
    cat_id = {"name": "catId", "in": "path", "required": True, "description": "Which", "schema": {"type": "string"}}
    search = {
        "operationId": "searchCats",
        "description": "Find cats",
        "parameters": [{"name": "limit", "in": "query", "description": "How many", "schema": limit}],
        "responses": make_answer(listed),
    }
    get = {"operationId": "getCat", "description": "One cat", "parameters": [cat_id], "responses": make_answer(CAT)}
    return make_document({"/cats": {"get": search}, "/cats/{catId}": {"get": get}})


DOCUMENTATION = Documentation(
    introduction="Cats.",
    functions=(
        DocumentedFunction(name="searchCats", description="Find cats"),
        DocumentedFunction(
            name="getCat",
            description="One cat",
            inputs=(DocumentedField(name="catId", type="string", description="Which"),),
        ),
    ),
)
