"""Which Prefect server is used, and what is remembered of ours. Starting one takes long: `make bench` does that."""

import json
import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from flows import server
from flows.server import (
    Server,
    configure_client,
    get_home,
    launch_server,
    main,
    read_server,
    require_access,
    stop_server,
)
from flows.server_access import make_password
from schemas.errors import UserError
from tests.answering import Quiet, answer_by


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


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


@pytest.mark.parametrize(
    "record",
    ['{"api_url": "http://127.0.0.1:4299/api"}', '{"api_url": "x", "pid": 1, "more": 2}', "[]", '{"pid": 1}'],
    ids=["without a process", "of another version", "no object", "without an address"],
)
def test_a_record_that_is_not_of_a_server_of_ours_is_none(record: str, home: Path) -> None:
    home.mkdir()
    (home / "toolherd-server.json").write_text(record)
    assert read_server() is None
    assert stop_server() is None


class _Answering(Quiet, BaseHTTPRequestHandler):
    paths: list[str] = []  # noqa: RUF012 - what was asked for, of all that answer

    def do_GET(self) -> None:
        self.paths.append(self.path)
        asks = self.path.endswith("/version") and self.headers["Authorization"] != "Basic YTpi"
        self.send_response(401 if asks else int(self.path.split("/")[1]))
        self.end_headers()


@pytest.fixture
def address() -> Iterator[str]:
    """A server that answers with the status that a path begins with."""
    with answer_by(_Answering) as address:
        yield address


@pytest.mark.parametrize(("status", "is_there"), [(200, True), (204, False), (404, False), (503, False)])
def test_only_a_server_that_says_that_it_is_well_is_there(status: int, is_there: bool, address: str) -> None:
    assert server.is_healthy(f"{address}/{status}/api") is is_there
    assert server.is_healthy(f"{address}/{status}/api/") is is_there
    assert set(_Answering.paths) >= {f"/{status}/api/health"}
    assert not any("//" in path for path in _Answering.paths)


def test_a_server_that_asks_for_a_password_is_not_begun_with_another(address: str) -> None:
    named, ours = Server(f"{address}/200/api"), Server(f"{address}/200/api", 1)
    for password in (None, "a:c", "ä:ö"):
        with pytest.raises(UserError, match="asks for a password: set PREFECT_API_AUTH_STRING to its"):
            require_access(named, password)
        with pytest.raises(UserError, match=r"another password than that in .*/toolherd-server.secret: `make down`"):
            require_access(ours, password)
    require_access(named, "a:b")
    require_access(ours, "a:b")


def test_no_proxy_stands_between_us_and_a_server(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert server.is_healthy(f"{address}/200/api")


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/api", "nonsense", "http://"])
def test_where_nothing_can_be_asked_nothing_is_there(address: str) -> None:
    assert not server.is_healthy(address)


@pytest.mark.parametrize("address", ["http://x:4200/api", "http://x:4200/api/", "http://x:4200"])
def test_the_pages_are_where_the_api_is(address: str) -> None:
    assert Server(address).ui_url == "http://x:4200"


def test_the_home_is_in_the_project_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    project = Path(__file__).parents[2]
    for value in ("", None):
        monkeypatch.setenv("PREFECT_HOME", value or "")
        if value is None:
            monkeypatch.delenv("PREFECT_HOME")
        assert get_home() == project / ".prefect"
    monkeypatch.setenv("HOME", "/srv/ida")
    monkeypatch.setenv("PREFECT_HOME", "~/records")
    assert get_home() == Path("/srv/ida/records").resolve()


def test_the_client_is_told_where_the_server_is_and_to_tell_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch, *CLIENT, PASSWORD, *PROXIES, "PREFECT_RESULTS_LOCAL_STORAGE_PATH")
    monkeypatch.setenv("NO_PROXY", "example.com")
    configure_client(Server("http://127.0.0.1:4201/api", 1), PREFECT_RESULTS_LOCAL_STORAGE_PATH="/somewhere")
    assert os.environ["PREFECT_API_URL"] == "http://127.0.0.1:4201/api"
    assert os.environ["DO_NOT_TRACK"] == "1"
    assert os.environ["NO_PROXY"] == "example.com,127.0.0.1"
    assert os.environ["PREFECT_RESULTS_LOCAL_STORAGE_PATH"] == "/somewhere"
    assert os.environ["PREFECT_HOME"] == str(get_home())


