"""Tokens trained per second, packed against ToolAlpaca's padding: the same rows and model, in turns.

ToolAlpaca's train.py cuts every row at 2,048 tokens, fills it up to as many, and gives it with a dense mask to
transformers' Trainer, whose loss takes the logits of all positions; here the trainer of `make train` takes rows packed
into 4,096. Both train one sequence at a time and about as many conversations in an optimizer step. What is counted are
tokens with a label: what the cut takes away, it takes from their end, where they lie. Measured in ToolAlpaca's own form
(`react`) and in Vicuna's with tools, which is longer, on rows of the default dataset drawn evenly over their lengths.
The tokenizer learns 8,000 words from the rows. They then have the length that a real one's 32,000 give them in Vicuna's
form, and are a sixth longer in ToolAlpaca's, which leaves less to fill up (log.md). `ratio_of_positions` is what the
lengths alone come to. A second is one of CPU time of one thread, which others on the machine do not lengthen. Takes six
minutes; needs the `train` extra.
"""

import contextlib
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.arrow import INSTANCE_SCHEMA
from schemas.training import PrepareSpec
from tests.benchmarks.workspace import open_workspace

ROWS = 24
ROUNDS = 3
CONVERSATIONS = 8
"""Of an optimizer step."""
PADDED_LENGTH = 2048
PACKED_LENGTH = 4096
VOCABULARY = 8000
LEARNING_RATE = 1e-4

Rows = list[dict[str, list[int]]]


def measure_training() -> Iterator[tuple[str, float, str, float | None]]:
    """For each template figures of the packed run; the yardstick of each is the padded one's."""
    with open_workspace() as workspace, tempfile.TemporaryDirectory() as scratch:
        workspace.build()
        rows = [row for row in workspace.read("toolherd", "train") if row["accepted"]]
        place = Path(scratch)
        with contextlib.redirect_stdout(sys.stderr):
            model = _build_model(rows, place)
        file = place / "rows.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=INSTANCE_SCHEMA), file)
        for template in ("react", "vicuna"):
            for name, value, unit, yardstick in _measure_template(template, file, model, place):
                yield f"{template}.{name}", value, unit, yardstick


def _measure_template(
    template: str, file: Path, model: Path, place: Path
) -> Iterator[tuple[str, float, str, float | None]]:
    """First what the lengths of all rows come to, then what is measured on those that are drawn."""
    with contextlib.redirect_stdout(sys.stderr):
        rows = _prepare(template, file, model, place / template)
    cut, packed = _cut(rows), _pack(rows)
    trained, kept, padded = _count_trained(rows), _count_trained(cut), len(cut) * PADDED_LENGTH
    tokens = _count_tokens(rows)
    yield "mean_length", tokens / len(rows), "tokens", None
    yield "sequence_fill", tokens / (len(packed) * PACKED_LENGTH), "share", _count_tokens(cut) / padded
    yield "trained_share", trained / tokens, "share", kept / padded
    yield "kept_trained", 1.0, "share", kept / trained
    yield "ratio_of_positions", (trained / tokens) / (kept / padded), "times", None

    drawn = _draw(rows)
    tables = {"packed": _pack(drawn), "padded": _cut(drawn)}
    yield "padding_share", _measure_padding(tables["packed"]), "share", 1 - _count_tokens(cut) / padded
    with contextlib.redirect_stdout(sys.stderr):
        results = _race(model, tables, place)
    rates = {kind: median(result[kind] for result in results) for kind in tables}
    ratios = [result["packed"] / result["padded"] for result in results]
    yield "trained_tokens_per_second", rates["packed"], "tokens/s", rates["padded"]
    yield "ratio", median(ratios), "times", None
    yield "lowest_ratio", min(ratios), "times", None


def _build_model(rows: list[dict[str, Any]], place: Path) -> Path:
    """Four layers of 128, with a tokenizer that has learned from the rows."""
    from tests.tasks.trainer.tiny import build_vicuna

    texts = [message["content"] for row in rows for message in row["messages"]]
    texts += dict.fromkeys(row["tools"] for row in rows)
    return build_vicuna(place / "model", VOCABULARY, hidden=128, layers=4, texts=texts)


def _prepare(template: str, file: Path, model: Path, output: Path) -> Rows:
    """All rows, each a sequence by itself."""
    from tasks.trainer.prepare import SEQUENCES, prepare

    spec = PrepareSpec(
        train_file=str(file),
        model=str(model),
        template="react" if template == "react" else "vicuna",
        max_length=PACKED_LENGTH,
        packing=False,
        seed=0,
        output=str(output),
    )
    prepare(spec, lambda line: print(line, file=sys.stderr))
    rows: Rows = pq.read_table(output / SEQUENCES).to_pylist()
    return rows


