"""The real server that we start, attacked by another account of the machine, under another name, and across origins;
and those who may, who go on working. What a browser does is in `test_server_browser.py`."""

import asyncio
import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import websockets
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun

from tests.flows.own_server import OwnServer
from tests.flows.runs import PATIENCE_S, PROJECT

NOBODY = 65534
OPEN_PATHS = {"/api/health", "/api/ready"}


def list_files(home: Path) -> list[Path]:
    return sorted(path for path in home.rglob("*") if path.is_file())


class TestAnotherAccount:
    def test_nothing_under_prefect_home_is_for_it(self, own_server: OwnServer) -> None:
        home = own_server.place.home
        assert home.stat().st_mode & 0o777 == 0o700
        names = {path.name for path in list_files(home)}
        assert names >= {"prefect.db", "toolherd-server.secret", "toolherd-server.log", "toolherd-server.json"}
        assert [path for path in list_files(home) if path.stat().st_mode & 0o077] == []

    @pytest.mark.skipif(os.getuid() != 0, reason="only root may act as another account")
    def test_it_reads_no_file_and_no_environment(self, own_server: OwnServer) -> None:
        assert self.read("/proc/self/environ") == 0  # it can read
        for path in (*list_files(own_server.place.home), Path(f"/proc/{own_server.pid}/environ")):
            assert self.read(str(path)) != 0, path

    def read(self, path: str) -> int:
        cat = shutil.which("cat")
        assert cat is not None
        return subprocess.run(
            [cat, path], user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", env={}, capture_output=True, check=False
        ).returncode

    def test_the_password_is_on_no_command_line_and_in_no_log(self, own_server: OwnServer) -> None:
        secret = own_server.password.partition(":")[2].encode()
        encoded = base64.b64encode(own_server.password.encode()).rstrip(b"=")
        command = Path(f"/proc/{own_server.pid}/cmdline").read_bytes()
        assert b"flows.server_app" in command
        for text in (
            command,
            (own_server.place.home / "toolherd-server.log").read_bytes(),
            own_server.exports.encode(),
        ):
            assert secret not in text
            assert encoded not in text

    def test_every_address_of_the_api_asks_for_the_password(self, own_server: OwnServer) -> None:
        """As the API's own list has them; what is not known is not found, and tells no more."""
        with httpx.Client(base_url=own_server.ui_url, trust_env=False, timeout=PATIENCE_S) as client:
            listed = client.get("/api/openapi.json", auth=httpx.BasicAuth(*own_server.password.split(":", 1))).json()
            asked = [(method, re.sub(r"\{\w+\}", "0", f"/api{path.removeprefix('/api')}"))
                     for path, methods in listed["paths"].items() for method in methods]  # fmt: skip
            assert len(asked) > 150
            answers = {(method, path): client.request(method, path, json={}).status_code for method, path in asked}
            opened = {path for (_, path), status in answers.items() if status < 400}
            assert opened <= OPEN_PATHS
            assert set(answers.values()) <= {200, 401, 403}
            for header in ("Basic", "Basic x", "Bearer " + own_server.password, "Basic " + "A" * 60, "basic Og=="):
                assert client.get("/api/version", headers={"Authorization": header}).status_code == 401

    def test_who_knows_the_password_but_no_token_changes_nothing(self, own_server: OwnServer) -> None:
        auth = httpx.BasicAuth(*own_server.password.split(":", 1))
        with httpx.Client(base_url=own_server.api_url, auth=auth, trust_env=False, timeout=PATIENCE_S) as client:
            answer = client.post("/variables/", json={"name": "planted", "value": 1})
            assert (answer.status_code, answer.json()) == (403, {"detail": "Missing CSRF token."})
            assert client.get("/variables/name/planted").status_code == 404

    def test_a_websocket_asks_for_the_password_too(self, own_server: OwnServer) -> None:
        assert asyncio.run(listen(own_server, own_server.password)) == "auth_success"
        for password in ("", "toolherd:", own_server.password[:-1]):
            with pytest.raises(websockets.ConnectionClosed):
                asyncio.run(listen(own_server, password))


async def listen(server: OwnServer, password: str, *, origin: str | None = None, path: str = "events/out") -> str:
    """How the server greets one who wants to hear of all events."""
    address = f"{server.api_url.replace('http', 'ws')}/{path}"
    headers = {} if origin is None else {"Origin": origin}
    async with websockets.connect(
        address, subprotocols=[websockets.Subprotocol("prefect")], additional_headers=headers, proxy=None
    ) as socket:
        await socket.send(json.dumps({"type": "auth", "token": password}))
        return str(json.loads(await socket.recv())["type"])


class TestAnotherName:
    @pytest.mark.parametrize("path", ["/", "/ui-settings", "/docs", "/api/health", "/api/version", "/api/ui-settings"])
    def test_nothing_is_answered(self, path: str, own_server: OwnServer) -> None:
        auth = httpx.BasicAuth(*own_server.password.split(":", 1))
        port = own_server.ui_url.rpartition(":")[2]
        for host in ("rebound.example", f"rebound.example:{port}", f"127.0.0.1.nip.io:{port}", "0.0.0.0", "[::]"):
            answer = httpx.get(
                f"{own_server.ui_url}{path}", headers={"Host": host}, auth=auth, trust_env=False, timeout=PATIENCE_S
            )
            assert (answer.status_code, answer.text) == (400, "Invalid host header")

    def test_no_websocket_is_opened(self, own_server: OwnServer) -> None:
        headers = {"Host": "rebound.example", "Origin": "http://rebound.example"}

        async def listen() -> None:
            async with websockets.connect(
                f"{own_server.api_url.replace('http', 'ws')}/events/out", additional_headers=headers, proxy=None
            ):
                pass

        with pytest.raises(websockets.InvalidHandshake):
            asyncio.run(listen())


