"""How the finished model's folder is written: whole or not at all, whatever the model was trained as."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch", reason="the train extra is not installed: make setup-train")

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from tasks.trainer.attention import VARLEN
from tasks.trainer.chat_templates import VICUNA_RESPONSE, ChosenTemplate, choose_template, load_template
from tasks.trainer.early_ends import SavingError
from tasks.trainer.finishing import save_final, save_tokenizer
from tests.tasks.trainer.conftest import Build

TEMPLATE = load_template("vicuna")
IDS = torch.arange(3, 60)[None]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The run's folder."""
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


@pytest.mark.parametrize(("cpu", "dtype"), [(True, "float32"), (False, "bfloat16")])
def test_the_model_is_written_as_wide_as_it_was_computed_with(
    build: Build, vicuna: Path, run: Path, cpu: bool, dtype: str
) -> None:
    trainer = build()
    trainer.model.config.use_cache = False
    trainer.model.set_attn_implementation(VARLEN)
    save_final(trainer, str(vicuna), TEMPLATE, run, cpu)
    config = json.loads((run / "final" / "config.json").read_text())
    assert (config["dtype"], config["use_cache"]) == (dtype, True)
    assert VARLEN not in json.dumps(config)
    weights = load_file(run / "final" / "model.safetensors")
    assert {str(weight.dtype) for weight in weights.values()} == {f"torch.{dtype}"}
    assert [path.name for path in run.iterdir()] == ["final"]
    # it is in memory as it is on the disk
    assert trainer.accelerator.unwrap_model(trainer.model).config._attn_implementation == "sdpa"


def test_what_was_left_there_is_replaced(build: Build, vicuna: Path, run: Path) -> None:
    for name in ("final", "final.writing"):
        (run / name).mkdir()
        (run / name / "left over").touch()
    save_final(build(), str(vicuna), TEMPLATE, run, True)
    assert [path.name for path in run.iterdir()] == ["final"]
    assert not (run / "final" / "left over").exists()
    AutoModelForCausalLM.from_pretrained(run / "final")


def test_a_model_that_cannot_be_written_leaves_the_one_before(
    build: Build, vicuna: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full when the last of it is written."""
    (run / "final").mkdir()
    (run / "final" / "before").touch()
    trainer = build()

    def save(folder: Path) -> None:
        assert (folder / "model.safetensors").stat().st_size > 0
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trainer.processing_class, "save_pretrained", save)
    with pytest.raises(SavingError, match=r"the model could not be written: .*No space left on device"):
        save_final(trainer, str(vicuna), TEMPLATE, run, True)
    assert [path.name for path in run.rglob("*")] == ["final", "before"]


@pytest.mark.parametrize(("known", "ends"), [(None, 2), (2, 2), (5, [2, 5]), ([2], 2), ([5, 2, 6], [2, 5, 6]), ([], 2)])
def test_generation_ends_at_the_tokenizers_end_and_where_it_ended_before(
    build: Build, vicuna: Path, run: Path, known: Any, ends: Any
) -> None:
    trainer = build()
    generation = trainer.model.generation_config
    generation.eos_token_id, generation.pad_token_id, generation.bos_token_id = known, 7, 8
    generation.temperature = 0.3
    save_final(trainer, str(vicuna), TEMPLATE, run, True)
    found = GenerationConfig.from_pretrained(run / "final")
    assert (found.eos_token_id, found.pad_token_id, found.bos_token_id) == (ends, 0, 1)
    assert found.temperature is None


def shift(trainer: Any) -> None:
    """Change what is trained, so that it is not what it began as."""
    with torch.no_grad():
        for weight in trainer.model.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)) / 10)


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_folder_says_what_the_trained_model_says(
    build: Build, vicuna: Path, run: Path, method: str, sharded: bool
) -> None:
    """Of a sharded model the gathered weights count, whatever this process holds."""
    half = run / "base"  # as Vicuna's weights are
    AutoModelForCausalLM.from_pretrained(vicuna, dtype=torch.bfloat16).save_pretrained(half)
    trainer = build(method=method)
    shift(trainer)
    model = trainer.model.eval()
    with torch.no_grad():
        expected = model(IDS).logits
    if sharded:
        whole = {name: weight.clone() for name, weight in model.state_dict().items()}
        with torch.no_grad():
            for weight in model.parameters():
                weight.zero_()
        trainer.is_fsdp_enabled = True
        trainer.accelerator.get_state_dict = lambda _: whole
    save_final(trainer, str(half), TEMPLATE, run, True)
    with torch.no_grad():
        found = AutoModelForCausalLM.from_pretrained(run / "final")(IDS).logits
        plain = AutoModelForCausalLM.from_pretrained(vicuna)(IDS).logits
    assert torch.allclose(found, expected, atol=1e-4)
    assert not torch.allclose(found, plain, atol=1e-2)
    assert not any("lora" in name for name in load_file(run / "final" / "model.safetensors"))


def test_gathered_weights_that_are_not_all_there_are_no_model(build: Build, vicuna: Path, run: Path) -> None:
    trainer = build()
    weights = trainer.model.state_dict()
    del weights["model.norm.weight"]
    trainer.is_fsdp_enabled = True
    trainer.accelerator.get_state_dict = lambda _: weights
    with pytest.raises(SavingError, match=r"model\.norm\.weight"):
        save_final(trainer, str(vicuna), TEMPLATE, run, True)
    assert list(run.iterdir()) == []


@pytest.mark.parametrize("main", [True, False])
def test_the_first_process_writes_and_all_wait(
    build: Build, vicuna: Path, run: Path, monkeypatch: pytest.MonkeyPatch, main: bool
) -> None:
    trainer = build()
    waited: list[bool] = []
    trainer.accelerator = SimpleNamespace(
        is_main_process=main,
        unwrap_model=trainer.accelerator.unwrap_model,
        wait_for_everyone=lambda: waited.append((run / "final").exists()),
    )
    save_final(trainer, str(vicuna), TEMPLATE, run, True)
    assert waited == [main]


@pytest.mark.parametrize("family", ["vicuna", "qwen3", "llama3"])
def test_what_reads_calls_out_of_an_answer_goes_with_the_tokenizer_where_it_is_known(
    tokenizers: dict[str, Any], tmp_path: Path, family: str
) -> None:
    base = tokenizers[family].name_or_path
    tokenizer = AutoTokenizer.from_pretrained(base)
    template = choose_template(tokenizer, "auto")
    save_tokenizer(tokenizer, base, template, tmp_path)
    found = AutoTokenizer.from_pretrained(tmp_path)
    assert found.chat_template == template.inference
    if family == "vicuna":
        assert found.response_template == VICUNA_RESPONSE
    else:
        assert found.response_template
        assert found.response_template != VICUNA_RESPONSE


def test_a_model_whose_answers_nobody_knows_to_read_gets_nothing_to_read_them(
    tokenizers: dict[str, Any], tmp_path: Path
) -> None:
    template = ChosenTemplate("react", load_template("react").training)
    base = tokenizers["vicuna"].name_or_path
    save_tokenizer(AutoTokenizer.from_pretrained(base), base, template, tmp_path)
    assert getattr(AutoTokenizer.from_pretrained(tmp_path), "response_template", None) is None
