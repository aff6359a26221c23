"""The files that a run tells its progress in."""

import csv
import json
from pathlib import Path
from typing import Literal

import pytest

from schemas.training import EndEvent, StepEvent
from tasks.trainer.journal import Journal
from tests.tasks.trainer.runs import read_end, read_events, read_losses, read_notes, read_steps


def make_step(step: int, loss: float) -> StepEvent:
    return StepEvent(
        step=step,
        max_steps=9,
        epoch=0.5,
        loss=loss,
        grad_norm=0.25,
        learning_rate=1e-5,
        tokens=100,
        tokens_per_second=50.0,
        memory_bytes=2**30,
    )


def read_metrics(folder: Path) -> dict[int, float]:
    with (folder / "metrics.csv").open(newline="") as file:
        return {int(row["step"]): float(row["loss"]) for row in csv.DictReader(file)}


def test_a_steps_figures_stand_in_both_files(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run" / "one")  # which is made
    assert journal.last_step == 0
    journal.begin_at(0)
    journal.step(make_step(1, 2.5))
    journal.step(make_step(2, 1.5).model_copy(update={"grad_norm": None}))
    assert (tmp_path / "run" / "one" / "metrics.csv").read_text().splitlines() == [
        "step,epoch,loss,grad_norm,learning_rate,tokens,tokens_per_second,memory_bytes",
        "1,0.5,2.5,0.25,1e-05,100,50.0,1073741824",
        "2,0.5,1.5,,1e-05,100,50.0,1073741824",
    ]
    assert read_steps(tmp_path / "run" / "one")[0] == make_step(1, 2.5)


def test_events_are_added_one_a_line_over_all_runs(tmp_path: Path) -> None:
    for text in ("first", "second"):
        Journal(tmp_path).note(text)
        Journal(tmp_path).end(EndEvent(status="stopped", step=3, message=text))
    lines = (tmp_path / "events.jsonl").read_text().split("\n")
    assert [json.loads(line).get("text", "end") for line in lines[:-1]] == ["first", "end", "second", "end"]
    assert lines[-1] == ""


def test_a_line_that_a_killed_run_tore_spoils_only_itself(tmp_path: Path) -> None:
    Journal(tmp_path).note("first")
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write('{"kind": "no')
    Journal(tmp_path).note("second")
    assert read_notes(tmp_path) == ["first", "second"]
    assert (tmp_path / "events.jsonl").read_text().split("\n")[1] == '{"kind": "no'


@pytest.mark.parametrize("step", [0, 1, 2])
def test_metrics_go_on_from_the_step_that_the_run_goes_on_from(tmp_path: Path, step: int) -> None:
    journal = Journal(tmp_path)
    journal.begin_at(0)
    for number in (1, 2, 3):
        journal.step(make_step(number, float(number)))
    assert journal.last_step == 3
    again = Journal(tmp_path)
    again.begin_at(step)
    assert again.last_step == step
    assert read_metrics(tmp_path) == {number: float(number) for number in range(1, step + 1)}
    again.step(make_step(step + 1, 9.0))
    expected = {number: float(number) for number in range(1, step + 1)} | {step + 1: 9.0}
    assert read_metrics(tmp_path) == expected
    assert read_losses(tmp_path)[step + 1] == 9.0
    assert again.last_step == step + 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.jsonl", "metrics.csv"]


@pytest.mark.parametrize("torn", ["2,0.5", "2", ",", '2,"0.5', "2,0.5,1.5,,1e-05,100,50.0,1,more,and more", "x,1,1"])
def test_a_torn_row_of_metrics_is_dropped(tmp_path: Path, torn: str) -> None:
    journal = Journal(tmp_path)
    journal.begin_at(0)
    journal.step(make_step(1, 1.0))
    with (tmp_path / "metrics.csv").open("a") as file:
        file.write(torn)
    Journal(tmp_path).begin_at(1)
    assert read_metrics(tmp_path) == {1: 1.0}


def test_a_column_that_is_not_known_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("step,loss,mood\n1,2.0,good\n")
    Journal(tmp_path).begin_at(1)
    assert read_metrics(tmp_path) == {1: 2.0}


@pytest.mark.parametrize("status", ["diverged", "out_of_memory", "disk_full", "failed"])
def test_other_processes_than_the_first_tell_only_of_failures(
    tmp_path: Path, status: Literal["diverged", "out_of_memory", "disk_full", "failed"]
) -> None:
    other = Journal(tmp_path, speaking=False)
    other.begin_at(4)
    assert other.last_step == 4
    other.note("nothing")
    other.step(make_step(5, 1.0))
    assert other.last_step == 5
    other.end(EndEvent(status="done", step=5))
    other.end(EndEvent(status="stopped", step=5))
    assert read_events(tmp_path) == []
    other.end(EndEvent(status=status, step=5, message="lower max_length"))
    assert read_end(tmp_path) == EndEvent(status=status, step=5, message="lower max_length")
    assert not (tmp_path / "metrics.csv").exists()
