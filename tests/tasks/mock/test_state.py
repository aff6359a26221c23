"""An episode's world: what is created, changed and deleted stays so; ids are known or not."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tasks.mock import MockApi
from tasks.mock.plan import Collection
from tasks.mock.recognition import find_ordered_pairs
from tasks.mock.world import Stocks, Wish, World
from tasks.openapi.requests import build_request
from tests.tasks.mock.conftest import Caller, play, shop
from tests.tasks.mock.documents import (
    DATE,
    FLAG,
    NEW_PET,
    NUMBER,
    PET,
    SHOP,
    TEXT,
    WHOLE,
    array,
    in_path,
    open_api,
    operation,
    query,
    record,
)
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
    transport = MockApi((operation,), "chat").transport(1)
    sent = transport.handle_request(build_request(operation, {"message": "See you at six"}, "https://x.example")).json()
    assert (sent["message"], sent["sent"]) == ("See you at six", True)


@pytest.mark.parametrize(("first", "second"), [("startsAt", "endsAt"), ("opens_on", "closes_on"), ("minAge", "maxAge")])
def test_names_tell_what_comes_first(first: str, second: str) -> None:
    assert find_ordered_pairs([second, "name", first]) == [(first, second)]


def test_a_thing_goes_through_its_life() -> None:
    pets = shop()
    made = pets.call("addPet", 201, name="Rex", age=3, status="new")
    assert (made["name"], made["age"], made["status"]) == ("Rex", 3, "new")
    assert pets.call("getPet", petId=made["id"]) == made
    assert pets.call("putPet", petId=made["id"], name="Max", age=4, status="sold") == {
        **made, "name": "Max", "age": 4, "status": "sold",
    }  # fmt: skip
    assert pets.call("patchPet", petId=made["id"], age=5) == {**made, "name": "Max", "age": 5, "status": "sold"}
    assert pets.call("getPet", petId=made["id"]) == {**made, "name": "Max", "age": 5, "status": "sold"}
    assert made["id"] in [pet["id"] for pet in pets.call("listPets", status="sold")["pets"]]
    assert made["id"] not in [pet["id"] for pet in pets.call("listPets", status="new")["pets"]]
    assert pets.call("dropPet", petId=made["id"]) == {
        "id": made["id"], "success": True, "status": "deleted", "message": "Pet deleted successfully.",
    }  # fmt: skip
    for function, arguments in (("getPet", {}), ("patchPet", {"age": 1}), ("putPet", {"age": 1}), ("dropPet", {})):
        error = pets.call(function, 404, petId=made["id"], **arguments)
        assert error["error"] == {"code": "not_found", "message": f"There is no pet with the id {made['id']}."}
    assert made["id"] not in [pet["id"] for pet in pets.call("listPets")["pets"]]


@pytest.mark.parametrize("seed", range(6))
def test_what_a_deletion_answers_may_have_several_shapes(seed: int) -> None:
    answer = {"anyOf": [TEXT, record(id=TEXT)]}
    paths = {
        "/pets": {"get": operation("listPets", answer=array(PET))},
        "/pets/{petId}": {"delete": operation("dropPet", in_path("petId"), answer=answer)},
    }
    pets = play(open_api(paths), seed)
    for pet in pets.call("listPets"):
        told = pets.call("dropPet", petId=pet["id"])
        assert told == {"id": pet["id"]} or isinstance(told, str)
    assert pets.call("listPets") == []


def test_a_change_reaches_no_other_thing() -> None:
    pets = shop()
    first, *others = pets.call("listPets")["pets"]
    pets.call("patchPet", petId=first["id"], age=19, name="Changed")
    assert pets.call("listPets")["pets"] == [{**first, "age": 19, "name": "Changed"}, *others]


def test_what_a_view_makes_up_gives_way_to_what_is_set() -> None:
    """`weight` is told before anybody has set it."""
    card = record(petId=TEXT, weight=NUMBER)
    weighing = operation("setWeight", in_path("petId"), body=record(weight=NUMBER), answer=PET)
    pets = shop(**{
        "/pets/{petId}/info": {"get": operation("getPetCard", in_path("petId"), answer=card)},
        "/pets/{petId}/update": {"put": weighing},
    })  # fmt: skip
    pet = pets.call("listPets")["pets"][0]["id"]
    before = pets.call("getPetCard", petId=pet)
    assert pets.call("getPetCard", petId=pet) == before
    pets.call("setWeight", petId=pet, weight=-4.5)
    assert pets.call("getPetCard", petId=pet) == {"petId": pet, "weight": -4.5}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/pets/{petId}/cancel", "cancelled"),
        ("/pets/{id}/cancel-sale", "cancelled"),
        ("/pets/{petId}/update", None),
        ("/cancel/pets/{petId}", None),
    ],
)
def test_an_action_sets_the_status_that_the_schema_has_for_it(path: str, expected: str | None) -> None:
    id_name = "id" if "{id}" in path else "petId"
    pets = shop(**{path: {"put": operation("changePet", in_path(id_name), answer=PET)}})
    for pet in pets.call("listPets")["pets"]:
        told = pets.call("changePet", **{id_name: pet["id"]})
        assert told == {**pet, "status": expected or pet["status"]} == pets.call("getPet", petId=pet["id"])


@pytest.mark.parametrize(
    ("enum", "path", "expected"),
    [
        (["open", "completed"], "complete", "completed"),
        (["open", "approved"], "approve", "approved"),
        (["open", "closed", "closing"], "close", "closed"),
        (["open", "confirmed"], "confirm", "confirmed"),
        (["open", 1, "closed"], "close", "closed"),
        (["open"], "confirm", "open"),
        (["open", "unapproved"], "approve", "open"),
    ],
)
def test_actions_are_known_by_the_last_part_of_a_path(enum: list[Any], path: str, expected: str) -> None:
    order = record(id=TEXT, state={"enum": enum}, note=TEXT)
    paths = {
        "/orders": {"post": operation("addOrder", body=record(state=TEXT, note=TEXT), answer=order, status="201")},
        f"/orders/{{id}}/{path}": {"put": operation("changeOrder", in_path("id"), answer=order)},
    }
    orders = play(open_api(paths))
    made = orders.call("addOrder", 201, state="open", note="n")
    assert orders.call("changeOrder", id=made["id"]) == {"id": made["id"], "state": expected, "note": "n"}


def test_a_body_that_is_one_argument_sets_the_fields_in_it() -> None:
    body = {"anyOf": [NEW_PET, NEW_PET]}
    pets = shop(**{"/pets/import": {"post": operation("importPet", body=body, answer=PET, status="201")}})
    made = pets.call("importPet", 201, body={"name": "Rex", "age": 3})
    assert (made["name"], made["age"]) == ("Rex", 3)
    assert pets.call("getPet", petId=made["id"]) == made


def test_a_change_may_answer_a_text_or_name_no_thing() -> None:
    pets = shop(**{
        "/pets/{petId}/update": {"put": operation("renamePet", in_path("petId"), body=record(name=TEXT), answer=TEXT)},
        "/pet": {
            "put": operation("putAny", query("pet_id", TEXT), body=record(name=TEXT), answer=PET),
            "delete": operation("dropAny", query("pet_id", TEXT), answer=record(success=FLAG)),
        },
    })  # fmt: skip
    first, *others = pets.call("listPets")["pets"]
    assert isinstance(pets.call("renamePet", petId=first["id"], name="New"), str)
    changed = [{**first, "name": "New"}, *others]
    assert pets.call("listPets")["pets"] == changed
    assert pets.call("putAny", name="Nobody")["name"] == "Nobody"
    assert pets.call("dropAny") == {"success": True}
    assert pets.call("listPets")["pets"] == changed
    assert pets.call("dropAny", pet_id=first["id"]) == {"success": True}
    assert pets.call("listPets")["pets"] == others


def test_a_thing_under_another_is_changed_and_deleted_by_its_own_id() -> None:
    room, guest = record(id=TEXT, floor=WHOLE), record(id=TEXT, roomId=TEXT, owner=record(name=TEXT))
    both = (in_path("hotelId"), in_path("guestId"))
    paths = {
        "/hotels": {"get": operation("listHotels", answer=array(record(id=TEXT, city=TEXT)))},
        "/rooms": {"get": operation("listRooms", answer=array(room))},
        "/guests": {
            "get": operation("listGuests", answer=array(guest)),
            "post": operation("addGuest", body=record(owner=record(name=TEXT)), answer=guest, status="201"),
        },
        "/hotels/{hotelId}/guests/{guestId}": {
            "put": operation("moveGuest", *both, body=record(roomId=TEXT), answer=guest),
            "delete": operation("dropGuest", *both, status="204"),
        },
    }
    hotels = play(open_api(paths))
    hotel, rooms = hotels.call("listHotels")[0]["id"], [item["id"] for item in hotels.call("listRooms")]
    made = hotels.call("addGuest", 201, owner={"name": "Ann"})
    assert made["owner"] == {"name": "Ann"}
    for id_ in rooms:
        moved = hotels.call("moveGuest", hotelId=hotel, guestId=made["id"], roomId=id_)
        assert moved == {**made, "roomId": id_}
    hotels.call("moveGuest", 404, hotelId=hotel, guestId=made["id"], roomId="none")
    hotels.call("dropGuest", 204, hotelId=hotel, guestId=made["id"])
    assert made["id"] not in [item["id"] for item in hotels.call("listGuests")]
    assert hotel in [item["id"] for item in hotels.call("listHotels")]


def test_what_stands_beside_a_wrapped_thing_does_not_change_it() -> None:
    wrapped = record(age=WHOLE, data=record(pet=PET))
    pets = shop(
        **{"/pets/add": {"post": operation("addWrapped", body=record(name=TEXT), answer=wrapped, status="201")}}
    )
    for _ in range(4):
        told = pets.call("addWrapped", 201, name="Rex")["data"]["pet"]
        assert pets.call("getPet", petId=told["id"]) == told


def test_what_an_answer_says_beside_the_thing_is_none_of_the_thing() -> None:
    counted = {"type": "object", "additionalProperties": TEXT}
    paths = {
        "/notes": {
            "get": operation("listNotes", answer=array(record(id=TEXT, text=TEXT))),
            "post": operation("addNote", body=record(text=TEXT), answer=counted),
        },
        "/notes/{noteId}": {"put": operation("putNote", in_path("noteId"), body=record(text=TEXT), answer={})},
    }
    notes = play(open_api(paths))
    assert len(notes.call("addNote", text="first")) == 3
    made = notes.call("listNotes")[-1]
    assert made["text"] == "first"
    assert notes.call("putNote", noteId=made["id"], text="second") == {**made, "text": "second"}


def test_an_answer_that_wraps_the_thing_tells_the_outcome_beside_it() -> None:
    wrapped = record(success=FLAG, message=TEXT, data=record(pet=PET), name=TEXT)
    pets = shop(**{
        "/pets/add": {"post": operation("addWrapped", body=NEW_PET, answer=wrapped, status="201")},
        "/pets/{petId}/details": {"get": operation("getWrapped", in_path("petId"), answer=wrapped)},
    })  # fmt: skip
    told = pets.call("addWrapped", 201, name="Rex")
    assert (told["success"], told["name"], told["data"]["pet"]["name"]) == (True, "Rex", "Rex")
    assert told["message"] == "Pet created successfully."
    read = pets.call("getWrapped", petId=told["data"]["pet"]["id"])
    assert read["data"] == told["data"]
    assert read["success"] is True
    assert not read["message"].endswith("successfully.")


def test_a_flag_of_the_thing_that_says_it_was_done_is_kept() -> None:
    booking = record(id=TEXT, confirmed=FLAG, message=TEXT, day=DATE)
    paths = {
        "/bookings": {"post": operation("addBooking", body=record(day=DATE), answer=booking, status="201")},
        "/bookings/{bookingId}": {"get": operation("getBooking", in_path("bookingId"), answer=booking)},
    }
    for seed in range(5):
        bookings = play(open_api(paths), seed)
        made = bookings.call("addBooking", 201, day="2026-05-01")
        assert (made["confirmed"], made["message"]) == (True, "Booking created successfully.")
        assert bookings.call("getBooking", bookingId=made["id"]) == made


def test_two_episodes_never_see_each_other() -> None:
    api = open_api(SHOP)
    one, two, untouched = play(api), play(api), play(api)
    made = one.call("addPet", 201, name="Rex")
    one.call("patchPet", petId=one.call("listPets")["pets"][0]["id"], name="Changed")
    one.call("dropPet", petId=one.call("listPets")["pets"][1]["id"])
    assert json.dumps(two.call("listPets")) == json.dumps(untouched.call("listPets"))
    two.call("getPet", 404, petId=made["id"])
