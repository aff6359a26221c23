"""A trainer's process from its start to its end, whatever happens to it, and nothing left of it afterwards."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.training import EndEvent, NoteEvent, StepEvent, TrainEvent
from tasks.supervision.child import Program
from tasks.supervision.events import read_end, read_steps
from tasks.supervision.supervise import LostWorkerError, run_to_end, supervise
from tests.tasks.supervision.parts import find_trainer, list_living, make_program, wait_until
from tests.tasks.supervision.scripted_trainer import Behaviour

FOR_EVER = 100_000


class Watched:
    """A trainer that is supervised: what it has told, and how to have it end."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.folder = Path(program.token)
        self.events: list[TrainEvent] = []
        self.stop = asyncio.Event()

    async def run(self, restarts: int = 3) -> EndEvent:
        return await supervise(
            self.program, self.folder / "events.jsonl", self.events.append, self.stop, restarts=restarts
        )

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
    assert any("after step 3" in note and "(1 of 3)" in note for note in watched.notes)
    assert [step.step for step in read_steps(watched.folder / "events.jsonl")] == [1, 2, 3, 4, 5, 6]


async def test_a_trainer_that_is_lost_too_often_fails_the_run_and_the_next_one_goes_on(tmp_path: Path) -> None:
    program = make_program(tmp_path, Behaviour(steps=6, save_every=2, die_at=(3, 5), step_s=0.01))
    watched = Watched(program)
    with pytest.raises(LostWorkerError, match="after step 3") as caught:
        await watched.run(restarts=0)
    assert str(program.log) in str(caught.value)
    assert "it begins" in str(caught.value)
    assert list_living(program.token) == set()

    again = Watched(program)
    assert (await again.run(restarts=1)).status == "done"
    assert again.steps == [3, 4, 5, 5, 6]


async def test_a_launcher_that_is_killed_leaves_no_trainer_behind(tmp_path: Path) -> None:
    watched = Watched(make_program(tmp_path, Behaviour(steps=FOR_EVER, step_s=0.02)))
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


@pytest.mark.parametrize("action", ["train", "launch"])
async def test_a_trainer_that_is_stopped_gets_one_sigterm_and_the_time_to_save(tmp_path: Path, action: str) -> None:
    watched = Watched(
        make_program(tmp_path, Behaviour(steps=FOR_EVER, step_s=0.02, save_s=1.0, save_every=FOR_EVER), action=action)
    )
    running = asyncio.ensure_future(watched.run())
    await watched.reach(3)
    trainer = find_trainer(watched.program.token)
    watched.stop.set()
    end = await running
    assert end.status == "stopped"
    assert int((watched.folder / "checkpoints" / "step").read_text()) == end.step >= 3
    assert (watched.folder / "sigterms").read_text() == f"{trainer}\n"
    assert list_living(watched.program.token) == set()


async def test_a_trainer_that_does_not_end_in_time_is_killed(tmp_path: Path) -> None:
    watched = Watched(make_program(tmp_path, Behaviour(steps=FOR_EVER, step_s=0.02, deaf=True), grace_s=1.0))
    running = asyncio.ensure_future(watched.run())
    await watched.reach(3)
    watched.stop.set()
    end = await running
    assert (end.status, end.message) == ("stopped", "it ended without writing a checkpoint first")
    assert (watched.folder / "sigterms").exists()
    assert list_living(watched.program.token) == set()


