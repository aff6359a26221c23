"""The final response says what the calls returned, and nothing else."""

from random import Random
from typing import Any

import pytest

from tasks.embedded.assistant.observing import Outcome
from tasks.embedded.assistant.responding import compose_response
from tasks.embedded.tool_roles import Tool


def respond(tools: tuple[Tool, ...], name: str, body: object, request: str = "", seed: int = 0) -> str:
    tool = next(tool for tool in tools if tool.name == name)
    return compose_response([tool], [Outcome(name, 200, body)], request, Random(seed))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(5))
def test_a_list_is_counted_and_told_by_its_labels(tools: tuple[Tool, ...], seed: int) -> None:
    body = {"pets": [{"id": "p1", "name": "Luna"}, {"id": "p2", "name": "Milo"}], "total": 2}
    text = respond(tools, "searchPets", body, seed=seed)
    assert "2 pets" in text
    assert "Luna" in text
    assert "Milo" in text


def test_what_the_user_asked_about_comes_first(tools: tuple[Tool, ...]) -> None:
    body = {"id": "p1", "name": "Luna", "city": "Lyon", "age_years": 3}
    text = respond(tools, "getPet", body, "Tell me the city of the pet p1.")
    assert "Lyon" in text
    assert "Luna" not in text


def test_all_that_the_user_asked_about_is_told(tools: tuple[Tool, ...]) -> None:
    body = {"id": "p1", "name": "Luna", "city": "Lyon", "age_years": 3}
    text = respond(tools, "getPet", body, "Tell me the city and age years of the pet p1.")
    assert "Lyon" in text
    assert "3" in text
    assert "Luna" not in text


def test_what_the_user_gave_is_not_what_was_asked_about(tools: tuple[Tool, ...]) -> None:
    body = {"city": "Lyon", "shelter": {"name": "Open Door", "since": "2026-03-09"}}
    text = respond(tools, "getPet", body, "Tell me of the city of pets in Lyon.")
    assert "Open Door" in text
    assert "2026-03-09" in text


def test_of_a_thing_in_a_list_what_the_user_did_not_give_is_told(tools: tuple[Tool, ...]) -> None:
    body: Any = {"pets": [{"id": "p1", "name": "Luna", "city": "Lyon", "age_years": 3}], "total": 1}
    assert "Luna (id p1, age years 3)" in respond(tools, "searchPets", body, "Show the pets whose city is Lyon.")
    asked = "Show the age years of pets whose city is Lyon and whose name is Luna."
    assert "Luna (age years 3)" in respond(tools, "searchPets", body, asked)
    body["pets"][0]["city"] = "lyon_sud"
    assert "Luna (id p1, age years 3)" in respond(tools, "searchPets", body, "Show the pets in Lyon Sud.")


def test_what_is_so_or_not_and_when_something_happened_is_said_without_an_article(tools: tuple[Tool, ...]) -> None:
    body = {"name": "Luna", "vaccinated": True, "arrived_on": "2026-03-09"}
    text = respond(tools, "getPet", body)
    assert "the name is Luna and arrived on 2026-03-09 (vaccinated: yes)." in text


def test_one_of_a_kind_is_counted_in_the_singular(tools: tuple[Tool, ...]) -> None:
    texts = [respond(tools, "countPets", {"count": 1}, seed=seed) for seed in range(8)]
    assert all("1 pet" in text and "pets" not in text for text in texts)


def test_nothing_found_is_said(tools: tuple[Tool, ...]) -> None:
    assert "No pets match" in respond(tools, "searchPets", {"pets": [], "total": 0})


@pytest.mark.parametrize("body", [None, "", [], {}, 7, "plain text", [1, 2], {"a": {"b": [1, {"c": None}]}}])
def test_any_body_can_be_told(tools: tuple[Tool, ...], body: object) -> None:
    assert respond(tools, "getPet", body)
