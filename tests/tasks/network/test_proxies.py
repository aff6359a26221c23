"""Proxies and certificate authorities that the environment names, on every way out: with a real proxy and real TLS."""

import os
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from schemas.errors import UserError
from tasks.network import DownloadError, adopt_certificates, download, find_proxy, require_usable_proxy
from tests.answering import Quiet
from tests.tasks.network.ways import HOST, make_authority, serve_proxy

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, *(name.upper() for name in PROXIES), *AUTHORITIES):
        monkeypatch.setenv(name, "")  # so that what is set below is unset in the end
        monkeypatch.delenv(name)


class TestChoice:
    @pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
    def test_it_is_named_in_either_case_for_a_scheme_or_for_all(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(name, "http://proxy:3128")
        assert find_proxy("https://api.example.com/v1") == "http://proxy:3128"
        assert find_proxy("http://api.example.com/v1") == (None if "https" in name.lower() else "http://proxy:3128")

    def test_without_a_scheme_it_is_one_of_http(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "me:secret@proxy:3128")
        assert find_proxy("https://h/v1") == "http://me:secret@proxy:3128"

    @pytest.mark.parametrize(
        "address",
        ["http://localhost:8000/v1", "http://127.0.0.1/v1", "http://127.1.2.3/v1", "http://[::1]:1/v1", "https://a.localhost/"],
    )  # fmt: skip
    def test_no_proxy_leads_back_to_this_machine(self, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ALL_PROXY", "http://proxy:3128")
        assert find_proxy(address) is None

    @pytest.mark.parametrize(
        ("no_proxy", "address", "is_direct"),
        [
            ("*", "https://h/v1", True),
            ("a, *", "https://h/v1", True),
            ("example.com", "https://example.com/v1", True),
            ("example.com", "https://api.Example.com/v1", True),
            (".example.com", "https://api.example.com/v1", True),
            ("*.example.com", "https://api.example.com/v1", True),
            ("example.com", "https://myexample.com/v1", False),
            ("example.com", "https://example.com.org/v1", False),
            ("example.com:8443", "https://example.com:8443/v1", True),
            ("example.com:8443", "https://example.com/v1", False),
            ("example.com:443", "https://example.com/v1", True),
            ("10.0.0.0/8", "http://10.1.2.3:8000/v1", True),
            ("10.0.0.0/8", "http://11.1.2.3:8000/v1", False),
            ("10.1.2.3", "http://10.1.2.3:8000/v1", True),
            ("[fd00::1]:8000", "http://[fd00::1]:8000/v1", True),
            ("fd00::/8", "http://[fd12::1]/v1", True),
            ("10.0.0.0/99", "http://10.1.2.3/v1", False),
            (",", "https://h/v1", False),
        ],
    )
    def test_hosts_that_no_proxy_names_are_gone_to_directly(
        self, no_proxy: str, address: str, is_direct: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ALL_PROXY", "http://proxy:3128")
        monkeypatch.setenv("NO_PROXY", no_proxy)
        assert (find_proxy(address) is None) == is_direct

    def test_one_of_another_kind_is_told_with_what_to_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ALL_PROXY", "socks5://me:secret@proxy:1080")
        with pytest.raises(UserError, match="for h is one of socks5, and only http and https proxies") as caught:
            require_usable_proxy("https://h/v1")
        assert "secret" not in str(caught.value)
        require_usable_proxy("http://localhost/v1")
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
        require_usable_proxy("https://h/v1")


class TestAuthorities:
    @pytest.fixture
    def trusted(self, tmp_path: Path) -> Path:
        return make_authority(tmp_path)[0]

    @pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
    def test_all_libraries_are_told_under_the_name_that_they_read(
        self, name: str, trusted: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(name, str(trusted))
        adopt_certificates()
        assert os.environ["SSL_CERT_FILE"] == str(trusted)

    def test_the_name_that_they_read_goes_first(self, trusted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
        adopt_certificates()
        assert os.environ["SSL_CERT_FILE"] == str(trusted)

    def test_a_folder_stays_one(self, trusted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted.parent))
        adopt_certificates()
        assert os.environ["SSL_CERT_DIR"] == str(trusted.parent)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
        adopt_certificates()
        assert "SSL_CERT_FILE" not in os.environ

    def test_none_are_adopted_where_none_are_named(self) -> None:
        adopt_certificates()
        assert not {"SSL_CERT_FILE", "SSL_CERT_DIR"} & os.environ.keys()

    @pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR"])
    def test_what_is_not_there_is_one_clear_line(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(name, "/nowhere/authority.pem")
        with pytest.raises(UserError, match=f"^{name}: .*/nowhere/authority.pem"):
            adopt_certificates()

    def test_so_is_a_file_that_holds_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "empty.pem").write_text("nothing")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "empty.pem"))
        with pytest.raises(UserError, match="no certificates can be read from"):
            adopt_certificates()


class Handler(Quiet, BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"list")


@pytest.fixture
def far(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server behind TLS, as `host:port`, and the authority that vouches for it."""
    trusted, context = make_authority(tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", trusted
        finally:
            server.shutdown()
            thread.join()


def test_a_download_goes_through_the_proxy_to_a_server_whose_authority_is_trusted(
    far: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    target, trusted = far
    with serve_proxy(target) as (proxy, asked):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with pytest.raises(DownloadError, match="CERTIFICATE_VERIFY_FAILED"):
            download(f"https://{HOST}/list.md")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
        adopt_certificates()
        assert download(f"https://{HOST}/list.md") == b"list"
    assert asked == [f"CONNECT {HOST}:443 HTTP/1.1"] * 2


def test_a_certificate_is_checked_for_its_name_too(far: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    target, trusted = far
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with serve_proxy(target) as (proxy, _):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with pytest.raises(DownloadError, match="CERTIFICATE_VERIFY_FAILED"):
            download("https://other.test/list.md")
    assert ssl.create_default_context(cafile=trusted).verify_mode is ssl.CERT_REQUIRED
