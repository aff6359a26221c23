"""Downloads that end: what is too large, too slow, packed in tricks, or led astray is one short reason."""

import gzip
import threading
import zlib
from collections.abc import Iterator

import pytest

from tasks.network import DownloadError, Guard, download
from tests.tasks.network.servers import (
    PUBLIC,
    Say,
    answer,
    can_have_public_address,
    pack_zeros,
    raw,
    redirect,
    run_with_public_address,
    serve_http,
)

BODY = b"openapi: 3.1.0\n"
HEAD = b"HTTP/1.1 200 OK\r\n"
PACKED = b"Content-Encoding: gzip\r\n\r\n"
LIMIT = 20_000


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """Set when the test is over, so that no server goes on."""
    event = threading.Event()
    yield event
    event.set()


def fetch(say: Say, **limits: float) -> bytes:
    with serve_http({"/": say}) as (url, _):
        return download(url + "/", deadline_s=limits.get("deadline_s", 20), max_bytes=LIMIT)


@pytest.mark.parametrize(
    "say",
    [answer(BODY), answer(BODY, Content_Encoding="identity"),
     answer(gzip.compress(BODY), Content_Encoding="gzip"), answer(gzip.compress(BODY), Content_Encoding="X-GZIP"),
     answer(gzip.compress(BODY[:5]) + gzip.compress(BODY[5:]), Content_Encoding="gzip"),
     raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nopena\r\n", b"a\r\npi: 3.1.0\n\r\n0\r\n\r\n"),
     raw(HEAD + b"\r\n", BODY)],
    ids=["plain", "identity", "gzip", "x-gzip", "two members", "chunked", "until it closes"],
)  # fmt: skip
def test_a_file_is_downloaded_as_it_is_or_packed_as_gzip(say: Say) -> None:
    assert fetch(say) == BODY


@pytest.mark.parametrize("size", [0, 1, LIMIT])
def test_a_file_of_just_the_limit_is_taken(size: int) -> None:
    assert fetch(answer(bytes(size))) == bytes(size)
    assert fetch(answer(gzip.compress(bytes(size)), Content_Encoding="gzip")) == bytes(size)


@pytest.mark.parametrize(
    ("say", "problem"),
    [
        (answer(bytes(LIMIT + 1)), "larger than 20,000 bytes"),
        (
            answer(gzip.compress(bytes(LIMIT + 1)), Content_Encoding="gzip"),
            "larger than 20,000 bytes when it is unpack",
        ),
        (answer(pack_zeros(20), Content_Encoding="gzip"), "larger than 20,000 bytes when it is unpacked"),
        (answer(gzip.compress(b"") * 1100, Content_Encoding="gzip"), "larger than 20,000 bytes"),
        (raw(HEAD + b"\r\n", bytes(10_000), times=10**9), "larger than 20,000 bytes"),
        (raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", times=10**9), "larger than 20,000 bytes"),
        (raw(HEAD + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b""), times=10**9), "larger than 20,000 bytes"),
        (answer(gzip.compress(gzip.compress(BODY)), Content_Encoding="gzip, gzip"), "packed as 'gzip, gzip'"),
        (raw(HEAD + b"Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n\r\n"), "packed as 'gzip, gzip'"),
        (answer(zlib.compress(BODY), Content_Encoding="deflate"), "packed as 'deflate', and only gzip was asked for"),
        (answer(BODY, Content_Encoding="br"), "packed as 'br'"),
        (answer(BODY, Content_Encoding="zstd"), "packed as 'zstd'"),
        (answer(gzip.compress(BODY)[:-9], Content_Encoding="gzip"), "gzip breaks off"),
        (answer(BODY, Content_Encoding="gzip"), "gzip is damaged"),
        (answer(gzip.compress(BODY) + b"more", Content_Encoding="gzip"), "gzip is damaged"),
        (answer(BODY, 404), "HTTP status 404"),
        (answer(BODY, 300), "HTTP status 300"),
        (answer(BODY, 302), "HTTP status 302"),
        (raw(HEAD + b"Content-Length: 99\r\n\r\n", BODY), "without sending complete message body"),
        (raw(HEAD + b"Content-Length: -1\r\n\r\n", BODY), "."),
        (raw(b"what is this?\r\n\r\n"), "."),
        (raw(b""), "."),
        (raw(HEAD, b"X-More: and more\r\n", times=10**6), "."),
    ],
)
def test_what_is_no_file_within_the_limits_is_one_reason(say: Say, problem: str) -> None:
    with pytest.raises(DownloadError, match=problem) as caught:
        fetch(say)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "parts",
    [(b"", b"x"), (b"HTTP/1.1 ", b"2"), (HEAD, b"X: y\r\n"), (b"HTTP/1.1 100 Continue\r\n\r\n",) * 2,
     (HEAD + b"\r\n", b"x"), (HEAD + PACKED + gzip.compress(b"")[:10], b"\0\0\0\xff\xff")],
    ids=["nothing", "status", "headers", "1xx", "body", "gzip"],
)  # fmt: skip
def test_one_deadline_holds_for_all_of_it(parts: tuple[bytes, ...], never: threading.Event) -> None:
    with pytest.raises(DownloadError, match=r"^it was not there within 0\.5 s$"):
        fetch(raw(*parts, pause=never, times=10**6), deadline_s=0.5)


