"""The tasks `prepare data`, `train` and `publish model`. What needs torch runs in child processes, never in here."""

import asyncio
import base64
import importlib.metadata
import platform
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import task
from prefect.artifacts import acreate_image_artifact, acreate_markdown_artifact
from prefect.cache_policies import NO_CACHE, CachePolicy
from prefect.context import TaskRunContext
from pydantic import ValidationError
from upath import UPath

from schemas.errors import RunStoppedError, ToolHerdError
from schemas.models import RunRecord, TrainSummary
from schemas.shown import show_line
from schemas.training import EndEvent, PreparedData, PrepareSpec, TrainEvent, TrainSpec
from tasks.datasets import ModelRun, fetch_train_file, read_manifest, render_model_card
from tasks.supervision.child import Program
from tasks.supervision.commands import Commands
from tasks.supervision.events import read_end, read_steps
from tasks.supervision.supervise import run_to_end, supervise
from tasks.trainer.curve import draw_curve
from tasks.training_plan import Plan

_PACKAGES = ("toolherd", "torch", "transformers", "trl", "peft", "accelerate", "datasets")


@dataclass(frozen=True)
class TrainContext:
    """What the tasks of a run share: its folder, how children are started, when to stop, who is told of events."""

    run: ModelRun
    commands: Commands
    stop: asyncio.Event
    report: Callable[[TrainEvent], None]


_CURRENT: ContextVar[TrainContext] = ContextVar("train_context")


@contextmanager
def use_train_context(context: TrainContext) -> Iterator[None]:
    """Make `context` that of the tasks called inside."""
    token = _CURRENT.set(context)
    try:
        yield
    finally:
        _CURRENT.reset(token)


@dataclass
class KeyPolicy(CachePolicy):
    """The cache key is the folder, whose name says all that the result depends on."""

    def compute_key(
        self, task_ctx: TaskRunContext, inputs: dict[str, Any], flow_parameters: dict[str, Any], **kwargs: Any
    ) -> str | None:
        """See above."""
        return str(inputs["output"])


@task(
    name="prepare data",
    description="Filters, renders, masks and packs the rows; the tokens of the same rows are kept for other runs.",
    cache_policy=KeyPolicy(),
    persist_result=True,
    result_serializer="json",
)
async def prepare_data(record: RunRecord, output: str) -> PreparedData:
    """What lies prepared in the folder `output`.

    Raises:
        RunStoppedError: the run is to stop.
        UserError: the file of rows is gone, or is not the one that was found.
        ToolHerdError: the rows or the model's tokenizer cannot be used.
    """
    context, params, folder = _CURRENT.get(), record.params, Path(output)
    folder.parent.mkdir(parents=True, exist_ok=True)
    spec_file, log = folder.with_suffix(".spec.json"), folder.with_suffix(".log")
    with ExitStack() as stack:
        train_file = await asyncio.to_thread(stack.enter_context, fetch_train_file(record.dataset))
        spec = PrepareSpec(
            train_file=str(train_file),
            model=params.model,
            template=params.template,
            max_length=params.max_length,
            packing=params.packing,
            seed=params.seed,
            output=output,
        )
        spec_file.write_text(spec.model_dump_json(indent=2))
        program = Program(context.commands.prepare(spec_file), token=output, log=log, grace_s=5.0)
        problem = await run_to_end(program, context.stop)
    if context.stop.is_set():
        raise RunStoppedError("stopped while the data was prepared; the same command begins that again", "signal")
    prepared = None if problem else read_prepared(folder)
    if prepared is None:
        said = (problem or "it left no prepared.json").removeprefix("error: ")
        raise ToolHerdError(
            f"the data could not be prepared: {said} (rows: {record.dataset.path}/train.parquet, log: {log})"
        )
    spec_file.unlink()
    log.unlink(missing_ok=True)
    return prepared


async def find_prepared(key: str) -> PreparedData | None:
    """What lies in the folder that is a cache key; None if it is not whole."""
    return await asyncio.to_thread(read_prepared, Path(key))


