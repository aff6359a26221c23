"""The prompt files: what they declare, what they use, and what they promise to the code that reads the answers."""

import re
from pathlib import Path

import jinja2
import jinja2.meta
import pytest

import prompts
from prompts import PROMPTS, load_prompt
from schemas.described import DescribedOperation, DescribedParameter
from schemas.episodes import Detail, Instruction, Kind
from schemas.toolset import Documentation, DocumentedFunction

FOLDER = Path(prompts.__file__).parent


def read_body(name: str) -> str:
    return (FOLDER / f"{name}.jinja").read_text(encoding="utf-8").split("---\n", 2)[2]


def test_every_file_is_listed_and_every_name_has_a_file() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.jinja")) == sorted(PROMPTS)


@pytest.mark.parametrize("name", PROMPTS)
def test_the_declared_variables_are_those_that_the_text_uses(name: str) -> None:
    used = jinja2.meta.find_undeclared_variables(jinja2.Environment().parse(_without_filters(read_body(name))))
    assert used == load_prompt(name).variables


def _without_filters(text: str) -> str:
    return text.replace("| json", "")


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_has_a_version_and_a_hash(name: str) -> None:
    prompt = load_prompt(name)
    assert prompt.version >= 1
    assert len(prompt.hash) == 16


def test_a_missing_or_surplus_variable_is_an_error() -> None:
    with pytest.raises(TypeError, match="takes"):
        load_prompt("document").render()
    with pytest.raises(TypeError, match="takes"):
        load_prompt("document").render(entry={}, surplus=1)


def test_the_field_names_that_a_prompt_asks_for_are_those_that_are_read() -> None:
    text = read_body("document")
    for field in (*Documentation.model_fields, *DocumentedFunction.model_fields):
        assert f'"{field}"' in text
    text = read_body("specify")
    for field in (*DescribedOperation.model_fields, *DescribedParameter.model_fields):
        assert f'"{field}"' in text
    text = read_body("instruct")
    for field in ("text", "functions", "withheld"):
        assert field in Instruction.model_fields
        assert f'"{field}"' in text


def test_the_example_in_a_prompt_is_one_that_can_be_read() -> None:
    (line,) = [line for line in read_body("document").splitlines() if line.startswith('{"name"')]
    DocumentedFunction.model_validate_json(line)
    (line,) = [line for line in read_body("specify").splitlines() if line.startswith('{"method"')]
    operation = DescribedOperation.model_validate_json(line)
    assert (operation.method, operation.path, operation.returns_list) == ("get", "/books", True)
    names = [field.name for field in (*operation.parameters, *operation.answer)]
    assert names == ["author", "language", "limit", "bookId"]


VARYING = {
    "instruct": ("kind", "count", "earlier", "turned_down"),
    "specify": ("function",),
    "user": ("instruction", "detail", "turned_down"),
}


@pytest.mark.parametrize("name", VARYING)
def test_what_differs_within_an_api_stands_behind_what_does_not(name: str) -> None:
    """So that an endpoint's own prompt cache serves the head."""
    text = read_body(name)
    first = min(match.start() for each in VARYING[name] for match in re.finditer(rf"{{[{{%].*\b{each}\b", text))
    steady = [each for each in load_prompt(name).variables if each not in VARYING[name]]
    assert all(match.start() < first for each in steady for match in re.finditer(rf"{{[{{%].*\b{each}\b", text))
    one_branch = re.sub(r"{% elif.*?(?={% (?:else|endif))", "", text, flags=re.DOTALL)
    assert first > len(one_branch) / 3


def test_the_instruct_prompt_explains_every_kind_and_no_other() -> None:
    text = read_body("instruct")
    named = {part.split('"')[1] for part in text.split("kind == ")[1:]}
    assert named == {kind.value for kind in Kind}
    assert all(f'"{field}"' in text for field in Detail.model_fields)


def test_json_in_prompts_keeps_its_characters() -> None:
    text = load_prompt("document").render(entry={"name": "Café <b>"})
    assert '{"name":"Café <b>"}' in text
