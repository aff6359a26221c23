"""What is wrong with an instruction: its text, the functions that it names, and the values that they need."""

import itertools
from typing import Any

import pytest

from schemas.episodes import Detail, Kind
from schemas.toolset import Toolset
from tasks.agents.instruction_problems import find_instruction_problem
from tests.tasks.agents.parts import Json

SEARCH, GET = ("searchPets",), ("getPet",)
LYON = Detail(parameter="city", value="Lyon")


def find(
    toolset: Toolset,
    text: str,
    kind: Kind,
    functions: tuple[str, ...],
    withheld: Detail | None = None,
    values: tuple[Detail, ...] = (),
) -> str:
    return find_instruction_problem(text, functions, values, withheld, toolset, kind)


@pytest.fixture(scope="module")
def undemanding(toolset: Toolset) -> Toolset:
    """The API of pets with functions that can do without any parameter."""
    return with_parameters(toolset, {"type": "object"})


def with_parameters(toolset: Toolset, *parameters: Json) -> Toolset:
    """The API with these parameters of its first functions; the last are those of all that follow."""
    following = itertools.chain(parameters, itertools.repeat(parameters[-1]))
    functions = [
        function.model_copy(update={"parameters": own})
        for function, own in zip(toolset.functions, following, strict=False)
    ]
    return toolset.model_copy(update={"functions": tuple(functions)})


@pytest.mark.parametrize(
    ("kind", "fewest", "most"),
    [
        (Kind.SINGLE_CALL, 1, 1),
        (Kind.MULTI_CALL, 2, 4),
        (Kind.NO_TOOL, 0, 0),
        (Kind.ERROR_RECOVERY, 1, 2),
    ],
)
def test_a_kind_names_as_many_functions_as_it_has_calls(
    undemanding: Toolset, kind: Kind, fewest: int, most: int
) -> None:
    right = [number for number in range(6) if not find(undemanding, "Any?", kind, SEARCH * number)]
    assert right == list(range(fewest, most + 1))


OF_THE_USER = "it tells of the request; write what the user says, as the user would type it"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Find pets.", ""),
        ("Please searchPets in Lyon.", "it holds the function's name 'searchPets'; say it in plain words"),
        ("Please SEARCHPETS in Lyon.", "it holds the function's name 'searchPets'; say it in plain words"),
        ("I run mysearchPetsite.", ""),
        ("Ask Petfinder.", "it names the API; say what is wanted without 'Petfinder'"),
        ("Does this API find pets?", "it speaks of the API, of which users know nothing; say what is wanted"),
        ("Which API finds pets?", ""),
        ('Find pets; the API key is "k-17".', ""),
        ("The user wants to find pets in Lyon.", OF_THE_USER),
        ("Pets in Lyon: a user is looking for some.", OF_THE_USER),
        ("Find the pets of this user, who types too fast.", ""),
        ("The user is locked out: let user 17 in again.", ""),
        ("x" * 4000, ""),
        ("x" * 4001, "it has 4,001 characters; write at most 4,000"),
    ],
)
def test_a_text_is_one_that_a_user_would_write(undemanding: Toolset, text: str, problem: str) -> None:
    assert find(undemanding, text, Kind.SINGLE_CALL, SEARCH) == problem


def test_a_function_s_name_that_is_a_plain_word_may_be_said(undemanding: Toolset) -> None:
    functions = (undemanding.functions[0].model_copy(update={"name": "search"}), *undemanding.functions[1:])
    plain = undemanding.model_copy(update={"functions": functions})
    assert find(plain, "Please search pets.", Kind.SINGLE_CALL, ("search",)) == ""


@pytest.mark.parametrize(
    ("functions", "withheld", "problem"),
    [
        (SEARCH, LYON, ""),
        ((*SEARCH, *GET), LYON, ""),
        (SEARCH, None, '"withheld" is missing; give the parameter and its value (city)'),
        (GET, LYON, "\"withheld\" names 'city'; take one that is required: petId"),
        (SEARCH, Detail(parameter="limit", value=5), "\"withheld\" names 'limit'; take one that is required: city"),
        (SEARCH, Detail(parameter="city", value=5), "the \"value\" of \"withheld\" does not fit 'city'; take one that "
            "conforms to its schema"),
        (SEARCH, Detail(parameter="city", value="Oslo"), "it says 'Oslo', which is to be left out of the request"),
        (SEARCH, Detail(parameter="city", value="Os"), ""),
    ],
)  # fmt: skip
def test_what_is_withheld_is_required_fits_and_is_not_said(
    toolset: Toolset, functions: tuple[str, ...], withheld: Detail | None, problem: str
) -> None:
    assert find(toolset, "Any dogs for me? I am from oslo.", Kind.MISSING_DETAIL, functions, withheld) == problem


ID, OSLO = Detail(parameter="petId", value="pet_4821"), Detail(parameter="city", value="Oslo")
NO_CITY = "\"values\" has none for 'city', which searchPets requires; have the text say one, and give it there"
UNSAID = "its text does not say 'Lyon', the value of 'city'; write it into the text"


