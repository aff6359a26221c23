"""A catalogue that is fetched: what may be shown of its address, and what ends a download, in one line each."""

import gzip
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.errors import UserError
from tasks.network import Guard
from tasks.network.download import MAX_BYTES
from tasks.sources import check_source, read_catalog
from tests.tasks.network.servers import answer, pack_zeros, raw, redirect, serve_http

LIST = b"# APIs\n### Animals\n| API | Description | Auth | HTTPS | CORS |\n|---|---|---|---|---|\n" + (
    b"| [Cat](https://cat.example) | Cat facts | No | Yes | No |\n"
)
NAMELESS = b"openapi: 3.0.0\npaths: {}\n"
SECRET = "s3cr3t"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    answers = {
        f"/list.md?sig={SECRET}": answer(LIST),
        f"/{SECRET}/": answer(NAMELESS),
        f"/page?sig={SECRET}": answer(b"<!doctype html>"),
        f"/text?sig={SECRET}": answer(b"hello"),
        f"/broken?sig={SECRET}": answer(b'{"openapi": '),
        f"/binary?sig={SECRET}": answer(b"\xff"),
        f"/bomb?sig={SECRET}": answer(pack_zeros(41), Content_Encoding="gzip"),
        f"/odd?sig={SECRET}": answer(b"x", Content_Encoding=f"{SECRET[:3]}\x1b[31m"),
        f"/away?sig={SECRET}": redirect(f"http://127.0.0.1:1/x?sig={SECRET}"),
        f"/user?sig={SECRET}": redirect(f"http://me:{SECRET}@127.0.0.1:1/"),
        f"/wrong?sig={SECRET}": redirect(f"ftp://127.0.0.1:1/{SECRET}"),
    }
    with serve_http(answers) as (url, _):
        yield url


def test_of_an_address_s_query_only_a_hash_is_recorded(server: str) -> None:
    catalog = read_catalog(f"{server}/list.md?sig={SECRET}")
    assert [entry.name for entry in catalog.entries] == ["Cat"]
    assert catalog.source.startswith(f"{server}/list.md?hidden-")
    assert SECRET not in repr(catalog)


@pytest.mark.parametrize("path", ["none", "page", "text", "broken", "binary", "bomb", "odd", "away", "user", "wrong"])
@pytest.mark.parametrize("named", ["directly", "by a variable", "by a block"])
def test_no_error_shows_more_of_an_address_than_may_be_recorded(
    server: str, path: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{server}/{path}?sig={SECRET}"
    source = {"directly": url, "by a variable": "env:MY_LIST", "by a block": "block:list"}[named]
    monkeypatch.setenv("MY_LIST", url)
    with pytest.raises(UserError) as caught:
        read_catalog(source, url if named == "by a block" else "")
    said = str(caught.value)
    assert SECRET not in said
    assert said.isprintable()
    assert (f"/{path}?hidden-" if named == "directly" else source) in said


def test_a_variable_holds_an_address_of_which_only_the_variable_s_name_is_shown(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_LIST", server.replace("://", f"://me:{SECRET}@") + f"/{SECRET}/\n")
    catalog = read_catalog("env:MY_LIST")
    assert catalog.source == "env:MY_LIST"
    assert [entry.name for entry in catalog.entries] == [server.removeprefix("http://")]
    assert SECRET not in repr(catalog)


def test_a_block_s_content_is_handed_over_and_only_its_name_is_shown(server: str) -> None:
    catalog = read_catalog("block:my-list", f"{server}/list.md?sig={SECRET}")
    assert (catalog.source, len(catalog.entries)) == ("block:my-list", 1)


@pytest.mark.parametrize("value", [None, "", "  ", "/etc/passwd", "bundled", "ftp://h/x", "s3://h/x", "env:OTHER"])
def test_a_variable_that_holds_no_address_is_one_line_that_does_not_show_what_it_holds(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MY_LIST", raising=False)
    if value is not None:
        monkeypatch.setenv("MY_LIST", value)
    with pytest.raises(UserError, match=r"^--catalog env:MY_LIST: it holds n.* set it to ") as caught:
        read_catalog("env:MY_LIST")
    assert not (value or "").strip() or str(value) not in str(caught.value)


@pytest.mark.parametrize(
    "source", [f"https://me:{SECRET}@h/x", f"https://{SECRET}@h/x", f"https:/me:{SECRET}@h/x", f"ftp://me:{SECRET}@h/x"]
)
def test_a_user_in_an_address_is_turned_down_with_the_remedy_and_not_shown(source: str) -> None:
    with pytest.raises(UserError, match=r"names a user or a password.*env:NAME.*block:NAME") as caught:
        read_catalog(source)
    assert SECRET not in str(caught.value)


def test_an_address_that_was_recorded_is_none_to_fetch_from(server: str) -> None:
    recorded = read_catalog(f"{server}/list.md?sig={SECRET}").source
    with pytest.raises(
        UserError, match=r"was left out when it was recorded; give the address as it was, or put .*env:"
    ):
        check_source(recorded)


@pytest.mark.parametrize("source", ["ftp://h/list.md", "https:/h/list.md", "http:list.md"])
def test_only_web_addresses_are_fetched(source: str) -> None:
    with pytest.raises(UserError, match=r"only http:// and https:// addresses are fetched"):
        read_catalog(source)


def test_a_guard_holds_for_what_is_fetched(server: str) -> None:
    with pytest.raises(UserError, match=r"^Cannot fetch .*: 127\.0\.0\.1 is not a public address; check the address"):
        read_catalog(f"{server}/list.md?sig={SECRET}", guard=Guard("public"))


def test_a_catalogue_may_come_packed(tmp_path: Path) -> None:
    with serve_http({"/": answer(gzip.compress(LIST), Content_Encoding="gzip")}) as (url, _):
        assert [entry.name for entry in read_catalog(url + "/").entries] == ["Cat"]


def test_a_body_without_an_end_is_left_where_it_is_too_large() -> None:
    endless = raw(b"HTTP/1.1 200 OK\r\n\r\n", b"| a | b |\n" * 100_000, times=10**6)
    with serve_http({"/": endless}) as (url, _), pytest.raises(UserError, match=r"larger than 40,000,000 bytes; check"):
        read_catalog(url + "/")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    sparse = tmp_path / "list.md"
    with sparse.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(UserError, match=r"list\.md is larger than 40,000,000 bytes; give a part of it"):
        read_catalog(str(sparse))


def test_a_device_that_never_ends_is_not_read_for_ever() -> None:
    with pytest.raises(UserError, match=r"/dev/zero is larger than"):
        read_catalog("/dev/zero")


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(LIST,))
    writer.start()
    assert [entry.name for entry in read_catalog(str(pipe)).entries] == ["Cat"]
    writer.join()
