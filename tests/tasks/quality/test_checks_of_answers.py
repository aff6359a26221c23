"""What came back, how the episode ended and what the response states: the episode that just passes and its twin."""

from typing import Any

import pytest

from schemas.episodes import Episode, Kind
from schemas.reasons import Reason
from tasks.quality.checks import check_episode
from tests.tasks.quality.building import GOOD, LUNA, TOOLSET, Step, build_episode, say, search, user


def find_rejections(episode: Episode) -> list[tuple[Reason | None, str]]:
    return [(verdict.reason, verdict.detail) for verdict in check_episode(episode, TOOLSET) if not verdict.keep]


def change(episode: Episode, **changes: Any) -> Episode:
    return episode.model_copy(update={"trajectory": episode.trajectory.model_copy(update=changes)})


@pytest.mark.parametrize("kind", list(Kind))
def test_an_episode_that_the_teacher_broke_off_is_rejected_for_that_alone(kind: Kind) -> None:
    broken = build_episode(kind=kind, end="teacher_error")
    assert find_rejections(broken) == [(Reason.TEACHER_ERROR, "the teacher gave no usable answer")]
    told = change(broken, error="no answer after 6 attempts")
    assert find_rejections(told) == [(Reason.TEACHER_ERROR, "no answer after 6 attempts")]


def test_what_was_done_before_the_teacher_broke_off_is_looked_at() -> None:
    erred: Step = ("searchPets", {"city": "Oslo"}, 503, {})
    reasons = [reason for reason, _ in find_rejections(build_episode(erred, end="teacher_error"))]
    assert reasons == [Reason.TEACHER_ERROR, Reason.UNGROUNDED_ARGUMENT, Reason.UNRECOVERED_ERROR]


def test_the_turns_of_an_episode_without_an_end_are_told() -> None:
    episode = build_episode(search(), say("Which one?"), user("Luna."), search(), end="too_many_steps")
    assert find_rejections(episode) == [(Reason.TOO_MANY_STEPS, "no final response after 3 assistant turns")]
    assert find_rejections(build_episode(end="too_many_steps", kind=Kind.NO_TOOL)) == [
        (Reason.TOO_MANY_STEPS, "no final response after 0 assistant turns")
    ]


@pytest.mark.parametrize(
    "reason",
    [
        Reason.INVALID_RESPONSE,
        Reason.PLACEHOLDER,
        Reason.CONTRADICTORY_ANSWER,
        Reason.EMPTY_ANSWER,
        Reason.UNDESERVED_ERROR,
    ],
)
@pytest.mark.parametrize("kind", [Kind.SINGLE_CALL, Kind.ERROR_RECOVERY])
def test_an_answer_that_was_found_wrong_when_it_was_given_is_rejected_for_that_alone(
    kind: Kind, reason: Reason
) -> None:
    ended = build_episode(search(), end="invalid_response", valid=False, kind=kind)
    (observation,) = ended.trajectory.observations
    found = observation.model_copy(update={"reason": reason, "problem": "so it is"})
    assert find_rejections(change(ended, observations=(found,))) == [(reason, "searchPets: so it is")]


def test_an_answer_that_does_not_conform_is_told_with_its_function_and_problem() -> None:
    episode = build_episode(search(), GOOD, valid=False)
    assert find_rejections(episode) == [(Reason.INVALID_RESPONSE, "searchPets: the answer does not conform")]
    (observation,) = episode.trajectory.observations
    told = change(episode, observations=(observation.model_copy(update={"problem": "total: 3 is no text"}),))
    assert find_rejections(told) == [(Reason.INVALID_RESPONSE, "searchPets: total: 3 is no text")]


def test_one_answer_that_does_not_conform_is_enough_and_a_note_on_one_that_does_is_no_problem() -> None:
    episode = build_episode(search(), ("getPet", {"pet_id": "pet_4821"}, 200, LUNA), GOOD)
    first, last = episode.trajectory.observations
    wrong = last.model_copy(update={"valid": False, "problem": "id is missing"})
    assert find_rejections(change(episode, observations=(first, wrong))) == [
        (Reason.INVALID_RESPONSE, "getPet: id is missing")
    ]
    noted = last.model_copy(update={"problem": "none to speak of"})
    assert find_rejections(change(episode, observations=(first, noted))) == []


def test_a_response_says_something() -> None:
    assert find_rejections(build_episode(search(), say(" "))) == [
        (Reason.EMPTY_RESPONSE, "the final response is empty")
    ]
    assert find_rejections(build_episode(search(), say("7"))) == []


def test_what_nothing_supports_is_told() -> None:
    assert find_rejections(build_episode(search(), say('It is Bella, the "B".'))) == [
        (Reason.UNGROUNDED_RESPONSE, 'nothing that was said or returned holds "B"')
    ]


FEES = {"pets": [{"fee": fee} for fee in (101, 102, 103, 104, 105, 160, 170, 180)]}


def find_count_problem(response: str, text: str, body: Any = FEES) -> str:
    """What is wrong with a response that counts what came back for Lyon."""
    step: Step = ("searchPets", {"city": "Lyon"}, 200, body)
    return "".join(detail for _, detail in find_rejections(build_episode(step, say(response), text=text)))


@pytest.mark.parametrize(
    "text",
    [
        "How many pets in Lyon cost up to 150?",
        "How many pets in Lyon cost up to a hundred and fifty?",
        "150, Lyon: are there any?",
    ],
)
def test_things_are_counted_against_the_numbers_that_the_user_said(text: str) -> None:
    assert find_count_problem("There are 5 in Lyon.", text) == ""
    assert find_count_problem("There are 3 in Lyon that are not.", text) == ""
    assert "4" in find_count_problem("There are 4 in Lyon.", text)


def test_things_are_counted_against_the_numbers_of_the_response() -> None:
    text = "Which pets are in Lyon?"
    assert find_count_problem("There are 3 in Lyon from 160 on.", text) == ""
    assert "3" in find_count_problem("There are 3 in Lyon.", text)


def test_things_are_not_counted_against_what_the_api_says() -> None:
    body = {**FEES, "note": "up to 150"}
    assert "5" in find_count_problem("There are 5 in Lyon.", "Which pets are in Lyon?", body)


def test_calls_and_functions_may_be_counted() -> None:
    calls = [search() for _ in range(6)]
    assert find_rejections(build_episode(*calls, say("I made 6 calls to 2 functions."))) == []
    assert find_rejections(build_episode(*calls, say("I made 5 calls."))) != []
    assert find_rejections(build_episode(*calls, say("I have 4 functions."))) != []


def test_a_response_may_use_the_words_of_the_api() -> None:
    assert (
        find_rejections(build_episode(search(), say("Luna, so says Petfinder of the Shelter, by its searchPets.")))
        == []
    )
    assert find_rejections(build_episode(search(), say("So says Dogfinder."))) != []