def test_the_deadline_is_that_of_all_redirects_together(never: threading.Event) -> None:
    def say(request: object) -> None:
        never.wait(0.15)
        redirect("/")(request)  # type: ignore[arg-type]

    with pytest.raises(DownloadError, match=r"within 0\.5 s"):
        fetch(say, deadline_s=0.5)


def test_a_server_that_takes_connections_and_says_nothing_is_left() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for scheme in ("http", "https"):
            with pytest.raises(DownloadError, match=r"within 0\.3 s"):
                download(f"{scheme}://127.0.0.1:{port}/", deadline_s=0.3)


def test_five_redirects_are_followed_and_not_six() -> None:
    answers = {"/0": answer(BODY)} | {f"/{n}": redirect(f"/{n - 1}", 301 + n % 2) for n in range(1, 7)}
    with serve_http(answers) as (url, _):
        assert download(f"{url}/5") == BODY
        with pytest.raises(DownloadError, match="redirected more than 5 times"):
            download(f"{url}/6")


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("ftp://127.0.0.1/x", "redirected to an address of ftp"),
        ("file:///etc/passwd", "redirected to an address of file"),
        ("gopher://127.0.0.1/", "redirected to an address of gopher"),
        ("data:text/plain,x", "redirected to an address of data"),
        ("http://me:secret@127.0.0.1/", "with a user name$"),
        ("http://[", "."),
        ("http://127.0.0.1:99999999/", "."),
    ],
)
def test_a_redirect_to_what_is_not_fetched_says_so_and_shows_no_secret(target: str, problem: str) -> None:
    with pytest.raises(DownloadError, match=problem) as caught:
        fetch(redirect(target))
    assert "secret" not in str(caught.value)


def test_a_user_in_the_address_is_sent_to_its_host_and_to_no_other() -> None:
    with (
        serve_http({"/": answer(BODY)}) as (other, asked_other),
        serve_http({"/": redirect(other + "/"), "/a": redirect("/b"), "/b": answer(BODY)}) as (url, asked),
    ):
        given = url.replace("http://", "http://me:secret@")
        assert download(given + "/") == download(given + "/a") == BODY
    assert [line.split()[0::2] for line in asked] == [[path, "Basic"] for path in ("/", "/a", "/b")]
    assert "Basic" not in asked_other[0]


def test_a_guard_holds_for_the_first_address_and_for_redirects() -> None:
    with (
        serve_http({"/": answer(BODY)}) as (other, asked_other),
        serve_http({"/": redirect(other + "/")}) as (url, asked),
    ):
        with pytest.raises(DownloadError, match=r"^127\.0\.0\.1 is not a public address$"):
            download(url + "/", Guard("public"))
        assert asked == []
        with pytest.raises(DownloadError, match="is none of the hosts that are allowed"):
            download(url + "/", Guard(hosts=frozenset({url.removeprefix("http://")})))
        assert (len(asked), asked_other) == (1, [])
        assert download(url + "/") == BODY  # one's own server may lead to another of one's own


