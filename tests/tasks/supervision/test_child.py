"""A program under its guard: what is seen of it, what it leaves in its log, and that nothing outlives the body."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.supervision.child import Child, Program, start_child
from tasks.supervision.processes import CHILD_MARK, GUARD_MARK, find_processes
from tests.tasks.supervision.parts import list_living, wait_until

WAIT = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.005)\n"


def make(folder: Path, code: str, *arguments: str, **more: Any) -> Program:
    command = (sys.executable, "-S", "-c", code, *arguments)
    return Program(command, token=str(folder), log=folder / "logs" / "log", **{"grace_s": 20.0, **more})


class Ended:
    """A process that has ended with a status, or has not ended."""

    def __init__(self, returncode: int | None) -> None:
        self.returncode = returncode


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "ended with status 0"),
        (1, "ended with status 1"),
        (127, "ended with status 127"),
        (128, "ended with status 128"),
        (129, "was killed by SIGHUP"),
        (128 + signal.SIGKILL, "was killed by SIGKILL"),
        (128 + signal.SIGTERM, "was killed by SIGTERM"),
        (128 + 31, "was killed by SIGSYS"),
        (160, "ended with status 160"),
        (255, "ended with status 255"),
    ],
)
def test_how_it_ended_is_told_in_words(tmp_path: Path, status: int, words: str) -> None:
    child = Child(Ended(status), make(tmp_path, ""))  # type: ignore[arg-type]
    assert child.read_status() == words
    assert child.has_ended
    assert child.has_succeeded is (status == 0)


def test_what_has_not_ended_has_not_succeeded(tmp_path: Path) -> None:
    child = Child(Ended(None), make(tmp_path, ""))  # type: ignore[arg-type]
    assert not child.has_ended
    assert not child.has_succeeded


@pytest.mark.parametrize(
    ("log", "line"),
    [
        (None, ""),
        (b"", ""),
        (b"\n \n", ""),
        (b"first\n  last \n\n \n", "last"),
        (b"last", "last"),
        (b"first\nbroken \xff\n", "broken \ufffd"),
        (b"a" * 5000 + b"\nlast\n", "last"),
        (b"b" + b"a" * 4096, "a" * 4096),  # of what is endless the end
        (b"b" + b"a" * 4095, "b" + "a" * 4095),
        ("gone \x1b[31m\u202e far\n\x07\n".encode(), "gone [31m far"),
    ],
)
def test_its_last_line_is_the_last_that_says_something(tmp_path: Path, log: bytes | None, line: str) -> None:
    program = make(tmp_path, "")
    if log is not None:
        program.log.parent.mkdir()
        program.log.write_bytes(log)
    assert Child(Ended(1), program).read_last_line() == line  # type: ignore[arg-type]


async def test_what_it_writes_goes_to_the_end_of_its_log(tmp_path: Path) -> None:
    program = make(tmp_path, "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)")
    program.log.parent.mkdir()
    program.log.write_text("before\n")
    async with start_child(program) as child:
        assert await child.wait()
        assert child.read_status() == "ended with status 3"
        assert child.read_last_line() == "err"
    assert program.log.read_text() == "before\nout\nerr\n"


async def test_waiting_for_it_ends_with_the_time_or_with_it(tmp_path: Path) -> None:
    program = make(tmp_path, WAIT, str(tmp_path / "may-end"))
    async with start_child(program) as child:
        assert not await child.wait(0.0)
        assert not child.has_ended
        (tmp_path / "may-end").touch()
        assert await child.wait(60.0)
        assert child.has_succeeded


async def test_it_has_our_packages_and_a_session_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in a terminal goes to all of a session's processes; the run's is to handle it."""
    monkeypatch.setenv("PYTHONPATH", "/another")
    program = make(tmp_path, "import os; print(os.environ['PYTHONPATH'], os.getsid(0))")
    async with start_child(program) as child:
        assert await child.wait(60.0)
    path, session = child.read_last_line().split()
    assert path == f"{Path(__file__).parents[3]}{os.pathsep}/another"
    assert int(session) != os.getsid(0)


