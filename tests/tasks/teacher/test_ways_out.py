"""How a teacher is reached: through a proxy, with an authority of one's own, with headers, as Azure wants it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from schemas.errors import TeacherError
from schemas.teacher import TeacherSettings
from tasks.teacher import CompletionStore, Engine, Ledger, Teacher
from tests.tasks.network.ways import HOST, make_authority, serve_proxy
from tests.tasks.teacher.endpoints import KEY, Endpoint, fail, serve
from tests.tasks.teacher.teachers import ask, complete, connect

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_DIR", "SSL_CERT_FILE")


@pytest.fixture(autouse=True)
def unset(tiny_key: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@contextmanager
def serve_tls(endpoint: Endpoint, folder: Path) -> Iterator[tuple[str, Path]]:
    """The endpoint behind TLS, as `host:port`, and the authority that vouches for it."""
    trusted, _ = make_authority(folder)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        endpoint.app, log_level="critical", timeout_graceful_shutdown=1,
        ssl_certfile=str(folder / "server.pem"), ssl_keyfile=str(folder / "server.pem"),
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}", trusted
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


class TestProxies:
    async def test_an_endpoint_far_away_is_asked_through_the_proxy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        endpoint = Endpoint()
        with serve(endpoint) as url, serve_proxy(url.removeprefix("http://").removesuffix("/v1")) as (proxy, asked):
            monkeypatch.setenv("http_proxy", proxy)
            async with connect(f"http://{HOST}/v1") as teacher:
                assert (await complete(teacher)).content == "You said: Hello"
        assert asked == [f"POST http://{HOST}/v1/chat/completions HTTP/1.1"]
        assert endpoint.headers[0]["host"] == HOST

    async def test_one_that_no_proxy_names_or_of_this_machine_is_asked_directly(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        endpoint = Endpoint()
        with serve(endpoint) as url, serve_proxy("127.0.0.1:9") as (proxy, asked):
            monkeypatch.setenv("HTTP_PROXY", proxy)
            async with connect(url) as teacher:
                await complete(teacher)
            monkeypatch.setenv("NO_PROXY", HOST)
            async with connect(f"http://{HOST}/v1", attempts=1, give_up_s=0.1) as teacher:
                with pytest.raises(Exception, match=HOST):
                    await complete(teacher, ask("another"))
        assert asked == []
        assert len(endpoint.requests) == 1

    async def test_tls_goes_through_it_to_a_server_whose_authority_is_trusted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        endpoint = Endpoint()
        with serve_tls(endpoint, tmp_path) as (target, trusted), serve_proxy(target) as (proxy, asked):
            monkeypatch.setenv("HTTPS_PROXY", proxy)
            monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
            async with connect(f"https://{HOST}/v1") as teacher:
                assert (await complete(teacher)).content == "You said: Hello"
        assert asked == [f"CONNECT {HOST}:443 HTTP/1.1"]
        assert endpoint.headers[0]["authorization"] == f"Bearer {KEY}"

    async def test_an_authority_that_nobody_knows_is_trusted_in_nothing(self, tmp_path: Path) -> None:
        endpoint = Endpoint()
        with serve_tls(endpoint, tmp_path) as (target, _):
            async with connect(f"https://{target}/v1", attempts=1, give_up_s=0.1) as teacher:
                with pytest.raises(Exception, match=r"(?i)certificate"):
                    await complete(teacher)
        assert endpoint.requests == []


class TestHeaders:
    async def test_they_go_with_each_request(self, monkeypatch: pytest.MonkeyPatch) -> None:
        endpoint = Endpoint()
        monkeypatch.setenv("ORGANISATION", "org-7")
        with serve(endpoint) as url:
            headers = {"X-Title": "ToolHerd", "X-Org-Token": "env:ORGANISATION"}
            async with connect(url, extra_headers=headers) as teacher:
                for text in ("one", "two"):
                    await complete(teacher, ask(text))
        for sent in endpoint.headers:
            assert (sent["x-title"], sent["x-org-token"], sent["authorization"]) == (
                "ToolHerd",
                "org-7",
                f"Bearer {KEY}",
            )

    @pytest.mark.parametrize("name", ["Authorization", "authorization"])
    async def test_one_of_the_user_s_takes_the_place_of_ours(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        endpoint = Endpoint()
        monkeypatch.setenv("TOKEN", "Basic abc")
        with serve(endpoint) as url:
            async with connect(url, extra_headers={name: "env:TOKEN"}) as teacher:
                await complete(teacher)
        assert endpoint.headers[0]["authorization"] == "Basic abc"

    async def test_a_secret_in_one_stands_in_no_text(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TOKEN", "marked-0815")
        endpoint = Endpoint(last=fail(400, f"marked-0815 and {KEY} are not welcome"))
        with serve(endpoint) as url:
            async with connect(url, extra_headers={"X-Token": "env:TOKEN"}) as teacher:
                with pytest.raises(TeacherError, match=r"\*\*\* and \*\*\* are not welcome") as caught:
                    await complete(teacher)
        assert "marked-0815" not in str(caught.value)

    async def test_they_are_no_part_of_what_is_kept_or_of_what_results_depend_on(self, store: CompletionStore) -> None:
        endpoint = Endpoint()
        recipes = []
        with serve(endpoint) as url:
            for headers in ({}, {"X-Title": "ToolHerd"}):
                async with connect(url, store, extra_headers=headers, stream="never") as teacher:
                    await complete(teacher)
                    recipes.append(teacher.recipe())
        assert len(endpoint.requests) == 1
        assert recipes[0] == recipes[1]


class TestAzure:
    async def send(self, **settings: Any) -> tuple[str, dict[str, str]]:
        """What address a request has and which headers, at an endpoint that stands for Azure."""
        sent: list[Any] = []
        chosen = TeacherSettings(model="gpt", api_key_env="TINY_KEY", **settings)
        engine = Engine(chosen)
        client = engine._client

        async def watch(request: Any) -> None:
            sent.append(request)
            raise ConnectionResetError("far enough")

        client._client.event_hooks = {"request": [watch]}
        async with Teacher(engine, Ledger()) as teacher:
            with pytest.raises(Exception, match="far enough"):
                await complete(teacher)
        return str(sent[0].url), dict(sent[0].headers)

    @pytest.mark.parametrize(
        ("settings", "address"),
        [
            ({"base_url": "https://x.openai.azure.com", "api_version": "2024-10-21"},
             "https://x.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=2024-10-21"),
            ({"base_url": "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21"},
             "https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21"),
            ({"base_url": "https://x.openai.azure.com/openai/v1"},
             "https://x.openai.azure.com/openai/v1/chat/completions"),
            ({"base_url": "https://gateway.example.org/azure", "api_version": "preview"},
             "https://gateway.example.org/azure/chat/completions?api-version=preview"),
        ],
    )  # fmt: skip
    async def test_it_is_asked_in_its_own_way(self, settings: dict[str, Any], address: str) -> None:
        asked, headers = await self.send(**settings, attempts=1, give_up_s=0.1)
        assert asked == address
        assert headers["api-key"] == KEY
        assert "authorization" not in headers

    async def test_nobody_else_is(self) -> None:
        asked, headers = await self.send(base_url="https://azure.example.org/v1", attempts=1, give_up_s=0.1)
        assert asked == "https://azure.example.org/v1/chat/completions"
        assert "api-key" not in headers
        assert headers["authorization"] == f"Bearer {KEY}"
