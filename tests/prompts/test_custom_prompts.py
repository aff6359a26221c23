"""Prompts of the user's in place of ours: a folder of files of the same names and variables."""

from pathlib import Path

import pytest

import prompts
from prompts import PROMPTS, load_own_prompt, load_prompt, read_prompts, use_prompts
from schemas.errors import UserError

OWN = Path(prompts.__file__).parent
ASSISTANT = "---\nversion: 4\nvariables: [name, introduction]\n---\nHelp with {{ name }}. {{ introduction }}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a prompt for the assistant."""
    (tmp_path / "assistant.jinja").write_text(ASSISTANT)
    (tmp_path / "README.md").write_text("Ours, in short.")
    return tmp_path


def test_those_that_are_there_stand_in_place_of_ours_and_the_others_stay(folder: Path) -> None:
    with use_prompts(read_prompts(str(folder))):
        prompt = load_prompt("assistant")
        assert prompt.render(name="Pets", introduction="All pets.") == "Help with Pets. All pets."
        assert [name for name in PROMPTS if not load_prompt(name).is_own] == ["assistant"]
    assert load_prompt("assistant") is load_own_prompt("assistant")


def test_rows_and_recipes_can_tell_them_from_ours(folder: Path) -> None:
    custom, ours = read_prompts(str(folder))["assistant"], load_prompt("assistant")
    assert custom.hash != ours.hash
    assert custom.label == f"custom-4-{custom.hash[:8]}"
    assert ours.label == f"{ours.version}-{ours.hash[:8]}"
    (folder / "assistant.jinja").write_text(ASSISTANT.replace("Help", "Be of help"))
    assert read_prompts(str(folder))["assistant"].hash != custom.hash


@pytest.mark.parametrize("name", PROMPTS)
def test_a_copy_of_one_of_ours_is_taken(name: str, tmp_path: Path) -> None:
    text = (OWN / f"{name}.jinja").read_text()
    (tmp_path / f"{name}.jinja").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert read_prompts(str(tmp_path))[name].variables == load_prompt(name).variables


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Help!", "must begin with a line ---"),
        ("---\nversion: one\nvariables: [name, introduction]\n---\n{{ name }} {{ introduction }}", "must begin with"),
        ("---\nversion: 1\n---\n{{ name }} {{ introduction }}", "must begin with a line ---"),
        ("---\nversion: [\n---\n", "must begin with a line ---"),
        (ASSISTANT.replace("[name, introduction]", "[name]"), "it declares no introduction"),
        (ASSISTANT.replace("[name,", "[name, mood,"), "it declares mood, which it is not given"),
        (ASSISTANT.replace("{{ introduction }}", ""), "it uses no introduction; its variables are introduction, name"),
        (ASSISTANT.replace("{{ name }}", "{{ name }} {{ nmae }}"), "it uses nmae, which it is not given"),
        (ASSISTANT.replace("{{ name }}", "{{ name "), "of the template"),
        (ASSISTANT.replace("{{ name }}", "{{ name | jsn }}"), "No filter named 'jsn'"),
        (ASSISTANT.encode().replace(b"Help", b"H\xff"), "cannot be read"),
    ],
)
def test_one_that_is_not_as_ours_is_one_clear_line(text: str | bytes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "assistant.jinja"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match=problem) as caught:
        read_prompts(str(tmp_path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_of_another_name_is_none_of_ours(folder: Path) -> None:
    (folder / "assistent.jinja").write_text(ASSISTANT)
    with pytest.raises(UserError, match=r"assistent.jinja: there is no prompt of that name; there are document"):
        read_prompts(str(folder))


def test_a_folder_without_prompts_and_none_at_all_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no file that ends in .jinja"):
        read_prompts(str(tmp_path))
    with pytest.raises(UserError, match="there is no such folder"):
        read_prompts(str(tmp_path / "none"))


def test_what_a_variable_does_not_hold_is_said_when_it_is_asked_for(folder: Path) -> None:
    (folder / "assistant.jinja").write_text(ASSISTANT.replace("{{ name }}", "{{ name.short }}"))
    prompt = read_prompts(str(folder))["assistant"]
    with pytest.raises(UserError, match=r"--prompts: assistant.jinja cannot be rendered: .*short"):
        prompt.render(name="Pets", introduction="All pets.")


def test_a_template_reaches_for_nothing_beyond_its_variables(folder: Path) -> None:
    (folder / "assistant.jinja").write_text(ASSISTANT.replace("{{ name }}", "{{ name.__class__.__mro__ }}"))
    prompt = read_prompts(str(folder))["assistant"]
    with pytest.raises(UserError, match="cannot be rendered"):
        prompt.render(name="Pets", introduction="All pets.")
