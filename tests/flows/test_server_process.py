"""The server that we start: a process of its own, found again, waited for and ended. A small app takes Prefect's place,
which starts at once; what is started, how and when, is the real thing."""

import fcntl
import importlib.util
import json
import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pytest

from flows import server, server_access
from flows.server import SERVER_SETTINGS, Server, launch_server, main, read_server, stop_server, wait_for_server
from flows.server_access import ask, get_password_file, read_password
from schemas.errors import ToolHerdError, UserError
from tests.tasks.supervision.parts import wait_until

pytestmark = pytest.mark.forced

APP = """
import json, os, signal
from base64 import b64encode
conduct = os.environ.get("PREFECT_CONDUCT", "")
if conduct == "fails":
    raise RuntimeError("no database")

def create_app():
    with open(os.path.join(os.environ["PREFECT_HOME"], "..", "environment.json"), "w") as file:
        json.dump(dict(os.environ), file)
    if conduct == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return answer

async def answer(scope, receive, send):
    if scope["type"] == "http":
        open(os.path.join(os.environ["PREFECT_HOME"], "memo_store.toml"), "a").close()
        headers = {name: value.decode() for name, value in scope["headers"]}
        password = os.environ.get("PREFECT_SERVER_API_AUTH_STRING", "").encode()
        said = headers.get(b"authorization", "").removeprefix("Basic ")
        may = scope["path"] != "/api/version" or said == b64encode(password).decode()
        healthy = may and conduct != "busy"
        await send({"type": "http.response.start", "status": 200 if healthy else 503 if may else 401, "headers": []})
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
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    home = tmp_path / "home"
    monkeypatch.setenv("PREFECT_HOME", str(home))
    for name in ("PREFECT_API_URL", "PREFECT_SERVER_ANALYTICS_ENABLED", "PREFECT_CONDUCT", *SERVER_SETTINGS):
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
    environment: dict[str, str] = json.loads((home.parent / "environment.json").read_text())
    return environment


def test_up_starts_a_server_which_is_found_again_and_down_ends_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["up"]) == 0
    started = read_server()
    assert started is not None
    where = f"Prefect server is up at {started.ui_url}, password in {home / 'toolherd-server.secret'} ("
    assert capsys.readouterr().out.splitlines()[-1].startswith(where)
    assert json.loads((home / "toolherd-server.json").read_text()) == asdict(started)

    assert main(["up"]) == 0
    assert capsys.readouterr().out.startswith(where)
    assert launch_server() == started
    assert main(["status"]) == 0
    assert capsys.readouterr().out == f"{where}process {started.pid})\n"

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
    assert int(port) >= server_access.FIRST_PORT
    expected = {
        **SERVER_SETTINGS,
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED": "true",
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": started.api_url,
        "PREFECT_SERVER_UI_API_URL": "/api",
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": port,
        "PREFECT_SERVER_API_AUTH_STRING": read_password(home),
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": f"http://127.0.0.1:{port}",
        "TOOLHERD_SERVER_ALLOWED_HOSTS": "127.0.0.1,localhost,[::1]",
        "DO_NOT_TRACK": "1",
    }
    assert {name: environment.get(name) for name in expected} == expected
    assert started.pid is not None
    assert os.getsid(started.pid) == started.pid  # Ctrl-C in a terminal is not for it
    if Path("/proc/self").exists():
        assert Path(f"/proc/{started.pid}/cwd").resolve() == home
    assert "Uvicorn running" in (home / "toolherd-server.log").read_text()


def test_what_protects_it_is_not_the_user_s_to_set_by_the_way(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left over from another server, such a setting would open this one."""
    for name in ("PREFECT_SERVER_API_AUTH_STRING", "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS"):
        monkeypatch.setenv(name, "*")
    monkeypatch.setenv("PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED", "false")
    started = launch_server()
    wait_for_server(started)
    environment = read_environment(home)
    assert environment["PREFECT_SERVER_API_AUTH_STRING"] == read_password(home)
    assert environment["PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS"] == started.ui_url
    assert environment["PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED"] == "true"


