"""Lets connections out to some hosts and addresses only."""

import ssl
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import httpcore
import httpx

from schemas.errors import ToolHerdError
from tasks.network.addresses import Address, LookUp, is_public, look_up, read_literal, unwrap

Reach = Literal["any", "public or loopback", "public"]

DEFAULT_PORTS = {"http": 80, "https": 443}


class AddressRefusedError(ToolHerdError):
    """What is asked for lies where the guard lets nobody; the message says where that is and what would be let."""


@dataclass(frozen=True)
class Guard:
    """Where connections may lead: to addresses within `reach` and, unless it is None, to those of `hosts` only.

    `hosts` are names as a URL has them, in lower case, with a port (`host:8000`) or for all of its ports.
    """

    reach: Reach = "any"
    hosts: frozenset[str] | None = None

    def narrow(self) -> "Guard":
        """The same guard, for public addresses only."""
        return replace(self, reach="public")

    def permits(self, address: Address) -> bool:
        """Whether an address is within reach."""
        if self.reach == "any" or is_public(address):
            return True
        return self.reach == "public or loopback" and unwrap(address).is_loopback

    def check_host(self, host: str, port: int) -> None:
        """Look at a host by its name alone.

        Raises:
            AddressRefusedError: it is none of `hosts`, or is itself an address out of reach.
        """
        name = host.lower().strip("[]").rstrip(".")
        if self.hosts is not None and not {name, f"{name}:{port}"} & self.hosts:
            raise AddressRefusedError(f"{name} is none of the hosts that are allowed")
        literal = read_literal(name)
        if literal is not None:
            self.choose(name, (literal,))

    async def find(self, host: str, port: int, look_up: LookUp = look_up) -> tuple[Address, ...]:
        """The addresses of a host that may be connected to.

        Raises:
            AddressRefusedError: there is none of them.
            OSError: the host has no address.
        """
        self.check_host(host, port)
        return self.choose(host, await look_up(host, port))

    def choose(self, host: str, addresses: Iterable[Address]) -> tuple[Address, ...]:
        """Those of a host's addresses that may be connected to. Raises AddressRefusedError where there is none."""
        given = tuple(addresses)
        chosen = tuple(address for address in given if self.permits(address))
        if given and not chosen:
            shown = str(given[0]) if str(given[0]) == host else f"{host} ({given[0]})"
            raise AddressRefusedError(f"{shown} is not a {self.reach} address")
        return chosen


ANYWHERE = Guard()


class GuardedTransport(httpx.AsyncHTTPTransport):
    """Connects as httpx does, and only to addresses that a guard permits.

    A host's addresses are looked up once, and one of those that were looked at is connected to, so that a name which
    leads elsewhere the second time gains nothing. Certificates are checked for the name. `handle_async_request` also
    raises AddressRefusedError. No proxy is used: which address one connects to cannot be seen.
    """

    def __init__(
        self, guard: Guard, verify: "ssl.SSLContext | bool" = True, look_up: LookUp = look_up, **limits: Any
    ) -> None:
        context = httpx.create_ssl_context() if verify is True else verify
        super().__init__(verify=context)
        # httpx has no parameter for it: hence the bound in pyproject.toml.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context if isinstance(context, ssl.SSLContext) else None,
            network_backend=_GuardedBackend(guard, look_up),
            **limits,
        )


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, guard: Guard, look_up: LookUp) -> None:
        self._guard, self._look_up = guard, look_up
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await self._guard.find(host, port, self._look_up)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        problem: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                return await self._inner.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)
