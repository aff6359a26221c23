"""What a model answers in an API's place is held against the document, the request and the history."""

import pytest

from schemas.reasons import Reason
from tasks.executors.answer_problems import find_answer_problems
from tasks.executors.history import Exchange, History
from tests.tasks.executors.pets import LUNA, MILO, exchange, gone, search, show, tell

NOT_FOUND = {"error": {"code": "not_found", "message": "There is no such pet."}}


def fail(name: str, status: int, /, **arguments: object) -> Exchange:
    return exchange(name, dict(arguments), NOT_FOUND, status=status)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (tell(), search(LUNA, MILO)),
        (tell(), search(LUNA, limit=1)),
        (tell(), search(MILO, min_age_years=7)),
        (tell(search(LUNA)), show(LUNA)),
        (tell(gone()), search()),
        (tell(search(LUNA), gone()), fail("getPet", 404, petId="pet_4821")),
        (tell(search(LUNA)), fail("getPet", 404, petId="pet_7")),
        (tell(exchange("createPet", {"name": "Luna", "city": "Lyon"}, LUNA)),
            fail("createPet", 409, name="Luna", city="Lyon")),
        (tell(), exchange("deletePet", {"petId": "pet_4821"}, {"deleted": True})),
        (tell(), exchange("deletePet", {"petId": "pet_4821"}, {})),
    ],
)  # fmt: skip
def test_a_good_answer_has_no_problem(before: History, after: Exchange) -> None:
    assert list(find_answer_problems(after, before)) == []


@pytest.mark.parametrize(
    ("before", "after", "reason", "line"),
    [
        (tell(), show({"id": "pet_4821"}), Reason.INVALID_RESPONSE, "is a required property"),
        (tell(), exchange("getPet", {"petId": "pet_4821"}, LUNA, status=204), Reason.INVALID_RESPONSE,
            "status 204 is not among those that the document declares"),
        (tell(), search(), Reason.EMPTY_ANSWER, "nothing is found"),
        (tell(search(LUNA)), search(), Reason.EMPTY_ANSWER, "nothing is found"),
        (tell(), fail("searchPets", 500, city="Lyon"), Reason.UNDESERVED_ERROR, "status 500"),
        (tell(), fail("searchPets", 404, city="Lyon"), Reason.UNDESERVED_ERROR, "status 404"),
        (tell(), fail("getPet", 404, petId="pet_4821"), Reason.UNDESERVED_ERROR, "status 404"),
        (tell(search({**LUNA, "id": "pet_7"})), fail("getPet", 404, petId="pet_7"), Reason.UNDESERVED_ERROR, "404"),
        (tell(), fail("createPet", 409, name="Luna", city="Lyon"), Reason.UNDESERVED_ERROR, "status 409"),
        (tell(exchange("createPet", {"name": "Rex", "city": "Lyon"}, LUNA)),
            fail("createPet", 409, name="Luna", city="Lyon"), Reason.UNDESERVED_ERROR, "status 409"),
        (tell(), show({**LUNA, "name": "<name>"}), Reason.PLACEHOLDER, "'<name>' stands where a value should"),
        (tell(), search({**LUNA, "name": "string"}), Reason.PLACEHOLDER, "'string' stands where"),
        (tell(), search({**LUNA, "city": "Oslo"}), Reason.CONTRADICTORY_ANSWER, "city = 'Lyon'"),
        (tell(), show(MILO), Reason.CONTRADICTORY_ANSWER, "petId = 'pet_4821'"),
        (tell(), search(LUNA, MILO, min_age_years=7), Reason.CONTRADICTORY_ANSWER,
            "min_age_years = 7 was asked for, and one has age_years = 3"),
        (tell(), search(LUNA, MILO, limit=1), Reason.CONTRADICTORY_ANSWER, "2 are returned, and limit = 1"),
        (tell(search(LUNA)), show({**LUNA, "name": "Bella"}), Reason.CONTRADICTORY_ANSWER, "had name = 'Luna' before"),
        (tell(gone()), show(LUNA), Reason.CONTRADICTORY_ANSWER, "was deleted before"),
    ],
)  # fmt: skip
def test_each_kind_of_problem_has_its_reason(before: History, after: Exchange, reason: Reason, line: str) -> None:
    found = list(find_answer_problems(after, before))
    assert (reason, True) in [(given, line in told) for given, told in found]
    assert {given for given, _ in found} == {reason}


def test_what_the_request_says_itself_is_no_placeholder() -> None:
    odd = exchange("searchPets", {"city": "<city>"}, {"pets": [{**LUNA, "city": "<city>"}]})
    assert list(find_answer_problems(odd, tell())) == []
