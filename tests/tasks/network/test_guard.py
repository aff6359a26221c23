"""Who is let through: by name, by address, by the address that is connected to."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tasks.network import AddressRefusedError, Guard, GuardedTransport
from tasks.network.addresses import Address, LookUp
from tests.tasks.network.servers import answer, serve_http

HERE, OTHER = ip_address("127.0.0.1"), ip_address("127.0.0.2")
PUBLIC, PRIVATE = ip_address("8.8.8.8"), ip_address("10.0.0.1")


def tell(*addresses: Address) -> tuple[LookUp, list[str]]:
    """A name server that knows of these addresses only, and what it was asked for."""
    asked: list[str] = []

    async def look_up(host: str, port: int) -> tuple[Address, ...]:
        asked.append(f"{host}:{port}")
        return addresses

    return look_up, asked


@pytest.mark.parametrize(
    ("guard", "permitted"),
    [(Guard(), {HERE, PUBLIC, PRIVATE}), (Guard("public or loopback"), {HERE, PUBLIC}), (Guard("public"), {PUBLIC}),
     (Guard().narrow(), {PUBLIC})],
)  # fmt: skip
def test_a_guard_permits_what_is_in_its_reach(guard: Guard, permitted: set[Address]) -> None:
    assert {address for address in (HERE, PUBLIC, PRIVATE) if guard.permits(address)} == permitted


def test_loopback_in_the_clothes_of_ipv6_is_loopback() -> None:
    mapped, private = ip_address("::ffff:127.0.0.1"), ip_address("::ffff:10.0.0.1")
    assert Guard("public or loopback").permits(mapped)
    assert not Guard("public or loopback").permits(private)
    assert not Guard("public").permits(mapped)


def test_hosts_that_are_listed_are_let_through_by_name_and_if_need_be_by_port() -> None:
    guard = Guard(hosts=frozenset({"example.org", "own:8000"}))
    for host, port in (("example.org", 443), ("EXAMPLE.org.", 80), ("own", 8000)):
        guard.check_host(host, port)
    for host, port in (("own", 80), ("www.example.org", 443), ("example.org.evil.net", 443), ("127.0.0.1", 8000)):
        with pytest.raises(AddressRefusedError, match="is none of the hosts that are allowed"):
            guard.check_host(host, port)
    assert guard.narrow().hosts == guard.hosts


async def test_a_name_that_leads_out_of_reach_is_refused_and_nothing_is_connected_to() -> None:
    with serve_http({"/": answer(b"secret")}) as (url, asked):
        look_up, looked_up = tell(HERE)
        named = url.replace("127.0.0.1", "rebound.example")
        async with httpx.AsyncClient(transport=GuardedTransport(Guard("public"), False, look_up)) as client:
            with pytest.raises(
                AddressRefusedError, match=r"^rebound\.example \(127\.0\.0\.1\) is not a public address$"
            ):
                await client.get(named)
            for literal in (url, url.replace("127.0.0.1", "127.1"), url.replace("127.0.0.1", "2130706433")):
                with pytest.raises(AddressRefusedError, match="is not a public address"):
                    await client.get(literal)
    assert (asked, len(looked_up)) == ([], 1)


async def test_of_a_name_s_addresses_only_those_in_reach_are_tried_and_the_name_is_looked_up_once() -> None:
    with serve_http({"/": answer(b"found")}) as (url, asked):
        port = url.rpartition(":")[2]
        look_up, looked_up = tell(PRIVATE, OTHER, HERE)  # nothing listens at the second
        transport = GuardedTransport(Guard("public or loopback"), False, look_up)
        async with httpx.AsyncClient(transport=transport) as client:
            assert (await client.get(f"http://named.example:{port}/")).text == "found"
    assert asked == [f"/ named.example:{port}"]
    assert looked_up == [f"named.example:{port}"]


async def test_a_name_without_an_address_is_an_error_of_httpx() -> None:
    look_up, _ = tell()
    async with httpx.AsyncClient(transport=GuardedTransport(Guard(), False, look_up)) as client:
        with pytest.raises(httpx.ConnectError, match="has no address"):
            await client.get("http://named.example/")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate for `named.example` that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "named.example")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("named.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, plain) + signed.public_bytes(serialization.Encoding.PEM)
    path = tmp_path / "certificate.pem"
    path.write_bytes(pem)
    return path


@pytest.fixture
def tls_port(certificate: Path) -> Iterator[tuple[int, list[str]]]:
    """A port at which TLS is spoken, and the names that were asked for there."""
    import socket

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    names: list[str] = []
    context.sni_callback = lambda connection, name, used: names.append(str(name))
    listening = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        while True:
            try:
                accepted, _ = listening.accept()
            except OSError:
                return
            with accepted:
                try:
                    with context.wrap_socket(accepted, server_side=True) as connection:
                        connection.recv(10_000)
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nfound")
                except OSError:
                    continue

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    yield listening.getsockname()[1], names
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


async def test_a_certificate_is_checked_for_the_name_and_not_for_the_address(
    certificate: Path, tls_port: tuple[int, list[str]]
) -> None:
    port, names = tls_port
    trusting = ssl.create_default_context(cafile=str(certificate))
    look_up, _ = tell(HERE)
    async with httpx.AsyncClient(transport=GuardedTransport(Guard(), trusting, look_up)) as client:
        assert (await client.get(f"https://named.example:{port}/")).text == "found"
        assert names == ["named.example"]
        with pytest.raises(httpx.ConnectError, match=r"(?i)certificate"):
            await client.get(f"https://other.example:{port}/")