def test_it_has_none_of_the_user_s_keys(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = (
        "OPENAI_API_KEY",
        "MINE",
        "AWS_SECRET_ACCESS_KEY",
        "HF_TOKEN",
        "PREFECT_API_KEY",
        "PREFECT_API_AUTH_STRING",
    )
    secrets = {name: f"secret-{name}" for name in names}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_PASSWORD", "its own")
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    wait_for_server(launch_server())
    environment = read_environment(home)
    assert set(secrets.values()) & set(environment.values()) == set()
    assert environment["PREFECT_SERVER_DATABASE_PASSWORD"] == "its own"
    assert environment["https_proxy"] == "http://proxy:3128"


def test_nothing_of_it_is_for_others_to_read(home: Path) -> None:
    before = os.umask(0)
    try:
        home.mkdir()
        (home / "prefect.db").touch()  # an older version's
        started = launch_server()
    finally:
        os.umask(before)
    wait_for_server(started)
    assert (home.parent / "environment.json").stat().st_mode & 0o777 == 0o644  # as the pages that Prefect copies
    names = {"prefect.db", "memo_store.toml", *(f"toolherd-server.{end}" for end in ("json", "lock", "log", "secret"))}
    assert {path.name: path.stat().st_mode & 0o777 for path in home.iterdir()} == dict.fromkeys(names, 0o600)
    assert home.stat().st_mode & 0o777 == 0o700
    assert started.pid is not None
    password = read_password(home) or ""
    said = [(home / f"toolherd-server.{end}").read_text() for end in ("json", "log")]
    assert not any(password.partition(":")[2] in text for text in (*said, *psutil.Process(started.pid).cmdline()))


def test_the_password_outlasts_the_server(home: Path) -> None:
    wait_for_server(launch_server())
    first = read_password(home)
    stop_server()
    wait_for_server(launch_server())
    assert read_password(home) == first is not None


def test_our_own_server_is_ours_also_where_its_address_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = launch_server()
    wait_for_server(started)
    for named in (started.api_url, f"{started.api_url}/", started.api_url.replace("127.0.0.1", "localhost")):
        monkeypatch.setenv("PREFECT_API_URL", named)
        assert launch_server() == started  # at the very address that it listens on
    monkeypatch.setenv("PREFECT_API_URL", started.api_url.replace("127.0.0.1", "127.0.0.2"))  # a name it does not know
    assert launch_server() == started


def test_a_server_whose_password_was_changed_meanwhile_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wait_for_server(launch_server())
    get_password_file(home).write_text("a:b")
    assert main(["up"]) == 2
    assert "was started with another password than that in" in capsys.readouterr().err
    assert main(["down"]) == 0
    assert main(["up"]) == 0


@pytest.mark.parametrize("command", ["up", "status"])
def test_a_server_that_an_older_version_left_open_is_not_used(
    command: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(server, "_APP", "prefect.server.api.server:create_app")
    started = launch_server()
    wait_for_server(started)
    monkeypatch.setattr(server, "_APP", "flows.server_app:create_guarded_app")
    for named in ("", started.api_url):
        monkeypatch.setenv("PREFECT_API_URL", named)
        with pytest.raises(UserError, match="lets everybody in: `make down` stops it, and the next run starts one"):
            launch_server()
    assert main([command]) == 2
    assert "by an older ToolHerd" in capsys.readouterr().err
    assert main(["down"]) == 0
    assert read_server() is None
    assert main(["up"]) == 0


def get(address: str, host: str, **headers: str) -> int:
    """The status with which what listens at an address answers `/api/health` under a name."""
    request = urllib.request.Request(f"{address}/health", headers={"Host": host, **headers})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_it_answers_to_its_own_names_alone(home: Path) -> None:
    started = launch_server()
    wait_for_server(started)
    port = started.api_url.rpartition(":")[2].removesuffix("/api")
    asked = {
        host: get(started.api_url, host)
        for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}", "LOCALHOST", f"evil.example:{port}",
                     f"127.0.0.1.evil.example:{port}", "localhost.", "", "127.0.0.1@evil.example", "0.0.0.0")
    }  # fmt: skip
    assert [host for host, status in asked.items() if status == 200] == list(asked)[:4]
    assert set(asked.values()) == {200, 400}


def test_the_operator_opens_it_to_other_machines_by_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLHERD_SERVER_HOST", "0.0.0.0")
    monkeypatch.setenv("TOOLHERD_SERVER_ALLOWED_HOSTS", "server,127.0.0.2")
    started = launch_server()
    wait_for_server(started)
    assert started.api_url.startswith("http://127.0.0.1:")
    elsewhere = started.api_url.replace("127.0.0.1", "127.0.0.2")
    assert get(elsewhere, "127.0.0.2:80") == get(elsewhere, "server") == get(elsewhere, "Server:4200") == 200
    assert get(elsewhere, "127.0.0.3") == get(elsewhere, "my.server") == 400
    assert get(elsewhere, "server", Origin="http://server") == get(elsewhere, "server", Origin="https://server") == 200
    assert get(elsewhere, "server", Origin="http://other") == 403
    assert ask(elsewhere, "/version") == 401
    assert ask(elsewhere, "/version", read_password(home)) == 200


def test_where_the_server_that_is_named_does_not_answer_one_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert start().api_url != "http://127.0.0.1:9/api"


def test_a_server_that_ends_as_it_starts_is_an_error_that_names_its_log(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_CONDUCT", "fails")
    with pytest.raises(ToolHerdError, match="the Prefect server ended as it started: see") as caught:
        wait_for_server(launch_server())
    assert str(caught.value).endswith(str(home / "toolherd-server.log"))
    assert "RuntimeError: no database" in (home / "toolherd-server.log").read_text()
    assert read_server() is None


def test_a_server_that_does_not_answer_is_given_up_after_three_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PREFECT_CONDUCT", "busy")
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
    monkeypatch.setenv("PREFECT_CONDUCT", "busy")
    started = launch_server()
    wait_until(lambda: "Uvicorn running" in server._get_log(server.get_home()).read_text(), "the start")
    assert not server.is_healthy(started.api_url)
    assert main(["status"]) == 1


def test_a_server_that_takes_no_notice_of_sigterm_is_killed_after_a_while(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_CONDUCT", "deaf")
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


def test_a_process_that_got_the_number_of_ours_is_left_alone(home: Path) -> None:
    home.mkdir()
    record = Server("http://127.0.0.1:4299/api", os.getppid())
    (home / "toolherd-server.json").write_text(json.dumps(asdict(record)))
    assert stop_server() is None
    assert sys.executable  # and we are still there
