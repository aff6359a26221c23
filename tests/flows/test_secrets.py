"""An API key is found nowhere: not in what is kept, nor in what is logged, nor where an endpoint repeats it."""

import base64
import json
import secrets
import sqlite3
import subprocess
import sys
import urllib.parse
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from prefect.blocks.system import Secret
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from flows.server_access import read_password
from tasks.embedded.app import answer_chat
from tests.flows.parts import NAMES
from tests.flows.runs import PROJECT, Workplace
from tests.tasks.teacher.endpoints import serve

BLOCK = "teacher-key"
REFUSED = "Steem"

FULL_LOGGING = {
    "PREFECT_LOGGING_LEVEL": "DEBUG",
    "PREFECT_LOGGING_SERVER_LEVEL": "DEBUG",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "DEBUG",
    "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "DEBUG",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "openai,httpx,httpx2,aiohttp,asyncio,flows,tasks",
    "OPENAI_LOG": "debug",
}


def make_key() -> str:
    return f"sk-marked-{secrets.token_hex(16)}"


def _fail(status: int, **headers: str) -> Callable[[str], Response]:
    return lambda said: JSONResponse({"error": {"message": said, "code": said, "param": said}}, status, headers)


FAULTS: tuple[Callable[[str], Response], ...] = (
    _fail(500),
    _fail(429, **{"retry-after": "0.05"}),
    lambda said: HTMLResponse(f"<html><body>{said}</body></html>", 502),
    lambda said: PlainTextResponse(said, 503, {"x-seen": said}),
    lambda said: JSONResponse({"error": {"message": said}}),
    lambda said: PlainTextResponse(f'{{"choices": [ {said}'),
    lambda said: JSONResponse({"detail": [{"headers": {"authorization": said}}]}, 500),
)
"""Answers that fail, each in its way, and repeat what was said to the endpoint."""


class Echoing:
    """The embedded teacher behind a proxy that tells everybody the request's key.

    Each request fails at first. What is about one of the APIs is refused, once another has been answered: an endpoint
    that only refuses ends a run. With `refuses_keys`, so is every key.
    """

    def __init__(self, *, refuses_keys: bool = False) -> None:
        self.witness = f"witness-{secrets.token_hex(8)}"
        self.seen: set[bytes] = set()
        self.keys: set[str] = set()
        self.has_answered = False
        self._refuses_keys = refuses_keys
        self.app = Starlette(routes=[Route("/v1/chat/completions", self._complete, methods=["POST"])])

    async def _complete(self, request: Request) -> Response:
        raw, authorization = await request.body(), request.headers["authorization"]
        self.keys.add(authorization.removeprefix("Bearer "))
        said = f"{self.witness} {authorization} {urllib.parse.quote(authorization)}"
        if self._refuses_keys:
            return _fail(401)(said)
        if REFUSED.encode() in raw:
            return _fail(422 if self.has_answered else 500)(said)
        if raw not in self.seen:
            self.seen.add(raw)
            return FAULTS[len(self.seen) % len(FAULTS)](said)
        status, body = answer_chat(raw)
        self.has_answered = True
        return JSONResponse({**json.loads(body), "request": {"headers": {"authorization": authorization}}}, status)


def find_files(folder: Path, *texts: str) -> set[str]:
    """The names of the files below a folder that hold one of the texts, packed ones unpacked."""
    found = set()
    for path in folder.rglob("*"):
        if path.is_file() and any(text.encode() in content for content in read_contents(path) for text in texts):
            found.add(path.name)
    return found


def read_contents(path: Path) -> Iterator[bytes]:
    """A file's bytes, and what is in them where they are packed: Parquet's values, SQLite's values and payloads."""
    content = path.read_bytes()
    yield content
    if path.suffix == ".parquet":
        yield repr(pyarrow.parquet.read_table(path).to_pylist()).encode()
    if content.startswith(b"SQLite format 3\0"):
        yield from (repr(value).encode() for value in read_database(path))


def read_database(path: Path) -> Iterator[Any]:
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                for value in row:
                    yield value
                    if isinstance(value, bytes) and value[:1] == b"\x78":
                        yield zlib.decompress(value)