class TestAnotherOrigin:
    @pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD", "DELETE"])
    def test_nothing_is_answered_though_it_knew_the_password(self, method: str, own_server: OwnServer) -> None:
        auth = httpx.BasicAuth(*own_server.password.split(":", 1))
        port = own_server.ui_url.rpartition(":")[2]
        origins = (
            *("http://evil.example", "null", "", "file://", "http://127.0.0.1", "http://127.0.0.1:3000"),
            *(f"http://localhost:{port}", f"http://127.0.0.1:{port}.evil.example", f"{own_server.ui_url}/"),
        )
        for path in ("/api/admin/version", "/api/csrf-token?client=x", "/ui-settings", "/", "/api/flow_runs/"):
            for origin in origins:
                headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
                answer = httpx.request(
                    method,
                    f"{own_server.ui_url}{path}",
                    headers=headers,
                    auth=auth,
                    trust_env=False,
                    timeout=PATIENCE_S,
                )
                assert answer.status_code == 403, (path, origin)
                assert "access-control-allow-origin" not in answer.headers

    def test_no_websocket_is_opened_though_it_knew_the_password(self, own_server: OwnServer) -> None:
        for path in ("events/out", "events/in", "logs/out", "task_runs/subscriptions/scheduled"):
            for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
                with pytest.raises(websockets.InvalidStatus) as caught:
                    asyncio.run(listen(own_server, own_server.password, origin=origin, path=path))
                assert caught.value.response.status_code == 403

    def test_its_own_pages_are_answered_and_shown_in_no_frame(self, own_server: OwnServer) -> None:
        assert asyncio.run(listen(own_server, own_server.password, origin=own_server.ui_url)) == "auth_success"
        auth = httpx.BasicAuth(*own_server.password.split(":", 1))
        for url in (own_server.ui_url, own_server.ui_url.replace("127.0.0.1", "localhost")):
            answer = httpx.get(
                f"{url}/api/version", headers={"Origin": url}, auth=auth, trust_env=False, timeout=PATIENCE_S
            )
            assert answer.status_code == 200
            assert answer.headers.get("access-control-allow-origin") in (own_server.ui_url, None)
        page = httpx.get(own_server.ui_url, follow_redirects=True, trust_env=False, timeout=PATIENCE_S)
        assert page.headers["content-security-policy"] == "frame-ancestors 'none'"
        assert httpx.get(f"{own_server.ui_url}/ui-settings", trust_env=False, timeout=PATIENCE_S).json() == {
            **httpx.get(f"{own_server.ui_url}/ui-settings", trust_env=False, timeout=PATIENCE_S).json(),
            "api_url": "/api", "auth": "BASIC", "csrf_enabled": True,
        }  # fmt: skip


class TestThoseWhoMay:
    SMALL = ("--apis", "1", "--instructions", "1")

    def test_the_environment_of_the_server_holds_no_key(self, own_server: OwnServer) -> None:
        environment = Path(f"/proc/{own_server.pid}/environ").read_bytes()
        assert b"PREFECT_HOME=" in environment
        assert b"sk-marked" not in environment

    def test_a_run_from_the_command_line_is_recorded(self, own_server: OwnServer) -> None:
        ended = own_server.place.build(*self.SMALL, "--name", "one")
        assert ended.status == 0, ended.err
        assert f"Prefect: {own_server.ui_url}, password in {own_server.place.home}/toolherd-server.secret" in ended.said
        assert own_server.password not in ended.out + ended.err
        assert [run.state_name for run in asyncio.run(list_runs(own_server)) if not run.deployment_id] == ["Completed"]

    def test_the_lines_of_make_deploy_let_a_worker_take_runs(self, own_server: OwnServer) -> None:
        asyncio.run(order_run(own_server, {"apis": 1, "instructions": 1, "name": "worker-s"}))
        environment = {name: value for name, value in own_server.place.environment.items() if name != "PREFECT_HOME"}
        command = f"{own_server.exports}\nexec {sys.executable} -m prefect worker start --pool cpu --run-once"
        done = subprocess.run(
            ["bash", "-c", command], env={**environment, "PYTHONPATH": str(PROJECT)}, cwd=own_server.place.folder,
            capture_output=True, text=True, check=False, timeout=PATIENCE_S,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        states = [run.state_name for run in asyncio.run(list_runs(own_server)) if run.deployment_id]
        assert states == ["Completed"], done.stdout + done.stderr
        assert own_server.place.list_versions("worker-s") == ["v1"]


async def order_run(server: OwnServer, params: dict[str, object]) -> None:
    """A run of the main job that waits for a worker."""
    with server.use():
        async with get_client() as client:
            found = await client.read_deployment_by_name("build-dataset/cpu")
            await client.create_flow_run_from_deployment(found.id, parameters={"params": params})


async def list_runs(server: OwnServer) -> list[FlowRun]:
    """All runs that the server knows of."""
    with server.use():
        async with get_client() as client:
            return await client.read_flow_runs()
