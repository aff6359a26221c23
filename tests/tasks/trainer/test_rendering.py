"""A chat template that comes with a model reaches nothing, and neither its time nor its memory is without end."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="the train extra is not installed: make setup-train")

from tasks.trainer import rendering
from tasks.trainer.chat_templates import MAX_TEMPLATE, ChosenTemplate, choose_template, load_template
from tasks.trainer.conversations import Conversation
from tasks.trainer.early_ends import TemplateError
from tasks.trainer.masking import Encoder
from tasks.trainer.rendering import make_render
from tests.tasks.trainer.conftest import read_own_template
from tests.tasks.trainer.test_chat_templates import MARKED, Named

MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": "hé"}, {"role": "assistant", "content": "yes"}]
FAIR = "{% for m in messages %}{{ bos_token }}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}"


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that is reached soon, in a process that knows of it."""
    rendering._start.cache_clear()
    monkeypatch.setattr(rendering, "LIMIT_S", 2.0)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that is not reached before memory ends, however busy the machine is."""
    rendering._start.cache_clear()
    monkeypatch.setattr(rendering, "LIMIT_S", 60.0)


@pytest.mark.parametrize("trusted", [True, False])
def test_a_template_that_is_not_trusted_writes_what_it_would_in_this_process(trusted: bool) -> None:
    render = make_render(FAIR, {"bos_token": "<s>"}, trusted=trusted)
    assert render(MESSAGES, None, prompt=False) == ("<s>hé<s>yes", [(3, 5), (8, 11)])
    own = make_render(read_own_template("qwen2_5_training"), {}, trusted=trusted)
    here = make_render(read_own_template("qwen2_5_training"), {}, trusted=True)
    assert own(MESSAGES, [{"type": "function"}], prompt=True) == here(MESSAGES, [{"type": "function"}], prompt=True)


ENDLESS = {
    "loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "a number beyond all bounds": "{{ 9 ** (9 ** 9) }}",
}
HUGE = {
    "a text beyond all bounds": "{{ 'x' * 10 ** 12 }}",
    "a text that doubles": "{% set n = namespace(x='x') %}{% for a in range(99) %}{% set n.x = n.x * 2 %}{% endfor %}",
    "a text that is padded": "{{ 'x' | center(10 ** 11) }}",
    "a range beyond all bounds": "{{ range(10 ** 9) | list }}",
    "depth": "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}",
    "a long answer": "{{ 'x' * 20_000_000 }}",
}
REACHING = {
    "classes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "globals": "{{ raise_exception.__globals__['os'].system('touch ' + mark) }}",
    "modules": "{{ cycler.__init__.__globals__.os.popen('touch ' + mark).read() }}",
    "a format": "{{ '{0.__class__}'.format(messages) }}{{ messages.append(1) }}",
    "another template": "{% include '/etc/passwd' %}",
    "an import": "{% import 'os' as os %}{{ os.system('touch ' + mark) }}",
}


@pytest.mark.forced
@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize("kind", ENDLESS)
def test_one_that_does_not_end_is_ended(kind: str) -> None:
    render = make_render(ENDLESS[kind], {}, trusted=False)
    with pytest.raises(TemplateError, match=r"the model's own chat template took more than 2 s; choose another"):
        render(MESSAGES, None, prompt=False)
    assert make_render(FAIR, {"bos_token": ""}, trusted=False)(MESSAGES, None, prompt=False)[0] == "héyes"


@pytest.mark.parametrize("kind", HUGE)
def test_one_that_takes_memory_without_end_is_an_error(kind: str, patient: None) -> None:
    with pytest.raises(TemplateError, match=r"the model's own chat template (fails: |ended the process)"):
        make_render(HUGE[kind], {}, trusted=False)(MESSAGES, None, prompt=False)
    assert make_render(FAIR, {"bos_token": ""}, trusted=False)(MESSAGES, None, prompt=False)[0] == "héyes"


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("kind", REACHING)
def test_none_reaches_for_what_lies_behind_a_value(kind: str, trusted: bool, tmp_path: Path) -> None:
    mark = tmp_path / "it was run"
    render = make_render(REACHING[kind], {"mark": str(mark)}, trusted=trusted)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - jinja2's of several kinds
        render(MESSAGES, None, prompt=False)
    assert trusted or isinstance(caught.value, TemplateError)
    assert not mark.exists()


def test_a_models_own_template_is_rendered_apart_and_ours_are_not(tokenizers: dict[str, Any]) -> None:
    assert not choose_template(Named(tokenizers["vicuna"], MARKED), "auto").trusted
    for tokenizer in (tokenizers["qwen3"], tokenizers["vicuna"]):
        assert choose_template(tokenizer, "auto").trusted


@pytest.mark.forced
@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize("bad", [ENDLESS["loops"], HUGE["a text beyond all bounds"], "{{ 1 / 0 }}"])
def test_a_model_whose_template_does_not_end_gets_the_one_of_its_family(tokenizers: dict[str, Any], bad: str) -> None:
    assert choose_template(Named(tokenizers["vicuna"], MARKED + bad), "auto") == load_template("vicuna")


@pytest.mark.parametrize("own", [["{% generation %}"], 7, {"default": ["x"]}, "{#" * 90_000, "x" * (MAX_TEMPLATE + 1)])
def test_what_is_no_template_is_not_taken(tokenizers: dict[str, Any], own: Any) -> None:
    assert choose_template(Named(tokenizers["vicuna"], own), "auto") == load_template("vicuna")


@pytest.mark.forced
@pytest.mark.usefixtures("limited")
def test_one_that_does_not_end_at_a_certain_row_ends_the_preparation_in_one_line(tokenizers: dict[str, Any]) -> None:
    trap = "{% if messages | length > 2 %}" + ENDLESS["loops"] + "{% endif %}"
    own = ChosenTemplate("own", load_template("vicuna").training + trap, trusted=False)
    encoder = Encoder(tokenizers["vicuna"], own)
    assert encoder.encode([Conversation(MESSAGES, [])])[0].trained
    with pytest.raises(TemplateError, match="took more than 2 s"):
        encoder.encode([Conversation(MESSAGES * 2, [])])


def test_the_process_has_gone_when_its_starter_has() -> None:
    """Its input ends then; and at a request that does not end, its own alarm ends it."""
    process = rendering._start()
    assert process.stdin is not None
    process.stdin.close()
    rendering._start.cache_clear()
    assert process.wait(30) == 0
