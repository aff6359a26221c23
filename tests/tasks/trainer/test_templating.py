"""Which template a model gets."""

from typing import Any

import pytest

from tasks.trainer.templating import choose_template, load_template, strip_markers
from tests.tasks.trainer.conftest import read_own_template

BARE = "{% for m in messages %}{{ m.role + ': ' + m.content }}{% endfor %}"


class Named:
    """A tokenizer with another vocabulary and template."""

    def __init__(self, tokenizer: Any, template: str | dict[str, str] | None, *words: str) -> None:
        self._tokenizer, self.chat_template, self._words = tokenizer, template, words

    def get_vocab(self) -> dict[str, int]:
        return dict.fromkeys(self._words, 1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)


@pytest.mark.parametrize(
    ("template", "words", "chosen"),
    [
        (None, (), "vicuna"),
        (BARE, (), "vicuna"),
        (BARE, ("<|start_header_id|>",), "llama3"),
        (BARE, ("<|im_start|>",), "qwen2_5"),
        ("llama3_2", ("<|start_header_id|>",), "llama3"),
        ("qwen3", ("<|im_start|>",), "qwen3"),
        ("qwen3_instruct_2507", ("<|im_start|>",), "qwen3_instruct_2507"),
        ("qwen2_5_training", ("<|im_start|>",), "own"),
    ],
)
def test_a_models_own_template_is_kept_where_it_can_say_what_an_episode_holds(
    tokenizers: dict[str, Any], template: str | None, words: tuple[str, ...], chosen: str
) -> None:
    own = template if template in (None, BARE) else read_own_template(str(template))
    assert choose_template(Named(tokenizers["vicuna"], own, *words), "auto").name == chosen


def test_of_named_templates_the_one_for_tools_counts(tokenizers: dict[str, Any]) -> None:
    own = {"default": BARE, "tool_use": read_own_template("qwen3")}
    assert choose_template(Named(tokenizers["vicuna"], own, "<|im_start|>"), "auto").name == "qwen3"


@pytest.mark.parametrize("wanted", ["vicuna", "react"])
def test_what_is_asked_for_by_name_is_taken(tokenizers: dict[str, Any], wanted: str) -> None:
    assert choose_template(tokenizers["qwen3"], wanted).name == wanted


def test_a_changed_template_has_another_hash() -> None:
    assert load_template("vicuna").hash != load_template("react").hash


def test_marks_go_and_spaces_stay_under_control() -> None:
    marked = "a {#- on {% generation %} -#} b {%- generation %} c {% endgeneration -%} d"
    assert strip_markers(marked) == "a {#- -#} b {#- #} c {# -#} d"
