"""The embedded teacher plays an API from one operation's part of the document and what was answered before."""

from typing import Any

import pytest

from tasks.embedded.executing import play_api
from tasks.mock.world import World
from tests.tasks.executors.pets import LUNA, MILO, TOOLSET

Entry = dict[str, Any]
REX = {"id": "pet_9", "name": "Rex", "city": "Lyon", "age_years": 2}


def told(request: str, arguments: Entry, body: Any, status: int = 200) -> Entry:
    return {"request": request, "arguments": arguments, "status": status, "body": body}


MADE = told("POST /pets", {"name": "Rex", "city": "Lyon", "age_years": 2}, REX, 201)
AGED = told("PATCH /pets/pet_9", {"petId": "pet_9", "age_years": 3}, {"done": True})
GONE = told("DELETE /pets/pet_9", {"petId": "pet_9"}, {"deleted": True})
FOUND = told("GET /pets?city=Lyon", {"city": "Lyon"}, {"pets": [LUNA, MILO]})


def ask(method: str, path: str, arguments: Entry, *history: Entry, seed: int = 1) -> tuple[int, Any]:
    """Status and body of an answer."""
    paths: Any = TOOLSET.document["paths"]
    part = {"path": path, "method": method, "operation": paths[path][method]}
    answer: Any = play_api(part, list(history), arguments, World("", seed))
    return answer["status"], answer["body"]


@pytest.mark.parametrize("seed", range(3))
def test_a_search_finds_things_that_fit_the_same_ones_each_time(seed: int) -> None:
    status, body = ask("get", "/pets", {"city": "Lyon"}, seed=seed)
    assert status == 200
    assert body["pets"]
    assert {pet["city"] for pet in body["pets"]} == {"Lyon"}
    again = ask("get", "/pets", {"city": "Lyon"}, told("GET /pets?city=Lyon", {"city": "Lyon"}, body), seed=seed)
    assert again == (status, body)


def test_what_was_shown_is_shown_again() -> None:
    assert ask("get", "/pets/{petId}", {"petId": "pet_4821"}, FOUND) == (200, LUNA)
    assert ask("get", "/pets/{petId}", {"petId": "pet_1093"}, FOUND) == (200, MILO)


def test_what_was_made_is_found_and_what_was_changed_is_as_it_was_changed() -> None:
    assert ask("get", "/pets/{petId}", {"petId": "pet_9"}, MADE) == (200, REX)
    assert ask("get", "/pets/{petId}", {"petId": "pet_9"}, MADE, AGED) == (200, {**REX, "age_years": 3})
    assert REX in ask("get", "/pets", {"city": "Lyon"}, MADE)[1]["pets"]
    assert REX not in ask("get", "/pets", {"city": "Oslo"}, MADE)[1]["pets"]


def test_a_change_keeps_all_that_it_does_not_change() -> None:
    changed = {"petId": "pet_9", "age_years": 4}
    assert ask("patch", "/pets/{petId}", changed, MADE) == (200, {**REX, "age_years": 4})


def test_what_was_deleted_is_gone_for_each_operation() -> None:
    history = (MADE, GONE)
    assert ask("get", "/pets/{petId}", {"petId": "pet_9"}, *history)[0] == 404
    assert ask("patch", "/pets/{petId}", {"petId": "pet_9", "age_years": 4}, *history)[0] == 404
    assert ask("delete", "/pets/{petId}", {"petId": "pet_9"}, *history)[0] == 404
    assert REX not in ask("get", "/pets", {"city": "Lyon"}, *history)[1]["pets"]


def test_what_is_there_can_be_deleted() -> None:
    assert ask("delete", "/pets/{petId}", {"petId": "pet_9"}, MADE)[0] == 200
    assert ask("delete", "/pets/{petId}", {"petId": "pet_4821"}, FOUND)[0] == 200


def test_what_erred_has_left_nothing() -> None:
    failed = told("DELETE /pets/pet_9", {"petId": "pet_9"}, {"error": {}}, status=503)
    assert ask("get", "/pets/{petId}", {"petId": "pet_9"}, MADE, failed) == (200, REX)
