"""An episode's history tells which things there are, what they are like, and what is gone."""

import pytest

from tasks.executors.history import Exchange, History
from tests.tasks.executors.pets import LUNA, MILO, exchange, gone, search, show, tell

MADE = exchange("createPet", {"name": "Rex", "city": "Lyon"}, {**LUNA, "id": "pet_9", "name": "Rex"})
AGED = exchange("updatePet", {"petId": "pet_4821", "age_years": 4}, {**LUNA, "age_years": 4})


def test_an_exchange_is_told_as_it_was_sent() -> None:
    assert search(LUNA, limit=3).describe() == {
        "request": "GET /pets?city=Lyon&limit=3",
        "arguments": {"city": "Lyon", "limit": 3},
        "status": 200,
        "body": {"pets": [LUNA]},
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (tell(), search(LUNA)),
        (tell(search(LUNA, MILO)), show(LUNA)),
        (tell(show(LUNA)), search(LUNA, MILO)),
        (tell(show(LUNA)), search({**LUNA, "name": "luna "})),
        (tell(search(LUNA)), show(MILO, "pet_1093")),
        (tell(search(LUNA)), AGED),
        (tell(search(LUNA), AGED), show({**LUNA, "age_years": 4})),
        (tell(MADE), show({**LUNA, "id": "pet_9", "name": "Rex"}, "pet_9")),
        (tell(gone("pet_1093")), search(LUNA)),
        (tell(exchange("deletePet", {"petId": "pet_4821"}, {"error": {}}, status=404)), show(LUNA)),
    ],
)
def test_what_agrees_with_all_before_is_no_contradiction(before: History, after: Exchange) -> None:
    assert list(before.find_contradictions(after)) == []


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (tell(search(LUNA, MILO)), show({**LUNA, "name": "Bella"}),
            "the pet 'pet_4821' had name = 'Luna' before, and has 'Bella' in the answer"),
        (tell(show(LUNA)), search({**LUNA, "age_years": 4}),
            "the pet 'pet_4821' had age_years = 3 before, and has 4 in the answer"),
        (tell(MADE), show({**LUNA, "id": "pet_9"}, "pet_9"),
            "the pet 'pet_9' had name = 'Rex' before, and has 'Luna' in the answer"),
        (tell(search(LUNA), AGED), show(LUNA), "the pet 'pet_4821' had age_years = 4 before, and has 3 in the answer"),
        (tell(exchange("updatePet", {"petId": "pet_4821", "age_years": 4}, None)), show(LUNA),
            "the pet 'pet_4821' had age_years = 4 before, and has 3 in the answer"),
        (tell(search(LUNA), gone()), show(LUNA), "the pet 'pet_4821' was deleted before: nothing can be done with it"),
        (tell(gone()), search(LUNA, MILO), "the pet 'pet_4821' was deleted before, and is in the answer"),
    ],
)  # fmt: skip
def test_what_cannot_be_after_what_was_before_is_told(before: History, after: Exchange, line: str) -> None:
    assert line in list(before.find_contradictions(after))


def test_an_error_contradicts_nothing() -> None:
    error = exchange("getPet", {"petId": "pet_4821"}, {"error": {}}, status=404)
    assert list(tell(gone()).find_contradictions(error)) == []


def test_what_was_deleted_is_gone_and_may_be_missed_in_a_search() -> None:
    history = tell(search(LUNA, MILO), gone())
    assert history.is_gone(show(LUNA))
    assert not history.is_gone(show(MILO, "pet_1093"))
    assert history.may_lack(search())
    assert not tell(search(LUNA)).may_lack(search())


def test_a_search_that_holds_no_list_tells_of_nothing() -> None:
    odd = exchange("searchPets", {"city": "Lyon"}, {"pets": [7, {"name": "Luna"}]})
    none = exchange("searchPets", {"city": "Lyon"}, "nothing")
    assert list(tell(odd, none).find_contradictions(show(LUNA))) == []


def test_what_was_done_to_things_is_read_from_what_was_asked_and_answered() -> None:
    done = tell(search(LUNA, MILO), MADE, AGED, gone("pet_1093"), show({**LUNA, "age_years": 4})).read_changes()
    assert [(change.action, change.collection, change.id) for change in done] == [
        ("made", "pet", "pet_9"),
        ("changed", "pet", "pet_4821"),
        ("removed", "pet", "pet_1093"),
    ]
    made, changed, _ = done
    assert made.fields["name"] == "Rex"
    assert changed.fields == {"age_years": 4}


def test_what_erred_has_done_nothing() -> None:
    failed = exchange("deletePet", {"petId": "pet_4821"}, {"error": {}}, status=404)
    assert tell(search(LUNA), failed).read_changes() == ()
