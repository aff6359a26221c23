"""How a training run is shown: its line while it goes on, and its last lines."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.server import Server
from flows.summary import print_train_summary
from flows.train_progress import TrainProgress
from schemas.models import RunRecord, TrainingSet, TrainSummary
from schemas.training import PreparedData, StepEvent, TrainParams

GIB = 2**30


class Clock:
    """A clock that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def make_step(step: int, **more: Any) -> StepEvent:
    told = {
        "step": step, "max_steps": 100, "epoch": 0.1, "loss": 1.23456, "learning_rate": 1e-5, "tokens": 500,
        "tokens_per_second": 1234.5, "memory_bytes": 0,
    }  # fmt: skip
    return StepEvent.model_validate({**told, **more})


def take(progress: TrainProgress, clock: Clock, steps: range, each: float) -> None:
    """The steps, one after another, each so many seconds after the last."""
    for step in steps:
        clock.now += each
        progress.take(make_step(step))


def test_before_the_first_step_nothing_is_known() -> None:
    progress = TrainProgress()
    assert (progress.total, progress.done, progress.left) == (0, 0, None)
    assert progress.describe() == "the trainer starts"


def test_one_step_has_no_pace_and_two_have(clock: Clock) -> None:
    progress = TrainProgress()
    take(progress, clock, range(1, 2), 2)
    assert (progress.total, progress.done, progress.left) == (100, 1, None)
    assert progress.describe() == "step 1/100, loss 1.235, 1,234 tokens/s"
    take(progress, clock, range(2, 3), 2)
    assert progress.left == 98 * 2
    assert progress.describe() == "step 2/100, loss 1.235, 1,234 tokens/s, 3 min 16 s left"


def test_the_pace_is_that_of_the_latest_steps_because_the_first_are_slow(clock: Clock) -> None:
    progress = TrainProgress()
    take(progress, clock, range(1, 11), 60)
    take(progress, clock, range(11, 31), 2)
    assert progress.left == 70 * 2  # twenty steps: nineteen times two seconds


def test_steps_that_are_logged_now_and_then_have_the_pace_of_all_between(clock: Clock) -> None:
    progress = TrainProgress()
    for step in (10, 20, 40):
        clock.now += 30
        progress.take(make_step(step))
    assert progress.left == 60 * 2  # thirty steps in sixty seconds


def test_after_a_restart_the_pace_begins_anew(clock: Clock) -> None:
    progress = TrainProgress()
    take(progress, clock, range(1, 10), 1)
    clock.now += 600  # it was killed, started again, and trains step 9 once more
    progress.take(make_step(9))
    assert progress.left is None
    take(progress, clock, range(10, 11), 3)
    assert progress.left == 90 * 3


def test_memory_is_told_where_it_is_measured_and_no_time_is_left_at_the_end(clock: Clock) -> None:
    progress = TrainProgress()
    take(progress, clock, range(98, 100), 2)
    clock.now += 2
    progress.take(make_step(100, memory_bytes=13 * GIB))
    assert progress.left == 0
    assert progress.describe() == "step 100/100, loss 1.235, 1,234 tokens/s, 13.0 GiB"


def make_summary(**more: Any) -> TrainSummary:
    dataset = TrainingSet(
        name="demo", version="v2", path="/data/datasets/demo/v2", content_hash="c", sha256="s", recipe_hash="r",
        teacher="gpt-4.1", executor="mock", rows=1300,
    )  # fmt: skip
    record = RunRecord(
        params=TrainParams(name="mine"), dataset=dataset, tokenizer="t", code_version="", created_at=datetime.now(UTC)
    )
    prepared = PreparedData(
        rows=1300, kept=1234, too_long=60, nothing_trained=6, sequences=400, tokens=10**6, trained_tokens=10**5,
        longest=4000, template="vicuna", template_hash="h",
    )  # fmt: skip
    told = {
        "record": record, "folder": "/models/mine", "prepared": prepared, "steps": 1200, "epochs": 3.0,
        "first_loss": 8.0, "last_loss": 0.51249, "peak_learning_rate": 2e-5, "tokens": 10**6,
        "tokens_per_second": 2345.6, "peak_memory": 60 * GIB, "estimated_memory": 70 * GIB, "device": "CPU",
        "versions": {}, "finished_at": datetime.now(UTC), "run_id": "r-1",
    }  # fmt: skip
    return TrainSummary.model_validate({**told, **more})


def tell(summary: TrainSummary, capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_train_summary(summary, 7800, Server("http://127.0.0.1:4200/api"))
    return capsys.readouterr().out.splitlines()


def test_the_last_lines_say_what_was_made_of_what_and_what_it_took(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(make_summary(), capsys) == [
        "",
        "model     mine: trained",
        "folder    /models/mine/final",
        "card      /models/mine/final/README.md",
        "curve     /models/mine/loss.png",
        "dataset   demo v2, teacher gpt-4.1",
        "rows      1,234 conversations, 66 left out",
        "steps     1,200, loss 0.512",
        "speed     2,346 tokens a second",
        "memory    60.0 GiB at the peak, 70.0 GiB estimated",
        "run       http://127.0.0.1:4200/runs/flow-run/r-1",
        "time      2 h 10 min",
    ]


def test_a_run_that_was_finished_before_says_so_and_what_there_is_none_of_is_not_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = make_summary().prepared.model_copy(update={"kept": 1300, "too_long": 0, "nothing_trained": 0})
    lines = tell(make_summary(changed=False, last_loss=None, prepared=whole), capsys)
    assert lines[1] == "model     mine: was trained before, nothing is left to do"
    assert lines[6:8] == ["rows      1,300 conversations", "steps     1,200"]
