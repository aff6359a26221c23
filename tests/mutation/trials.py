"""Runs of test files in copies of the tree, several at a time, each in a fork of this process.

The packages that everything imports are loaded once, here, and nothing of ours is: a fork finds the copy's modules when
it imports them, with the mistake that was planted in them. Linux only.
"""

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

PRELOADED = (
    *(
        "openai",
        "prefect",
        "prefect.testing.utilities",
        "fastapi",
        "hypothesis.strategies",
        "pytest",
        "faker",
        "pandas",
    ),
    *("pyarrow.parquet", "jsonschema_rs", "openapi_spec_validator"),
)
FOR_TRAINING = ("torch", "transformers", "trl")
OURS = ("tests", "flows", "tasks", "schemas", "prompts", "deployments")
MARK = "PYTHON_TRIAL_OF"
"""The environment variable by which what a trial leaves running is found; every child is given those of Python."""
PYTEST = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly")


@dataclass(frozen=True)
class Trial:
    """Some test files, to be run on a tree with at most one file changed."""

    tests: tuple[str, ...]
    limit_s: float
    file: str | None = None
    source: str = ""
    cover: tuple[str, ...] = ()
    """The files whose lines are followed; none by default, since it takes time."""


@dataclass(frozen=True)
class Outcome:
    """How a trial ended."""

    status: int | None
    """pytest's exit status: 0 where all passed; None where the time was up."""
    seconds: float
    output: str
    lines: dict[str, list[int]] = field(default_factory=dict)
    """The lines that ran, by file, of those that were followed."""


def preload(training: bool) -> None:
    """Load what takes long to import; torch and what stands on it where it is about training."""
    os.environ.update(OMP_NUM_THREADS="1", PYTHONDONTWRITEBYTECODE="1", TOKENIZERS_PARALLELISM="false")
    for name in PRELOADED + FOR_TRAINING * training:
        with suppress(ImportError):
            importlib.import_module(name)


@contextmanager
def open_copies(root: Path, count: int) -> Iterator[list[Path]]:
    """Copies of what git has or would take, as it is now, compiled."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="th-") as scratch:
        copies = [Path(scratch, str(number), "toolherd") for number in range(count)]
        for copy in copies:
            for name in filter(None, listed.split("\0")):
                if (root / name).is_file():
                    (copy / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(root / name, copy / name)
            subprocess.run([sys.executable, "-m", "compileall", "-q", str(copy)], check=True,
                           env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""})  # fmt: skip
        yield copies


def run_all(trials: list[Trial], copies: list[Path], tell: Callable[[int, Outcome], None]) -> list[Outcome]:
    """The trials' outcomes in their order; as many at a time as there are copies. `tell` hears of each as it ends."""
    outcomes: dict[int, Outcome] = {}
    free, running = list(copies), dict[int, tuple[int, Path, float]]()
    waiting = list(enumerate(trials))
    while waiting or running:
        while waiting and free:
            number, trial = waiting.pop(0)
            copy = free.pop()
            running[_start(trial, copy)] = number, copy, time.monotonic()
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            time.sleep(0.02)
        for late in [
            one for one, (number, _, since) in running.items() if time.monotonic() - since > trials[number].limit_s
        ]:
            pid, status = late, os.waitpid(late, _kill(late))[1]
        if pid in running:
            number, copy, since = running.pop(pid)
            outcomes[number] = _finish(trials[number], copy, status, time.monotonic() - since)
            free.append(copy)
            tell(number, outcomes[number])
    return [outcomes[number] for number in range(len(trials))]


def _start(trial: Trial, copy: Path) -> int:
    if trial.file is not None:
        (copy / trial.file).write_text(trial.source, encoding="utf-8")
    sys.stdout.flush()
    if pid := os.fork():
        return pid
    try:
        os._exit(_run(trial, copy))
    finally:
        os._exit(3)


def _run(trial: Trial, copy: Path) -> int:
    os.setsid()
    os.environ[MARK] = str(copy)
    os.chdir(copy)
    output = os.open(copy.parent / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    sys.dont_write_bytecode = True
    sys.path[:] = [str(copy), *(entry for entry in sys.path[1:])]
    import coverage
    import pytest

    measured = coverage.Coverage(data_file=None, include=[str(copy / name) for name in trial.cover])
    if trial.cover:
        measured.start()
    status = int(pytest.main([*PYTEST, f"--basetemp={copy.parent / 't'}", *trial.tests]))
    if trial.cover:
        measured.stop()
        data = measured.get_data()
        lines = {str(Path(name).relative_to(copy)): data.lines(name) for name in data.measured_files()}
        (copy.parent / "lines").write_text(json.dumps(lines), encoding="utf-8")
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def _finish(trial: Trial, copy: Path, status: int, seconds: float) -> Outcome:
    for pid in _find_left_running(copy):
        _kill(pid)
    if trial.file is not None:
        shutil.copy2(Path.cwd() / trial.file, copy / trial.file)
    shutil.rmtree(copy / ".hypothesis", ignore_errors=True)
    shutil.rmtree(copy.parent / "t", ignore_errors=True)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    output = (copy.parent / "output").read_text(encoding="utf-8", errors="replace")
    lines = json.loads((copy.parent / "lines").read_text(encoding="utf-8")) if trial.cover and not status else {}
    return Outcome(None if killed else os.waitstatus_to_exitcode(status), seconds, output, lines)


def _find_left_running(copy: Path) -> list[int]:
    mark, found = f"{MARK}={copy}".encode(), []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in environment.read_bytes().split(b"\0"):
                found.append(int(environment.parent.name))
    return found


def _kill(pid: int) -> int:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return 0
