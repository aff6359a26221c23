"""What a fine-tuning run takes: bytes of memory on each device, and of disk, from a model's config.json alone.

Arithmetic without torch. The shapes are those of Llama's family (Llama, Vicuna, Mistral, Qwen 2 and 3): attention with
four projections, a gated MLP with three, embeddings and a head.

What is kept for each parameter, in bytes: full fine-tuning holds float32 weights (4), their gradients (4), AdamW's
two moments (8) and, on a GPU, bfloat16 copies that autocast makes of the linear layers' weights and keeps throughout
a forward pass (2). LoRA holds bfloat16 weights (2; on a CPU float32) and all of the former for the adapter only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol

FLOAT32 = 4
BFLOAT16 = 2
OVERHEAD = 3 * 2**29
"""The CUDA context, cuBLAS's workspaces and what the allocator cannot use: about 1.5 GiB on each card."""

HEAD_TILE = 32768
"""Words of the vocabulary whose logits trl's fused head holds at a time, for all trained tokens."""


LARGEST = 2**40
"""More than any size of a model is."""


class SizeParams(Protocol):
    """What of `schemas.training.TrainParams` decides on memory and disk."""

    @property
    def method(self) -> str: ...
    @property
    def optimizer(self) -> str: ...
    @property
    def max_length(self) -> int: ...
    @property
    def gradient_checkpointing(self) -> bool: ...
    @property
    def lora_rank(self) -> int: ...


