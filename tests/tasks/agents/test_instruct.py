"""The `instruct` step: kinds in their shares, no wording twice, no API named, what is withheld is a parameter."""

import math
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.episodes import Detail, Kind
from schemas.errors import TeacherError
from schemas.parameters import KindShares
from schemas.toolset import Function, Toolset
from tasks.agents.instruct import instruct_api, share_out
from tasks.quality.wording import is_repeated, names_api
from tests.tasks.agents.parts import embedded, say_values, scripted, write

SINGLE = {Kind.SINGLE_CALL: 1.0}
weights = st.dictionaries(st.sampled_from(list(Kind)), st.floats(0.01, 1), min_size=1)


def written(*texts: str, functions: tuple[str, ...] = ("searchPets",), withheld: Any = None) -> dict[str, Any]:
    return {
        "instructions": [
            {"text": text, "functions": functions, "values": say_values(text), "withheld": withheld} for text in texts
        ]
    }


@given(st.integers(0, 200), weights, st.integers(0, 2**31))
def test_every_instruction_has_a_kind_and_no_kind_is_off_by_one_or_more(
    count: int, shares: dict[Kind, float], seed: int
) -> None:
    numbers = share_out(count, shares, seed)
    assert sum(numbers.values()) == count
    for kind, share in shares.items():
        exact = count * share / sum(shares.values())
        assert math.floor(exact - 1e-9) <= numbers.get(kind, 0) <= math.ceil(exact + 1e-9)


@settings(max_examples=25)
@given(st.integers(1, 12), weights)
def test_over_many_apis_the_shares_hold(count: int, shares: dict[Kind, float]) -> None:
    apis = 1500
    total: Counter[Kind] = Counter()
    for seed in range(apis):
        total.update(share_out(count, shares, seed))
    for kind, share in shares.items():
        assert total[kind] / apis == pytest.approx(count * share / sum(shares.values()), abs=0.1)


def test_a_share_of_nothing_is_nothing() -> None:
    assert share_out(10, {Kind.SINGLE_CALL: 1.0, Kind.NO_TOOL: 0.0}, 0) == {Kind.SINGLE_CALL: 10}


@pytest.mark.parametrize("seed", range(3))
async def test_the_embedded_teacher_fills_every_kind_with_different_words(toolset: Toolset, seed: int) -> None:
    async with embedded() as teacher:
        made = (await instruct_api(toolset, 20, KindShares().by_kind(), seed, teacher)).instructions
    assert [item.id for item in made] == [f"petfinder-{number:03}" for number in range(1, 21)]
    assert {item.kind for item in made} == set(Kind)
    texts = [item.text for item in made]
    assert not any(is_repeated(text, texts[:place]) for place, text in enumerate(texts))
    assert not any(names_api(text, toolset.entry.name) for text in texts)
    assert all((item.withheld is not None) == (item.kind is Kind.MISSING_DETAIL) for item in made)


async def test_another_seed_writes_other_instructions_and_the_same_seed_the_same(toolset: Toolset) -> None:
    async with embedded() as teacher:
        first, again, other = [
            (await instruct_api(toolset, 5, SINGLE, seed, teacher)).instructions for seed in (0, 0, 1)
        ]
    assert first == again
    assert {item.text for item in first} != {item.text for item in other}


async def test_repeated_wording_is_thrown_out_and_asked_for_anew(toolset: Toolset) -> None:
    script = [write(written("Find me a dog in Lyon.", "find me a dog in Lyon!")), write(written("Any cats in Oslo?"))]
    async with scripted(*script) as (teacher, endpoint):
        made = (await instruct_api(toolset, 2, SINGLE, 0, teacher)).instructions
    assert [item.text for item in made] == ["Find me a dog in Lyon.", "Any cats in Oslo?"]
    second = endpoint.requests[1]["messages"][0]["content"]
    assert "Write 1 different requests" in second
    assert "Find me a dog in Lyon." in second


async def test_what_names_the_api_is_thrown_out_and_asked_for_anew(toolset: Toolset) -> None:
    script = [write(written("Ask Petfinder for dogs in Lyon.")), write(written("Any dogs in Lyon?"))]
    async with scripted(*script) as (teacher, _):
        (made,) = (await instruct_api(toolset, 1, SINGLE, 0, teacher)).instructions
    assert made.text == "Any dogs in Lyon?"


