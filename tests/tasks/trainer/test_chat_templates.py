"""Which template a model gets."""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pytest

from tasks.trainer.chat_templates import ChosenTemplate, choose_template, load_template, strip_markers
from tasks.trainer.early_ends import TemplateError
from tests.tasks.trainer.conftest import read_own_template

BARE = "{% for m in messages %}{{ m.role + ': ' + m.content }}{% endfor %}"

CALL = "{{ call.function.name + ':' + call.function.arguments | tojson }}"
CALLS = "{% for call in m.tool_calls or [] %}" + CALL + "{% endfor %}"
MARKED = (
    "{% for m in messages %}{{ m.role }}{% generation %}{{ m.content }}" + CALLS + "{% endgeneration %}{% endfor %}"
)
"""A marked template that writes everything."""


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


@pytest.mark.parametrize(
    ("own", "chosen"),
    [
        ({"default": "qwen3"}, "qwen3"),
        ({"tool_use": None, "default": "qwen3"}, "qwen2_5"),  # what it does with tools counts
        ({"rag": "qwen3"}, "qwen2_5"),
        ({}, "qwen2_5"),
    ],
)
def test_without_one_for_tools_the_default_counts_and_no_other(
    tokenizers: dict[str, Any], own: dict[str, str | None], chosen: str
) -> None:
    templates = {name: read_own_template(text) if text else BARE for name, text in own.items()}
    assert choose_template(Named(tokenizers["vicuna"], templates, "<|im_start|>"), "auto").name == chosen


@pytest.mark.parametrize(("change", "chosen"), [("{}", "qwen3"), ("\n{} \n", "qwen3"), ("{} .", "llama3")])
def test_a_template_is_an_original_but_for_the_spaces_around_it(
    tokenizers: dict[str, Any], change: str, chosen: str
) -> None:
    own = change.replace("{}", read_own_template("qwen3"))
    found = choose_template(Named(tokenizers["vicuna"], own, "<|im_start|>", "<|start_header_id|>"), "auto")
    assert found.name == chosen
    marked = {"qwen3": read_own_template("qwen3_training"), "llama3": load_template("llama3").training}
    assert found.training == marked[chosen]


@pytest.mark.parametrize(
    ("part", "instead", "chosen"),
    [
        ("", "", "own"),
        ("call.function.name + ", "", "vicuna"),
        ("call.function.arguments | tojson", "call.function.arguments.keys() | join", "vicuna"),
        ("call.function.arguments | tojson", "call.function.arguments.values() | join", "vicuna"),
        ("m.tool_calls or []", "(m.tool_calls or [])[:1]", "vicuna"),
        ("m.tool_calls or []", "(m.tool_calls or [])[1:]", "vicuna"),
        ("{{ m.content }}", "{% if m.role != 'tool' %}{{ m.content }}{% endif %}", "vicuna"),
        (
            "{{ m.role }}",
            "{% if m.tool_calls | length > 1 %}{{ raise_exception('one at a time') }}{% endif %}",
            "vicuna",
        ),
        ("{{ m.role }}", "{{ m.role + 1 }}", "vicuna"),
        ("{{ m.role }}", "{{ range(1, 2, 0) | list }}", "vicuna"),
        ("{{ m.role }}", "{% if", "vicuna"),
    ],
)
def test_a_template_that_leaves_out_anything_is_not_taken(
    tokenizers: dict[str, Any], part: str, instead: str, chosen: str
) -> None:
    own = MARKED.replace(part, instead) if part else MARKED
    found = choose_template(Named(tokenizers["vicuna"], own), "auto")
    assert found.name == chosen
    assert (found.training == own) is (chosen == "own")


@pytest.mark.parametrize(
    ("start", "end"),
    [("", ""), ("{# {% generation %} #}", "{# {% endgeneration %} #}"), ("{% set generation = 1 %}", "")],
)
def test_a_template_that_only_speaks_of_marks_has_none(tokenizers: dict[str, Any], start: str, end: str) -> None:
    own = MARKED.replace("{% generation %}", start).replace("{% endgeneration %}", end)
    assert choose_template(Named(tokenizers["vicuna"], own), "auto").name == "vicuna"


@pytest.mark.parametrize(
    ("words", "chosen"), [(("<|im_start|>", "<|start_header_id|>"), "llama3"), (("<|im_end|>", "<s>"), "vicuna")]
)
def test_a_family_is_known_by_its_headers(tokenizers: dict[str, Any], words: tuple[str, ...], chosen: str) -> None:
    assert choose_template(Named(tokenizers["vicuna"], None, *words), "auto") == load_template(chosen)


def test_chatml_gets_the_marked_template_of_qwen(tokenizers: dict[str, Any]) -> None:
    found = choose_template(Named(tokenizers["vicuna"], None, "<|im_start|>"), "auto")
    assert found == ChosenTemplate("qwen2_5", read_own_template("qwen2_5_training"))


@pytest.mark.parametrize("wanted", ["vicuna", "react"])
def test_what_is_asked_for_by_name_is_taken(tokenizers: dict[str, Any], wanted: str) -> None:
    assert choose_template(tokenizers["qwen3"], wanted) == load_template(wanted)


@pytest.mark.parametrize("found", [None, "a file of that name"])
def test_without_trl_a_model_that_needs_its_templates_is_refused(
    tokenizers: dict[str, Any], monkeypatch: pytest.MonkeyPatch, found: str | None
) -> None:
    module = ModuleType("trl", found)
    module.__spec__ = ModuleSpec("trl", None)
    monkeypatch.setitem(sys.modules, "trl", module if found else None)
    with pytest.raises(TemplateError, match="trl is not installed"):
        choose_template(Named(tokenizers["vicuna"], None, "<|im_start|>"), "auto")
    assert choose_template(Named(tokenizers["vicuna"], None), "auto").name == "vicuna"


def test_a_hash_is_that_of_the_text_alone() -> None:
    names = ("vicuna", "react", "llama3")
    assert len({load_template(name).hash for name in names}) == 3
    assert ChosenTemplate("a", "text").hash == ChosenTemplate("b", "text").hash != ChosenTemplate("a", "other").hash


@pytest.mark.parametrize("name", ["vicuna", "react", "llama3"])
def test_our_own_templates_are_marked_for_training_and_not_for_inference(name: str) -> None:
    template = load_template(name)
    assert template.name == name
    assert "endgeneration" in template.training
    assert "endgeneration" not in template.inference
    assert template.inference == strip_markers(template.training)


def test_marks_go_and_spaces_stay_under_control() -> None:
    marked = "a {#- on {% generation %} -#} b {%- generation %} c {% endgeneration -%} d"
    assert strip_markers(marked) == "a {#- -#} b {#- #} c {# -#} d"


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("{%generation%}a{%endgeneration%}", "{# #}a{# #}"),
        ("{%- generation -%}a{%- endgeneration -%}", "{#- -#}a{#- -#}"),
        ("{# over\ntwo lines #}a{# b #}", "{# #}a{# #}"),
        ("{#a#}b{#-c#}d{#e-#}", "{# #}b{#- #}d{# -#}"),
        ("{% set generation = 1 %}{{ generation }}", "{% set generation = 1 %}{{ generation }}"),
        ("{% if add_generation_prompt %}a{% endif %}", "{% if add_generation_prompt %}a{% endif %}"),
        ("{% generations %}", "{% generations %}"),
    ],
)
def test_only_marks_and_comments_go(marked: str, plain: str) -> None:
    assert strip_markers(marked) == plain
