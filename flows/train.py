"""The flow `train`: a published dataset makes a chat model one that uses tools.

python -m flows.train --model lmsys/vicuna-7b-v1.5 --dataset toolherd --method lora --epochs 1
python -m flows.train --help
"""

if __name__ == "__main__":
    # Before Prefect is imported below, which reads its settings then: the command line sets them.
    from flows.command_line import main

    raise SystemExit(main("train"))

import asyncio
import signal
import time
from collections.abc import Callable

from prefect import flow, get_run_logger, runtime
from prefect.exceptions import CancelledRun

from flows.build_dataset import build_dataset
from flows.printable import keep_printable
from flows.progress import show_progress
from flows.session import cancel_on_signal, find_allowed, get_display, get_launch
from flows.terminal import warn
from flows.train_inputs import TrainInputs, gather_train_inputs, make_record
from flows.train_progress import TrainProgress
from schemas.base import content_hash
from schemas.errors import RunStoppedError, ToolHerdError
from schemas.models import RunRecord, TrainingSet, TrainSummary
from schemas.training import NoteEvent, StepEvent, TrainEvent, TrainParams
from tasks.datasets import OFFLINE, ModelRun, find_training_set, get_run, locate_prepared
from tasks.recipes import hash_code
from tasks.results import find_results_by
from tasks.supervision.commands import TRAINER
from tasks.training import TrainContext, find_prepared, prepare_data, publish_model, train_model, use_train_context

LOG_EVERY_S = 10.0
"""Seconds between lines of the log about steps; the progress artifact and metrics.csv have them all."""