TARGETS = ("127.0.0.1", "127.1", "2130706433", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "192.168.7.7")


@pytest.mark.skipif(not can_have_public_address(), reason="no process may have a network of its own here")
def test_a_public_address_may_lead_to_public_ones_only() -> None:
    done = run_with_public_address(f"""
import subprocess
from contextlib import ExitStack
from tasks.network import DownloadError, download
from tests.tasks.network.servers import answer, redirect, serve_http

subprocess.run("ip address add 192.168.7.7/32 dev lo", shell=True, check=True)
with ExitStack() as stack:
    inside, asked = stack.enter_context(serve_http({{"/": answer(b"secret")}}, "0.0.0.0"))
    port = inside.rpartition(":")[2]
    answers = {{f"/{{n}}": redirect(f"http://{{host}}:{{port}}/") for n, host in enumerate({TARGETS!r})}}
    answers |= {{"/x": redirect("/y"), "/y": answer(b"public"), "/z": redirect("/0")}}
    url, _ = stack.enter_context(serve_http(answers, "{PUBLIC}"))
    own, _ = stack.enter_context(serve_http({{"/": redirect(url + "/0"), "/own": redirect(f"http://127.0.0.1:{{port}}/")}}))
    for path in [*answers, own + "/", own + "/own"]:
        try:
            print(path.removeprefix(own), download(path if "://" in path else url + path).decode())
        except DownloadError as error:
            print(path.removeprefix(own), error)
    print(len(asked))
""")
    assert done.returncode == 0, done.stderr
    *said, asked = done.stdout.splitlines()
    told = dict(line.split(" ", 1) for line in said)
    assert told.pop("/x") == told.pop("/y") == "public"
    assert told.pop("/own") == "secret"  # from one's own server to one's own
    assert set(told) == {f"/{n}" for n in range(len(TARGETS))} | {"/z", "/"}
    assert [line for line in told.values() if not line.endswith("is not a public address")] == []
    assert asked == "1"


def test_what_the_environment_s_proxy_brings_is_held_to_the_same_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_http({"/": answer(b"secret")}) as (inside, asked_inside):
        answers = {
            "http://far.example/": answer(BODY),
            "http://far.example/in": redirect(inside + "/"),
            "http://far.example/local": redirect("http://localhost/"),
            "http://far.example/bomb": answer(pack_zeros(20), Content_Encoding="gzip"),
        }
        with serve_http(answers) as (proxy, asked):
            for name in ("HTTP_PROXY", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
                monkeypatch.delenv(name, raising=False)
            monkeypatch.setenv("http_proxy", proxy)
            assert download("http://far.example/") == BODY
            for path in ("in", "local"):
                with pytest.raises(DownloadError, match="is not a public address"):
                    download(f"http://far.example/{path}")
            with pytest.raises(DownloadError, match="when it is unpacked"):
                download("http://far.example/bomb", max_bytes=LIMIT)
            with pytest.raises(DownloadError, match="is none of the hosts"):
                download("http://far.example/", Guard(hosts=frozenset({"near.example"})))
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            assert download(inside + "/") == b"secret"
    assert len(asked) == 4
    assert len(asked_inside) == 1


@pytest.mark.parametrize(
    "url", ["http://", "http://[", "https://a b/", "https://user:pa/ss@host/", "http://h:x/", "ftp://h/"]
)
def test_what_is_no_address_is_said_without_showing_it(url: str) -> None:
    with pytest.raises(DownloadError) as caught:
        download(url, deadline_s=20)
    assert not any(part in str(caught.value) for part in ("pa", "user", "x/"))


def test_nothing_listens_there() -> None:
    with pytest.raises(DownloadError, match=r"."):
        download("http://127.0.0.1:1/list.md")
