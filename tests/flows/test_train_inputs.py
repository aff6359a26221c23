"""What a training run is checked against before anything is started: its dataset, its model, its machine, its name."""

import asyncio
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from flows import train_inputs
from flows.inputs import Inputs
from flows.train_command import read_train_command
from flows.train_inputs import TrainInputs, gather_train_inputs, make_record
from schemas.errors import UserError
from schemas.models import RunRecord, TrainSummary
from schemas.parameters import BuildDatasetParams
from schemas.training import PreparedData, TrainParams
from tasks.context import use_context
from tasks.datasets import DataRoot, get_run
from tasks.publishing import publish
from tasks.supervision.machine import Gpu, Machine
from tasks.trainer.footprint import read_shape
from tasks.trainer.hub import FoundModel, find_model
from tasks.training_plan import plan_run
from tests.tasks.made import Made
from tests.tasks.supervision.parts import SCRIPTED, make_model

GIB = 2**30


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataRoot:
    """A data root without any dataset."""
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", str(tmp_path / "data"))
    monkeypatch.delenv("TOOLHERD_MODELS_ROOT", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))  # no nvidia-smi
    return DataRoot.from_environment()


def publish_dataset(root: DataRoot, name: str) -> None:
    """A dataset of two rows."""
    made = Made(Path(root.url), name=name, test_share=0)
    made.add_api("a", {f"{name}-1": f"Which tides come first in {name}?", f"{name}-2": "Name a museum in Lisbon."})

    async def go() -> None:
        with use_context(made.context):
            await publish.fn(await made.curate(), name, 0)

    asyncio.run(go())


@pytest.fixture
def published(root: DataRoot) -> DataRoot:
    """A data root with two datasets, of which `new` is the newer one."""
    publish_dataset(root, "old")
    publish_dataset(root, "new")
    return root


def ask(folder: Path, **more: Any) -> TrainParams:
    return TrainParams.model_validate({"model": make_model(folder / "model"), "cpu": True, **more})


def gather(folder: Path, **more: Any) -> TrainInputs:
    return gather_train_inputs(ask(folder, **more), SCRIPTED)


def begin(folder: Path, inputs: TrainInputs, **more: Any) -> RunRecord:
    """Record a run that has begun."""
    assert inputs.dataset is not None
    record = make_record(ask(folder, **more), inputs.model, inputs.dataset)
    with get_run(inputs.models, record.params.name).hold(record):
        return record


def finish(inputs: TrainInputs, record: RunRecord) -> TrainSummary:
    """Record that the run is finished."""
    run = get_run(inputs.models, record.params.name)
    prepared = PreparedData(
        rows=2, kept=2, too_long=0, nothing_trained=0, sequences=1, tokens=10, trained_tokens=5, longest=9,
        template="vicuna", template_hash="h",
    )  # fmt: skip
    summary = TrainSummary(
        record=record, folder=str(run.folder), prepared=prepared, steps=3, epochs=1, first_loss=8, last_loss=1,
        peak_learning_rate=1e-5, tokens=10, tokens_per_second=1, peak_memory=1, estimated_memory=2, device="CPU",
        versions={}, finished_at=datetime.now(UTC),
    )  # fmt: skip
    run.write("final/config.json", b"{}")
    run.finish(summary)
    return summary


def test_without_a_name_the_newest_dataset_is_taken_and_the_run_is_planned(published: DataRoot, tmp_path: Path) -> None:
    found = gather(tmp_path)
    assert found.root.url == published.url
    assert found.models == tmp_path / "data" / "models"
    assert found.models.is_dir()
    assert found.dataset is not None
    assert (found.dataset.name, found.dataset.version, found.dataset.rows) == ("new", "v1", 2)
    assert found.model.name == str(tmp_path / "model")
    assert (found.finished, found.commands, found.default) == (None, SCRIPTED, BuildDatasetParams())
    assert found.plan is not None
    assert (found.plan.gpus, found.device) == (0, "CPU")


