"""The trainer as it is set up, and its own steps, rates and checkpoints, in this process."""

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the train extra is not installed: make setup-train")

import torch
import trl.trainer.utils
from transformers import GenerationConfig, TrainerCallback, TrainerControl, TrainerState

from tasks.trainer import fine_tuning
from tasks.trainer.checkpoints import find_defect
from tasks.trainer.early_ends import DivergedError, SavingError
from tasks.trainer.fine_tuning import Options, load_model, settle_generation
from tests.tasks.trainer.conftest import Build
from tests.tasks.trainer.runs import list_checkpoints


class AfterStep(TrainerCallback):  # type: ignore[misc]
    """Does something to the model after a step, before it is saved."""

    def __init__(self, step: int, work: Callable[[Any], object]) -> None:
        self._step, self._work = step, work

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **rest: Any) -> None:
        if state.global_step == self._step:
            self._work(rest["model"])


def test_the_recipe_is_what_is_handed_on(build: Build, tmp_path: Path) -> None:
    trainer = build(accumulation=3, learning_rate=5e-4)
    asked = trainer.args
    assert asked.output_dir == str(tmp_path / "checkpoints")
    assert (asked.per_device_train_batch_size, asked.gradient_accumulation_steps) == (1, 3)
    assert (asked.num_train_epochs, asked.max_steps, asked.learning_rate) == (3.0, -1, 5e-4)
    assert (asked.lr_scheduler_type.value, asked.weight_decay, asked.optim.value) == (
        "cosine",
        0.0,
        "adamw_torch_fused",
    )
    assert (asked.bf16, asked.use_cpu, asked.dataloader_pin_memory) == (False, True, False)
    assert (asked.gradient_checkpointing, asked.gradient_checkpointing_kwargs) == (True, {"use_reentrant": False})
    assert (asked.logging_steps, asked.logging_nan_inf_filter, asked.report_to, asked.disable_tqdm) == (
        1, False, [], True
    )  # fmt: skip
    assert (asked.seed, asked.data_seed) == (0, 0)
    assert (asked.max_length, asked.padding_free, asked.pad_to_multiple_of) == (None, True, None)
    assert asked.dataset_kwargs == {"skip_prepare_dataset": True}
    assert (asked.save_strategy.value, asked.save_steps) == ("steps", 50)
    # 3 % of the steps, rounded up
    assert [asked.get_warmup_steps(steps) for steps in (33, 34, 100, 101, 1000)] == [1, 2, 3, 4, 30]
    assert not hasattr(trainer.model, "peft_config")
    assert all(weight.dtype == torch.float32 and weight.requires_grad for weight in trainer.model.parameters())


def test_what_is_asked_for_is_handed_on(build: Build) -> None:
    asked = build(
        epochs=1.5, max_steps=7, warmup_share=0.25, weight_decay=0.1, optimizer="adafactor", save_every=9, seed=11,
        gradient_checkpointing=False,
    ).args  # fmt: skip
    assert (asked.num_train_epochs, asked.max_steps, asked.get_warmup_steps(100)) == (1.5, 7, 25)
    assert (asked.weight_decay, asked.optim.value, asked.save_steps) == (0.1, "adafactor", 9)
    assert (asked.seed, asked.data_seed, asked.gradient_checkpointing) == (11, 11, False)


def test_without_checkpoints_none_is_written_and_sequences_can_be_padded(build: Build) -> None:
    asked = build(save_every=None, pad_to=64).args
    assert asked.save_strategy.value == "no"
    assert (asked.padding_free, asked.pad_to_multiple_of) == (False, 64)


@pytest.mark.parametrize("cpu", [True, False])
def test_a_card_computes_in_bfloat16(build: Build, monkeypatch: pytest.MonkeyPatch, cpu: bool) -> None:
    """Asked of trl, which would refuse it here."""
    asked: dict[str, Any] = {}

    class AskedError(Exception):
        pass

    def ask(**options: Any) -> None:
        asked.update(options)
        raise AskedError

    monkeypatch.setattr(fine_tuning, "SFTConfig", ask)
    with pytest.raises(AskedError):
        build(cpu=cpu)
    assert (asked["bf16"], asked["use_cpu"], asked["dataloader_pin_memory"]) == (not cpu, cpu, not cpu)


def test_an_adapter_has_the_rank_and_scale_that_are_asked_for_on_every_linear_layer(build: Build) -> None:
    trainer = build(method="lora", lora_rank=4, lora_alpha=12)
    config = trainer.model.peft_config["default"]
    assert (config.r, config.lora_alpha, config.task_type) == (4, 12, "CAUSAL_LM")
    trained = {name for name, weight in trainer.model.named_parameters() if weight.requires_grad}
    assert all("lora_" in name for name in trained)
    assert len(trained) == 2 * 2 * 7  # two matrices in each of seven layers in each of two blocks
    assert {weight.shape[0] for name, weight in trainer.model.named_parameters() if "lora_A" in name} == {4}


@pytest.mark.parametrize(
    ("method", "cpu", "dtype"),
    [
        ("full", True, torch.float32),
        ("full", False, torch.float32),
        ("lora", True, torch.float32),
        ("lora", False, torch.bfloat16),
    ],
)
def test_only_weights_that_stay_as_they_are_on_a_card_are_narrow(
    vicuna: Path, method: str, cpu: bool, dtype: torch.dtype
) -> None:
    model = load_model(str(vicuna), method, cpu, "eager")
    assert {weight.dtype for weight in model.parameters()} == {dtype}
    assert model.config._attn_implementation == "eager"
    generation = model.generation_config
    assert (generation.temperature, generation.top_p, generation.top_k) == (None, None, None)


