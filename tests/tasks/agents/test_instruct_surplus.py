"""The `instruct` step before teachers that give too much, too little, the same again, or what belongs elsewhere."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.responses import Response

from schemas.episodes import Instruction, Kind
from schemas.errors import TeacherError
from schemas.toolset import Toolset
from tasks.agents.instruct import instruct_api
from tasks.teacher import Ledger
from tests.tasks.agents.parts import say_values, scripted, write
from tests.tasks.teacher.endpoints import Endpoint, fail, say

SINGLE = {Kind.SINGLE_CALL: 1.0}
LYON = {"parameter": "city", "value": "Lyon"}
# Of so different words that none repeats another.
TEXTS = (
    "Find me a dog in Lyon.", "Any cats for an old man from Oslo?", "Which pet of all Lyon is youngest?",
    "Is Luna still staying at Oslo?", "My Lyon children would like a rabbit.", "Show ten parrots from Oslo.",
    "Delete what I entered yesterday about Lyon.",
)  # fmt: skip
Answer = Callable[[int], list[dict[str, Any]]]


def item(text: str, functions: tuple[str, ...] = ("searchPets",), **more: Any) -> dict[str, Any]:
    return {"text": text, "functions": functions, "values": say_values(text), **more}


def give(*items: dict[str, Any]) -> Any:
    return write({"instructions": list(items)})


SEARCHES = {
    Kind.SINGLE_CALL: 1, Kind.MULTI_CALL: 2, Kind.MISSING_DETAIL: 1, Kind.NO_TOOL: 0, Kind.ERROR_RECOVERY: 1,
}  # fmt: skip


def fit(kind: Kind, text: str, **more: Any) -> dict[str, Any]:
    """An instruction that names as many functions as its kind has calls."""
    return item(text, ("searchPets",) * SEARCHES[kind], **more)


def read_kind(body: dict[str, Any]) -> Kind:
    match = re.search(r"<kind>(\w+)</kind>", body["messages"][0]["content"])
    assert match is not None
    return Kind(match[1])


def read_count(body: dict[str, Any]) -> int:
    match = re.search(r"Write (\d+) different", body["messages"][0]["content"])
    assert match is not None
    return int(match[1])


async def ask(
    toolset: Toolset,
    count: int,
    shares: dict[Kind, float],
    by_kind: dict[Kind, list[Any]],
    ledger: Ledger | None = None,
) -> tuple[tuple[Instruction, ...], Endpoint]:
    """What is written of a teacher that answers by script for each kind."""
    scripts = {kind: list(replies) for kind, replies in by_kind.items()}

    def answer(body: dict[str, Any]) -> Response:
        reply: Response = scripts[read_kind(body)].pop(0)(body)
        return reply

    async with scripted(last=answer, ledger=ledger) as (teacher, endpoint):
        made = (await instruct_api(toolset, count, shares, 0, teacher)).instructions
    assert not any(scripts.values()), "it was asked less often than the test thinks"
    return made, endpoint


class TestTooMuch:
    @pytest.mark.parametrize("given", [2, 3, 7])
    async def test_no_more_are_kept_than_were_asked_for(self, toolset: Toolset, given: int) -> None:
        async with scripted(give(*map(item, TEXTS[:given]))) as (teacher, _):
            made = (await instruct_api(toolset, 2, SINGLE, 0, teacher)).instructions
        assert [one.text for one in made] == list(TEXTS[:2])

    async def test_what_is_beyond_the_number_does_not_stand_in_for_what_was_thrown_out(self, toolset: Toolset) -> None:
        script = [give(item(TEXTS[0]), item(TEXTS[0]), item(TEXTS[1])), give(item(TEXTS[2]), item(TEXTS[3]))]
        async with scripted(*script) as (teacher, endpoint):
            made = (await instruct_api(toolset, 2, SINGLE, 0, teacher)).instructions
        assert [one.text for one in made] == [TEXTS[0], TEXTS[2]]
        assert [read_count(body) for body in endpoint.requests] == [2, 1]

    @pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.MISSING_DETAIL])
    @pytest.mark.parametrize("detail", [LYON, {"parameter": "no such one", "value": None}])
    async def test_a_detail_is_withheld_only_where_one_is_to_be_missing(
        self, toolset: Toolset, kind: Kind, detail: dict[str, Any]
    ) -> None:
        (made,), _ = await ask(toolset, 1, {kind: 1.0}, {kind: [give(fit(kind, TEXTS[0], withheld=detail))]})
        assert (made.kind, made.withheld) == (kind, None)

    @pytest.mark.parametrize(
        "surplus",
        [
            {"instructions": [item(TEXTS[0])], "note": "I hope that this helps."},
            {"instructions": [item(TEXTS[0], kind="single_call")]},
            {"instructions": [item(TEXTS[0], withheld={**LYON, "why": "as asked"})]},
        ],
        ids=["in the whole", "in an instruction", "in a detail"],
    )
    async def test_a_field_more_than_was_asked_for_is_let_go(self, toolset: Toolset, surplus: dict[str, Any]) -> None:
        async with scripted(write(surplus)) as (teacher, _):
            (made,) = (await instruct_api(toolset, 1, SINGLE, 0, teacher)).instructions
        assert (made.text, made.withheld) == (TEXTS[0], None)


class TestTooLittle:
    async def test_what_is_missing_is_asked_for_and_no_more(self, toolset: Toolset) -> None:
        script = [give(item(TEXTS[0])), give(item(TEXTS[1])), give(item(TEXTS[2]), item(TEXTS[3]), item(TEXTS[4]))]
        async with scripted(*script) as (teacher, endpoint):
            made = (await instruct_api(toolset, 4, SINGLE, 0, teacher)).instructions
        assert [read_count(body) for body in endpoint.requests] == [4, 3, 2]
        assert [one.text for one in made] == list(TEXTS[:4])

    async def test_an_answer_of_nothing_says_that_the_api_does_not_allow_for_the_kind(self, toolset: Toolset) -> None:
        made, endpoint = await ask(
            toolset, 2, {Kind.MISSING_DETAIL: 1.0},
            {Kind.MISSING_DETAIL: [give()], Kind.SINGLE_CALL: [give(item(TEXTS[0]), item(TEXTS[1]))]},
        )  # fmt: skip
        assert [one.kind for one in made] == [Kind.SINGLE_CALL] * 2
        assert [read_count(body) for body in endpoint.requests] == [2, 2]

    async def test_what_came_before_nothing_is_kept_and_only_the_rest_is_made_up_for(self, toolset: Toolset) -> None:
        made, endpoint = await ask(
            toolset, 4, {Kind.ERROR_RECOVERY: 1.0},
            {
                Kind.ERROR_RECOVERY: [give(item(TEXTS[0])), give()],
                Kind.SINGLE_CALL: [give(item(TEXTS[1])), give()],
                Kind.MULTI_CALL: [give()],
                Kind.NO_TOOL: [give(item(TEXTS[2], ())), give(item(TEXTS[3], ()))],
            },
        )  # fmt: skip
        assert [(one.kind, one.text) for one in made] == [
            (Kind.ERROR_RECOVERY, TEXTS[0]),
            (Kind.SINGLE_CALL, TEXTS[1]),
            (Kind.NO_TOOL, TEXTS[2]),
            (Kind.NO_TOOL, TEXTS[3]),
        ]
        assert [one.id for one in made] == [f"petfinder-{number:03}" for number in range(1, 5)]
        asked = [(read_kind(body), read_count(body)) for body in endpoint.requests]
        assert asked == [
            (Kind.ERROR_RECOVERY, 4), (Kind.ERROR_RECOVERY, 3), (Kind.SINGLE_CALL, 3), (Kind.SINGLE_CALL, 2),
            (Kind.MULTI_CALL, 2), (Kind.NO_TOOL, 2), (Kind.NO_TOOL, 1),
        ]  # fmt: skip

    async def test_one_kind_that_is_given_up_does_not_end_another(self, toolset: Toolset) -> None:
        shares = {Kind.NO_TOOL: 0.5, Kind.MULTI_CALL: 0.5}
        made, endpoint = await ask(
            toolset, 4, shares,
            {
                Kind.NO_TOOL: [give()],
                Kind.MULTI_CALL: [give(fit(Kind.MULTI_CALL, TEXTS[0])), give(fit(Kind.MULTI_CALL, TEXTS[1]))],
                Kind.SINGLE_CALL: [give(item(TEXTS[2]), item(TEXTS[3]))],
            },
        )  # fmt: skip
        assert [one.text for one in made] == list(TEXTS[:4])
        assert len(endpoint.requests) == 4

    async def test_an_api_that_allows_for_nothing_has_no_instructions(self, toolset: Toolset) -> None:
        nothing = {kind: [give()] for kind in (Kind.SINGLE_CALL, Kind.MULTI_CALL, Kind.NO_TOOL)}
        nothing[Kind.SINGLE_CALL] *= 2
        made, _ = await ask(toolset, 3, SINGLE, nothing)
        assert made == ()

    async def test_of_none_that_are_wanted_none_are_asked_for(self, toolset: Toolset) -> None:
        made, endpoint = await ask(toolset, 0, SINGLE, {})
        assert (made, endpoint.requests) == ((), [])


class TestTheSameAgain:
    async def test_a_text_is_not_kept_for_two_kinds(self, toolset: Toolset) -> None:
        shares = {Kind.SINGLE_CALL: 0.5, Kind.NO_TOOL: 0.5}
        made, endpoint = await ask(
            toolset, 2, shares,
            {
                Kind.SINGLE_CALL: [give(item(TEXTS[0]))],
                Kind.NO_TOOL: [give(item(TEXTS[0], ())), give(item(TEXTS[1], ()))],
            },
        )  # fmt: skip
        assert [(one.kind, one.text) for one in made] == [(Kind.SINGLE_CALL, TEXTS[0]), (Kind.NO_TOOL, TEXTS[1])]
        first, second, again = [body["messages"][0]["content"] for body in endpoint.requests]
        assert TEXTS[0] not in first + second
        assert TEXTS[0] in again

    async def test_what_was_kept_for_any_kind_is_shown_to_those_that_are_asked_again(self, toolset: Toolset) -> None:
        shares = {Kind.SINGLE_CALL: 0.5, Kind.NO_TOOL: 0.5}
        _, endpoint = await ask(
            toolset, 4, shares,
            {
                Kind.SINGLE_CALL: [give(item(TEXTS[0]), item(TEXTS[1]))],
                Kind.NO_TOOL: [give(item(TEXTS[2], ())), give(item(TEXTS[3], ()))],
            },
        )  # fmt: skip
        again = endpoint.requests[-1]["messages"][0]["content"]
        assert [text in again for text in TEXTS[:4]] == [True, True, True, False]

    async def test_no_two_requests_have_one_seed(self, toolset: Toolset) -> None:
        shares = {Kind.MISSING_DETAIL: 0.5, Kind.SINGLE_CALL: 0.5}
        script = {
            Kind.MISSING_DETAIL: [give()],
            Kind.SINGLE_CALL: [give(item(TEXTS[0])), give(item(TEXTS[1])), give(item(TEXTS[2])), give(item(TEXTS[3]))],
        }
        _, endpoint = await ask(toolset, 4, shares, script)
        another = toolset.model_copy(update={"entry": toolset.entry.model_copy(update={"id": "another"})})
        _, other = await ask(another, 4, shares, script)
        seeds = [body["seed"] for body in endpoint.requests + other.requests]
        assert len(seeds) == len(set(seeds)) == 10


class TestTheWrongThing:
    async def test_a_function_of_no_parameters_lacks_no_detail(self, toolset: Toolset) -> None:
        bare = toolset.functions[0].model_copy(update={"parameters": {"type": "object"}})
        first = give(item(TEXTS[0], withheld=LYON))
        with_bare = toolset.model_copy(update={"functions": (bare, *toolset.functions[1:])})
        named = [{"parameter": "name", "value": "old man"}]
        script = [first, give(item(TEXTS[1], ("createPet",), withheld=LYON) | {"values": named})]
        (made,), endpoint = await ask(with_bare, 1, {Kind.MISSING_DETAIL: 1.0}, {Kind.MISSING_DETAIL: script})
        assert made.text == TEXTS[1]
        assert "take one that is required: none is" in endpoint.requests[1]["messages"][0]["content"]

    @pytest.mark.parametrize("spoilt", [{"text": ""}, {"functions": ["searchPets"]}, "Find me a dog.", {"text": None}])
    async def test_what_is_no_instruction_goes_back(self, toolset: Toolset, spoilt: Any) -> None:
        async with scripted(give(spoilt), give(item(TEXTS[0]))) as (teacher, endpoint):
            (made,) = (await instruct_api(toolset, 1, SINGLE, 0, teacher)).instructions
        assert made.text == TEXTS[0]
        complaint = endpoint.requests[1]["messages"][-1]["content"]
        assert 'instructions: write each as an object with "text" and "functions"' in complaint

    async def test_what_is_no_instruction_takes_no_other_along(self, toolset: Toolset) -> None:
        async with scripted(give({"text": ""}, item(TEXTS[0])), give(item(TEXTS[1]))) as (teacher, endpoint):
            made = (await instruct_api(toolset, 2, SINGLE, 0, teacher)).instructions
        assert [one.text for one in made] == list(TEXTS[:2])
        assert [read_count(body) for body in endpoint.requests] == [2, 1]

    async def test_a_function_may_be_called_twice(self, toolset: Toolset) -> None:
        twice = item(TEXTS[1], ("searchPets", "getPet", "searchPets"))
        (made,), _ = await ask(toolset, 1, {Kind.MULTI_CALL: 1.0}, {Kind.MULTI_CALL: [give(twice)]})
        assert made.functions == ("searchPets", "getPet", "searchPets")


async def test_each_kind_is_asked_for_in_its_share_and_told_to_the_ledger(toolset: Toolset) -> None:
    ledger, shares = Ledger(), {Kind.MULTI_CALL: 0.75, Kind.NO_TOOL: 0.25}
    made, endpoint = await ask(
        toolset, 4, shares,
        {
            Kind.MULTI_CALL: [give(*(fit(Kind.MULTI_CALL, text) for text in TEXTS[:3]))],
            Kind.NO_TOOL: [give(item(TEXTS[3], ()))],
        }, ledger,
    )  # fmt: skip
    assert [(one.kind, one.api_id) for one in made] == [(Kind.MULTI_CALL, "petfinder")] * 3 + [
        (Kind.NO_TOOL, "petfinder")
    ]
    assert [(read_kind(body), read_count(body)) for body in endpoint.requests] == [
        (Kind.MULTI_CALL, 3),
        (Kind.NO_TOOL, 1),
    ]
    assert {(row.stage, row.api_id, row.owner) for row in ledger.rows} == {("instruct", "petfinder", "petfinder")}
    prompt = endpoint.requests[0]["messages"][0]["content"]
    assert toolset.introduction in prompt
    assert all(function.name in prompt and function.description in prompt for function in toolset.functions)


SHARES = {Kind.MULTI_CALL: 0.5, Kind.NO_TOOL: 0.5}


async def test_a_kind_that_is_refused_is_made_up_for_by_others_and_asked_for_another_time(toolset: Toolset) -> None:
    def answer(body: dict[str, Any]) -> Response:
        kind = read_kind(body)
        reply = fail(400, "no") if kind is Kind.MULTI_CALL else give(fit(kind, TEXTS[0 if kind is Kind.NO_TOOL else 1]))
        response: Response = reply(body)
        return response

    async with scripted(last=answer) as (teacher, _):
        made = await instruct_api(toolset, 2, SHARES, 0, teacher)
    assert [one.kind for one in made.instructions] == [Kind.NO_TOOL, Kind.SINGLE_CALL]
    assert made.unfinished == 1


async def test_what_stays_unusable_is_not_asked_for_another_time(toolset: Toolset) -> None:
    def answer(body: dict[str, Any]) -> Response:
        kind = read_kind(body)
        reply = say("No.") if kind is Kind.MULTI_CALL else give(fit(kind, TEXTS[0 if kind is Kind.NO_TOOL else 1]))
        response: Response = reply(body)
        return response

    async with scripted(last=answer) as (teacher, _):
        made = await instruct_api(toolset, 2, SHARES, 0, teacher)
    assert [one.kind for one in made.instructions] == [Kind.NO_TOOL, Kind.SINGLE_CALL]
    assert made.unfinished == 0


async def test_a_teacher_that_refuses_every_kind_fails_the_api(toolset: Toolset) -> None:
    async with scripted(last=fail(400, "too long")) as (teacher, _):
        with pytest.raises(TeacherError, match="too long"):
            await instruct_api(toolset, 2, SHARES, 0, teacher)
