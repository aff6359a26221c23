"""What a call may be, name and hold, when one must be made, and when not: the episode that just passes and its twin."""

from typing import Any

import pytest

from schemas.episodes import Detail, Episode, Kind, Message, ToolCall, Verdict
from schemas.reasons import Reason
from tasks.quality.checks import CHECKS, check_episode
from tests.tasks.quality.building import GOOD, LUNA, PETS, TOOLSET, Step, build_episode, say, search, user

CALLING = [kind for kind in Kind if kind is not Kind.NO_TOOL]


def reject(episode: Episode) -> list[Verdict]:
    return [verdict for verdict in check_episode(episode, TOOLSET) if not verdict.keep]


def find_reasons(*steps: Step, **options: Any) -> set[Reason | None]:
    return {verdict.reason for verdict in reject(build_episode(*steps, **options))}


def find_details(*steps: Step, **options: Any) -> list[str]:
    return [verdict.detail for verdict in reject(build_episode(*steps, **options))]


def test_every_check_is_named_for_its_reason_whether_it_keeps_or_not() -> None:
    bad = check_episode(build_episode(("getPet", {"pet": "<id>"}, 400, {}), say("It is Bella.")), TOOLSET)
    good = check_episode(build_episode(search(), GOOD), TOOLSET)
    assert [verdict.check for verdict in good] == [verdict.check for verdict in bad]
    assert [Reason(verdict.check) for verdict in good] == [
        Reason.TEACHER_ERROR,
        Reason.CUT_OFF,
        Reason.FILTERED,
        Reason.REFUSED,
        Reason.PARTIAL,
        Reason.LEAKED_TOKENS,
        Reason.INVALID_TOOL_CALL,
        Reason.UNKNOWN_FUNCTION,
        Reason.INVALID_ARGUMENTS,
        Reason.UNGROUNDED_ARGUMENT,
        Reason.PLACEHOLDER,
        Reason.NO_TOOL_CALL,
        Reason.NEEDLESS_TOOL_CALL,
        Reason.NO_QUESTION,
        Reason.TOO_MANY_STEPS,
        Reason.UNRECOVERED_ERROR,
        Reason.INVALID_RESPONSE,
        Reason.CONTRADICTORY_ANSWER,
        Reason.EMPTY_ANSWER,
        Reason.UNDESERVED_ERROR,
        Reason.UNGROUNDED_RESPONSE,
        Reason.UNUSED_RESULT,
        Reason.WRONG_END_STATE,
        Reason.EMPTY_RESPONSE,
    ]
    assert len(CHECKS) == len(good)
    for verdict in good:
        assert verdict == Verdict(check=verdict.check, keep=True, reason=None, detail="")
    for verdict in bad:
        assert verdict.keep is (verdict.reason is None)
        assert verdict.reason in (None, Reason(verdict.check))
        assert bool(verdict.detail) is not verdict.keep


@pytest.mark.parametrize(("length", "shown"), [(178, 199), (179, 200), (180, 200), (500, 200)])
def test_a_long_detail_is_cut(length: int, shown: int) -> None:
    (detail,) = find_details(search(city="q" * length), say("Luna."))
    whole = f'searchPets: city = "{"q" * length}"'
    assert len(detail) == shown
    assert detail == (whole if length <= 179 else whole[:199] + "…")


def test_a_detail_is_one_line_and_tells_the_first_problem() -> None:
    bad: Step = ("searchPets", '\n{"city":\n\t"Lyon"  ', 400, {})
    assert find_details(bad, ("searchPets", "[]", 400, {}), search(), GOOD) == [
        'searchPets: the arguments are no JSON object: {"city": "Lyon"'
    ]


@pytest.mark.parametrize("has_calls", [False, True])
def test_a_call_in_words_is_one_only_in_a_message_without_calls(has_calls: bool) -> None:
    calls = (ToolCall(id="c", name="searchPets", arguments='{"city": "Lyon"}'),) if has_calls else ()
    spoken = Message(role="assistant", content='I use searchPets({"city": "Lyon"}).', tool_calls=calls)
    tagged = Message(role="assistant", content="<tool_call>", tool_calls=calls)
    expected = set() if has_calls else {Reason.INVALID_TOOL_CALL}
    assert find_reasons(search(), spoken, user("Go on."), GOOD) == expected
    assert find_reasons(search(), tagged, user("Go on."), GOOD) == {Reason.INVALID_TOOL_CALL}


