"""Tokens trained per second, packed against padded: the same rows, model, trainer and machine, in turns.

Padded means ToolAlpaca's train.py: every row by itself, filled up to 2,048 tokens, under a dense mask. Both train one
sequence at a time, so that packing and attention are all the difference. Needs the `train` extra.
"""

import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.training import PreparedData, PrepareSpec
from tests.benchmarks.workspace import open_workspace

APIS = "12"
PADDED_LENGTH = 2048
PACKED_LENGTH = 4096
ROUNDS = 3
VOCABULARY = 2048


def measure_training() -> Iterator[tuple[str, float, str, float | None]]:
    """Figures of the packed run; the yardstick of each is the padded one's."""
    with open_workspace() as workspace, tempfile.TemporaryDirectory() as scratch:
        workspace.build("--apis", APIS)
        rows = workspace.read("toolherd", "train")
        place = Path(scratch)
        with contextlib.redirect_stdout(sys.stderr):
            model = _build_model(rows, place)
            packed, padded = (_prepare(rows, model, place, packing) for packing in (True, False))
            results = _race(model, place)
    rates = [median(result[kind] for result in results) for kind in ("packed", "padded")]
    yield "conversations", packed.kept, "conversations", padded.kept
    yield "mean_length", packed.tokens / packed.kept, "tokens", None
    yield "trained_tokens_per_second", rates[0], "tokens/s", rates[1]
    yield "ratio", rates[0] / rates[1], "times", None
    yield "lowest_ratio", min(result["packed"] / result["padded"] for result in results), "times", None
    yield "padding_share", results[0]["packed_padding"], "share", results[0]["padded_padding"]
    yield "sequence_fill", packed.tokens / (packed.sequences * PACKED_LENGTH), "share", None


def _build_model(rows: list[dict[str, Any]], place: Path) -> Path:
    """Four layers of 256, with a tokenizer that has learned from the rows."""
    from tests.tasks.trainer.tiny import build_vicuna

    texts = [message["content"] for row in rows[:200] for message in row["messages"]]
    texts += [row["tools"] for row in rows[:200:10]]
    return build_vicuna(place / "model", VOCABULARY, hidden=256, layers=4, texts=texts)


def _prepare(rows: list[dict[str, Any]], model: Path, place: Path, packing: bool) -> PreparedData:
    from schemas.arrow import INSTANCE_SCHEMA
    from tasks.trainer.prepare import prepare

    file = place / "train.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=INSTANCE_SCHEMA), file)
    # what is longer than ToolAlpaca's rows can be is left out of both
    kept = place / "kept.parquet"
    spec = {"model": str(model), "template": "vicuna", "seed": 0}
    if not kept.exists():
        _keep_short(file, kept, spec)
    asked = {
        "train_file": str(kept),
        "max_length": PACKED_LENGTH,
        "packing": packing,
        "output": str(place / str(packing)),
    }
    return prepare(PrepareSpec.model_validate(spec | asked), lambda line: None)


def _keep_short(file: Path, kept: Path, spec: dict[str, Any]) -> None:
    from transformers import AutoTokenizer

    from tasks.trainer.conversations import build_conversation
    from tasks.trainer.masking import Encoder
    from tasks.trainer.prepare import make_cleaner
    from tasks.trainer.templating import load_template

    tokenizer = AutoTokenizer.from_pretrained(spec["model"])
    encoder, cleaner = Encoder(tokenizer, load_template("vicuna")), make_cleaner(tokenizer)
    table = pq.read_table(file)
    encoded = encoder.encode([build_conversation(row, cleaner) for row in table.to_pylist()])
    short = [len(one.ids) <= PADDED_LENGTH for one in encoded]
    pq.write_table(table.filter(pa.array(short)), kept)


def _race(model: Path, place: Path) -> list[dict[str, float]]:
    """Trained tokens per second of both, in turns, and the share of positions that are padding."""
    results = []
    for number in range(ROUNDS + 1):
        result: dict[str, float] = {}
        for kind, folder, pad_to, attention in (
            ("packed", "True", None, "auto"),
            ("padded", "False", PADDED_LENGTH, "sdpa"),
        ):
            result |= _train_once(kind, model, place / folder, place, pad_to, attention, short=number == 0)
        if number:  # the first is to warm up
            results.append(result)
            print(json.dumps(result), file=sys.stderr)
    return results


def _train_once(
    kind: str, model: Path, folder: Path, place: Path, pad_to: int | None, attention: str, short: bool
) -> dict[str, float]:
    from datasets import Dataset
    from transformers import AutoTokenizer

    from tasks.trainer.attention import choose_attention
    from tasks.trainer.fine_tuning import Options, build_trainer, load_model

    table = pq.read_table(folder / "sequences.parquet")
    sequences = Dataset(table.slice(0, 4) if short else table)
    options = Options(
        folder=place / "run",
        accumulation=4,
        learning_rate=1e-4,
        epochs=1.0,
        gradient_checkpointing=False,
        save_every=None,
        cpu=True,
        pad_to=pad_to,
    )
    loaded = load_model(str(model), "full", True, choose_attention(attention, packing=pad_to is None, cpu=True)[0])
    trainer = build_trainer(loaded, AutoTokenizer.from_pretrained(model), sequences, options)
    positions = sum(trainer.data_collator([row])["input_ids"].numel() for row in sequences)
    tokens = sum(len(row["input_ids"]) for row in sequences)
    trained = sum(label != -100 for row in sequences for label in row["labels"])
    begun = time.perf_counter()
    trainer.train()
    return {kind: trained / (time.perf_counter() - begun), f"{kind}_padding": 1 - tokens / positions}
