"""Which IP addresses are public, and which addresses a name has."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

LookUp = Callable[[str, int], Awaitable[tuple[Address, ...]]]
"""From a host's name and a port to the host's addresses, the best first. Raises OSError where it has none."""

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""How hosts that speak IPv4 alone look from a network of IPv6 alone (RFC 6052)."""

_NEVER = (
    IPv4Network("192.0.0.0/24"),  # for protocols; Oracle's cloud uses it as well
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv4Network("168.63.129.16/32"),  # where Azure keeps what a virtual machine may know of itself
    IPv6Network("2001::/32"),  # Teredo, which like 6to4 leads to an IPv4 address that it holds
    IPv6Network("2002::/16"),
    IPv6Network("2001:db8::/32"),  # for documentation, as is the next
    IPv6Network("3fff::/20"),
)


def is_public(address: Address) -> bool:
    """Whether an address belongs to the internet at large, and to no machine or network of one's own.

    Not public are loopback, private and link-local ones (with those at which clouds tell machines their secrets),
    carrier-grade NAT, multicast, reserved ones, and IPv6 that stands for an IPv4 address which is not public.
    """
    address = unwrap(address)
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    if any(address in network for network in _NEVER if network.version == address.version):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def unwrap(address: Address) -> Address:
    """The IPv4 address for which one of IPv6 stands (`::ffff:127.0.0.1`, `64:ff9b::7f00:1`); any other as it is."""
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address


def read_literal(host: str) -> Address | None:
    """The address that a host is, in any spelling that the system takes (`127.1`, `0x7f000001`); None of a name."""
    host = host.strip("[]").rstrip(".")
    with contextlib.suppress(ValueError):
        return ip_address(host)
    if host.isascii() and host[:1].isdigit():
        with contextlib.suppress(OSError):
            return IPv4Address(socket.inet_aton(host))
    return IPv4Address("127.0.0.1") if host.lower() == "localhost" or host.lower().endswith(".localhost") else None


async def look_up(host: str, port: int) -> tuple[Address, ...]:
    """The addresses of a host, as the system finds them.

    It is asked in a thread that nothing waits for: a name server that is silent keeps a caller half a minute, whom
    nobody could stop or limit.

    Raises:
        OSError: there is none.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[tuple[Address, ...]] = loop.create_future()

    def tell(addresses: tuple[Address, ...], error: Exception | None) -> None:
        if found.done():
            return
        if error is None:
            found.set_result(addresses)
        else:
            found.set_exception(error)

    def ask() -> None:
        addresses: tuple[Address, ...] = ()
        problem: Exception | None = None
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = tuple(dict.fromkeys(ip_address(row[4][0]) for row in rows))
        except (OSError, UnicodeError, ValueError) as error:  # a label of a name may be too long to be encoded
            problem = error if isinstance(error, OSError) else OSError(str(error))
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(tell, addresses, problem)

    threading.Thread(target=ask, name="look-up", daemon=True).start()
    return await found
