"""The training itself:  [accelerate launch --config_file … -m] python -m tasks.trainer.train SPEC.json

Reads a `TrainSpec`. Writes into its run folder `checkpoints/`, `events.jsonl`, `metrics.csv` and, at the end,
`final/`; goes on from the newest whole checkpoint that it finds there. What the exit statuses mean is in `endings`;
the last event says the same.
"""

import contextlib
import logging
import os
import pickle
import sys
import traceback
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from schemas.shown import PrintableRecord, show_line, show_lines
from schemas.training import EndEvent, PreparedData, TrainParams, TrainSpec
from tasks.trainer import checkpoints
from tasks.trainer.chat_templates import ChosenTemplate, choose_template
from tasks.trainer.early_ends import NothingLeftError, StoppedError
from tasks.trainer.endings import EXIT_STATUS, USAGE, classify_error
from tasks.trainer.journal import Journal
from tasks.trainer.prepare import SEQUENCE_SCHEMA, SEQUENCES, SUMMARY

LEARNING_RATES = {"full": 2e-5, "lora": 2e-4}


class NoGpuError(Exception):
    """There is no GPU, and the CPU was not asked for."""


class ForeignCheckpointError(Exception):
    """A checkpoint that none of our runs has written."""


def run_training(spec: TrainSpec, journal: Journal, stop: Any) -> None:
    """Train as `spec` says, to the end.

    Raises:
        StoppedError: the run was told to stop, and a checkpoint was written.
        DivergedError, SavingError, NoGpuError, ForeignCheckpointError, OSError: see `endings`.
    """
    import torch
    from datasets import Dataset

    from tasks.trainer.attention import choose_attention
    from tasks.trainer.fine_tuning import CHECKPOINTS, build_trainer, load_model
    from tasks.trainer.finishing import save_final
    from tasks.trainer.watching import Watcher

    if not spec.cpu and not torch.cuda.is_available():
        raise NoGpuError("no GPU is to be seen here; cpu=true trains on the CPU, which only very small models bear")
    params, folder = spec.params, Path(spec.run_folder)
    prepared = PreparedData.model_validate_json((Path(spec.prepared) / SUMMARY).read_text(encoding="utf-8"))
    tokenizer, template = _load_tokenizer(params, prepared)
    attention, sentence = choose_attention(params.attention, params.packing, spec.cpu)
    journal.note(sentence)
    options = _make_options(spec, prepared, journal)
    if _is_main():
        for line in checkpoints.remove_broken(folder / CHECKPOINTS):
            journal.note(line)
    sequences = Dataset(pq.read_table(Path(spec.prepared) / SEQUENCES, schema=SEQUENCE_SCHEMA))
    model = load_model(params.model, params.method, spec.cpu, attention)
    trainer = build_trainer(model, tokenizer, sequences, options)
    watcher = Watcher(journal, stop, trainer.accelerator)
    trainer.add_callback(watcher)
    found = checkpoints.find_newest(folder / CHECKPOINTS)
    step = int(found.name.rpartition("-")[2]) if found else 0
    journal.begin_at(step)
    if found:
        journal.note(f"going on from the checkpoint of step {step}")
        if named := checkpoints.find_foreign_name(found):
            raise _refuse(found, named)
    if stop.name:
        raise StoppedError(f"{stop.name} before the first step")
    try:
        with contextlib.suppress(NothingLeftError):
            trainer.train(resume_from_checkpoint=str(found) if found else None)
    except pickle.UnpicklingError as error:  # torch's own reader takes tensors and numbers only
        raise _refuse(found, "it holds a pickle of other things than numbers") from error
    if watcher.stopped:
        raise StoppedError(f"{stop.name or 'a signal'} after step {trainer.state.global_step}; the checkpoint is kept")
    save_final(trainer, params.model, template, folder, spec.cpu)


def _refuse(found: Path | None, what: str) -> ForeignCheckpointError:
    return ForeignCheckpointError(f"{found} is not loaded, for it could run code ({what}): remove it, and start again")


def _load_tokenizer(params: TrainParams, prepared: PreparedData) -> tuple[Any, ChosenTemplate]:
    from tasks.trainer.loading import load_tokenizer

    tokenizer = load_tokenizer(params.model)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.unk_token or tokenizer.eos_token
    template = choose_template(tokenizer, params.template)
    if template.hash != prepared.template_hash:
        raise ValueError(f"the data was prepared with another template than {template.name}; prepare it again")
    return tokenizer, template


def _make_options(spec: TrainSpec, prepared: PreparedData, journal: Journal) -> Any:
    from tasks.trainer.fine_tuning import Options, count_accumulation

    params, processes = spec.params, int(os.environ.get("WORLD_SIZE", "1"))
    accumulation = count_accumulation(params.effective_batch, prepared.kept, prepared.sequences, processes)
    mean = prepared.kept / prepared.sequences
    journal.note(
        f"an optimizer step takes {accumulation} sequences on each of {processes} processes, about "
        f"{accumulation * processes * mean:.0f} conversations ({params.effective_batch} were asked for)"
    )
    return Options(
        folder=Path(spec.run_folder),
        accumulation=accumulation,
        learning_rate=params.learning_rate or LEARNING_RATES[params.method],
        method=params.method,
        epochs=params.epochs,
        max_steps=params.max_steps,
        warmup_share=params.warmup_share,
        weight_decay=params.weight_decay,
        optimizer=params.optimizer,
        gradient_checkpointing=params.gradient_checkpointing,
        lora_rank=params.lora_rank,
        lora_alpha=params.lora_alpha,
        save_every=params.save_every,
        seed=params.seed,
        cpu=spec.cpu,
    )


def _is_main() -> bool:
    return os.environ.get("RANK", "0") == "0"


def main(arguments: list[str]) -> int:
    """Train what the file named on the command line asks for."""
    try:
        (path,) = arguments
        spec = TrainSpec.model_validate_json(Path(path).read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        print(f"error: python -m tasks.trainer.train SPEC.json: {show_line(error)}", file=sys.stderr)
        return USAGE
    return run(spec)


def run(spec: TrainSpec) -> int:
    """Train, tell how it ended, and return the exit status."""
    logging.setLogRecordFactory(PrintableRecord)
    journal = Journal(Path(spec.run_folder), speaking=_is_main())
    try:
        from tasks.trainer.watching import StopSignal

        stop = StopSignal()
        stop.listen()
        run_training(spec, journal, stop)
        ending = EndEvent(status="done", step=journal.last_step)
    except BaseException as error:
        print(show_lines(traceback.format_exc()), file=sys.stderr)
        status, message = classify_error(error)
        ending = EndEvent(status=status, step=journal.last_step, message=message)
    try:
        journal.end(ending)
    except OSError as error:  # the disk is full to the last byte: the exit status says it all the same
        print(f"error: the end could not be recorded: {error}", file=sys.stderr)
    print(show_line(f"{ending.status}{': ' if ending.message else ''}{ending.message}"), file=sys.stderr)
    return EXIT_STATUS[ending.status]


if __name__ == "__main__":
    # torch's restricted reader for all that this process loads, also where torch or others would take the other one
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)
    raise SystemExit(main(sys.argv[1:]))
