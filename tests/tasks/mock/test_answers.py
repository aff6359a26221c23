"""What each part that an operation plays answers: state changes and stays, and what is told follows from it."""

import json
from typing import Any

import pytest

from tasks.openapi.responses import check_response
from tests.tasks.mock.conftest import Caller, play
from tests.tasks.mock.documents import (
    DATE,
    FLAG,
    NUMBER,
    PAYMENTS,
    PLACES,
    TEXT,
    WHOLE,
    Json,
    array,
    in_path,
    open_api,
    operation,
    query,
    record,
)

PET = record(id=TEXT, name=TEXT, status={"type": "string", "enum": ["new", "sold", "cancelled"]}, age=WHOLE)
NEW_PET: Json = {"type": "object", "properties": {"name": TEXT, "age": WHOLE, "status": TEXT}}
SHOP: Json = {
    "/pets": {
        "get": operation("listPets", query("name", TEXT), query("status", TEXT), answer=record(pets=array(PET))),
        "post": operation("addPet", body=NEW_PET, answer=PET, status="201"),
    },
    "/pets/{petId}": {
        "get": operation("getPet", in_path("petId"), answer=PET),
        "put": operation("putPet", in_path("petId"), body=NEW_PET, answer=PET),
        "patch": operation("patchPet", in_path("petId"), body=NEW_PET, answer=PET),
        "delete": operation(
            "dropPet", in_path("petId"), answer=record(id=TEXT, success=FLAG, status=TEXT, message=TEXT)
        ),
    },
}


def shop(**more: Json) -> Caller:
    """An episode in the shop, with further operations by path."""
    paths = {path: dict(item) for path, item in SHOP.items()}
    for path, item in more.items():
        paths.setdefault(path, {}).update(item)
    return play(open_api(paths))


def get_only(
    paths_or_answer: Json, *parameters: Json, path: str = "/thing", name: str = "getThing", **arguments: Any
) -> Any:
    """The body that the only operation of an API answers."""
    api = open_api({path: {"get": operation(name, *parameters, answer=paths_or_answer)}})
    return play(api).call(name, **arguments)


def test_a_thing_goes_through_its_life() -> None:
    pets = shop()
    made = pets.call("addPet", 201, name="Rex", age=3, status="new")
    fetch = lambda: pets.call("getPet", petId=made["id"])  # noqa: E731
    assert (made["name"], made["age"], made["status"]) == ("Rex", 3, "new")
    assert fetch() == made
    assert pets.call("putPet", petId=made["id"], name="Max", age=4, status="sold") == {
        **made, "name": "Max", "age": 4, "status": "sold",
    }  # fmt: skip
    assert pets.call("patchPet", petId=made["id"], age=5) == {**made, "name": "Max", "age": 5, "status": "sold"}
    assert fetch() == {**made, "name": "Max", "age": 5, "status": "sold"}
    assert made["id"] in [pet["id"] for pet in pets.call("listPets", status="sold")["pets"]]
    assert made["id"] not in [pet["id"] for pet in pets.call("listPets", status="new")["pets"]]
    assert pets.call("dropPet", petId=made["id"]) == {
        "id": made["id"], "success": True, "status": "deleted", "message": "Pet deleted successfully.",
    }  # fmt: skip
    for function, arguments in (("getPet", {}), ("patchPet", {"age": 1}), ("putPet", {"age": 1}), ("dropPet", {})):
        error = pets.call(function, 404, petId=made["id"], **arguments)
        assert error["error"] == {"code": "not_found", "message": f"There is no pet with the id {made['id']}."}
    assert made["id"] not in [pet["id"] for pet in pets.call("listPets")["pets"]]


def test_a_change_reaches_no_other_thing() -> None:
    pets = shop()
    first, *others = pets.call("listPets")["pets"]
    pets.call("patchPet", petId=first["id"], age=19, name="Changed")
    assert pets.call("listPets")["pets"] == [{**first, "age": 19, "name": "Changed"}, *others]


def test_a_change_of_what_other_views_show_is_shown_there() -> None:
    """`weight` is a number where it is set and a text where it is told: what was told before is told anew."""
    weighed = record(petId=TEXT, weight=TEXT)
    weighing = operation("setWeight", in_path("petId"), body=record(weight=NUMBER), answer=PET)
    pets = shop(**{
        "/pets/{petId}/info": {"get": operation("getPetCard", in_path("petId"), answer=weighed)},
        "/pets/{petId}/update": {"put": weighing},
    })  # fmt: skip
    pet = pets.call("listPets")["pets"][0]["id"]
    before = pets.call("getPetCard", petId=pet)
    assert pets.call("getPetCard", petId=pet) == before
    pets.call("setWeight", petId=pet, weight=4)
    assert pets.call("getPetCard", petId=pet)["petId"] == pet


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


