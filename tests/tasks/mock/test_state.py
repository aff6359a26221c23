"""An episode's world: what is created, changed and deleted stays so; ids are known or not."""

from collections.abc import Callable
from typing import Any

import pytest

from tasks.mock import MockTransport
from tasks.mock.plan import Collection
from tasks.mock.recognition import find_ordered_pairs
from tasks.mock.world import Stocks, Wish, World
from tasks.openapi.requests import build_request
from tests.tasks.mock.conftest import Caller
from tests.tasks.mock.pets import read_operations

Open = Callable[..., Caller]


def things_with(*names: str) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}}


def test_a_thing_is_the_same_in_list_and_detail(pets: Caller) -> None:
    for item in pets.call("listPets")["pets"]:
        detail = pets.call("getPet", petId=item["id"])
        assert {key: detail[key] for key in item} == item


def test_ids_are_distinct_and_look_like_the_examples(pets: Caller) -> None:
    ids = [item["id"] for item in pets.call("listPets", limit=10)["pets"]]
    assert len(ids) == len(set(ids)) == 10
    assert all(id_.startswith("pet_") and id_[4:].isdigit() for id_ in ids)


def test_names_are_distinct(pets: Caller) -> None:
    names = [item["name"] for item in pets.call("listPets", limit=12)["pets"]]
    assert len(set(names)) == len(names)


def test_an_id_of_the_examples_exists_from_the_start(pets: Caller) -> None:
    assert pets.call("getPet", petId="pet_4821")["id"] == "pet_4821"


def test_an_unknown_id_gets_404_in_the_documents_own_shape(pets: Caller) -> None:
    error = pets.call("getPet", 404, petId="pet_0000")
    assert error["status"] == 404
    assert "pet_0000" in error["message"]


def test_an_unknown_id_gets_404_where_the_document_has_no_shape_for_it(pets: Caller) -> None:
    error = pets.call("updatePet", 404, petId="pet_0000", name="Rex")
    assert error["error"]["code"] == "not_found"


def test_what_is_created_can_be_fetched_found_and_counted(pets: Caller) -> None:
    before = pets.call("countPets", breed="Whippet")["count"]
    made = pets.call("createPet", 201, name="Rex", breed="Whippet", age_years=3)
    assert (made["name"], made["breed"], made["age_years"]) == ("Rex", "Whippet", 3)
    assert pets.call("getPet", petId=made["id"]) == made
    assert made["id"] in [item["id"] for item in pets.call("listPets", breed="Whippet")["pets"]]
    assert pets.call("countPets", breed="Whippet")["count"] == before + 1


def test_two_created_things_differ(pets: Caller) -> None:
    first = pets.call("createPet", 201, name="Rex")
    second = pets.call("createPet", 201, name="Rex")
    assert first["id"] != second["id"]


def test_an_update_changes_what_it_names_and_nothing_else(pets: Caller) -> None:
    before = pets.call("getPet", petId="pet_4821")
    pets.call("updatePet", petId="pet_4821", name="Renamed")
    assert pets.call("getPet", petId="pet_4821") == {**before, "name": "Renamed"}


def test_what_is_deleted_is_gone_from_everywhere(pets: Caller) -> None:
    found = pets.call("listPets", breed="Akita")["pets"]
    for item in found:
        assert pets.call("deletePet", petId=item["id"]) == {"id": item["id"], "deleted": True}
        pets.call("getPet", 404, petId=item["id"])
        pets.call("deletePet", 404, petId=item["id"])
    assert pets.call("listPets", breed="Akita") == {"pets": [], "total": 0}


def test_things_under_a_thing_name_it_and_stay(pets: Caller) -> None:
    visits = pets.call("listVisits", petId="pet_4821")
    assert visits["total"] == len(visits["visits"]) > 0
    assert {visit["petId"] for visit in visits["visits"]} == {"pet_4821"}
    pets.call("listVisits", petId="pet_1290")
    assert pets.call("listVisits", petId="pet_4821") == visits


def test_creating_for_a_thing_that_does_not_exist_gets_404(pets: Caller) -> None:
    pets.call("bookVisit", 404, petId="pet_0000", date="2026-05-01")
    booked = pets.call("bookVisit", 201, petId="pet_4821", date="2026-05-01")
    assert (booked["petId"], booked["date"]) == ("pet_4821", "2026-05-01")
    assert booked in pets.call("listVisits", petId="pet_4821")["visits"]
    assert pets.call("cancelVisit", 204, visitId=booked["id"]) is None
    assert booked not in pets.call("listVisits", petId="pet_4821")["visits"]


