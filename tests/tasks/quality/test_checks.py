"""Each check rejects for its own reason, and lets the good twin of the same episode pass."""

import time

import pytest

from schemas.episodes import Detail, Episode, Flaw, Kind, Message
from schemas.reasons import Reason
from tasks.quality.checks import CHECKS, check_episode
from tests.tasks.quality.building import GOOD, LUNA, PETS, TOOLSET, Step, build_episode, say, search, user


def find_reasons(episode: Episode) -> set[Reason]:
    return {verdict.reason for verdict in check_episode(episode, TOOLSET) if verdict.reason}


def test_a_good_episode_passes_every_check() -> None:
    verdicts = check_episode(build_episode(search(), GOOD), TOOLSET)
    assert len(verdicts) == len(CHECKS) == 24
    assert [v for v in verdicts if not v.keep] == []


def test_a_rejection_says_where_and_on_one_line() -> None:
    verdicts = check_episode(build_episode(search(city="Oslo\nor Bergen"), GOOD), TOOLSET)
    rejected = [v for v in verdicts if not v.keep]
    assert [(v.reason, v.detail) for v in rejected] == [
        (Reason.UNGROUNDED_ARGUMENT, 'searchPets: city = "Oslo\\nor Bergen"')
    ]


def test_teacher_error() -> None:
    assert find_reasons(build_episode(end="teacher_error")) == {Reason.TEACHER_ERROR}


@pytest.mark.parametrize(
    ("flaw", "reason"),
    [
        ("cut_off", Reason.CUT_OFF),
        ("filtered", Reason.FILTERED),
        ("refused", Reason.REFUSED),
        ("partial", Reason.PARTIAL),
        ("leaked_tokens", Reason.LEAKED_TOKENS),
        ("empty", Reason.EMPTY_RESPONSE),
    ],
)
def test_an_episode_that_ended_for_want_of_an_answer_says_why_there_was_none(flaw: Flaw, reason: Reason) -> None:
    assert find_reasons(build_episode(search(), end="teacher_error", flaw=flaw)) == {reason}


@pytest.mark.parametrize(
    "text",
    ["There are 3 pets: Luna, Milo, Juniper.<|im_end|>", "[INST]Luna[/INST]", "Luna and Milo</s>"],
)
def test_tokens_that_steer_the_model_are_no_words(text: str) -> None:
    assert Reason.LEAKED_TOKENS in find_reasons(build_episode(search(), say(text)))


def test_tokens_that_the_user_or_the_api_spoke_of_are() -> None:
    said = say("Luna is tagged <|im_end|>.")
    asked = build_episode(search(), said, text="Which pet in Lyon is tagged <|im_end|>?")
    body = {"pets": [{"name": "Luna", "tag": "<|im_end|>"}]}
    found = build_episode(("searchPets", {"city": "Lyon"}, 200, body), said)
    assert Reason.LEAKED_TOKENS not in find_reasons(asked) | find_reasons(found)
    assert Reason.LEAKED_TOKENS in find_reasons(build_episode(search(), said))
    assert Reason.LEAKED_TOKENS not in find_reasons(build_episode(search(), say("Luna is tagged `<|im_end|>`.")))


@pytest.mark.parametrize(
    "text",
    [
        "I will use searchPets to find them.",
        "To answer that, searchPets should be called with the city.",
        "Let me call `searchPets`.",
        "searchPets",
    ],
)
def test_a_function_that_is_named_instead_of_called_is_no_call(text: str) -> None:
    assert Reason.INVALID_TOOL_CALL in find_reasons(build_episode(say(text)))


@pytest.mark.parametrize(
    "text", ["Luna is a Beagle. Next I will use getPet for the rest.", "Let me call getPet: Luna."]
)
def test_so_it_is_beside_calls_where_it_is_announced(text: str) -> None:
    assert find_reasons(build_episode(search(), say(text))) == {Reason.INVALID_TOOL_CALL}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("I used searchPets for Lyon and found Luna.", Kind.SINGLE_CALL),
        ("I found Luna. There is also getPet for its details.", Kind.SINGLE_CALL),
        ("I found Luna. Let me know if you need more.", Kind.SINGLE_CALL),
    ],
)
def test_to_name_what_was_called_or_what_else_there_is_does_no_harm(text: str, kind: Kind) -> None:
    assert find_reasons(build_episode(search(), say(text), kind=kind)) == set()


def test_where_no_function_fits_those_that_there_are_may_be_named() -> None:
    text = "I only have searchPets and getPet, and neither books a flight."
    assert find_reasons(build_episode(say(text), kind=Kind.NO_TOOL, text="Book a flight.")) == set()


