"""The local Prefect server: started where none answers, and left running.

    toolherd server up | down | status

An ephemeral server (Prefect's default) loses its records and takes as long to start, so a dedicated one is started:
a process of its own, with its database, log, address and password under PREFECT_HOME (by default `.prefect` in the
project), which is closed to other accounts. Who may reach it, `flows.server_access` says.
Nothing here imports Prefect, because its settings are read from the environment when it is imported.
"""

import contextlib
import fcntl
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from cyclopts import App, CycloptsError

from flows.server_access import (
    HOSTS_VARIABLE,
    LOOPBACK,
    ServerPlace,
    ask,
    close_home,
    get_password_file,
    make_password,
    open_socket,
    read_password,
    read_place,
)
from flows.terminal import warn
from schemas.environment import NETWORK, PREFECT, pick_environment
from schemas.errors import ToolHerdError, UserError
from schemas.private_files import open_private
from schemas.shown import show_line

START_TIMEOUT_S = 180.0
STOP_TIMEOUT_S = 15.0

_APP = "flows.server_app:create_guarded_app"
_UNGUARDED_APP = "prefect.server.api.server:create_app"
"""What older versions started: it asks nobody for a password."""

_PROJECT = Path(__file__).parents[1]

SERVER_SETTINGS = {
    # Measured: the server's CPU for a task falls from 40-60 ms to about 15, and no events are dropped.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    # The history of events is half of the server's CPU for a task, and tells what the task's own states tell. Whoever
    # wants the UI's page of events sets this to true, for a server that is started then.
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "500",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "2",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # Its pages ask where they came from: under whichever name, and through a proxy too, that is their own origin.
    "PREFECT_SERVER_UI_API_URL": "/api",
    "PREFECT__SERVER_FINAL": "1",
}
"""What the user has set stays."""


@dataclass(frozen=True)
class Server:
    """A server: its API's address, and the process id if it is ours."""

    api_url: str
    pid: int | None = None

    @property
    def ui_url(self) -> str:
        """The address of its pages."""
        return self.api_url.removesuffix("/").removesuffix("/api")

    @property
    def password_file(self) -> Path | None:
        """The file with the password that it asks for, if it is ours."""
        return None if self.pid is None else get_password_file(get_home())

    @property
    def sign_in(self) -> str:
        """How to get at its pages, in words after its address; empty if it is not ours."""
        return f", password in {self.password_file}" if self.password_file else ""


def get_home() -> Path:
    """PREFECT_HOME; `.prefect` in the project where it is unset."""
    return Path(os.environ.get("PREFECT_HOME") or Path(__file__).parents[1] / ".prefect").expanduser().resolve()


def launch_server() -> Server:
    """The server to use: the one that PREFECT_API_URL names or that we started earlier, else one that starts now.

    Does not wait for it (see `wait_for_server`). Two callers at once get one server.

    Raises:
        UserError: the one that we started is an older version's, PREFECT_HOME cannot be used, or what the variables of
            `read_place` say.
    """
    given = os.environ.get("PREFECT_API_URL")
    if given and is_healthy(given):
        running = read_server()
        # By the address that it listens on: what else `localhost` may mean is not told its password.
        return _require_guarded(running) if running and is_same_address(running.api_url, given) else Server(given)
    home = get_home()
    close_home(home)
    with _lock(home):
        running = read_server()
        return _require_guarded(running) if running else _start(home)


def is_same_address(one: str, other: str) -> bool:
    """Whether two addresses of APIs are one: `localhost` is what our own server has by number."""
    one, other = (api_url.rstrip("/").replace("://localhost:", f"://{LOOPBACK}:") for api_url in (one, other))
    return one == other


def wait_for_server(server: Server, report: Callable[[float], None] = lambda seconds: None) -> None:
    """Return when the server answers; `report` is told the seconds waited, about once a second.

    Raises:
        ToolHerdError: its process ended, or it did not answer in time; the message names its log.
    """
    start = time.monotonic()
    while not is_healthy(server.api_url):
        waited = time.monotonic() - start
        problem = ""
        if server.pid is not None and not _is_ours(server.pid):
            problem = "the Prefect server ended as it started"
        elif waited > START_TIMEOUT_S:
            problem = f"the Prefect server gave no answer at {server.api_url} within {START_TIMEOUT_S:.0f} s"
        if problem:
            raise ToolHerdError(f"{problem}: see {_get_log(get_home())}")
        report(waited)
        time.sleep(0.25)


