"""The files that a run tells its progress in."""

import csv
from pathlib import Path

import pytest

from schemas.training import EndEvent, StepEvent
from tasks.trainer.journal import Journal
from tests.tasks.trainer.runs import read_end, read_events, read_losses, read_notes


def make_step(step: int, loss: float) -> StepEvent:
    return StepEvent(
        step=step,
        max_steps=9,
        epoch=0.5,
        loss=loss,
        learning_rate=1e-5,
        tokens=100,
        tokens_per_second=50.0,
        memory_bytes=2**30,
    )


def read_metrics(folder: Path) -> dict[int, float]:
    with (folder / "metrics.csv").open(newline="") as file:
        return {int(row["step"]): float(row["loss"]) for row in csv.DictReader(file)}


def test_a_line_that_a_killed_run_tore_spoils_only_itself(tmp_path: Path) -> None:
    Journal(tmp_path).note("first")
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write('{"kind": "no')
    Journal(tmp_path).note("second")
    assert read_notes(tmp_path) == ["first", "second"]


@pytest.mark.parametrize("step", [0, 1, 2])
def test_metrics_go_on_from_the_step_that_the_run_goes_on_from(tmp_path: Path, step: int) -> None:
    journal = Journal(tmp_path)
    journal.begin_at(0)
    for number in (1, 2, 3):
        journal.step(make_step(number, float(number)))
    again = Journal(tmp_path)
    again.begin_at(step)
    again.step(make_step(step + 1, 9.0))
    expected = {number: float(number) for number in range(1, step + 1)} | {step + 1: 9.0}
    assert read_metrics(tmp_path) == expected
    assert read_losses(tmp_path)[step + 1] == 9.0
    assert again.last_step == step + 1


def test_a_torn_row_of_metrics_is_dropped(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.begin_at(0)
    journal.step(make_step(1, 1.0))
    with (tmp_path / "metrics.csv").open("a") as file:
        file.write("2,0.5")
    Journal(tmp_path).begin_at(1)
    assert read_metrics(tmp_path) == {1: 1.0}


def test_other_processes_than_the_first_tell_only_of_failures(tmp_path: Path) -> None:
    other = Journal(tmp_path, speaking=False)
    other.begin_at(0)
    other.note("nothing")
    other.step(make_step(1, 1.0))
    other.end(EndEvent(status="done", step=1))
    assert read_events(tmp_path) == []
    other.end(EndEvent(status="out_of_memory", step=1, message="lower max_length"))
    assert read_end(tmp_path).status == "out_of_memory"
    assert not (tmp_path / "metrics.csv").exists()
