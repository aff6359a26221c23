"""Who reaches the Prefect server that we start: its password, and where and under which names it is to be found.

The password is made at the first start and kept under PREFECT_HOME, in a file that only its owner may read. Who reads
it, or gets into the server in another way, runs what they like as the account of every worker.
"""

import base64
import errno
import http.client
import ipaddress
import os
import re
import secrets
import socket
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import ToolHerdError, UserError
from schemas.private_files import close_to_others, make_private_folder
from tasks.network import find_proxy

ADDRESS_VARIABLE = "TOOLHERD_SERVER_HOST"
HOSTS_VARIABLE = "TOOLHERD_SERVER_ALLOWED_HOSTS"
LOOPBACK = "127.0.0.1"
FIRST_PORT = 4200

_OWN_NAMES = (LOOPBACK, "localhost", "[::1]")
_NAME = re.compile(r"(\*\.)?[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")
_PASSWORD = re.compile(r"[!-9;-~]+:[!-~]+")
"""As Prefect takes it: account and password in one, in ASCII and without white space."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Who is sent elsewhere has not been answered: what was asked for, password and all, is for the server alone."""

    def redirect_request(self, *_: object) -> None:
        return None


@dataclass(frozen=True)
class ServerPlace:
    """The address that the server listens on, and the names that a request may ask it by (IPv6 in brackets)."""

    address: str
    names: tuple[str, ...]

    @property
    def is_ipv6(self) -> bool:
        """Whether it listens on an address of IPv6."""
        return ":" in self.address

    @property
    def host(self) -> str:
        """How it is reached from this machine, as addresses of pages have it."""
        address = ipaddress.ip_address(self.address)
        if address.is_unspecified:
            return "[::1]" if self.is_ipv6 else LOOPBACK
        return _write_host(self.address)


def read_place() -> ServerPlace:
    """Where the operator wants the server: on loopback alone, unless the two variables say otherwise.

    Raises:
        UserError: an address or a name that is none, or all addresses of the machine without a name for others to use.
    """
    address = os.environ.get(ADDRESS_VARIABLE, "").strip() or LOOPBACK
    try:
        is_unspecified = ipaddress.ip_address(address).is_unspecified
    except ValueError:
        raise UserError(
            f"{ADDRESS_VARIABLE}: {address!r} is no IP address; 0.0.0.0 means all of this machine's"
        ) from None
    names = [name.strip() for name in os.environ.get(HOSTS_VARIABLE, "").split(",") if name.strip()]
    for name in names:
        if not _NAME.fullmatch(name):
            raise UserError(
                f"{HOSTS_VARIABLE}: {name!r} is no host name; give names without scheme and port, separated by commas"
            )
    if is_unspecified and not names:
        raise UserError(
            f"{ADDRESS_VARIABLE}={address} opens the server to other machines: name in {HOSTS_VARIABLE} what they call "
            "this one, for nothing else is answered"
        )
    own = () if is_unspecified else (_write_host(address),)
    return ServerPlace(address, tuple(dict.fromkeys((*_OWN_NAMES, *own, *names))))


def open_socket(place: ServerPlace) -> socket.socket:
    """A socket that listens on the first free port from FIRST_PORT on.

    Raises:
        UserError: the address is not this machine's.
        ToolHerdError: no port is free.
    """
    family = socket.AF_INET6 if place.is_ipv6 else socket.AF_INET
    for port in range(FIRST_PORT, FIRST_PORT + 200):
        try:
            return socket.create_server((place.address, port), family=family, backlog=128)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise UserError(f"{ADDRESS_VARIABLE}: {place.address} is no address of this machine") from error
    raise ToolHerdError(
        f"no free port from {FIRST_PORT} on for a Prefect server: set PREFECT_API_URL to a running one."
    )


def close_home(home: Path) -> None:
    """Make it, and close it and what an older version left in it to other accounts. Raises UserError."""
    try:
        make_private_folder(home)
        for path in home.iterdir():
            close_to_others(path)
        problem = "it stays open to other accounts" if home.stat().st_mode & 0o077 else ""
    except OSError as error:
        problem = str(error)
    if problem:
        raise UserError(f"the Prefect server's records cannot be kept in {home} ({problem}): set PREFECT_HOME")


def get_password_file(home: Path) -> Path:
    """The file with the password of the server whose records lie in `home`."""
    return home / "toolherd-server.secret"


def read_password(home: Path) -> str | None:
    """What Prefect calls the auth string; None where there is none yet.

    Raises:
        UserError: the file cannot be read or holds something else.
    """
    file = get_password_file(home)
    try:
        text = file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(f"the Prefect server's password in {file} cannot be read: {error}") from error
    if not _PASSWORD.fullmatch(text):
        raise UserError(f"{file} holds no line `account:password`: remove it, and the next start makes another")
    return text


def make_password(home: Path) -> str:
    """The password that is there, or a new one: whole or not there at all, and at no moment for others to read.

    Raises:
        UserError: as `read_password`.
    """
    known = read_password(home)
    if known is not None:
        return known
    made = f"toolherd:{secrets.token_urlsafe(32)}"
    descriptor, name = tempfile.mkstemp(prefix="toolherd-server.", dir=home)  # 0600
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{made}\n")
        file.flush()
        os.fsync(descriptor)
    os.replace(name, get_password_file(home))
    return made


def ask(api_url: str, path: str, password: str | None = None) -> int:
    """The status with which a server answers a GET of `path`; 0 where nothing answers within 2 s.

    One of this machine is asked past any proxy.
    """
    headers = {}
    if password is not None:
        headers["Authorization"] = f"Basic {base64.b64encode(password.encode()).decode()}"
    try:
        request = urllib.request.Request(f"{api_url.rstrip('/')}{path}", headers=headers)
        proxy = find_proxy(api_url)
        proxies = urllib.request.ProxyHandler({} if proxy is None else {request.type: proxy})
        with urllib.request.build_opener(proxies, _NoRedirects).open(request, timeout=2) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except (OSError, ValueError, http.client.HTTPException):
        return 0


def _write_host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
