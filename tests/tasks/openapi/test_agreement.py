"""An answer repeats what it was asked for; one that repeats other values is to another request."""

from typing import Any

import pytest

from schemas.reasons import Reason
from tasks.quality.checks import check_episode
from tests.tasks.quality.building import GOOD, LUNA, PETS, build_documented, build_episode, search

DOCUMENTED = build_documented()


def find(name: str, arguments: dict[str, Any], body: Any, status: int = 200, reason: Reason | None = None) -> list[str]:
    """What is told of an answer that is none to its request."""
    verdicts = check_episode(build_episode((name, arguments, status, body), GOOD), DOCUMENTED)
    return [v.detail for v in verdicts if v.reason is (reason or Reason.CONTRADICTORY_ANSWER)]


@pytest.mark.parametrize(
    ("arguments", "body", "agrees"),
    [
        ({"species": "dog"}, {"pets": [{"id": "p1", "species": "dog"}, {"id": "p2", "species": "Dog"}]}, True),
        ({"species": "dog"}, {"pets": [{"id": "p1", "species": "dog"}, {"id": "p2", "species": "cat"}]}, False),
        ({"species": "dog"}, {"species": "cat", "pets": []}, False),
        ({"species": "dog"}, {"pets": [{"id": "p1", "Spe-cies": "cat"}]}, False),
        ({"species": "dog"}, {"pets": [{"id": "p1", "species": ["cat", "dog"]}]}, True),
        ({"species": "dog"}, {"pets": [{"id": "p1", "species": ["cat"]}]}, False),
        ({"species": "dog"}, {"pets": [{"id": "p1", "species": None}, {"id": "p2"}]}, True),
        ({"verse": 1}, {"verse": "In the beginning"}, True),
        ({"verse": 1}, {"verse": "Verse 2"}, False),
        ({"verse": 1}, {"verse": "Verse 1"}, True),
        ({"species": "dog"}, [{"id": "p1", "species": "cat"}], False),
        ({"species": "dog"}, {"found": {"species": "cat"}}, False),
        ({"city": "lyon"}, {"pets": [{"id": "p1", "city": "Lyon 3e"}]}, True),
        ({"city": "Lyon, France"}, {"pets": [{"id": "p1", "city": "Lyon"}]}, True),
        ({"arrived_after": "2026-03-03"}, {"arrived_after": "2026-03-03T00:00:00Z"}, True),
        ({"limit": 1}, {"limit": 10}, False),
        ({"limit": 1}, {"limit": 1.0}, True),
        ({"limit": 1}, {"limit": "12"}, False),
        ({"vaccinated": True}, {"pets": [{"id": "p1", "vaccinated": False}]}, False),
        ({"vaccinated": True}, {"pets": [{"id": "p1", "vaccinated": "true"}]}, True),
        ({"tags": ["shy"]}, {"pets": [{"id": "p1", "tags": ["old"]}]}, True),
        ({"lat": 45.7}, {"pets": [{"id": "p1", "lat": 45.8}]}, True),
    ],
)
def test_what_is_repeated_has_the_value_that_was_sent(arguments: dict[str, Any], body: Any, agrees: bool) -> None:
    assert bool(find("searchPets", {"city": "Lyon", **arguments}, body)) != agrees


def test_the_thing_at_the_end_of_a_path_is_the_one_that_was_asked_for() -> None:
    assert find("getPet", {"pet_id": "pet_4821"}, LUNA) == []
    assert find("getPet", {"pet_id": "pet_482"}, LUNA) == [
        "getPet was asked for pet_id = 'pet_482', and what it returned has 'pet_4821'"
    ]
    assert find("getPet", {"pet_id": "pet_7710"}, {"pet_id": "pet_7710", "id": "row 9"}) == []
    assert find("getPet", {"pet_id": "pet_7710"}, {"error": {"id": "pet_1"}}, status=404) == []
    assert find("searchPets", {"city": "Lyon"}, PETS) == []


def test_an_answer_is_held_against_the_document_again() -> None:
    """What is stored of it may have been changed since it came."""
    (told,) = find("searchPets", {"city": "Lyon"}, LUNA, reason=Reason.INVALID_RESPONSE)
    assert told.startswith("searchPets: ")
    assert find("searchPets", {"city": "Lyon"}, PETS, reason=Reason.INVALID_RESPONSE) == []
    assert [v.reason for v in check_episode(build_episode(search(), GOOD), DOCUMENTED) if not v.keep] == []
