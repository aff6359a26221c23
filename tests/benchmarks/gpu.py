"""The trainer on a GPU:  python -m tests.benchmarks.gpu [--shape 7b | tiny] [--optimizer adamw | adafactor]

Prints one JSON object a line: {"name", "value", "unit", "yardstick"}. A randomly initialised Llama of Vicuna-7B's
shape, float32 weights under bfloat16 autocast, full fine-tuning, sequences of 4,096 tokens, an optimizer step of
about 128 conversations. Needs torch, transformers, accelerate, peft, datasets and trl, and of ours what imports
nothing else.

- The yardstick of the utilisation is a large bfloat16 matrix product on the same card, in the same run.
- That of tokens per second is the same trainer on the same rows, each padded to 2,048 under a dense mask.
- The optimizer is AdamW where the estimate says that it fits, else Adafactor.

`--shape tiny` tries the way itself, without a GPU too; its figures mean nothing.
"""

import argparse
import gc
import json
import math
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tasks.trainer.attention import choose_attention
from tasks.trainer.fine_tuning import Options, build_trainer, count_accumulation
from tasks.trainer.footprint import OVERHEAD, ModelShape, estimate_memory, read_shape
from tasks.trainer.packing import pack_lengths

SHAPES = {
    "7b": {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32,
           "vocab_size": 32000},
    "tiny": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
             "vocab_size": 512},
}  # fmt: skip
PADDED_LENGTH = 2048
MEAN_LENGTH = 900
"""Tokens of a conversation in the mean, as of ToolAlpaca's data with its tool documents."""
TRAINED_SHARE = 0.25
CONVERSATIONS = {"7b": 128, "tiny": 8}
STEPS, WARM_UP = 4, 1
MATRIX = 8192


@dataclass(frozen=True)
class Size:
    """What of the parameters the memory estimate asks for."""

    optimizer: str
    max_length: int
    method: str = "full"
    gradient_checkpointing: bool = True
    lora_rank: int = 16


@dataclass(frozen=True)
class Run:
    """What one training run came to: tokens without padding, seconds and peak bytes of its measured steps."""

    tokens: int
    seconds: float
    allocated: int
    reserved: int


def emit(name: str, value: float | str | bool, unit: str, yardstick: float | None = None) -> None:
    """Print one figure."""
    rounded = round(value, 4) if isinstance(value, float) else value
    print(json.dumps({"name": f"gpu.{name}", "value": rounded, "unit": unit, "yardstick": yardstick}), flush=True)