def stop_server() -> Server | None:
    """End the server that we started, and wait until it is gone; None if there is none."""
    home = get_home()
    server = read_server()
    if server is None or server.pid is None:
        return None
    for sign, patience in ((signal.SIGTERM, STOP_TIMEOUT_S), (signal.SIGKILL, STOP_TIMEOUT_S)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(server.pid, sign)
        deadline = time.monotonic() + patience
        while _is_ours(server.pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        if not _is_ours(server.pid):
            break
    _get_record(home).unlink(missing_ok=True)
    return server


def read_server() -> Server | None:
    """The server that we started, if its process is alive."""
    try:
        server = Server(**json.loads(_get_record(get_home()).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return server if server.pid is not None and _is_ours(server.pid) else None


def is_healthy(api_url: str) -> bool:
    """Whether a Prefect API answers there."""
    return ask(api_url, "/health") == 200


def require_access(server: Server, password: str | None) -> None:
    """See that a server that answers takes the client's password, before half of a run is done.

    Raises:
        UserError: it does not.
    """
    if ask(server.api_url, "/version", password) != 401:
        return
    if server.password_file is not None:
        raise UserError(
            f"the Prefect server at {server.ui_url} was started with another password than that in "
            f"{server.password_file}: `make down` stops it, and the next run starts one"
        )
    raise UserError(
        f"the Prefect server at {server.ui_url} asks for a password: set PREFECT_API_AUTH_STRING to its "
        "`account:password`"
    )


def configure_client(server: Server, **more: str) -> None:
    """Set the environment that Prefect reads when it is imported; `more` is set where the user has not set it.

    The password of a server that is not ours is the user's to set.

    Raises:
        UserError: ours cannot be read.
    """
    os.environ["PREFECT_API_URL"] = server.api_url
    if server.pid is not None:
        os.environ["PREFECT_API_AUTH_STRING"] = read_password(get_home()) or ""
    defaults = {
        "PREFECT_HOME": str(get_home()),
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        **more,
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    ours = urlsplit(server.api_url).hostname or ""
    if server.pid is not None or ours in ("localhost", LOOPBACK, "::1"):  # on this machine, so never through a proxy
        hosts = [host for host in (os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or "").split(",") if host]
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(dict.fromkeys([*hosts, ours]))


def _require_guarded(server: Server) -> Server:
    """Raises UserError where it runs without a password."""
    assert server.pid is not None
    if _UNGUARDED_APP in _read_command(server.pid):
        raise UserError(
            f"the Prefect server at {server.ui_url} was started by an older ToolHerd and lets everybody in: "
            "`make down` stops it, and the next run starts one that asks for a password"
        )
    return server


def _start(home: Path) -> Server:
    if importlib.util.find_spec("prefect") is None:
        raise ToolHerdError("Prefect is not installed: run `make setup`.")
    place = read_place()
    # Bound here and handed down: a port that was only looked at could be another server's by the time ours binds it.
    with open_socket(place) as listening:
        return _start_on(listening, place, home)


def _start_on(listening: socket.socket, place: ServerPlace, home: Path) -> Server:
    port = listening.getsockname()[1]
    origin = f"http://{place.host}:{port}"
    environment = {
        **SERVER_SETTINGS,
        **pick_environment(*NETWORK, *PREFECT),
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"{origin}/api",
        "PREFECT_SERVER_API_HOST": place.address,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_API_AUTH_STRING": make_password(home),
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": origin,
        HOSTS_VARIABLE: ",".join(place.names),
        "DO_NOT_TRACK": "1",
    }
    for secret in ("PREFECT_API_KEY", "PREFECT_API_AUTH_STRING"):  # a client's, and perhaps for another server
        environment.pop(secret, None)
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(_PROJECT), "--factory", _APP]
    command += ["--fd", str(listening.fileno()), "--timeout-keep-alive", "5", "--ws-per-message-deflate", "false"]
    with open(_get_log(home), "ab", opener=open_private) as log:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home,
            start_new_session=True,
            pass_fds=[listening.fileno()],
            umask=0o077,
        )
    server = Server(f"{origin}/api", process.pid)
    with open(_get_record(home), "w", opener=open_private) as record:
        record.write(json.dumps(asdict(server)))
    return server


def _is_ours(pid: int) -> bool:
    """Whether the process is alive and a Prefect server, not another that got the number since."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # a child that ended would otherwise stay in the process table
    return not {_APP, _UNGUARDED_APP}.isdisjoint(_read_command(pid))


def _read_command(pid: int) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).cmdline()
    return []


def _get_record(home: Path) -> Path:
    return home / "toolherd-server.json"


def _get_log(home: Path) -> Path:
    return home / "toolherd-server.log"


@contextlib.contextmanager
def _lock(home: Path) -> Iterator[None]:
    with open(home / "toolherd-server.lock", "w", opener=open_private) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `up`, `down` or `status`; returns the exit status."""
    try:
        given = list(sys.argv[1:] if arguments is None else arguments)
        if len(given) != 1:
            raise UserError("usage: toolherd server up|down|status")
        status: int = make_server_app()(given, exit_on_error=False, print_error=False) or 0
        return status
    except CycloptsError as error:
        return _fail(f"{' '.join(str(error).split())} usage: toolherd server up|down|status", 2)
    except UserError as error:
        return _fail(str(error), 2)
    except ToolHerdError as error:
        return _fail(str(error), 1)


def make_server_app() -> App:
    """The command with its three words."""
    app = App(
        name="toolherd server",
        help="Starts, stops and looks for the local Prefect server.",
        help_flags=("--help", "-h"),
        version_flags=(),
        result_action="return_value",
    )
    for name, command in (("up", _run_up), ("down", _run_down), ("status", _run_status)):
        app.command(command, name=name)
    return app


def _run_up() -> int:
    """Start the server, or say where it is."""
    server = launch_server()
    start = time.monotonic()
    if not is_healthy(server.api_url):
        print("starting a Prefect server (10 to 20 s) …")
    wait_for_server(server)
    if server.pid is not None:
        require_access(server, read_password(get_home()))
    print(f"Prefect server is up at {server.ui_url}{server.sign_in} ({time.monotonic() - start:.0f} s)")
    return 0


def _run_down() -> int:
    """Stop the server."""
    stopped = stop_server()
    print(f"stopped the Prefect server at {stopped.ui_url}" if stopped else "no Prefect server of ours is running")
    return 0


def _run_status() -> int:
    """Say whether the server answers, and where."""
    running = read_server()
    if running is None or not is_healthy(running.api_url):
        print("no Prefect server of ours answers; `make up` starts one")
        return 1
    _require_guarded(running)
    print(f"Prefect server is up at {running.ui_url}{running.sign_in} (process {running.pid})")
    return 0


def _fail(message: str, status: int) -> int:
    warn(f"error: {show_line(message)}")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
