"""What is done after each step: told as it was, stopped at once, ended where it makes no sense."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch", reason="the train extra is not installed: make setup-train")

import torch
import torch.distributed
from transformers import TrainerControl, TrainerState

from tasks.trainer import watching
from tasks.trainer.early_ends import DivergedError, NothingLeftError
from tasks.trainer.journal import Journal
from tasks.trainer.watching import StopSignal, Watcher, measure_peak_memory
from tests.tasks.trainer.runs import read_notes, read_steps

ALONE = SimpleNamespace(num_processes=1)


class Clock:
    """A time that goes on as it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Watched:
    """A watcher as the trainer calls it."""

    def __init__(self, folder: Path, max_steps: int = 10) -> None:
        self.folder, self.stop = folder, StopSignal()
        self.journal = Journal(folder)
        self.watcher = Watcher(self.journal, self.stop, ALONE)
        self.state = TrainerState(max_steps=max_steps, epoch=0.5)
        self.control = TrainerControl()

    def log(self, step: int, **logs: float) -> None:
        self.state.global_step = step
        given = {"loss": 2.0, "learning_rate": 1e-3, **logs}
        self.watcher.on_log(None, self.state, self.control, given)

    def begin_step(self, step: int) -> None:
        self.state.global_step = step
        self.watcher.on_step_begin(None, self.state, self.control)

    def end_step(self, step: int) -> None:
        self.state.global_step = step
        self.watcher.on_step_end(None, self.state, self.control)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(watching, "time", made)
    return made


def test_a_step_is_told_with_its_own_tokens_and_time(tmp_path: Path, clock: Clock) -> None:
    """The trainer counts tokens from the beginning of the run."""
    watched = Watched(tmp_path)
    watched.begin_step(0)
    clock.now += 2
    watched.log(1, num_tokens=300, loss=2.5, grad_norm=0.5)
    clock.now += 50  # a checkpoint
    watched.begin_step(1)
    clock.now += 4
    watched.log(2, num_tokens=500, loss=1.5, learning_rate=2e-3)
    first, second = read_steps(tmp_path)
    assert (first.step, first.max_steps, first.epoch, first.loss, first.grad_norm) == (1, 10, 0.5, 2.5, 0.5)
    assert (first.learning_rate, first.tokens, first.tokens_per_second) == (1e-3, 300, 150.0)
    assert (second.step, second.loss, second.grad_norm, second.learning_rate) == (2, 1.5, None, 2e-3)
    assert (second.tokens, second.tokens_per_second) == (200, 50.0)
    assert first.memory_bytes > 2**20


def test_time_before_the_first_step_counts_where_none_was_begun(tmp_path: Path, clock: Clock) -> None:
    watched = Watched(tmp_path)
    clock.now += 5
    watched.log(1, num_tokens=100)
    assert read_steps(tmp_path)[0].tokens_per_second == 20


def test_a_step_that_takes_no_time_and_no_tokens_is_told_all_the_same(tmp_path: Path, clock: Clock) -> None:
    watched = Watched(tmp_path)
    watched.state.epoch = None
    watched.log(1)
    watched.log(2, num_tokens=7)
    first, second = read_steps(tmp_path)
    assert (first.tokens, first.tokens_per_second, first.epoch) == (0, 0.0, 0.0)
    assert second.tokens_per_second == pytest.approx(7e9)


@pytest.mark.parametrize("logs", [None, {}, {"train_runtime": 3.0, "train_loss": 1.0}])
def test_what_is_no_step_is_not_told(watched: Watched, logs: dict[str, float] | None) -> None:
    watched.watcher.on_log(None, watched.state, watched.control, logs)
    assert not (watched.folder / "events.jsonl").exists()


@pytest.mark.parametrize("logs", [{"loss": float("nan")}, {"grad_norm": float("inf")}, {"grad_norm": 0.0}])
def test_a_step_that_makes_no_sense_ends_the_run_and_is_not_told(watched: Watched, logs: dict[str, float]) -> None:
    with pytest.raises(DivergedError, match="at step 3"):
        watched.log(3, **logs)
    assert read_steps(watched.folder) == []