async def test_cancelling_lets_the_trainer_save_too(tmp_path: Path) -> None:
    watched = Watched(make_program(tmp_path, Behaviour(steps=FOR_EVER, step_s=0.02, save_every=FOR_EVER)))
    running = asyncio.ensure_future(watched.run())
    await watched.reach(3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert int((watched.folder / "checkpoints" / "step").read_text()) >= 3
    assert list_living(watched.program.token) == set()


async def test_cancelling_what_is_to_stop_already_kills_the_trainer(tmp_path: Path) -> None:
    watched = Watched(make_program(tmp_path, Behaviour(steps=FOR_EVER, step_s=0.02, deaf=True), grace_s=1000.0))
    running = asyncio.ensure_future(watched.run())
    await watched.reach(3)
    watched.stop.set()
    while not (watched.folder / "sigterms").exists():
        await asyncio.sleep(0.02)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert list_living(watched.program.token) == set()


SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from tasks.supervision.child import Program
from tasks.supervision.supervise import supervise
run, *command = sys.argv[1:]
program = Program(tuple(command), token=run, log=Path(run, "train.log"), is_launcher=True, grace_s=20.0)
asyncio.run(supervise(program, Path(run, "events.jsonl"), print, asyncio.Event()))
"""


def start_supervisor(program: Program) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", SUPERVISOR, program.token, *program.command]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=Path(__file__).parents[3])


async def test_when_the_flow_is_killed_its_trainer_saves_and_ends_by_itself(tmp_path: Path) -> None:
    program = make_program(tmp_path, Behaviour(steps=FOR_EVER, step_s=0.02, save_s=0.5))
    supervisor = start_supervisor(program)
    find_trainer(program.token)
    events = Path(program.token) / "events.jsonl"
    wait_until(lambda: len(read_steps(events)) >= 3, "three steps")
    supervisor.kill()
    supervisor.wait()
    wait_until(lambda: not list_living(program.token), "the end of all processes")
    end = read_end(events)
    assert end is not None
    assert end.status == "stopped"
    assert int((Path(program.token) / "checkpoints" / "step").read_text()) == end.step


@pytest.mark.parametrize("kill_guard", [False, True])
async def test_a_new_flow_waits_for_what_a_killed_one_left_and_goes_on(tmp_path: Path, kill_guard: bool) -> None:
    program = make_program(tmp_path, Behaviour(steps=60, step_s=0.05, save_s=1.0, save_every=1000))
    supervisor = start_supervisor(program)
    events = Path(program.token) / "events.jsonl"
    wait_until(lambda: len(read_steps(events)) >= 3, "three steps")
    trainer = find_trainer(program.token)
    supervisor.kill()
    supervisor.wait()
    if kill_guard:
        kill_all(list_living(program.token) - {trainer})
    watched = Watched(program)
    end = await watched.run()
    assert (end.status, end.step) == ("done", 60)
    assert watched.steps == list(range(watched.steps[0], 61))
    assert watched.steps[0] >= 4


async def test_a_program_without_events_ends_with_its_last_line_or_well(tmp_path: Path) -> None:
    def make(code: str) -> Program:
        return Program((sys.executable, "-c", code), token=str(tmp_path), log=tmp_path / "log", grace_s=5.0)

    assert await run_to_end(make("print('fine')"), asyncio.Event()) is None
    assert await run_to_end(make("print('some'); raise SystemExit('error: no rows')"), asyncio.Event()) == (
        "error: no rows"
    )
    stop = asyncio.Event()
    stop.set()
    assert await run_to_end(make("import time; time.sleep(600)"), stop) is not None
    assert list_living(str(tmp_path)) == set()


def read_parent(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def kill_all(processes: set[int]) -> None:
    for process in processes:
        os.kill(process, signal.SIGKILL)


def test_steps_and_end_are_read_from_a_file_that_a_kill_cut_off(tmp_path: Path) -> None:
    line = '{"kind":"step","step":%d,"max_steps":9,"epoch":0,"loss":%d,"learning_rate":0,"tokens":1,' \
           '"tokens_per_second":1,"memory_bytes":0}\n'  # fmt: skip
    path = tmp_path / "events.jsonl"
    path.write_text(line % (1, 5) + line % (2, 4) + '{"kind":"st' + line % (2, 3) + line % (2, 2))
    assert [(step.step, step.loss) for step in read_steps(path)] == [(1, 5.0), (2, 2.0)]
    assert read_end(path) is None
    assert read_steps(tmp_path / "none") == []
