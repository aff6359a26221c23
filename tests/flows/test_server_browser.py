"""The real server's pages in a real browser: who has the password signs in and starts a run; a page of another origin
in the same browser reads nothing and starts nothing."""

import asyncio
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.client.orchestration import get_client

from tests.answering import Quiet, answer_by
from tests.browser import Browser, needs_chromium, open_browser
from tests.flows.own_server import OwnServer

pytestmark = needs_chromium
REBOUND = "rebound.example"


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with open_browser(tmp_path, f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1") as browser:
        yield browser


def sign_in(browser: Browser, address: str, password: str) -> None:
    browser.open(address)
    browser.type_into("input[type=password]", password)
    browser.click("Login")


def test_who_has_the_password_signs_in_and_starts_a_run_by_the_form(browser: Browser, own_server: OwnServer) -> None:
    """Under the other name of this machine too, to which the server's own address would be another origin."""
    address = own_server.ui_url.replace("127.0.0.1", "localhost")
    sign_in(browser, address, own_server.password[:-1])
    browser.wait_for("document.body.innerText.includes('Invalid credentials')")
    sign_in(browser, address, own_server.password)
    browser.wait_for("location.pathname.endsWith('/dashboard')")

    deployment, _ = asyncio.run(read_work(own_server))
    browser.open(f"{address}/v2/deployments/deployment/{deployment}")
    browser.click("Run")
    browser.click("Custom run")
    browser.click("Submit")
    browser.wait_for("document.body.innerText.includes('scheduled to start now')")
    _, (state,) = asyncio.run(read_work(own_server, forget=True))
    assert state == "Scheduled"


async def read_work(server: OwnServer, *, forget: bool = False) -> tuple[str, list[str | None]]:
    """The id of the deployment that trains, and the states of its runs, which no worker takes; they may be removed."""
    with server.use():
        async with get_client() as client:
            deployment = await client.read_deployment_by_name("train/gpu")
            runs = [run for run in await client.read_flow_runs() if run.deployment_id == deployment.id]
            for run in runs if forget else ():
                await client.delete_flow_run(run.id)
    return str(deployment.id), [run.state_name for run in runs]


class _Page(Quiet, BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<body>a page of somebody's</body>")


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """A page of another origin, on this machine: the browser takes it for as near as it can be."""
    with answer_by(_Page) as address:
        yield address


TRY = """(async () => {
    const tried = [];
    for (const [url, given] of %s) {
        if (given.blob) { given.body = new Blob([given.blob]) }  // goes out without a content type
        try { const answer = await fetch(url, given); tried.push([url, answer.status, await answer.text()]) }
        catch (error) { tried.push([url, 0, '']) }
    }
    return tried
})()"""

LISTEN = """new Promise(done => {
    const socket = new WebSocket(%s, 'prefect');
    socket.onopen = () => done('open');
    socket.onerror = () => done('refused');
})"""

POST = """new Promise(done => {
    const [frame, form, field] = ['iframe', 'form', 'input'].map(name => document.createElement(name));
    frame.name = 'hidden';
    Object.assign(form, {action: %s, method: 'POST', enctype: 'text/plain', target: 'hidden'});
    Object.assign(field, {name: '{"name": "planted", "value": "', value: '"}'});
    form.append(field);
    document.body.append(frame, form);
    frame.onload = () => done('answered');
    form.submit();
})"""


def test_a_page_of_another_origin_reads_nothing_and_starts_nothing(
    browser: Browser, own_server: OwnServer, elsewhere: str
) -> None:
    sign_in(browser, own_server.ui_url, own_server.password)
    browser.wait_for("location.pathname.endsWith('/dashboard')")
    password = browser.evaluate("localStorage.getItem('prefect-password')")
    assert browser.evaluate(TRY % json.dumps([["/api/health", {}]])) == [["/api/health", 200, "true"]]
    deployment, _ = asyncio.run(read_work(own_server))

    browser.open(elsewhere)
    browser.wait_for(f"location.href.startsWith({json.dumps(elsewhere)}) && document.readyState === 'complete'")
    for tried in browser.evaluate(TRY % json.dumps(list_tries(own_server, deployment, password))):
        assert tried[1:] == [0, ""], tried
    for path in ("events/out", "events/in", "logs/out"):
        assert browser.evaluate(LISTEN % json.dumps(f"ws{own_server.api_url[4:]}/{path}")) == "refused"
    assert browser.evaluate(POST % json.dumps(f"{own_server.api_url}/variables/")) == "answered"
    assert asyncio.run(read_work(own_server)) == (deployment, [])
    auth = httpx.BasicAuth(*own_server.password.split(":", 1))
    answer = httpx.get(f"{own_server.api_url}/variables/name/planted", auth=auth, trust_env=False, timeout=60)
    assert answer.status_code == 404


def list_tries(server: OwnServer, deployment: str, password: str) -> list[tuple[str, dict[str, Any]]]:
    """What a page could ask: to read, to start, with what the browser holds, and even with the password."""
    api, known = server.api_url, {"headers": {"Authorization": f"Basic {password}"}}
    reads = [f"{api}/health", f"{api}/admin/version", f"{api}/csrf-token?client=x", f"{server.ui_url}/ui-settings"]
    writes = [
        (f"{api}/deployments/{deployment}/create_flow_run", json.dumps({"state": {"type": "SCHEDULED"}})),
        (f"{api}/variables/", json.dumps({"name": "planted", "value": 1})),
    ]
    as_json = {"Content-Type": "application/json"}
    return [
        *((url, given) for url in reads for given in ({}, {"credentials": "include"}, {"mode": "no-cors"}, known)),
        *((url, {"method": "POST", "mode": "no-cors", "blob": body}) for url, body in writes),
        *((url, {"method": "POST", "mode": "no-cors", "body": body}) for url, body in writes),
        *((url, {"method": "POST", "headers": as_json, "body": body}) for url, body in writes),
        *((url, {"method": "POST", "headers": {**as_json, **known["headers"]}, "body": body}) for url, body in writes),
    ]


def test_a_name_that_was_pointed_to_this_machine_shows_nothing(browser: Browser, own_server: OwnServer) -> None:
    browser.open(own_server.ui_url.replace("127.0.0.1", REBOUND))
    browser.wait_for(f"location.hostname === {json.dumps(REBOUND)} && document.readyState === 'complete'")
    assert browser.read_text() == "Invalid host header"
    assert browser.evaluate(TRY % json.dumps([["/api/health", {}], ["/ui-settings", {}]])) == [
        ["/api/health", 400, "Invalid host header"],
        ["/ui-settings", 400, "Invalid host header"],
    ]