@pytest.mark.parametrize(
    "text",
    [
        "To find flights, you can use the `searchPets` function with a city.",
        "Please call getPet with an id.",
        "Use searchPets for that.",
    ],
)
def test_where_no_function_fits_none_may_be_proposed(text: str) -> None:
    assert find_reasons(build_episode(say(text), kind=Kind.NO_TOOL)) == {Reason.INVALID_TOOL_CALL}


@pytest.mark.parametrize("ending", ["Here is what I found:", "You can use the following call:\n\n", "**Luna:**"])
def test_a_response_that_ends_where_something_was_to_follow_is_not_whole(ending: str) -> None:
    assert find_reasons(build_episode(search(), say(f"There is Luna. {ending}"))) == {Reason.PARTIAL}
    assert find_reasons(build_episode(search(), say(f"{ending} Luna, a Beagle."))) == set()


@pytest.mark.parametrize(
    ("response", "is_whole"),
    [
        ("There are three pets in Lyon, and Luna is a", False),
        ("There are three pets in Lyon: Luna, Milo,", False),
        ("There is one. Luna is a Beagle of 3", False),
        ("There are three pets in Lyon, and Luna is a Beagle.", True),
        ("Luna, a Beagle", True),
        ("These wait in Lyon:\n- Luna, a Beagle of 3 years in all", True),
        ("These wait in Lyon:\n2. Luna, a Beagle of 3 years in all", True),
        ("Luna waits in Lyon, see her photo at https://img.example/luna.jpg", True),
        ("There are three pets in Lyon: Luna (Beagle), Milo (Maine Coon)", True),
    ],
)
def test_the_last_sentence_of_a_response_ends(response: str, is_whole: bool) -> None:
    reasons = find_reasons(build_episode(search(), say(response), text="Which pets wait in Lyon? Is there a photo?"))
    assert (Reason.PARTIAL not in reasons) == is_whole


def test_who_writes_no_full_stops_need_not_write_one_in_the_end() -> None:
    asks, asks_well = say("In which of all the cities"), say("In which of all the cities?")
    ends = say("There are three pets there, as Luna and Milo are")
    assert Reason.PARTIAL not in find_reasons(build_episode(asks, user("Lyon."), ends))
    assert Reason.PARTIAL in find_reasons(build_episode(asks_well, user("Lyon."), ends))
    assert Reason.PARTIAL in find_reasons(build_episode(ends))


def test_an_instruction_for_which_no_function_fits_is_none_if_it_was_planned_with_one() -> None:
    said = say("None of my functions can do that.")
    planned = build_episode(said, kind=Kind.NO_TOOL, functions=("searchPets",))
    assert find_reasons(planned) == {Reason.NO_TOOL_CALL}
    assert find_reasons(build_episode(said, kind=Kind.NO_TOOL)) == set()
    called = build_episode(search(), GOOD, kind=Kind.NO_TOOL, functions=("searchPets",))
    assert Reason.NEEDLESS_TOOL_CALL in find_reasons(called)


def test_a_response_that_uses_nothing_of_what_was_found_is_none() -> None:
    assert find_reasons(build_episode(search(), say("I have looked that up."))) == {Reason.UNUSED_RESULT}


def test_too_many_steps() -> None:
    assert find_reasons(build_episode(search(), end="too_many_steps")) == {Reason.TOO_MANY_STEPS}


