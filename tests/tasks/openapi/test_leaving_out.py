"""What is over a limit costs the operations that need it, else the document; each is told with the place."""

from typing import Any

import pytest

from tasks.openapi import DocumentError, find_lint_problems, list_operations, load_document
from tests.tasks.openapi.documents import CAT, DOCUMENTATION, make_answer, make_clean_document, make_document

Schema = dict[str, Any]
HUGE: Schema = {"type": "string", "minLength": 10**9}
TEXT: Schema = {"type": "string"}
GET = {"responses": make_answer(CAT)}


def get(schema: Any, **spec: Any) -> dict[str, Any]:
    return {"get": {"responses": make_answer(schema), **spec}}


def load(paths: dict[str, Any], **parts: Any) -> tuple[list[str], list[str]]:
    """The paths that are left, and the lines."""
    loaded = load_document(make_document(paths, **parts))
    return [operation.path for operation in list_operations(loaded.document)], list(loaded.left_out)


def test_an_operation_that_asks_for_too_much_is_left_out_and_the_others_stay() -> None:
    parameter = {"name": "q", "in": "query", "required": True, "schema": HUGE}
    left, lines = load({"/cats": get(CAT), "/dogs": get(CAT, parameters=[{**parameter, "schema": TEXT}, parameter])})
    assert left == ["/cats"]
    place = "paths./dogs.get.parameters[1].schema.minLength"
    assert lines == [f"GET /dogs: left out, for {place}: 1,000,000,000 is more than 10,000"]


def test_what_all_operations_of_a_path_share_costs_these() -> None:
    shared = [{"name": "q", "in": "query", "schema": HUGE}]
    left, lines = load({"/cats": get(CAT), "/dogs": {**get(CAT), "put": GET, "parameters": shared}})
    assert left == ["/cats"]
    assert [line.partition(":")[0] for line in lines] == ["GET /dogs", "PUT /dogs"]


@pytest.mark.parametrize("through", [0, 1, 5])
def test_a_component_costs_what_refers_to_it_from_part_to_part(through: int) -> None:
    schemas: Schema = {"Huge0": HUGE, "Fine": CAT}
    for step in range(through):
        schemas[f"Huge{step + 1}"] = {"type": "array", "items": {"$ref": f"#/components/schemas/Huge{step}"}}
    fine, huge = ({"$ref": f"#/components/schemas/{name}"} for name in ("Fine", f"Huge{through}"))
    left, lines = load({"/cats": get(fine), "/dogs": get(huge)}, components={"schemas": schemas})
    assert left == ["/cats"]
    assert lines == ["GET /dogs: left out, for components.schemas.Huge0.minLength: 1,000,000,000 is more than 10,000"]


def test_a_component_that_nothing_refers_to_costs_itself() -> None:
    left, lines = load(
        {"/cats": get(CAT)}, components={"schemas": {"Huge": HUGE}}, webhooks={"x": {"y": [HUGE] * 20_000}}
    )
    assert left == ["/cats"]
    assert [line.partition(": left out, for ")[0] for line in lines] == ["webhooks", "components.schemas.Huge"]


