"""What each part that an operation plays answers: state changes and stays, and what is told follows from it."""

import re
from typing import Any

import pytest

from tasks.openapi.responses import check_response
from tests.tasks.mock.conftest import play, shop
from tests.tasks.mock.documents import (
    DATE,
    FLAG,
    NUMBER,
    PAYMENTS,
    PET,
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


def get_only(
    paths_or_answer: Json, *parameters: Json, path: str = "/thing", name: str = "getThing", **arguments: Any
) -> Any:
    """The body that the only operation of an API answers."""
    api = open_api({path: {"get": operation(name, *parameters, answer=paths_or_answer)}})
    return play(api).call(name, **arguments)


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


def test_what_a_list_tells_beside_its_figures_stays_though_it_may_be_null() -> None:
    region = {"type": ["string", "null"], "examples": ["north", "south"]}
    listed = record(pets=array(PET), region=region, total=WHOLE)
    pets = shop(**{"/pets/all": {"get": operation("listAllPets", query("limit", WHOLE), answer=listed)}})
    assert {pets.call("listAllPets", limit=limit)["region"] for limit in range(1, 9)} & {"north", "south"}


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
    told_of = record(name=TEXT, id=TEXT, age={"type": "string", "pattern": "^about [0-9]$"})
    pets = shop(**{"/pets/{petId}/convert": {"post": operation("convertPet", in_path("petId"), answer=told_of)}})
    pet = pets.call("listPets")["pets"][1]
    told = pets.call("convertPet", petId=pet["id"])
    assert told["name"] == pet["name"]
    assert told["id"] != pet["id"]  # an id beside the thing's own is another's
    assert told["age"].startswith("about")


def test_a_flag_is_not_told_for_that_of_the_thing() -> None:
    ready = record(id=TEXT, name=TEXT, ready=FLAG)
    paths = {
        "/pets": {"get": operation("listPets", answer=array(ready))},
        "/pets/{petId}/convert": {"post": operation("convertPet", in_path("petId"), answer=record(ready=FLAG))},
    }
    pets = play(open_api(paths))
    told = [(pet["ready"], pets.call("convertPet", petId=pet["id"])["ready"]) for pet in pets.call("listPets")]
    assert any(own != other for own, other in told)


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


def test_a_list_that_has_a_most_or_holds_records_is_no_list_of_all_there_are() -> None:
    def sizes(answer: Json) -> set[int]:
        api = open_api({"/names": {"post": operation("generateNames", answer=answer)}})
        return {len(play(api, seed).call("generateNames")) for seed in range(25)}

    assert sizes(array(TEXT, maxItems=2)) == {1, 2}
    assert sizes(array(record(name=TEXT))) == {1, 2, 3}
    assert min(sizes(array(TEXT))) == 5


def test_a_computed_answer_says_that_it_was_done_unless_it_only_reads() -> None:
    told = record(success=FLAG, message=TEXT, status=TEXT)
    paths = {
        "/login": {"post": operation("loginUser", query("limit", WHOLE), answer=told)},
        "/convert": {"get": operation("convertText", query("limit", WHOLE), answer=told)},
    }
    users = play(open_api(paths))
    assert users.call("loginUser", limit=1) == {
        "success": True, "message": "Request completed successfully.", "status": "success",
    }  # fmt: skip
    read = users.call("convertText", limit=1)
    assert read["success"] is True
    assert (read["message"], read["status"]) != ("Request completed successfully.", "success")
    assert not read["message"].endswith("successfully.")


def test_all_there_are_are_several_different_ones() -> None:
    for seed in range(12):
        colours = array({"type": "string", "enum": list("abcdef")})
        told = play(open_api({"/colours": {"get": operation("listColours", answer=colours)}}), seed).call("listColours")
        assert len(set(told)) == len(told) == 5


def test_a_record_is_the_first_that_fits() -> None:
    pets = shop(**{"/pet": {"get": operation("getPet2", query("name", TEXT), answer=PET)}})
    first, second = (pets.call("addPet", 201, name="Rex the first of his name") for _ in range(2))
    assert pets.call("getPet2", name="Rex the first of his name") == first != second


def test_what_is_asked_for_is_echoed_within_a_record() -> None:
    weather = record(city=TEXT, details=record(units=TEXT, temperature=NUMBER))
    paths = {"/weather": {"get": operation("getWeather", query("city", TEXT), query("units", TEXT), answer=weather)}}
    told = play(open_api(paths)).call("getWeather", city="Oslo", units="odd ones")
    assert (told["city"], told["details"]["units"]) == ("Oslo", "odd ones")


def test_an_open_answer_tells_the_fields_of_a_body_that_is_one_argument() -> None:
    body = {"anyOf": [record(city=TEXT), record(place=TEXT)]}
    told = play(open_api({"/login": {"post": operation("loginIt", body=body, answer={})}})).call(
        "loginIt", body={"city": "Oslo"}
    )
    assert told == {"success": True, "city": "Oslo"}


def test_what_is_told_alone_is_of_the_kind_that_its_name_tells() -> None:
    for path, parameters, arguments in (("/currencies", (), {}), ("/currencies/{of}", (in_path("of"),), {"of": "x"})):
        currencies = get_only(array(TEXT), *parameters, path=path, name="getEverything", **arguments)
        assert all(re.fullmatch("[A-Z]{3}", told) for told in currencies)
    assert re.fullmatch("[A-Z]{3}", get_only(TEXT, path="/everything", name="getCurrency"))
    assert len(get_only(TEXT, path="/everything", name="getSummary").split()) > 5


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