def test_a_call_that_is_written_as_text_is_told_and_the_users_words_are_none() -> None:
    text = "Which pets in Lyon does searchPets('Lyon') find?"
    assert find_reasons(search(), GOOD, text=text) == set()
    (detail,) = find_details(search(), say("So it is Luna: searchPets('Lyon')"))
    assert detail == "a call is written as text: searchPets('Lyon')"


def test_a_function_that_does_not_exist_is_named_and_its_arguments_are_held_against_nothing() -> None:
    unknown: Step = ("findPets", {"city": "Lyon", "limit": "Lyon"}, 200, PETS)
    assert find_details(unknown, GOOD) == ["no function findPets"]


@pytest.mark.parametrize(
    ("arguments", "fits"),
    [
        ({"limit": 1}, True),
        ({"limit": 0}, False),
        ({"limit": 50}, True),
        ({"limit": 51}, False),
        ({"limit": 2.5}, False),
        ({"limit": True}, False),
        ({"limit": "1"}, False),
        ({"limit": None}, False),
        ({"vaccinated": False}, True),
        ({"vaccinated": 1}, False),
        ({"species": "cat"}, True),
        ({"species": "Lyon"}, False),
        ({"tags": ["Lyon"]}, True),
        ({"tags": "Lyon"}, False),
        ({"tags": [1]}, False),
        ({"town": "Lyon"}, False),
        ({"city": 1}, False),
    ],
)
def test_arguments_conform_to_the_schema(arguments: dict[str, Any], fits: bool) -> None:
    text = "Which 1 to 51 pets, or 0 or 2.5, wait for a home in Lyon?"
    assert find_reasons(search(**arguments), GOOD, text=text) == (set() if fits else {Reason.INVALID_ARGUMENTS})


def test_what_does_not_conform_is_told_with_the_function() -> None:
    (detail,) = find_details(search(), ("getPet", {}, 400, {}), ("getPet", {"pet_id": "pet_4821"}, 200, LUNA), GOOD)
    assert detail.startswith("getPet: ")
    assert "pet_id" in detail


@pytest.mark.parametrize(
    ("status", "is_source"), [(200, True), (399, True), (1, True), (0, False), (400, False), (500, False)]
)
def test_an_error_that_quotes_a_placeholder_does_not_say_it(status: int, is_source: bool) -> None:
    first: Step = ("searchPets", {"city": "Lyon"}, status, {"message": "no city <city>"})
    last = search("<city>")
    expected = set() if is_source else {Reason.PLACEHOLDER}
    assert find_reasons(first, search(), last, say("Luna.")) & {Reason.PLACEHOLDER} == expected


@pytest.mark.parametrize(
    ("value", "text", "is_one"),
    [
        ("string", "pets in Lyon", True),
        ("string", "a string of pets in Lyon", False),
        ("string", "stringent pets in Lyon", True),
        ("some id", "some pets with an id", True),
        ("some id", "some id of pets", False),
        ("<city>", "the very <CITY> of pets", False),
        ("<city>", "the very city of pets", True),
        ("???", "what ??? are pets", False),
        ("???", "what?? are pets", True),
    ],
)
def test_what_the_user_said_word_for_word_is_no_placeholder(value: str, text: str, is_one: bool) -> None:
    expected = {Reason.PLACEHOLDER} if is_one else set()
    assert find_reasons(search(value), say("Luna."), text=text) & {Reason.PLACEHOLDER} == expected


def test_a_placeholder_is_told_with_its_place_and_an_argument_does_not_make_it_said() -> None:
    details = find_details(search(tags=["Lyon", "<tag>"]), say("It is <tag>."))
    assert 'searchPets: tags[1] holds "<tag>"' in details
    assert 'the response holds "<tag>"' in find_details(search(), say("It is <tag>."))


@pytest.mark.parametrize("kind", CALLING)
def test_where_a_function_fits_one_is_called(kind: Kind) -> None:
    (verdict,) = [v for v in reject(build_episode(say("I see."), kind=kind)) if v.check == "no_tool_call"]
    assert verdict.detail == f"nothing was called for an instruction of kind {kind.value}"
    called = (search(), GET_LUNA) if kind is Kind.MULTI_CALL else (search(),)
    assert Reason.NO_TOOL_CALL not in find_reasons(*called, GOOD, kind=kind)
    assert Reason.NEEDLESS_TOOL_CALL not in find_reasons(*called, GOOD, kind=kind)