def _draw(rows: Rows) -> Rows:
    """Rows at even distances in the order of their lengths, from a place that the seed picks; then in any order."""
    chance = random.Random(0)
    ordered = sorted(rows, key=lambda row: len(row["input_ids"]))
    distance = len(ordered) / ROWS
    begin = chance.random() * distance
    drawn = [ordered[int(begin + number * distance)] for number in range(ROWS)]
    chance.shuffle(drawn)
    return drawn


def _cut(rows: Rows) -> Rows:
    return [{name: row[name][:PADDED_LENGTH] for name in ("input_ids", "labels")} for row in rows]


def _pack(rows: Rows) -> Rows:
    """As `tasks.trainer.prepare` packs them."""
    from tasks.trainer.packing import pack_lengths

    lengths = [len(row["input_ids"]) for row in rows]
    return [
        {
            "input_ids": [token for index in one for token in rows[index]["input_ids"]],
            "labels": [label for index in one for label in rows[index]["labels"]],
            "seq_lengths": [lengths[index] for index in one],
        }
        for one in pack_lengths(lengths, PACKED_LENGTH)
    ]


def _count_tokens(rows: Rows) -> int:
    return sum(len(row["input_ids"]) for row in rows)


def _count_trained(rows: Rows) -> int:
    return sum(label != -100 for row in rows for label in row["labels"])


def _measure_padding(packed: Rows) -> float:
    """The share of the positions in the batches as the trainer's collator makes them that holds no token."""
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    collate = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True)
    return 1 - _count_tokens(packed) / sum(int(collate([row])["input_ids"].numel()) for row in packed)


def _race(model: Path, tables: dict[str, Rows], place: Path) -> list[dict[str, float]]:
    """Trained tokens per second of both, in turns, after a round of two sequences to warm up."""
    results = []
    for number in range(ROUNDS + 1):
        result = {kind: _train_once(kind, model, rows if number else rows[:2], place) for kind, rows in tables.items()}
        if number:
            results.append(result)
            print(json.dumps(result), file=sys.stderr)
    return results


def _train_once(kind: str, model: Path, rows: Rows, place: Path) -> float:
    import torch

    trainer = (_build_packed if kind == "packed" else _build_padded)(model, rows, place / "run")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    begun = time.process_time()
    trainer.train()
    seconds = time.process_time() - begun
    torch.set_num_threads(threads)
    return _count_trained(rows) / seconds


def _build_packed(model: Path, rows: Rows, folder: Path) -> Any:
    """The trainer of `make train`."""
    from datasets import Dataset
    from transformers import AutoTokenizer

    from tasks.trainer.attention import choose_attention
    from tasks.trainer.fine_tuning import Options, build_trainer, count_accumulation, load_model

    conversations = sum(len(row["seq_lengths"]) for row in rows)
    options = Options(
        folder=folder,
        accumulation=count_accumulation(CONVERSATIONS, conversations, len(rows), processes=1),
        learning_rate=LEARNING_RATE,
        epochs=1.0,
        gradient_checkpointing=False,
        save_every=None,
        cpu=True,
    )
    attention, _ = choose_attention("auto", packing=True, cpu=True)
    loaded = load_model(str(model), "full", True, attention)
    return build_trainer(loaded, AutoTokenizer.from_pretrained(model), Dataset.from_list(rows), options)


def _build_padded(model: Path, rows: Rows, folder: Path) -> Any:
    """The trainer of ToolAlpaca's train.py: transformers' own, over rows that are all of one length."""
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=1,
        gradient_accumulation_steps=CONVERSATIONS,
        num_train_epochs=1.0,
        learning_rate=LEARNING_RATE,
        lr_scheduler_type="cosine",
        warmup_steps=0.03,
        optim="adamw_torch_fused",
        use_cpu=True,
        save_strategy="no",
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    loaded = AutoModelForCausalLM.from_pretrained(model, attn_implementation="sdpa")
    return Trainer(loaded, arguments, train_dataset=[_pad(row) for row in rows])


def _pad(row: dict[str, list[int]]) -> dict[str, Sequence[int]]:
    length = len(row["input_ids"])
    missing = PADDED_LENGTH - length
    return {
        "input_ids": row["input_ids"] + [0] * missing,
        "labels": row["labels"] + [-100] * missing,
        "attention_mask": [1] * length + [0] * missing,
    }
