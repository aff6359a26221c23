"""The server that we start: a process of its own, found again, waited for and ended. A small app takes Prefect's place,
which starts at once; what is started, how and when, is the real thing."""

import fcntl
import importlib.util
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from flows import server
from flows.server import SERVER_SETTINGS, Server, launch_server, main, read_server, stop_server, wait_for_server
from schemas.errors import ToolHerdError
from tests.tasks.supervision.parts import wait_until

pytestmark = pytest.mark.forced

APP = """
import json, os, signal
conduct = os.environ.get("CONDUCT", "")
if conduct == "fails":
    raise RuntimeError("no database")

def create_app():
    with open(os.path.join(os.environ["PREFECT_HOME"], "environment.json"), "w") as file:
        json.dump(dict(os.environ), file)
    if conduct == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return answer

async def answer(scope, receive, send):
    if scope["type"] == "http":
        healthy = scope["path"] == "/api/health" and conduct != "busy"
        await send({"type": "http.response.start", "status": 200 if healthy else 503, "headers": []})
        await send({"type": "http.response.body", "body": b"true"})
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """PREFECT_HOME, and the small app in the place of Prefect's."""
    api = tmp_path / "packages" / "prefect" / "server" / "api"
    api.mkdir(parents=True)
    for folder in (api, *api.parents[:2]):
        (folder / "__init__.py").write_text("")
    (api / "server.py").write_text(APP)
    origin = str(tmp_path / "packages" / "prefect" / "__init__.py")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: ModuleSpec(name, None, origin=origin))
    home = tmp_path / "home"
    monkeypatch.setenv("PREFECT_HOME", str(home))
    for name in ("PREFECT_API_URL", "PREFECT_SERVER_ANALYTICS_ENABLED", "CONDUCT", *SERVER_SETTINGS):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    yield home
    left = read_server()
    if left is not None and left.pid is not None:
        os.kill(left.pid, signal.SIGKILL)


