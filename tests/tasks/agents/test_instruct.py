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
from tests.tasks.agents.parts import embedded, scripted, write

SINGLE = {Kind.SINGLE_CALL: 1.0}
weights = st.dictionaries(st.sampled_from(list(Kind)), st.floats(0.01, 1), min_size=1)


def written(*texts: str, functions: tuple[str, ...] = ("searchPets",), withheld: Any = None) -> dict[str, Any]:
    return {"instructions": [{"text": text, "functions": functions, "withheld": withheld} for text in texts]}


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
        made = await instruct_api(toolset, 20, KindShares().by_kind(), seed, teacher)
    assert [item.id for item in made] == [f"petfinder-{number:03}" for number in range(1, 21)]
    assert {item.kind for item in made} == set(Kind)
    texts = [item.text for item in made]
    assert not any(is_repeated(text, texts[:place]) for place, text in enumerate(texts))
    assert not any(names_api(text, toolset.entry.name) for text in texts)
    assert all((item.withheld is not None) == (item.kind is Kind.MISSING_DETAIL) for item in made)


async def test_another_seed_writes_other_instructions_and_the_same_seed_the_same(toolset: Toolset) -> None:
    async with embedded() as teacher:
        first = await instruct_api(toolset, 5, SINGLE, 0, teacher)
        again = await instruct_api(toolset, 5, SINGLE, 0, teacher)
        other = await instruct_api(toolset, 5, SINGLE, 1, teacher)
    assert first == again
    assert {item.text for item in first} != {item.text for item in other}


async def test_repeated_wording_is_thrown_out_and_asked_for_anew(toolset: Toolset) -> None:
    script = [write(written("Find me a dog in Lyon.", "find me a dog in Lyon!")), write(written("Any cats in Oslo?"))]
    async with scripted(*script) as (teacher, endpoint):
        made = await instruct_api(toolset, 2, SINGLE, 0, teacher)
    assert [item.text for item in made] == ["Find me a dog in Lyon.", "Any cats in Oslo?"]
    second = endpoint.requests[1]["messages"][0]["content"]
    assert "Write 1 different requests" in second
    assert "Find me a dog in Lyon." in second


async def test_what_names_the_api_is_thrown_out_and_asked_for_anew(toolset: Toolset) -> None:
    script = [write(written("Ask Petfinder for dogs in Lyon.")), write(written("Any dogs in Lyon?"))]
    async with scripted(*script) as (teacher, _):
        (made,) = await instruct_api(toolset, 1, SINGLE, 0, teacher)
    assert made.text == "Any dogs in Lyon?"


async def test_a_teacher_that_only_repeats_itself_is_asked_three_times_a_kind_and_no_more(toolset: Toolset) -> None:
    async with scripted(last=write(written("Find me a dog in Lyon."))) as (teacher, endpoint):
        made = await instruct_api(toolset, 2, SINGLE, 0, teacher)
    assert len(made) == 1
    assert len(endpoint.requests) == 4 * 3  # the kind itself, then single_call, multi_call and no_tool in its place


async def test_a_kind_that_the_api_does_not_allow_for_is_made_up_for_by_others(toolset: Toolset) -> None:
    random = Function(
        name="getRandomPet", description="Get a random pet. Returns: id, name.", parameters={"type": "object"}
    )
    bare = toolset.model_copy(update={"functions": (random,)})
    async with embedded() as teacher:
        made = await instruct_api(bare, 6, {Kind.MISSING_DETAIL: 1.0}, 0, teacher)
    assert len(made) == 6
    assert {item.kind for item in made} <= {Kind.SINGLE_CALL, Kind.MULTI_CALL, Kind.NO_TOOL}


async def test_a_withheld_detail_must_be_a_parameter_of_the_functions_named(toolset: Toolset) -> None:
    wrong = written("Any dogs near me?", withheld={"parameter": "species", "value": "dog"})
    none = written("Any dogs near me?")
    good = written("Any dogs near me?", withheld={"parameter": "city", "value": "Lyon"})
    async with scripted(write(wrong), write(none), write(good)) as (teacher, endpoint):
        (made,) = await instruct_api(toolset, 1, {Kind.MISSING_DETAIL: 1.0}, 0, teacher)
    assert made.withheld == Detail(parameter="city", value="Lyon")
    complaints = [request["messages"][-1]["content"] for request in endpoint.requests[1:]]
    assert "instruction 1 withholds 'species', no parameter of its functions" in complaints[0]
    assert 'instruction 1 has no "withheld" detail' in complaints[1]


async def test_functions_that_do_not_exist_go_back_and_are_an_error_in_the_end(toolset: Toolset) -> None:
    async with scripted(last=write(written("Any dogs?", functions=("findDogs",)))) as (teacher, endpoint):
        with pytest.raises(TeacherError, match="names a function 'findDogs' that does not exist"):
            await instruct_api(toolset, 1, SINGLE, 0, teacher)
    assert len(endpoint.requests) == 4


async def test_an_instruction_beyond_all_measure_goes_back(toolset: Toolset) -> None:
    long, good = written("Find pets. " * 400), written("Find pets in Lyon.")
    async with scripted(write(long), write(good)) as (teacher, endpoint):
        (made,) = await instruct_api(toolset, 1, SINGLE, 0, teacher)
    assert made.text == "Find pets in Lyon."
    assert "instruction 1 has 4,400 characters; 4,000 are the limit" in endpoint.requests[1]["messages"][-1]["content"]
