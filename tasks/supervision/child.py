"""One program under a guard, seen from the flow: started, waited for, ended in order or at once."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from schemas.environment import NETWORK, pick_environment
from schemas.shown import show_line
from tasks.supervision.processes import CHILD_MARK, GUARD_MARK, find_processes, send_signal

POLL_S = 0.2
_FOLDER = Path(__file__).parents[2]
_TRAINING = (
    *("CUDA_*", "NVIDIA_*", "CUBLAS_*", "CUDNN_*", "NCCL_*", "ROCR_*", "HIP_*", "HSA_*"),
    *("TORCH*", "PYTORCH_*", "TRITON_*", "KMP_*", "NUMEXPR_*", "RAYON_*", "CC", "CXX", "CPATH", "LIBRARY_PATH"),
    *("HF_*", "HUGGINGFACE_*", "TRANSFORMERS_*", "TOKENIZERS_*", "SAFETENSORS_*", "ACCELERATE_*", "MPL*"),
    *("GLOO_*", "UCX_*", "FI_*", "MASTER_ADDR", "MASTER_PORT"),
)
"""Variables of the cards and their drivers, of torch, the hub (its token too, for models that are not open to all) and
what processes of one run talk over."""


@dataclass(frozen=True)
class Program:
    """What is to run. `token` marks its processes: a path that is its own, such as the folder that it writes to.

    Its output goes to the end of `log`. `is_launcher` says that the work is done by children of what is started.
    `grace_s` is how long it may take to end in order.
    """

    command: tuple[str, ...]
    token: str
    log: Path
    is_launcher: bool = False
    grace_s: float = 600.0


class Child:
    """A program that has been started."""

    def __init__(self, process: asyncio.subprocess.Process, program: Program) -> None:
        self._process, self._program = process, program

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it is left."""
        return self._process.returncode is not None

    @property
    def has_succeeded(self) -> bool:
        """Whether it has ended with status 0."""
        return self._process.returncode == 0

    async def wait(self, timeout_s: float | None = None) -> bool:
        """Whether it has ended within so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), timeout_s)
        return self.has_ended

    def stop(self) -> None:
        """Have it end in order, within `grace_s`. Asking again changes nothing."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def kill(self) -> None:
        """Have it end at once."""
        if not self.has_ended:
            self._process.send_signal(signal.SIGQUIT)

    def read_status(self) -> str:
        """How it ended, in words."""
        status = self._process.returncode or 0
        name = signal.Signals(status - 128).name if 128 < status < 160 else ""
        return f"was killed by {name}" if name else f"ended with status {status}"

    def read_last_line(self) -> str:
        """The last line that it wrote; empty if it wrote none."""
        with suppress(OSError), self._program.log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
            lines = file.read().decode(errors="replace").split("\n")
            return next((shown for line in reversed(lines) if (shown := show_line(line, None))), "")
        return ""


@asynccontextmanager
async def start_child(program: Program) -> AsyncIterator[Child]:
    """A program that runs while the body does; what is left of it when the body is left is killed.

    What an earlier flow that was killed left of the same program is waited for or ended first, so that two never write
    to one folder.
    """
    await end_leftovers(program)
    program.log.parent.mkdir(parents=True, exist_ok=True)
    form = "launcher" if program.is_launcher else "plain"
    command = ("tasks.supervision.guard", program.token, str(program.grace_s), form, *program.command)
    paths = [str(_FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])]
    with program.log.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={
                **pick_environment(*NETWORK, *_TRAINING),
                GUARD_MARK: program.token,
                "PYTHONPATH": os.pathsep.join(paths),
            },
            start_new_session=True,  # Ctrl-C in a terminal is the run's to handle
        )
    child = Child(process, program)
    try:
        yield child
    finally:
        child.kill()
        await asyncio.shield(process.wait())
        await _end(program, 0.0)  # a guard that was itself killed has left all to us


async def end_leftovers(program: Program) -> None:
    """End what an earlier flow left: its guard is at it already, or was killed too."""
    deadline = asyncio.get_running_loop().time() + program.grace_s + 2 * POLL_S
    while find_processes(GUARD_MARK, program.token) and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(POLL_S)
    await _end(program, program.grace_s)


async def _end(program: Program, grace_s: float) -> None:
    """SIGTERM to all that carry the mark, and SIGKILL after a while."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + grace_s
    left = find_processes(CHILD_MARK, program.token)
    if grace_s:
        send_signal(left, signal.SIGTERM)
    while left := find_processes(CHILD_MARK, program.token):
        if loop.time() >= deadline:
            send_signal(left, signal.SIGKILL)
        await asyncio.sleep(POLL_S)
