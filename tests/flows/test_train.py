"""The flow `train` over a trainer without torch: what it checks, records, goes on with and publishes."""

import asyncio
import base64
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, FlowRunFilter, FlowRunFilterId
from prefect.exceptions import CancelledRun

from flows.progress import Lines
from flows.session import Launch, use_launch
from flows.stopping import Stoppable
from flows.train import train
from flows.train_inputs import gather_train_inputs
from schemas.errors import ToolHerdError, UserError
from schemas.manifest import DatasetRef
from schemas.models import TrainSummary
from schemas.parameters import BuildDatasetParams
from schemas.training import TrainParams
from tasks.datasets import DataRoot, find_training_set
from tests.flows.parts import build_apart, make_params
from tests.flows.runs import PATIENCE_S
from tests.tasks.supervision.parts import SCRIPTED, list_living, make_model
from tests.tasks.supervision.scripted_trainer import Behaviour
from tests.train_extra import needs_curve

pytestmark = pytest.mark.usefixtures("prefect")

FOR_EVER = 100_000
"""Steps that no test waits for."""


@pytest.fixture(scope="module")
def published(server: str, tmp_path_factory: pytest.TempPathFactory) -> DatasetRef:
    """A small dataset, made once."""
    return build_apart(tmp_path_factory.mktemp("published"), make_params(name="small")).dataset


def ask(published: DatasetRef, folder: Path, behaviour: Behaviour | None = None, **more: Any) -> TrainParams:
    """The parameters of a run on that dataset, of a model whose trainer behaves as told."""
    model = make_model(folder / "model", behaviour)
    return TrainParams.model_validate({"dataset": published.path, "model": model, "cpu": True, **more})


async def run_flow(params: TrainParams) -> TrainSummary:
    """The flow as the command line calls it, with children that need no torch."""
    inputs = await asyncio.to_thread(gather_train_inputs, params, SCRIPTED)
    with use_launch(Launch(inputs, Lines())):
        return await train(params)


