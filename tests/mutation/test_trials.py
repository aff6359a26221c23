"""The whole tool on a small tree of its own: what is noticed, what survives, what hangs, and that nothing is left."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RULES = "import time\n\n\ndef is_allowed(age: int) -> bool:\n    return age >= 18\n\n\nUNUSED = 7\n"
TESTS = "from tasks.door.rules import is_allowed\n\n\ndef test_door() -> None:\n    assert is_allowed({age})\n"


def run_tool(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.mutation", *arguments]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with one room, `door`."""
    for name, text in {
        "tasks/__init__.py": "",
        "tasks/door/__init__.py": "",
        "tasks/door/rules.py": RULES,
        "tests/__init__.py": "",
        "tests/tasks/__init__.py": "",
        "tests/tasks/door/__init__.py": "",
        "tests/tasks/door/test_rules.py": TESTS.format(age=18),
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "tests" / "mutation").symlink_to(ROOT / "tests" / "mutation")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def test_a_mistake_that_a_test_notices_and_one_that_none_does(tree: Path) -> None:
    done = run_tool(tree, "door", "--workers", "1")
    assert "return age >= 18\n    -> return age >= 17" in done.stdout
    assert "UNUSED = 7" in done.stdout
    assert "door: 2 of 5 noticed, 40%" in done.stdout
    assert done.returncode == 0
    assert (tree / "tasks/door/rules.py").read_text() == RULES


def test_tests_that_fail_by_themselves_are_said_and_nothing_is_planted(tree: Path) -> None:
    (tree / "tests/tasks/door/test_rules.py").write_text(TESTS.format(age=17))
    done = run_tool(tree, "door")
    assert "tests/tasks/door/test_rules.py fails with nothing planted: mend that first." in done.stdout
    assert done.returncode == 2


def test_a_room_that_is_not_there_is_turned_down_with_those_that_are(tree: Path) -> None:
    done = run_tool(tree, "cellar")
    assert done.stdout == "There is no room 'cellar' with tests of its own. There are: door\n"
    assert done.returncode == 2
