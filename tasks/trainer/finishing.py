"""The trained model as a folder that `from_pretrained` loads: weights, tokenizer, chat template, generation config."""

import shutil
from pathlib import Path
from typing import Any

import torch
from peft import get_peft_model

from tasks.trainer.chat_templates import VICUNA_RESPONSE, ChosenTemplate
from tasks.trainer.early_ends import SavingError
from tasks.trainer.fine_tuning import WholeTrainer, settle_generation
from tasks.trainer.loading import load_tokenizer, load_weights

FINAL = "final"


def save_final(trainer: WholeTrainer, base: str, template: ChosenTemplate, folder: Path, cpu: bool) -> None:
    """Write `folder`/final, which appears whole: in bfloat16, trained on the CPU in float32; an adapter is merged.

    All processes must call this, since a sharded model is gathered; the first one writes.

    Raises:
        SavingError: it cannot be written.
    """
    weights = _gather(trainer)
    if trainer.accelerator.is_main_process:
        writing = folder / f"{FINAL}.writing"
        shutil.rmtree(writing, ignore_errors=True)
        try:
            _write(trainer, weights, base, template, writing, torch.float32 if cpu else torch.bfloat16)
            shutil.rmtree(folder / FINAL, ignore_errors=True)
            writing.rename(folder / FINAL)
        except Exception as error:
            shutil.rmtree(writing, ignore_errors=True)
            raise SavingError(f"the model could not be written: {error}") from error
    trainer.accelerator.wait_for_everyone()


def _gather(trainer: WholeTrainer) -> dict[str, torch.Tensor] | None:
    """The whole state of a model that is sharded; None where each process holds all of it."""
    if not trainer.is_fsdp_enabled:
        return None
    gathered: dict[str, torch.Tensor] = trainer.accelerator.get_state_dict(trainer.model)
    return gathered


def _write(
    trainer: WholeTrainer,
    weights: dict[str, torch.Tensor] | None,
    base: str,
    template: ChosenTemplate,
    folder: Path,
    dtype: torch.dtype,
) -> None:
    model = _rebuild(trainer, weights, base) if weights is not None else trainer.accelerator.unwrap_model(trainer.model)
    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload()
    model = model.to(dtype)
    tokenizer = trainer.processing_class
    settle_generation(model)
    _set_tokens(model, tokenizer)
    model.config.use_cache = True
    model.config._attn_implementation = "sdpa"
    model.save_pretrained(folder)
    save_tokenizer(tokenizer, base, template, folder)


def _rebuild(trainer: WholeTrainer, weights: dict[str, torch.Tensor], base: str) -> Any:
    """The same model on the CPU, in one piece."""
    model = load_weights(base, dtype=torch.float32, attn_implementation="sdpa")
    configs = getattr(trainer.accelerator.unwrap_model(trainer.model), "peft_config", None)
    if configs:
        model = get_peft_model(model, configs["default"])
    model.load_state_dict(weights, strict=not configs)
    return model


def _set_tokens(model: Any, tokenizer: Any) -> None:
    """Generation ends at the tokenizer's end token, and at those that the model ended at before."""
    config = model.generation_config
    known = config.eos_token_id
    known = [] if known is None else known if isinstance(known, list) else [known]
    ends = [tokenizer.eos_token_id, *(one for one in known if one != tokenizer.eos_token_id)]
    config.eos_token_id = ends if len(ends) > 1 else ends[0]
    config.pad_token_id = tokenizer.pad_token_id
    config.bos_token_id = tokenizer.bos_token_id


def save_tokenizer(tokenizer: Any, base: str, template: ChosenTemplate, folder: Path) -> None:
    """The tokenizer with the template for inference, and what reads calls out of its answers, where that is known."""
    tokenizer.response_template = VICUNA_RESPONSE if template.name == "vicuna" else _find_response(base)
    tokenizer.chat_template = template.inference
    tokenizer.save_pretrained(folder)


def _find_response(base: str) -> Any:
    """trl's response template for the model's own chat template."""
    from trl.chat_template_utils import add_response_schema

    try:
        return add_response_schema(load_tokenizer(base)).response_template
    except ValueError:
        return None
