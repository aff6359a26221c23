"""Ways out for tests: a server behind TLS whose authority nobody knows, and a proxy that knows where it is."""

import asyncio
import datetime
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "teacher.test"
"""A name that no name server knows: only the proxy finds it."""


def make_authority(folder: Path, host: str = HOST) -> tuple[Path, ssl.SSLContext]:
    """A file with the certificate of a new authority, and what a server needs that it vouches for."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority of one's own")])
    now = datetime.datetime.now(datetime.UTC)

    def build(name: x509.Name, public: ec.EllipticCurvePublicKey, *, is_authority: bool) -> x509.Certificate:
        names: list[x509.GeneralName] = [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = x509.CertificateBuilder(
            issuer_name=authority_name, subject_name=name, public_key=public, serial_number=x509.random_serial_number(),
            not_valid_before=now - datetime.timedelta(days=1), not_valid_after=now + datetime.timedelta(days=1),
        )  # fmt: skip
        builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        if not is_authority:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(authority_key, hashes.SHA256())

    authority = build(authority_name, authority_key.public_key(), is_authority=True)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    certificate = build(name, key.public_key(), is_authority=False)
    trusted, chain = folder / "authority.pem", folder / "server.pem"
    trusted.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return trusted, context


@contextmanager
def serve_proxy(target: str) -> Iterator[tuple[str, list[str]]]:
    """A proxy, and the first lines of what it was asked; whatever host that names, it connects to `target`."""
    host, _, port = target.rpartition(":")
    asked: list[str] = []

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        line = head.split(b"\r\n", 1)[0].decode()
        asked.append(line)
        there, back = await asyncio.open_connection(host, int(port))
        if line.startswith("CONNECT "):
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:  # an address where a path is due
            method, address, version = line.split(" ")
            path = "/" + address.split("://", 1)[1].partition("/")[2]
            back.write(f"{method} {path} {version}".encode() + head[len(line) :])
        await asyncio.gather(pass_on(reader, back), pass_on(there, writer))

    started: Future[int] = Future()

    async def run() -> None:
        over = asyncio.Event()
        ends.append(lambda: loop.call_soon_threadsafe(over.set))
        loop = asyncio.get_running_loop()
        async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
            started.set_result(server.sockets[0].getsockname()[1])
            await over.wait()
            server.close()

    ends: list[Callable[[], object]] = []
    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        yield f"http://127.0.0.1:{started.result(10)}", asked
    finally:
        ends[0]()
        thread.join()