@pytest.mark.parametrize(
    ("text", "functions", "values", "problem"),
    [
        ("Any pets in Lyon?", SEARCH, (LYON,), ""),
        ("Any pets in lyon, please?", SEARCH, (LYON,), ""),
        ("Any pets near me?", SEARCH, (), NO_CITY),
        ("Any pets near me?", SEARCH, (ID,), "\"values\" has 'petId', which is no parameter of searchPets"),
        ("Any pets near me?", SEARCH, (LYON,), UNSAID),
        ("Any pets in Lyon or Oslo?", SEARCH * 2, (LYON, OSLO), ""),
        ("Any pets in Oslo or near me?", SEARCH * 2, (OSLO, LYON), UNSAID),
        ("Show the first pet in Lyon.", SEARCH + GET, (LYON,), ""),
        ("Show the first pet in Lyon.", GET + SEARCH, (LYON,),
            "\"values\" has none for 'petId', which getPet requires; have the text say one, and give it there"),
        ("Show pet_4821 and all in Lyon.", GET + SEARCH, (ID, LYON), ""),
        ("Show me pet_1.", GET, (Detail(parameter="petId", value="pet_1"),),
            "there is no 'petId' 'pet_1'; take one of 'pet_4821', 'pet_1093'"),
        ("Any pets in Lyon?", SEARCH, (LYON, Detail(parameter="limit", value=5)), ""),
        ("Any pets in 5?", SEARCH, (Detail(parameter="city", value=5),),
            "the value 5 does not fit 'city'; take one that conforms to its schema"),
    ],
)  # fmt: skip
def test_a_text_says_each_value_that_its_first_call_requires_and_all_that_are_given(
    toolset: Toolset, text: str, functions: tuple[str, ...], values: tuple[Detail, ...], problem: str
) -> None:
    assert find(
        toolset, text, Kind.MULTI_CALL if len(functions) > 1 else Kind.SINGLE_CALL, functions, None, values
    ) == (problem)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "enum": ["dog", "cat"]},
        {"type": "string", "const": "dog"},
        {"type": "string", "default": "dog"},
        {"type": "boolean"},
        {"type": "object"},
        {"type": "array", "items": {"type": "string"}},
        {},
        True,
    ],
)
def test_a_value_that_a_schema_gives_or_no_text_can_say_need_not_be_said(toolset: Toolset, schema: Any) -> None:
    choosy = with_parameters(toolset, {"type": "object", "properties": {"kind": schema}, "required": ["kind"]})
    assert find(choosy, "Any pets?", Kind.SINGLE_CALL, SEARCH) == ""


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (["Lyon", "Oslo"], ""),
        ("Lyon, Oslo", ""),
        (["Lyon", "Rome"], "its text does not say 'Rome', the value of 'cities'; write it into the text"),
    ],
)
def test_each_part_of_a_list_is_said(toolset: Toolset, value: Any, problem: str) -> None:
    cities = {"type": "array", "items": {"type": "string"}}
    listed = with_parameters(toolset, {"type": "object", "properties": {"cities": cities}, "required": ["cities"]})
    given = (Detail(parameter="cities", value=value),)
    assert find(listed, "Any in Lyon or Oslo?", Kind.SINGLE_CALL, SEARCH, None, given) == problem


def test_what_is_withheld_is_the_one_value_that_need_not_be_said(toolset: Toolset) -> None:
    create, name = ("createPet",), Detail(parameter="name", value="Luna")
    demand = "\"values\" has none for 'city'"
    for values, problem in [((LYON,), ""), ((LYON, name), ""), ((), demand)]:
        found = find(toolset, "Enter a pet, it is in Lyon.", Kind.MISSING_DETAIL, create, name, values)
        assert found.startswith(problem) if problem else not found
    found = find(toolset, "Enter a pet, it is in Lyon.", Kind.SINGLE_CALL, create, name, (LYON,))
    assert found.startswith("\"values\" has none for 'name'")


@pytest.mark.parametrize(
    ("returns", "problem"),
    [
        ("Returns: pets (list of id, name).", False),
        ("Returns: pets (list of petId, name).", False),
        ("Returns: pets (list of pet_id).", False),
        ("Returns: pets (list of name, city).", True),
        ("Returns: pets (list of shelterId).", True),
        ("Returns: total.", True),
        ("Returns: pets (list of name, …).", False),
        ("Returns: list of values.", False),
        ("Returns: nothing.", True),
        ("It says no more.", False),
    ],
)
def test_a_later_call_takes_its_values_from_the_text_or_from_what_an_earlier_one_returns(
    toolset: Toolset, returns: str, problem: bool
) -> None:
    first = toolset.functions[0].model_copy(update={"description": f"Search pets. {returns}"})
    telling = toolset.model_copy(update={"functions": (first, *toolset.functions[1:])})
    found = find(telling, "Show the first pet in Lyon.", Kind.MULTI_CALL, SEARCH + GET, None, (LYON,))
    assert found.startswith("\"values\" has none for 'petId'") is problem
