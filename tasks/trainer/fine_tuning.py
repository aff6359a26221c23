"""The model and the trainer: trl's SFTTrainer on prepared sequences, one at a time, as long as they are.

Needs torch, transformers, peft, datasets and trl, and of ours nothing that needs pydantic, so that the benchmark on a
GPU runs this very code on a machine that has little else.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import trl.trainer.utils
from datasets import Dataset
from peft import LoraConfig
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from tasks.trainer import checkpoints
from tasks.trainer.early_ends import DivergedError, SavingError
from tasks.trainer.loading import load_weights

CHECKPOINTS = "checkpoints"


@dataclass(frozen=True)
class Options:
    """How to train; `schemas.training.TrainParams` with what follows from the data and the machine.

    `accumulation` sequences on each process make up one optimizer step; without `save_every` no checkpoint is written.
    `pad_to` pads each sequence to a multiple of so many tokens, as others do: for comparison only.
    """

    folder: Path
    accumulation: int
    learning_rate: float
    method: str = "full"
    epochs: float = 3.0
    max_steps: int | None = None
    warmup_share: float = 0.03
    weight_decay: float = 0.0
    optimizer: str = "adamw"
    gradient_checkpointing: bool = True
    lora_rank: int = 16
    lora_alpha: int = 32
    save_every: int | None = 50
    seed: int = 0
    cpu: bool = False
    pad_to: int | None = None


def count_accumulation(effective_batch: int, kept: int, sequences: int, processes: int) -> int:
    """Sequences that each process takes for one optimizer step of about `effective_batch` conversations, at least 1."""
    return max(1, round(effective_batch * sequences / (kept * processes)))


def load_model(path: str, method: str, cpu: bool, attention: str) -> Any:
    """The model in float32, or for LoRA on a GPU, where its weights stay as they are, in bfloat16.

    Raises:
        ModelFilesError: it is none that may be loaded.
        OSError: there is no model at `path`.
    """
    dtype = torch.bfloat16 if method == "lora" and not cpu else torch.float32
    model = load_weights(path, dtype=dtype, attn_implementation=attention)
    settle_generation(model)
    return model


def settle_generation(model: Any) -> None:
    """Make a generation config that can be saved: Vicuna's has sampling values, and samples not."""
    config = model.generation_config
    if config is not None and not config.do_sample:
        config.temperature = config.top_p = config.top_k = None


def score_trained_positions_only() -> None:
    """Have trl's head pass over the positions without a label on the CPU too, as it does on a GPU.

    Their share of the loss and of the gradient is 0 either way. trl scores them where it has no triton, for the sake
    of accelerators that compile anew for each count of positions; a CPU does not.
    """
    uses_triton = trl.trainer.utils._use_triton
    trl.trainer.utils._use_triton = lambda device: device.type == "cpu" or uses_triton(device)


score_trained_positions_only()


def _is_to_be_told(record: logging.LogRecord) -> bool:
    return "per_device_train_batch_size of 1 with padding-free training" not in record.getMessage()


# That it saves nothing at a batch size of 1 is true of single conversations; ours are packed, which trl cannot see.
logging.getLogger("trl.trainer.sft_trainer").addFilter(_is_to_be_told)


class WholeTrainer(SFTTrainer):  # type: ignore[misc]
    """trl's trainer with checkpoints that are whole or not there, and no padding between conversations."""

    def _get_output_dir(self, trial: Any) -> str:
        return str(Path(self.args.output_dir) / checkpoints.WRITING)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        step = self.state.global_step
        if not all(bool(torch.isfinite(weight).all()) for weight in _list_local(self.model)):
            raise DivergedError(f"a weight is no number any more after step {step}")
        try:
            # not trl's own, which would write a model card beside it
            super(SFTTrainer, self)._save_checkpoint(model, trial)
            self.accelerator.wait_for_everyone()
            if self.accelerator.is_main_process:
                checkpoints.install(Path(self.args.output_dir), f"checkpoint-{step}")
            self.accelerator.wait_for_everyone()
        except Exception as error:
            if self.accelerator.is_main_process:
                checkpoints.remove_broken(Path(self.args.output_dir))
            raise SavingError(f"the checkpoint of step {step} could not be written: {error}") from error


def _list_local(model: Any) -> list[torch.Tensor]:
    """The weights that are trained, of a sharded model the part that this process holds."""
    weights = [weight.detach() for weight in model.parameters() if weight.requires_grad]
    return [weight.to_local() if hasattr(weight, "to_local") else weight for weight in weights]


def build_trainer(
    model: Any, tokenizer: Any, sequences: Dataset, options: Options, callbacks: Sequence[TrainerCallback] = ()
) -> WholeTrainer:
    """A trainer of `model` on sequences with input_ids, labels and seq_lengths."""
    saving = (
        {"save_strategy": "steps", "save_steps": options.save_every} if options.save_every else {"save_strategy": "no"}
    )
    config = SFTConfig(
        output_dir=str(options.folder / CHECKPOINTS),
        per_device_train_batch_size=1,
        gradient_accumulation_steps=options.accumulation,
        num_train_epochs=options.epochs,
        max_steps=options.max_steps or -1,
        learning_rate=options.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=options.warmup_share,
        weight_decay=options.weight_decay,
        optim="adafactor" if options.optimizer == "adafactor" else "adamw_torch_fused",
        bf16=not options.cpu,
        use_cpu=options.cpu,
        gradient_checkpointing=options.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        logging_steps=1,
        logging_nan_inf_filter=False,  # a loss that is no number must be seen
        report_to="none",
        disable_tqdm=True,
        seed=options.seed,
        data_seed=options.seed,
        max_length=None,  # what is too long was left out in the preparation
        padding_free=options.pad_to is None,
        pad_to_multiple_of=options.pad_to,
        dataset_kwargs={"skip_prepare_dataset": True},
        dataloader_pin_memory=not options.cpu,
        **saving,
    )
    lora = LoraConfig(
        r=options.lora_rank, lora_alpha=options.lora_alpha, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    return WholeTrainer(
        model=model,
        args=config,
        train_dataset=sequences,
        processing_class=tokenizer,
        callbacks=list(callbacks),
        peft_config=lora if options.method == "lora" else None,
    )


def find_explosion(start: float, losses: Sequence[float]) -> bool:
    """Whether the last three losses all lie far above the first: more than twice it and more than 2 over it."""
    return len(losses) >= 3 and all(loss > max(2 * start, start + 2) for loss in losses[-3:])


def check_loss(step: int, loss: float, grad_norm: float | None) -> None:
    """
    Raises:
        DivergedError: the loss or the gradient's norm is no finite number, or there is no gradient any more: the
            weights have gone where nothing that is put in matters.
    """
    for name, value in (("loss", loss), ("norm of the gradient", grad_norm)):
        if value is not None and not math.isfinite(value):
            raise DivergedError(f"the {name} is {value} at step {step}")
    if grad_norm == 0:
        raise DivergedError(f"the gradient is 0 at step {step}: the model has collapsed")