def test_a_dataset_that_is_named_is_taken(published: DataRoot, tmp_path: Path) -> None:
    found = gather(tmp_path, dataset="old")
    assert found.dataset is not None
    assert found.dataset.name == "old"


def test_where_there_is_no_dataset_yet_the_run_is_planned_all_the_same(root: DataRoot, tmp_path: Path) -> None:
    found = gather(tmp_path, name="mine")
    assert (found.dataset, found.finished) == (None, None)
    assert found.plan is not None


def test_a_run_that_has_begun_goes_on_with_its_own_dataset_and_no_other(published: DataRoot, tmp_path: Path) -> None:
    begin(tmp_path, gather(tmp_path, dataset="old"), name="mine")
    found = gather(tmp_path, name="mine")
    assert found.dataset is not None
    assert found.dataset.name == "old"
    with pytest.raises(UserError, match="run mine is there with data dataset old v1"):
        gather(tmp_path, name="mine", dataset="new")
    other = gather(tmp_path, name="other")
    assert other.dataset is not None
    assert other.dataset.name == "new"


@pytest.mark.parametrize("path", ["reference://x", "s3://bucket/x", "simplecache::file:///x", "http://localhost/x"])
def test_a_run_that_began_elsewhere_does_not_choose_how_that_is_read(
    published: DataRoot, tmp_path: Path, path: str
) -> None:
    """Some kinds of addresses load code, or run what is written there."""
    inputs = gather(tmp_path, dataset="old")
    assert inputs.dataset is not None
    begin(tmp_path, replace(inputs, dataset=inputs.dataset.model_copy(update={"path": path})), name="mine")
    with pytest.raises(UserError, match=f"run mine was begun on '{path}', which is not in .*: name it"):
        gather(tmp_path, name="mine")


def test_a_run_that_was_asked_for_other_things_is_turned_down(published: DataRoot, tmp_path: Path) -> None:
    begin(tmp_path, gather(tmp_path), name="mine")
    with pytest.raises(UserError, match=r"run mine is there with --epochs 3\.0 and not 2\.0"):
        gather(tmp_path, name="mine", epochs=2)


@pytest.mark.parametrize("name", ["mine", ""])
def test_a_run_that_is_finished_takes_nothing_of_the_machine(name: str, published: DataRoot, tmp_path: Path) -> None:
    begun = gather(tmp_path, name=name, cpu=True)
    summary = finish(begun, begin(tmp_path, begun, name=name, cpu=False))
    found = gather(tmp_path, name=name, cpu=False)  # though there is no GPU
    assert found.finished == summary
    assert (found.plan, found.device) == (None, "CPU")
    with pytest.raises(UserError, match="there is no NVIDIA GPU here"):
        gather(tmp_path, name=name, cpu=False, seed=7) if not name else gather(tmp_path, name="other", cpu=False)


class Disk(NamedTuple):
    total: int
    used: int
    free: int


def test_what_a_run_that_goes_on_holds_counts_as_room(
    published: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = gather(tmp_path, name="mine")
    assert planned.plan is not None
    needed = planned.plan.disk
    begin(tmp_path, planned, name="mine")
    run = get_run(planned.models, "mine")
    run.write("checkpoints/weights", bytes(5000))
    held = run.measure()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Disk(needed, 0, needed - held))
    again = gather(tmp_path, name="mine").plan
    assert again is not None
    assert again.disk == needed
    with pytest.raises(UserError, match="checkpoints and model take about"):
        gather(tmp_path, name="other")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Disk(needed, 0, needed - held - 1))
    with pytest.raises(UserError, match="checkpoints and model take about"):
        gather(tmp_path, name="mine")