@pytest.mark.parametrize("arguments", ['{"city": "Lyon"', '["Lyon"]', "", '{"city": NaN}', '"Lyon"'])
def test_arguments_that_are_no_json_object_are_no_call(arguments: str) -> None:
    episode = build_episode(("searchPets", arguments, 400, {"error": {}}), search(), GOOD)
    assert find_reasons(episode) == {Reason.INVALID_TOOL_CALL}


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"name": "searchPets", "arguments": {"city": "Lyon"}}\n```',
        '<tool_call>{"name": "searchPets", "arguments": {}}</tool_call>',
        'I will look.\n{"name": "searchPets", "parameters": {"city": "Lyon"}}',
        '{"name": "searchPets", "arguments": {"city": "Ly',
        'searchPets({"city": "Lyon"})',
        'Action: searchPets\nAction Input: {"city": "Lyon"}',
    ],
)
def test_a_call_written_as_text_is_no_call(text: str) -> None:
    assert Reason.INVALID_TOOL_CALL in find_reasons(build_episode(say(text)))
    assert Reason.INVALID_TOOL_CALL in find_reasons(build_episode(search(), say(text)))


@pytest.mark.parametrize(
    "text",
    [
        'The record is:\n```json\n{"id": "pet_4821", "name": "Luna"}\n```',
        "I used searchPets (for Lyon) and found Luna.",
        "Use <b>bold</b> for Luna.",
    ],
)
def test_text_that_only_looks_like_a_call_passes(text: str) -> None:
    assert find_reasons(build_episode(search(), say(text))) == set()


def test_unknown_function() -> None:
    episode = build_episode(("findPets", {"city": "Lyon"}, 404, {}), search(), GOOD)
    assert find_reasons(episode) == {Reason.UNKNOWN_FUNCTION, Reason.UNRECOVERED_ERROR}


@pytest.mark.parametrize("arguments", [{}, {"city": "Lyon", "limit": "3"}, {"city": "Lyon", "town": "Lyon"}])
def test_invalid_arguments(arguments: dict[str, str]) -> None:
    text = "Which 3 pets wait for a home in Lyon?"
    episode = build_episode(("searchPets", arguments, 400, {"error": {}}), search(), GOOD, text=text)
    assert find_reasons(episode) == {Reason.INVALID_ARGUMENTS}


def test_an_argument_that_nobody_said_is_ungrounded() -> None:
    assert find_reasons(build_episode(("getPet", {"pet_id": "pet_9999"}, 200, LUNA), say("Luna."))) == {
        Reason.UNGROUNDED_ARGUMENT
    }


def test_an_argument_may_come_from_an_earlier_answer_but_not_from_a_later_one() -> None:
    get = ("getPet", {"pet_id": "pet_4821"}, 200, LUNA)
    assert find_reasons(build_episode(search(), get, GOOD)) == set()
    assert find_reasons(build_episode(get, search(), GOOD)) == {Reason.UNGROUNDED_ARGUMENT}


def test_an_argument_may_not_come_from_the_system_message_or_from_the_assistant() -> None:
    steps = (say("Shall I take pet SECRET-99?"), user("Whatever"), ("getPet", {"pet_id": "SECRET-99"}, 200, LUNA))
    assert find_reasons(build_episode(*steps, say("Luna."))) == {Reason.UNGROUNDED_ARGUMENT}


def test_what_the_user_agrees_to_is_grounded() -> None:
    steps = (say("Do you mean Marseille?"), user("Yes, please."), search("Marseille"))
    assert find_reasons(build_episode(*steps, say("Luna is there."))) == set()


def test_defaults_enumerated_values_and_booleans_need_no_origin() -> None:
    assert find_reasons(build_episode(search(limit=10, species="rabbit", vaccinated=True), GOOD)) == set()
    assert find_reasons(build_episode(search(limit=2), GOOD)) == {Reason.UNGROUNDED_ARGUMENT}


@pytest.mark.parametrize("value", ["<city>", "YOUR_CITY", "{city}", "string", "[your city]", "xxx", "TODO", "${city}"])
def test_a_placeholder_as_argument(value: str) -> None:
    assert Reason.PLACEHOLDER in find_reasons(build_episode(search(value), GOOD))


@pytest.mark.parametrize(
    "text", ["Dear [Your Name], Luna waits.", "Luna's id is <pet_id>.", "Send YOUR_API_KEY.", "lorem ipsum dolor"]
)
def test_a_placeholder_in_the_response(text: str) -> None:
    assert Reason.PLACEHOLDER in find_reasons(build_episode(search(), say(text)))


def test_what_the_user_or_the_api_said_is_no_placeholder() -> None:
    text = "Which pets wait for a home in the city called <city> or string?"
    assert find_reasons(build_episode(search("<city>"), search("string"), GOOD, text=text)) == {
        Reason.UNGROUNDED_RESPONSE  # Lyon
    }
    body = {"html": "<custom-tag>Luna</custom-tag> {name}"}
    episode = build_episode(("searchPets", {"city": "Lyon"}, 200, body), say("It is <custom-tag>Luna and {name}."))
    assert find_reasons(episode) == set()


def test_no_tool_call() -> None:
    assert find_reasons(build_episode(say("I cannot tell."))) == {Reason.NO_TOOL_CALL}


@pytest.mark.parametrize(
    "text",
    [
        "None of my tools can book a train. I can only search for pets that wait for a home, or show one of them.",
        "I'm sorry, but I can't book trains with the Petfinder functions: searchPets and getPet only cover shelters.",
        "Unfortunately, neither of the two functions I have can do that.",
    ],
)
def test_no_tool_passes_when_nothing_is_called_and_needless_call_fails(text: str) -> None:
    question = "Book me a train from Lyon to Paris on 3 March."
    assert find_reasons(build_episode(say(text), kind=Kind.NO_TOOL, text=question)) == set()
    called = build_episode(search(), say(text), kind=Kind.NO_TOOL, text=question)
    assert find_reasons(called) == {Reason.NEEDLESS_TOOL_CALL}


DETAIL = Detail(parameter="city", value="Lyon")
ASKED: tuple[Message, Message] = (say("In which city?"), user("In Lyon."))


def test_a_missing_detail_must_be_asked_for_before_the_call_that_needs_it() -> None:
    def reasons(*steps: Step) -> set[Reason]:
        text = "Which pets wait for a home?"
        return find_reasons(build_episode(*steps, kind=Kind.MISSING_DETAIL, text=text, withheld=DETAIL))

    assert reasons(*ASKED, search(), GOOD) == set()
    assert reasons(search(), GOOD) == {Reason.NO_QUESTION, Reason.UNGROUNDED_ARGUMENT}
    assert reasons(search(), *ASKED, search(), GOOD) == {Reason.NO_QUESTION, Reason.UNGROUNDED_ARGUMENT}
    assert reasons(search("Nice"), *ASKED, search(), GOOD) == {Reason.NO_QUESTION, Reason.UNGROUNDED_ARGUMENT}
    assert reasons(say("In which city?")) == {Reason.NO_QUESTION, Reason.NO_TOOL_CALL}


def test_an_error_must_be_recovered_from_whatever_the_kind() -> None:
    erring: Step = ("searchPets", {"city": "Lyon"}, 503, {"error": {"code": "unavailable", "message": "Try again"}})
    for kind in (Kind.SINGLE_CALL, Kind.ERROR_RECOVERY):
        assert find_reasons(build_episode(erring, search(), GOOD, kind=kind)) == set()
        given_up = build_episode(erring, say("The service is unavailable."), kind=kind)
        assert find_reasons(given_up) == {Reason.UNRECOVERED_ERROR}
        not_sent: Step = ("searchPets", {"city": "Lyon"}, 0, {"error": {}})
        assert find_reasons(build_episode(search(), not_sent, GOOD, kind=kind)) == {Reason.UNRECOVERED_ERROR}


def test_error_recovery_needs_an_error() -> None:
    assert find_reasons(build_episode(search(), GOOD, kind=Kind.ERROR_RECOVERY)) == {Reason.UNRECOVERED_ERROR}


def test_an_answer_that_does_not_conform() -> None:
    assert find_reasons(build_episode(search(), GOOD, valid=False)) == {Reason.INVALID_RESPONSE}


@pytest.mark.parametrize("text", ["", "  \n"])
def test_empty_response(text: str) -> None:
    assert find_reasons(build_episode(search(), say(text))) == {Reason.EMPTY_RESPONSE}


def test_ungrounded_response() -> None:
    assert find_reasons(build_episode(search(), say("The oldest pet in Lyon is Bella."))) == {
        Reason.UNGROUNDED_RESPONSE
    }


def test_one_row_keeps_all_its_reasons() -> None:
    episode = build_episode(("getPet", {"pet": "<id>"}, 400, {"error": {}}), say("It is Bella."))
    assert find_reasons(episode) == {
        Reason.INVALID_ARGUMENTS,
        Reason.UNGROUNDED_ARGUMENT,
        Reason.PLACEHOLDER,
        Reason.UNRECOVERED_ERROR,
        Reason.UNGROUNDED_RESPONSE,
    }


def test_a_planted_count_is_found() -> None:
    assert len(PETS["pets"]) == 3
    assert find_reasons(build_episode(search(), say("I found 4 pets."))) == {Reason.UNGROUNDED_RESPONSE}


@pytest.mark.parametrize(
    "part",
    ["\n", "a", "aB", "_", "(", "“", "a.", "USD ", "1 Jan ", "twenty-", "hundred ",
     "YOUR_", "1,", "- ", "```", "9", "x@", "Lyon "],
)  # fmt: skip
def test_a_text_of_one_thing_over_and_over_takes_no_more_than_its_length(part: str) -> None:
    started = time.process_time()
    check_episode(build_episode(search(), say(part * (20_000 // len(part)))), TOOLSET)
    assert time.process_time() - started < 10  # a minute and more, where each place looked at all that follows


@pytest.mark.parametrize(
    "arguments",
    ['{"city": "Lyon", "n": 1e999}', '{"city": "Lyon", "n": [-1e999]}', '{"city": "Lyon", "n": ' + "9" * 290 + "}",
     '{"city": "' + "9" * 4000 + '"}', '{"city": "²"}', '{"city": "\\ud83d"}'],
)  # fmt: skip
@pytest.mark.parametrize(
    "response", ["There are 3 pets in Lyon.", "9" * 4000 + " pets, " + "9" * 400 + " %, 1e999, a-²"]
)
def test_numbers_that_python_cannot_compute_with_are_a_reason_and_no_exception(arguments: str, response: str) -> None:
    episode = build_episode(("searchPets", arguments, 200, PETS), say(response))
    assert not all(verdict.keep for verdict in check_episode(episode, TOOLSET))
