"""The command line without a server: what it makes of arguments, which exit status an end has, what is said of it."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest

from flows import command_line
from flows.command import Command
from flows.command_line import FLOWS, main
from flows.data_command import read_data_command
from flows.inputs import Inputs, gather_inputs
from flows.server import Server
from flows.train_command import read_train_command
from schemas.errors import (
    EngineLostError,
    FatalTeacherError,
    MissingArtifactError,
    RunStoppedError,
    TeacherError,
    ToolHerdError,
    UserError,
)
from schemas.manifest import DatasetRef
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from schemas.steps import BuildSummary, CallCounts, ToolsetSummary


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data root, which is not there yet."""
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", str(tmp_path / "data"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (UserError("--seed 'x':\n  no number"), 2, "error: --seed 'x': no number\n"),
        (RunStoppedError("the budget is reached", "budget"), 3, "error: the budget is reached\n"),
        (RunStoppedError("too many failed", "errors"), 1, "error: too many failed\n"),
        (RunStoppedError("stopped by SIGTERM", "signal"), 1, "error: stopped by SIGTERM\n"),
        (ToolHerdError("no API came through"), 1, "error: no API came through\n"),
        (MissingArtifactError("a is missing: run again."), 1, "error: a is missing: run again.\n"),
        (TeacherError("no answer"), 1, "error: no answer\n"),
        (FatalTeacherError("bad key"), 2, "error: bad key\n"),
        (EngineLostError("killed"), 1, "error: killed\n"),
        (RunStoppedError("quota", "quota"), 3, "error: quota\n"),
        (RunStoppedError("away", "outage"), 3, "error: away\n"),
        (
            KeyboardInterrupt(),
            130,
            "interrupted: what was finished is kept, the same command goes on from there\n",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_each_end_has_a_status_and_a_line_on_stderr(
    error: BaseException, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def read(name: str, arguments: list[str]) -> Command | None:
        raise error

    assert main("build_dataset", [], read) == status
    assert capsys.readouterr() == ("", said)


def test_a_bug_is_no_end_that_the_command_line_knows() -> None:
    def read(name: str, arguments: list[str]) -> Command | None:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        main("build_dataset", [], read)


def test_a_reader_gets_the_flow_s_name_and_the_process_s_arguments_and_may_leave_nothing_to_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, list[str]]] = []

    def read(name: str, arguments: list[str]) -> Command | None:
        asked.append((name, arguments))
        return None

    monkeypatch.setattr(sys, "argv", ["flows/train.py", "--seed", "1"])
    assert main("train", read=read) == 0
    assert main("train", [], read=read) == 0
    assert main("train", ["--seed", "2"], read=read) == 0
    assert asked == [("train", ["--seed", "1"]), ("train", []), ("train", ["--seed", "2"])]
    assert capsys.readouterr() == ("", "")


def test_each_flow_has_a_reader_of_its_own() -> None:
    readers = {name: resolve_name(reader) for name, reader in FLOWS.items()}
    assert readers.pop("train") is read_train_command
    assert set(readers.values()) == {read_data_command}


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("build_dataset", BuildDatasetParams(seed=1, apis=3)),
        ("build_toolset", BuildToolsetParams(seed=1, apis=3)),
        ("refresh_dataset", BuildDatasetParams(seed=1, apis=3)),
    ],
)
def test_a_command_holds_the_flow_s_parameters_and_what_was_read_for_it(
    name: str, params: BuildToolsetParams, data: Path
) -> None:
    command = read_data_command(name, ["--seed", "1", "--apis", "3"])
    assert command is not None
    assert type(command.params) is type(params)
    assert command.params == params
    assert command.tags == ("teacher: offline",)
    assert isinstance(command.inputs, Inputs)
    assert command.inputs.root.url == str(data)
    assert command.inputs.catalog is not None
    assert len(command.inputs.catalog.entries) > 100
    assert data.is_dir()
    assert list(data.iterdir()) == []


