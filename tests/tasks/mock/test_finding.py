"""Lists: what a search finds meets every filter, in the order and the part that was asked for."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.mock import MockApi
from tests.tasks.mock.conftest import Caller, play
from tests.tasks.mock.documents import ARTICLES, TEXT, WHOLE, Json, array, in_path, open_api, operation, query, record

ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "breed": st.sampled_from(["Beagle", "Maine Coon", "Whippet"]),
        "status": st.sampled_from(["available", "adopted"]),
        "min_age_years": st.integers(0, 9),
        "max_age_years": st.integers(10, 20),
        "vaccinated": st.booleans(),
        "tag": st.sampled_from(["calm", "senior"]),
        "arrived_after": st.dates().filter(lambda day: 2020 <= day.year <= 2027).map(str),
        "query": st.sampled_from(["fluffy", "good with kids"]),
        "limit": st.integers(1, 9),
    },
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arguments=ARGUMENTS, seed=st.integers(0, 1000))
def test_a_search_finds_something_that_meets_every_filter(
    pet_api: MockApi, arguments: dict[str, Any], seed: int
) -> None:
    pets = Caller(pet_api.transport(seed))
    answer = pets.call("listPets", **arguments)
    found = answer["pets"]
    assert 1 <= len(found) <= arguments.get("limit", 20)
    assert answer["total"] >= len(found)
    for item in found:
        full = pets.call("getPet", petId=item["id"])
        assert full["breed"] == arguments.get("breed", full["breed"])
        assert full["status"] == arguments.get("status", full["status"])
        assert full["vaccinated"] == arguments.get("vaccinated", full["vaccinated"])
        assert arguments.get("min_age_years", 0) <= full["age_years"] <= arguments.get("max_age_years", 20)
        assert full["arrived_on"] >= arguments.get("arrived_after", "")
        assert "tag" not in arguments or arguments["tag"] in full["tags"]
        text = str(full).lower()
        assert all(word in text for word in arguments.get("query", "").split())
    assert pets.call("listPets", **arguments) == answer


def test_a_limit_is_filled_and_an_offset_goes_on_from_there(pets: Caller) -> None:
    first = pets.call("listPets", limit=5)["pets"]
    assert len(first) == 5
    assert pets.call("listPets", limit=3, offset=2)["pets"] == first[2:5]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_lists_are_ordered_as_asked(pets: Caller, order: str) -> None:
    ages = [item["age_years"] for item in pets.call("listPets", sort_by="age_years", order=order)["pets"]]
    assert ages == sorted(ages, reverse=order == "desc")


def test_a_count_counts_what_a_list_finds(pets: Caller) -> None:
    count = pets.call("countPets", breed="Beagle")
    assert count == {"count": pets.call("listPets", breed="Beagle")["total"], "breed": "Beagle"}


def test_a_random_thing_exists(pets: Caller) -> None:
    drawn = pets.call("getRandomPet")
    assert pets.call("getPet", petId=drawn["id"]) == drawn


def test_a_natural_key_makes_its_record_on_demand(pets: Caller) -> None:
    country = pets.call("getCountry", countryCode="NL")
    assert country["countryCode"] == "NL"
    assert pets.call("getCountry", countryCode="NL") == country


def test_a_conversion_echoes_and_agrees_with_itself(pets: Caller) -> None:
    there = pets.call("convertCurrency", 200, **{"from": "EUR", "to": "USD"}, amount=120)
    assert (there["from"], there["to"], there["amount"]) == ("EUR", "USD", 120)
    assert there["result"] == pytest.approx(120 * there["rate"], abs=0.01)
    back = pets.call("convertCurrency", 200, **{"from": "USD", "to": "EUR"}, amount=1)
    assert back["rate"] == pytest.approx(1 / there["rate"], rel=0.001)


PET = record(id=TEXT, name=TEXT, age=WHOLE)
AGE = query("age", WHOLE)


def open_pets(**more: Json) -> MockApi:
    """A shop of pets, without a search, and further operations by path."""
    listed = operation("listPets", answer=record(pets=array(PET)))
    added = operation("addPet", body=record(name=TEXT), answer=PET, status="201")
    return open_api({"/pets": {"get": listed, "post": added}, **{path: {"get": spec} for path, spec in more.items()}})


def test_every_id_of_a_list_must_exist() -> None:
    api = open_pets(**{"/compare": operation("comparePets", query("pet_ids", array(TEXT)), answer=record(note=TEXT))})
    episode = play(api)
    ids = [pet["id"] for pet in episode.call("listPets")["pets"]]
    episode.call("comparePets", pet_ids=ids)
    episode.call("comparePets", pet_ids=[])
    episode.call("comparePets")
    for spot in range(3):
        wrong = [*ids[:spot], "pet_0000", *ids[spot:]]
        assert "pet_0000" in episode.call("comparePets", 404, pet_ids=wrong)["error"]["message"]


def test_ids_that_examples_alone_tell_are_all_that_exist() -> None:
    thing = {
        "/pets/{petId}": {
            "get": operation("getPet", in_path("petId", {"type": "string", "examples": ["p1"]}), answer=PET)
        }
    }
    episode = play(open_api(thing))
    assert episode.call("getPet", petId="p1")["id"] == "p1"
    episode.call("getPet", 404, petId="p2")
    nothing = {"/pets/{petId}": {"get": operation("getPet", in_path("petId"), answer=PET)}}
    assert play(open_api(nothing)).call("getPet", petId="p2")["id"] == "p2"


def test_an_id_that_may_be_left_out_is_left_out() -> None:
    api = open_pets(**{"/pet": operation("getPet", query("pet_id", TEXT), AGE, answer=PET)})
    episode = play(api)
    first = episode.call("listPets")["pets"][0]
    assert episode.call("getPet", pet_id=first["id"]) == first
    assert episode.call("getPet", age=17)["age"] == 17


def test_what_is_not_found_is_named_in_words() -> None:
    item = record(id=TEXT, sku=TEXT)
    paths = {
        "/line-items": {"get": operation("listLineItems", answer=array(item))},
        "/line-items/{lineItemId}": {"get": operation("getLineItem", in_path("lineItemId"), answer=item)},
    }
    error = play(open_api(paths)).call("getLineItem", 404, lineItemId="x")["error"]
    assert error["message"] == "There is no line item with the id x."


def test_a_filter_that_is_left_empty_leaves_the_others() -> None:
    api = open_pets(**{"/pets/search": operation("searchPets", query("name", TEXT), AGE, answer=array(PET))})
    found = play(api).call("searchPets", name="", age=3)
    assert found
    assert {pet["age"] for pet in found} == {3}


def test_a_search_for_what_is_no_text_and_an_id_that_is_an_object_are_passed_over() -> None:
    body = {"type": "object", "properties": {"q": {"type": ["string", "integer"]}, "pet_id": {}}}
    listed = {
        "get": operation("listPets", answer=array(PET)),
        "post": operation("searchPets", body=body, answer=array(PET)),
    }
    episode = play(open_api({"/pets": {"get": listed["get"]}, "/pets/search": {"post": listed["post"]}}))
    whole = episode.call("listPets")
    assert episode.call("searchPets", q=5) == whole
    assert episode.call("searchPets", pet_id={"id": "x"}) == whole


@pytest.mark.parametrize("nothing", [{}, {"age": None}, {"tags": []}, {"colour": ""}, {"q": ""}])
def test_a_filter_that_is_left_empty_narrows_nothing_down(nothing: Json) -> None:
    nullable = {"type": ["integer", "null"]}
    arguments = (query("age", nullable), query("tags", array(TEXT)), query("colour", TEXT), query("q", TEXT))
    thing = record(id=TEXT, age=WHOLE, tags=array(TEXT), colour=TEXT)
    api = open_api({"/things": {"get": operation("listThings", *arguments, answer=array(thing))}})
    assert play(api).call("listThings", **nothing) == play(api).call("listThings")


def test_a_limit_is_filled_where_nothing_narrows_the_list_down_or_few_are_asked_for_by_nature() -> None:
    api = open_pets(**{
        "/pets/search": operation("searchPets", AGE, query("limit", WHOLE), answer=array(PET)),
        "/pets/top": operation("getTopPets", AGE, query("limit", WHOLE), answer=array(PET)),
    })  # fmt: skip
    sizes = {
        name: [len(play(api, seed).call(name, age=3, limit=12)) for seed in range(12)]
        for name in ("searchPets", "getTopPets")
    }
    assert set(sizes["getTopPets"]) == {12}
    assert 2 <= max(sizes["searchPets"]) <= 6  # five, and one that is three years old by chance
    assert len(play(api).call("searchPets", limit=12)) == 12


def test_a_search_or_what_is_under_a_thing_does_not_fill_the_limit() -> None:
    note = record(id=TEXT, text=TEXT)
    under = operation("listNotes", in_path("shopId"), query("limit", WHOLE), answer=array(note))
    paths = {
        "/shops": {"get": operation("listShops", answer=array(record(id=TEXT, city=TEXT)))},
        "/shops/{shopId}/notes": {"get": under},
    }
    for seed in range(10):
        articles, shops = play(open_api(ARTICLES), seed), play(open_api(paths), seed)
        assert 1 <= articles.call("searchArticles", q="zebra", limit=12)["data"]["total"] <= 5
        assert 1 <= len(shops.call("listNotes", shopId=shops.call("listShops")[0]["id"], limit=12)) <= 5


def test_a_page_that_is_asked_for_first_holds_one_to_four_things() -> None:
    api = open_api(ARTICLES)
    pages = [play(api, seed).call("searchArticles", q="zebra", offset=20)["data"]["articles"] for seed in range(40)]
    assert {len(page) for page in pages} == {1, 2, 3, 4}


def test_what_a_path_names_is_one_thing_by_its_name_alone() -> None:
    pet = record(id=TEXT, name=TEXT, status=TEXT)
    api = open_pets(**{
        "/pets/named/{name}": operation("listNamed", in_path("name"), query("status", TEXT), answer=array(pet)),
        "/pets/in/{status}": operation("listIn", in_path("status"), answer=array(pet)),
    })  # fmt: skip
    named = [play(api, seed).call("listNamed", name="Rex", status="odd") for seed in range(10)]
    assert [len(found) for found in named] == [1] * 10
    assert max(len(play(api, seed).call("listIn", status="odd")) for seed in range(10)) > 1


def test_a_thing_is_changed_by_an_id_that_is_known_by_its_property_alone() -> None:
    item = record(line_id=TEXT, sku=TEXT)
    paths = {
        "/line-items": {"get": operation("listLineItems", answer=array(item))},
        "/rows/{line_id}": {"put": operation("putRow", in_path("line_id"), body=record(sku=TEXT), answer=item)},
    }
    episode = play(open_api(paths))
    first = episode.call("listLineItems")[0]
    assert episode.call("putRow", line_id=first["line_id"], sku="S1") == {**first, "sku": "S1"}
    assert episode.call("listLineItems")[0] == {**first, "sku": "S1"}


def test_a_list_without_pages_shows_all_there_are() -> None:
    episode = play(open_pets())
    before = len(episode.call("listPets")["pets"])
    made = [episode.call("addPet", 201, name=f"Rex {number}")["id"] for number in range(12)]
    shown = [pet["id"] for pet in episode.call("listPets")["pets"]]
    assert len(shown) == before + 12
    assert shown[before:] == made


def test_each_of_several_values_is_met_by_one_thing_beside_the_other_filters() -> None:
    kinds = {"type": "string", "enum": ["cat", "dog", "hen"]}
    thing = record(id=TEXT, kind=kinds, age={"type": "integer", "minimum": 0, "maximum": 900}, note=TEXT)
    search = operation(
        "searchThings", query("kind", TEXT), query("kinds", array(TEXT), explode=False), AGE, answer=array(thing)
    )
    api = open_api({"/things": {"get": search}})
    for seed in range(6):
        for arguments in ({"kind": "cat, hen"}, {"kinds": ["cat", "hen"]}):
            found = play(api, seed).call("searchThings", age=707, **arguments)
            assert {item["kind"] for item in found} == {"cat", "hen"}
            assert [item["age"] for item in found] == [707, 707]
        assert len(play(api, seed).call("searchThings", kinds=["cat"], age=707)) <= 5


def test_a_record_that_is_found_by_a_key_is_one_more() -> None:
    country = record(code=TEXT, capital=TEXT)
    paths = {
        "/countries": {"get": operation("listCountries", answer=array(country))},
        "/countries/{code}": {"get": operation("getCountry", in_path("code"), answer=country)},
    }
    for seed in range(8):
        episode = play(open_api(paths), seed)
        before = episode.call("listCountries")
        told = episode.call("getCountry", code="ZZ")
        assert episode.call("listCountries") == [*before, told]


def test_what_is_created_under_a_thing_is_listed_there_alone() -> None:
    shop, note = record(id=TEXT, city=TEXT), record(id=TEXT, text=TEXT)
    paths = {
        "/shops": {"get": operation("listShops", answer=array(shop))},
        "/shops/{shopId}/notes": {
            "get": operation("listNotes", in_path("shopId"), answer=array(note)),
            "post": operation("addNote", in_path("shopId"), body=record(text=TEXT), answer=note, status="201"),
        },
    }
    episode = play(open_api(paths))
    here, there = (shop["id"] for shop in episode.call("listShops")[:2])
    made = episode.call("addNote", 201, shopId=here, text="Hello")
    assert made in episode.call("listNotes", shopId=here)
    assert made not in episode.call("listNotes", shopId=there)


def test_a_change_that_names_a_thing_by_text_leaves_its_number() -> None:
    thing = record(id=WHOLE, name=TEXT)
    paths = {
        "/things": {"get": operation("listThings", answer=array(thing))},
        "/things/{id}": {"patch": operation("patchThing", in_path("id"), body=record(name=TEXT), answer=thing)},
    }
    episode = play(open_api(paths))
    first = episode.call("listThings")[0]
    assert episode.call("patchThing", id=str(first["id"]), name="New") == {"id": first["id"], "name": "New"}
    assert episode.call("listThings")[0] == {"id": first["id"], "name": "New"}
