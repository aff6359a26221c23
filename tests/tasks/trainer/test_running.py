"""A training process from its spec to its exit status, run in this process."""

import copy
import errno
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the train extra is not installed: make setup-train")

import torch
from transformers import AutoTokenizer

from schemas.training import EndEvent, PreparedData, StepEvent
from tasks.trainer import train as module
from tasks.trainer.early_ends import StoppedError
from tasks.trainer.endings import EXIT_STATUS
from tasks.trainer.journal import Journal
from tasks.trainer.train import main, run, run_training
from tasks.trainer.watching import StopSignal
from tests.tasks.trainer.mines import Mine, lay_mine
from tests.tasks.trainer.runs import list_checkpoints, make_spec, read_end, read_events, read_notes, read_steps

pytestmark = pytest.mark.usefixtures("handlers")


@pytest.fixture
def unpadded(vicuna: Path, tmp_path: Path) -> Path:
    """The model with a tokenizer that has no token for padding, as Llama's."""
    folder = shutil.copytree(vicuna, tmp_path / "unpadded")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    del settings["pad_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def read_arguments(folder: Path) -> Any:
    """What the trainer was asked for, as it keeps it in the newest checkpoint."""
    (name,) = list_checkpoints(folder)
    return torch.load(folder / "checkpoints" / name / "training_args.bin", weights_only=False)


def test_a_run_is_what_is_asked_for(
    unpadded: Path, packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    spec = make_spec(
        unpadded, packed, folder, effective_batch=6, max_steps=2, epochs=1.5, warmup_share=0.5, weight_decay=0.1,
        save_every=9, seed=5, gradient_checkpointing=False, optimizer="adafactor", learning_rate=3e-3,
    )  # fmt: skip
    assert run(spec) == 0
    assert read_end(folder) == EndEvent(status="done", step=2)
    assert capsys.readouterr().err.splitlines()[-1] == "done"
    asked = read_arguments(folder)
    # 18 conversations in 9 sequences: 3 of them hold about 6
    assert (asked.gradient_accumulation_steps, asked.max_steps, asked.num_train_epochs) == (3, 2, 1.5)
    assert (asked.warmup_steps, asked.weight_decay, asked.save_steps, asked.seed) == (0.5, 0.1, 9, 5)
    assert (asked.gradient_checkpointing, asked.optim.value, asked.learning_rate) == (False, "adafactor", 3e-3)
    assert asked.use_cpu
    notes = read_notes(folder)
    assert notes[:2] == [
        "attention: scaled dot product, one conversation at a time (on the CPU)",
        "an optimizer step takes 3 sequences on each of 1 processes, about 6 conversations (6 were asked for)",
    ]
    assert not any("going on" in note for note in notes)
    assert (folder / "metrics.csv").read_text().count("\n") == 3
    assert json.loads((folder / "final" / "generation_config.json").read_text())["pad_token_id"] == 0  # that of <unk>


@pytest.mark.parametrize(("method", "rate"), [("full", 2e-5), ("lora", 2e-4)])
def test_without_a_rate_that_is_asked_for_it_is_the_methods(
    vicuna: Path, packed: Path, tmp_path: Path, method: str, rate: float
) -> None:
    """And an adapter is written where one is trained."""
    spec = make_spec(
        vicuna, packed, tmp_path, method=method, learning_rate=None, max_steps=1, warmup_share=0, lora_rank=2,
        lora_alpha=6,
    )  # fmt: skip
    assert run(spec) == 0
    assert [event.learning_rate for event in read_steps(tmp_path)] == [rate]
    adapter = tmp_path / "checkpoints" / "checkpoint-1" / "adapter_config.json"
    assert adapter.exists() is (method == "lora")
    if method == "lora":
        config = json.loads(adapter.read_text())
        assert (config["r"], config["lora_alpha"]) == (2, 6)


def test_a_run_whose_steps_are_all_made_only_writes_its_model(vicuna: Path, packed: Path, tmp_path: Path) -> None:
    spec = make_spec(vicuna, packed, tmp_path, max_steps=2)
    assert run(spec) == 0
    shutil.rmtree(tmp_path / "final")
    assert run(spec) == 0
    assert (tmp_path / "final" / "model.safetensors").exists()
    assert [event.step for event in read_steps(tmp_path)] == [1, 2]
    assert "going on from the checkpoint of step 2" in read_notes(tmp_path)
    assert read_end(tmp_path) == EndEvent(status="done", step=2)


@pytest.fixture(scope="module")
def begun(vicuna: Path, packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose steps are all made."""
    folder = tmp_path_factory.mktemp("begun") / "run"
    assert run(make_spec(vicuna, packed, folder, max_steps=1)) == 0
    shutil.rmtree(folder / "final")
    return folder


def lay_archive(path: Path, mark: Path) -> None:
    torch.save({"state": Mine(mark)}, path)


@pytest.mark.parametrize(
    ("lay", "name", "ends"),
    [
        (lay_archive, "optimizer.pt", "failed"),
        (lay_archive, "scheduler.pt", "failed"),
        (lay_archive, "rng_state.pth", "failed"),
        (lay_mine, "rng_state.pth", "failed"),
        (lay_mine, "training_args.bin", "done"),
        (lay_mine, "pytorch_model.bin", "done"),
        (lay_mine, "adapter_model.bin", "done"),
        (lay_mine, "shards/.metadata", "failed"),
    ],
)
def test_nothing_in_a_checkpoint_is_run(
    begun: Path, vicuna: Path, packed: Path, tmp_path: Path, lay: Callable[[Path, Path], None], name: str, ends: str
) -> None:
    folder, mark = shutil.copytree(begun, tmp_path / "run"), tmp_path / "it was run"
    checkpoint = folder / "checkpoints" / "checkpoint-1"
    (checkpoint / "shards").mkdir()
    lay(checkpoint / name, mark)
    run(make_spec(vicuna, packed, folder, max_steps=1))
    end = read_end(folder)
    assert not mark.exists()
    assert end.status == ends
    if ends == "failed":
        assert f"{checkpoint} is not loaded, for it could run code (" in end.message
        assert end.message.endswith("remove it, and start again")


def interrupt_at(monkeypatch: pytest.MonkeyPatch, step: int, work: Callable[[], object]) -> None:
    """Do something as soon as a step is told of."""

    class Interrupted(Journal):
        def step(self, event: StepEvent) -> None:
            super().step(event)
            if event.step == step:
                work()

    monkeypatch.setattr(module, "Journal", Interrupted)


@pytest.mark.forced
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_stop_keeps_the_step_that_it_is_at(
    vicuna: Path,
    packed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
) -> None:
    interrupt_at(monkeypatch, 2, lambda: os.kill(os.getpid(), number))
    assert run(make_spec(vicuna, packed, tmp_path)) == EXIT_STATUS["stopped"]
    end = read_end(tmp_path)
    # it comes while step 2 is told of, which is after that step's end: step 3 is made
    assert end == EndEvent(status="stopped", step=3, message=f"{number.name} after step 3; the checkpoint is kept")
    assert capsys.readouterr().err.splitlines()[-1] == f"stopped: {end.message}"
    assert list_checkpoints(tmp_path) == ["checkpoint-3"]
    assert not (tmp_path / "final").exists()


def test_a_run_that_is_told_to_stop_before_its_first_step_makes_none(
    vicuna: Path, packed: Path, tmp_path: Path
) -> None:
    stop = StopSignal()
    stop.name = "SIGINT"
    with pytest.raises(StoppedError, match="SIGINT before the first step"):
        run_training(make_spec(vicuna, packed, tmp_path), Journal(tmp_path), stop)
    assert read_steps(tmp_path) == []
    assert not (tmp_path / "final").exists()


def test_before_the_first_step_it_is_at_step_0(vicuna: Path, packed: Path, tmp_path: Path) -> None:
    stop, journal = StopSignal(), Journal(tmp_path)
    stop.name = "SIGINT"
    with pytest.raises(StoppedError):
        run_training(make_spec(vicuna, packed, tmp_path), journal, stop)
    assert journal.last_step == 0


def test_a_run_whose_other_process_was_told_to_stop_stops(vicuna: Path, packed: Path, tmp_path: Path) -> None:
    class Told(StopSignal):
        def agree(self, state: Any) -> bool:
            return True

    with pytest.raises(StoppedError, match=r"^a signal after step 1; the checkpoint is kept$"):
        run_training(make_spec(vicuna, packed, tmp_path), Journal(tmp_path), Told())
    assert list_checkpoints(tmp_path) == ["checkpoint-1"]


@pytest.mark.parametrize(
    ("padding", "unknown", "taken"),
    [("</s>", "<unk>", "</s>"), (None, "<unk>", "<unk>"), (None, None, "</s>"), ("<s>", None, "<s>")],
)
def test_a_tokenizer_that_has_no_token_for_padding_takes_another(
    vicuna: Path, packed: Path, tmp_path: Path, tokenizers: dict[str, Any], monkeypatch: pytest.MonkeyPatch,
    padding: str | None, unknown: str | None, taken: str,
) -> None:  # fmt: skip
    tokenizer = copy.deepcopy(tokenizers["vicuna"])
    tokenizer.pad_token, tokenizer.unk_token = padding, unknown

    def build(model: Any, given: Any, *_: Any) -> None:
        raise KeyError(given.pad_token)

    monkeypatch.setattr(AutoTokenizer, "from_pretrained", lambda _, trust_remote_code: tokenizer)
    monkeypatch.setattr("tasks.trainer.fine_tuning.build_trainer", build)
    with pytest.raises(KeyError) as caught:
        run_training(make_spec(vicuna, packed, tmp_path), Journal(tmp_path), StopSignal())
    assert caught.value.args == (taken,)


def test_where_there_is_a_gpu_the_run_goes_on(vicuna: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    spec = make_spec(vicuna, tmp_path / "none", tmp_path).model_copy(update={"cpu": False})
    assert run(spec) == EXIT_STATUS["failed"]
    assert "prepared.json" in read_end(tmp_path).message


def test_the_end_that_cannot_be_recorded_is_said_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], vicuna: Path
) -> None:
    class Full(Journal):
        def end(self, event: EndEvent) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "Journal", Full)
    assert run(make_spec(vicuna, tmp_path / "none", tmp_path)) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "Traceback (most recent call last):"
    assert said[-2] == "error: the end could not be recorded: [Errno 28] No space left on device"
    assert said[-1].startswith("failed: FileNotFoundError: ")


@pytest.mark.parametrize(("rank", "told"), [(None, True), ("0", True), ("1", False)])
def test_only_the_first_process_of_a_run_speaks_but_all_say_that_they_fail(
    vicuna: Path, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rank: str | None, told: bool
) -> None:
    """The model is gone, which shows after the first note; nothing of what lies there is removed by the others."""
    monkeypatch.delenv("RANK", raising=False)
    if rank:
        monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", "3")
    (tmp_path / "checkpoints" / "writing").mkdir(parents=True)

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("tasks.trainer.fine_tuning.load_model", fail)
    assert run(make_spec(vicuna, packed, tmp_path, effective_batch=12)) == 1
    assert read_end(tmp_path) == EndEvent(status="failed", step=0, message="OSError: [Errno 5] Input/output error")
    notes = read_notes(tmp_path)
    assert len(notes) == (3 if told else 0)
    if told:  # 6 sequences hold 12 conversations; 2 for each of 3 processes
        assert notes[1] == (
            "an optimizer step takes 2 sequences on each of 3 processes, about 12 conversations (12 were asked for)"
        )
        assert notes[2] == "removed a checkpoint that was being written when the run ended"
    assert (tmp_path / "checkpoints" / "writing").exists() is not told


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_the_cpu_must_be_asked_for(vicuna: Path, packed: Path, tmp_path: Path) -> None:
    spec = make_spec(vicuna, packed, tmp_path).model_copy(update={"cpu": False})
    assert run(spec) == EXIT_STATUS["failed"]
    assert "cpu=true" in read_end(tmp_path).message
    assert len(read_events(tmp_path)) == 1


def test_data_of_another_template_is_refused(vicuna: Path, packed: Path, tmp_path: Path) -> None:
    assert run(make_spec(vicuna, packed, tmp_path, template="react")) == EXIT_STATUS["failed"]
    assert "the data was prepared with another template than react" in read_end(tmp_path).message


def test_data_of_a_template_that_was_edited_since_is_refused(vicuna: Path, packed: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(packed, data)
    prepared = PreparedData.model_validate_json((data / "prepared.json").read_bytes())
    (data / "prepared.json").write_text(prepared.model_copy(update={"template_hash": "as it was"}).model_dump_json())
    assert run(make_spec(vicuna, data, tmp_path)) == EXIT_STATUS["failed"]
    assert f"the data was prepared with another template than {prepared.template}" in read_end(tmp_path).message


@pytest.mark.parametrize("packing", [True, False])
def test_the_attention_that_is_asked_for_is_told(vicuna: Path, packed: Path, tmp_path: Path, packing: bool) -> None:
    stop = StopSignal()
    stop.name = "SIGINT"
    spec = make_spec(vicuna, packed, tmp_path, attention="sdpa", packing=packing)
    with pytest.raises(StoppedError):
        run_training(spec, Journal(tmp_path), stop)
    assert read_notes(tmp_path)[0].endswith("dense mask that keeps conversations apart") is packing


def test_the_command_reads_its_spec(vicuna: Path, tmp_path: Path) -> None:
    spec = make_spec(vicuna, tmp_path / "none", tmp_path / "run")
    (tmp_path / "spec.json").write_text(spec.model_dump_json())
    assert main([str(tmp_path / "spec.json")]) == 1
    assert "prepared.json" in read_end(tmp_path / "run").message


def write(text: str | bytes) -> Callable[[Path], list[str]]:
    def make(folder: Path) -> list[str]:
        (folder / "spec.json").write_bytes(text if isinstance(text, bytes) else text.encode())
        return [str(folder / "spec.json")]

    return make


@pytest.mark.parametrize(
    "arguments",
    [
        lambda folder: [],
        lambda folder: [str(folder / "none.json")],
        lambda folder: [*write("{}")(folder), "another.json"],
        write("{}"),
        write(b"\xff"),
    ],
    ids=["none", "no file", "two", "no spec", "no text"],
)
def test_a_spec_that_cannot_be_read_is_a_usage_error(
    arguments: Callable[[Path], list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(tmp_path)) == 2
    assert capsys.readouterr().err.startswith("error: python -m tasks.trainer.train SPEC.json: ")
    assert not (tmp_path / "events.jsonl").exists()