def test_an_id_that_nothing_tells_is_taken_as_it_comes() -> None:
    api = open_api({"/pets/{petId}": {"get": operation("getPet", in_path("petId"), answer=PET)}})
    one, two = play(api), play(api)
    assert one.call("getPet", petId="anything")["id"] == "anything"
    assert one.call("getPet", petId="anything") == two.call("getPet", petId="anything")


def test_a_record_is_found_by_another_key_and_stays() -> None:
    country = record(code=TEXT, name=TEXT, population=WHOLE)
    paths = {"/countries/{code}": {"get": operation("getCountry", in_path("code"), answer=country)}}
    countries = play(open_api(paths))
    first = countries.call("getCountry", code="NO")
    assert first["code"] == "NO"
    assert countries.call("getCountry", code="NO") == first
    other = countries.call("getCountry", code="SE")
    assert other["code"] == "SE"
    assert other["name"] != first["name"]


def test_a_record_that_no_thing_fits_is_made_up() -> None:
    answer = record(mood={"type": "string", "enum": ["calm"]}, name=TEXT)
    told = get_only(answer, query("mood", TEXT), path="/mood", name="getMood", mood="wild")
    assert told["mood"] == "calm"


def test_what_a_record_does_not_hold_of_the_request_is_echoed() -> None:
    weather = record(city=TEXT, temperature=NUMBER, units=TEXT)
    paths = {"/weather": {"get": operation("getWeather", query("city", TEXT), query("units", TEXT), answer=weather)}}
    told = play(open_api(paths)).call("getWeather", city="Oslo", units="metric")
    assert (told["city"], told["units"]) == ("Oslo", "metric")


def test_what_a_thing_holds_is_not_overwritten_by_the_request() -> None:
    asked = operation("getPet", in_path("petId"), query("age", WHOLE), answer=PET)
    pets = shop(**{"/pets/{petId}": {"get": asked}})
    pet = pets.call("listPets")["pets"][0]
    assert pets.call("getPet", petId=pet["id"], age=pet["age"] + 1) == pet


def test_a_random_thing_is_drawn_and_a_latest_one_is_the_first() -> None:
    event = record(id=TEXT, held_on=DATE)
    paths = {
        "/events": {"get": operation("listEvents", query("held_on", DATE), answer=array(event))},
        "/events/latest": {"get": operation("getLatestEvent", answer=event)},
        "/events/random": {"get": operation("getRandomEvent", query("seed", WHOLE), answer=event)},
    }
    drawn, firsts = set(), 0
    for seed in range(12):
        events = play(open_api(paths), seed)
        whole = events.call("listEvents")
        assert events.call("getLatestEvent") == max(whole, key=lambda item: item["held_on"])
        picked = events.call("getRandomEvent")
        assert picked in whole
        assert events.call("getRandomEvent") == picked
        firsts += picked == whole[0]
        drawn |= {events.call("getRandomEvent", seed=number)["id"] for number in range(4)}
    assert firsts < 12
    assert len(drawn) > 12


def test_a_pick_among_nothing_is_made_up() -> None:
    event = record(id=TEXT, kind={"type": "string", "enum": ["talk"]})
    paths = {
        "/events": {"get": operation("listEvents", answer=array(event))},
        "/events/random": {"get": operation("getRandomEvent", query("kind", TEXT), answer=event)},
    }
    assert play(open_api(paths)).call("getRandomEvent", kind="walk")["kind"] == "talk"


def test_statistics_are_those_of_the_things_that_are_found() -> None:
    places = play(open_api(PLACES))
    for price in (10, 20.5, 30):
        places.call("addPlace", 201, name=f"P{price}", kind="park", price=price)
    parks = [place["price"] for place in places.call("listPlaces", kind="park")["places"]]
    told = places.call("getPlaceStatistics", kind="park")
    assert told["count"] == len(parks) >= 3
    assert (told["min_price"], told["max_price"]) == (min(parks), max(parks))
    assert told["total_price"] == pytest.approx(sum(parks), abs=0.006)
    assert told["average_price"] == pytest.approx(sum(parks) / len(parks), abs=0.006)
    assert told["count"] < places.call("getPlaceStatistics")["count"]


def test_a_count_may_be_the_whole_answer() -> None:
    pets = shop(**{"/pets/count": {"get": operation("countPets", query("status", TEXT), answer=WHOLE)}})
    assert pets.call("countPets") == len(pets.call("listPets")["pets"])


