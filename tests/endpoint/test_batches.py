"""The Batch API of the embedded teacher's server, as the SDK sees it."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.endpoint.app import create_batching_app
from tests.endpoint.batches import BatchDials
from tests.tasks.embedded.test_app import chat


def line(custom_id: str, body: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body or chat(), **changes,
    }  # fmt: skip


def upload(client: TestClient, *lines: dict[str, Any]) -> str:
    content = "".join(json.dumps(entry) + "\n" for entry in lines)
    answer = client.post("/v1/files", files={"file": ("in.jsonl", content.encode())}, data={"purpose": "batch"})
    return str(answer.json()["id"])


def create(client: TestClient, file_id: str, **changes: Any) -> dict[str, Any]:
    asked = {"input_file_id": file_id, "endpoint": "/v1/chat/completions", "completion_window": "24h", **changes}
    created: dict[str, Any] = client.post("/v1/batches", json=asked).json()
    return created


def end(client: TestClient, *lines: dict[str, Any]) -> dict[str, Any]:
    ended: dict[str, Any] = client.get(f"/v1/batches/{create(client, upload(client, *lines))['id']}").json()
    return ended


def read(client: TestClient, file_id: str) -> list[dict[str, Any]]:
    return [json.loads(text) for text in client.get(f"/v1/files/{file_id}/content").text.splitlines()]


@pytest.fixture
def client() -> TestClient:
    return TestClient(create_batching_app())


def test_a_file_comes_back_as_it_was_until_it_is_deleted(client: TestClient) -> None:
    content = b'{"a": "\xc3\xa4"}\r\n\x00--x\n'
    kept = client.post("/v1/files", files={"file": ("in.jsonl", content)}, data={"purpose": "batch"}).json()
    assert client.get(f"/v1/files/{kept['id']}").json() == kept
    assert (kept["bytes"], kept["filename"]) == (len(content), "in.jsonl")
    assert client.get(f"/v1/files/{kept['id']}/content").content == content
    assert client.delete(f"/v1/files/{kept['id']}").json()["deleted"]
    assert client.get(f"/v1/files/{kept['id']}/content").status_code == 404
    assert client.post("/v1/files", files={"file": ("x", b"")}, data={"purpose": "vision"}).status_code == 400


def test_a_batchs_answers_are_those_of_the_chat_interface(client: TestClient) -> None:
    wrong = {"model": "offline", "messages": [{"role": "user", "content": "What is the meaning of life?"}]}
    ended = end(client, line("a", chat(1)), line("b", chat(2)), line("c", wrong))
    assert ended["status"] == "completed"
    assert ended["request_counts"] == {"total": 3, "completed": 2, "failed": 1}
    for entry, seed in zip(read(client, ended["output_file_id"]), (1, 2), strict=True):
        assert entry["response"]["body"] == client.post("/v1/chat/completions", json=chat(seed)).json()
    refused = client.post("/v1/chat/completions", json=wrong)
    (failed,) = read(client, ended["error_file_id"])
    assert (failed["custom_id"], failed["response"]["status_code"]) == ("c", refused.status_code)
    assert failed["response"]["body"]["error"]["message"] == refused.json()["error"]["message"]


def test_lines_fail_and_expire_at_the_shares_that_are_dialled() -> None:
    client = TestClient(create_batching_app(dials=BatchDials(fail_share=0.2, expire_share=0.3)))
    ended = end(client, *(line(f"line-{number}") for number in range(200)))
    assert ended["status"] == "expired"
    lines = read(client, ended["error_file_id"])
    expired = [entry for entry in lines if entry["response"] is None]
    assert {entry["error"]["code"] for entry in expired} == {"batch_expired"}
    assert {entry["response"]["status_code"] for entry in lines if entry["response"]} == {500}
    assert 40 < len(expired) < 80
    assert 25 < len(lines) - len(expired) < 60
    assert len(lines) + len(read(client, ended["output_file_id"])) == 200


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([line("a"), line("b", {**chat(), "model": "gpt-0"})], "model_not_found"),
        ([line("a"), line("a")], "invalid_line"),
        ([line("a", url="/v1/embeddings")], "invalid_line"),
        ([], "empty_file"),
    ],
)
def test_a_file_with_a_wrong_line_fails_as_a_whole(client: TestClient, lines: list[Any], code: str) -> None:
    ended = end(client, *lines)
    assert ended["status"] == "failed"
    assert [problem["code"] for problem in ended["errors"]["data"]] == [code]
    assert "output_file_id" not in ended


def test_a_batch_takes_its_time_and_can_be_cancelled() -> None:
    client = TestClient(create_batching_app(dials=BatchDials(delay_s=60)))
    batch = create(client, upload(client, line("a")), metadata={"name": "x"})
    assert batch["status"] == "validating"
    shown = client.get(f"/v1/batches/{batch['id']}").json()
    assert (shown["status"], shown["metadata"]) == ("in_progress", {"name": "x"})
    assert client.post(f"/v1/batches/{batch['id']}/cancel").json()["status"] == "cancelled"
    assert client.get(f"/v1/batches/{batch['id']}").json()["status"] == "cancelled"


def test_batches_are_listed_in_pages_newest_first(client: TestClient) -> None:
    file_id = upload(client, line("a"))
    ids = [create(client, file_id)["id"] for _ in range(5)]
    first = client.get("/v1/batches", params={"limit": 3}).json()
    rest = client.get("/v1/batches", params={"limit": 3, "after": first["last_id"]}).json()
    assert [batch["id"] for batch in first["data"] + rest["data"]] == ids[::-1]
    assert (first["has_more"], rest["has_more"]) == (True, False)


def test_what_is_not_there_or_not_offered_is_refused(client: TestClient) -> None:
    assert client.get("/v1/batches/none").status_code == 404
    assert "error" in create(client, "none")
    assert (
        "endpoint must be" in create(client, upload(client, line("a")), endpoint="/v1/embeddings")["error"]["message"]
    )