def main(arguments: Sequence[str]) -> int:
    """Measure everything in turn."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=SHAPES, default="7b")
    parser.add_argument("--optimizer", choices=("auto", "adamw", "adafactor"), default="auto")
    parser.add_argument("--sequence", type=int, default=4096)
    asked = parser.parse_args(arguments)
    cpu = not torch.cuda.is_available()
    if cpu and asked.shape != "tiny":
        print("error: no GPU is to be seen here; --shape tiny tries the way without one", file=sys.stderr)
        return 2
    bench = Bench(asked.shape, asked.optimizer, asked.sequence, cpu)
    with tempfile.TemporaryDirectory() as folder:
        bench.measure(Path(folder))
    return 0


class Bench:
    """One shape on one machine."""

    def __init__(self, shape: str, optimizer: str, sequence: int, cpu: bool) -> None:
        self._cpu, self._sequence, self._conversations = cpu, sequence, CONVERSATIONS[shape]
        self._device = "cpu" if cpu else "cuda"
        self._config = LlamaConfig(**SHAPES[shape], max_position_embeddings=sequence, tie_word_embeddings=False)
        self._shape: ModelShape = read_shape(self._config.to_dict())
        card = math.inf if cpu else torch.cuda.get_device_properties(0).total_memory
        adamw = estimate_memory(self._shape, Size("adamw", sequence), gpus=0 if cpu else 1)
        self._size = Size(
            ("adamw" if adamw.total < card else "adafactor") if optimizer == "auto" else optimizer, sequence
        )
        self._rows = make_rows(self._config.vocab_size, self._conversations * (STEPS + WARM_UP))

    def measure(self, folder: Path) -> None:
        """Print every figure."""
        emit("device", "cpu" if self._cpu else torch.cuda.get_device_name(), f"torch {torch.__version__}")
        emit("optimizer", self._size.optimizer, "name")
        emit("parameters", self._shape.parameters, "parameters")
        attention, sentence = choose_attention("auto", True, self._cpu)
        emit("attention", sentence, "text")
        difference, total = self._compare_losses(attention)
        emit("packed_loss_off_by", difference, "share", total)
        product = measure_product(self._device, 512 if self._cpu else MATRIX)
        emit("matrix_product", product / 1e12, "TFLOP/s")
        packed = self._train(folder, attention, packed=True)
        self._report(packed, product)
        emit("matrix_product_after", measure_product(self._device, 512 if self._cpu else MATRIX) / 1e12, "TFLOP/s")
        padded = self._train(folder, "sdpa", packed=False)
        ratio = (packed.tokens / packed.seconds) / (padded.tokens / padded.seconds)
        emit("tokens_per_second", packed.tokens / packed.seconds, "tokens/s", padded.tokens / padded.seconds)
        emit("ratio_to_padded", ratio, "times")

    def _report(self, run: Run, product: float) -> None:
        lengths = [len(row["input_ids"]) for row in self._rows]
        per_token, per_pair = count_operations(self._shape)
        mean_square = sum(length**2 for length in lengths) / sum(lengths)
        used = run.tokens * (per_token + per_pair * mean_square) / run.seconds
        emit("utilisation", used / product, "share of the matrix product")
        emit("achieved", used / 1e12, "TFLOP/s", product / 1e12)
        estimate = estimate_memory(self._shape, self._size, gpus=0 if self._cpu else 1)
        emit("peak_allocated", run.allocated / 2**30, "GiB", (estimate.total - (0 if self._cpu else OVERHEAD)) / 2**30)
        emit("peak_reserved", run.reserved / 2**30, "GiB", estimate.total / 2**30)

    def _build_model(self, attention: str) -> Any:
        torch.manual_seed(0)
        with torch.device(self._device):
            return LlamaForCausalLM._from_config(self._config, dtype=torch.float32, attn_implementation=attention)

    def _build(self, model: Any, sequences: list[dict[str, Any]], folder: Path, packed: bool, steps: int) -> Any:
        accumulation = count_accumulation(self._conversations, len(self._rows), len(sequences), 1) if steps else 1
        if not packed:  # the rate is what counts, and a whole step takes so much longer
            accumulation = max(1, accumulation // 4)
        options = Options(
            folder=folder,
            accumulation=accumulation,
            learning_rate=2e-5,
            max_steps=steps or None,
            optimizer=self._size.optimizer,
            save_every=None,
            cpu=self._cpu,
            pad_to=None if packed else PADDED_LENGTH,
        )
        return build_trainer(model, build_tokenizer(self._config.vocab_size), Dataset.from_list(sequences), options)

    def _train(self, folder: Path, attention: str, packed: bool) -> Run:
        """Steps after a warm-up."""
        sequences = pack(self._rows, self._sequence) if packed else [with_lengths([row]) for row in self._rows]
        trainer = self._build(self._build_model(attention), sequences, folder, packed, STEPS + WARM_UP)
        clock = Clock(trainer, self._cpu)
        trainer.add_callback(clock.callback)
        if not self._cpu:
            torch.cuda.reset_peak_memory_stats()
        trainer.train()
        peaks = (0, 0) if self._cpu else (torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved())
        run = Run(clock.tokens, clock.seconds, *peaks)
        del trainer, clock
        gc.collect()
        if not self._cpu:
            torch.cuda.empty_cache()
        return run

    def _compare_losses(self, attention: str) -> tuple[float, float]:
        """How far the summed loss of packed rows is from that of the rows one by one, and the latter."""
        rows = self._rows[:32]
        totals = []
        for kind, sequences in (
            (attention, pack(rows, self._sequence)),
            ("sdpa", [with_lengths([row]) for row in rows]),
        ):
            with tempfile.TemporaryDirectory() as folder:
                trainer = self._build(self._build_model(kind), sequences, Path(folder), packed=True, steps=0)
                trainer.model.eval()
                total = 0.0
                for row in sequences:
                    batch = {
                        name: value.to(self._device) if isinstance(value, torch.Tensor) else value
                        for name, value in trainer.data_collator([row]).items()
                    }
                    if kind == "sdpa":  # one row by itself needs no borders
                        batch = {name: batch[name] for name in ("input_ids", "labels")}
                    with torch.no_grad(), torch.autocast(self._device, torch.bfloat16, enabled=not self._cpu):
                        total -= float(trainer.model(**batch, fused_lm_head=True).log_probs.double().sum())
                totals.append(total)
                del trainer
                gc.collect()
        return abs(totals[0] / totals[1] - 1), totals[1]


class Clock:
    """Counts real tokens and time of the steps after the warm-up."""

    def __init__(self, trainer: Any, cpu: bool) -> None:
        from transformers import TrainerCallback

        self.tokens, self.seconds = 0, 0.0
        clock, collate = self, trainer.data_collator
        self._seen, self._begun, self._seen_then = 0, 0.0, 0

        def count(rows: list[dict[str, Any]]) -> Any:
            clock._seen += sum(len(row["input_ids"]) for row in rows)
            return collate(rows)

        class Steps(TrainerCallback):  # type: ignore[misc]
            def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
                if not cpu:
                    torch.cuda.synchronize()
                if state.global_step == WARM_UP:
                    clock._begun, clock._seen_then = time.perf_counter(), clock._seen
                elif state.global_step == WARM_UP + STEPS:
                    clock.seconds = time.perf_counter() - clock._begun
                    clock.tokens = clock._seen - clock._seen_then

        trainer.data_collator = count
        self.callback = Steps()


def make_rows(vocabulary: int, count: int) -> list[dict[str, Any]]:
    """So many random conversations: lengths around the mean, none over 2,048; a quarter is trained."""
    dice = random.Random(0)
    rows = []
    for _ in range(count):
        length = min(PADDED_LENGTH, max(200, round(dice.lognormvariate(math.log(MEAN_LENGTH) - 0.08, 0.4))))
        ids = [dice.randrange(3, vocabulary) for _ in range(length)]
        trained = round(length * (1 - TRAINED_SHARE))
        rows.append({"input_ids": ids, "labels": [-100] * trained + ids[trained:]})
    return rows


def pack(rows: list[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    """Rows in sequences of so many tokens."""
    bins = pack_lengths([len(row["input_ids"]) for row in rows], limit)
    return [with_lengths([rows[index] for index in one]) for one in bins]


def with_lengths(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows as one sequence."""
    joined = {name: [token for row in rows for token in row[name]] for name in ("input_ids", "labels")}
    return {**joined, "seq_lengths": [len(row["input_ids"]) for row in rows]}


