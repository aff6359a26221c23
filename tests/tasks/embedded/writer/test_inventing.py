"""Documentation and OpenAPI documents: sound for every category, and different for every API."""

import json
from random import Random
from typing import Any

import pytest

from schemas.toolset import Documentation
from tasks.embedded.tool_roles import read_tools
from tasks.embedded.writer.documenting import compose_documentation
from tasks.embedded.writer.knowledge import load_knowledge
from tasks.embedded.writer.specifying import compose_document
from tasks.openapi import build_function, find_lint_problems, find_spec_problems, list_operations, normalise_document


def document(category: str, seed: int) -> Documentation:
    entry = {"name": f"{category} One", "description": "what people look for", "category": category}
    return Documentation.model_validate(compose_documentation(entry, Random(seed)))


@pytest.mark.parametrize("category", load_knowledge())
@pytest.mark.parametrize("seed", range(2))
def test_an_invented_document_is_valid_and_passes_lint(category: str, seed: int) -> None:
    documentation = document(category, seed)
    written = compose_document({"name": "X"}, documentation.model_dump(mode="json"))
    assert find_spec_problems(written) == []
    assert find_lint_problems(written, documentation) == []


@pytest.mark.parametrize("category", load_knowledge())
def test_two_apis_of_a_category_differ(category: str) -> None:
    assert document(category, 1).functions != document(category, 2).functions


def test_apis_have_about_five_functions_and_never_more_than_ten() -> None:
    counts = [len(document(category, seed).functions) for category in load_knowledge() for seed in range(4)]
    assert min(counts) >= 2
    assert max(counts) <= 10
    assert sum(counts) / len(counts) > 4.8


def test_introductions_are_short_and_name_the_api() -> None:
    for category in load_knowledge():
        introduction = document(category, 3).introduction
        assert f"{category} One" in introduction
        assert len(introduction.split()) < 200


def test_an_unknown_category_is_documented_all_the_same() -> None:
    entry = {"name": "Odd", "description": "recipes and meals", "category": "Nobody knows"}
    assert len(Documentation.model_validate(compose_documentation(entry, Random(0))).functions) >= 2


def test_the_teacher_understands_every_function_that_it_invents() -> None:
    """Nothing that it invents is to itself a function of no known archetype."""
    for category in load_knowledge():
        written = compose_document({"name": "X"}, document(category, 5).model_dump(mode="json"))
        operations = list_operations(normalise_document(written))
        functions: list[dict[str, Any]] = [
            build_function(operation).model_dump(mode="json") for operation in operations
        ]
        assert [tool.name for tool in read_tools(functions) if tool.archetype == "other"] == []


def test_the_same_request_gets_the_same_document() -> None:
    assert json.dumps(document("Music", 7).model_dump()) == json.dumps(document("Music", 7).model_dump())
