"""What an episode did to an API's things is how they differ in the end, however often they were touched."""

from typing import Any

import pytest

from schemas.episodes import Change
from tasks.mock import MockApi
from tasks.mock.changes import ChangeLog
from tasks.openapi import build_request
from tests.tasks.executors.pets import OPERATIONS

LUNA = "pet_4821"


def play(*calls: tuple[str, dict[str, Any]]) -> tuple[Change, ...]:
    """The changes that some calls make to the API of pets, all of which succeed; "made" stands for the id just made."""
    transport = MockApi(tuple(OPERATIONS.values()), "petfinder").transport(1)
    made = ""
    for name, arguments in calls:
        sent = {key: made if value == "made" else value for key, value in arguments.items()}
        response = transport.handle_request(build_request(OPERATIONS[name], sent, "https://pets.example"))
        assert response.is_success, response.text
        made = response.json()["id"] if name == "createPet" else made
    return transport.read_changes()


CREATE = ("createPet", {"name": "Rex", "city": "Lyon", "age_years": 2})


def test_reading_changes_nothing() -> None:
    assert play(("searchPets", {"city": "Lyon"}), ("getPet", {"petId": LUNA})) == ()


def test_what_was_made_is_told_with_its_fields() -> None:
    (change,) = play(CREATE)
    assert (change.action, change.collection) == ("made", "pet")
    assert change.fields == {"id": change.id, "name": "Rex", "city": "Lyon", "age_years": 2}


def test_of_what_was_changed_the_fields_that_are_otherwise_are_told() -> None:
    assert play(("updatePet", {"petId": LUNA, "age_years": 20}), ("updatePet", {"petId": LUNA, "city": "Nice"})) == (
        Change(action="changed", collection="pet", id=LUNA, fields={"age_years": 20, "city": "Nice"}),
    )


def test_what_was_removed_is_told_by_its_id() -> None:
    removed = (Change(action="removed", collection="pet", id=LUNA),)
    assert play(("deletePet", {"petId": LUNA})) == removed
    assert play(("updatePet", {"petId": LUNA, "age_years": 20}), ("deletePet", {"petId": LUNA})) == removed


def test_what_was_made_and_changed_was_made_so_and_what_was_made_and_removed_never_was() -> None:
    (change,) = play(CREATE, ("updatePet", {"petId": "made", "age_years": 3}))
    assert (change.action, change.fields["age_years"]) == ("made", 3)
    assert play(CREATE, ("deletePet", {"petId": "made"})) == ()


def test_a_change_that_leaves_all_as_it_was_is_none() -> None:
    log, thing = ChangeLog(), {"age": 3}
    log.note_change("pet", LUNA, thing)
    thing["age"] = 4
    log.note_change("pet", LUNA, thing)
    thing["age"] = 3
    assert log.describe() == ()


@pytest.mark.parametrize("id_", [7, "7"])
def test_things_of_two_collections_are_two_whatever_their_ids(id_: Any) -> None:
    log = ChangeLog()
    log.note_removed("pet", id_)
    log.note_removed("shelter", id_)
    assert [(change.collection, change.id) for change in log.describe()] == [("pet", id_), ("shelter", id_)]
