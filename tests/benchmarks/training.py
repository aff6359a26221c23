"""Tokens trained per second, packed against ToolAlpaca's padding: the same rows, model and trainer, in turns.

ToolAlpaca's train.py cuts every row at 2,048 tokens and fills it up to as many, under a dense mask; here rows are
packed into 4,096. Both train one sequence at a time. What is counted are tokens with a label: what the cut takes
away, it takes from their end, where they lie. Measured in ToolAlpaca's own form (`react`) and in Vicuna's with tools,
which is longer. The tokenizer learns 8,000 words from the rows; they then have about the length that Llama's 32,000
give them (log.md). A second is one of CPU time of one thread, which others on the machine do not lengthen. Needs the
`train` extra.
"""

import contextlib
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.arrow import INSTANCE_SCHEMA
from schemas.training import PreparedData, PrepareSpec
from tests.benchmarks.workspace import open_workspace

APIS = "20"
ROWS = 10
PADDED_LENGTH = 2048
PACKED_LENGTH = 4096
ROUNDS = 2
VOCABULARY = 8000


def measure_training() -> Iterator[tuple[str, float, str, float | None]]:
    """For each template figures of the packed run; the yardstick of each is the padded one's."""
    with open_workspace() as workspace, tempfile.TemporaryDirectory() as scratch:
        workspace.build("--apis", APIS)
        rows = [row for row in workspace.read("toolherd", "train") if row["accepted"]]
        place = Path(scratch)
        with contextlib.redirect_stdout(sys.stderr):
            model = _build_model(rows, place)
        random.Random(0).shuffle(rows)
        file = place / "rows.parquet"
        pq.write_table(pa.Table.from_pylist(rows[:ROWS], schema=INSTANCE_SCHEMA), file)
        for template in ("react", "vicuna"):
            for name, value, unit, yardstick in _measure_template(template, file, model, place):
                yield f"{template}.{name}", value, unit, yardstick


def _measure_template(
    template: str, file: Path, model: Path, place: Path
) -> Iterator[tuple[str, float, str, float | None]]:
    with contextlib.redirect_stdout(sys.stderr):
        packed = _prepare(template, file, model, place / f"{template}-packed", packing=True)
        _prepare(template, file, model, place / f"{template}-padded", packing=False)
        tables = {
            "packed": pq.read_table(place / f"{template}-packed" / "sequences.parquet").to_pylist(),
            "padded": _cut(pq.read_table(place / f"{template}-padded" / "sequences.parquet").to_pylist()),
        }
        results = _race(model, tables, place)
    rates = {kind: median(result[kind] for result in results) for kind in tables}
    padding = {kind: _measure_padding(kind, rows) for kind, rows in tables.items()}
    trained = {kind: float(_count_trained(rows)) for kind, rows in tables.items()}
    yield "mean_length", packed.tokens / packed.kept, "tokens", None
    yield "trained_tokens", trained["packed"], "tokens", trained["padded"]
    yield "trained_tokens_per_second", rates["packed"], "tokens/s", rates["padded"]
    yield "ratio", rates["packed"] / rates["padded"], "times", None
    yield "lowest_ratio", min(result["packed"] / result["padded"] for result in results), "times", None
    yield "padding_share", padding["packed"], "share", padding["padded"]
    yield "sequence_fill", packed.tokens / (packed.sequences * PACKED_LENGTH), "share", None


def _build_model(rows: list[dict[str, Any]], place: Path) -> Path:
    """Four layers of 128, with a tokenizer that has learned from the rows."""
    from tests.tasks.trainer.tiny import build_vicuna

    texts = [message["content"] for row in rows for message in row["messages"]]
    texts += dict.fromkeys(row["tools"] for row in rows)
    return build_vicuna(place / "model", VOCABULARY, hidden=128, layers=4, texts=texts)


def _prepare(template: str, file: Path, model: Path, output: Path, packing: bool) -> PreparedData:
    from tasks.trainer.prepare import prepare

    spec = PrepareSpec(
        train_file=str(file),
        model=str(model),
        template="react" if template == "react" else "vicuna",
        max_length=PACKED_LENGTH,
        packing=packing,
        seed=0,
        output=str(output),
    )
    return prepare(spec, lambda line: print(line, file=sys.stderr))


def _cut(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    cut = [{name: row[name][:PADDED_LENGTH] for name in ("input_ids", "labels")} for row in rows]
    return [{**row, "seq_lengths": [len(row["input_ids"])]} for row in cut]


def _count_trained(rows: list[dict[str, Any]]) -> int:
    return sum(label != -100 for row in rows for label in row["labels"])


def _measure_padding(kind: str, rows: list[dict[str, Any]]) -> float:
    """The share of the positions in the batches as the trainer's collator makes them that holds no token."""
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    collate = DataCollatorForLanguageModeling(
        pad_token_id=0,
        padding_free=kind == "packed",
        pad_to_multiple_of=PADDED_LENGTH if kind == "padded" else None,
    )
    positions = sum(int(collate([row])["input_ids"].numel()) for row in rows)
    return 1 - sum(len(row["input_ids"]) for row in rows) / positions


def _race(model: Path, tables: dict[str, list[dict[str, Any]]], place: Path) -> list[dict[str, float]]:
    """Trained tokens per second of both, in turns, after a round of two sequences to warm up."""
    results = []
    for number in range(ROUNDS + 1):
        result = {kind: _train_once(kind, model, rows if number else rows[:2], place) for kind, rows in tables.items()}
        if number:
            results.append(result)
            print(json.dumps(result), file=sys.stderr)
    return results


def _train_once(kind: str, model: Path, rows: list[dict[str, Any]], place: Path) -> float:
    import torch
    from datasets import Dataset
    from transformers import AutoTokenizer

    from tasks.trainer.attention import choose_attention
    from tasks.trainer.fine_tuning import Options, build_trainer, load_model

    packed = kind == "packed"
    options = Options(
        folder=place / "run",
        accumulation=4,
        learning_rate=1e-4,
        epochs=1.0,
        gradient_checkpointing=False,
        save_every=None,
        cpu=True,
        pad_to=None if packed else PADDED_LENGTH,
    )
    attention, _ = choose_attention("auto" if packed else "sdpa", packing=packed, cpu=True)
    loaded = load_model(str(model), "full", True, attention)
    trainer = build_trainer(loaded, AutoTokenizer.from_pretrained(model), Dataset.from_list(rows), options)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    begun = time.process_time()
    trainer.train()
    seconds = time.process_time() - begun
    torch.set_num_threads(threads)
    return _count_trained(rows) / seconds
