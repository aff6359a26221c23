"""The embedded teacher over HTTP: the chat completions interface, determinism, planted errors."""

import json
import os
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
from starlette.testclient import TestClient

from prompts import load_prompt
from tasks.embedded.app import create_app
from tasks.embedded.erring import CALL_ERRORS, RESPONSE_ERRORS, TEXT_ERRORS

ENTRY = {"name": "Pet Place", "description": "pets that wait for a home", "category": "Animals", "link": ""}


def chat(seed: int = 1, **extra: Any) -> dict[str, Any]:
    prompt = load_prompt("document").render(entry=ENTRY)
    return {"model": "offline", "messages": [{"role": "user", "content": prompt}], "seed": seed, **extra}


def ask_assistant(functions: list[dict[str, Any]], text: str, seed: int = 1) -> dict[str, Any]:
    tools = [{"type": "function", "function": function} for function in functions]
    messages = [{"role": "system", "content": "Help."}, {"role": "user", "content": text}]
    return {"model": "offline", "messages": messages, "tools": tools, "seed": seed}


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(create_app())


def test_models_are_listed(client: TestClient) -> None:
    assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["offline"]


def test_a_completion_has_text_and_usage(client: TestClient) -> None:
    answer = client.post("/v1/chat/completions", json=chat()).json()
    assert json.loads(answer["choices"][0]["message"]["content"])["functions"]
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
    assert answer["system_fingerprint"] == "offline-1"


def test_tools_are_called(client: TestClient, functions: list[dict[str, Any]]) -> None:
    choice = client.post("/v1/chat/completions", json=ask_assistant(functions, "Count the pets.")).json()["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "countPets", "arguments": "{}"}


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"model": "offline"}, 400, "messages"),
        ({"model": "offline", "messages": []}, 400, "messages"),
        ({"model": "gpt-9", "messages": [{"role": "user", "content": "x"}]}, 404, "gpt-9"),
        ({"model": "offline", "messages": [{"role": "user", "content": "Hello"}]}, 400, "own prompts"),
    ],
)
def test_what_it_cannot_do_is_said(client: TestClient, body: dict[str, Any], status: int, told: str) -> None:
    response = client.post("/v1/chat/completions", json=body)
    assert response.status_code == status
    assert told in response.json()["error"]["message"]


def test_the_seed_is_all_that_varies(client: TestClient) -> None:
    first, again = (client.post("/v1/chat/completions", json=chat(1)).json() for _ in range(2))
    other = client.post("/v1/chat/completions", json=chat(2)).json()
    assert first == again
    assert first["choices"] != other["choices"]


def test_two_processes_give_the_same_answer(functions: list[dict[str, Any]]) -> None:
    program = (
        "import json, sys; from tasks.embedded.roles import answer_request;"
        "print([answer_request(body) for body in json.load(sys.stdin)])"
    )
    prompt = load_prompt("instruct").render(
        introduction="Pets.", functions=functions, kind="multi_call", count=5, earlier=[], turned_down=[]
    )
    documented = [{"name": "getPet", "description": "Get one.", "inputs": ["petId"], "outputs": ["petId", "name"]}]
    specify = load_prompt("specify").render(entry=ENTRY, functions=documented, function="getPet")
    told = json.dumps(
        [
            chat(),
            *({"messages": [{"role": "user", "content": text}]} for text in (prompt, specify)),
            ask_assistant(functions, "Find pets."),
        ]
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program], input=told, capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert outputs[0] == outputs[1]
    assert "Answer(" in outputs[0]


def planted(client: TestClient, bodies: list[dict[str, Any]]) -> Counter[str]:
    answers = (client.post("/v1/chat/completions", json=body).json() for body in bodies)
    return Counter(answer["system_fingerprint"].partition("+")[2] for answer in answers)


def test_it_errs_at_the_rate_that_it_is_told(functions: list[dict[str, Any]]) -> None:
    bodies = [ask_assistant(functions, "Show me the details of the pet pet_4821.", seed) for seed in range(400)]
    found = planted(TestClient(create_app(error_rate=0.25)), bodies)
    assert 60 < sum(found.values()) - found[""] < 140


def test_it_errs_in_every_way_that_it_knows(functions: list[dict[str, Any]]) -> None:
    client = TestClient(create_app(error_rate=1.0))
    calls = planted(
        client, [ask_assistant(functions, "Show me the pet, look up the pet pet_4821.", n) for n in range(150)]
    )
    assert set(calls) == set(CALL_ERRORS)
    texts = planted(client, [chat(seed) for seed in range(30)])
    assert set(texts) == set(TEXT_ERRORS)
    responses = planted(client, [ask_assistant(functions, "Order a pizza.", seed) for seed in range(30)])
    assert set(responses) == set(RESPONSE_ERRORS)
