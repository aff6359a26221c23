"""A place of its own for each measured run: data root, Prefect home and server; and how a run is timed."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Timing:
    """Seconds from start to exit, of CPU too, and the highest resident memory in MiB: of the run, and with its Prefect
    server. The server's CPU is not in it.
    """

    seconds: float
    cpu_s: float
    peak_mib: float
    peak_with_server_mib: float


@dataclass(frozen=True)
class Workspace:
    """A data root and a Prefect home that nothing else uses."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a run here."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "TOOLHERD_"))}
        return {
            **clean,
            "TOOLHERD_DATA_ROOT": str(self.folder / "data"),
            "PREFECT_HOME": str(self.folder / "prefect"),
        }

    def build(self, *options: str) -> Timing:
        """Run `python -m flows.build_dataset` to its end.

        Raises:
            RuntimeError: It did not exit with 0; the message holds the end of what it printed.
        """
        start, cpu_start = time.perf_counter(), _measure_children()
        process = self.launch(*options)
        sampler = _Sampler(process.pid, self)
        status = process.wait()
        seconds, cpu_s = time.perf_counter() - start, _measure_children() - cpu_start
        sampler.stop()
        if status:
            raise RuntimeError(f"{' '.join(options)} exited with {status}:\n{self.read_log()[-3000:]}")
        return Timing(seconds, cpu_s, sampler.peak, sampler.peak_with_server)

    def launch(self, *options: str, own_group: bool = False) -> subprocess.Popen[bytes]:
        """Start `python -m flows.build_dataset`, as the leader of a process group of its own if that is wanted."""
        command = [sys.executable, "-m", "flows.build_dataset", *options]
        with (self.folder / "run.log").open("w") as file:
            return subprocess.Popen(
                command,
                cwd=PROJECT,
                env=self.environment,
                stdout=file,
                stderr=file,
                stdin=subprocess.DEVNULL,
                start_new_session=own_group,
            )

    def read_log(self) -> str:
        """What the last run printed."""
        return (self.folder / "run.log").read_text()

    def find_server(self) -> int | None:
        """The process id of this workspace's Prefect server."""
        try:
            pid: int | None = json.loads((self.folder / "prefect" / "toolherd-server.json").read_text())["pid"]
        except (OSError, ValueError, KeyError):
            return None
        return pid

    def stop_server(self) -> None:
        """End this workspace's Prefect server."""
        subprocess.run([sys.executable, "-m", "flows.server", "down"], cwd=PROJECT, env=self.environment, check=False,
                       capture_output=True)  # fmt: skip

    def count_instructions(self) -> int:
        """The instructions that were written, by the artifacts: each API's newest file."""
        folders = (self.folder / "data" / "instructions").iterdir()
        newest = [max(folder.glob("*.json"), key=lambda file: file.stat().st_mtime) for folder in folders]
        return sum(len(json.loads(file.read_bytes())["payload"]["instructions"]) for file in newest)

    def dataset(self, name: str) -> Path:
        """The folder of the newest version of a dataset."""
        folder = self.folder / "data" / "datasets" / name
        return folder / (folder / "latest").read_text().strip()

    def read(self, name: str, table: str) -> list[dict[str, Any]]:
        """The rows of one of a dataset's Parquet files."""
        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(self.dataset(name) / f"{table}.parquet").to_pylist()
        return rows

    def manifest(self, name: str) -> dict[str, Any]:
        """The manifest of a dataset's newest version."""
        manifest: dict[str, Any] = json.loads((self.dataset(name) / "manifest.json").read_text())
        return manifest


class _Sampler:
    """Watches the resident memory of a process tree, and of the server beside it, ten times a second."""

    def __init__(self, pid: int, workspace: Workspace) -> None:
        self.peak = self.peak_with_server = 0.0
        self._pid, self._workspace = pid, workspace
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            server = self._workspace.find_server()
            own = _measure_tree(self._pid, leave_out=server)
            self.peak = max(self.peak, own)
            self.peak_with_server = max(self.peak_with_server, own + (_measure_tree(server) if server else 0))


def _measure_tree(pid: int, leave_out: int | None = None) -> float:
    """Resident MiB of a process and all below it (Linux)."""
    if pid == leave_out:
        return 0.0
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):
        return 0.0
    own = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return own + sum(_measure_tree(int(child), leave_out) for child in children)


def _measure_children() -> float:
    """CPU seconds of this process's children that have ended, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@contextmanager
def open_workspace() -> Iterator[Workspace]:
    """A fresh workspace, its server stopped and its files removed at the end."""
    with tempfile.TemporaryDirectory(prefix="toolherd-bench-") as folder:
        workspace = Workspace(Path(folder))
        try:
            yield workspace
        finally:
            workspace.stop_server()
