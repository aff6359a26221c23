"""An episode is laid out with what was known before each call: what the user said and what came back, in order."""

from typing import Any

import pytest

from schemas.episodes import Episode, Message, Observation, ToolCall, Trajectory
from tasks.quality.episode_view import EpisodeView, parse_arguments, view_episode
from tests.tasks.quality.building import GET, GOOD, LUNA, PETS, SEARCH, TOOLSET, build_episode, say, search, user


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("{}", {}),
        (' {"city": "Lyon", "limit": 3} ', {"city": "Lyon", "limit": 3}),
        ('{"a": null}', {"a": None}),
        ("", None),
        ("{", None),
        ("[]", None),
        ("null", None),
        ("7", None),
        ('{"a": NaN}', None),
        ('{"a": Infinity}', None),
        ('{"a": -Infinity}', None),
        ('{"a": 1} {"b": 2}', None),
        ('{"a":' * 100_000, None),
    ],
)
def test_arguments_are_a_json_object_or_none(text: str, arguments: dict[str, Any] | None) -> None:
    assert parse_arguments(text) == arguments


def view(*steps: Any, text: str = "Which pets wait for a home in Lyon?") -> EpisodeView:
    return view_episode(build_episode(*steps, text=text), TOOLSET)


def test_each_call_has_its_place_arguments_function_and_answer() -> None:
    found = view(
        search(), say("Which one?"), user("Luna."), ("getPet", "{", 400, {"e": 1}), ("findPets", {}, 404, {}), GOOD
    )
    assert [call.place for call in found.calls] == [2, 6, 8]
    assert [call.function for call in found.calls] == [SEARCH, GET, None]
    assert [call.arguments for call in found.calls] == [{"city": "Lyon"}, None, {}]
    assert [call.observation.status for call in found.calls if call.observation] == [200, 400, 404]
    assert [call.call.name for call in found.calls] == ["searchPets", "getPet", "findPets"]


def test_free_and_ungrounded_values_of_a_call_are_told() -> None:
    (call,) = view(search(city="Oslo", limit=10, species="dog", tags=["Lyon", "shy"])).calls
    assert call.free == (("city", "Oslo"), ("tags[0]", "Lyon"), ("tags[1]", "shy"))
    assert call.ungrounded == (("city", "Oslo"), ("tags[1]", "shy"))


def test_values_of_a_function_that_does_not_exist_are_free() -> None:
    (call,) = view(("findPets", {"limit": 10}, 404, {})).calls
    assert call.free == call.ungrounded == (("limit", 10),)


def test_replies_are_the_users_messages_after_the_first() -> None:
    assert view(GOOD).replies == ()
    assert view(say("Where?"), user("Here."), search(), say("And?"), user("No."), GOOD).replies == (3, 7)


def test_a_call_knows_what_came_before_it_and_the_end_knows_all() -> None:
    found = view(
        ("getPet", {"pet_id": "pet_7710"}, 200, LUNA), search(), ("getPet", {"pet_id": "pet_7710"}, 200, LUNA), GOOD
    )
    assert [call.ungrounded for call in found.calls] == [(("pet_id", "pet_7710"),), (), ()]
    assert found.corpus.holds_word("beagle")
    assert found.corpus.bodies == [LUNA, PETS, LUNA]


def test_the_arguments_that_were_sent_are_known_at_the_end_and_not_counted() -> None:
    found = view(search(city="Oslo", tags=["shy", "old"]), GOOD)
    assert found.corpus.holds_word("oslo")
    assert found.corpus.holds_word("shy")
    assert found.corpus.bodies == [PETS]
    assert "tags" in found.corpus.keys


def test_neither_the_system_message_nor_the_assistants_own_words_are_known() -> None:
    corpus = view(say("Is it a Dalmatian?"), user("No."), search(), say("It is a Poodle.")).corpus
    for word in ("secret", "dalmatian", "poodle"):
        assert not corpus.holds_word(word)
    assert not view(user("Yes, please."), GOOD).corpus.holds_word("secret")


@pytest.mark.parametrize("status", [400, 404, 503])
def test_the_status_of_an_error_is_known_and_that_of_a_success_is_not(status: int) -> None:
    assert status in view(("searchPets", {"city": "Lyon"}, status, {}), GOOD).corpus.numbers
    for success in (0, 200, 399):
        assert success not in view(("searchPets", {"city": "Lyon"}, success, {}), GOOD).corpus.numbers


