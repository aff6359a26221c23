"""The steps of a training run, whose children need no torch: what they are told, and what becomes of how they end."""

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import RunStoppedError, ToolHerdError, UserError
from schemas.models import RunRecord
from schemas.training import PrepareSpec, TrainEvent, TrainParams, TrainSpec
from tasks.context import use_context
from tasks.datasets import DataRoot, ModelRun, find_training_set, get_run
from tasks.publishing import publish
from tasks.supervision.commands import Commands
from tasks.trainer.footprint import MemoryEstimate
from tasks.training import TrainContext, prepare_data, publish_model, read_prepared, train_model, use_train_context
from tasks.training_plan import Plan
from tests.tasks.made import Made
from tests.tasks.supervision.parts import SCRIPTED, make_model
from tests.tasks.supervision.scripted_trainer import Behaviour
from tests.train_extra import needs_curve


class Training:
    """A run on a small dataset, of a model whose trainer behaves as told; `started` are the specs of its children."""

    def __init__(self, folder: Path, behaviour: Behaviour | None = None, **params: Any) -> None:
        self.folder = folder
        self.started: list[tuple[Path, int | None]] = []
        self.reported: list[TrainEvent] = []
        dataset = find_training_set(DataRoot(str(folder / "data")), "demo")
        assert dataset is not None
        model = make_model(folder / "model", behaviour)
        self.record = RunRecord(
            params=TrainParams.model_validate({"model": model, "name": "mine", "dataset": "demo", **params}),
            dataset=dataset, tokenizer="t", code_version="1", created_at=datetime.now(UTC),
        )  # fmt: skip
        self.run: ModelRun = get_run(folder / "models", "mine")
        self.run.folder.mkdir(parents=True, exist_ok=True)
        self.output = folder / "models" / ".prepared" / "key"
        self.context = TrainContext(self.run, self._watch(), asyncio.Event(), self.reported.append)

    def _watch(self) -> Commands:
        def prepare(spec: Path) -> tuple[str, ...]:
            self.started.append((spec, None))
            return SCRIPTED.prepare(spec)

        def train(spec: Path, gpus: int) -> tuple[str, ...]:
            self.started.append((spec, gpus))
            return SCRIPTED.train(spec, gpus)

        return replace(SCRIPTED, prepare=prepare, train=train)

    async def prepare(self) -> Any:
        with use_train_context(self.context):
            return await prepare_data.fn(self.record, str(self.output))

    async def train(self, gpus: int = 0) -> int:
        with use_train_context(self.context):
            return await train_model.fn(self.record, str(self.output), gpus)

    def tell(self, *events: dict[str, Any]) -> None:
        """Have an earlier child have told these events."""
        self.run.events.write_text("".join(json.dumps(event) + "\n" for event in events))

    def leave_model(self) -> None:
        """Have an earlier child have left a model."""
        self.run.final.mkdir()


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Training]:
    """Makes a training in a folder that has a dataset."""
    made = Made(tmp_path / "data", name="demo", test_share=0)
    made.add_api("a", {"a-1": "Which tides come first?", "a-2": "Name a museum in Lisbon."}, bad=["a-2"])

    async def go() -> None:
        with use_context(made.context):
            await publish.fn(await made.curate(), "r1", 0)

    asyncio.run(go())
    return lambda *args, **more: Training(tmp_path, *args, **more)


async def test_data_is_prepared_as_the_run_asks_for_it_and_nothing_else_is_left(make: Callable[..., Training]) -> None:
    told: list[PrepareSpec] = []
    rows: list[bytes] = []
    training = make(max_length=2048, packing=False, seed=7, template="react")
    prepare = training.context.commands.prepare

    def look(spec: Path) -> tuple[str, ...]:
        told.append(PrepareSpec.model_validate_json(spec.read_text()))
        rows.append(Path(told[-1].train_file).read_bytes())
        return prepare(spec)

    training.context = replace(training.context, commands=replace(training.context.commands, prepare=look))
    prepared = await training.prepare()
    assert told == [
        PrepareSpec(
            train_file=told[0].train_file, model=training.record.params.model,
            template="react", max_length=2048, packing=False, seed=7, output=str(training.output),
        )
    ]  # fmt: skip
    assert rows == [Path(training.record.dataset.path, "train.parquet").read_bytes()]
    assert not Path(told[0].train_file).exists()  # it was a copy
    assert (prepared.rows, prepared.kept) == (8, 6)
    assert read_prepared(training.output) == prepared
    assert [path.name for path in training.output.parent.iterdir()] == ["key"]


