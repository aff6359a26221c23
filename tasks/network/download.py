"""Downloads one file, within a time, a size and a guard."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

import httpx

from schemas.urls import name_origin
from tasks.network.addresses import Address, is_public, read_literal
from tasks.network.guard import ANYWHERE, DEFAULT_PORTS, AddressRefusedError, Guard, GuardedTransport
from tasks.network.proxies import find_proxy

MAX_BYTES = 40_000_000
"""The largest real documents have some 35 MB."""

DEADLINE_S = 60.0
MAX_REDIRECTS = 5

_HEADERS = {"Accept": "*/*", "Accept-Encoding": "gzip", "User-Agent": "toolherd"}


class DownloadError(Exception):
    """Why a file was not downloaded: in words, without the address and whatever in it may be a secret."""


def download(url: str, guard: Guard = ANYWHERE, *, deadline_s: float = DEADLINE_S, max_bytes: int = MAX_BYTES) -> bytes:
    """The file at an http or https address. Not to be called where an event loop runs.

    All of it, from the look-up of the name over redirects to the last byte, takes at most `deadline_s` seconds. At most
    `max_bytes` are read, and as many are left when they are unpacked; gzip is the only packing that is asked for and
    taken. After a public address only public ones are gone to, whatever the guard permits else. A user in the address
    is sent to its host and to no other.

    Proxies that the environment names are used. Through one, the guard sees the names of hosts and not their addresses.

    Raises:
        DownloadError: there is no answer, none that is a success, or it is none of these.
    """
    try:
        return asyncio.run(_download(url, guard, deadline_s, max_bytes))
    except TimeoutError as error:
        raise DownloadError(f"it was not there within {deadline_s:g} s") from error
    except AddressRefusedError as error:
        raise DownloadError(str(error)) from error
    except (httpx.HTTPError, httpx.InvalidURL, ImportError, OSError, ValueError) as error:
        # Of an address that cannot be read the message may repeat any part.
        malformed = isinstance(error, (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError))
        raise DownloadError("that is no address" if malformed else str(error) or type(error).__name__) from error


async def _download(url: str, guard: Guard, deadline_s: float, max_bytes: int) -> bytes:
    async with asyncio.timeout(deadline_s):
        address = httpx.URL(url.strip())
        for _ in range(MAX_REDIRECTS + 1):
            async with _request(address, guard) as (answer, was_public):
                if not answer.has_redirect_location:
                    return await _read(answer, max_bytes)
                target = _follow(address, answer)
            guard = guard.narrow() if was_public else guard
            address = target
    raise DownloadError(f"it was redirected more than {MAX_REDIRECTS} times")


@asynccontextmanager
async def _request(address: httpx.URL, guard: Guard) -> AsyncIterator[tuple[httpx.Response, bool]]:
    """The answer of one address, its body unread, and whether it is a public one.

    Each has a connection of its own.
    """
    if not _is_fetchable(address):
        raise httpx.UnsupportedProtocol("")
    port = address.port or DEFAULT_PORTS[address.scheme]
    verify = address.scheme == "https"
    proxy = find_proxy(str(address))
    if proxy is None:
        transport: httpx.AsyncHTTPTransport = GuardedTransport(guard, verify)
    else:
        guard.check_host(address.raw_host.decode(), port)
        transport = httpx.AsyncHTTPTransport(verify, proxy=proxy)
    request = httpx.Request("GET", address, headers=_HEADERS)
    if address.userinfo:
        request = next(httpx.BasicAuth(address.username, address.password).auth_flow(request))
    async with transport:
        answer = await transport.handle_async_request(request)
        try:
            if proxy is None:
                server: Address | None = ip_address(
                    answer.extensions["network_stream"].get_extra_info("server_addr")[0]
                )
            else:
                server = read_literal(address.host)
            yield answer, server is None or is_public(server)
        finally:
            await answer.aclose()


def _is_fetchable(address: httpx.URL) -> bool:
    return address.scheme in DEFAULT_PORTS and bool(address.host) and 0 <= (address.port or 0) <= 65535


def _follow(address: httpx.URL, answer: httpx.Response) -> httpx.URL:
    """Where an answer redirects to. Raises DownloadError where that is not gone to."""
    try:
        target = address.join(answer.headers["Location"])
    except httpx.InvalidURL as error:
        raise DownloadError("it is redirected to what is no address") from error
    shown = name_origin(str(target))
    if not _is_fetchable(target):
        raise DownloadError(f"it is redirected to an address of {target.scheme or 'no scheme'}")
    if address.scheme == "https" and target.scheme == "http":
        raise DownloadError(f"it is redirected from https to {shown}, where anybody on the way could change it")
    same_place = (target.scheme, target.host, target.port) == (address.scheme, address.host, address.port)
    if target.userinfo and not (same_place and target.userinfo == address.userinfo):
        raise DownloadError(f"it is redirected to {shown} with a user name")
    return target


async def _read(answer: httpx.Response, max_bytes: int) -> bytes:
    """The body, unpacked. Raises DownloadError."""
    if not answer.is_success:
        raise DownloadError(f"HTTP status {answer.status_code}")
    coding = answer.headers.get("Content-Encoding", "").strip().lower()
    if coding not in {"", "identity", "gzip", "x-gzip"}:
        raise DownloadError(f"it comes packed as {coding[:40]!r}, and only gzip was asked for")
    unpacker = _Unpacker(max_bytes) if coding.endswith("gzip") else None
    parts: list[bytes] = []
    received = 0
    async for chunk in answer.aiter_raw():
        received += len(chunk)
        if received > max_bytes:
            raise DownloadError(f"it is larger than {max_bytes:,} bytes")
        parts.append(chunk if unpacker is None else unpacker.unpack(chunk))
    if unpacker is not None and not unpacker.is_whole:
        raise DownloadError("its gzip breaks off")
    return b"".join(parts)


class _Unpacker:
    """Unpacks gzip, of one or several members, and never into more than `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = self._left = max_bytes
        self._member = zlib.decompressobj(wbits=31)
        self.is_whole = True

    def unpack(self, data: bytes) -> bytes:
        """What some more bytes hold. Raises DownloadError."""
        parts = []
        while data:
            if self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            try:
                part = self._member.decompress(data, self._left + 1)
            except zlib.error as error:
                raise DownloadError("its gzip is damaged") from error
            self._left -= len(part)
            if self._left < 0:
                raise DownloadError(f"it is larger than {self._max_bytes:,} bytes when it is unpacked")
            parts.append(part)
            data = self._member.unused_data
            self.is_whole = self._member.eof
        return b"".join(parts)
