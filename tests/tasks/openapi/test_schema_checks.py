"""Values are held against schemas, and what is wrong is said with its place."""

from typing import Any

import pytest

from tasks.openapi import DocumentError, check_arguments, load_document
from tasks.openapi.schema_checks import compile_schema, find_argument_problems
from tests.tasks.openapi.documents import make_answer, make_document

MESSAGE_LIMIT = 300

CAT_TOOL: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "owner": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "toys": {"type": "array", "items": {"type": "object", "required": ["colour"]}},
        "lives": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
    },
    "required": ["name"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ({}, "missing_argument", "missing required argument `name`"),
        ({"name": "Tom", "owner": {}}, "missing_argument", "missing required argument `owner.city`"),
        (
            {"name": "Tom", "toys": [{"colour": 1}, {}]},
            "missing_argument",
            "missing required argument `toys[1].colour`",
        ),
        ({"name": "Tom", "age": 3}, "unknown_argument", "unknown argument `age`; known are: name, owner, toys, lives"),
        ({"name": "Tom", "owner": {"city": "X", "age": 3}}, "unknown_argument", "unknown argument `owner.age`"),
        ({"name": 3}, "invalid_argument", 'argument `name`: 3 is not of type "string"'),
        (
            {"name": "Tom", "lives": [[1], [2, "3"]]},
            "invalid_argument",
            'argument `lives[1][1]`: "3" is not of type "integer"',
        ),
        ([], "invalid_argument", 'the arguments: [] is not of type "object"'),
    ],
)
def test_a_problem_has_a_code_and_names_its_place(arguments: Any, code: str, message: str) -> None:
    problems = find_argument_problems(CAT_TOOL, arguments)
    assert [(problem.code, problem.message) for problem in problems] == [(code, message)]


def test_arguments_that_conform_have_no_problem() -> None:
    cat = {"name": "Tom", "owner": {"city": "Rome"}, "toys": [{"colour": "red"}], "lives": [[1, 2], []]}
    assert check_arguments(CAT_TOOL, cat) == []


def test_each_unknown_argument_is_a_problem_of_its_own() -> None:
    assert check_arguments(CAT_TOOL, {"name": "Tom", "a": 1, "b": 2}) == [
        "unknown argument `a`; known are: name, owner, toys, lives",
        "unknown argument `b`; known are: name, owner, toys, lives",
    ]


def test_a_function_without_arguments_has_no_known_ones_to_name() -> None:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    assert check_arguments(schema, {"a": 1}) == ["unknown argument `a`"]


def test_a_long_problem_is_cut() -> None:
    schema = {"type": "object", "properties": {"colour": {"enum": ["x" * 400]}}}
    (message,) = check_arguments(schema, {"colour": "red"})
    assert message.startswith('argument `colour`: "red" is not one of ')
    assert len(message) == MESSAGE_LIMIT


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date", "2024-02-29", "2023-02-29"),
        ("date-time", "2024-01-02T03:04:05Z", "2024-01-02 03:04"),
        ("email", "tom@cats.example", "tom"),
        ("uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2eb8aa08"),
        ("uri", "https://cats.example/tom", "cats"),
        ("ipv4", "203.0.113.1", "203.0.113.256"),
    ],
)
def test_formats_are_held_to(name: str, good: str, bad: str) -> None:
    schema = {"type": "string", "format": name}
    assert compile_schema(schema).is_valid(good)
    assert not compile_schema(schema).is_valid(bad)


def test_a_value_that_json_cannot_carry_is_said() -> None:
    (problem,) = find_argument_problems(CAT_TOOL, {7: "Tom"})  # type: ignore[dict-item]
    assert problem.code == "invalid_argument"
    assert problem.message.startswith("the arguments hold a value that JSON cannot carry: ")


BAD_PATTERN = {"type": "string", "pattern": r"^a\Z"}
"""A regular expression of Python, for which the validator of documents takes it, and of no other language."""


@pytest.mark.parametrize("schema", [BAD_PATTERN, {"$ref": "https://cats.example/cat.json"}])
def test_a_schema_that_cannot_be_compiled_is_refused_in_a_short_line(schema: dict[str, Any]) -> None:
    with pytest.raises(DocumentError, match=r"^a schema cannot be compiled: ") as caught:
        compile_schema(schema | {"description": "x" * 400})
    assert "\n" not in caught.value.problem
    assert len(caught.value.problem) <= MESSAGE_LIMIT


def test_what_a_schema_refers_to_elsewhere_is_not_fetched() -> None:
    with pytest.raises(DocumentError, match="nothing is fetched"):
        compile_schema({"$ref": "https://cats.example/cat.json"})


def test_a_long_reason_is_cut() -> None:
    with pytest.raises(DocumentError) as caught:
        compile_schema({"type": "string", "pattern": "(" + "x" * 400})
    assert len(caught.value.problem) == MESSAGE_LIMIT


@pytest.mark.parametrize(
    "spec",
    [
        {"parameters": [{"name": "a", "in": "query", "schema": BAD_PATTERN}]},
        {"requestBody": {"content": {"application/json": {"schema": BAD_PATTERN}}}},
        {"responses": make_answer(BAD_PATTERN)},
        {"responses": make_answer({}) | {"404": make_answer(BAD_PATTERN)["200"]}},
    ],
    ids=["parameter", "body", "response", "response to an error"],
)
def test_a_document_with_a_schema_that_cannot_be_compiled_is_refused(spec: dict[str, Any]) -> None:
    good = {"operationId": "listCats", "responses": {"204": {"description": "No schema at all"}}}
    paths = {"/cats": {"get": good, "post": {"responses": make_answer({}), **spec}}}
    with pytest.raises(DocumentError, match="a schema cannot be compiled"):
        load_document(make_document(paths))


def test_a_document_whose_schemas_can_be_compiled_is_taken() -> None:
    paths = {"/cats": {"post": {"responses": {"204": {"description": "No schema at all"}}}}}
    assert load_document(make_document(paths)).mends == ()


@pytest.mark.parametrize(
    ("said", "taken"), [({}, False), ({"additionalProperties": False}, False), ({"additionalProperties": True}, True)]
)
def test_a_function_takes_no_other_arguments_than_it_names_unless_it_says_so(said: dict[str, Any], taken: bool) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, **said}
    assert find_argument_problems(schema, {"name": "Tom"}) == []
    assert (find_argument_problems(schema, {"name": "Tom", "more": 1}) == []) is taken