def test_data_that_is_not_whole_is_none(tmp_path: Path) -> None:
    assert read_prepared(tmp_path / "nowhere") is None
    assert read_prepared(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "{}", "[1]", "\x00"])
def test_data_that_says_something_else_of_itself_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "prepared.json").write_text(text)
    assert read_prepared(tmp_path) is None


async def test_rows_that_were_swapped_meanwhile_are_bad_input_and_nothing_is_started(
    make: Callable[..., Training],
) -> None:
    training = make()
    path = Path(training.record.dataset.path, "train.parquet")
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(UserError, match=r"train\.parquet is not the file that manifest\.json was written for"):
        await training.prepare()
    assert training.started == []


async def test_why_data_cannot_be_prepared_is_told_in_the_child_s_own_words(make: Callable[..., Training]) -> None:
    training = make(Behaviour(prepare_error="the tokenizer has no end token"))
    with pytest.raises(ToolHerdError) as caught:
        await training.prepare()
    log = training.output.with_suffix(".log")
    assert str(caught.value) == (
        f"the data could not be prepared: the tokenizer has no end token "
        f"(rows: {training.record.dataset.path}/train.parquet, log: {log})"
    )
    assert "the tokenizer has no end token" in log.read_text()
    assert training.output.with_suffix(".spec.json").exists()


async def test_a_child_that_ends_well_and_leaves_nothing_has_failed(make: Callable[..., Training]) -> None:
    training = make()
    commands = replace(SCRIPTED, prepare=lambda spec: ("true", str(spec)))
    training.context = replace(training.context, commands=commands)
    with pytest.raises(
        ToolHerdError, match=r"^the data could not be prepared: it left no prepared.json \(rows: .*, log: "
    ):
        await training.prepare()


@pytest.mark.forced
async def test_a_run_that_is_to_stop_prepares_no_data(make: Callable[..., Training]) -> None:
    training = make(Behaviour(prepare_s=600))
    training.context.stop.set()
    with pytest.raises(RunStoppedError, match="stopped while the data was prepared; the same command") as caught:
        await training.prepare()
    assert caught.value.cause == "signal"
    assert read_prepared(training.output) is None


@pytest.mark.parametrize(("gpus", "cpu"), [(0, True), (2, False)])
async def test_a_trainer_is_told_what_to_train_where_and_on_what(
    gpus: int, cpu: bool, make: Callable[..., Training]
) -> None:
    training = make()
    assert await training.train(gpus) == 6
    ((spec, asked),) = training.started
    assert (spec, asked) == (training.run.folder / "train.json", gpus)
    assert TrainSpec.model_validate_json(spec.read_text()) == TrainSpec(
        params=training.record.params, prepared=str(training.output), run_folder=str(training.run.folder), cpu=cpu
    )
    assert [event.kind for event in training.reported] == ["note", *["step"] * 6, "end"]
    assert "trainer: it begins" in training.run.log.read_text()


DONE = {"kind": "end", "status": "done", "step": 9, "message": ""}
FAILED = {"kind": "end", "status": "failed", "step": 9, "message": "no"}


async def test_a_run_that_is_trained_is_not_trained_again(make: Callable[..., Training]) -> None:
    training = make()
    training.tell(DONE)
    training.leave_model()
    assert await training.train() == 9
    assert training.started == []


@pytest.mark.parametrize(
    ("events", "has_model"),
    [([DONE], False), ([FAILED], True), ([DONE, {"kind": "note", "text": "it begins"}], True), ([], True)],
    ids=["the model is gone", "it failed", "it was begun again", "it has told nothing"],
)
async def test_a_run_that_is_not_trained_is(
    events: list[dict[str, Any]], has_model: bool, make: Callable[..., Training]
) -> None:
    training = make()
    training.tell(*events)
    if has_model:
        training.leave_model()
    assert await training.train() == 6
    assert len(training.started) == 1