def test_where_several_calls_are_needed_one_is_too_few() -> None:
    assert find_details(search(), GOOD, kind=Kind.MULTI_CALL) == [
        "searchPets alone was called for an instruction of kind multi_call"
    ]
    nothing: Step = ("searchPets", {"city": "Lyon"}, 200, {"pets": [], "total": 0})
    assert find_reasons(nothing, say("None waits there."), kind=Kind.MULTI_CALL) == set()


def test_where_no_function_fits_none_is_called() -> None:
    assert find_reasons(say("I cannot."), kind=Kind.NO_TOOL) == set()
    assert find_details(search(), ("getPet", {"pet_id": "pet_4821"}, 200, LUNA), GOOD, kind=Kind.NO_TOOL) == [
        "searchPets was called and no function fits"
    ]


LIMIT = Detail(parameter="limit", value=7)
PET = Detail(parameter="pet_id", value="pet_4821")
TAGS = Detail(parameter="tags", value=["shy"])
NOTHING = Detail(parameter="limit", value=None)
ASKED: tuple[Message, Message] = (say("How many?"), user("At most 7, shy ones."))
GET_LUNA: Step = ("getPet", {"pet_id": "pet_4821"}, 200, LUNA)
GET_MILO: Step = ("getPet", {"pet_id": "pet_7710"}, 200, LUNA)
UNGROUNDED = {Reason.UNGROUNDED_ARGUMENT}


@pytest.mark.parametrize(
    ("steps", "withheld", "reasons"),
    [
        ((*ASKED, search(limit=7)), LIMIT, set()),
        ((search(), *ASKED, search(limit=7)), LIMIT, set()),
        ((search(limit=7), *ASKED), LIMIT, {Reason.NO_QUESTION, *UNGROUNDED}),
        ((search(limit=8), *ASKED, search(limit=7)), LIMIT, {Reason.NO_QUESTION, *UNGROUNDED}),
        ((search(tags=["shy"]), *ASKED, search(limit=7)), LIMIT, UNGROUNDED),
        ((search(tags=["shy"], limit=8), *ASKED), LIMIT, {Reason.NO_QUESTION, *UNGROUNDED}),
        (
            (search(filter={"limit": 8}), *ASKED),
            LIMIT,
            {Reason.NO_QUESTION, Reason.INVALID_ARGUMENTS, *UNGROUNDED},
        ),
        ((search(), GET_MILO, *ASKED, GET_LUNA), PET, set()),
        ((search(), GET_LUNA, *ASKED, GET_LUNA), PET, {Reason.NO_QUESTION}),
        ((search(tags=["shy"]), *ASKED), TAGS, {Reason.NO_QUESTION, *UNGROUNDED}),
        ((search(tags=["Lyon"]), *ASKED, search(tags=["shy"])), TAGS, set()),
        ((search(), *ASKED, search()), None, {Reason.NO_QUESTION}),
        ((*ASKED, search()), None, set()),
        ((search(), *ASKED, search()), NOTHING, set()),
        ((("searchPets", "{", 400, {}), *ASKED, search(limit=7)), LIMIT, {Reason.INVALID_TOOL_CALL}),
        ((search(),), LIMIT, {Reason.NO_QUESTION}),
        ((search(limit=7), *ASKED, say("And?"), user("No.")), LIMIT, {Reason.NO_QUESTION, *UNGROUNDED}),
        ((*ASKED, search(limit=7), say("And?"), user("No.")), LIMIT, set()),
    ],
)
def test_the_missing_detail_is_asked_for_before_the_call_that_needs_it(
    steps: tuple[Step, ...], withheld: Detail | None, reasons: set[Reason]
) -> None:
    assert find_reasons(*steps, GOOD, kind=Kind.MISSING_DETAIL, withheld=withheld) == reasons


def test_what_is_wrong_with_the_question_is_told() -> None:
    options: dict[str, Any] = {"kind": Kind.MISSING_DETAIL, "withheld": PET}
    assert find_details(search(), GOOD, **options) == ["the assistant never asked"]
    assert find_details(search(), GET_LUNA, *ASKED, GOOD, **options) == [
        "getPet was called with the missing detail before the user had been asked for it"
    ]