def read_prepared(folder: Path) -> PreparedData | None:
    """What lies in a folder of prepared data; None if it is not whole, or says something else."""
    path = folder / "prepared.json"
    with suppress(FileNotFoundError, ValidationError):
        return PreparedData.model_validate_json(path.read_bytes())
    return None


@task(
    name="train",
    description="Runs the trainer as a process of its own, from its last whole checkpoint where there is one.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def train_model(record: RunRecord, prepared: str, gpus: int) -> int:
    """The optimizer steps of the finished run. One that a kill interrupted goes on, here as in a retry of the flow.

    Raises:
        RunStoppedError: it was stopped, by us or by a signal to the trainer.
        ToolHerdError: training failed; the message says where and what would help.
    """
    context = _CURRENT.get()
    run = context.run
    end = read_end(run.events)
    if end is None or end.status != "done" or not run.final.exists():
        spec = TrainSpec(params=record.params, prepared=prepared, run_folder=str(run.folder), cpu=gpus == 0)
        command = context.commands.train(run.write("train.json", spec.model_dump_json(indent=2).encode()), gpus)
        program = Program(
            command,
            token=str(run.folder),
            log=run.log,
            is_launcher=context.commands.is_launcher,
            grace_s=context.commands.grace_s,
        )
        pause_s = context.commands.pause_s if gpus else 0.0
        end = await supervise(program, run.events, context.report, context.stop, pause_s=pause_s)
    return _require_done(end, run)


def _require_done(end: EndEvent, run: ModelRun) -> int:
    if end.status == "done":
        return end.step
    if end.status == "stopped":
        said = show_line(end.message) or f"after step {end.step}"
        raise RunStoppedError(f"the trainer was stopped: {said}; the same command goes on from there", "signal")
    message = show_line(end.message) or f"the trainer said no more; its log is {run.log}"
    raise ToolHerdError(f"training ended at step {end.step}, {end.status.replace('_', ' ')}: {message}")


@task(
    name="publish model",
    description="Draws the curve, writes the model card, and records that the run is finished.",
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def publish_model(record: RunRecord, prepared: PreparedData, steps: int, plan: Plan, device: str) -> TrainSummary:
    """What became of the run, with its card and curve as artifacts. Raises UserError if the dataset is gone."""
    run = _CURRENT.get().run
    summary, card, curve = await asyncio.to_thread(_publish, run, record, prepared, steps, plan, device)
    await acreate_markdown_artifact(key="model", markdown=card, description=run.name)
    await acreate_image_artifact(key="loss", image_url=curve, description=f"{run.name}: the loss per trained token")
    return summary


def _publish(
    run: ModelRun, record: RunRecord, prepared: PreparedData, count: int, plan: Plan, device: str
) -> tuple[TrainSummary, str, str]:
    """The summary, the card, and the curve as an address that holds the picture itself."""
    steps = read_steps(run.events)
    summary = TrainSummary(
        record=record,
        folder=str(run.folder),
        prepared=prepared,
        steps=count,
        epochs=steps[-1].epoch if steps else 0.0,
        first_loss=steps[0].loss if steps else None,
        last_loss=steps[-1].loss if steps else None,
        peak_learning_rate=max((step.learning_rate for step in steps), default=0.0),
        tokens=sum(step.tokens for step in steps),
        tokens_per_second=statistics.median(step.tokens_per_second for step in steps) if steps else 0.0,
        peak_memory=max((step.memory_bytes for step in steps), default=0),
        estimated_memory=plan.memory.total,
        device=device,
        versions=dict(_list_versions()),
        finished_at=datetime.now(UTC),
    )
    picture = draw_curve(steps, run.name)
    card = render_model_card(summary, read_manifest(UPath(record.dataset.path)).reasons)
    run.write("loss.png", picture)
    run.write("final/loss.png", picture)
    run.write("final/README.md", card.encode())
    run.finish(summary)
    return summary, card, "data:image/png;base64," + base64.b64encode(picture).decode()


def _list_versions() -> Iterator[tuple[str, str]]:
    yield "python", platform.python_version()
    for name in _PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            yield name, importlib.metadata.version(name)