def count_operations(shape: ModelShape) -> tuple[float, float]:
    """Operations that training a model takes: for a token, and for a token and each token of its conversation.

    Six for each weight of the linear layers (two forward, four backward), of the head for trained tokens only, since
    the others are not scored; attention is causal, so half of all pairs. What checkpointing computes twice is not
    counted.
    """
    weights = shape.layers * shape.block + TRAINED_SHARE * shape.embedding
    return 6.0 * weights, 6.0 * shape.layers * shape.heads * shape.head_dim


def measure_product(device: str, size: int) -> float:
    """Operations per second of a large bfloat16 matrix product: the best of some rounds after a warm-up."""
    left, right = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    best = 0.0
    for _ in range(6):
        if device == "cuda":
            torch.cuda.synchronize()
        begun = time.perf_counter()
        for _ in range(20 if device == "cuda" else 1):
            left @ right
        if device == "cuda":
            torch.cuda.synchronize()
        best = max(best, (20 if device == "cuda" else 1) * 2 * size**3 / (time.perf_counter() - begun))
    return best


def build_tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    """A stand-in: the rows are token ids already."""
    words = {"<unk>": 0, "<s>": 1, "</s>": 2} | {f"w{number}": number for number in range(3, vocabulary)}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(WordLevel(words, unk_token="<unk>")),
        pad_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
