"""Estimates by hand for a model of a few hundred parameters, and against models as they are built."""

from pathlib import Path
from typing import Any

import pytest

from schemas.training import TrainParams
from tasks.trainer.footprint import ModelShape, estimate_disk, estimate_memory, read_shape
from tests.tasks.trainer.runs import make_spec, read_end, run_child
from tests.train_extra import needs_train_extra

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
WITH_BIASES = {**LLAMA_3_8B, "attention_bias": True}
GIB = 2**30

# Linear layers of a block (in, out): query (4, 6), key, value (4, 3), output (6, 4), gate, up (4, 5), down (5, 4).
TINY = ModelShape(
    hidden=4, layers=2, heads=2, kv_heads=1, head_dim=3, intermediate=5, vocabulary=7, tied=False, biases=0
)
BLOCK = 24 + 12 + 12 + 24 + 20 + 20 + 20
SIDES = 10 + 7 + 7 + 10 + 9 + 9 + 9  # in and out of each
EMBEDDING = 7 * 4
NORMS = (2 + 2 + 1) * 4  # two in each block and the last one
PARAMETERS = 2 * EMBEDDING + 2 * BLOCK + NORMS
ADAPTER = 2 * 3 * SIDES  # two blocks, rank 3
LENGTH = 128


def make_params(**asked: Any) -> TrainParams:
    return TrainParams.model_validate({"max_length": LENGTH, "lora_rank": 3, **asked})


def change(shape: ModelShape, **changed: Any) -> ModelShape:
    return ModelShape(**{**vars(shape), **changed})