@pytest.mark.parametrize("said", ["My kitchen tap drips. What can I do?", "the request"])
async def test_what_the_prompt_says_is_thrown_out_and_asked_for_anew(toolset: Toolset, said: str) -> None:
    script = [write(written(said, functions=())), write(written("Write me a poem.", functions=()))]
    async with scripted(*script) as (teacher, endpoint):
        (made,) = (await instruct_api(toolset, 1, {Kind.NO_TOOL: 1.0}, 0, teacher)).instructions
    assert made.text == "Write me a poem."
    assert "it repeats what you were told; write what a user says" in endpoint.requests[1]["messages"][0]["content"]


async def test_a_teacher_that_only_repeats_itself_is_asked_three_times_a_kind_and_no_more(toolset: Toolset) -> None:
    async with scripted(last=write(written("Find me a dog in Lyon."))) as (teacher, endpoint):
        made = (await instruct_api(toolset, 2, SINGLE, 0, teacher)).instructions
    assert len(made) == 1
    assert len(endpoint.requests) == 4 * 3  # the kind itself, then single_call, multi_call and no_tool in its place


async def test_a_kind_that_the_api_does_not_allow_for_is_made_up_for_by_others(toolset: Toolset) -> None:
    random = Function(
        name="getRandomPet", description="Get a random pet. Returns: id, name.", parameters={"type": "object"}
    )
    bare = toolset.model_copy(update={"functions": (random,)})
    async with embedded() as teacher:
        made = (await instruct_api(bare, 6, {Kind.MISSING_DETAIL: 1.0}, 0, teacher)).instructions
    assert len(made) == 6
    assert {item.kind for item in made} <= {Kind.SINGLE_CALL, Kind.MULTI_CALL, Kind.NO_TOOL}


async def test_what_was_turned_down_is_told_with_its_reason_when_another_is_asked_for(toolset: Toolset) -> None:
    wrong = written("Any dogs near me?", withheld={"parameter": "species", "value": "dog"})
    none = written("Any cats near me?")
    good = written("Any birds near me?", withheld={"parameter": "city", "value": "Lyon"})
    async with scripted(write(wrong), write(none), write(good)) as (teacher, endpoint):
        (made,) = (await instruct_api(toolset, 1, {Kind.MISSING_DETAIL: 1.0}, 0, teacher)).instructions
    assert made.withheld == Detail(parameter="city", value="Lyon")
    asked = [request["messages"][0]["content"] for request in endpoint.requests]
    assert "turned down" not in asked[0]
    told = '- "Any dogs near me?": "withheld" names \'species\'; take one that is required: city'
    assert told in asked[1]
    assert '- "Any cats near me?": "withheld" is missing; give the parameter and its value (city)' in asked[2]
    assert told not in asked[2]
    assert all(len(request["messages"]) == 1 for request in endpoint.requests)


async def test_the_good_ones_of_an_answer_are_kept_and_only_the_others_asked_for(toolset: Toolset) -> None:
    texts = [
        "A dog in Lyon!",
        "Any cats for old men in Oslo?",
        "Which pet in Lyon is youngest?",
        "Is Luna still in Oslo?",
    ]
    answer = written(*texts)
    answer["instructions"][1]["functions"] = ["findDogs"]
    async with scripted(write(answer), write(written("A rabbit in Lyon, please."))) as (teacher, endpoint):
        made = (await instruct_api(toolset, 4, SINGLE, 0, teacher)).instructions
    assert [item.text for item in made] == [texts[0], *texts[2:], "A rabbit in Lyon, please."]
    second = endpoint.requests[1]["messages"][0]["content"]
    assert "Write 1 different requests" in second
    assert "\"functions\" holds 'findDogs', which does not exist; use one of searchPets, createPet" in second


async def test_a_teacher_that_writes_nothing_usable_is_an_error_that_says_why(toolset: Toolset) -> None:
    async with scripted(last=write(written("Any dogs?", functions=("findDogs",)))) as (teacher, _):
        with pytest.raises(TeacherError, match=r"no usable instruction: .*holds 'findDogs', which does not exist"):
            await instruct_api(toolset, 1, SINGLE, 0, teacher)


