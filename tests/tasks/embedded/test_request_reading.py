"""Reading a request: which calls it asks for."""

import pytest

from tasks.embedded.plans import PlannedCall, Reference
from tasks.embedded.request_reading import read_reply, read_request
from tasks.embedded.tool_roles import Tool, read_tools


def steps_of(text: str, tools: tuple[Tool, ...]) -> list[tuple[str, dict[str, object]]]:
    return [(step.function, dict(step.arguments)) for step in read_request(text, tools).steps]


def test_one_clause_is_one_call(tools: tuple[Tool, ...]) -> None:
    assert steps_of("Could you find pets in Lyon with species dog, no more than 5 of them?", tools) == [
        ("searchPets", {"city": "Lyon", "limit": 5, "species": "dog"})
    ]


def test_clauses_are_calls_in_their_order(tools: tuple[Tool, ...]) -> None:
    text = "Look for pets in New York, and then show me the details of the pet with the highest age years."
    assert steps_of(text, tools) == [
        ("searchPets", {"city": "New York"}),
        ("getPet", {"petId": Reference("highest", "age years")}),
    ]


def test_quoted_text_and_dates_are_values(tools: tuple[Tool, ...]) -> None:
    text = 'Please add a visit with the title "First look" and where the day is 3 March 2026 and for the pet pet_4821.'
    assert steps_of(text, tools) == [("createVisit", {"title": "First look", "day": "2026-03-03", "petId": "pet_4821"})]


def test_what_is_missing_is_known(tools: tuple[Tool, ...]) -> None:
    reading = read_request("Find pets with species cat.", tools)
    assert reading.missing == (("city",),)


@pytest.mark.parametrize("text", ["Order me a pizza.", "", "What is the meaning of pets?", "finding petsitters"])
def test_a_request_for_something_else_asks_for_no_call(text: str, tools: tuple[Tool, ...]) -> None:
    assert read_request(text, tools).steps == ()


@pytest.mark.parametrize("reply", ["Lyon, please.", "The city is Lyon.", "Ah, Lyon it is.", "in Lyon"])
def test_a_reply_gives_the_value_that_was_asked_for(reply: str, tools: tuple[Tool, ...]) -> None:
    assert read_reply(reply, tools[0].parameter("city")) == "Lyon"


@pytest.mark.parametrize(("reply", "code"), [("It should be BR.", "BR"), ("Make it IT.", "IT"), ("IT, please.", "IT")])
def test_a_word_of_the_reply_is_not_taken_for_the_value(reply: str, code: str) -> None:
    country = {"type": "string", "examples": ["IT", "BR"]}
    function = {"name": "searchPets", "description": "", "parameters": {"properties": {"country_code": country}}}
    assert read_reply(reply, read_tools([function])[0].parameters[0]) == code


def test_a_reply_may_hold_a_value_that_no_schema_lists(tools: tuple[Tool, ...]) -> None:
    title = next(tool for tool in tools if tool.name == "createVisit").parameter("title")
    assert read_reply("Sorry, I forgot: the title is Second chance.", title) == "Second chance"


@pytest.mark.parametrize(
    ("reply", "value"), [("I meant design.", ["design"]), ("For the tags, a b and c.", ["a b", "c"])]
)
def test_a_reply_may_hold_several_texts(reply: str, value: list[str]) -> None:
    tags = {"type": "array", "items": {"type": "string"}}
    function = {"name": "searchPets", "description": "", "parameters": {"properties": {"tags": tags}}}
    assert read_reply(reply, read_tools([function])[0].parameters[0]) == value


def test_equal_plans_compare_equal() -> None:
    assert PlannedCall("a", (("x", 1),)) == PlannedCall("a", (("x", 1),))