def test_parameters_are_those_of_every_layer() -> None:
    assert TINY.block == BLOCK == 132
    assert PARAMETERS == 340
    assert TINY.parameters == PARAMETERS
    assert change(TINY, tied=True).parameters == PARAMETERS - EMBEDDING
    assert change(TINY, biases=11).parameters == PARAMETERS + 2 * 11
    assert TINY.count_adapter(3) == ADAPTER == 366


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("gpus", [0, 1, 2])
def test_each_parameter_takes_the_bytes_of_its_method_optimizer_and_cards(
    method: str, optimizer: str, gpus: int
) -> None:
    """float32 weights, gradients and two moments of what is trained; copies in bfloat16 on one card."""
    found = estimate_memory(TINY, make_params(method=method, optimizer=optimizer), gpus)
    share = 2 if gpus == 2 else 1
    narrow = 2 if gpus else 4
    gathered = 2 * BLOCK * narrow if gpus == 2 else 0  # the block that is computed, and the next
    if method == "full":
        trained = PARAMETERS
        weights = 4 * PARAMETERS
        copies = 2 * (2 * BLOCK)  # of the linear layers
        # one number for each row and column; three as large as the largest matrix, the embedding, while it works
        factors = 2 * SIDES + 2 * (7 + 4) + 3 * EMBEDDING
    else:
        trained = factors = ADAPTER
        weights = narrow * PARAMETERS + 4 * ADAPTER
        copies = 2 * ADAPTER
    assert found.weights == weights // share + gathered
    assert found.gradients == 4 * trained // share
    assert found.optimizer == (8 * trained if optimizer == "adamw" else 4 * factors) // share
    assert found.cast_weights == (copies if gpus == 1 else 0)
    assert found.overhead == (3 * GIB // 2 if gpus else 0)


def test_adafactor_works_on_the_largest_matrix() -> None:
    wide = change(TINY, intermediate=100)  # 400 parameters in gate, up and down; 28 in the embedding
    sides = 10 + 7 + 7 + 10 + 3 * 104
    assert estimate_memory(wide, make_params(optimizer="adafactor")).optimizer == 4 * (2 * sides + 2 * 11 + 3 * 400)


@pytest.mark.parametrize(("gpus", "narrow"), [(0, 4), (1, 2), (2, 2)])
def test_activations_are_those_of_one_sequence(gpus: int, narrow: int) -> None:
    """The stream is float32: a block's input, 6 of them inside it, 4 around all; the rest is as narrow as may be."""
    stream = 4 * 4
    # query, output, key, value; the norm's output; gate, up, their activations and product
    inside = 6 * stream + narrow * ((2 * 2 + 2 * 1) * 3 + 4 + 5 * 5)
    again = estimate_memory(TINY, make_params(), gpus)
    kept = estimate_memory(TINY, make_params(gradient_checkpointing=False), gpus)
    assert again.activations == LENGTH * (2 * stream + inside + 4 * stream)
    assert kept.activations == LENGTH * (2 * inside + 4 * stream)
    assert estimate_memory(TINY, make_params(max_length=3 * LENGTH), gpus).activations == 3 * again.activations


@pytest.mark.parametrize(("gpus", "logit", "narrow"), [(0, 12, 4), (1, 2, 2), (2, 2, 2)])
@pytest.mark.parametrize(("vocabulary", "tile"), [(7, 7), (32768, 32768), (32769, 32768)])
def test_logits_are_those_of_one_tile(gpus: int, logit: int, narrow: int, vocabulary: int, tile: int) -> None:
    shape = change(TINY, vocabulary=vocabulary)
    lora = LENGTH * 32768 * logit + tile * 4 * narrow
    assert estimate_memory(shape, make_params(method="lora"), gpus).logits == lora
    assert estimate_memory(shape, make_params(), gpus).logits == lora + 4 * vocabulary * 4  # the head's gradient


def test_the_total_is_that_of_its_parts() -> None:
    found = estimate_memory(TINY, make_params())
    assert set(found.parts) == {
        "weights", "gradients", "optimizer", "cast_weights", "activations", "logits", "overhead"
    }  # fmt: skip
    assert found.parts["gradients"] == found.gradients
    assert found.total == sum(found.parts.values()) > 3 * GIB // 2
    assert found == estimate_memory(TINY, make_params(), gpus=1)


@pytest.mark.parametrize(
    ("asked", "checkpoint"),
    [
        ({}, 4 * PARAMETERS + 8 * PARAMETERS),
        ({"optimizer": "adafactor"}, 4 * PARAMETERS + 4 * PARAMETERS // 100),
        ({"method": "lora"}, 4 * ADAPTER + 8 * ADAPTER),
        ({"method": "lora", "optimizer": "adafactor"}, 4 * ADAPTER + 4 * ADAPTER // 100),
    ],
)
def test_a_run_takes_two_checkpoints_and_the_finished_model_on_disk(asked: dict[str, Any], checkpoint: int) -> None:
    assert estimate_disk(TINY, make_params(**asked)) == 2 * checkpoint + 2 * PARAMETERS


def test_a_7b_model_takes_more_than_one_80_gib_card_unless_it_is_told_to_save() -> None:
    shape = read_shape(VICUNA_7B)
    full = estimate_memory(shape, TrainParams())
    assert 100 < full.total / GIB < 125
    assert 45 < estimate_memory(shape, TrainParams(optimizer="adafactor")).total / GIB < 80
    assert 13 < estimate_memory(shape, TrainParams(method="lora")).total / GIB < 24
    assert estimate_memory(shape, TrainParams(), gpus=8).total < full.total / 4


@pytest.mark.parametrize(
    ("config", "shape"),
    [
        ({}, (32, 32, 128, 0, False)),
        ({"num_key_value_heads": 8}, (32, 8, 128, 0, False)),
        ({"num_key_value_heads": None, "head_dim": None}, (32, 32, 128, 0, False)),
        ({"head_dim": 64}, (32, 32, 64, 0, False)),
        ({"tie_word_embeddings": True}, (32, 32, 128, 0, True)),
        ({"attention_bias": False}, (32, 32, 128, 0, False)),
        # query, key and value; the output's too where the configuration says so
        ({"model_type": "qwen2", "num_key_value_heads": 8}, (32, 8, 128, 4096 + 2 * 1024, False)),
        ({"attention_bias": True, "num_key_value_heads": 8}, (32, 8, 128, 4096 + 2 * 1024 + 4096, False)),
        ({"model_type": "qwen3"}, (32, 32, 128, 128 + 128, False)),  # a norm of each head's query and key
    ],
)
def test_what_a_configuration_leaves_open_is_as_its_family_has_it(
    config: dict[str, Any], shape: tuple[int, int, int, int, bool]
) -> None:
    found = read_shape({**VICUNA_7B, **config})
    assert (found.heads, found.kv_heads, found.head_dim, found.biases, found.tied) == shape
    assert (found.hidden, found.layers, found.intermediate, found.vocabulary) == (4096, 32, 11008, 32000)


def test_a_model_that_sees_is_as_large_as_what_reads_in_it() -> None:
    assert read_shape({"model_type": "llava", "hidden_size": 1, "text_config": LLAMA_3_8B}) == read_shape(LLAMA_3_8B)


@pytest.mark.parametrize(
    "config",
    [{}, {"hidden_size": 8}, {**VICUNA_7B, "vocab_size": "many"}, {**VICUNA_7B, "num_hidden_layers": None}],
)
def test_what_is_no_decoder_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no decoder of Llama's family: .* is missing or no number"):
        read_shape(config)


@needs_train_extra
@pytest.mark.parametrize("config", [VICUNA_7B, LLAMA_3_8B, QWEN_3_4B, QWEN_25_05B, WITH_BIASES])
def test_parameters_are_counted_to_the_last_one(config: dict[str, Any]) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    kind = AutoConfig.for_model(**config)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(kind)
    assert read_shape(config).parameters == sum(weight.numel() for weight in model.parameters())


@needs_train_extra
def test_an_adapters_parameters_too() -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**LLAMA_3_8B))
    adapted = get_peft_model(model, LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM"))
    trained = sum(weight.numel() for weight in adapted.parameters() if weight.requires_grad)
    assert read_shape(LLAMA_3_8B).count_adapter(16) == trained


@needs_train_extra
def test_a_checkpoint_takes_its_bytes_twice(children: Any, vicuna: Path, packed: Path, tmp_path: Path) -> None:
    """Twice, since the old one stays until the new one is whole; and the finished model."""
    from transformers import AutoConfig

    spec = make_spec(vicuna, packed, tmp_path, max_steps=2)
    assert run_child(children, spec) == 0, read_end(tmp_path).message
    checkpoint = tmp_path / "checkpoints" / "checkpoint-2"
    bytes_ = sum((checkpoint / name).stat().st_size for name in ("model.safetensors", "optimizer.pt"))
    shape = read_shape(AutoConfig.from_pretrained(vicuna).to_dict())
    final = shape.parameters * 2
    assert estimate_disk(shape, spec.params) == pytest.approx(2 * bytes_ + final, rel=0.03)