@pytest.mark.parametrize("kind", [Kind.SINGLE_CALL, Kind.MULTI_CALL])
def test_nothing_need_be_asked_where_no_detail_is_missing(kind: Kind) -> None:
    assert find_reasons(search(), GET_LUNA, *ASKED, GOOD, kind=kind, withheld=PET) == set()
    assert find_reasons(search(), search(), GOOD, kind=kind) == set()


def answer(function: str, status: int) -> Step:
    arguments = {"city": "Lyon"} if function == "searchPets" else {"pet_id": "pet_4821"}
    return (function, arguments, status, PETS)


@pytest.mark.parametrize(
    ("answers", "recovers"),
    [
        ([("searchPets", 400), ("searchPets", 200)], True),
        ([("searchPets", 0), ("searchPets", 200)], True),
        ([("searchPets", 503), ("searchPets", 399)], True),
        ([("searchPets", 503), ("searchPets", 1)], True),
        ([("searchPets", 399)], True),
        ([("searchPets", 1)], True),
        ([("searchPets", 200), ("searchPets", 400)], False),
        ([("searchPets", 503), ("searchPets", 400)], False),
        ([("searchPets", 503), ("searchPets", 0)], False),
        ([("searchPets", 200), ("getPet", 503), ("searchPets", 200)], False),
        ([("searchPets", 503), ("searchPets", 503), ("searchPets", 200)], True),
        ([("searchPets", 200), ("getPet", 503), ("getPet", 200), ("searchPets", 503)], False),
        ([("searchPets", 200), ("getPet", 503), ("searchPets", 503), ("searchPets", 200), ("getPet", 200)], True),
    ],
)
def test_whatever_erred_is_called_again_with_success(answers: list[tuple[str, int]], recovers: bool) -> None:
    steps = [answer(*one) for one in answers]
    expected = set() if recovers else {Reason.UNRECOVERED_ERROR}
    assert find_reasons(*steps, GOOD) == expected
    erred = any(not 0 < status < 400 for _, status in answers)
    if erred:
        assert find_reasons(*steps, GOOD, kind=Kind.ERROR_RECOVERY) == expected
    else:
        assert find_reasons(*steps, GOOD, kind=Kind.ERROR_RECOVERY) == {Reason.UNRECOVERED_ERROR}


def test_what_was_not_recovered_from_is_told() -> None:
    assert find_details(search(), answer("getPet", 503), GOOD) == ["getPet answered 503 and never succeeded after that"]
    assert find_details(search(), GOOD, kind=Kind.ERROR_RECOVERY) == [
        "no call erred, so there was nothing to recover from"
    ]


@pytest.mark.parametrize(
    ("text", "call", "grounded"),
    [
        ("Which pets wait in Lyon?", search(limit=4), True),
        ("Which pets wait in Lyon?", search(limit=3), False),
        ("Which five pets wait longest in Lyon?", search(limit=4), False),
        ("Which 5 pets wait longest in Lyon?", search(limit=4), False),
        ("Which pets wait in Lyon?", ("searchPets", {"city": "Lyon", "limit": 4}, 400, PETS), False),
        ("Which pets wait in Lyon?", ("searchPets", {"city": "Lyon", "limit": 4}, 200, {"name": "Luna"}), False),
        ("Which pets wait in Lyon?", ("searchPets", {"city": "Lyon", "limit": 4}, 503, {}), True),
        ("Which pets under $30 wait in Lyon?", search(limit=40), True),
        ("Which pets like pet_4821 wait in Lyon?", search(limit=40), True),
        ("Which pets wait at 123 Main St, Lyon?", search(limit=40), True),
        ("Which 4 pets under $30 wait in Lyon?", search(limit=40), False),
        ("Which pets wait in Lyon?", search(limit="40"), False),
        ("Which pets wait in Lyon?", search(tags=["40"]), False),
    ],
    ids=[
        "a larger page",
        "a full page",
        "a number in words",
        "a number",
        "an error",
        "no list",
        "an error of the API's own",
        "an amount",
        "a number of a house",
        "an id",
        "a number beside an amount",
        "text",
        "another name",
    ],
)
def test_a_page_of_which_nobody_spoke_may_be_larger_than_what_came_back(text: str, call: Step, grounded: bool) -> None:
    told = find_reasons(call, GOOD, text=text)
    assert (Reason.UNGROUNDED_ARGUMENT not in told) == grounded
