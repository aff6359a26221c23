"""A trainer's process from its start to its end, whatever happens to it, and nothing left of it afterwards."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.training import EndEvent, NoteEvent, StepEvent, TrainEvent
from tasks.supervision import child as child_module
from tasks.supervision import supervise as module
from tasks.supervision.child import Program
from tasks.supervision.events import read_end, read_steps
from tasks.supervision.processes import find_processes
from tasks.supervision.supervise import LostWorkerError, run_to_end, supervise
from tests.tasks.supervision.parts import find_trainer, list_living, make_program, wait_until
from tests.tasks.supervision.scripted_trainer import Behaviour

pytestmark = pytest.mark.forced

HELD = Behaviour(steps=100, hold_at=3, save_every=100)
"""A trainer that stays at step 3 until it is asked to stop."""


class Watched:
    """A trainer that is supervised: what it has told, and how to have it end."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.folder = Path(program.token)
        self.events: list[TrainEvent] = []
        self.stop = asyncio.Event()

    async def run(self, restarts: int = 3, pause_s: float = 0.0) -> EndEvent:
        return await supervise(
            self.program, self.folder / "events.jsonl", self.report, self.stop, restarts=restarts, pause_s=pause_s
        )

    def report(self, event: TrainEvent) -> None:
        self.events.append(event)

    @property
    def steps(self) -> list[int]:
        return [event.step for event in self.events if isinstance(event, StepEvent)]

    @property
    def notes(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, NoteEvent)]

    async def reach(self, step: int) -> None:
        while not self.steps or self.steps[-1] < step:
            await asyncio.sleep(0.02)


async def test_a_trainer_that_finishes_is_followed_to_its_end(tmp_path: Path) -> None:
    watched = Watched(make_program(tmp_path, Behaviour(steps=5)))
    end = await watched.run()
    assert (end.status, end.step) == ("done", 5)
    assert watched.steps == [1, 2, 3, 4, 5]
    assert [type(event) for event in watched.events] == [NoteEvent, *[StepEvent] * 5, EndEvent]
    assert "trainer: it begins" in watched.program.log.read_text()
    assert list_living(watched.program.token) == set()


@pytest.mark.parametrize("action", ["train", "launch"])
async def test_a_killed_trainer_goes_on_from_its_last_checkpoint(tmp_path: Path, action: str) -> None:
    watched = Watched(make_program(tmp_path, Behaviour(steps=6, save_every=2, die_at=(3, 5)), action=action))
    end = await watched.run()
    assert (end.status, end.step) == ("done", 6)
    assert watched.steps == [1, 2, 3, 3, 4, 5, 5, 6]
    assert [note for note in watched.notes if note.startswith("begins")] == [
        "begins at step 0", "begins at step 2", "begins at step 4"
    ]  # fmt: skip
    lost = [note for note in watched.notes if not note.startswith("begins")]
    how = "was killed by SIGKILL" if action == "train" else "ended with status 1"
    assert lost == [
        f"the training process {how} after step {step} and said nothing; the last line of its log: "
        f"trainer: it begins; it is started again from its last whole checkpoint ({attempt} of 3)"
        for attempt, step in ((1, 3), (2, 5))
    ]
    assert [step.step for step in read_steps(watched.folder / "events.jsonl")] == [1, 2, 3, 4, 5, 6]


async def test_a_trainer_that_is_lost_too_often_fails_the_run_and_the_next_one_goes_on(tmp_path: Path) -> None:
    program = make_program(tmp_path, Behaviour(steps=6, save_every=2, die_at=(3, 4, 5)))
    watched = Watched(program)
    with pytest.raises(LostWorkerError) as caught:
        await watched.run(restarts=1)
    assert str(caught.value) == (
        "the training process ended with status 1 after step 4 and said nothing; the last line of its log: "
        f"trainer: it begins, 2 times; the log is {program.log}. The same command goes on from the last checkpoint."
    )
    assert [note for note in watched.notes if "(1 of 1)" in note] == watched.notes[1:2]
    assert len(watched.notes) == 3  # two beginnings, and one loss
    assert list_living(program.token) == set()

    again = Watched(program)
    assert (await again.run(restarts=1)).status == "done"
    assert again.steps == [3, 4, 5, 5, 6]