def test_episodes_do_not_see_each_other(open_episode: Open) -> None:
    first, second = open_episode(1), open_episode(1)
    first.call("deletePet", petId="pet_4821")
    assert second.call("getPet", petId="pet_4821")["id"] == "pet_4821"


def test_episodes_that_share_their_stock_answer_like_any_other(open_episode: Open) -> None:
    def play(episode: Caller) -> Any:
        episode.call("createPet", 201, name="Rex", breed="Akita")
        episode.call("updatePet", petId="pet_4821", name="Renamed")
        episode.call("deletePet", petId="pet_1290")
        return episode.call("listPets", limit=12)

    stocks: Stocks = {}
    untouched, expected = open_episode(1).call("listPets", limit=12), play(open_episode(1))
    for _ in range(3):
        assert open_episode(1, stocks=stocks).call("listPets", limit=12) == untouched
        assert play(open_episode(1, stocks=stocks)) == expected


def test_a_shared_stock_speaks_of_nothing_that_another_episode_made() -> None:
    owner, pet = Collection("owner", things_with("id")), Collection("pet", things_with("id", "owner_id"))
    owner.id_name = pet.id_name = "id"
    pet.foreign["owner_id"] = owner

    def list_owners(world: World) -> list[Any]:
        return [thing.values["owner_id"] for thing in world.find(pet, Wish())]

    stocks: Stocks = {}
    changed = World("pets", 1, stocks)
    for known in changed.find(owner, Wish()):
        changed.delete(owner, known)
    made = changed.create(owner, {}, {})
    assert set(list_owners(changed)) == {made.id}
    first, second = World("pets", 1, stocks), World("pets", 1, stocks)
    assert list_owners(first) == list_owners(second) == list_owners(World("pets", 1))
    assert made.id not in list_owners(first)


def test_the_seed_decides_and_the_order_of_calls_does_not(open_episode: Open) -> None:
    one, two, other = open_episode(1), open_episode(1), open_episode(2)
    detail = one.call("getPet", petId="pet_1290")
    one.call("createPet", 201, name="Rex")
    visits = one.call("listVisits", petId="pet_4821")
    assert two.call("listVisits", petId="pet_4821") == visits
    assert two.call("getPet", petId="pet_1290") == detail
    assert other.call("getPet", petId="pet_1290") != detail


@pytest.mark.parametrize("seed", range(8))
def test_one_planted_error_changes_nothing_and_is_over_after_one_call(open_episode: Open, seed: int) -> None:
    episode, smooth = open_episode(seed, fail_once=True), open_episode(seed)
    episode.call("getPet", 404, petId="pet_0000")  # earns its own error: the planted one waits
    operation = episode.operations["deletePet"]
    response = episode.transport.handle_request(build_request(operation, {"petId": "pet_4821"}, "https://x.example"))
    assert response.status_code in {429, 500, 503, 504}
    assert response.json()["error"]["message"]
    assert episode.call("getPet", petId="pet_4821") == smooth.call("getPet", petId="pet_4821")


def test_what_a_creation_says_of_itself_does_not_overwrite_what_was_given() -> None:
    fields = {"messageId": {"type": "string"}, "message": {"type": "string"}, "sent": {"type": "boolean"}}
    thing = {"type": "object", "properties": fields, "required": list(fields)}
    body = {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Chat", "version": "1"},
        "paths": {
            "/messages": {
                "post": {
                    "operationId": "sendMessage",
                    "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
                    "responses": {
                        "201": {"description": "ok", "content": {"application/json": {"schema": thing}}},
                    },
                }
            }
        },
    }
    (operation,) = read_operations(document)
    transport = MockTransport((operation,), "chat", 1)
    sent = transport.handle_request(build_request(operation, {"message": "See you at six"}, "https://x.example")).json()
    assert (sent["message"], sent["sent"]) == ("See you at six", True)


@pytest.mark.parametrize(("first", "second"), [("startsAt", "endsAt"), ("opens_on", "closes_on"), ("minAge", "maxAge")])
def test_names_tell_what_comes_first(first: str, second: str) -> None:
    assert find_ordered_pairs([second, "name", first]) == [(first, second)]
