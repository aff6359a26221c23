"""A trainer without torch: a real process that speaks the protocol of the real one and behaves as it is told to.

    python scripted_trainer.py prepare|train|launch SPEC

`launch` starts `train` in a session of its own and waits, as torchrun does. How to behave stands in `behaviour.json` of
the model's folder, see `Behaviour`. Imports nothing but the standard library, so that it starts at once.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Behaviour:
    """`steps` in all of `step_s` seconds, a checkpoint every `save_every`, which takes `save_s`.

    It kills itself (SIGKILL) the first time that it comes to each step of `die_at`, and ends with status `end` after
    step `end_at`. With `deaf` it takes no notice of SIGTERM. At step `hold_at` it waits to be asked to stop. With
    `hold_save` a checkpoint takes until there is a file `may-save` in the run's folder.
    """

    steps: int = 6
    step_s: float = 0.0
    save_every: int = 2
    save_s: float = 0.0
    die_at: tuple[int, ...] = ()
    end: str = "done"
    end_at: int = 0
    message: str = ""
    deaf: bool = False
    prepare_s: float = 0.0
    prepare_error: str = ""
    rows: int = 8
    hold_at: int = 0
    hold_save: bool = False


class Trainer:
    """One training process."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.run = Path(spec["run_folder"])
        self.behaviour = read_behaviour(spec["params"]["model"])
        self.checkpoint = self.run / "checkpoints" / "step"
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        self.step = int(self.checkpoint.read_text()) if self.checkpoint.exists() else 0
        self.is_asked_to_stop = False
        signal.signal(signal.SIGTERM, self.take_sigterm)

    def take_sigterm(self, *_: object) -> None:
        with (self.run / "sigterms").open("a") as file:
            file.write(f"{os.getpid()}\n")
        self.is_asked_to_stop = not self.behaviour.deaf

    def tell(self, **event: object) -> None:
        with (self.run / "events.jsonl").open("a") as file:
            file.write(json.dumps(event) + "\n")

    def save(self) -> None:
        """A checkpoint, whole or not at all; one that takes time is there only at its end."""
        half = self.checkpoint.with_name("half")
        half.write_text(str(self.step))
        time.sleep(self.behaviour.save_s)
        while self.behaviour.hold_save and not (self.run / "may-save").exists():
            time.sleep(0.005)
        half.replace(self.checkpoint)

    def die_once(self) -> None:
        mark = self.run / f"died-at-{self.step}"
        if self.step in self.behaviour.die_at and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    def train(self) -> None:
        behaviour = self.behaviour
        print("trainer: it begins", flush=True)
        self.tell(kind="note", text=f"begins at step {self.step}")
        while self.step < behaviour.steps:
            time.sleep(behaviour.step_s)
            if self.is_asked_to_stop:
                self.save()
                self.tell(kind="end", status="stopped", step=self.step, message="")
                return
            self.step += 1
            self.tell(
                kind="step", step=self.step, max_steps=behaviour.steps, epoch=self.step / behaviour.steps,
                loss=8.0 / self.step, learning_rate=1e-3, tokens=100, tokens_per_second=1000.0, memory_bytes=2**30,
            )  # fmt: skip
            self.die_once()
            while self.step == behaviour.hold_at and not self.is_asked_to_stop:
                time.sleep(0.005)
            if self.step == behaviour.end_at:
                self.tell(kind="end", status=behaviour.end, step=self.step, message=behaviour.message)
                sys.exit(1)
            if self.step % behaviour.save_every == 0:
                self.save()
        final = self.run / "final"
        final.mkdir(exist_ok=True)
        (final / "config.json").write_text("{}")
        self.tell(kind="end", status="done", step=self.step, message="")


def read_behaviour(model: str) -> Behaviour:
    path = Path(model) / "behaviour.json"
    return Behaviour(**json.loads(path.read_text())) if path.exists() else Behaviour()


def prepare(spec: dict[str, Any]) -> None:
    behaviour = read_behaviour(spec["model"])
    with (Path(spec["model"]) / "preparations").open("a") as file:
        file.write(f"{spec['train_file']}\n")
    assert Path(spec["train_file"]).read_bytes()[:4] == b"PAR1"
    time.sleep(behaviour.prepare_s)
    if behaviour.prepare_error:
        sys.exit(f"error: {behaviour.prepare_error}")
    output = Path(spec["output"])
    output.mkdir(parents=True)
    rows = behaviour.rows
    (output / "prepared.json").write_text(
        json.dumps(
            {
                "rows": rows, "kept": rows - 2, "too_long": 1, "nothing_trained": 1, "sequences": 3, "tokens": 4000,
                "trained_tokens": 900, "longest": 700, "template": "vicuna",
                "template_hash": "abc",
            }
        )
    )  # fmt: skip


def launch(path: str) -> int:
    command = [sys.executable, __file__, "train", path]
    return subprocess.run(command, start_new_session=True, check=False).returncode != 0


if __name__ == "__main__":
    action, path = sys.argv[1:]
    if action == "launch":
        sys.exit(launch(path))
    read = json.loads(Path(path).read_text())
    prepare(read) if action == "prepare" else Trainer(read).train()