def list_forms(key: str) -> list[str]:
    """A key as it is, and as base64 (wherever it begins in what was encoded) and hexadecimal digits write it."""
    forms = [key, urllib.parse.quote(key, safe=""), key.encode().hex(), key[len("sk-marked-") :]]
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + key.encode()).decode().rstrip("=")
        forms.append(encoded[4:-2])  # the ends depend on what stands beside it
    return forms


def test_the_search_finds_a_key_in_every_form_and_file(tmp_path: Path) -> None:
    key = make_key()
    (tmp_path / "plain").write_text(f"x{key}x")
    (tmp_path / "hex").write_text(f"Bearer {key}".encode().hex())
    for before in range(3):
        (tmp_path / f"base64 {before}").write_bytes(base64.b64encode(b"?" * before + key.encode() + b" and more"))
    table = pyarrow.Table.from_pylist([{"text": f"{key} {number}"} for number in range(1000)])
    pyarrow.parquet.write_table(table, tmp_path / "table.parquet", compression="zstd")
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as connection:
        connection.execute("CREATE TABLE kept (payload BLOB)")
        connection.execute("INSERT INTO kept VALUES (?)", (zlib.compress(f"{key}".encode() * 9),))
        connection.commit()
    names = {path.name for path in tmp_path.iterdir()}
    (tmp_path / "nothing").write_text(make_key())
    assert find_files(tmp_path, *list_forms(key)) == names


async def test_a_marked_key_is_found_nowhere_though_the_endpoint_repeats_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_environment, in_block, refused = make_key(), make_key(), make_key()
    place = Workplace(tmp_path, None, tuple({**FULL_LOGGING, "OPENAI_API_KEY": in_environment}.items()))
    options = ["--names", *NAMES, "--apis", "all", "--instructions", "3", "--max_error_share", "1"]
    teacher = ["--teacher.model", "offline", "--teacher.base_url"]
    by_block = ["--teacher.api_key_block", BLOCK]
    proxy, gate = Echoing(), Echoing(refuses_keys=True)
    try:
        with serve(proxy) as url:
            first = place.build(*options, *teacher, url)
            assert first.status == 0, first.err
            await save_block(place, f"{in_block}\n")  # as it comes from a file or a paste
            second = place.build(*options, *teacher, url, *by_block, "--seed", "1", "--name", "other")
        await save_block(place, refused)
        with serve(gate) as url:
            third = place.build(*options, *teacher, url, *by_block, "--name", "third")
    finally:
        stop_server(place)

    assert (second.status, third.status) == (0, 2), second.err + third.err
    assert proxy.keys == {in_environment, in_block}
    assert gate.keys == {refused}
    assert f"refuses the API key in the Prefect Secret block '{BLOCK}' (401: {gate.witness} Bearer ***" in third.err
    # The search sees what endpoints say: in the dataset, and in what Prefect and the processes log.
    assert {"toolset.parquet", "prefect.db", "0.err", "1.err"} <= find_files(tmp_path, proxy.witness)
    assert {"prefect.db", "2.err"} <= find_files(tmp_path, gate.witness)
    assert {"prefect.db", "2.err"} <= find_files(tmp_path, "Traceback (most recent call last)")
    assert "completions.sqlite" in find_files(tmp_path, "tool_calls")
    assert find_files(tmp_path, *list_forms(in_environment), *list_forms(in_block), *list_forms(refused)) == set()


async def save_block(place: Workplace, key: str) -> None:
    """Keep a key in the Secret block of the place's own Prefect server."""
    address = json.loads((place.home / "toolherd-server.json").read_text())["api_url"]
    with temporary_settings({PREFECT_API_URL: address, PREFECT_API_AUTH_STRING: read_password(place.home)}):
        await Secret(value=key).save(BLOCK, overwrite=True)


def stop_server(place: Workplace) -> None:
    subprocess.run(
        [sys.executable, "-m", "flows.server", "down"], cwd=PROJECT, env=place.environment, check=True,
        capture_output=True,
    )  # fmt: skip