def make_silent(folder: Path, code: str) -> Program:
    """A program that tells no events."""
    return Program((sys.executable, "-S", "-c", code), token=str(folder), log=folder / "log", grace_s=20.0)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise SystemExit(3)", "ended with status 3 after step 0 and said nothing, 1 times"),
        ("print('a' * 400); raise SystemExit(3)",
         f"ended with status 3 after step 0 and said nothing; the last line of its log: {'a' * 300}, 1 times"),
        ("", "ended with status 0 after step 0 and said nothing, 1 times"),
    ],
)  # fmt: skip
async def test_a_trainer_that_ends_without_a_word_is_lost_whatever_was_said_before(
    tmp_path: Path, code: str, said: str
) -> None:
    """An earlier run's end stands in its events."""
    (tmp_path / "events.jsonl").write_text('{"kind": "end", "status": "done", "step": 9}\n')
    watched = Watched(make_silent(tmp_path, code))
    with pytest.raises(LostWorkerError) as caught:
        await watched.run(restarts=0)
    assert f"the training process {said}; the log is " in str(caught.value)
    assert watched.events == []


async def test_a_lost_trainer_is_started_again_after_a_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which the test does not wait for."""
    paused: list[float] = []

    async def wait_for(waiting: Any, seconds: float) -> None:
        waiting.close()
        paused.append(seconds)
        raise TimeoutError

    watched = Watched(make_program(tmp_path, Behaviour(steps=4, die_at=(1, 3))))
    told = SimpleNamespace(wait_for=wait_for, CancelledError=asyncio.CancelledError, Event=asyncio.Event)
    monkeypatch.setattr(module, "asyncio", told)
    assert (await watched.run(pause_s=1000.0)).status == "done"
    assert paused == [1000.0, 1000.0]


async def test_a_run_that_is_stopped_in_the_pause_is_stopped_there(tmp_path: Path) -> None:
    class Stopping(Watched):
        def report(self, event: TrainEvent) -> None:
            super().report(event)
            if isinstance(event, NoteEvent) and "started again" in event.text:
                self.stop.set()

    watched = Stopping(make_program(tmp_path, Behaviour(steps=4, die_at=(1,))))
    end = await asyncio.wait_for(watched.run(pause_s=1000.0), 100)
    assert end == EndEvent(status="stopped", step=1, message="it ended without writing a checkpoint first")
    assert len(watched.notes) == 2


async def test_a_launcher_that_is_killed_leaves_no_trainer_behind(tmp_path: Path) -> None:
    watched = Watched(make_program(tmp_path, HELD))
    running = asyncio.ensure_future(watched.run(restarts=0))
    await watched.reach(3)
    trainer = find_trainer(watched.program.token)
    os.kill(read_parent(trainer), signal.SIGKILL)
    with pytest.raises(LostWorkerError, match="killed by SIGKILL"):
        await running
    assert list_living(watched.program.token) == set()


@pytest.mark.parametrize("status", ["diverged", "out_of_memory", "disk_full", "failed"])
async def test_what_a_trainer_says_of_its_end_is_believed_and_not_tried_again(tmp_path: Path, status: str) -> None:
    behaviour = Behaviour(end=status, end_at=3, message="what to do")
    watched = Watched(make_program(tmp_path, behaviour))
    end = await watched.run()
    assert end == EndEvent(status=status, step=3, message="what to do")
    assert watched.steps == [1, 2, 3]
    assert read_end(watched.folder / "events.jsonl") == end


async def see(path: Path) -> None:
    """Wait until a file is there."""
    while not path.exists():
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("action", ["train", "launch"])
async def test_a_trainer_that_is_stopped_gets_one_sigterm_and_the_time_to_save(tmp_path: Path, action: str) -> None:
    held = Behaviour(steps=100, hold_at=3, hold_save=True, save_every=100)
    watched = Watched(make_program(tmp_path, held, action=action))
    running = asyncio.ensure_future(watched.run())
    await watched.reach(3)
    trainer = find_trainer(watched.program.token)
    watched.stop.set()
    await see(watched.folder / "sigterms")
    (watched.folder / "may-save").touch()
    end = await running
    assert end == EndEvent(status="stopped", step=3)
    assert (watched.folder / "checkpoints" / "step").read_text() == "3"
    assert (watched.folder / "sigterms").read_text() == f"{trainer}\n"
    assert list_living(watched.program.token) == set()


@pytest.mark.parametrize("restarts", [0, 3])
async def test_a_trainer_that_does_not_end_in_time_is_killed_and_not_started_again(
    tmp_path: Path, restarts: int
) -> None:
    held = Behaviour(steps=100, hold_at=3, deaf=True)
    watched = Watched(make_program(tmp_path, held, grace_s=0.5))
    running = asyncio.ensure_future(watched.run(restarts=restarts))
    await watched.reach(3)
    watched.stop.set()
    end = await running
    assert end == EndEvent(status="stopped", step=3, message="it ended without writing a checkpoint first")
    assert watched.notes == ["begins at step 0"]
    assert list_living(watched.program.token) == set()


async def test_cancelling_lets_the_trainer_save_too(tmp_path: Path) -> None:
    watched = Watched(make_program(tmp_path, HELD))
    running = asyncio.ensure_future(watched.run())
    await watched.reach(3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (watched.folder / "checkpoints" / "step").read_text() == "3"
    assert list_living(watched.program.token) == set()


class Terminated(BaseException):
    """What a worker's signal raises in whatever runs."""