def test_definitions_of_swagger_cost_what_refers_to_them() -> None:
    def answer(name: str) -> dict[str, Any]:
        return {"get": {"responses": {"200": {"description": "", "schema": {"$ref": f"#/definitions/{name}"}}}}}

    doc = make_document({"/cats": answer("Fine"), "/dogs": answer("Huge")}, definitions={"Fine": CAT, "Huge": HUGE})
    del doc["openapi"]
    loaded = load_document({**doc, "swagger": "2.0"})
    assert [operation.path for operation in list_operations(loaded.document)] == ["/cats"]


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"servers": [{"url": "/"}] * 201}, "servers: 201 members are more than 200"),
        ({"info": {"title": "T", "version": "1", "more": [0] * 10_001}}, "info.more: 10,001 members are more than"),
        (
            {"paths": {f"/{n}": {"get": GET, "put": GET} for n in range(1_001)}},
            "paths: 2,002 operations are more than 2,000",
        ),
        ({"paths": {"/cats": get(HUGE)}}, r"paths./cats.get.*minLength: 1,000,000,000 is more than 10,000"),
    ],
    ids=["servers", "info", "operations", "all"],
)
def test_what_belongs_to_no_operation_or_leaves_none_costs_the_document(parts: dict[str, Any], reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        load_document({**make_document({"/cats": get(CAT)}), **parts})


@pytest.mark.parametrize("key", ["allOf", "anyOf", "properties", "nothing"])
@pytest.mark.parametrize("levels", [15, 30, 90])
def test_what_doubles_from_level_to_level_is_left_out(key: str, levels: int) -> None:
    schemas: Schema = {"S0": {"type": "object", "properties": {"a": TEXT}}}
    for level in range(1, levels + 1):
        part = {"$ref": f"#/components/schemas/S{level - 1}"}
        doubled = {"a": part, "b": part} if key == "properties" else [part, part]
        schemas[f"S{level}"] = {key: doubled} if key != "nothing" else {"allOf": doubled, "default": {"a": "x"}}
    top = {"$ref": f"#/components/schemas/S{levels}"}
    left, lines = load({"/cats": get(CAT), "/dogs": get(top)}, components={"schemas": schemas})
    assert left == ["/cats"]
    assert "paths./dogs.get: it grows past 100,000 values" in lines[0] or "parts in `allOf`" in lines[0]


def test_a_long_chain_of_references_is_left_out() -> None:
    schemas = {f"S{n}": {"items": {"$ref": f"#/components/schemas/S{n - 1}"}} for n in range(1, 5_000)} | {"S0": TEXT}
    left, lines = load(
        {"/cats": get(CAT), "/dogs": get({"$ref": "#/components/schemas/S4999"})}, components={"schemas": schemas}
    )
    assert left == ["/cats"]
    assert any("nests deeper than 100 levels when its references are put in place" in line for line in lines)


def test_lists_in_lists_that_ask_for_many_each_are_left_out() -> None:
    schema: Schema = TEXT
    for _ in range(6):
        schema = {"type": "array", "minItems": 50, "items": schema}
    left, lines = load({"/cats": get(CAT), "/dogs": get(schema)})
    assert left == ["/cats"]
    assert lines == ["GET /dogs: left out, for paths./dogs.get: its arguments and answers grow past 50,000 values"]
    with pytest.raises(DocumentError, match="grow past 50,000 values"):
        load_document(make_document({"/dogs": get(schema)}))


def test_the_lint_tells_each_excess_as_a_problem() -> None:
    doc = make_clean_document()
    doc["paths"]["/cats"]["get"]["parameters"][0]["schema"]["minItems"] = 10**9
    place = "paths./cats.get.parameters[0].schema.minItems"
    assert find_lint_problems(doc, DOCUMENTATION) == [f"{place}: 1,000,000,000 is more than 500"]


@pytest.mark.parametrize("doc", [None, 5, "x", [], [{}], {}, {"openapi": {}}, {"openapi": "3.1.0", "paths": 5}, True])
def test_any_value_is_refused_in_a_line(doc: Any) -> None:
    with pytest.raises(DocumentError):
        load_document(doc)
    problems = find_lint_problems(doc, DOCUMENTATION)
    assert problems
    assert not any("\n" in problem for problem in problems)


def test_real_sizes_pass() -> None:
    names = [f"name{number}" for number in range(500)]
    wide = {"type": "object", "properties": dict.fromkeys(names, TEXT), "required": names}
    kinds = {"name": "kind", "in": "query", "schema": {"enum": [f"kind {number}" for number in range(5_000)]}}
    left, lines = load({"/wide": get(wide), "/kinds": get(CAT, parameters=[kinds])})
    assert (left, lines) == (["/wide", "/kinds"], [])