async def wait_for(condition: Callable[[], bool], going_on: "asyncio.Future[Any]") -> None:
    """Return when the condition holds; what goes on must not end before."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            assert not going_on.done(), going_on
            await asyncio.sleep(0.02)


def count_preparations(folder: Path) -> int:
    return len((folder / "model" / "preparations").read_text().splitlines())


async def read_artifacts(run_id: str) -> dict[str, Any]:
    async with get_client() as client:
        found = await client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        )
    return {artifact.key or str(artifact.type): artifact for artifact in found}


async def read_state(run_id: str) -> str:
    async with get_client() as client:
        (run,) = await client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run_id])))
    return str(run.state and run.state.name)


@needs_curve
async def test_a_run_leaves_a_model_with_its_card_its_curve_and_a_record(
    published: DatasetRef, data_root: DataRoot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = await run_flow(ask(published, tmp_path, name="mine"))
    run = tmp_path / "data" / "models" / "mine"
    assert summary.folder == str(run)
    assert (summary.steps, summary.first_loss, summary.changed) == (6, 8.0, True)
    assert (summary.tokens, summary.tokens_per_second, summary.peak_memory) == (600, 1000.0, 2**30)

    card = (run / "final" / "README.md").read_text()
    dataset = find_training_set(data_root, published.path)
    assert dataset is not None
    for told in (dataset.content_hash, dataset.sha256, dataset.recipe_hash, "small v1", "embedded teacher", "`adamw`"):
        assert told in card or told.strip("`") in card, told
    assert "| left out: longer than 4,096 tokens | 1 |" in card
    assert "| left out: nothing in them to train on | 1 |" in card
    assert str(tmp_path) not in card
    for picture in (run / "loss.png", run / "final" / "loss.png"):
        assert picture.read_bytes().startswith(b"\x89PNG")
    assert not (run / "checkpoints").exists()
    assert json.loads((run / "summary.json").read_text())["record"]["params"]["name"] == "mine"
    assert "the embedded teacher (offline)" in capsys.readouterr().err

    artifacts = await read_artifacts(summary.run_id)
    assert artifacts["model"].data == card
    assert base64.b64decode(artifacts["loss"].data.partition(",")[2]) == (run / "loss.png").read_bytes()
    assert artifacts["progress"].data == 100.0
    assert await read_state(summary.run_id) == "Completed"


@needs_curve
async def test_the_same_run_again_does_nothing_and_says_so(
    published: DatasetRef, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = ask(published, tmp_path)
    first = await run_flow(params)
    second = await run_flow(params)
    assert (first.changed, second.changed) == (True, False)
    assert second.folder == first.folder
    assert f"run {Path(first.folder).name} is finished" in capsys.readouterr().err
    assert count_preparations(tmp_path) == 1


@needs_curve
async def test_data_is_prepared_once_for_runs_that_differ_in_how_they_train(
    published: DatasetRef, tmp_path: Path
) -> None:
    first = await run_flow(ask(published, tmp_path))
    second = await run_flow(ask(published, tmp_path, learning_rate=1e-4))
    assert second.folder != first.folder
    assert count_preparations(tmp_path) == 1
    changes: list[dict[str, Any]] = [{"max_length": 2048}, {"packing": False}, {"seed": 1}, {"template": "react"}]
    for number, change in enumerate(changes, start=2):
        await run_flow(ask(published, tmp_path, **change))
        assert count_preparations(tmp_path) == number, change
    (tmp_path / "model" / "tokenizer.json").write_text("{}")
    await run_flow(ask(published, tmp_path))
    assert count_preparations(tmp_path) == len(changes) + 2


@needs_curve
async def test_prepared_data_that_is_gone_is_prepared_anew(published: DatasetRef, tmp_path: Path) -> None:
    await run_flow(ask(published, tmp_path))
    (folder,) = (tmp_path / "data" / "models" / ".prepared").iterdir()
    (folder / "prepared.json").unlink()
    folder.rmdir()
    await run_flow(ask(published, tmp_path, learning_rate=1e-4))
    assert count_preparations(tmp_path) == 2


@needs_curve
async def test_a_run_of_one_name_takes_the_same_parameters_only(published: DatasetRef, tmp_path: Path) -> None:
    await run_flow(ask(published, tmp_path, name="mine"))
    with pytest.raises(UserError, match=r"run mine is there with --epochs 3.0 and not 1.0: ask for the same, or"):
        await run_flow(ask(published, tmp_path, name="mine", epochs=1))


@needs_curve
async def test_a_named_run_goes_on_with_its_own_dataset_where_none_is_named(
    published: DatasetRef, tmp_path: Path
) -> None:
    first = await run_flow(ask(published, tmp_path, name="mine"))
    again = await run_flow(ask(published, tmp_path, name="mine", dataset=""))
    assert again.record.dataset == first.record.dataset


@needs_curve
@pytest.mark.forced
async def test_a_killed_trainer_is_started_again_within_the_run(
    published: DatasetRef, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = await run_flow(ask(published, tmp_path, Behaviour(steps=6, die_at=(3,))))
    assert summary.steps == 6
    said = capsys.readouterr().err
    assert "after step 3" in said
    assert "started again from its last whole checkpoint (1 of 3)" in said
    assert "begins at step 2" in said


@needs_curve
@pytest.mark.forced
async def test_a_run_whose_trainer_was_lost_for_good_goes_on_when_it_is_run_again(
    published: DatasetRef, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = ask(published, tmp_path, Behaviour(steps=12, save_every=2, die_at=(3, 5, 7, 9)))
    with pytest.raises(ToolHerdError, match="goes on from the last checkpoint"):
        await run_flow(params)
    summary = await run_flow(params)
    assert summary.steps == 12
    assert "begins at step 8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "words"), [("diverged", "diverged"), ("out_of_memory", "out of memory"), ("disk_full", "disk full")]
)
async def test_a_failed_end_fails_the_run_with_the_trainers_own_line(
    published: DatasetRef, tmp_path: Path, status: str, words: str
) -> None:
    behaviour = Behaviour(end=status, end_at=4, message="take --method lora")
    with pytest.raises(ToolHerdError, match=f"training ended at step 4, {words}: take --method lora"):
        await run_flow(ask(published, tmp_path, behaviour))


@needs_curve
async def test_a_trainer_that_somebody_stopped_makes_the_run_cancelled_and_it_goes_on(
    published: DatasetRef, tmp_path: Path
) -> None:
    params = ask(published, tmp_path, Behaviour(steps=6, end="stopped", end_at=3), name="mine")
    with pytest.raises(CancelledRun, match="was stopped: after step 3; the same command goes on"):
        await run_flow(params)
    make_model(tmp_path / "model", Behaviour(steps=6))
    summary = await run_flow(params)
    assert summary.steps == 6


async def test_what_is_wrong_with_the_data_is_said_in_the_words_of_the_preparation(
    published: DatasetRef, tmp_path: Path
) -> None:
    behaviour = Behaviour(prepare_error="the tokenizer has no end token")
    with pytest.raises(ToolHerdError, match="could not be prepared: the tokenizer has no end token"):
        await run_flow(ask(published, tmp_path, behaviour))


@needs_curve
async def test_a_run_that_ended_between_training_and_its_card_is_not_trained_again(
    published: DatasetRef, tmp_path: Path
) -> None:
    params = ask(published, tmp_path, name="mine")
    first = await run_flow(params)
    run = Path(first.folder)
    (run / "summary.json").unlink()
    (run / "final" / "README.md").unlink()
    events = (run / "events.jsonl").read_text()
    second = await run_flow(params)
    assert second.changed
    assert second.steps == first.steps
    assert (run / "events.jsonl").read_text() == events
    assert (run / "final" / "README.md").exists()


@needs_curve
@pytest.mark.forced
async def test_a_run_that_is_stopped_while_data_is_prepared_leaves_nothing_half_done(
    published: DatasetRef, tmp_path: Path
) -> None:
    params = ask(published, tmp_path, Behaviour(prepare_s=600), name="mine")
    inputs = await asyncio.to_thread(gather_train_inputs, params, SCRIPTED)
    started: list[Stoppable] = []
    with use_launch(Launch(inputs, Lines(), on_start=started.append)):
        running = asyncio.ensure_future(train(params))
    await wait_for((tmp_path / "model" / "preparations").exists, running)
    started[0].stop(signal.SIGTERM)
    with pytest.raises(CancelledRun, match="stopped while the data was prepared"):
        await running
    prepared = tmp_path / "data" / "models" / ".prepared"
    assert [path for path in prepared.iterdir() if path.is_dir()] == []
    assert not (tmp_path / "data" / "models" / "mine" / "events.jsonl").exists()

    make_model(tmp_path / "model")
    assert (await run_flow(params)).steps == 6


async def test_a_run_that_is_stopped_before_anything_is_done_does_nothing(
    published: DatasetRef, tmp_path: Path
) -> None:
    params = ask(published, tmp_path, name="mine")
    inputs = await asyncio.to_thread(gather_train_inputs, params, SCRIPTED)
    launch = Launch(inputs, Lines(), on_start=lambda stoppable: print(stoppable.stop(signal.SIGTERM)))
    with use_launch(launch), pytest.raises(CancelledRun, match="stopped before training had begun; the same command"):
        await train(params)
    assert list((tmp_path / "data" / "models").iterdir()) == []


@needs_curve
async def test_a_run_that_was_finished_as_it_was_asked_for_and_is_not_any_more_is_to_be_asked_for_again(
    published: DatasetRef, tmp_path: Path
) -> None:
    params = ask(published, tmp_path, name="mine")
    first = await run_flow(params)
    inputs = await asyncio.to_thread(gather_train_inputs, params, SCRIPTED)
    assert inputs.plan is None
    (Path(first.folder) / "summary.json").unlink()
    with use_launch(Launch(inputs, Lines())), pytest.raises(ToolHerdError, match="run the same command again"):
        await train(params)


@pytest.mark.forced
async def test_two_runs_of_one_name_do_not_train_at_once(published: DatasetRef, tmp_path: Path) -> None:
    params = ask(published, tmp_path, Behaviour(steps=FOR_EVER, step_s=0.02, save_every=FOR_EVER), name="mine")
    first = asyncio.ensure_future(run_flow(params))
    record = tmp_path / "data" / "models" / "mine" / "run.json"
    await wait_for((record.parent / "events.jsonl").exists, first)
    with pytest.raises(UserError, match="run mine is going on in another process"):
        await run_flow(params)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert list_living(str(record.parent)) == set()


@needs_curve
async def test_without_any_dataset_the_default_one_is_made_first_saying_so(
    tmp_path: Path, data_root: DataRoot, capsys: pytest.CaptureFixture[str]
) -> None:
    params = TrainParams(model=make_model(tmp_path / "model"), cpu=True)
    inputs = await asyncio.to_thread(gather_train_inputs, params, SCRIPTED)
    assert inputs.default == BuildDatasetParams()
    with use_launch(Launch(replace(inputs, default=make_params()), Lines())):
        summary = await train(params)
    assert (summary.record.dataset.name, summary.record.dataset.version) == ("toolherd", "v1")
    assert f"there is no dataset in {data_root.url} yet: the default one is made first" in capsys.readouterr().err


def test_the_flow_imports_no_torch() -> None:
    code = "import sys, flows.train; print([n for n in ('torch', 'transformers', 'trl', 'peft', 'accelerate') "
    code += "if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