def test_weights_that_are_not_here_are_fetched_to_the_disk(
    published: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = gather(tmp_path).plan
    found = find_model(ask(tmp_path).model)
    monkeypatch.setattr(train_inputs, "find_model", lambda name: replace(found, is_here=False))
    there = gather(tmp_path).plan
    assert here is not None
    assert there is not None
    assert there.disk > here.disk


def test_nothing_is_made_for_a_run_that_cannot_be(published: DataRoot, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no NVIDIA GPU here"):
        gather(tmp_path, cpu=False)
    assert not (tmp_path / "data" / "models").exists()


def test_a_folder_of_models_that_cannot_be_written_is_bad_input(
    published: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TOOLHERD_MODELS_ROOT", str(tmp_path / "file"))
    with pytest.raises(UserError, match="cannot be written"):
        gather(tmp_path)


def test_a_model_of_another_family_is_named(published: DataRoot, tmp_path: Path) -> None:
    params = ask(tmp_path)
    (tmp_path / "model" / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UserError, match=rf"^--model {params.model}: config\.json describes no decoder.*\.$"):
        gather_train_inputs(params, SCRIPTED)


def test_what_is_not_installed_is_told_before_anything_is_looked_for(root: DataRoot, tmp_path: Path) -> None:
    commands = replace(SCRIPTED, needs=("no_such_module",))
    with pytest.raises(UserError, match="no_such_module is not installed"):
        gather_train_inputs(TrainParams(model="./nowhere"), commands)


def make_inputs(names: Sequence[str], gpus: int, root: DataRoot, tmp_path: Path) -> TrainInputs:
    found = gather(tmp_path)
    machine = Machine(tuple(Gpu(name, 80 * GIB, 80 * GIB) for name in names), 512 * GIB)
    assert found.plan is not None
    return replace(found, machine=machine, plan=replace(found.plan, gpus=gpus))


@pytest.mark.parametrize(
    ("names", "gpus", "device"),
    [(["A"], 1, "A"), (["A", "A"], 2, "2 × A"), (["A", "B"], 2, "A, B"), (["A", "A"], 0, "CPU"), ([], 0, "CPU")],
)
def test_the_cards_are_told_in_words(names: list[str], gpus: int, device: str, root: DataRoot, tmp_path: Path) -> None:
    assert make_inputs(names, gpus, root, tmp_path).device == device


def test_a_record_has_a_name_in_any_case_and_the_model_by_its_own(published: DataRoot, tmp_path: Path) -> None:
    found = gather(tmp_path)
    assert found.dataset is not None
    model = FoundModel("/models/full", {}, "tokenizer 1", True)
    before = datetime.now(UTC)
    named = make_record(ask(tmp_path, name="mine", seed=3), model, found.dataset)
    assert (named.params.name, named.params.model, named.params.seed) == ("mine", "/models/full", 3)
    assert (named.dataset, named.tokenizer) == (found.dataset, "tokenizer 1")
    assert before <= named.created_at <= datetime.now(UTC)
    made = make_record(ask(tmp_path, seed=3), model, found.dataset).params.name
    assert made.startswith("full-new-v1-full-")
    assert made == make_record(ask(tmp_path, seed=3, dataset="new"), model, found.dataset).params.name
    assert made != make_record(ask(tmp_path, seed=4), model, found.dataset).params.name


def test_a_command_holds_the_parameters_and_what_was_found(published: DataRoot, tmp_path: Path) -> None:
    model = make_model(tmp_path / "model")
    command = read_train_command("train", ["--model", model, "--cpu", "--epochs", "2"], SCRIPTED)
    assert command.params == TrainParams(model=model, cpu=True, epochs=2)
    assert command.tags == (f"model: {model}",)
    assert isinstance(command.inputs, TrainInputs)
    assert not isinstance(command.inputs, Inputs)
    assert command.inputs.commands is SCRIPTED


def test_a_plan_is_that_of_the_machine_and_the_model(published: DataRoot, tmp_path: Path) -> None:
    found = gather(tmp_path)
    shape = read_shape(json.loads((tmp_path / "model" / "config.json").read_text()))
    planned = plan_run(shape, ask(tmp_path), found.machine, found.models, fetched=False)
    assert found.plan is not None
    assert (found.plan.memory, found.plan.disk, found.plan.gpus) == (planned.memory, planned.disk, planned.gpus)
