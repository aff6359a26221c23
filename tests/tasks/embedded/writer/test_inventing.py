"""Documentation, and what is told of each function: sound for every category, and different for every API."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from schemas.described import DescribedOperation
from schemas.toolset import Documentation
from tasks.embedded.tool_roles import read_tools
from tasks.embedded.writer.documenting import compose_documentation
from tasks.embedded.writer.knowledge import load_knowledge
from tasks.embedded.writer.specifying import compose_operation
from tasks.openapi import (
    assemble_document,
    build_function,
    find_lint_problems,
    find_spec_problems,
    list_operations,
    normalise_document,
)


def make_entry(category: str) -> dict[str, Any]:
    return {"name": f"{category} One", "description": "what people look for", "category": category}


def document(category: str, seed: int) -> Documentation:
    return Documentation.model_validate(compose_documentation(make_entry(category), Random(seed)))


def describe(category: str, documentation: Documentation) -> dict[str, dict[str, Any]]:
    """What is told of each function, which is asked for by itself."""
    functions = documentation.model_dump(mode="json")["functions"]
    return {one["name"]: compose_operation(make_entry(category), functions, one["name"]) for one in functions}


def specify(category: str, documentation: Documentation) -> dict[str, Any]:
    told = describe(category, documentation)
    described = {name: DescribedOperation.model_validate(operation) for name, operation in told.items()}
    made = assemble_document("X", documentation, described)
    assert made.left_out == {}
    return made.document


@pytest.mark.parametrize("category", load_knowledge())
@pytest.mark.parametrize("seed", range(2))
def test_the_document_of_an_invented_api_is_valid_and_passes_lint(category: str, seed: int) -> None:
    documentation = document(category, seed)
    written = specify(category, documentation)
    assert find_spec_problems(written) == []
    assert find_lint_problems(written, documentation) == []


@pytest.mark.parametrize("category", load_knowledge())
def test_what_is_told_of_a_function_is_what_the_documentation_names(category: str) -> None:
    documentation = document(category, 4)
    for function, told in zip(documentation.functions, describe(category, documentation).values(), strict=True):
        assert tuple(field["name"] for field in told["answer"]) == function.outputs
        assert tuple(field["name"] for field in told["parameters"]) == function.inputs


@pytest.mark.parametrize("category", load_knowledge())
def test_every_field_that_is_invented_is_known_when_it_is_asked_for(category: str) -> None:
    """None is taken for text of which nothing is known but the name."""
    told = describe(category, document(category, 6)).values()
    for field in (field for one in told for field in (*one["parameters"], *one["answer"])):
        plain = field["type"] == "string" and not {"enum", "examples"} & field.keys()
        assert not plain, field


def list_values(told: dict[str, dict[str, Any]]) -> Iterator[tuple[str, list[Any]]]:
    for one in told.values():
        for field in (*one["parameters"], *one["answer"]):
            if field["name"].lower().endswith("id") and "examples" in field:
                yield field["name"], field["examples"]


@pytest.mark.parametrize("category", load_knowledge())
def test_functions_agree_on_ids_though_each_is_asked_for_by_itself(category: str) -> None:
    known: dict[str, list[Any]] = {}
    for name, examples in list_values(describe(category, document(category, 3))):
        if name != "id":
            assert known.setdefault(name, examples) == examples


def test_two_apis_have_other_ids_and_values() -> None:
    one, other = document("Animals", 1), document("Animals", 1).model_copy(update={"introduction": "x"})
    assert describe("Animals", one) == describe("Animals", other)
    assert describe("Animals", one) != describe("Weather", one)


@pytest.mark.parametrize("category", load_knowledge())
def test_two_apis_of_a_category_differ(category: str) -> None:
    assert document(category, 1).functions != document(category, 2).functions


def test_apis_have_about_five_functions_and_never_more_than_ten() -> None:
    counts = [len(document(category, seed).functions) for category in load_knowledge() for seed in range(4)]
    assert min(counts) >= 2
    assert max(counts) <= 10
    assert sum(counts) / len(counts) > 4.8


@pytest.mark.parametrize("category", load_knowledge())
def test_a_list_shows_some_of_what_one_thing_does_and_all_that_it_is_found_by(category: str) -> None:
    for seed in range(3):
        search, one = document(category, seed).functions[:2]
        assert set(search.outputs) <= set(one.outputs)
        found_by = {name.removeprefix("min").removeprefix("max").strip("_") for name in search.inputs} - {"limit"}
        assert {name.lower() for name in found_by} <= {name.lower() for name in search.outputs}
        assert 5 <= len(search.outputs) <= 7


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
        operations = list_operations(normalise_document(specify(category, document(category, 5))))
        functions: list[dict[str, Any]] = [
            build_function(operation).model_dump(mode="json") for operation in operations
        ]
        assert [tool.name for tool in read_tools(functions) if tool.archetype == "other"] == []


def test_what_others_documented_is_described_as_well() -> None:
    functions = [{"name": "lookUp", "description": "Look it up.", "inputs": ["wobble", "petId"], "outputs": ["glow"]}]
    told: Any = compose_operation({"name": "Odd"}, functions, "lookUp")
    assert [(field["name"], field["required"]) for field in told["parameters"]] == [("wobble", False), ("petId", True)]
    assert told["answer"] == [{"name": "glow", "type": "string", "description": "The glow"}]


def test_the_same_request_gets_the_same_document() -> None:
    assert json.dumps(document("Music", 7).model_dump()) == json.dumps(document("Music", 7).model_dump())
