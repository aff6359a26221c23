"""Sources by URL, over real HTTP, and sources that cannot be had."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from schemas.errors import UserError
from tasks.sources import read_catalog

ANSWERS = {
    "/list.md": "# APIs\n### Animals\n| API | Description | Auth | HTTPS | CORS |\n|---|---|---|---|---|\n"
    "| [Cat](https://cat.example) | Cat facts | No | Yes | No |\n",
    "/v1/pets.yaml": "openapi: 3.0.0\npaths: {}\n",
    "/": "openapi: 3.0.0\npaths: {}\n",
    "/old": json.dumps({"entries": [{"API": "Dog", "Description": "d", "HTTPS": True, "Category": "Animals"}]}),
    "/page": "\n<!DOCTYPE html>\n<html></html>",
}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/list.md")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = ANSWERS.get(self.path, "").encode()
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the test output quiet."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "name"), [("/list.md", "Cat"), ("/moved", "Cat"), ("/v1/pets.yaml", "pets"), ("/old", "Dog")]
)
def test_a_url_is_read_by_its_content(server: str, path: str, name: str) -> None:
    catalog = read_catalog(server + path)
    assert [entry.name for entry in catalog.entries] == [name]
    assert catalog.source == server + path


def test_a_document_without_a_name_is_called_by_its_host_where_the_address_has_no_path(server: str) -> None:
    assert [entry.name for entry in read_catalog(server + "/").entries] == [server.removeprefix("http://")]


@pytest.mark.parametrize(("path", "problem"), [("/none", "HTTP status 404"), ("/page", "HTML page")])
def test_an_address_without_a_catalogue_is_one_clear_line(server: str, path: str, problem: str) -> None:
    with pytest.raises(UserError, match=problem) as caught:
        read_catalog(server + path)
    assert server + path in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/list.md", "http://", "http://[", "https://a b/"])
def test_an_address_that_does_not_answer_is_one_clear_line(url: str) -> None:
    with pytest.raises(UserError, match="Cannot fetch") as caught:
        read_catalog(url)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", ["/no/such/list.md", "", " ", "x" * 5000, "a\0b", "~nobody-here/list.md"])
def test_no_such_file_says_what_can_be_given(source: str) -> None:
    with pytest.raises(UserError, match=r"No such file or folder: .*; give 'bundled'") as caught:
        read_catalog(source)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_folder_without_documents_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no JSON or YAML file"):
        read_catalog(str(tmp_path))


def test_a_file_that_is_no_text_says_so(tmp_path: Path) -> None:
    file = tmp_path / "list.md"
    file.write_bytes(b"# \xff")
    with pytest.raises(UserError, match=r"not UTF-8 text \(byte 2\)"):
        read_catalog(str(file))