AGREEMENTS = "yes yeah yep sure correct right exactly ok okay please"


@pytest.mark.parametrize("word", AGREEMENTS.split())
def test_what_the_user_agrees_to_is_known(word: str) -> None:
    for reply in (word, f"{word.upper()}, that one", f"Well, {word}!"):
        assert view(say("Is it in Marseille?"), user(reply), search()).corpus.holds_word("marseille")


@pytest.mark.parametrize("reply", ["No.", "No, not okay", "In Lyon, that is right", "Not at all, yes or no", ""])
def test_what_the_user_does_not_agree_to_is_not_known(reply: str) -> None:
    assert not view(say("Is it in Marseille?"), user(reply), search()).corpus.holds_word("marseille")


def test_only_the_last_question_is_agreed_to_and_no_text_beside_a_call_is_one() -> None:
    found = view(say("Is it in Marseille?"), user("No."), say("In Paris?"), user("Yes."), search(), user("Yes."), GOOD)
    assert not found.corpus.holds_word("marseille")
    assert found.corpus.holds_word("paris")
    assert not found.corpus.holds_phrase(["i", "look", "it", "up"])


def test_what_is_agreed_to_is_known_only_after_that() -> None:
    found = view(search("Marseille"), say("Is it in Marseille?"), user("Yes."), search("Marseille"), GOOD)
    assert [bool(call.ungrounded) for call in found.calls] == [True, False]


def test_the_first_message_agrees_to_nothing() -> None:
    messages = (say("Is it in Marseille?"), user("Yes, please."))
    plain = build_episode(GOOD)
    trajectory = Trajectory(messages=messages, end="response")
    found = view_episode(plain.model_copy(update={"trajectory": trajectory}), TOOLSET)
    assert not found.corpus.holds_word("marseille")
    assert found.replies == ()


def build_parallel(observations: int) -> Episode:
    """Two calls in one message, of which some were answered."""
    calls = tuple(
        ToolCall(id="same", name="getPet", arguments=f'{{"pet_id": "{pet}"}}') for pet in ("pet_4821", "pet_7710")
    )
    messages = (
        user("Show me pet_4821 and pet_7710"),
        Message(role="assistant", tool_calls=calls),
        Message(role="tool", content="{}", tool_call_id="same"),
        Message(role="tool", content="{}", tool_call_id="same"),
        say("Done."),
    )
    answers = tuple(
        Observation(tool_call_id="same", function="getPet", status=200 + number, body={"n": number})
        for number in range(observations)
    )
    plain = build_episode(GOOD)
    trajectory = Trajectory(messages=messages, observations=answers, end="response")
    return plain.model_copy(update={"trajectory": trajectory})


@pytest.mark.parametrize("count", [0, 1, 2])
def test_answers_go_with_calls_in_their_order_and_some_may_be_missing(count: int) -> None:
    found = view_episode(build_parallel(count), TOOLSET)
    assert [call.place for call in found.calls] == [1, 1]
    statuses = [call.observation.status if call.observation else None for call in found.calls]
    assert statuses == [*range(200, 200 + count), None, None][:2]
    assert found.corpus.bodies == [{"n": number} for number in range(count)]


def test_a_view_is_of_its_own_episode_and_toolset() -> None:
    one, other = build_episode(search(), GOOD), build_episode(search("Oslo"), search(), GOOD)
    bare = TOOLSET.model_copy(update={"functions": ()})
    assert len(view_episode(one, TOOLSET).calls) == 1
    assert len(view_episode(other, TOOLSET).calls) == 2
    assert view_episode(other, bare).calls[0].function is None
    assert view_episode(one, TOOLSET).calls[0].function is SEARCH
    assert view_episode(one, TOOLSET) is view_episode(one, TOOLSET)


@pytest.mark.parametrize(
    ("reply", "is_said"),
    [
        ("es", True),
        ("Oh right, es.", True),
        ("My language: es", True),
        ("Please use es.", True),
        ("It is es", True),
        ("We used es.", False),
        ("No es la verdad.", False),
        ("Oh right, of course es.", False),
        ("Es, por favor.", False),
    ],
)
def test_a_word_that_a_reply_ends_with_and_that_stands_alone_is_a_value(reply: str, is_said: bool) -> None:
    assert view(say("In which one?"), user(reply), GOOD).corpus.holds_value("es") is is_said
