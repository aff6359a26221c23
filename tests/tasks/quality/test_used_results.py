"""A response that was to tell what was found uses something of it; a change need only be told of."""

from typing import Any

import pytest

from schemas.episodes import Episode, Kind
from schemas.reasons import Reason
from schemas.toolset import Toolset
from tasks.quality.checks import check_episode
from tests.tasks.quality.building import LUNA, PETS, TOOLSET, build_episode, say, search


def check(episode: Episode, toolset: Toolset = TOOLSET) -> list[str]:
    return [v.detail for v in check_episode(episode, toolset) if v.reason is Reason.UNUSED_RESULT]


def with_methods(**methods: str) -> Toolset:
    paths = {f"/{name}": {method: {"operationId": name, "responses": {}}} for name, method in methods.items()}
    return TOOLSET.model_copy(update={"document": {"paths": paths}})


@pytest.mark.parametrize(
    "response",
    [
        "I have looked that up for you.",
        "I'm sorry, I can't help with that.",
        "Here you go!",
        "Your request for pets in Lyon has been handled.",
        "The pets in Lyon were found.",
    ],
)
def test_a_response_that_says_nothing_of_what_was_found_is_turned_down(response: str) -> None:
    assert check(build_episode(search(), say(response))) == ["nothing that searchPets returned is in the response"]


@pytest.mark.parametrize(
    "response",
    [
        "There is Luna.",
        "Two of them are Beagles.",
        "The fee is 120.50.",
        "It costs about 120 euros.",
        "The oldest is 7.",
    ],
)
def test_one_word_or_number_of_it_is_enough(response: str) -> None:
    assert check(build_episode(search(), say(response))) == []


@pytest.mark.parametrize("response", ["There are 3 pets.", "I found three pets."])
@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Show me the pets in Lyon.", False),
        ("Which pets wait in Lyon? I like company.", False),
        ("How many pets wait in Lyon?", True),
        ("Are there any pets in Lyon?", True),
        ("Does Lyon have pets?", True),
        ("The number of pets in Lyon, please.", True),
    ],
)
def test_how_many_there_are_is_enough_where_that_is_asked(text: str, asks: bool, response: str) -> None:
    problems = check(build_episode(search(), say(response), text=text))
    assert problems == ([] if asks else ["nothing that searchPets returned is in the response"])


@pytest.mark.parametrize(
    ("body", "response"),
    [
        (LUNA, "It came on March 3."),
        ({"vaccinated": True}, "Yes, it is vaccinated."),
        ({"open_from": "09:30"}, "From half past nine, 9:30."),
        ({"pets": [], "total": 0}, "None waits there."),
        ({"count": 0}, "None waits there."),
        ([], "None waits there."),
        (None, "It went through."),
        ({"city": "Lyon"}, "That is the place you asked for."),
        ({"city": "Lyon", "fee": 120}, "The city is Lyon."),
    ],
)
def test_so_is_a_date_or_a_flag_and_where_nothing_new_was_found_nothing_need_be(body: Any, response: str) -> None:
    assert check(build_episode(("getPet", {"pet_id": "pet_4821"}, 200, body), say(response))) == []


@pytest.mark.parametrize(
    ("response", "is_used"),
    [
        ("It returned a list of pets, with their names, images and ratings.", False),
        ("It is at https://media.example.com/images/oak-17.jpg now.", True),
        ("Have a look at the oak.", False),
        ("It is called Bella.", True),
    ],
)
def test_words_of_addresses_and_of_fields_names_are_none_of_what_was_returned(response: str, is_used: bool) -> None:
    pet = {"name": "Bella", "rating": "high rating", "image": "https://media.example.com/images/oak-17.jpg"}
    episode = build_episode(("getPet", {"pet_id": "pet_4821"}, 200, pet), say(response))
    assert check(episode) == ([] if is_used else ["nothing that getPet returned is in the response"])


@pytest.mark.parametrize(
    ("sent", "response", "is_used"),
    [
        ({"pet_id": "pet_4821"}, "The city is Lyon.", True),  # the user had said Lyon, of something else
        ({"city": "Lyon"}, "The city is Lyon.", False),
        ({"home": {"city": "Lyon"}}, "The city is Lyon.", False),
        ({"shelterCity": "Lyon"}, "The city is Lyon.", False),
        ({"city": "Oslo"}, "The city is Lyon.", True),
        ({"city": "Lyon"}, "The fee is 120 there.", True),
    ],
)
def test_a_field_that_repeats_what_was_sent_is_not_used(sent: Any, response: str, is_used: bool) -> None:
    episode = build_episode(("getPet", sent, 200, {"city": "Lyon", "fee": 120}), say(response))
    assert check(episode) == ([] if is_used else ["nothing that getPet returned is in the response"])


def test_a_flag_of_which_the_response_does_not_speak_is_not_used() -> None:
    assert check(build_episode(("getPet", {"pet_id": "pet_4821"}, 200, {"vaccinated": True}), say("It is done.")))


def test_a_change_need_only_be_told_of_and_what_lists_things_is_none() -> None:
    said = say("Done, the pet is in place.")
    changed = build_episode(search(), ("getPet", {"pet_id": "pet_4821"}, 200, LUNA), said)
    assert check(changed, with_methods(searchPets="get", getPet="put")) == []
    assert check(changed, with_methods(searchPets="get", getPet="get")) != []
    assert check(build_episode(search(), said), with_methods(searchPets="post")) != []
    then = build_episode(("getPet", {"pet_id": "pet_4821"}, 201, LUNA), search(), said)
    assert check(then, with_methods(searchPets="get", getPet="post")) != []


@pytest.mark.parametrize(
    ("response", "declines"),
    [
        ("I'm sorry, but I can't help with that request.", True),
        ("I cannot do that.", True),
        ("I am unable to assist you.", True),
        ("I have completed your request.", True),
        ("Done. It cannot be undone, so the pet is changed for good.", False),
        ("Luna is in place.", False),
        ("The pet is updated. You can't miss it, and I can help with more.", False),
    ],
)
def test_a_change_that_was_made_is_told_and_not_declined(response: str, declines: bool) -> None:
    changed = build_episode(("getPet", {"pet_id": "pet_4821"}, 200, LUNA), say(response))
    assert bool(check(changed, with_methods(searchPets="get", getPet="put"))) is declines


@pytest.mark.parametrize(
    "episode",
    [
        build_episode(say("I have looked that up for you.")),
        build_episode(("searchPets", {"city": "Lyon"}, 500, {"error": {}}), say("It did not work.")),
        build_episode(search(), say("Hm."), kind=Kind.NO_TOOL),
        build_episode(search(), end="too_many_steps"),
        build_episode(search(), say("")),
        build_episode(search(), say("There are 99 pets and Bella.")),
    ],
)
def test_where_nothing_was_found_or_another_check_speaks_this_one_is_silent(episode: Episode) -> None:
    assert check(episode) == []


def test_the_answers_of_all_calls_count() -> None:
    episode = build_episode(search(), ("getPet", {"pet_id": "pet_4821"}, 200, {"weight_kg": 11.5}), say("It is Milo."))
    assert check(episode) == []
    assert PETS["total"] == 3