def test_a_list_tells_means_over_what_it_shows() -> None:
    listed = record(pets=array(PET), average_age=NUMBER, total=WHOLE, max_age=WHOLE)
    pets = shop(**{"/pets/all": {"get": operation("listAllPets", query("limit", WHOLE), answer=listed)}})
    told = pets.call("listAllPets", limit=3)
    ages = [pet["age"] for pet in told["pets"]]
    assert told["average_age"] == round(sum(ages) / 3, 2)
    assert told["max_age"] == max(ages)
    assert told["total"] > 3


def test_a_list_echoes_what_was_asked_and_names_the_thing_it_is_under() -> None:
    visit = record(id=TEXT, petId=TEXT, cost=NUMBER)
    listed = record(visits=array(visit), name=TEXT, age=WHOLE, status=TEXT, currency=TEXT)
    under = operation("listVisits", in_path("petId"), query("currency", TEXT), query("status", TEXT), answer=listed)
    pets = shop(**{"/pets/{petId}/visits": {"get": under}})
    for pet in pets.call("listPets")["pets"]:
        told = pets.call("listVisits", petId=pet["id"], currency="EUR", status="paid")
        assert (told["name"], told["age"]) == (pet["name"], pet["age"])
        assert (told["currency"], told["status"]) == ("EUR", "paid")


def test_what_is_told_of_a_thing_names_it() -> None:
    told_of = record(name=TEXT, id=TEXT, available=FLAG)
    pets = shop(**{"/pets/{petId}/convert": {"post": operation("convertPet", in_path("petId"), answer=told_of)}})
    pet = pets.call("listPets")["pets"][1]
    told = pets.call("convertPet", petId=pet["id"])
    assert told["name"] == pet["name"]


def test_several_values_that_are_asked_for_are_each_met() -> None:
    pets = shop()
    found = pets.call("listPets", status="sold,cancelled")["pets"]
    assert {pet["status"] for pet in found} == {"sold", "cancelled"}
    assert pets.call("listPets", status="sold,cancelled")["pets"] == found


def test_a_name_in_the_path_finds_one_thing() -> None:
    pets = shop(**{"/pets/named/{name}": {"get": operation("findPetsByName", in_path("name"), answer=array(PET))}})
    for name in ("Rex", "Ace", "Bo", "Max"):
        assert [pet["name"] for pet in pets.call("findPetsByName", name=name)] == [name]
    assert max(len(pets.call("listPets", name=name)["pets"]) for name in ("Zoe", "Kim", "Lou", "Ida")) > 1


def test_a_thing_is_not_similar_to_itself() -> None:
    similar = operation("getSimilarPets", in_path("petId"), answer=record(similar=array(record(id=TEXT, name=TEXT))))
    pets = shop(**{"/pets/{petId}/similar": {"get": similar}})
    ids = [pet["id"] for pet in pets.call("listPets")["pets"]]
    for id_ in ids:
        told = [pet["id"] for pet in pets.call("getSimilarPets", petId=id_)["similar"]]
        assert id_ not in told
        assert told


@pytest.mark.parametrize("answer", [None, {}, {"description": "anything"}, {"type": "object"}])
def test_an_open_answer_tells_what_was_asked(answer: Json | None) -> None:
    spec = operation("checkIt", query("city", TEXT), query("apiKey", TEXT), query("lang", TEXT), answer=answer)
    told = play(open_api({"/check": {"get": spec}})).call("checkIt", city="Oslo", apiKey="k", lang="en")
    if answer == {"type": "object"}:
        assert isinstance(told, dict)
    else:
        assert told == {"success": True, "city": "Oslo"}


def test_an_open_answer_tells_a_conversion() -> None:
    spec = operation("convertMoney", query("from", TEXT), query("to", TEXT), query("amount", NUMBER), answer={})
    told = play(open_api({"/convert": {"get": spec}})).call("convertMoney", **{"from": "EUR", "to": "USD"}, amount=10)
    assert told["result"] == round(10 * told["rate"], 2)
    assert set(told) == {"success", "from", "to", "amount", "rate", "result"}


def test_an_open_answer_about_a_thing_is_the_thing() -> None:
    pets = shop(
        **{"/pets/{petId}/open": {"put": operation("openPet", in_path("petId"), body=record(age=WHOLE), answer={})}}
    )
    pet = pets.call("listPets")["pets"][0]
    assert pets.call("openPet", petId=pet["id"], age=7) == {**pet, "age": 7} == pets.call("getPet", petId=pet["id"])


