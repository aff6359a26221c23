"""Small documents for the tests of this room."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from schemas.toolset import Documentation, DocumentedFunction
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


_ODD: tuple[Any, ...] = (
    *(None, True, 1, -1.5, "x", "", [], ["a", 1], [{}], {}, {"a": 1}, {"$ref": "#/nowhere"}, {"$ref": 5}),
    *({"type": "object"}, {"type": 5}, {"type": ["string", 5]}, {"oneOf": []}, {"oneOf": 5}, {"required": [{}]}),
)
_KEYS = (
    *("operationId", "parameters", "schema", "type", "items", "properties", "required", "enum", "name", "in"),
    *("responses", "content", "description", "oneOf", "allOf", "default", "$ref", "requestBody", "examples"),
)


@st.composite
def damaged_documents(draw: st.DrawFn) -> dict[str, Any]:
    """The clean document in which one thing, or another, is put in the place of something or beside it."""
    doc = copy.deepcopy(make_clean_document())
    for _ in range(draw(st.integers(1, 2))):
        holder, key = draw(st.sampled_from(list(_list_places(doc))))
        if isinstance(holder, dict) and draw(st.booleans()):
            key = draw(st.sampled_from(_KEYS))
        holder[key] = copy.deepcopy(draw(st.sampled_from(_ODD)))
    return doc


def _list_places(node: Any) -> Iterator[tuple[Any, Any]]:
    """All that stands in a document, as what holds it and under which key."""
    for key, child in node.items() if isinstance(node, dict) else enumerate(node):
        yield node, key
        if isinstance(child, dict | list):
            yield from _list_places(child)


DOCUMENTATION = Documentation(
    introduction="Cats.",
    functions=(
        DocumentedFunction(name="searchCats", description="Find cats"),
        DocumentedFunction(name="getCat", description="One cat", inputs=("catId",)),
    ),
)
