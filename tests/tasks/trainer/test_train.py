"""Training runs, as they go and as they end: killed, stopped, diverged, without room; each in a process of its own."""

import csv
import json
import math
import re
import resource
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the train extra is not installed: make setup-train")

from safetensors.torch import load_file, save_file

from tasks.trainer.checkpoints import find_defect
from tasks.trainer.endings import EXIT_STATUS
from tests.tasks.trainer.runs import (
    Child,
    has_step,
    list_checkpoints,
    make_spec,
    read_end,
    read_losses,
    read_notes,
    read_steps,
    run_child,
)


@pytest.fixture(scope="module")
def whole_run(children: Any, vicuna: Path, packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    assert run_child(children, make_spec(vicuna, packed, folder)) == EXIT_STATUS["done"]
    return folder


@pytest.fixture(scope="module")
def resumed_run(children: Any, vicuna: Path, packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run, killed after its first checkpoint and begun again; a newer one, half written, lies beside."""
    folder = tmp_path_factory.mktemp("runs") / "resumed"
    spec = make_spec(vicuna, packed, folder)
    child = Child(children, spec, hold_at=5)
    child.wait_for(has_step(5))
    child.signal(signal.SIGKILL)
    assert child.join() == -signal.SIGKILL
    half = folder / "checkpoints" / "checkpoint-5"
    shutil.copytree(folder / "checkpoints" / "checkpoint-3", half)
    (half / "trainer_state.json").unlink()
    (folder / "checkpoints" / "writing" / "checkpoint-6").mkdir(parents=True)
    with (folder / "events.jsonl").open("a") as file:
        file.write('{"kind": "step", "st')
    assert run_child(children, spec) == EXIT_STATUS["done"]
    return folder


def test_the_loss_falls_and_every_step_is_told(whole_run: Path) -> None:
    steps = read_steps(whole_run)
    assert [event.step for event in steps] == list(range(1, 9))
    assert steps[-1].loss < steps[0].loss - 0.3
    assert all(event.max_steps == 8 and event.tokens > 0 and event.memory_bytes > 2**20 for event in steps)
    assert all(event.tokens_per_second > 0 and event.grad_norm for event in steps)


def test_the_tokens_of_an_epoch_are_those_of_the_data(whole_run: Path, packed: Path) -> None:
    summary = json.loads((packed / "prepared.json").read_text())
    first = [event.tokens for event in read_steps(whole_run) if event.epoch <= 1]
    assert sum(first) == summary["tokens"]


def test_the_rate_rises_and_falls(whole_run: Path) -> None:
    rates = [event.learning_rate for event in read_steps(whole_run)]
    assert rates[0] == 0
    assert rates[1] == pytest.approx(2e-3)
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[-1] < 2e-4


def test_metrics_hold_each_step_once(whole_run: Path, resumed_run: Path) -> None:
    for folder in (whole_run, resumed_run):
        with (folder / "metrics.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert [int(row["step"]) for row in rows] == list(range(1, 9))
        assert [float(row["loss"]) for row in rows] == list(read_losses(folder).values())


def test_the_log_says_which_attention_and_how_large_a_step_is(whole_run: Path) -> None:
    notes = read_notes(whole_run)
    assert any("one conversation at a time (on the CPU)" in note for note in notes)
    assert any("2 sequences on each of 1 processes, about 4 conversations (4 were asked for)" in note for note in notes)
    assert "checkpoint of step 6 saved" in notes


def test_only_the_newest_checkpoint_is_kept(whole_run: Path) -> None:
    assert list_checkpoints(whole_run) == ["checkpoint-8"]
    assert find_defect(whole_run / "checkpoints" / "checkpoint-8") is None


@pytest.mark.forced
def test_a_killed_run_goes_on_as_if_nothing_had_been(whole_run: Path, resumed_run: Path) -> None:
    assert "going on from the checkpoint of step 3" in read_notes(resumed_run)
    assert read_losses(resumed_run) == read_losses(whole_run)
    ours, theirs = (load_file(folder / "final" / "model.safetensors") for folder in (resumed_run, whole_run))
    assert ours.keys() == theirs.keys()
    assert all(bool((ours[name] == theirs[name]).all()) for name in ours)


@pytest.mark.forced
def test_what_was_half_written_is_removed_and_named(resumed_run: Path) -> None:
    notes = read_notes(resumed_run)
    assert any("removed checkpoint-5, which is not whole" in note for note in notes)
    assert any("was being written" in note for note in notes)
    assert list_checkpoints(resumed_run) == ["checkpoint-8"]


@pytest.mark.forced
def test_sigterm_keeps_a_checkpoint_and_is_no_success(
    children: Any, whole_run: Path, vicuna: Path, packed: Path, tmp_path: Path
) -> None:
    """Through the command, and gone on with to the end."""
    folder = tmp_path / "run"
    spec = make_spec(vicuna, packed, folder)
    child = Child(children, spec, command=tmp_path / "spec", hold_at=4)
    child.wait_for(has_step(4))
    child.signal(signal.SIGTERM)
    child.let_go()
    assert child.join() == EXIT_STATUS["stopped"] == 6
    end = read_end(folder)
    said = (tmp_path / "spec.err").read_text().splitlines()
    assert (end.status, said[-1]) == ("stopped", f"stopped: {end.message}")
    assert end.step in (4, 5)  # it was held where step 4 is told of, which is about that step's end
    assert list_checkpoints(folder) == [f"checkpoint-{end.step}"]
    assert not (folder / "final").exists()
    assert run_child(children, spec) == EXIT_STATUS["done"]
    assert read_losses(folder) == read_losses(whole_run)


def test_a_run_whose_loss_explodes_ends_and_says_where(
    children: Any, vicuna: Path, packed: Path, tmp_path: Path
) -> None:
    spec = make_spec(vicuna, packed, tmp_path, learning_rate=30.0)
    assert run_child(children, spec) == EXIT_STATUS["diverged"]
    end = read_end(tmp_path)
    assert end.status == "diverged"
    found = re.fullmatch(
        rf"the loss has gone from (\S+) to (\S+) at step {end.step}; lower learning_rate, or raise warmup_share",
        end.message,
    )
    assert found is not None
    # a fresh model holds each of its 600 words for as likely as the others
    assert float(found[1]) == pytest.approx(math.log(600), rel=0.02)
    assert float(found[2]) > 2 * math.log(600)
    assert not (tmp_path / "final").exists()


def test_a_loss_that_is_no_number_ends_the_run_and_is_never_saved(
    children: Any, vicuna: Path, packed: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(vicuna, tmp_path / "model")
    weights = load_file(broken / "model.safetensors")
    weights["model.norm.weight"][0] = float("nan")
    save_file(weights, broken / "model.safetensors", {"format": "pt"})
    folder = tmp_path / "run"
    assert run_child(children, make_spec(broken, packed, folder, save_every=1)) == EXIT_STATUS["diverged"]
    assert read_end(folder).message.startswith("the loss is nan at step 1")
    assert not (folder / "checkpoints").exists() or list_checkpoints(folder) == []


@pytest.mark.forced
def test_a_full_disk_leaves_the_checkpoint_before_whole(
    children: Any, whole_run: Path, vicuna: Path, packed: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    spec = make_spec(vicuna, packed, folder)
    child = Child(children, spec, hold_at=4)
    child.wait_for(has_step(4))
    assert list_checkpoints(folder) == ["checkpoint-3"]
    resource.prlimit(child.process.pid, resource.RLIMIT_FSIZE, (2**16, 2**16))
    child.let_go()
    assert child.join() == EXIT_STATUS["disk_full"]
    end = read_end(folder)
    assert (end.status, end.step) == ("disk_full", 6)
    assert "make room" in end.message
    assert list_checkpoints(folder) == ["checkpoint-3"]
    assert find_defect(folder / "checkpoints" / "checkpoint-3") is None
    assert run_child(children, spec) == EXIT_STATUS["done"]
    assert read_losses(folder) == read_losses(whole_run)
