"""Which Prefect server is used, and what is remembered of ours. Starting one takes long: `make bench` does that."""

import json
import os
import socket
from pathlib import Path

import pytest

from flows import server
from flows.server import Server, configure_client, get_home, launch_server, main, read_server, stop_server


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.xdist_group("prefect")
def test_a_server_that_answers_is_used(prefect: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect)
    assert launch_server() == Server(prefect)
    assert not home.exists()


def test_a_process_that_is_no_server_is_not_ours_and_is_left_alone(home: Path) -> None:
    home.mkdir()
    record = {"api_url": "http://127.0.0.1:4299/api", "pid": os.getpid()}
    (home / "toolherd-server.json").write_text(json.dumps(record))
    assert read_server() is None
    assert stop_server() is None


def test_a_damaged_record_is_none(home: Path) -> None:
    home.mkdir()
    (home / "toolherd-server.json").write_text('{"pid"')
    assert read_server() is None


def test_a_port_that_is_taken_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind((server.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(server, "FIRST_PORT", port)
        with server._open_socket() as listening:
            assert listening.getsockname()[1] > port


def test_a_port_that_is_given_out_is_given_to_nobody_else() -> None:
    with server._open_socket() as one, server._open_socket() as other:
        assert one.getsockname() != other.getsockname()


def test_the_client_is_told_where_the_server_is_and_to_tell_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PREFECT_API_URL", "DO_NOT_TRACK", "NO_PROXY", "no_proxy", "PREFECT_RESULTS_LOCAL_STORAGE_PATH"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "example.com")
    configure_client(Server("http://127.0.0.1:4201/api", 1), PREFECT_RESULTS_LOCAL_STORAGE_PATH="/somewhere")
    assert os.environ["PREFECT_API_URL"] == "http://127.0.0.1:4201/api"
    assert os.environ["DO_NOT_TRACK"] == "1"
    assert os.environ["NO_PROXY"] == "example.com,127.0.0.1"
    assert os.environ["PREFECT_RESULTS_LOCAL_STORAGE_PATH"] == "/somewhere"
    assert os.environ["PREFECT_HOME"] == str(get_home())


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["down"], 0, "no Prefect server of ours is running"),
        (["status"], 1, "`make up` starts one"),
        (["sideways"], 2, "usage: python -m flows.server up|down|status"),
    ],
)
def test_commands_without_a_server(
    arguments: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == status
    captured = capsys.readouterr()
    assert said in captured.out + captured.err
