"""Training runs in child processes, and what can be read from their folders."""

import json
import os
import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from schemas.training import EndEvent, NoteEvent, StepEvent, TrainEvent, TrainParams, TrainSpec

_EVENT: TypeAdapter[TrainEvent] = TypeAdapter(TrainEvent)


def make_spec(vicuna: Path, prepared: Path, folder: Path, **changed: Any) -> TrainSpec:
    """A run of eight steps, of two sequences each, with a checkpoint every three."""
    asked = {
        "model": str(vicuna),
        "effective_batch": 4,
        "max_length": 1024,
        "learning_rate": 2e-3,
        "save_every": 3,
        "max_steps": 8,
        "cpu": True,
    }
    params = TrainParams.model_validate(asked | changed)
    return TrainSpec(params=params, prepared=str(prepared), run_folder=str(folder), cpu=True)


def enter(spec: str, hold_at: int) -> None:
    """What a child process runs: the command, but for the imports, which its parent has made."""
    from tasks.trainer.train import run

    read = TrainSpec.model_validate_json(spec)
    hold(Path(read.run_folder), hold_at)
    raise SystemExit(run(read))


def enter_command(spec: str, hold_at: int) -> None:
    """The same as `python -m tasks.trainer.train`: reads `spec`.json, and has its stderr in `spec`.err."""
    os.dup2(os.open(f"{spec}.err", os.O_WRONLY | os.O_CREAT), 2)
    sys.argv[1:] = [f"{spec}.json"]
    hold(Path(TrainSpec.model_validate_json(Path(f"{spec}.json").read_text()).run_folder), hold_at)
    runpy.run_module("tasks.trainer.train", run_name="__main__", alter_sys=True)


def hold(folder: Path, step: int) -> None:
    """Wait where that step has been told of until there is a file `go`; what comes meanwhile comes at that step."""
    from tasks.trainer.journal import Journal

    tell = Journal.step

    def step_and_wait(self: Journal, event: StepEvent) -> None:
        tell(self, event)
        while event.step == step and not (folder / "go").exists():
            time.sleep(0.01)

    if step:
        Journal.step = step_and_wait  # type: ignore[method-assign]


class Child:
    """A training process; with `command` a path without suffix, by the command and with the files that that takes.

    It waits at the step `hold_at` until it is let go.
    """

    def __init__(self, children: Any, spec: TrainSpec, command: Path | None = None, hold_at: int = 0) -> None:
        self.folder = Path(spec.run_folder)
        if command:
            command.with_suffix(".json").write_text(spec.model_dump_json())
        target, argument = (enter_command, str(command)) if command else (enter, spec.model_dump_json())
        self.process = children.Process(target=target, args=(argument, hold_at))
        self.process.start()

    def let_go(self) -> None:
        (self.folder / "go").touch()

    def wait_for(self, sign: Callable[[Path], bool], seconds: float = 120) -> None:
        """Wait until `sign` is to be seen in the run's folder; the process must still be there then."""
        until = time.monotonic() + seconds
        while not sign(self.folder):
            assert self.process.is_alive(), f"the child ended with {self.process.exitcode} before its time"
            assert time.monotonic() < until, "the child took too long"
            time.sleep(0.02)

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def join(self, seconds: float = 120) -> int:
        """Its exit status."""
        self.process.join(seconds)
        assert self.process.exitcode is not None, "the child took too long"
        status: int = self.process.exitcode
        return status


def run_child(children: Any, spec: TrainSpec) -> int:
    return Child(children, spec).join()


def has_step(step: int) -> Callable[[Path], bool]:
    return lambda folder: any(event.step >= step for event in read_steps(folder))


def read_events(folder: Path) -> list[TrainEvent]:
    """All events; a torn last line is none."""
    path = folder / "events.jsonl"
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    return [_EVENT.validate_json(line) for line in lines[:-1] if is_json(line)]


def is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def read_steps(folder: Path) -> list[StepEvent]:
    return [event for event in read_events(folder) if isinstance(event, StepEvent)]


def read_losses(folder: Path) -> dict[int, float]:
    """The loss of each step; of one that was computed twice the last."""
    return {event.step: event.loss for event in read_steps(folder)}


def read_notes(folder: Path) -> list[str]:
    return [event.text for event in read_events(folder) if isinstance(event, NoteEvent)]


def read_end(folder: Path) -> EndEvent:
    last = read_events(folder)[-1]
    assert isinstance(last, EndEvent)
    return last


def list_checkpoints(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "checkpoints").iterdir())
