"""The command line of `train`: bad input, exit statuses, and signals, with nothing left running."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.command_line import main
from schemas.manifest import DatasetRef
from tests.flows.parts import build_apart, make_params
from tests.flows.runs import Running, Workplace
from tests.tasks.supervision.parts import list_living, make_model
from tests.tasks.supervision.scripted_trainer import Behaviour
from tests.train_extra import needs_curve

FOR_EVER = 100_000

MAIN = """
import sys
from flows.command_line import main
from flows.train_command import read_train_command
from tests.tasks.supervision.parts import SCRIPTED
raise SystemExit(main("train", read=lambda name, given: read_train_command(name, given, SCRIPTED)))
"""
"""The command line with a trainer that needs no torch."""


@pytest.fixture(scope="module")
def published(server: str, tmp_path_factory: pytest.TempPathFactory) -> DatasetRef:
    return build_apart(tmp_path_factory.mktemp("published"), make_params(name="small")).dataset


@dataclass(frozen=True)
class Trial:
    """Runs of one name, in a place of their own."""

    place: Workplace
    dataset: str

    @property
    def run(self) -> Path:
        return self.place.data / "models" / "mine"

    @property
    def steps(self) -> int:
        events = self.run / "events.jsonl"
        return events.read_text().count('"kind": "step"') if events.exists() else 0

    @contextmanager
    def start(self, behaviour: Behaviour) -> Iterator[Running]:
        model = make_model(self.place.folder / "model", behaviour)
        options = ("--dataset", self.dataset, "--model", model, "--name", "mine", "--cpu")
        with self.place.start(*options, program=("-c", MAIN)) as running:
            yield running


@pytest.fixture
def trial(prefect: str, published: DatasetRef, tmp_path: Path) -> Trial:
    return Trial(Workplace(tmp_path, prefect), published.path)


def stop_midway(trial: Trial, sign: signal.Signals, status: int) -> int:
    """The step after which a run was stopped that would go on for ever."""
    with trial.start(Behaviour(steps=FOR_EVER, step_s=0.02, save_s=0.5, save_every=FOR_EVER)) as running:
        running.wait_until(lambda: trial.steps >= 3, "three steps")
        running.send(sign, to_group=sign == signal.SIGINT)
        ended = running.wait()
    assert ended.status == status
    assert "stopping: the trainer writes a checkpoint and ends; once more stops at once" in ended.err
    saved = int((trial.run / "checkpoints" / "step").read_text())
    assert f"run mine is stopped after step {saved}; what it goes on from is in {trial.run}" in ended.err
    assert ended.err.endswith("\ninterrupted: what was finished is kept, the same command goes on from there\n")
    assert "Traceback" not in ended.err
    assert ended.out == ""
    assert list_living(str(trial.run)) == set()
    return saved


@needs_curve
@pytest.mark.forced
def test_ctrl_c_lets_the_trainer_save_and_the_same_command_goes_on_to_the_end(trial: Trial) -> None:
    saved = stop_midway(trial, signal.SIGINT, 130)
    with trial.start(Behaviour(steps=saved + 2)) as running:
        ended = running.wait()
    assert ended.status == 0, ended.err
    assert f"begins at step {saved}" in ended.err
    assert "model     mine: trained" in ended.out
    assert "memory    1.0 GiB at the peak" in ended.out


@pytest.mark.forced
def test_sigterm_does_as_well_and_a_failed_training_is_one_line_and_status_1(trial: Trial) -> None:
    saved = stop_midway(trial, signal.SIGTERM, 143)
    with trial.start(
        Behaviour(steps=FOR_EVER, end="out_of_memory", end_at=saved + 1, message="take --method lora")
    ) as running:
        ended = running.wait()
    assert ended.status == 1
    assert ended.err.splitlines()[-1] == (
        f"error: training ended at step {saved + 1}, out of memory: take --method lora"
    )
    assert ended.err.count("error: ") == 1
    assert "Traceback" not in ended.err
    assert ended.out == ""


def test_a_trainer_that_somebody_else_stopped_ends_the_run_as_sigterm_does(trial: Trial) -> None:
    with trial.start(Behaviour(steps=FOR_EVER, end="stopped", end_at=3)) as running:
        ended = running.wait()
    assert ended.status == 143
    assert ended.err.endswith("\ninterrupted: what was finished is kept, the same command goes on from there\n")
    assert "error:" not in ended.err


@pytest.mark.forced
def test_a_second_signal_kills_the_trainer(trial: Trial) -> None:
    with trial.start(Behaviour(steps=FOR_EVER, step_s=0.02, deaf=True)) as running:
        running.wait_until(lambda: trial.steps >= 3, "three steps")
        running.send(signal.SIGINT)
        running.wait_until(lambda: (trial.run / "sigterms").exists(), "the trainer was asked")
        running.send(signal.SIGINT)
        ended = running.wait()
    assert ended.status == 130
    assert list_living(str(trial.run)) == set()


WORKER = """
import asyncio, sys
from flows.progress import Lines
from flows.session import Launch, use_launch
from flows.train import train
from flows.train_inputs import gather_train_inputs
from schemas.training import TrainParams
from tests.tasks.supervision.parts import SCRIPTED
params = TrainParams(dataset=sys.argv[1], model=sys.argv[2], name="mine", cpu=True)
with use_launch(Launch(gather_train_inputs(params, SCRIPTED), Lines())):
    asyncio.run(train(params))
