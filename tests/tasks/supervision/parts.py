"""What the tests of supervision and of the flow `train` share: scripted trainers, and who of them is alive."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from schemas.training import TrainParams, TrainSpec
from tasks.supervision.child import Program
from tasks.supervision.commands import Commands
from tasks.supervision.processes import CHILD_MARK, GUARD_MARK, find_processes
from tests.tasks.supervision import scripted_trainer
from tests.tasks.supervision.scripted_trainer import Behaviour

SCRIPT = str(Path(scripted_trainer.__file__))
PATIENCE_S = 60.0

SCRIPTED = Commands(
    prepare=lambda spec: (sys.executable, SCRIPT, "prepare", str(spec)),
    train=lambda spec, gpus: (sys.executable, SCRIPT, "launch", str(spec)),
    is_launcher=True,
    needs=(),
    grace_s=20.0,
    pause_s=0.0,
)
"""Children that need no torch."""

TINY_CONFIG = {
    "model_type": "llama", "hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2,
    "intermediate_size": 128, "vocab_size": 1000,
}  # fmt: skip


def make_model(folder: Path, behaviour: Behaviour | None = None) -> str:
    """A folder with a config.json, and how a trainer of it is to behave."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(TINY_CONFIG))
    (folder / "behaviour.json").write_text(json.dumps(asdict(behaviour or Behaviour())))
    return str(folder)


def make_program(folder: Path, behaviour: Behaviour, *, grace_s: float = 20.0, action: str = "launch") -> Program:
    """A trainer that works in `folder/run`."""
    run = folder / "run"
    run.mkdir(exist_ok=True)
    params = TrainParams(model=make_model(folder / "model", behaviour))
    spec = run / "train.json"
    spec.write_text(TrainSpec(params=params, prepared="", run_folder=str(run), cpu=True).model_dump_json())
    command = (sys.executable, SCRIPT, action, str(spec))
    return Program(command, token=str(run), log=run / "train.log", is_launcher=action == "launch", grace_s=grace_s)


def list_living(token: str) -> set[int]:
    """The processes of a run: guard, launcher, trainer."""
    return {*find_processes(GUARD_MARK, token), *find_processes(CHILD_MARK, token)}


def find_trainer(token: str) -> int:
    """The process that trains, and not its launcher; waits until it is there."""
    found: list[int] = []

    def look() -> bool:
        living = find_processes(CHILD_MARK, token)
        found[:] = [one for one in living if b"\0train\0" in Path(f"/proc/{one}/cmdline").read_bytes()]
        return bool(found)

    wait_until(look, "a trainer")
    return found[0]


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Return when the condition holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
