"""What this machine has for training: GPUs by asking nvidia-smi, memory, and room on the disk. Loads no driver."""

import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from schemas.environment import pick_environment
from schemas.errors import UserError

_QUERY = ("index", "uuid", "name", "memory.total", "memory.free")
_TIMEOUT_S = 60.0
_MIB = 2**20


@dataclass(frozen=True)
class Gpu:
    """One card; sizes in bytes. `free` is what no process holds now."""

    name: str
    total: int
    free: int


@dataclass(frozen=True)
class Machine:
    """Cards that this process may use, and bytes of main memory that are available."""

    gpus: tuple[Gpu, ...]
    memory: int


def read_machine() -> Machine:
    """The machine as it is now. Raises UserError if there is a driver that does not answer."""
    return Machine(read_gpus(), read_memory())


def read_gpus() -> tuple[Gpu, ...]:
    """The cards that nvidia-smi lists and CUDA_VISIBLE_DEVICES lets through; none where there is no nvidia-smi.

    Raises:
        UserError: nvidia-smi fails, which means that training would too.
    """
    command = ["nvidia-smi", f"--query-gpu={','.join(_QUERY)}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False,
            env=pick_environment("CUDA_*", "NVIDIA_*"),
        )  # fmt: skip
    except OSError:
        return ()
    except subprocess.TimeoutExpired as error:
        raise UserError(f"nvidia-smi gave no answer in {_TIMEOUT_S:.0f} s: the driver hangs; see dmesg.") from error
    if done.returncode:
        said = " ".join((done.stdout + done.stderr).split()) or f"status {done.returncode}"
        raise UserError(f"nvidia-smi fails, so no GPU can be used: {said}.")
    rows = [[part.strip() for part in line.split(",")] for line in done.stdout.splitlines() if line.strip()]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        chosen = [name.strip() for name in visible.split(",")]
        rows = [row for row in rows if row[0] in chosen or any(name and row[1].startswith(name) for name in chosen)]
    return tuple(_read_gpu(row) for row in rows)


def _read_gpu(row: list[str]) -> Gpu:
    """A line of nvidia-smi; one that shares the machine's memory says [N/A] for sizes."""
    try:
        total, free = (int(text) * _MIB for text in row[3:5])
    except ValueError as error:
        raise UserError(f"nvidia-smi does not say how much memory {row[2]} has; use another card, or --cpu.") from error
    return Gpu(row[2], total, free)


def read_memory() -> int:
    """Bytes of main memory that may still be had, within the limit of a container too."""
    available = int(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        available = min(available, limit - used)
    return available


def read_free_disk(folder: Path) -> int:
    """Bytes free where the folder lies, or will."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(there).free
