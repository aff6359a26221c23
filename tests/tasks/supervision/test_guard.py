"""The guard over real programs, in this process and by a clock of its own: who is asked to end, when, and how often."""

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tasks.supervision import guard as module
from tasks.supervision.guard import guard
from tasks.supervision.processes import CHILD_MARK, GUARD_MARK, find_processes, send_signal
from tests.tasks.supervision.parts import PATIENCE_S, wait_until

pytestmark = pytest.mark.forced

WORKER = """
import os, signal, sys, time
folder, role = sys.argv[1:3]
def take(*_):
    with open(f"{folder}/sigterms", "a") as file:
        file.write(role + "\\n")
signal.signal(signal.SIGTERM, take)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
open(f"{folder}/{role}", "w").write(str(os.getpid()))
while not os.path.exists(f"{folder}/{role}-may-end"):
    time.sleep(0.005)
sys.exit(7)
"""
"""Writes down each SIGTERM, and ends with status 7 when it may."""

LAUNCHER = """
import os, signal, subprocess, sys, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # until a worker can take it
folder, code, *roles = sys.argv[1:]
def start(role):
    return subprocess.Popen([sys.executable, "-S", "-c", code, folder, role], start_new_session=True)
started = [start(role) for role in roles]
def wait_for(name):
    while not os.path.exists(f"{folder}/{name}"):
        time.sleep(0.005)
def wait():
    for one in started:
        one.wait()
exec(open(f"{folder}/launcher.py").read())
"""
"""Starts workers in sessions of their own, and goes on as it is told."""


class Stage:
    """A folder in which workers play, and what the guard does to them, by the seconds that went by on its own clock.

    The clock goes on at each of the guard's looks, and only while `may_go_on` says so; `at` is done when it shows
    that time.
    """

    def __init__(self, folder: Path, pipe: int) -> None:
        self.folder, self._pipe = folder, pipe
        self.now = 0.0
        self.sent: list[tuple[float, str, list[int]]] = []
        self.at: dict[float, Callable[[], object]] = {}
        self.may_go_on: Callable[[], bool] = lambda: True
        self._until = time.monotonic() + PATIENCE_S

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        time.sleep(0.01)
        assert time.monotonic() < self._until, f"the guard is still at it: {self.signals}"
        if self.may_go_on():
            self.now = round(self.now + seconds, 3)
            if work := self.at.pop(self.now, None):
                work()

    def close(self) -> None:
        """The flow lets go of the guard."""
        if self._pipe >= 0:
            os.close(self._pipe)
        self._pipe = -1

    def say(self, text: bytes) -> None:
        os.write(self._pipe, text)

    def let_end(self, role: str) -> None:
        (self.folder / f"{role}-may-end").touch()

    def is_there(self, *roles: str) -> bool:
        """Whether they have begun to play."""
        return all((self.folder / role).exists() and (self.folder / role).read_text() for role in roles)

    @property
    def signals(self) -> list[tuple[float, str, set[str]]]:
        """What the guard sent when, and to whom: workers by their role, all else is the launcher."""
        roles = {path.read_text(): path.name for path in self.folder.iterdir() if path.is_file()}
        return [
            (moment, sign, {roles.get(str(process), "launcher") for process in processes})
            for moment, sign, processes in self.sent
        ]

    @property
    def sigterms(self) -> list[str]:
        path = self.folder / "sigterms"
        return sorted(path.read_text().split()) if path.exists() else []

    def run(self, *roles: str, grace_s: float = 2.0, launcher: str = "", kind: bool = True) -> int:
        """Guard a worker of that role, or a launcher of several, which goes on by the code `launcher`."""
        command = [sys.executable, "-S", "-c", WORKER, str(self.folder), *roles]
        if launcher:
            (self.folder / "launcher.py").write_text(launcher)
            command = [sys.executable, "-S", "-c", LAUNCHER, str(self.folder), WORKER, *roles]
        return guard(str(self.folder), grace_s, command, launcher=bool(launcher) and kind)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
    handlers = {number: signal.getsignal(number) for number in numbers}
    reading, writing = os.pipe()
    made = Stage(tmp_path, writing)
    real_select = select.select

    def record(processes: Iterable[int], sign: signal.Signals) -> None:
        chosen = list(processes)
        if chosen:
            made.sent.append((made.now, sign.name, chosen))
        send_signal(chosen, sign)

    def look(reading: Any, writing: Any, failing: Any, seconds: float) -> object:
        made.sleep(seconds)  # and what has come is seen at once
        return real_select(reading, writing, failing, 0)

    monkeypatch.setattr(module, "time", made)
    monkeypatch.setattr(module, "send_signal", record)
    monkeypatch.setattr(module, "select", SimpleNamespace(select=look))
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield made
    made.close()
    for number, handler in handlers.items():
        signal.signal(number, handler)
    for process in find_processes(CHILD_MARK, str(tmp_path)):
        os.kill(process, signal.SIGKILL)