async def test_the_endpoint_is_told_the_names_and_numbers_that_there_are(toolset: Toolset) -> None:
    script = [write(written("Any dogs in Lyon?")), write(written("Any?", withheld={"parameter": "city", "value": "X"}))]
    async with scripted(*script) as (teacher, endpoint):
        await instruct_api(toolset, 1, SINGLE, 0, teacher)
        await instruct_api(toolset, 1, {Kind.MISSING_DETAIL: 1.0}, 0, teacher)
    single, missing = (request["response_format"]["json_schema"]["schema"] for request in endpoint.requests)
    assert single["properties"]["instructions"]["maxItems"] == 1
    functions = single["$defs"]["_Written"]["properties"]["functions"]
    assert functions["items"]["enum"] == ["searchPets", "createPet", "getPet", "deletePet"]
    assert (functions["minItems"], functions["maxItems"]) == (1, 1)
    assert "withheld" not in single["$defs"]["_Written"]["properties"]
    assert "withheld" in missing["$defs"]["_Written"]["required"]
    assert single["$defs"]["_Written"]["properties"]["values"]["maxItems"] == 2
    assert missing["$defs"]["_Detail"]["properties"]["parameter"]["enum"] == ["city", "name", "petId"]


@pytest.mark.parametrize(
    ("kind", "told", "value"),
    [
        ("integer", "5", 5),
        ("number", " 2.5 ", 2.5),
        ("boolean", "True", True),
        ("string", 5, "5"),
        ("string", "5", "5"),
        ("integer", 5, 5),
    ],
)
async def test_a_value_is_of_its_parameter_s_type(toolset: Toolset, kind: str, told: Any, value: Any) -> None:
    function = toolset.functions[0].model_copy(
        update={"parameters": {"type": "object", "properties": {"age": {"type": kind}}, "required": ["age"]}}
    )
    aged = toolset.model_copy(update={"functions": (function, *toolset.functions[1:])})
    answer = written("Any dogs that are old?", withheld={"parameter": "age", "value": told})
    async with scripted(write(answer)) as (teacher, _):
        (made,) = (await instruct_api(aged, 1, {Kind.MISSING_DETAIL: 1.0}, 0, teacher)).instructions
    assert made.withheld == Detail(parameter="age", value=value)


@pytest.mark.parametrize("name", ["searchPets", "searchPets()", 'searchPets(city="Lyon")', "functions.searchPets"])
async def test_a_function_that_is_written_as_a_call_is_that_function(toolset: Toolset, name: str) -> None:
    async with scripted(write(written("Any dogs in Lyon?", functions=(name,)))) as (teacher, _):
        (made,) = (await instruct_api(toolset, 1, SINGLE, 0, teacher)).instructions
    assert made.functions == ("searchPets",)


@pytest.mark.parametrize(
    "values",
    [{"city": "Lyon"}, [{"parameter": "city", "value": "Lyon"}, "Lyon"], {"parameter": "city", "value": "Lyon"}],
    ids=["by name", "with one that cannot be read", "one"],
)
async def test_values_are_read_as_they_were_meant(toolset: Toolset, values: Any) -> None:
    answer = {"instructions": [{"text": "Any dogs in Lyon?", "functions": ["searchPets"], "values": values}]}
    async with scripted(write(answer)) as (teacher, _):
        (made,) = (await instruct_api(toolset, 1, SINGLE, 0, teacher)).instructions
    assert made.text == "Any dogs in Lyon?"


async def test_what_cannot_be_met_as_it_is_said_is_asked_for_anew(toolset: Toolset) -> None:
    async with scripted(write(written("Any dogs near me?")), write(written("Any dogs in Lyon?"))) as (
        teacher,
        endpoint,
    ):
        (made,) = (await instruct_api(toolset, 1, SINGLE, 0, teacher)).instructions
    assert made.text == "Any dogs in Lyon?"
    assert "\"values\" has none for 'city', which searchPets requires" in endpoint.requests[1]["messages"][0]["content"]