"""
"""The flow without the command line's handling of signals: as a worker runs it, which sends a SIGTERM when the run is
cancelled in the UI."""


@pytest.mark.forced
def test_a_run_that_its_worker_ends_leaves_a_checkpoint_and_no_process(trial: Trial) -> None:
    model = make_model(trial.place.folder / "model", Behaviour(steps=FOR_EVER, step_s=0.02, save_every=FOR_EVER))
    with trial.place.start(trial.dataset, model, program=("-c", WORKER)) as running:
        running.wait_until(lambda: trial.steps >= 3, "three steps")
        running.send(signal.SIGTERM)
        assert running.wait().status != 0
    assert list_living(str(trial.run)) == set()
    assert int((trial.run / "checkpoints" / "step").read_text()) >= 3


def write_manifest(folder: Path, published: DatasetRef, rows: int) -> None:
    """A copy of a dataset's manifest that says that it has so many rows to train on."""
    manifest = json.loads((Path(published.path) / "manifest.json").read_text())
    manifest["tables"]["train.parquet"]["rows"] = rows
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--colour", "red"], "unknown parameter --colour"),
        (["--epochs", "0"], "--epochs '0': should be greater than 0"),
        (["--method", "qlora"], "--method 'qlora': should be 'full' or 'lora'"),
        (["--dataset", "nosuch"], "no dataset 'nosuch' in"),
        (["--dataset", "../x y"], "neither a dataset's name nor a folder"),
        (["--dataset", "empty"], "dataset small v1 has no accepted rows in train.parquet"),
        (["--model", "no/such/folder"], "--model no/such/folder: there is no such folder"),
        (["--model", "bare"], "the folder has no config.json"),
        (["--dataset", "swapped"], "train.parquet is not the file that manifest.json was written for"),
        (["--dataset", "renamed"], "is no manifest of a dataset: '<b>' is no dataset name"),
        (
            ["--model", "pickled"],
            "its weights are in pytorch_model.bin, a pickle, which can run code and is not loaded",
        ),
        (["--model", "coded"], "it brings code of its own"),
        (["--model", "endless"], "config.json describes no decoder of Llama's family: a size is out of range"),
        (["--model", "bert"], "config.json describes no decoder of Llama's family"),
        (["--name", "Mine"], "'Mine' is no run name"),
        (["--cpu", "false"], "there is no NVIDIA GPU here"),
        (["--model", "huge"], "of main memory"),
    ],
)
def test_bad_input_is_one_line_and_status_2_and_writes_nothing(
    arguments: list[str],
    line: str,
    published: DatasetRef,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from flows.train_command import read_train_command
    from tests.tasks.supervision.parts import SCRIPTED

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", str(tmp_path))
    write_manifest(tmp_path / "empty", published, rows=0)
    make_model(tmp_path / "model")
    (tmp_path / "bare").mkdir()
    make_model(tmp_path / "bert")
    (tmp_path / "bert" / "config.json").write_text('{"model_type": "bert"}')
    shutil.copytree(published.path, tmp_path / "swapped")
    (tmp_path / "swapped" / "train.parquet").write_bytes(Path(published.path, "test.parquet").read_bytes())
    shutil.copytree(published.path, tmp_path / "renamed")
    told = json.loads((tmp_path / "renamed" / "manifest.json").read_text())
    (tmp_path / "renamed" / "manifest.json").write_text(json.dumps({**told, "name": "<b>"}))
    make_model(tmp_path / "pickled")
    (tmp_path / "pickled" / "pytorch_model.bin").touch()
    make_model(tmp_path / "coded")
    (tmp_path / "coded" / "config.json").write_text('{"model_type": "mine", "auto_map": {"AutoConfig": "mine.Mine"}}')
    make_model(tmp_path / "huge")
    config = json.loads((tmp_path / "huge" / "config.json").read_text())
    (tmp_path / "huge" / "config.json").write_text(json.dumps({**config, "vocab_size": 10**10}))
    make_model(tmp_path / "endless")
    (tmp_path / "endless" / "config.json").write_text(json.dumps({**config, "hidden_size": 10**400}))

    given = ["--model", "model", "--dataset", published.path, "--cpu", *arguments]
    assert main("train", given, read=lambda name, words: read_train_command(name, words, SCRIPTED)) == 2
    said = capsys.readouterr().err
    assert line in said
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_no_server_is_started_for_bad_input(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "flows.train", "--epochs", "-1"],
        env=place.environment, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --epochs '-1': should be greater than 0")
    assert done.stderr.count("\n") == 1
    assert not place.home.exists()
    assert not place.data.exists()


def test_the_help_fits_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main("train", ["--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert max(map(len, text.splitlines())) <= 80
    assert "--method CHOICE" in text
    assert "[choices: full, lora]" in " ".join(text.replace("│", "").split())
