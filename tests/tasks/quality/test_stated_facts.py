"""That there are so many things, and that something was done to one, is true where a call says so."""

from typing import Any

import pytest

from schemas.reasons import Reason
from tasks.quality.checks import check_episode
from tasks.quality.counts import Counts
from tasks.quality.stated_facts import find_miscounts, find_misranges, find_undone
from tests.tasks.quality.building import TOOLSET, build_episode, say, search

PETS = {"pets": [{"name": "Luna", "age": 7}, {"name": "Milo", "age": 5}, {"name": "Rex", "age": 5}], "limit": 9}
THINGS = frozenset({"pet", "shelter"})


def miscount(response: str, *bodies: Any) -> list[str]:
    given = list(bodies) or [PETS]
    return list(find_miscounts(response, given, THINGS, Counts(given, {4}, set)))


@pytest.mark.parametrize(
    "response",
    [
        "There are 3 pets.",
        "I found three pets: Luna, Milo and Rex.",
        "The search returned 3 pets, among them Luna.",
        "There are 2 pets that are 5 years old.",
        "I found 1 pet aged 7.",
        "There are 9 lives in a cat.",  # nothing of the API's
        "There is one of 5 pets left.",
        "It holds 5 or more pets.",
        "Luna has 7 pets for friends.",
        "There are 0 pets.",
    ],
)
def test_so_many_things_as_were_listed_may_be_stated_or_a_part_of_them_that_is_told_apart(response: str) -> None:
    assert miscount(response) == []


@pytest.mark.parametrize(
    "response",
    [
        "There are 5 pets.",  # an age
        "I found nine pets: Luna, Milo and Rex.",  # the limit
        "The search returned 2 pets, among them Luna.",
        "The records hold 4 pets.",  # as many as there are calls
        "There are 7 pets that are young.",
        "I see 7 small pets here.",
        "There are 3 shelters with 5 pets. There are 8 shelters.",
    ],
)
def test_a_number_that_stands_for_something_else_counts_no_things(response: str) -> None:
    assert len(miscount(response)) == 1


@pytest.mark.parametrize(
    ("body", "is_told"),
    [
        ({"total": 40, "pets": []}, True),
        ({"petCount": 40}, True),
        ({"pets": 40}, True),
        ({"data": {"num_results": 40}}, True),
        ({"price": 40}, False),
        ({"pets": [40]}, False),
    ],
)
def test_a_total_may_be_told_by_a_field_that_is_called_so(body: Any, is_told: bool) -> None:
    assert (miscount("There are 40 pets.", body) == []) is is_told


PRICED = {"pets": [{"fee": 378.13, "age": 2}, {"fee": 271.53, "age": 4}, {"fee": 1420.29, "age": 9}, {"name": "Rex"}]}


@pytest.mark.parametrize(
    ("response", "claims"),
    [
        ("The fees go from 271.53 to 1,420.29.", []),
        ("The fees are between $271.53 and $1420.29.", []),
        ("The fees go from 378.13 to 1420.29.", ["from 378.13 to 1420.29"]),
        ("They cost between €271.53 and €378.13.", ["between €271.53 and €378.13"]),
        ("They are from 2 to 9 years old.", []),
        ("They are from 2 to 4 years old.", ["from 2 to 4"]),
        ("You asked for fees between 100 and 2000.", []),  # no values of theirs
        ("Opening hours are from 9 to 17.", []),
        ("It fell from 378.13 to 271.53.", []),
    ],
)
def test_values_range_from_the_least_of_them_to_the_greatest(response: str, claims: list[str]) -> None:
    assert list(find_misranges(response, [PRICED])) == claims


@pytest.mark.parametrize(
    "response",
    [
        "The pet has been deleted.",
        "Luna is gone now.",
        "I have updated the entry.",
        "I've successfully added Luna.",
        "The pet was successfully removed.",
    ],
)
def test_nothing_was_done_that_no_call_did(response: str) -> None:
    assert len(list(find_undone(response, has_changed=False))) == 1
    assert list(find_undone(response, has_changed=True)) == []


@pytest.mark.parametrize(
    "response",
    [
        "The pet could not be found, so nothing has been deleted.",
        "It has not been updated.",
        "Once it is gone, it stays so.",
        "The pet that was added in May is Luna.",
        "Luna was deleted in 2020.",
        "The shelter updated its hours.",
    ],
)
def test_what_was_not_done_or_long_ago_may_be_told(response: str) -> None:
    assert list(find_undone(response, has_changed=False)) == []


def test_an_episode_is_rejected_for_either() -> None:
    def reject(response: str) -> list[tuple[Reason | None, str]]:
        verdicts = check_episode(build_episode(search(), say(response)), documented)
        return [(verdict.reason, verdict.detail) for verdict in verdicts if not verdict.keep]

    paths = {"/pets": {"get": {"operationId": "searchPets", "responses": {"200": {"description": "found"}}}}}
    documented = TOOLSET.model_copy(update={"document": {"paths": paths}})
    assert reject("There is Luna.") == []
    assert reject("There are 7 pets, among them Luna.") == [
        (Reason.UNGROUNDED_RESPONSE, 'so many were neither listed nor told: "There are 7 pets"')
    ]
    assert reject("Luna has been removed.") == [(Reason.UNGROUNDED_RESPONSE, 'no call did so: "has been removed"')]
