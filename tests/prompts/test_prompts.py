"""The prompt files: what they declare, what they use, and what they promise to the code that reads the answers."""

from pathlib import Path

import jinja2
import jinja2.meta
import pytest

import prompts
from prompts import PROMPTS, load_prompt
from schemas.episodes import Detail, Kind
from schemas.toolset import Documentation, DocumentedField, DocumentedFunction

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


def test_the_field_names_that_the_document_prompt_asks_for_are_those_of_the_schema() -> None:
    text = read_body("document")
    for field in ("introduction", "functions"):
        assert field in Documentation.model_fields
        assert f'"{field}"' in text
    for field in ("name", "description", "inputs", "outputs", "returns_list"):
        assert field in DocumentedFunction.model_fields
        assert f'"{field}"' in text
    for field in ("enum", "examples", "required"):
        assert field in DocumentedField.model_fields
        assert field in text


def test_the_instruct_prompt_explains_every_kind_and_no_other() -> None:
    text = read_body("instruct")
    named = {part.split('"')[1] for part in text.split("kind == ")[1:]}
    assert named == {kind.value for kind in Kind}
    assert all(f'"{field}"' in text for field in Detail.model_fields)


def test_json_in_prompts_keeps_its_characters() -> None:
    text = load_prompt("document").render(entry={"name": "Café <b>"})
    assert '{"name": "Café <b>"}' in text
