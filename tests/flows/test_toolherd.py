"""The command `toolherd`: one door to everything that is run, which says the same as the modules behind it."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.server import main as run_server
from flows.toolherd import RUNS, main

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A terminal of 80 columns, and nothing of ours to be found."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", str(tmp_path / "data"))


def run(*arguments: str) -> int:
    """The exit status, wherever the command ends."""
    try:
        return main(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)


def test_the_help_lists_all_commands_and_fits_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    shown = capsys.readouterr().out
    assert all(f"│ {name} " in shown for name in RUNS)
    assert max(map(len, shown.splitlines())) <= 80
    assert run() == 0
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize("command", [*RUNS, "completions prune"])
def test_each_command_has_a_help_that_fits_80_columns(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*command.split(), "--help") == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage: toolherd {command}")
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bild"], "error: Unknown command \"bild\". Did you mean \"build\"?"),
        (["build", "--apis", "typo"], "error: --apis 'typo': should be a valid integer or 'all'; --help tells more."),
        (["build", "--api", "5"], "error: unknown parameter --api; did you mean --apis? --help lists them."),
        (["refresh", "--version", "v1"], "error: a refresh takes no version"),
        (["toolset", "--name", "x"], "error: unknown parameter --name; "),
        (["train", "--epochs", "0"], "error: --epochs '0': should be greater than 0; --help tells more."),
        (["completions", "prune"], "error: prune takes --older-than, --model or both: nothing was removed"),
        (["completions", "--stor", "x"], "error: Unknown option: --stor. Did you mean --store?"),
        (["completions", "prune", "--older-than", "3"], "error: --older-than '3' is no age; write it as 90m"),
        (["completions", "export"], "error: Command \"export\" parameter"),
        (["server", "sideways"], "error: Unknown command \"sideways\"."),
        (["server"], "error: usage: toolherd server up|down|status"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_nothing_is_written(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(said)
    assert captured.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_command_ends_with_the_status_of_what_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("server", "status") == run_server(["status"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == said[1]


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out.strip() == importlib.metadata.version("toolherd")


def test_the_modules_can_be_run_alone_and_say_the_same() -> None:
    commands = (["flows.toolherd", "build"], ["flows.build_dataset"])
    said = [
        subprocess.run(
            [sys.executable, "-m", *command, "--apis", "0"], cwd=ROOT, env=os.environ, capture_output=True, text=True,
            check=False,
        )
        for command in commands
    ]  # fmt: skip
    assert [done.returncode for done in said] == [2, 2]
    assert said[0].stderr == said[1].stderr != ""
