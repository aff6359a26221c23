"""Errors: in the document's own shape, and planted once where an episode is to have one."""

from typing import Any

import httpx
import pytest

from tasks.mock.faults import PLANTED, RequestError, choose_fault, write_error
from tasks.mock.world import World
from tasks.openapi.requests import build_request
from tasks.values import conforms
from tests.tasks.mock.conftest import Caller, play
from tests.tasks.mock.documents import ARTICLES, PLACES, TEXT, WHOLE, Json, in_path, open_api, operation, record

LOST = RequestError(404, "not_found", "There is no pet.")


def write(schema: Json | None, error: RequestError = LOST) -> Any:
    return write_error(error, schema, World("an-api", 1))


def send(episode: Caller, function: str, **arguments: Any) -> tuple[int, Any]:
    """Status and body, whatever they are."""
    request = build_request(episode.operations[function], arguments, "https://api.example.com")
    response = episode.transport.handle_request(request)
    return response.status_code, response.json() if response.content else None


PLAIN = {"error": {"code": "not_found", "message": "There is no pet."}}


@pytest.mark.parametrize("schema", [None, {}, {"type": "object"}, record(error=record(code=TEXT, message=TEXT))])
def test_an_error_is_plain_where_the_document_lets_it_be(schema: Json | None) -> None:
    assert write(schema) == PLAIN


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (record(message=TEXT, code=WHOLE), {"message": "There is no pet.", "code": 404}),
        (record(detail=TEXT, status=TEXT), {"detail": "There is no pet.", "status": "not_found"}),
        (record(title=TEXT, type=TEXT), {"title": "There is no pet.", "type": "not_found"}),
        (record(error=TEXT, statusCode=WHOLE), {"error": "There is no pet.", "statusCode": 404}),
        (record(msg=TEXT, code={"type": "string", "pattern": "^4"}), {"msg": "There is no pet.", "code": "404"}),
        (record(reason=TEXT), {"reason": "There is no pet."}),
        (record(errorDescription=TEXT), {"errorDescription": "There is no pet."}),
        (record(error=record(msg=TEXT, errorCode=WHOLE)), {"error": {"msg": "There is no pet.", "errorCode": 404}}),
        ({"allOf": [record(message=TEXT)]}, {"message": "There is no pet."}),
    ],
)  # fmt: skip
def test_an_error_is_told_in_the_documents_own_shape(schema: Json, expected: Json) -> None:
    assert write(schema) == expected


def test_what_an_error_cannot_say_is_made_up_in_shape() -> None:
    schema = record(message={"type": "string", "maxLength": 3}, code={"enum": ["E1", "E2"]}, trace=WHOLE)
    body = write(schema)
    assert conforms(body, schema)
    assert body == write(schema)


def test_an_error_that_is_a_text_stays_one() -> None:
    assert isinstance(write(TEXT), str)


def test_where_the_filled_error_does_not_conform_the_drawn_one_is_given() -> None:
    """`message` fits by itself, and not beside a `code` that is a number."""
    schema = {
        **record(message=TEXT, code={"type": ["integer", "string"]}),
        "not": {"properties": {"code": {"type": "integer", "minimum": 400}}},
    }
    body = write(schema)
    assert conforms(body, schema)
    assert body["message"] != "There is no pet."


def test_a_fault_is_chosen_by_the_episodes_seed() -> None:
    chosen = {seed: choose_fault(World("an-api", seed)) for seed in range(40)}
    assert {error.status for error in chosen.values()} == {500, 503, 429, 504}
    assert all((error.status, error.code, error.message) in PLANTED for error in chosen.values())
    assert str(chosen[1]) == chosen[1].message
    assert all(choose_fault(World("an-api", seed)).status == error.status for seed, error in chosen.items())


@pytest.mark.parametrize("seed", range(6))
def test_a_planted_error_comes_exactly_once_and_changes_nothing(seed: int) -> None:
    api = open_api(PLACES)
    episode, smooth = play(api, seed, fail_once=True), play(api, seed)
    expected = choose_fault(World("an-api", seed))
    assert send(episode, "addPlace", name="Zoo") == (
        expected.status,
        {"error": {"code": expected.code, "message": expected.message}},
    )
    for _ in range(3):
        assert send(episode, "listPlaces") == send(smooth, "listPlaces")
        assert send(episode, "addPlace", name="Zoo") == send(smooth, "addPlace", name="Zoo")


def test_no_error_is_planted_where_none_is_asked_for() -> None:
    for seed in range(6):
        assert send(play(open_api(PLACES), seed), "listPlaces")[0] == 200


def test_requests_that_earn_an_error_leave_the_planted_one_for_a_good_one() -> None:
    episode = play(open_api(ARTICLES), fail_once=True)
    assert send(episode, "deleteArticle", articleId=999999)[0] == 404
    headers = {"Content-Type": "application/json"}
    broken = episode.transport.handle_request(
        httpx.Request("POST", "https://api.example.com/articles", content=b"{broken", headers=headers)
    )
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "invalid_request")
    assert send(episode, "addArticle", title="A")[0] in {429, 500, 503, 504}
    assert send(episode, "addArticle", title="A")[0] == 201


def test_the_planted_error_takes_the_documents_shape_for_its_status() -> None:
    told = record(status=WHOLE, message=TEXT)
    errors = {"500": told, "503": told, "429": told, "504": told}
    paths = {
        "/things/{thingId}": {"get": operation("getThing", in_path("thingId"), answer=record(id=TEXT), errors=errors)}
    }
    for seed in range(4):
        status, body = send(play(open_api(paths), seed, fail_once=True), "getThing", thingId="a")
        expected = choose_fault(World("an-api", seed))
        assert (status, body) == (expected.status, {"status": expected.status, "message": expected.message})
