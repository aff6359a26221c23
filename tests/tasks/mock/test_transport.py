"""The transport: requests of any client, answered as HTTP."""

import json
from collections.abc import AsyncIterator, Iterator

import httpx

from tasks.mock import MockApi, MockTransport
from tasks.mock.world import Stocks
from tests.tasks.mock.documents import PLACES, SHOP, open_api
from tests.tasks.mock.pets import DOCUMENT, read_operations

URL = "https://api.example.com"


def send(transport: MockTransport, method: str, path: str, **options: object) -> httpx.Response:
    with httpx.Client(transport=transport, base_url=URL) as client:
        return client.request(method, path, **options)  # type: ignore[arg-type]


async def test_the_transport_serves_async_and_sync_clients_alike() -> None:
    transport = MockApi(read_operations(DOCUMENT), "pets").transport(1)
    async with httpx.AsyncClient(transport=transport, base_url="https://pets.example.com") as client:
        awaited = (await client.get("/pets", params={"breed": "Beagle"})).json()
        unknown = await client.get("/nowhere")
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == "not_found"
    with httpx.Client(transport=transport, base_url="https://pets.example.com") as client:
        assert client.get("/pets", params={"breed": "Beagle"}).json() == awaited


async def test_bodies_that_come_in_parts_are_read() -> None:
    body = json.dumps({"name": "Rex"}).encode()

    def parts() -> Iterator[bytes]:
        yield from (body[:5], body[5:])

    async def waiting() -> AsyncIterator[bytes]:
        for part in parts():
            yield part

    headers = {"Content-Type": "application/json"}
    sync = send(open_api(SHOP).transport(1), "POST", "/pets", content=parts(), headers=headers)
    async with httpx.AsyncClient(transport=open_api(SHOP).transport(1), base_url=URL) as client:
        awaited = await client.post("/pets", content=waiting(), headers=headers)
    assert (sync.status_code, sync.json()["name"]) == (201, "Rex")
    assert awaited.json() == sync.json()


def test_answers_are_json_in_utf_8_without_blanks() -> None:
    made = send(open_api(SHOP).transport(1), "POST", "/pets", json={"name": "Zoë 猫"})
    assert made.headers["Content-Type"] == "application/json"
    assert '"name":"Zoë 猫",' in made.content.decode()
    assert made.request.url == f"{URL}/pets"


def test_what_is_no_operation_gets_404() -> None:
    transport = open_api(SHOP).transport(1)
    for method, path in (("GET", "/nowhere"), ("PATCH", "/pets"), ("GET", "/pets/a/b")):
        missing = send(transport, method, path)
        assert missing.status_code == 404
        assert missing.json() == {
            "error": {"code": "not_found", "message": f"There is no operation {method} {path}."},
        }  # fmt: skip


def test_a_request_that_cannot_be_read_gets_400() -> None:
    transport = open_api(SHOP).transport(1)
    before = send(transport, "GET", "/pets").json()
    broken = send(transport, "POST", "/pets", content=b"{no", headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "invalid_request")
    assert broken.json()["error"]["message"].startswith("The request cannot be read: ")
    assert send(transport, "GET", "/pets").json() == before


def test_answers_follow_from_the_api_and_the_seed() -> None:
    api = open_api(SHOP, "a")
    first = send(api.transport(1), "GET", "/pets").json()
    assert send(open_api(SHOP, "a").transport(1), "GET", "/pets").json() == first
    assert send(open_api(SHOP, "b").transport(1), "GET", "/pets").json() != first
    assert send(api.transport(2), "GET", "/pets").json() != first


def test_an_answer_knows_its_request() -> None:
    transport = open_api(PLACES).transport(1)
    for method, path, status in (("GET", "/places", 200), ("GET", "/nowhere", 404)):
        request = httpx.Request(method, f"{URL}{path}")
        response = transport.handle_request(request)
        assert (response.status_code, response.request) == (status, request)
    place = send(transport, "GET", "/places").json()["places"][0]["id"]
    request = httpx.Request("DELETE", f"{URL}/places/{place}")
    gone = transport.handle_request(request)
    assert (gone.status_code, gone.request, gone.content) == (204, request, b"")
    assert "Content-Type" not in gone.headers


def test_what_an_episode_is_stocked_with_is_left_for_others() -> None:
    stocks: Stocks = {}
    send(open_api(SHOP).transport(1, stocks=stocks), "GET", "/pets")
    assert list(stocks) == ["pet"]


def test_a_fault_is_planted_only_where_it_is_asked_for() -> None:
    api = open_api(SHOP)
    assert send(api.transport(1), "GET", "/pets").status_code == 200
    assert send(api.transport(1, True), "GET", "/pets").status_code >= 429