def forget(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Unset variables, and whatever is set to them meanwhile at the end of the test."""
    for name in names:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


PROXIES = ("NO_PROXY", "no_proxy")
CLIENT = ("PREFECT_API_URL", "PREFECT_SERVER_EPHEMERAL_ENABLED", "PREFECT_SERVER_ANALYTICS_ENABLED", "DO_NOT_TRACK")
PASSWORD = "PREFECT_API_AUTH_STRING"


def test_what_the_user_has_set_for_the_client_stays_but_for_the_server_s_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forget(monkeypatch, *CLIENT, PASSWORD, *PROXIES, "PREFECT_LOGGING_LEVEL")
    monkeypatch.setenv("PREFECT_API_URL", "http://dead/api")
    monkeypatch.setenv("DO_NOT_TRACK", "0")
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "DEBUG")
    configure_client(Server("http://x:4200/api"), PREFECT_LOGGING_LEVEL="INFO")
    assert {name: os.environ[name] for name in (*CLIENT, "PREFECT_LOGGING_LEVEL")} == {
        "PREFECT_API_URL": "http://x:4200/api",
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "0",
        "PREFECT_LOGGING_LEVEL": "DEBUG",
    }
    assert not any(name in os.environ for name in (*PROXIES, PASSWORD))  # it is another machine's


def test_the_client_is_told_the_password_of_our_own_server_whatever_it_had(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(monkeypatch, *CLIENT, PASSWORD, *PROXIES)
    home.mkdir()
    made = make_password(home)
    monkeypatch.setenv(PASSWORD, "another:server-s")
    configure_client(Server("http://127.0.0.1:4201/api", 1))
    assert os.environ[PASSWORD] == made


def test_a_server_that_is_not_ours_is_given_the_user_s_password(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch, *CLIENT, *PROXIES)
    monkeypatch.setenv(PASSWORD, "the:user-s")
    configure_client(Server("http://x:4200/api"))
    assert os.environ[PASSWORD] == "the:user-s"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "127.0.0.1"),
        ({"no_proxy": "a,b"}, "a,b,127.0.0.1"),
        ({"NO_PROXY": "a", "no_proxy": "b"}, "a,127.0.0.1"),
        ({"NO_PROXY": "127.0.0.1,a,"}, "127.0.0.1,a"),
    ],
)
def test_our_own_server_is_reached_past_any_proxy(
    given: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(monkeypatch, *CLIENT, PASSWORD, *PROXIES)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    configure_client(Server("http://127.0.0.1:4201/api", 1))
    assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == expected


@pytest.mark.parametrize(("host", "is_here"), [("localhost", True), ("127.0.0.1", True), ("x.example", False)])
def test_so_is_one_of_the_user_s_on_this_machine_and_none_elsewhere(
    host: str, is_here: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(monkeypatch, *CLIENT, PASSWORD, *PROXIES)
    configure_client(Server(f"http://{host}:4200/api"))
    assert os.environ.get("NO_PROXY") == (host if is_here else None)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["down"], 0, "no Prefect server of ours is running"),
        (["status"], 1, "`make up` starts one"),
        (["sideways"], 2, "usage: toolherd server up|down|status"),
        ([], 2, "usage: toolherd server up|down|status"),
        (["up", "down"], 2, "usage: toolherd server up|down|status"),
    ],
)
def test_commands_without_a_server(
    arguments: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == status
    captured = capsys.readouterr()
    assert said in captured.out + captured.err