async def test_a_signal_that_comes_while_an_event_is_reported_lets_the_trainer_save_too(tmp_path: Path) -> None:
    program = make_program(tmp_path, HELD)

    def report(event: TrainEvent) -> None:
        if isinstance(event, StepEvent) and event.step == 3:
            raise Terminated

    with pytest.raises(Terminated):
        await supervise(program, Path(program.token) / "events.jsonl", report, asyncio.Event())
    assert (Path(program.token) / "checkpoints" / "step").read_text() == "3"
    assert list_living(program.token) == set()


async def test_cancelling_what_is_to_stop_already_kills_the_trainer(tmp_path: Path) -> None:
    watched = Watched(make_program(tmp_path, Behaviour(steps=100, hold_at=3, deaf=True), grace_s=1000.0))
    running = asyncio.ensure_future(watched.run())
    await watched.reach(3)
    watched.stop.set()
    await see(watched.folder / "sigterms")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert list_living(watched.program.token) == set()


SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from tasks.supervision.child import Program
from tasks.supervision.processes import find_processes
from tasks.supervision.supervise import supervise
run, *command = sys.argv[1:]
program = Program(tuple(command), token=run, log=Path(run, "train.log"), is_launcher=True, grace_s=20.0)
asyncio.run(supervise(program, Path(run, "events.jsonl"), print, asyncio.Event()))
"""


def start_supervisor(program: Program) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", SUPERVISOR, program.token, *program.command]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=Path(__file__).parents[3])


async def test_when_the_flow_is_killed_its_trainer_saves_and_ends_by_itself(tmp_path: Path) -> None:
    program = make_program(tmp_path, HELD)
    supervisor = start_supervisor(program)
    events = Path(program.token) / "events.jsonl"
    wait_until(lambda: len(read_steps(events)) >= 3, "three steps")
    supervisor.kill()
    supervisor.wait()
    wait_until(lambda: not list_living(program.token), "the end of all processes")
    assert read_end(events) == EndEvent(status="stopped", step=3)
    assert (Path(program.token) / "checkpoints" / "step").read_text() == "3"


@pytest.mark.parametrize("kill_guard", [False, True])
async def test_a_new_flow_waits_for_what_a_killed_one_left_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill_guard: bool
) -> None:
    """The old trainer's checkpoint is done when the new flow has looked for it five times."""
    program = make_program(tmp_path, Behaviour(steps=6, hold_at=3, hold_save=True, save_every=100))
    supervisor = start_supervisor(program)
    events = Path(program.token) / "events.jsonl"
    wait_until(lambda: len(read_steps(events)) >= 3, "three steps")
    trainer = find_trainer(program.token)
    if kill_guard:
        supervisor.send_signal(signal.SIGSTOP)  # or it would end what its guard leaves
        kill_all(list_living(program.token) - {trainer})
    supervisor.kill()
    supervisor.wait()
    looks: list[str] = []

    def look(mark: str, token: str) -> dict[int, int]:
        looks.append(mark)
        if len(looks) == 5:
            (Path(token) / "may-save").touch()
        return find_processes(mark, token)

    monkeypatch.setattr(child_module, "find_processes", look)
    watched = Watched(program)
    end = await watched.run()
    assert (end.status, end.step) == ("done", 6)
    assert watched.steps == [4, 5, 6]
    assert "begins at step 3" in watched.notes
    assert (Path(program.token) / "sigterms").read_text() == f"{trainer}\n"


async def test_a_program_that_ends_well_has_no_more_to_say(tmp_path: Path) -> None:
    assert await run_to_end(make_silent(tmp_path, "print('fine')"), asyncio.Event()) is None


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("print('some', flush=True); raise SystemExit('error: no rows')", "error: no rows"),
        ("raise SystemExit(3)", "it ended with status 3"),
        ("import os; os.kill(os.getpid(), 9)", "it was killed by SIGKILL"),
    ],
)
async def test_a_program_that_fails_ends_with_its_last_line(tmp_path: Path, code: str, said: str) -> None:
    assert await run_to_end(make_silent(tmp_path, code), asyncio.Event()) == said


async def test_a_program_that_is_to_stop_is_ended(tmp_path: Path) -> None:
    stop = asyncio.Event()
    stop.set()
    assert await run_to_end(make_silent(tmp_path, "import time; time.sleep(600)"), stop) == "it was killed by SIGTERM"
    assert list_living(str(tmp_path)) == set()


def read_parent(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def kill_all(processes: set[int]) -> None:
    for process in processes:
        os.kill(process, signal.SIGKILL)