def wait_for(stage: Stage, *roles: str, after: float = 0.2) -> None:
    """Let the clock begin when they are there; then the flow lets go."""
    stage.may_go_on = lambda: stage.is_there(*roles)
    stage.at[after] = stage.close


def test_a_program_that_ends_by_itself_hands_on_its_status(stage: Stage) -> None:
    stage.let_end("worker")
    assert stage.run("worker") == 7
    assert stage.signals == []


@pytest.mark.parametrize(
    ("code", "status"), [("", 0), ("import os; os.kill(os.getpid(), 9)", 137), ("import sys; sys.exit(255)", 255)]
)
def test_a_status_is_as_a_shell_has_it(stage: Stage, code: str, status: int) -> None:
    assert guard(str(stage.folder), 2.0, [sys.executable, "-S", "-c", code], launcher=False) == status


def test_a_program_knows_whose_it_is_and_has_no_input(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GUARD_MARK, "the guard's own")
    monkeypatch.setenv("ANOTHER", "stays")
    told = stage.folder / "told"
    code = (
        "import os, sys; print(repr(sys.stdin.read()), [os.environ.get(name) for name in sys.argv[2:]], "
        "file=open(sys.argv[1], 'w'))"
    )
    names = [CHILD_MARK, GUARD_MARK, "ANOTHER"]
    guard(str(stage.folder), 2.0, [sys.executable, "-S", "-c", code, str(told), *names], launcher=False)
    assert told.read_text().strip() == f"'' {[str(stage.folder), None, 'stays']}"


def test_let_go_of_it_asks_once_waits_and_kills_when_the_time_is_over(stage: Stage) -> None:
    wait_for(stage, "worker")
    assert stage.run("worker", grace_s=2.0) == 137
    assert stage.signals == [(0.2, "SIGTERM", {"worker"}), (2.2, "SIGKILL", {"worker"})]


def test_a_program_that_ends_when_it_is_asked_to_hands_on_its_status(stage: Stage) -> None:
    """However long it takes within its time; it hears of it once."""
    wait_for(stage, "worker")

    def end() -> None:
        assert stage.sigterms == ["worker"]
        stage.let_end("worker")
        stage.may_go_on = lambda: False  # all the time that it takes to end

    stage.at[1.8] = end
    stage.may_go_on = lambda: stage.is_there("worker") and (stage.now < 1.6 or stage.sigterms != [])
    assert stage.run("worker", grace_s=2.0) == 7
    assert stage.signals == [(0.2, "SIGTERM", {"worker"})]


def test_what_is_written_to_the_guard_is_no_end(stage: Stage) -> None:
    stage.may_go_on = lambda: stage.is_there("worker")
    stage.at[0.2] = lambda: stage.say(b"still here")
    stage.at[1.0] = lambda: stage.let_end("worker")
    assert stage.run("worker") == 7
    assert stage.signals == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_guard_asks_too_and_a_second_one_changes_nothing(stage: Stage, number: signal.Signals) -> None:
    stage.may_go_on = lambda: stage.is_there("worker")
    for moment in (0.4, 1.0, 2.0):
        stage.at[moment] = lambda: os.kill(os.getpid(), number)
    assert stage.run("worker", grace_s=2.0) == 137
    assert stage.signals == [(0.4, "SIGTERM", {"worker"}), (2.4, "SIGKILL", {"worker"})]


def test_sigquit_ends_it_at_once(stage: Stage) -> None:
    stage.may_go_on = lambda: stage.is_there("worker")
    stage.at[0.4] = lambda: os.kill(os.getpid(), signal.SIGQUIT)
    assert stage.run("worker", grace_s=1000.0) == 137
    assert stage.signals[0] == (0.4, "SIGKILL", {"worker"})


