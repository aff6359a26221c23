"""Which functions an assistant is offered: all, or as many as endpoints take with the planned ones among them."""

import pytest

from schemas.toolset import Function, Toolset
from tasks.agents.offering import MOST_FUNCTIONS, choose_functions
from tests.tasks.agents.parts import call, make_instruction
from tests.tasks.agents.test_episode import LYON, play
from tests.tasks.teacher.endpoints import Reply, fail, say


def widen(toolset: Toolset, count: int) -> Toolset:
    """The toolset with so many functions, of which only its own can be called."""
    more = (
        Function(name=f"more{number}", description="No.", parameters={"type": "object", "properties": {}})
        for number in range(count - len(toolset.functions))
    )
    return toolset.model_copy(update={"functions": (*more, *toolset.functions)})


def test_all_are_offered_where_they_are_taken(toolset: Toolset) -> None:
    wide = widen(toolset, MOST_FUNCTIONS)
    assert choose_functions(wide, (), MOST_FUNCTIONS) is wide.functions


def test_of_more_the_planned_ones_are_there_in_the_order_of_the_document(toolset: Toolset) -> None:
    wide = widen(toolset, 200)
    planned = ("searchPets", "more3")
    chosen = choose_functions(wide, planned, MOST_FUNCTIONS)
    assert len(chosen) == MOST_FUNCTIONS
    assert set(planned) <= {function.name for function in chosen}
    places = [wide.functions.index(function) for function in chosen]
    assert places == sorted(places)
    assert places != list(range(MOST_FUNCTIONS))  # drawn, and not the first ones


def test_episodes_of_an_api_are_offered_nearly_the_same(toolset: Toolset) -> None:
    wide = widen(toolset, 200)
    one = {function.name for function in choose_functions(wide, ("more3",), 64)}
    other = {function.name for function in choose_functions(wide, ("more4", "searchPets"), 64)}
    assert len(one & other) >= 61
    assert choose_functions(wide, ("more3",), 64) == choose_functions(wide, ("more3",), 64)


def limit_to(most: int, then: list[Reply]) -> Reply:
    """Refuses requests with more functions than these, as OpenAI does, and else takes the replies in turn."""
    said = f"Invalid 'tools': array too long. Expected an array with maximum length {most}, but got an array with more."
    return lambda body: (fail(400, said) if len(body["tools"]) > most else then.pop(0))(body)


@pytest.mark.parametrize("functions", [200, 100])
async def test_an_episode_begins_again_where_the_endpoint_takes_fewer(toolset: Toolset, functions: int) -> None:
    wide = widen(toolset, functions)
    instruction = make_instruction().model_copy(update={"functions": ("searchPets",)})
    reply = limit_to(64, [call(("searchPets", LYON)), say("There are pets.")])
    trajectory, endpoint, _ = await play(wide, instruction=instruction, last=reply)
    assert [len(body["tools"]) for body in endpoint.requests] == [min(functions, MOST_FUNCTIONS), 64, 64]
    assert trajectory.end == "response"
