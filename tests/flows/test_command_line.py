"""The command line: exit statuses, one clear line for bad input, a summary that fits a terminal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.command_line import main
from tests.flows.runs import PATIENCE_S, list_said

ROOT = Path(__file__).parents[2]


def run(arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows.build_dataset", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_a_run_ends_with_a_summary_of_80_columns_and_leaves_the_log_to_prefect(prefect: str, tmp_path: Path) -> None:
    done = run(
        ["--names", "Yelp", "--apis", "all", "--instructions", "3", "--name", "demo"],
        PREFECT_API_URL=prefect,
        PREFECT_HOME=str(tmp_path / "home"),
        TOOLHERD_DATA_ROOT=str(tmp_path / "data"),
    )
    assert done.returncode == 0, done.stderr
    assert "dataset   demo v1: published" in done.stdout
    assert "accepted  3 of 3 instances" in done.stdout
    assert f"{prefect.removesuffix('/api')}/runs/flow-run/" in done.stdout
    assert list_said(done.stderr) == [f"Prefect: {prefect.removesuffix('/api')}"]
    whole = (str(tmp_path), "http://")  # a path or an address is not cut, so that one can click on it
    assert [line for line in done.stdout.splitlines() if len(line) > 80 and not any(one in line for one in whole)] == []
    assert (tmp_path / "data" / "datasets" / "demo" / "v1" / "report.html").exists()
    assert {path.name for path in (tmp_path / "data").iterdir()} == {
        "cache", "datasets", "document", "specify", "instruct", "simulate", "check",
    }  # fmt: skip
    assert not (tmp_path / "home" / "storage").exists()  # where Prefect keeps results by itself


def test_bad_input_is_one_line_and_status_2_and_starts_nothing(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    done = run(["--categories", "Anmials"], PREFECT_HOME=str(home), TOOLHERD_DATA_ROOT=str(data), PREFECT_API_URL="")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: Unknown category 'Anmials'")
    assert "Animals" in done.stderr
    assert not home.exists()
    assert not data.exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--colour", "red"], "unknown parameter --colour"),
        (["--api", "5"], "did you mean --apis?"),
        (["--apis", "0"], "--apis '0': should be greater than or equal to 1 or 'all'"),
        (["--apis"], "--apis: expected one argument"),
        (["--catalog", "no-such-file.md"], "No such file or folder: 'no-such-file.md'"),
        (["--names", "No Such API"], "Unknown API 'No Such API'"),
        (["--name", "../x"], "is no dataset name"),
        (["--benchmarks", "no-such-file.json"], "no such file"),
        (["--teacher.model", "gpt-4o"], "OPENAI_API_KEY"),
        (["--teacher.error_rate", "2"], "--teacher.error_rate '2': should be less than or equal to 1"),
        (["--export", "csv"], "should be 'trl', 'toolalpaca', 'sharegpt' or 'xlam'"),
    ],
)
def test_every_kind_of_bad_input_says_what_is_wrong(
    arguments: list[str],
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", str(tmp_path / "data"))
    assert main("build_dataset", arguments) == 2
    said = capsys.readouterr().err
    assert line in said
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_an_existing_version_and_a_root_that_is_a_file_are_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", str(tmp_path / "data"))
    (tmp_path / "data" / "datasets" / "demo" / "v1").mkdir(parents=True)
    assert main("build_dataset", ["--name", "demo", "--version", "v1"]) == 2
    assert "already has a version v1" in capsys.readouterr().err

    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", str(tmp_path / "file"))
    assert main("build_dataset", []) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_catalogue_with_no_usable_row_is_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", str(tmp_path / "data"))
    (tmp_path / "list.md").write_text("nothing here\n")
    assert main("build_dataset", ["--catalog", str(tmp_path / "list.md")]) == 2
    assert "No usable row" in capsys.readouterr().err


def test_a_refresh_takes_no_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("refresh_dataset", ["--version", "v1"]) == 2
    assert "leave --version out" in capsys.readouterr().err