def test_a_toolset_has_no_name_and_no_instructions(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for parameter in ("--name", "--instructions", "--version", "--export"):
        assert main("build_toolset", [parameter, "1"]) == 2
        assert capsys.readouterr().err.startswith(f"error: unknown parameter {parameter}")


def test_a_dataset_may_be_given_a_version_and_a_refresh_may_not(data: Path) -> None:
    command = read_data_command("build_dataset", ["--version", "v7"])
    assert command is not None
    assert isinstance(command.params, BuildDatasetParams)
    assert command.params.version == "v7"
    with pytest.raises(UserError, match=r"^a refresh takes no version: leave --version out"):
        read_data_command("refresh_dataset", ["--version", "v7"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--name", "a" * 64],
        ["--apis", "1"],
        ["--apis", "all"],
        ["--instructions", "1000"],
        ["--test_share", "0.999"],
        ["--max_error_share", "1"],
        ["--in_flight", "1024"],
        ["--teacher.error_rate", "1"],
        ["--seed", "2147483647"],
        ["--budget.usd", "0.01"],  # the embedded teacher's price is known: nothing
        ["--teacher.model", "gpt-4o", "--teacher.base_url", "http://127.0.0.1:9/v1"],  # needs no key
        ["--teacher.model", "gpt-4o", "--teacher.api_key_block", "key"],  # is looked for by the run
        ["--categories", "animals", "--names", "AdoptAPet", "--auth", "apiKey"],
        ["--shares.no_tool", "1", "--shares.single_call", "0"],
    ],
    ids=" ".join,
)
def test_what_is_just_allowed_is_allowed(arguments: list[str], data: Path) -> None:
    assert read_data_command("build_dataset", arguments) is not None


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--name", "a" * 65], "is no dataset name"),
        (["--name", "latest"], "is no dataset name"),
        (["--version", "V 1"], "is no dataset version"),
        (["--instructions", "0"], "--instructions '0': should be greater than or equal to 1"),
        (["--instructions", "1001"], "--instructions '1001': should be less than or equal to 1000"),
        (["--test_share", "1"], "--test_share '1': should be less than 1"),
        (["--test_share", "-0.1"], "--test_share '-0.1': should be greater than or equal to 0"),
        (["--max_error_share", "0"], "--max_error_share '0': should be greater than 0"),
        (["--in_flight", "0"], "--in_flight '0': should be greater than or equal to 1"),
        (["--in_flight", "1025"], "--in_flight '1025': should be less than or equal to 1024"),
        (["--seed", "2147483648"], "--seed '2147483648': should be less than 2147483648"),
        (["--budget.calls", "0"], "--budget.calls '0': should be greater than 0"),
        (["--catalog", ""], "--catalog '': "),
        (["--teacher.batch"], "--teacher: batch needs an endpoint"),
        (["--categories", "Animals", "--names", "AccuWeather"], "passes all filters"),
        (["--auth", "other", "--names", "AdoptAPet"], "passes all filters"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_is_just_not_allowed_is_one_line_and_nothing_is_written(
    arguments: list[str], line: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main("build_dataset", arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert line in err
    assert (err.startswith("error: "), err.count("\n")) == (True, 1)
    assert not data.exists()


def test_the_instructions_of_all_benchmarks_are_read_in_their_order(data: Path, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("First.\nSecond.\n")
    (tmp_path / "two.txt").write_text("Third.\n")
    files = (str(tmp_path / "two.txt"), str(tmp_path / "one.txt"))
    assert gather_inputs(BuildDatasetParams(benchmarks=files)).benchmarks == ("Third.", "First.", "Second.")
    assert gather_inputs(BuildToolsetParams()).benchmarks == ()


def test_nothing_is_written_for_a_run_that_writes_nothing(data: Path) -> None:
    gather_inputs(BuildDatasetParams(), writes=False)
    assert not data.exists()
    gather_inputs(BuildDatasetParams())
    assert data.is_dir()


def make_summary(**more: Any) -> BuildSummary:
    dataset = DatasetRef(name="demo", version="v1", path="/data/datasets/demo/v1", content_hash="c", counts={})
    return BuildSummary(
        dataset=dataset, changed=True, apis=1, rejected_apis={}, accepted=1, rejected=0, reasons={},
        calls=CallCounts(), **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    "summary",
    [make_summary(stopped="the budget is reached", unfinished=1),
     ToolsetSummary(apis=1, rejected={}, calls=CallCounts(), stopped="the budget is reached", unfinished=1)],
    ids=["dataset", "toolset"],
)  # fmt: skip
def test_a_run_that_stopped_early_tells_what_there_is_and_ends_by_its_budget(
    summary: Any, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = read_data_command("build_dataset", [])
    assert command is not None
    with pytest.raises(RunStoppedError, match=r"^the budget is reached$") as caught:
        command.print_end(summary, 1.0, Server("http://127.0.0.1:4200/api"))
    assert caught.value.cause == "budget"
    assert "APIs" in capsys.readouterr().out


def test_a_run_that_did_not_ends_well(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = read_data_command("build_dataset", [])
    assert command is not None
    command.print_end(make_summary(), 1.0, Server("http://127.0.0.1:4200/api"))
    assert "demo v1: published" in capsys.readouterr().out


def test_the_numbers_of_signals_are_those_that_shells_add_128_to() -> None:
    assert (128 + signal.SIGINT, 128 + signal.SIGTERM) == (130, 143)


def start_in_vain(
    monkeypatch: pytest.MonkeyPatch, *, given: str = "", used: str = "http://127.0.0.1:9/api", healthy: bool = False
) -> int:
    """The status of a run whose server is waited for in vain, for 31 s by a clock that nobody waits for."""
    for name in ("PREFECT_API_URL", "PREFECT_RESULTS_LOCAL_STORAGE_PATH", *PREFECT):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    if given:
        monkeypatch.setenv("PREFECT_API_URL", given)

    def wait(server: Server, report: Callable[[float], None]) -> None:
        for waited in (0.0, 9.9, 10.0, 15.0, 19.9, 20.0, 31.0):
            report(waited)
        raise ToolHerdError(f"no answer at {server.api_url}")

    monkeypatch.setattr(command_line, "launch_server", lambda: Server(used))
    monkeypatch.setattr(command_line, "is_healthy", lambda address: healthy)
    monkeypatch.setattr(command_line, "wait_for_server", wait)
    return main("build_dataset", ["--apis", "1"])


PREFECT = (
    "PREFECT_HOME", "PREFECT_SERVER_EPHEMERAL_ENABLED", "PREFECT_SERVER_ANALYTICS_ENABLED", "DO_NOT_TRACK",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL",
)  # fmt: skip
"""What the command line sets for Prefect."""

WAITING = [f"still waiting for the Prefect server ({waited} s) …" for waited in (10, 20, 31)]
STARTING = "starting a Prefect server, which takes 10 to 20 s and is done once …"
IN_VAIN = "error: no answer at http://127.0.0.1:9/api"


def test_who_waits_for_a_server_is_told_every_ten_seconds(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start_in_vain(monkeypatch) == 1
    assert capsys.readouterr().err.splitlines() == [STARTING, *WAITING, IN_VAIN]
    assert os.environ["PREFECT_API_URL"] == "http://127.0.0.1:9/api"
    assert "PREFECT_RESULTS_LOCAL_STORAGE_PATH" not in os.environ  # the steps' artifacts are their results
    assert os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] == "CRITICAL"
    assert os.environ["PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL"] == "WARNING"


def test_a_server_that_is_up_is_not_said_to_be_started(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start_in_vain(monkeypatch, given="http://127.0.0.1:9/api", healthy=True)
    assert capsys.readouterr().err.splitlines() == [*WAITING, IN_VAIN]


def test_a_server_that_was_named_and_is_not_there_is_told(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start_in_vain(monkeypatch, given="http://dead/api")
    first = capsys.readouterr().err.splitlines()[0]
    assert first == "PREFECT_API_URL (http://dead/api) does not answer; a local server is used"


def test_a_data_root_that_is_no_folder_is_started_with_in_the_same_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", "memory://exit-status")
    assert start_in_vain(monkeypatch) == 1
    assert capsys.readouterr().err.splitlines() == [STARTING, *WAITING, IN_VAIN]