class StoppableTraining:
    """A run that ends in order when `event` is set."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.steps = 0
        self.run: ModelRun | None = None

    def stop(self, sign: signal.Signals) -> str:
        """See `Stoppable`."""
        self.event.set()
        return "the trainer writes a checkpoint and ends"

    def find_time_left(self) -> float:
        """See `Stoppable`: what the trainer may take to write its checkpoint."""
        return TRAINER.grace_s

    def list_notes(self) -> list[str]:
        """See `Stoppable`."""
        if not self.event.is_set() or self.run is None:
            return []
        return [f"run {self.run.name} is stopped after step {self.steps}; what it goes on from is in {self.run.folder}"]

    def check(self) -> None:
        """Raises RunStoppedError if the run is to stop."""
        if self.event.is_set():
            raise RunStoppedError("stopped before training had begun; the same command begins again", "signal")


@flow(
    name="train",
    flow_run_name="{params.short_model}, {params.method}, {params.epochs} epochs",
    description="Fine-tunes a chat model on a published dataset. An interrupted run goes on from its last checkpoint.",
    persist_result=False,
)
@keep_printable
@cancel_on_signal
async def train(params: TrainParams) -> TrainSummary:
    """Train and publish a model; a run that was interrupted goes on, one that is finished is left as it is.

    This process imports no torch: the data is prepared and the model trained by children, which end when it does.

    Raises:
        UserError: the parameters name something that is not there or does not fit this machine.
        RunStoppedError: a signal came, to us or to the trainer.
        ToolHerdError: the data cannot be prepared, or training failed (diverged, out of memory, disk full).
    """
    launch, stoppable = get_launch(), StoppableTraining()
    if launch is not None:
        launch.on_start(stoppable)
    handed = launch.inputs if launch else None
    if isinstance(handed, TrainInputs):
        inputs = handed
    else:
        allowed = await asyncio.to_thread(find_allowed)
        inputs = await asyncio.to_thread(gather_train_inputs, params, allowed=allowed)
    for line in inputs.plan.lines if inputs.plan else ():
        _tell(line)
    dataset = inputs.dataset or await _make_dataset(inputs)
    stoppable.check()
    if dataset.teacher == OFFLINE:
        _tell(
            f"dataset {dataset.name} {dataset.version} was made by the embedded teacher (offline), a grammar: a model "
            "learns the form of tool use from it, and its scores say nothing of models that learned from others"
        )
    record = make_record(params, inputs.model, dataset)
    run = stoppable.run = get_run(inputs.models, record.params.name)
    with run.hold(record):
        summary = run.read_summary()
        if summary is not None:
            _tell(f"run {run.name} is finished: its model is in {run.final}")
            summary = summary.model_copy(update={"changed": False})
        else:
            summary = await _train(inputs, record, run, stoppable)
    return summary.model_copy(update={"run_id": str(runtime.flow_run.id or "")})


async def _make_dataset(inputs: TrainInputs) -> TrainingSet:
    """The default dataset, where there is none.

    Raises:
        RunStoppedError: a signal came.
        ToolHerdError: it has no rows to train on.
    """
    _tell(f"there is no dataset in {inputs.root.url} yet: the default one is made first, by the embedded teacher")
    try:
        built = await build_dataset(inputs.default)
    except CancelledRun as error:
        raise RunStoppedError("stopped while the dataset was made; the same command goes on", "signal") from error
    dataset = await asyncio.to_thread(find_training_set, inputs.root, built.dataset.path)
    if dataset is None:
        raise ToolHerdError(f"the dataset that was made is not at {built.dataset.path} any more.")
    return dataset


async def _train(inputs: TrainInputs, record: RunRecord, run: ModelRun, stoppable: StoppableTraining) -> TrainSummary:
    """All that a run which is not finished has left to do. Raises what `train` does."""
    if inputs.plan is None:
        raise ToolHerdError(
            f"run {run.name} was finished a moment ago and is not any more: run the same command again."
        )
    progress = TrainProgress()
    report = _make_reporter(progress, stoppable)
    output = locate_prepared(inputs.models, _make_key(inputs, record))
    find_results_by(find_prepared)
    with use_train_context(TrainContext(run, inputs.commands, stoppable.event, report)):
        prepared = await prepare_data(record, str(output))
        left_out = f"{prepared.too_long:,} too long, {prepared.nothing_trained:,} with nothing to train on"
        _tell(
            f"data: {prepared.kept:,} of {prepared.rows:,} conversations ({left_out}), {prepared.tokens:,} tokens in "
            f"{prepared.sequences:,} sequences, template {prepared.template}"
        )
        async with show_progress(progress, get_display(), "optimizer steps done"):
            steps = await train_model(record, str(output), inputs.plan.gpus)
        return await publish_model(record, prepared, steps, inputs.plan, inputs.device)


def _make_key(inputs: TrainInputs, record: RunRecord) -> str:
    """The name of prepared data: all that it depends on."""
    params = record.params
    return content_hash(
        {
            "data": record.dataset.sha256,  # and not what the manifest says of the rows, which nobody has checked
            "tokenizer": inputs.model.tokenizer,
            "template": params.template,
            "max_length": params.max_length,
            "packing": params.packing,
            "seed": params.seed,
            "code": hash_code("trainer"),
        },
        32,
    )


def _make_reporter(progress: TrainProgress, stoppable: StoppableTraining) -> Callable[[TrainEvent], None]:
    """What takes the trainer's events: notes are told, steps are counted and go to the log now and then."""
    logger = get_run_logger()
    logged_at = -LOG_EVERY_S

    def report(event: TrainEvent) -> None:
        nonlocal logged_at
        if isinstance(event, NoteEvent):
            _tell(event.text)
        elif isinstance(event, StepEvent):
            progress.take(event)
            stoppable.steps = event.step
            if time.monotonic() - logged_at >= LOG_EVERY_S or event.step == event.max_steps:
                logged_at = time.monotonic()
                logger.info(progress.describe())

    return report


def _tell(line: str) -> None:
    """Say a line in the run's log, and on the terminal where there is one."""
    get_run_logger().info(line)
    if get_display() is not None:
        warn(line)
