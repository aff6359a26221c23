"""Runs of the command line as processes of their own, which a test may watch, signal and kill."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasks.completions.store import STORE_NAME
from tasks.teacher import CompletionStore

PROJECT = Path(__file__).parents[2]
PATIENCE_S = 300.0
"""Far longer than anything here takes, also on a busy machine: who waits so long has hung."""


_PROGRESS = re.compile(r"\d+/\d+ APIs\b")


def list_said(err: str) -> list[str]:
    """The lines of a run's stderr but for those that tell how far it is: how many there are, its pace decides."""
    return [line for line in err.splitlines() if not _PROGRESS.match(line)]


@dataclass(frozen=True)
class Ended:
    """What a process left: its exit status (negative for a signal that killed it) and what it said."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> list[str]:
        """See `list_said`."""
        return list_said(self.err)


class Running:
    """A process that goes on, in a process group of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]", out: Path, err: Path) -> None:
        self._process = process
        self._out, self._err = out, err

    @property
    def err(self) -> str:
        """What it has said on stderr so far."""
        return self._err.read_text()

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Return when the condition holds; the process must not end before."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert self._process.poll() is None, f"ended before {what}: {self.err}"
            assert time.monotonic() < deadline, f"waited in vain for {what}: {self.err}"
            time.sleep(0.02)

    def send(self, sign: signal.Signals, *, to_group: bool = False) -> None:
        """Signal the process, or all of its group, as a terminal does."""
        (os.killpg if to_group else os.kill)(self._process.pid, sign)

    def wait(self) -> Ended:
        """What it left when it ended. Raises subprocess.TimeoutExpired where it does not end."""
        status = self._process.wait(PATIENCE_S)
        return Ended(status, self._out.read_text(), self.err)


@dataclass(frozen=True)
class Workplace:
    """A data root and a Prefect home in a folder, the server to use (None starts one), and further variables."""

    folder: Path
    api_url: str | None = None
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def data(self) -> Path:
        """The data root."""
        return self.folder / "data"

    @property
    def home(self) -> Path:
        """PREFECT_HOME."""
        return self.folder / "home"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a run here."""
        ours = ("PREFECT_", "TOOLHERD_", "OPENAI_")
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(ours)},
            "PREFECT_HOME": str(self.home),
            "TOOLHERD_DATA_ROOT": str(self.data),
            **({} if self.api_url is None else {"PREFECT_API_URL": self.api_url}),
            **dict(self.variables),
        }

    @contextmanager
    def start(self, *options: str, program: Sequence[str] = ("-m", "flows.build_dataset")) -> Iterator[Running]:
        """Runs `python -m flows.build_dataset` with these options; what is left of it at the end is killed."""
        command = [sys.executable, *program, *options]
        number = len(list(self.folder.glob("*.out")))
        out, err = self.folder / f"{number}.out", self.folder / f"{number}.err"
        with out.open("wb") as written, err.open("wb") as said:
            process = subprocess.Popen(
                command, cwd=PROJECT, env=self.environment, stdin=subprocess.DEVNULL, stdout=written, stderr=said,
                start_new_session=True,
            )  # fmt: skip
        try:
            yield Running(process, out, err)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def build(self, *options: str) -> Ended:
        """A run to its end."""
        with self.start(*options) as running:
            return running.wait()

    def count_completions(self) -> int:
        """How many completions the store holds."""
        with CompletionStore(self.data / "cache" / STORE_NAME) as store:
            return store.count()

    def list_versions(self, name: str = "toolherd") -> list[str]:
        """The versions of a dataset, unfinished ones too."""
        return sorted(path.name for path in (self.data / "datasets" / name).glob("v*"))

    def read_content_hash(self, name: str, version: str) -> str:
        """The content hash of a version's train.parquet."""
        manifest = json.loads((self.data / "datasets" / name / version / "manifest.json").read_text())
        content_hash: str = manifest["tables"]["train.parquet"]["content_hash"]
        return content_hash
