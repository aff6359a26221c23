"""Published rows into token ids and labels:  python -m tasks.trainer.prepare SPEC.json

Reads a `PrepareSpec`, writes `sequences.parquet` (input_ids, labels, seq_lengths: the lengths of the conversations in
one sequence) and `prepared.json` (`PreparedData`) into a folder that appears whole, and says on stdout how far it is.
Exit status 0, or 1 with one line `error: …` at the end of stderr.
"""

import logging
import os
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.arrow import INSTANCE_SCHEMA
from schemas.shown import PrintableRecord, show_line
from schemas.training import PreparedData, PrepareSpec
from tasks.trainer.chat_templates import ChosenTemplate, choose_template
from tasks.trainer.conversations import BadRowError, Cleaner, Conversation, build_conversation, name_row
from tasks.trainer.early_ends import TemplateError
from tasks.trainer.loading import load_tokenizer
from tasks.trainer.masking import Encoded, Encoder
from tasks.trainer.packing import pack_lengths

SEQUENCES = "sequences.parquet"
SUMMARY = "prepared.json"

BATCH = 128
"""Rows that are read and tokenised at a time: enough to keep the tokenizer's threads busy."""

SAY_EVERY_S = 5.0

_LIST = pa.list_(pa.int32())
SEQUENCE_SCHEMA = pa.schema([("input_ids", _LIST), ("labels", _LIST), ("seq_lengths", _LIST)])

Say = Callable[[str], None]

_COLUMNS = ("id", "tools", "messages", "accepted")

_UNREADABLE = (jinja2.TemplateError, TypeError, ValueError, LookupError, AttributeError, RecursionError, OverflowError)
"""What a template or a tokenizer raises over a conversation that is none."""


def prepare(spec: PrepareSpec, say: Say = print) -> PreparedData:
    """Prepare what `spec` asks for; a folder that is there already is replaced once the new one is whole.

    Raises:
        BadRowError: a row that is no conversation.
        TemplateError: the template cannot be used with the model's tokenizer.
        ModelFilesError: the tokenizer is none that may be loaded.
        OSError: the model's tokenizer or the file of rows cannot be read, or the folder not be written.
    """
    tokenizer = load_tokenizer(spec.model)
    template = choose_template(tokenizer, spec.template)
    counts: Counter[str] = Counter()
    kept = _encode_rows(spec, tokenizer, template, counts, say)
    if not kept:
        raise BadRowError(
            f"nothing to train on: of {counts['rows']} accepted rows {counts['too_long']} are longer than "
            f"{spec.max_length} tokens and {counts['nothing_trained']} hold nothing that is trained"
        )
    random.Random(spec.seed).shuffle(kept)  # or an API's rows would lie together in one sequence
    lengths = [len(one.ids) for one in kept]
    bins = pack_lengths(lengths, spec.max_length) if spec.packing else [[index] for index in range(len(kept))]
    prepared = PreparedData(
        rows=counts["rows"],
        kept=len(kept),
        too_long=counts["too_long"],
        nothing_trained=counts["nothing_trained"],
        sequences=len(bins),
        tokens=sum(lengths),
        trained_tokens=sum(one.trained for one in kept),
        longest=max(lengths),
        template=template.name,
        template_hash=template.hash,
    )
    _write_folder(Path(spec.output), kept, bins, prepared)
    say(f"{prepared.kept} of {prepared.rows} rows in {prepared.sequences} sequences, {prepared.tokens} tokens")
    return prepared


def make_cleaner(tokenizer: Any) -> Cleaner:
    """A cleaner of all that a tokenizer reads as one token whatever stands around it."""
    added = [*tokenizer.get_added_vocab(), *tokenizer.all_special_tokens]
    return Cleaner(token for token in added if len(token) > 2 and not any(map(str.isspace, token)))


def _encode_rows(
    spec: PrepareSpec, tokenizer: Any, template: ChosenTemplate, counts: Counter[str], say: Say
) -> list[Encoded]:
    encoder, cleaner = Encoder(tokenizer, template), make_cleaner(tokenizer)
    kept: list[Encoded] = []
    said = time.monotonic()
    with pq.ParquetFile(spec.train_file) as table:
        total = table.metadata.num_rows
        for rows in _read_accepted(table):
            for one in _encode(encoder, rows, [build_conversation(row, cleaner) for row in rows]):
                counts["rows"] += 1
                fate = "too_long" if len(one.ids) > spec.max_length else "" if one.trained else "nothing_trained"
                counts[fate or "kept"] += 1
                if not fate:
                    kept.append(one)
            if time.monotonic() - said > SAY_EVERY_S:
                said = time.monotonic()
                say(f"{counts['rows']} of {total} rows")
    return kept


def _encode(encoder: Encoder, rows: list[dict[str, Any]], conversations: list[Conversation]) -> list[Encoded]:
    """All at once, or where that fails one by one, to find which row it is. Raises BadRowError."""
    try:
        return encoder.encode(conversations)
    except TemplateError:
        raise
    except _UNREADABLE:
        encoded = []
    for row, conversation in zip(rows, conversations, strict=True):
        try:
            encoded += encoder.encode([conversation])
        except TemplateError:
            raise
        except _UNREADABLE as error:
            raise BadRowError(f"row {name_row(row)}: {type(error).__name__}: {error}") from error
    return encoded


def _read_accepted(table: pq.ParquetFile) -> Iterator[list[dict[str, Any]]]:
    for name in _COLUMNS:
        if (
            name not in table.schema_arrow.names
            or table.schema_arrow.field(name).type != INSTANCE_SCHEMA.field(name).type
        ):
            raise BadRowError(f"the table has no column {name} of type {INSTANCE_SCHEMA.field(name).type}")
    for batch in table.iter_batches(BATCH, columns=list(_COLUMNS)):
        if rows := [row for row in batch.to_pylist() if row["accepted"]]:
            yield rows


def _write_folder(folder: Path, kept: list[Encoded], bins: list[list[int]], prepared: PreparedData) -> None:
    writing = folder.with_name(f"{folder.name}.writing-{os.getpid()}")
    shutil.rmtree(writing, ignore_errors=True)
    writing.mkdir(parents=True)
    try:
        with pq.ParquetWriter(writing / SEQUENCES, SEQUENCE_SCHEMA) as writer:
            for start in range(0, len(bins), BATCH):
                writer.write_table(_build_table(kept, bins[start : start + BATCH]))
        (writing / SUMMARY).write_text(prepared.model_dump_json(indent=2) + "\n", encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        writing.rename(folder)
    except BaseException:
        shutil.rmtree(writing, ignore_errors=True)
        raise


def _build_table(kept: list[Encoded], bins: list[list[int]]) -> pa.Table:
    columns = {
        "input_ids": [np.concatenate([kept[index].ids for index in one]) for one in bins],
        "labels": [np.concatenate([kept[index].labels for index in one]) for one in bins],
        "seq_lengths": [[len(kept[index].ids) for index in one] for one in bins],
    }
    return pa.table(columns, schema=SEQUENCE_SCHEMA)


def main(arguments: list[str]) -> int:
    """Prepare what the file named on the command line asks for."""
    if len(arguments) != 1:
        print("error: python -m tasks.trainer.prepare SPEC.json", file=sys.stderr)
        return 2
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    logging.setLogRecordFactory(PrintableRecord)
    try:
        spec = PrepareSpec.model_validate_json(Path(arguments[0]).read_text(encoding="utf-8"))
        prepare(spec, lambda line: print(show_line(line), flush=True))
    except (OSError, ValueError, pa.ArrowException) as error:
        print(f"error: {show_line(error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
