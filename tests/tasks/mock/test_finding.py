"""Lists: what a search finds meets every filter, in the order and the part that was asked for."""

from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.mock import MockApi, MockTransport
from tests.tasks.mock.conftest import Caller
from tests.tasks.mock.pets import DOCUMENT, read_operations

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


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


async def test_the_transport_serves_async_and_sync_clients_alike() -> None:
    transport = MockTransport(read_operations(DOCUMENT), "pets", 1)
    async with httpx.AsyncClient(transport=transport, base_url="https://pets.example.com") as client:
        awaited = (await client.get("/pets", params={"breed": "Beagle"})).json()
        unknown = await client.get("/nowhere")
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == "not_found"
    with httpx.Client(transport=transport, base_url="https://pets.example.com") as client:
        assert client.get("/pets", params={"breed": "Beagle"}).json() == awaited