@pytest.mark.parametrize(
    ("behaviour", "error", "told"),
    [
        (
            Behaviour(end="stopped", end_at=3),
            RunStoppedError,
            "the trainer was stopped: after step 3; the same command goes on from there",
        ),
        (
            Behaviour(end="stopped", end_at=3, message="by a\u2028signal"),
            RunStoppedError,
            "the trainer was stopped: by a signal; the same command goes on from there",
        ),
        (
            Behaviour(end="out_of_memory", end_at=4, message="take\x1b\n--method lora"),
            ToolHerdError,
            "training ended at step 4, out of memory: take --method lora",
        ),
        (
            Behaviour(end="failed", end_at=4),
            ToolHerdError,
            "training ended at step 4, failed: the trainer said no more; its log is {log}",
        ),
    ],
)
async def test_how_a_trainer_ended_is_how_the_run_does(
    behaviour: Behaviour, error: type[ToolHerdError], told: str, make: Callable[..., Training]
) -> None:
    training = make(behaviour)
    with pytest.raises(ToolHerdError) as caught:
        await training.train()
    assert type(caught.value) is error
    assert str(caught.value) == told.format(log=training.run.log)
    if isinstance(caught.value, RunStoppedError):
        assert caught.value.cause == "signal"


def make_step(step: int, loss: float, rate: float, tokens: int, speed: float, memory: int) -> dict[str, Any]:
    return {
        "kind": "step", "step": step, "max_steps": 3, "epoch": step / 2, "loss": loss, "learning_rate": rate,
        "tokens": tokens, "tokens_per_second": speed, "memory_bytes": memory,
    }  # fmt: skip


PLAN = Plan(gpus=1, memory=MemoryEstimate(1, 2, 3, 4, 5, 6, 7), disk=9, lines=())


@pytest.fixture
def artifacts(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str]]:
    """What would be shown on the run's page, by key."""
    shown: dict[str, dict[str, str]] = {}

    async def create(key: str, **more: str) -> None:
        shown[key] = more

    for kind in ("markdown", "image"):
        monkeypatch.setattr(f"tasks.training.acreate_{kind}_artifact", create)
    return shown


@needs_curve
async def test_a_summary_s_figures_are_those_of_the_steps(
    make: Callable[..., Training], artifacts: dict[str, dict[str, str]]
) -> None:
    training = make()
    prepared = await training.prepare()
    training.tell(
        make_step(1, 8.0, 1e-5, 100, 50.0, 700),
        make_step(2, 9.0, 3e-5, 200, 900.0, 900),
        make_step(3, 2.0, 2e-5, 400, 100.0, 800),
        DONE,
    )
    (training.run.folder / "checkpoints").mkdir()
    with use_train_context(training.context):
        summary = await publish_model.fn(training.record, prepared, 3, PLAN, "2 × NVIDIA Test")
    assert (summary.record, summary.prepared, summary.folder) == (training.record, prepared, str(training.run.folder))
    assert (summary.steps, summary.epochs, summary.first_loss, summary.last_loss) == (3, 1.5, 8.0, 2.0)
    assert (summary.peak_learning_rate, summary.tokens, summary.tokens_per_second) == (3e-5, 700, 100.0)
    assert (summary.peak_memory, summary.estimated_memory, summary.device) == (900, 28, "2 × NVIDIA Test")
    assert {"python", "toolherd"} <= set(summary.versions)
    assert summary.changed
    run = training.run.folder
    assert not (run / "checkpoints").exists()
    card = (run / "final" / "README.md").read_text()
    picture = (run / "loss.png").read_bytes()
    assert (run / "final" / "loss.png").read_bytes() == picture
    assert artifacts["model"] == {"markdown": card, "description": "mine"}
    assert base64.b64decode(artifacts["loss"]["image_url"].removeprefix("data:image/png;base64,")) == picture
    assert artifacts["loss"]["description"] == "mine: the loss per trained token"
    assert "placeholder" in card  # why rows of the dataset were turned down


@needs_curve
async def test_a_run_of_no_step_has_no_figures(
    make: Callable[..., Training], artifacts: dict[str, dict[str, str]]
) -> None:
    training = make()
    prepared = await training.prepare()
    with use_train_context(training.context):
        summary = await publish_model.fn(training.record, prepared, 0, PLAN, "CPU")
    assert (summary.epochs, summary.first_loss, summary.last_loss, summary.peak_learning_rate) == (0, None, None, 0)
    assert (summary.tokens, summary.tokens_per_second, summary.peak_memory) == (0, 0, 0)
