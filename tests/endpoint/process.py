"""The embedded teacher as a server process of its own, for tests and measurements:  serve_offline("--latency", "1")."""

import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

PROJECT = Path(__file__).parents[2]
_PATIENCE_S = 20
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class OfflineServer(NamedTuple):
    """A server that answers: its base URL, up to and including `/v1`, and what it has counted so far."""

    base_url: str
    stats: Callable[[], dict[str, Any]]


@contextmanager
def serve_offline(*options: str) -> Iterator[OfflineServer]:
    """Runs `python -m tests.endpoint` with these options on a free port, and ends it with the block.

    Raises:
        RuntimeError: it did not start; the message is what it said.
    """
    command = [sys.executable, "-m", "tests.endpoint", "--port", "0", *options]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, text=True
        )
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+/v1", process.stdout.readline())
            if found is None:
                process.wait(_PATIENCE_S)
                said.seek(0)
                raise RuntimeError(f"{' '.join(command[1:])} did not start: {said.read().strip()}")
            base_url = found[0]
            _read_stats(base_url)  # it listens before it prints, and answers a little later
            yield OfflineServer(base_url, lambda: _read_stats(base_url))
        finally:
            _stop(process)


def reset_stats(base_url: str) -> None:
    """Have a server count from nothing."""
    address = base_url.removesuffix("/v1") + "/stats/reset"
    _DIRECT.open(urllib.request.Request(address, method="POST"), timeout=_PATIENCE_S).close()


def choose_mode(base_url: str, mode: str) -> None:
    """Have a server be hostile in this mode from now on (see `hostile`); in none with ""."""
    address = base_url.removesuffix("/v1") + "/hostile"
    _DIRECT.open(urllib.request.Request(address, mode.encode(), method="POST"), timeout=_PATIENCE_S).close()


def _read_stats(base_url: str) -> dict[str, Any]:
    with _DIRECT.open(base_url.removesuffix("/v1") + "/stats", timeout=_PATIENCE_S) as response:
        stats: dict[str, Any] = json.load(response)
    return stats


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
