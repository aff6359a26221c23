"""A Prefect server of our own: the real one, as `toolherd server up` starts it, with what `make deploy` sets up."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from flows.server_access import get_password_file
from tests.flows.runs import PROJECT, Workplace


@dataclass(frozen=True)
class OwnServer:
    """Where it is, its password, and the lines with which `make deploy` says that others are to be told of both."""

    place: Workplace
    ui_url: str
    exports: str

    @property
    def api_url(self) -> str:
        """The address of its API."""
        return f"{self.ui_url}/api"

    @property
    def password(self) -> str:
        """What it asks for."""
        return get_password_file(self.place.home).read_text().strip()

    @contextmanager
    def use(self) -> Iterator[None]:
        """Prefect's client asks this server, as one who knows the password."""
        with temporary_settings({PREFECT_API_URL: self.api_url, PREFECT_API_AUTH_STRING: self.password}):
            yield

    @property
    def pid(self) -> int:
        """Its process."""
        return int(re.findall(r"process (\d+)", _run(self.place, "flows.server", "status"))[0])


@contextmanager
def start_own_server() -> Iterator[OwnServer]:
    """Started and deployed to, and ended with all that it left.

    Its folder can be entered by all accounts, as a home folder often can: what keeps them out is not of the tests.
    """
    folder = Path(tempfile.mkdtemp(prefix="toolherd-"))
    folder.chmod(0o755)
    before = os.umask(0o022)
    place = Workplace(folder, None, (("OPENAI_API_KEY", "sk-marked-0123456789"),))
    try:
        up = _run(place, "flows.server", "up")
        said = _run(place, "deployments.bootstrap")
        exports = "\n".join(line for line in said.splitlines() if line.startswith("  export "))
        yield OwnServer(place, re.findall(r"up at (\S+),", up)[0], exports)
    finally:
        os.umask(before)
        _run(place, "flows.server", "down")
        shutil.rmtree(folder)


def _run(place: Workplace, *module: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *module], cwd=PROJECT, env=place.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