@pytest.mark.parametrize("method", ["put", "post", "delete"])
def test_no_content_has_no_body(method: str) -> None:
    spec = operation("useIt", in_path("petId"), status="204")
    pets = shop(**{"/pets/{petId}/touch": {method: spec}})
    pet = pets.call("listPets")["pets"][0]["id"]
    assert pets.call("useIt", 204, petId=pet) is None


def list_colours(answer: Json, **arguments: Any) -> Any:
    return get_only(answer, query("limit", WHOLE), path="/colours", name="listColours", **arguments)


def test_a_list_of_texts_is_told_whole_and_cut_to_the_limit() -> None:
    told = list_colours(array(TEXT))
    assert len(set(told)) == len(told) >= 5
    assert len(list_colours(array(TEXT), limit=2)) == 2
    assert list_colours(array(TEXT), limit=0) == []
    assert len(list_colours(array(TEXT), limit=-1)) >= 5
    assert len(list_colours(array(TEXT, maxItems=2))) <= 2
    assert len(list_colours(array(TEXT, minItems=8))) == 8


def test_what_is_computed_hangs_on_what_was_asked() -> None:
    paths = {"/score": {"get": operation("computeScore", query("text", TEXT), answer=record(score=NUMBER, text=TEXT))}}
    api = open_api(paths)
    one, two = play(api), play(api)
    assert (
        one.call("computeScore", text="a") == two.call("computeScore", text="a") == one.call("computeScore", text="a")
    )
    assert one.call("computeScore", text="a")["score"] != one.call("computeScore", text="b")["score"]
    assert play(api, 2).call("computeScore", text="a") != one.call("computeScore", text="a")


@pytest.mark.parametrize("seed", range(8))
def test_answers_of_several_shapes_each_conform(seed: int) -> None:
    payments = play(open_api(PAYMENTS), seed)
    listed = payments.call("listPayments")
    for payment in listed:
        assert payments.call("getPayment", paymentId=payment["id"])["id"] == payment["id"]
        told = payments.call("getReceipt", paymentId=payment["id"])
        assert told is None or set(told) == {"number", "amount"}
    made = payments.call("addPayment", 201, amount=12)
    assert made["amount"] == 12
    assert payments.call("getPayment", paymentId=made["id"])["amount"] == 12


def test_an_answer_that_does_not_conform_is_mended_field_by_field() -> None:
    """A name of 40 letters is more than the answer may show; all else stays as it is."""
    short = record(id=TEXT, name={"type": "string", "maxLength": 12}, age=WHOLE)
    pets = shop(**{"/pets/{petId}/info": {"get": operation("getShortPet", in_path("petId"), answer=short)}})
    made = pets.call("addPet", 201, name="x" * 40, age=3)
    told = pets.call("getShortPet", petId=made["id"])
    assert (told["id"], told["age"]) == (made["id"], 3)
    assert len(told["name"]) <= 12
    assert pets.call("getShortPet", petId=made["id"]) == told


def test_a_list_that_does_not_conform_is_made_anew() -> None:
    short = array(record(id=TEXT, name={"type": "string", "maxLength": 12}, age=WHOLE))
    pets = shop(**{"/pets/short": {"get": operation("listShortPets", query("name", TEXT), answer=short)}})
    pets.call("addPet", 201, name="x" * 40, age=3)
    told = pets.call("listShortPets")
    assert told
    assert all(len(pet["name"]) <= 12 for pet in told)


def test_two_episodes_never_see_each_other() -> None:
    api = open_api(SHOP)
    one, two, untouched = play(api), play(api), play(api)
    made = one.call("addPet", 201, name="Rex")
    one.call("patchPet", petId=one.call("listPets")["pets"][0]["id"], name="Changed")
    one.call("dropPet", petId=one.call("listPets")["pets"][1]["id"])
    assert json.dumps(two.call("listPets")) == json.dumps(untouched.call("listPets"))
    two.call("getPet", 404, petId=made["id"])


def test_one_seed_gives_one_answer() -> None:
    def tell(seed: int) -> list[Any]:
        episode = play(open_api(PLACES), seed)
        return [
            episode.call("listPlaces", kind="cafe", min_price=10, q="quiet"),
            episode.call("addPlace", 201, name="New"),
            episode.call("getPlaceStatistics", kind="cafe"),
        ]

    assert tell(3) == tell(3)
    assert tell(3) != tell(4)


def test_answers_are_checked_by_the_documents_own_rules() -> None:
    """The caller that these tests use would notice: an answer with a field of another type does not pass."""
    pets = shop()
    wrong = {**pets.call("listPets")["pets"][0], "age": "three"}
    assert check_response(pets.operations["getPet"], 200, wrong) != ""