@dataclass(frozen=True)
class ModelShape:
    """The sizes of a decoder; `tied` embeddings are the head too, `biases` counts parameters beside the matrices."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocabulary: int
    tied: bool
    biases: int

    @property
    def linears(self) -> tuple[tuple[int, int], ...]:
        """(in, out) of each linear layer in one block: query, key, value, output, gate, up, down."""
        query, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        attention = ((self.hidden, query), (self.hidden, keys), (self.hidden, keys), (query, self.hidden))
        mlp = ((self.hidden, self.intermediate), (self.hidden, self.intermediate), (self.intermediate, self.hidden))
        return attention + mlp

    @property
    def embedding(self) -> int:
        """Parameters of the embeddings; the head has as many."""
        return self.vocabulary * self.hidden

    @property
    def block(self) -> int:
        """Parameters of the linear layers of one block."""
        return sum(rows * columns for rows, columns in self.linears)

    @property
    def parameters(self) -> int:
        """All parameters, norms included."""
        head = 0 if self.tied else self.embedding
        norms = (2 * self.layers + 1) * self.hidden
        return self.embedding + head + self.layers * (self.block + self.biases) + norms

    def count_adapter(self, rank: int) -> int:
        """Parameters of a LoRA adapter of that rank on every linear layer but the head."""
        return self.layers * sum(rank * (rows + columns) for rows, columns in self.linears)


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes on each device at the peak, by what holds them."""

    weights: int
    gradients: int
    optimizer: int
    cast_weights: int
    activations: int
    logits: int
    overhead: int

    @property
    def parts(self) -> dict[str, int]:
        """Each part by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.parts.values())


def read_shape(config: Mapping[str, Any]) -> ModelShape:
    """The shape that a model's config.json describes.

    Raises:
        ValueError: the configuration is not that of a decoder of Llama's family.
    """
    config = config.get("text_config") or config
    try:
        hidden, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
        layers, intermediate = int(config["num_hidden_layers"]), int(config["intermediate_size"])
        vocabulary = int(config["vocab_size"])
        kv_heads = int(config.get("num_key_value_heads") or heads)
        head_dim = int(config.get("head_dim") or hidden // heads)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise ValueError(
            f"config.json describes no decoder of Llama's family: {error!r} is missing or no number"
        ) from None
    if not all(0 < size < LARGEST for size in (hidden, heads, layers, intermediate, vocabulary, kv_heads, head_dim)):
        raise ValueError("config.json describes no decoder of Llama's family: a size is out of range")
    kind = str(config.get("model_type", ""))
    biases = (heads + 2 * kv_heads) * head_dim if kind == "qwen2" or config.get("attention_bias") else 0
    biases += hidden if config.get("attention_bias") else 0  # Qwen 2 has none on the output
    biases += 2 * head_dim if kind == "qwen3" else 0
    tied = bool(config.get("tie_word_embeddings", False))
    return ModelShape(hidden, layers, heads, kv_heads, head_dim, intermediate, vocabulary, tied, biases)


def estimate_memory(shape: ModelShape, params: SizeParams, gpus: int = 1) -> MemoryEstimate:
    """Bytes at the peak on each of so many GPUs (FSDP2 shards weights, gradients and optimizer); 0 GPUs is the CPU."""
    lora, cuda, parts = params.method == "lora", gpus > 0, max(1, gpus)
    trained = shape.count_adapter(params.lora_rank) if lora else shape.parameters
    frozen = shape.parameters if lora else 0
    weights = (frozen * (BFLOAT16 if cuda else FLOAT32) + trained * FLOAT32) // parts
    if gpus > 1:  # a block is gathered while it is computed, and the next one with it
        weights += 2 * shape.block * (BFLOAT16 if cuda else FLOAT32)
    linear = trained if lora else shape.layers * shape.block
    return MemoryEstimate(
        weights=weights,
        gradients=trained * FLOAT32 // parts,
        optimizer=_estimate_optimizer(shape, params, trained) // parts,
        cast_weights=linear * BFLOAT16 if gpus == 1 else 0,
        activations=_estimate_activations(shape, params, cuda),
        logits=_estimate_head(shape, params, cuda),
        overhead=OVERHEAD if cuda else 0,
    )


def _estimate_optimizer(shape: ModelShape, params: SizeParams, trained: int) -> int:
    if params.optimizer == "adamw":
        return 2 * trained * FLOAT32
    if params.method == "lora":  # its factors are about as large as the adapter itself
        return trained * FLOAT32
    factors = shape.layers * sum(map(sum, shape.linears)) + 2 * (shape.vocabulary + shape.hidden)
    working = 3 * max(shape.embedding, *(rows * columns for rows, columns in shape.linears))
    return (factors + working) * FLOAT32


def _estimate_activations(shape: ModelShape, params: SizeParams, cuda: bool) -> int:
    """One sequence of `max_length` tokens: each block's input, and the inside of one block, or of all.

    The residual stream is float32; what the linear layers read and write is in the type that they compute in.
    """
    narrow = BFLOAT16 if cuda else FLOAT32
    attention = (2 * shape.heads + 2 * shape.kv_heads) * shape.head_dim
    stream = FLOAT32 * shape.hidden
    inside = 6 * stream + narrow * (attention + shape.hidden + 5 * shape.intermediate)
    blocks = shape.layers * stream + inside if params.gradient_checkpointing else shape.layers * inside
    return params.max_length * (blocks + 4 * stream)


def _estimate_head(shape: ModelShape, params: SizeParams, cuda: bool) -> int:
    """One tile of logits, the tile of the head's weights that it needs, and for full fine-tuning the head's gradient.

    trl scores all positions on a CPU and only those with a label on a GPU; that all have one is the worst case. Its
    buffer is as wide as a tile whatever the vocabulary, and the CPU keeps copies of it while it folds it in.
    """
    tile = params.max_length * HEAD_TILE * (BFLOAT16 if cuda else 3 * FLOAT32)
    weights = min(HEAD_TILE, shape.vocabulary) * shape.hidden * (BFLOAT16 if cuda else FLOAT32)
    return tile + weights + (shape.embedding * FLOAT32 if params.method == "full" else 0)


def estimate_disk(shape: ModelShape, params: SizeParams) -> int:
    """Bytes in the run's folder at the peak: two checkpoints (the old one stays until the new is whole) and final/."""
    lora = params.method == "lora"
    trained = shape.count_adapter(params.lora_rank) if lora else shape.parameters
    moments = 2 * trained * FLOAT32 if params.optimizer == "adamw" else trained * FLOAT32 // 100
    return 2 * (trained * FLOAT32 + moments) + shape.parameters * BFLOAT16
