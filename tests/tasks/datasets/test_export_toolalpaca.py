"""ToolAlpaca's own form, element by element, also of what is rare."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from schemas.catalog import CatalogEntry
from schemas.episodes import Kind, Message
from schemas.instance import ApiRow, Instance
from schemas.toolset import Function, Toolset
from tasks.datasets.export_toolalpaca import build_toolalpaca_apis, build_toolalpaca_instance
from tasks.datasets.rows import build_api_row
from tests.tasks.datasets.samples import ask, build_row, build_toolset, call, say

THOUGHTLESS = "I can respond to the user now."


def build(*messages: Message) -> Instance:
    return build_row().model_copy(update={"instruction": "Hi, é!", "messages": messages})


def answer(id: str, content: str) -> Message:
    return Message(role="tool", tool_call_id=id, content=content)


def list_steps(*messages: Message) -> list[Any]:
    built = build_toolalpaca_instance(build(*messages))
    steps: list[Any] = built["intermediate_steps"]
    return steps


def act(thought: str, action: str, action_input: str) -> list[str]:
    return [action, action_input, f" {thought}\nAction: {action}\nAction Input: {action_input}"]


def test_each_call_is_a_step_and_the_first_of_several_has_the_thought() -> None:
    row = build(
        Message(role="system", content="Be brief."),
        ask("Hi, é!"),
        say("Two at once.", call("1", "find", '{"city":  "Ålesund"}'), call("2", "list", "{}")),
        answer("2", '{"status": 404, "body": null}'),
        answer("1", '{"status": 200, "body": {"name": "é"}}'),
        say("Once more.", call("3", "list", "{}")),
        answer("3", '{"status": 200, "body": []}'),
        say("Done é."),
    )
    assert build_toolalpaca_instance(row) == {
        "input": "Hi, é!",
        "output": "Done é.",
        "Final Thought": THOUGHTLESS,
        "intermediate_steps": [
            [act("Two at once.", "find", '{"city":  "Ålesund"}'), 'Status Code: 200. Response: {"name": "é"}'],
            [act("", "list", "{}"), "Status Code: 404. Response: null"],
            [act("Once more.", "list", "{}"), "Status Code: 200. Response: []"],
        ],
    }


def test_a_row_without_a_call_has_no_step() -> None:
    built = build_toolalpaca_instance(build(ask("Hi, é!"), say("I cannot.")))
    assert (built["intermediate_steps"], built["output"]) == ([], "I cannot.")


def test_a_question_is_a_step_of_its_own_that_the_user_answers() -> None:
    steps = list_steps(ask("Hi."), say('Which "é"?'), ask("That."), say("And when?"), ask("Now."), say("Done."))
    assert steps == [
        [act("", "getDetails", '{"Question": "Which \\"é\\"?"}'), "That."],
        [act("", "getDetails", '{"Question": "And when?"}'), "Now."],
    ]


def test_a_question_that_nobody_answers_has_no_observation() -> None:
    assert list_steps(ask("Hi."), say("Which?"), say("Done.")) == [
        [act("", "getDetails", '{"Question": "Which?"}'), ""]
    ]


@pytest.mark.parametrize(
    ("content", "observation"),
    [
        ('{"status": 200, "body": "é"}', 'Status Code: 200. Response: "é"'),
        ("no JSON", "no JSON"),
        ("[1]", "[1]"),
        ("1", "1"),
        ('{"status": 200}', '{"status": 200}'),
        ('{"body": 1}', '{"body": 1}'),
        ("", ""),
    ],
)
def test_an_answer_of_another_form_is_told_as_it_is(content: str, observation: str) -> None:
    ((_, told),) = list_steps(ask("Hi."), say("", call("1", "f", "{}")), answer("1", content), say("Done."))
    assert told == observation


def test_a_call_that_got_no_answer_has_no_observation() -> None:
    ((_, told),) = list_steps(ask("Hi."), say("", call("1", "f", "{}")), answer("2", "x"), say("Done."))
    assert told == ""


def describe(parameters: dict[str, Any], document: dict[str, Any], description: str = "Finds é.") -> dict[str, Any]:
    """What is said of an API with one function, `find`."""
    entry = CatalogEntry(id="a", name="N", description="D", category="C", link="https://l.example")
    functions = (Function(name="find", description=description, parameters=parameters),)
    toolset = Toolset(entry=entry, introduction="I", document=document, functions=functions)
    (api,) = build_toolalpaca_apis([build_row().model_copy(update={"api_id": "a"})], {"a": 1}, [build_api_row(toolset)])
    return api


def respond(schema: dict[str, Any] | None, status: str = "200", form: str = "application/json") -> dict[str, Any]:
    return {status: {"description": "", "content": {form: {} if schema is None else {"schema": schema}}}}


def document(responses: dict[str, Any], method: str = "get") -> dict[str, Any]:
    return {"paths": {"/a": {method: {"operationId": "find", "responses": responses}}}}


def test_an_api_is_described_in_every_way_that_toolalpaca_does() -> None:
    parameters = {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Where é."},
            "unit": {"type": "string", "enum": ["km", 1], "description": "The unit."},
            "any": {},
        },
        "required": ["city", "any"],
    }
    text = (
        '{"city": "Required. string. Where é.", "unit": "string. One of: [km, 1]. The unit.", "any": "Required. any. "}'
    )
    api = describe(parameters, document(respond({"type": "string"})), "Finds é. Returns: a name, or none.")
    described = (
        f"Finds é.\nParameters: {text}\nOutput: Successful response.\n - Format: application/json\n - Structure: String"
    )
    instances = api.pop("Instances")
    assert len(instances) == 1
    assert api == {
        "Name": "N",
        "Description": "D",
        "Link": "https://l.example",
        "Category": "C",
        "Introduction": "I",
        "Functions": f"1. Name: find\n   Description: Finds é.\n   Input: {text}\n   Output: Returns a name, or none.",
        "Documentation": json.dumps(document(respond({"type": "string"})), separators=(",", ":")),
        "NLDocumentation": f"find: {described}\n",
        "Function_Description": {"find": described, "components": ""},
        "Function_Projection": {"find": ["/a", "get"]},
        "Instructions": [build_row().instruction],
    }


def test_a_function_that_says_nothing_of_what_it_returns_returns_a_json_value() -> None:
    api = describe({"type": "object"}, {})
    assert api["Functions"] == "1. Name: find\n   Description: Finds é.\n   Input: {}\n   Output: Returns a JSON value."
    assert api["Function_Description"]["find"].endswith("\n - Format: application/json")
    assert api["Function_Projection"] == {}


def test_several_functions_are_numbered_and_stand_apart() -> None:
    (api,) = build_toolalpaca_apis([build_row()], {"open-trails": 1}, [build_api_row(build_toolset())])
    first, second = api["Functions"].split("\n\n")
    assert first.startswith("1. Name: searchTrails\n")
    assert second.startswith("2. Name: getTrail\n")
    assert second.endswith("Output: Returns id, name, city, rating.")
    lines = api["NLDocumentation"].split("\n")
    assert [line.split(":")[0] for line in lines if "Trail" in line.split(":")[0]] == ["searchTrails", "getTrail"]
    assert list(api["Function_Projection"].items()) == [
        ("searchTrails", ["/trails", "get"]),
        ("getTrail", ["/trails/{trailId}", "get"]),
    ]


NAMED = {"type": "object", "properties": {"name": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "string"}, "String"),
        ({"type": "object"}, "Object"),
        ({"type": ["object", "null"]}, "Object"),
        ({"description": "any"}, "Object"),
        ({"type": "array", "items": {"type": "integer"}}, "Array[Integer]"),
        ({"type": "array"}, "Array[Object]"),
        (NAMED, "Object{name}"),
        ({"properties": {"a": {"type": "string"}, "b": {}}}, "Object{a, b}"),
        ({"properties": {"a": NAMED}}, "Object{a: Object{name}}"),
        ({"properties": {"a": {"type": "array", "items": NAMED}, "b": {}}}, "Object{a: Array[Object{name}], b}"),
        ({"type": "array", "items": NAMED}, "Array[Object{name}]"),
        ({"properties": {"a": {"properties": {"b": NAMED}}}}, "Object{a: Object{b: Object{name}}}"),
        ({"properties": {"a": {"properties": {"b": {"properties": {"c": NAMED}}}}}}, "Object{a: Object{b: Object{c}}}"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_structure_is_written_three_levels_deep(schema: dict[str, Any], told: str) -> None:
    api = describe({"type": "object"}, document(respond(schema)))
    assert api["Function_Description"]["find"].endswith(f"application/json\n - Structure: {told}")


@pytest.mark.parametrize(
    ("responses", "told"),
    [
        ({**respond({"type": "integer"}, "201"), **respond({"type": "string"}, "200")}, "\n - Structure: String"),
        ({**respond(None, "200"), **respond({"type": "integer"}, "201")}, "\n - Structure: Integer"),
        ({"200": {"description": ""}, **respond({"type": "integer"}, "202")}, "\n - Structure: Integer"),
        (respond({"type": "integer"}, "404"), ""),
        (respond({"type": "integer"}, "default"), ""),
        (respond({"type": "integer"}, "200", "text/csv"), ""),
        ({}, ""),
    ],
    ids=["first by status", "no schema", "no content", "error", "default", "another form", "none"],
)
def test_the_first_good_json_answer_is_described(responses: dict[str, Any], told: str) -> None:
    api = describe({"type": "object"}, document(responses))
    assert api["Function_Description"]["find"].endswith(f" - Format: application/json{told}")


@pytest.mark.parametrize("method", ["get", "put", "post", "delete", "patch"])
def test_a_function_is_found_at_its_path_by_any_method(method: str) -> None:
    api = describe({"type": "object"}, document(respond({"type": "string"}), method))
    assert api["Function_Projection"] == {"find": ["/a", method]}


def test_what_is_no_operation_of_a_path_is_passed_over() -> None:
    path = {"parameters": [], "summary": "x", "post": {"operationId": "find"}, "get": {}}
    api = describe({"type": "object"}, {"paths": {"/a": path}})
    assert api["Function_Projection"] == {"find": ["/a", "post"]}


def list_apis(number: int) -> list[ApiRow]:
    return [build_api_row(build_toolset(world)) for world in range(number)]


def test_the_rows_of_an_api_are_gathered_wherever_they_are() -> None:
    apis = list_apis(3)
    rows = [build_row(Kind.SINGLE_CALL, world, n) for n, world in enumerate((2, 0, 2, 0))]
    built = list(build_toolalpaca_apis(iter(rows), {apis[0].api_id: 2, apis[2].api_id: 2}, iter(apis)))
    assert [(api["Name"], len(api["Instances"])) for api in built] == [("Open Trails", 2), ("Harbour Tides", 2)]
    assert built[0]["Instructions"] == [rows[1].instruction, rows[3].instruction]


def test_no_row_is_taken_before_it_is_needed() -> None:
    apis = list_apis(2)
    taken = []

    def make_rows() -> Iterator[Instance]:
        for world in (0, 0, 1, 1):
            taken.append(world)
            yield build_row(Kind.NO_TOOL, world)

    built = build_toolalpaca_apis(make_rows(), {api.api_id: 2 for api in apis}, apis)
    next(built)
    assert taken == [0, 0]
