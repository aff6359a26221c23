"""A real HTTP server that answers as its test says, byte by byte if need be, and a machine with a public address."""

import gzip
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, repeat
from pathlib import Path

PROJECT = Path(__file__).parents[3]

Say = Callable[[BaseHTTPRequestHandler], None]
"""Writes a whole answer."""


def answer(body: bytes, status: int = 200, **headers: str) -> Say:
    """An answer with a body and headers; `_` in their names stands for `-`."""

    def say(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return say


def redirect(target: str, status: int = 302) -> Say:
    """An answer that leads elsewhere."""
    return answer(b"", status, Location=target)


def raw(*parts: bytes, pause: threading.Event | None = None, times: int = 1) -> Say:
    """What stands on the wire, some parts of it repeated; `pause` is waited for before each part but the first."""

    def say(request: BaseHTTPRequestHandler) -> None:
        request.close_connection = True
        for part in chain(parts[:1], chain.from_iterable(repeat(parts[1:], times))):
            request.wfile.write(part)
            request.wfile.flush()
            if pause is not None and pause.wait(0.05):
                return

    return say


def pack_zeros(megabytes: int) -> bytes:
    """A gzip of a thousandth of what it holds."""
    return gzip.compress(bytes(megabytes * 1_000_000), 9)


@contextmanager
def serve_http(answers: dict[str, Say], host: str = "127.0.0.1") -> Iterator[tuple[str, list[str]]]:
    """Its address, and the paths (with the host's header and what authorises) that it was asked for, as they come."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(" ".join(filter(None, (self.path, self.headers["Host"], self.headers["Authorization"]))))
            try:
                answers.get(self.path, answer(b"", 404))(self)
            except OSError:  # who asked has had enough
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Keeps the test output quiet."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Who asked has had enough, and closed the connection."""

    with Server((host, 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://{host}:{running.server_port}", asked
        finally:
            running.shutdown()
            thread.join()


PUBLIC = "8.8.8.8"
"""The address that a machine of `run_with_public_address` has, of nobody else's knowledge."""

_ALONE = ("unshare", "--user", "--map-root-user", "--net", "sh", "-c")
_SET_UP = f"ip link set lo up && ip address add {PUBLIC}/32 dev lo && "


def can_have_public_address() -> bool:
    """Whether this machine lets a process have a network of its own."""
    try:
        return subprocess.run([*_ALONE, _SET_UP + "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def run_with_public_address(code: str) -> "subprocess.CompletedProcess[str]":
    """What Python code says in a network of its own, in which this machine has a public address beside loopback."""
    return subprocess.run(
        [*_ALONE, f'{_SET_UP} exec "$0" -c "$1"', sys.executable, code],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