async def test_it_has_what_training_takes_and_no_key_of_the_teacher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = ("CUDA_VISIBLE_DEVICES", "NCCL_DEBUG", "HF_HOME", "HF_TOKEN", "PYTORCH_CUDA_ALLOC_CONF", "OMP_NUM_THREADS")
    secret = ("OPENAI_API_KEY", "PREFECT_API_AUTH_STRING", "AWS_SECRET_ACCESS_KEY", "WANDB_API_KEY")
    for name in (*needed, *secret):
        monkeypatch.setenv(name, "7")
    code = f"import os; print(*(name for name in {(*needed, *secret)} if os.environ.get(name) == '7'))"
    async with start_child(make(tmp_path, code)) as child:
        assert await child.wait(60.0)
    assert child.read_last_line().split() == list(needed)


async def test_without_a_path_of_ours_it_has_the_packages_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    async with start_child(make(tmp_path, "import os; print(os.environ['PYTHONPATH'])")) as child:
        assert await child.wait(60.0)
    assert child.read_last_line() == str(Path(__file__).parents[3])


STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + WAIT


def list_marked(program: Program, mark: str) -> set[int]:
    return set(find_processes(mark, program.token))


@pytest.mark.forced
async def test_what_is_left_when_the_body_is_left_is_killed_at_once(tmp_path: Path) -> None:
    """Whatever time it might have had, and though the body fails."""
    program = make(tmp_path, STUBBORN, str(tmp_path / "never"), grace_s=1000.0)

    async def fail() -> None:
        async with start_child(program):
            await asyncio.to_thread(wait_until, lambda: bool(list_marked(program, CHILD_MARK)), "the program")
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert list_living(program.token) == set()


@pytest.mark.forced
async def test_what_a_guard_that_was_killed_left_is_killed_too(tmp_path: Path) -> None:
    program = make(tmp_path, STUBBORN, str(tmp_path / "never"), grace_s=1000.0)
    async with start_child(program) as child:
        await asyncio.to_thread(wait_until, lambda: bool(list_marked(program, CHILD_MARK)), "the program")
        for guard in list_marked(program, GUARD_MARK):
            os.kill(guard, signal.SIGKILL)
        assert await child.wait(60.0)
        assert list_marked(program, CHILD_MARK)
    assert list_living(program.token) == set()


@pytest.mark.forced
@pytest.mark.parametrize("how", [Child.stop, Child.kill])
async def test_asking_again_or_after_its_end_changes_nothing(tmp_path: Path, how: Callable[[Child], None]) -> None:
    program = make(tmp_path, WAIT, str(tmp_path / "never"))
    async with start_child(program) as child:
        await asyncio.to_thread(wait_until, lambda: bool(list_marked(program, CHILD_MARK)), "the program")
        how(child)
        how(child)
        assert await child.wait(60.0)
        how(child)
        assert child.read_status() in ("was killed by SIGTERM", "was killed by SIGKILL")
        assert child.read_status() == f"was killed by {'SIGTERM' if how is Child.stop else 'SIGKILL'}"


@pytest.mark.forced
async def test_only_what_bears_its_own_token_is_ended(tmp_path: Path) -> None:
    for name in ("a", "ab"):
        (tmp_path / name).mkdir()
    other = make(tmp_path / "ab", WAIT, str(tmp_path / "may-end"))
    async with start_child(other) as one:
        await asyncio.to_thread(wait_until, lambda: bool(list_marked(other, CHILD_MARK)), "the other program")
        async with start_child(make(tmp_path / "a", "print()")) as child:
            assert await child.wait(60.0)
        (tmp_path / "may-end").touch()
        assert await one.wait(60.0)
        assert one.has_succeeded