class Clock:
    """The clock of `flows.server`: it goes on by what is slept, and the sleep itself is short."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.stands = False
        monkeypatch.setattr(server, "time", self)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += 0 if self.stands else seconds
        time.sleep(0.005)


def start() -> Server:
    """A server whose process is there; right after its start the system may not yet know its command."""
    started = launch_server()
    wait_until(lambda: read_server() == started, "the process")
    return started


def read_environment(home: Path) -> dict[str, str]:
    environment: dict[str, str] = json.loads((home / "environment.json").read_text())
    return environment


def test_up_starts_a_server_which_is_found_again_and_down_ends_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["up"]) == 0
    started = read_server()
    assert started is not None
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"Prefect server is up at {started.ui_url} (")
    assert json.loads((home / "toolherd-server.json").read_text()) == asdict(started)

    assert main(["up"]) == 0
    assert capsys.readouterr().out.startswith(f"Prefect server is up at {started.ui_url} (")
    assert launch_server() == started
    assert main(["status"]) == 0
    assert capsys.readouterr().out == f"Prefect server is up at {started.ui_url} (process {started.pid})\n"

    assert main(["down"]) == 0
    assert capsys.readouterr().out == f"stopped the Prefect server at {started.ui_url}\n"
    assert not (home / "toolherd-server.json").exists()
    assert read_server() is None
    assert started.pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(started.pid, 0)
    assert main(["status"]) == 1
    assert main(["down"]) == 0


@pytest.mark.parametrize("answers", [[True, True], [False, True]], ids=["at once", "later"])
def test_up_says_that_it_starts_one_where_that_takes_a_while(
    answers: list[bool], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    later = iter(answers)
    monkeypatch.setattr(server, "is_healthy", lambda api_url: next(later))
    assert main(["up"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert (said[0] == "starting a Prefect server (10 to 20 s) …") is not answers[0]
    assert len(said) == 1 + answers.count(False)


def test_a_server_is_told_where_it_is_and_keeps_its_records_at_home(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED", "true")  # the user's own
    started = launch_server()
    wait_for_server(started)
    environment = read_environment(home)
    port = started.api_url.removeprefix("http://127.0.0.1:").removesuffix("/api")
    assert int(port) >= server.FIRST_PORT
    expected = {
        **SERVER_SETTINGS,
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED": "true",
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": started.api_url,
        "PREFECT_UI_API_URL": started.api_url,
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": port,
        "DO_NOT_TRACK": "1",
    }
    assert {name: environment.get(name) for name in expected} == expected
    assert started.pid is not None
    assert os.getsid(started.pid) == started.pid  # Ctrl-C in a terminal is not for it
    if Path("/proc/self").exists():
        assert Path(f"/proc/{started.pid}/cwd").resolve() == home
    assert "Uvicorn running" in (home / "toolherd-server.log").read_text()


def test_where_the_server_that_is_named_does_not_answer_one_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert start().api_url != "http://127.0.0.1:9/api"


def test_a_server_that_ends_as_it_starts_is_an_error_that_names_its_log(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDUCT", "fails")
    with pytest.raises(ToolHerdError, match="the Prefect server ended as it started: see") as caught:
        wait_for_server(launch_server())
    assert str(caught.value).endswith(str(home / "toolherd-server.log"))
    assert "RuntimeError: no database" in (home / "toolherd-server.log").read_text()
    assert read_server() is None


def test_a_server_that_does_not_answer_is_given_up_after_three_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONDUCT", "busy")
    started = start()
    clock = Clock(monkeypatch)
    told: list[float] = []
    monkeypatch.setattr(server, "is_healthy", lambda api_url: False)
    with pytest.raises(ToolHerdError, match=rf"gave no answer at {started.api_url} within 180 s: see"):
        wait_for_server(started, told.append)
    assert told == [number / 4 for number in range(721)]
    assert clock.now == 180.25


def test_a_server_that_is_not_ours_is_waited_for_too(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, False, True])
    monkeypatch.setattr(server, "is_healthy", lambda api_url: next(answers))
    Clock(monkeypatch)
    told: list[float] = []
    wait_for_server(Server("http://127.0.0.1:9/api"), told.append)
    assert told == [0.0, 0.25]


def test_a_server_that_answers_503_is_not_there_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDUCT", "busy")
    started = launch_server()
    wait_until(lambda: "Uvicorn running" in server._get_log(server.get_home()).read_text(), "the start")
    assert not server.is_healthy(started.api_url)
    assert main(["status"]) == 1


def test_a_server_that_takes_no_notice_of_sigterm_is_killed_after_a_while(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDUCT", "deaf")
    started = launch_server()
    wait_for_server(started)
    clock, sent, kill = Clock(monkeypatch), [], os.kill

    def send(pid: int, sign: int) -> None:
        sent.append((pid, sign, clock.now))
        clock.stands = sign == signal.SIGKILL  # from here on it is the machine that takes its time
        kill(pid, sign)

    monkeypatch.setattr(os, "kill", send)
    assert stop_server() == started
    monkeypatch.undo()
    assert [(pid, sign) for pid, sign, _ in sent] == [(started.pid, signal.SIGTERM), (started.pid, signal.SIGKILL)]
    assert sent[1][2] == pytest.approx(15.0, abs=0.2)
    assert not (home / "toolherd-server.json").exists()


def test_a_server_that_ends_in_order_is_not_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    started = launch_server()
    wait_for_server(started)
    clock, sent, kill = Clock(monkeypatch), [], os.kill
    clock.stands = True

    def send(pid: int, sign: int) -> None:
        sent.append(sign)
        kill(pid, sign)

    monkeypatch.setattr(os, "kill", send)
    stop_server()
    assert sent == [signal.SIGTERM]


def test_of_two_who_start_one_at_once_the_second_takes_the_first_one_s(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = start()
    record = home / "toolherd-server.json"
    told = record.read_text()
    record.unlink()
    waiting, lock = threading.Event(), fcntl.flock

    def take(file: Any, operation: int) -> None:
        if threading.current_thread() is second:
            waiting.set()
        lock(file, operation)

    monkeypatch.setattr(fcntl, "flock", take)
    found: list[Server] = []
    second = threading.Thread(target=lambda: found.append(launch_server()))
    with server._lock(home):
        second.start()
        assert waiting.wait(60)
        record.write_text(told)  # the first one has started it meanwhile
    second.join(60)
    assert found == [started]


def test_without_prefect_the_way_to_get_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolHerdError, match="run `make setup`"):
        launch_server()


def test_where_no_port_is_free_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def refuse(address: tuple[str, int], **_: Any) -> None:
        tried.append(address[1])
        raise OSError("in use")

    monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(ToolHerdError, match=r"no free port from 4200 on .* set PREFECT_API_URL to a running one"):
        launch_server()
    assert tried == list(range(4200, 4400))


def test_a_process_that_got_the_number_of_ours_is_left_alone(home: Path) -> None:
    home.mkdir()
    record = Server("http://127.0.0.1:4299/api", os.getppid())
    (home / "toolherd-server.json").write_text(json.dumps(asdict(record)))
    assert stop_server() is None
    assert sys.executable  # and we are still there