@pytest.mark.parametrize("samples", [True, False])
def test_sampling_values_go_where_nothing_is_sampled(samples: bool) -> None:
    class Model:
        generation_config = GenerationConfig(do_sample=samples, temperature=0.9, top_p=0.6, top_k=7)

    settle_generation(Model)
    found = Model.generation_config
    assert (found.temperature, found.top_p, found.top_k) == ((0.9, 0.6, 7) if samples else (None, None, None))


def test_a_model_that_generates_nothing_is_left_alone() -> None:
    class Model:
        generation_config = None

    settle_generation(Model)
    assert Model.generation_config is None


def test_only_for_the_cpu_trl_is_told_another_thing_than_it_finds_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trl.trainer.utils, "_use_triton", lambda device: device.type == "cuda")
    fine_tuning.score_trained_positions_only()
    told = {name: trl.trainer.utils._use_triton(torch.device(name)) for name in ("cpu", "cuda", "meta")}
    assert told == {"cpu": True, "cuda": True, "meta": False}


@pytest.mark.parametrize("main", [True, False])
def test_the_first_process_puts_a_checkpoint_in_its_place_while_the_others_wait(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, main: bool
) -> None:
    trainer = build(save_every=1, max_steps=1)
    seen: list[list[str]] = []
    monkeypatch.setattr(type(trainer.accelerator), "is_main_process", property(lambda _: main))
    monkeypatch.setattr(trainer.accelerator, "wait_for_everyone", lambda: seen.append(list_checkpoints(tmp_path)))
    trainer.train()
    assert ["writing"] in seen, "nobody waited until all was written"
    assert seen[-1] == (["checkpoint-1"] if main else ["writing"])


@pytest.mark.parametrize("main", [True, False])
def test_the_first_process_alone_removes_what_could_not_be_written(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, main: bool
) -> None:
    trainer = build(save_every=1, max_steps=1)

    def fail() -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(type(trainer.accelerator), "is_main_process", property(lambda _: main))
    monkeypatch.setattr(trainer.accelerator, "wait_for_everyone", fail)
    with pytest.raises(SavingError, match="checkpoint of step 1"):
        trainer.train()
    assert list_checkpoints(tmp_path) == ([] if main else ["writing"])


def test_trls_other_warnings_are_told(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("trl.trainer.sft_trainer")
    logger.propagate, propagated = True, logger.propagate
    logger.warning("per_device_train_batch_size of 1 is small")
    logger.warning("per_device_train_batch_size of 1 with padding-free training saves nothing")
    logger.propagate = propagated
    assert [record.getMessage() for record in caplog.records] == ["per_device_train_batch_size of 1 is small"]


def test_steps_and_rates_follow_from_the_data_and_the_recipe(build: Build, tmp_path: Path) -> None:
    """Five sequences, two a step: three steps an epoch, six in all; 0.25 of them, two, rise to the peak."""
    trainer = build(accumulation=2, epochs=2, warmup_share=0.25, save_every=4)
    trainer.train()
    assert trainer.state.max_steps == trainer.state.global_step == 6
    rates = [entry["learning_rate"] for entry in trainer.state.log_history if "learning_rate" in entry]
    assert rates[:3] == pytest.approx([0, 5e-4, 1e-3])
    assert rates[3:] == sorted(rates[3:], reverse=True)
    assert rates[4] == pytest.approx(5e-4)  # half of the cosine's way from step 2 to step 6
    assert list_checkpoints(tmp_path) == ["checkpoint-6"]
    assert find_defect(tmp_path / "checkpoints" / "checkpoint-6") is None
    assert not (tmp_path / "checkpoints" / "checkpoint-6" / "README.md").exists()


def test_the_first_step_has_the_loss_of_guessing(build: Build) -> None:
    """A fresh model holds each of its 600 words for as likely as the others."""
    trainer = build(max_steps=1, save_every=None)
    trainer.train()
    assert trainer.state.log_history[0]["loss"] == pytest.approx(6.397, rel=0.02)  # the logarithm of 600


@pytest.mark.parametrize(("value", "which"), [(float("nan"), -1), (float("inf"), 0)])
def test_weights_that_are_no_numbers_are_never_saved(build: Build, tmp_path: Path, value: float, which: int) -> None:
    """After step 2, the loss of which was still one."""

    def spoil(model: Any) -> None:
        with torch.no_grad():
            list(model.parameters())[which].view(-1)[-1] = value

    trainer = build(AfterStep(2, spoil), save_every=1, max_steps=3)
    with pytest.raises(DivergedError, match="a weight is no number any more after step 2"):
        trainer.train()
    assert list_checkpoints(tmp_path) == ["checkpoint-1"]


def test_a_checkpoint_that_cannot_be_written_ends_the_run_and_leaves_the_one_before(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk says no when what was written is made durable."""
    trainer = build(save_every=1, max_steps=3)
    real = os.fsync

    def fsync(handle: int) -> None:
        if trainer.state.global_step == 2:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(SavingError, match=r"the checkpoint of step 2 could not be written: .*No space left") as caught:
        trainer.train()
    assert isinstance(caught.value.__cause__, OSError)
    assert list_checkpoints(tmp_path) == ["checkpoint-1"]
    assert find_defect(tmp_path / "checkpoints" / "checkpoint-1") is None


def test_options_are_the_recipes_where_they_are_not_given(tmp_path: Path) -> None:
    given = Options(folder=tmp_path, accumulation=2, learning_rate=1e-3)
    assert replace(given) == Options(
        folder=tmp_path, accumulation=2, learning_rate=1e-3, method="full", epochs=3.0, max_steps=None,
        warmup_share=0.03, weight_decay=0.0, optimizer="adamw", gradient_checkpointing=True, lora_rank=16,
        lora_alpha=32, save_every=50, seed=0, cpu=False, pad_to=None,
    )  # fmt: skip