def test_sigquit_cuts_the_time_short_that_it_was_given(stage: Stage) -> None:
    wait_for(stage, "worker")
    stage.at[0.6] = lambda: os.kill(os.getpid(), signal.SIGQUIT)
    assert stage.run("worker", grace_s=1000.0) == 137
    assert stage.signals[:2] == [(0.2, "SIGTERM", {"worker"}), (0.6, "SIGKILL", {"worker"})]


def test_of_a_launcher_its_workers_are_asked_and_it_ends_when_they_do(stage: Stage) -> None:
    wait_for(stage, "a", "b")

    def end() -> None:
        assert stage.sigterms == ["a", "b"]
        stage.let_end("a")
        stage.let_end("b")
        stage.may_go_on = lambda: False

    stage.at[1.0] = end
    stage.may_go_on = lambda: stage.is_there("a", "b") and (stage.now < 0.8 or stage.sigterms == ["a", "b"])
    assert stage.run("a", "b", launcher="wait(); sys.exit(5)", grace_s=1000.0) == 5
    assert stage.signals[0] == (0.2, "SIGTERM", {"a", "b"})
    # where it is still there when its workers are gone, it is asked itself
    assert all(later[1:] == ("SIGTERM", {"launcher"}) for later in stage.signals[1:])


def test_a_program_that_is_no_launcher_is_asked_itself(stage: Stage) -> None:
    wait_for(stage, "a")
    stage.run("a", launcher="wait()", kind=False, grace_s=1.0)
    assert stage.signals[0] == (0.2, "SIGTERM", {"launcher"})
    assert stage.signals[1] == (1.2, "SIGKILL", {"launcher", "a"})


def test_a_worker_that_comes_up_late_is_asked_too_and_the_others_not_again(stage: Stage) -> None:
    wait_for(stage, "a")
    stage.at[0.6] = lambda: (stage.folder / "more").touch()
    stage.may_go_on = lambda: stage.is_there("a") and (stage.now < 0.8 or stage.is_there("b"))
    stage.run("a", launcher="wait_for('more'); started.append(start('b')); wait()", grace_s=3.0)
    asked = [(sign, roles) for _, sign, roles in stage.signals if sign == "SIGTERM"]
    assert asked == [("SIGTERM", {"a"}), ("SIGTERM", {"b"})]
    assert stage.signals[-1] == (3.2, "SIGKILL", {"launcher", "a", "b"})


def test_when_a_launcher_is_gone_what_it_left_is_asked(stage: Stage) -> None:
    """It dies as the flow lets go; its worker trains on."""
    wait_for(stage, "a")

    def die() -> None:
        (stage.folder / "die").touch()
        wait_until(lambda: len(find_processes(CHILD_MARK, str(stage.folder))) == 1, "the launcher's end")
        stage.close()

    stage.at[0.2] = die
    assert stage.run("a", launcher="wait_for('die'); os._exit(3)", grace_s=1.0) == 3
    assert stage.signals == [(0.2, "SIGTERM", {"a"}), (1.2, "SIGKILL", {"a"})]


def test_helpers_of_a_program_that_has_ended_get_five_seconds_and_no_more(stage: Stage) -> None:
    """They are not asked: nobody is left whose checkpoint it would be."""
    stage.may_go_on = lambda: stage.is_there("helper") and len(find_processes(CHILD_MARK, str(stage.folder))) == 1
    assert stage.run("helper", launcher="wait_for('helper'); sys.exit(4)") == 4
    ((moment, sign, roles),) = stage.signals
    assert (sign, roles) == ("SIGKILL", {"helper"})
    assert moment in (5.0, 5.2)  # by whether the guard sees its end a look later
    assert stage.sigterms == []
    assert find_processes(CHILD_MARK, str(stage.folder)) == {}


def test_helpers_that_end_by_themselves_are_left_to(stage: Stage) -> None:
    stage.may_go_on = lambda: stage.is_there("helper")

    def end() -> None:
        stage.let_end("helper")
        stage.may_go_on = lambda: False  # all the time that it takes to end

    stage.at[2.0] = end
    assert stage.run("helper", launcher="wait_for('helper'); sys.exit(4)") == 4
    assert stage.signals == []