def test_a_loss_that_stays_far_above_the_first_ends_the_run_at_its_third_step_there(watched: Watched) -> None:
    """All of them are told, the last one too."""
    for step, loss in enumerate([1.0, 3.5, 0.5, 3.25, 3.25], start=1):
        watched.log(step, loss=loss)
    with pytest.raises(DivergedError, match=re.escape("the loss has gone from 1 to 3.46 at step 6")):
        watched.log(6, loss=3.456)
    assert [event.step for event in read_steps(watched.folder)] == [1, 2, 3, 4, 5, 6]


def test_a_loss_that_lies_high_but_not_far_above_the_first_goes_on(watched: Watched) -> None:
    for step, loss in enumerate([1.0, 3.0, 3.0, 3.0, 3.0], start=1):
        watched.log(step, loss=loss)
    assert len(read_steps(watched.folder)) == 5


@pytest.mark.parametrize(("step", "left"), [(0, True), (9, True), (10, False), (11, False)])
def test_no_step_is_begun_after_the_last(watched: Watched, step: int, left: bool) -> None:
    if left:
        watched.begin_step(step)
    else:
        with pytest.raises(NothingLeftError):
            watched.begin_step(step)


def test_a_run_that_is_not_told_to_stop_goes_on(watched: Watched) -> None:
    watched.end_step(4)
    assert not watched.watcher.stopped
    assert not watched.control.should_save
    assert not watched.control.should_training_stop


def test_a_run_that_is_told_to_stop_saves_and_stops(watched: Watched) -> None:
    watched.stop.name = "SIGTERM"
    watched.end_step(9)
    assert watched.watcher.stopped
    assert watched.control.should_save
    assert watched.control.should_training_stop


def test_a_run_that_is_told_to_stop_at_its_last_step_is_finished(watched: Watched) -> None:
    watched.stop.name = "SIGTERM"
    watched.end_step(10)
    assert not watched.watcher.stopped
    assert not watched.control.should_save


def test_a_checkpoint_is_told_with_its_step(watched: Watched) -> None:
    watched.state.global_step = 6
    watched.watcher.on_save(None, watched.state, watched.control)
    assert read_notes(watched.folder) == ["checkpoint of step 6 saved"]


@pytest.mark.forced
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_signals_are_taken_and_named(handlers: None, number: signal.Signals) -> None:
    stop = StopSignal()
    stop.listen()
    assert not stop.agree(ALONE)
    os.kill(os.getpid(), number)  # it comes at the latest when this thread runs on
    assert stop.name == number.name
    assert stop.agree(ALONE)


@pytest.fixture
def group() -> Iterator[Any]:
    """A group of one process that asks as a large one does."""
    store = torch.distributed.HashStore()
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield SimpleNamespace(num_processes=2, device=torch.device("cpu"))
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize(("name", "told"), [("", False), ("SIGINT", True)])
def test_all_processes_of_a_run_hear_of_it(group: Any, name: str, told: bool) -> None:
    stop = StopSignal()
    stop.name = name
    assert stop.agree(group) is told


def test_one_of_several_processes_that_is_told_is_enough(group: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum over all processes counts, whoever of them was told."""
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda told: told.add_(1))
    assert StopSignal().agree(group) is True


def test_processes_ask_one_another_where_they_speak(group: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On their cards, that is."""
    asked: list[str] = []

    def all_reduce(told: torch.Tensor) -> None:
        asked.append(told.device.type)
        raise KeyError

    monkeypatch.setattr(torch.distributed, "all_reduce", all_reduce)
    with pytest.raises(KeyError):
        StopSignal().agree(SimpleNamespace(num_processes=2, device=torch.device("meta")))
    assert asked == ["meta"]


def test_without_a_gpu_the_peak_is_that_of_the_process() -> None:
    """As the system itself says, in bytes."""
    if torch.cuda.is_initialized():
        pytest.skip("the peak is that of the GPU here")
    peak = int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) * 1024
    assert measure_peak_memory() == pytest.approx(peak, rel=0.01)
    assert measure_peak_memory() % 1024 == 0  # it is told in KiB


@pytest.mark.parametrize("initialized", [True, False])
def test_on_a_gpu_that_is_in_use_the_peak_is_its_own(monkeypatch: pytest.MonkeyPatch, initialized: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: initialized)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 12345)
    assert (measure_peak_memory() == 12345) is initialized
