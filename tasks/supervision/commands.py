"""How the processes that need torch are started."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from schemas.errors import UserError

_CONFIGS = Path(__file__).parents[1] / "trainer" / "accelerate"


@dataclass(frozen=True)
class Commands:
    """The commands of both children, each from the path of its spec; training also from the number of GPUs (0: CPU).

    `needs` are the packages without which none of this runs. `grace_s` is how long a trainer may take to write its
    checkpoint when it is to end: one of a 7B model is 80 GB. `pause_s` is waited before a lost one is started again:
    the driver takes a moment to give its memory back.
    """

    prepare: Callable[[Path], tuple[str, ...]]
    train: Callable[[Path, int], tuple[str, ...]]
    is_launcher: bool
    needs: tuple[str, ...]
    grace_s: float = 600.0
    pause_s: float = 5.0

    def require_packages(self) -> None:
        """Raises UserError if a package is missing."""
        missing = [name for name in self.needs if find_spec(name) is None]
        if missing:
            raise UserError(
                f"training needs the `train` extra, and {', '.join(missing)} is not installed: run `make setup-train`."
            )


def build_prepare_command(spec: Path) -> tuple[str, ...]:
    """The command that prepares data."""
    return (sys.executable, "-m", "tasks.trainer.prepare", str(spec))


def build_train_command(spec: Path, gpus: int) -> tuple[str, ...]:
    """The command that trains, with accelerate's configuration for so many GPUs."""
    config = "cpu" if gpus == 0 else "single" if gpus == 1 else "fsdp2"
    processes = ("--num_processes", str(gpus)) if gpus > 1 else ()
    launch = (sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(_CONFIGS / f"{config}.yaml"))
    return (*launch, *processes, "-m", "tasks.trainer.train", str(spec))


TRAINER = Commands(
    build_prepare_command,
    build_train_command,
    is_launcher=True,
    needs=("torch", "transformers", "trl", "peft", "accelerate", "datasets", "matplotlib"),
)
"""The trainer of `tasks/trainer`."""
