"""Estimates against models as they are built, and against what is known of the large ones."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from schemas.training import TrainParams
from tasks.trainer.estimate import estimate_disk, estimate_memory, read_shape
from tests.tasks.trainer.runs import make_spec, read_end, run_child

VICUNA_7B = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "vocab_size": 32000,
}
LLAMA_3_8B = {**VICUNA_7B, "intermediate_size": 14336, "num_key_value_heads": 8, "vocab_size": 128256}
QWEN_3_4B = {
    "model_type": "qwen3",
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151936,
    "tie_word_embeddings": True,
}
QWEN_25_05B = {
    "model_type": "qwen2",
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "vocab_size": 151936,
    "tie_word_embeddings": True,
}
GIB = 2**30


@pytest.mark.parametrize("config", [VICUNA_7B, LLAMA_3_8B, QWEN_3_4B, QWEN_25_05B])
def test_parameters_are_counted_to_the_last_one(config: dict[str, Any]) -> None:
    kind = AutoConfig.for_model(**config)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(kind)
    assert read_shape(config).parameters == sum(weight.numel() for weight in model.parameters())


def test_an_adapters_parameters_too() -> None:
    from peft import LoraConfig, get_peft_model

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**LLAMA_3_8B))
    adapted = get_peft_model(model, LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM"))
    trained = sum(weight.numel() for weight in adapted.parameters() if weight.requires_grad)
    assert read_shape(LLAMA_3_8B).count_adapter(16) == trained


def test_a_7b_model_takes_more_than_one_80_gib_card_unless_it_is_told_to_save() -> None:
    shape = read_shape(VICUNA_7B)
    full = estimate_memory(shape, TrainParams())
    assert 100 < full.total / GIB < 125
    assert 45 < estimate_memory(shape, TrainParams(optimizer="adafactor")).total / GIB < 80
    assert 13 < estimate_memory(shape, TrainParams(method="lora")).total / GIB < 24
    assert full.total == sum(full.parts.values())


def test_more_cards_share_what_can_be_shared() -> None:
    shape = read_shape(VICUNA_7B)
    one, eight = (estimate_memory(shape, TrainParams(), gpus=gpus) for gpus in (1, 8))
    assert eight.optimizer == one.optimizer // 8
    assert eight.activations == one.activations
    assert eight.total < one.total / 4


def test_longer_sequences_and_kept_activations_take_more() -> None:
    shape = read_shape(VICUNA_7B)
    short, long = (estimate_memory(shape, TrainParams(max_length=length)) for length in (2048, 8192))
    assert long.activations == 4 * short.activations
    kept = estimate_memory(shape, TrainParams(gradient_checkpointing=False))
    assert kept.activations > 5 * estimate_memory(shape, TrainParams()).activations


def test_a_checkpoint_takes_its_bytes_twice(children: Any, vicuna: Path, packed: Path, tmp_path: Path) -> None:
    """Twice, since the old one stays until the new one is whole; and the finished model."""
    spec = make_spec(vicuna, packed, tmp_path, max_steps=2)
    assert run_child(children, spec) == 0, read_end(tmp_path).message
    checkpoint = tmp_path / "checkpoints" / "checkpoint-2"
    bytes_ = sum((checkpoint / name).stat().st_size for name in ("model.safetensors", "optimizer.pt"))
    shape = read_shape(AutoConfig.from_pretrained(vicuna).to_dict())
    final = shape.parameters * 2
    assert estimate_disk(shape, spec.params) == pytest.approx(2 * bytes_ + final, rel=0.03)


@pytest.mark.parametrize("config", [{}, {"hidden_size": 8}, {**VICUNA_7B, "vocab_size": "many"}])
def test_what_is_no_decoder_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no decoder of Llama's family"):
        read_shape(config)
