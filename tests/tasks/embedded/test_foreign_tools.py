"""Tools of real documents, whose ids, verbs and shapes follow nobody's habits."""

from random import Random
from typing import Any

import pytest

from tasks.embedded.assistant.observing import Outcome, resolve
from tasks.embedded.assistant.responding import compose_response
from tasks.embedded.plans import Reference
from tasks.embedded.tool_roles import read_tools
from tasks.embedded.user.planning import can_plan, plan_several
from tests.tasks.embedded.conftest import make_function

ID = {"type": "integer", "description": "The id"}
TOKEN = {"type": "string", "description": "The access token"}


def respond(function: dict[str, Any], body: Any) -> str:
    return compose_response(read_tools([function]), [Outcome(function["name"], 200, body)], "Please do.", Random(0))


def test_an_id_that_no_function_tells_is_the_users_to_know() -> None:
    icon = make_function("generateIcon", "Generate an icon. Returns: url.", ["serverId"], serverId=ID)
    listing = make_function("listServers", "List servers. Returns: list of id, name.", [])
    alone, listed = read_tools([icon]), read_tools([icon, listing])
    assert can_plan(alone[0], alone)
    assert not can_plan(listed[0], listed)


def test_what_only_a_creation_tells_is_referred_to_after_it() -> None:
    title = {"type": "string", "description": "The title"}
    tools = read_tools(
        [
            make_function("createBoard", "Create a board. Returns: boardId.", ["title"], title=title),
            make_function("deleteBoard", "Delete a board. Returns: message.", ["boardId"], boardId=ID),
        ]
    )
    chains = [steps for seed in range(20) if (steps := plan_several(tools, Random(seed)))[1].refers]
    assert chains
    for create, delete in chains:
        assert (create.function, delete.function) == ("createBoard", "deleteBoard")
        assert dict(delete.arguments)["boardId"] == Reference("that")


def test_an_update_needs_its_id_even_where_the_document_leaves_it_out() -> None:
    (tool,) = read_tools([make_function("updateBoard", "Modify a board.", [], boardId=ID, title={"type": "string"})])
    assert tool.archetype == "update"
    assert tool.reference is not None


def test_what_an_id_leads_to_may_be_something_else() -> None:
    cast, anime = read_tools(
        [
            make_function("getCastAndCrew", "Get the cast. Returns: name.", ["animeId"], animeId=ID),
            make_function("getAnimeDetails", "Get an anime. Returns: title.", ["animeId"], animeId=ID),
        ]
    )
    assert (cast.archetype, anime.archetype) == ("other", "get")


def test_a_required_parameter_is_no_paging() -> None:
    order = {"type": "string", "description": "The order"}
    (tool,) = read_tools([make_function("getFruitsByOrder", "Get fruits by order.", ["order"], order=order)])
    assert tool.parameter("order").role == "value"


def test_an_id_is_no_amount_to_rank_by() -> None:
    query = {"type": "string", "description": "What to look for"}
    tools = read_tools(
        [
            make_function("searchBoards", "Search. Returns: boards (list of boardId, title).", ["query"], query=query),
            make_function("getBoard", "Get a board. Returns: title.", ["boardId"], boardId=ID),
        ]
    )
    for seed in range(30):
        references = [v for step in plan_several(tools, Random(seed)) for _, v in step.arguments]
        assert {v.select for v in references if isinstance(v, Reference)} <= {"first", "last"}


def test_one_request_has_one_access_token() -> None:
    tools = read_tools(
        [
            make_function("listRoles", "List roles. Returns: list of roleId.", ["accessToken"], accessToken=TOKEN),
            make_function("listUsers", "List users. Returns: list of userId.", ["accessToken"], accessToken=TOKEN),
        ]
    )
    for seed in range(10):
        assert len({dict(step.arguments)["accessToken"] for step in plan_several(tools, Random(seed))}) == 1


CHECK = make_function("checkReputation", "Check an address. Returns: score, reports.", [])


def test_a_thing_with_a_list_in_it_is_told_with_its_own_fields_first() -> None:
    said = respond(CHECK, {"score": 64, "reports": [{"reportId": 7, "category": "spam"}]})
    assert "the score is 64" in said
    assert "1 report: spam" in said


def test_counts_beside_a_list_are_no_thing() -> None:
    said = respond(CHECK, {"total": 1, "page": 1, "reports": [{"reportId": 7, "category": "spam"}]})
    assert "the total is" not in said
    assert "1 result: spam" in said


def test_a_listing_that_answers_with_one_thing_found_something() -> None:
    feeds = make_function("listFeeds", "List the feeds. Returns: feedUrl.", [])
    assert "https://feeds.example/1" in respond(feeds, {"feedUrl": "https://feeds.example/1"})


@pytest.mark.parametrize("body", [[], {"feeds": [], "total": 0}, None])
def test_an_empty_listing_found_nothing(body: Any) -> None:
    assert "No feeds match" in respond(make_function("listFeeds", "List the feeds.", []), body)


def test_names_with_numbers_are_told_as_they_stand() -> None:
    said = respond(CHECK, {"hours2": "9 to 5", "1": "nothing"})
    assert "the hours2 is 9 to 5" in said
    assert "nothing" not in said


PET_ID = make_function("getPet", "Get a pet.", ["petId"], petId=ID)


def test_a_search_that_answers_with_one_thing_gives_the_first_of_one() -> None:
    pet_id = read_tools([PET_ID])[0].parameter("petId")
    assert resolve(Reference("first"), pet_id, [Outcome("searchPet", 200, {"id": 7, "name": "Luna"})]) == 7


def test_the_first_of_a_list_is_not_what_was_created_since() -> None:
    pet_id = read_tools([PET_ID])[0].parameter("petId")
    found = Outcome("searchPets", 200, {"pets": [{"id": 7}, {"id": 8}]})
    made = Outcome("createVisit", 201, {"id": 900, "title": "First look"})
    assert resolve(Reference("first"), pet_id, [found, made]) == 7


@pytest.mark.parametrize(
    ("schema", "examples"),
    [
        ({"description": 'The city (for example: "Oslo", "Bergen")'}, ["Oslo", "Bergen"]),
        ({"description": 'The city (for example: "Oslo")', "examples": ["Rome"]}, ["Rome"]),
        ({"description": "The city (for example: Oslo)"}, None),
        ({"description": "For example, a city"}, None),
    ],
)
def test_examples_may_stand_in_a_description(schema: dict[str, Any], examples: list[str] | None) -> None:
    (tool,) = read_tools([make_function("searchStations", "Search stations.", [], city={"type": "string", **schema})])
    assert tool.parameters[0].schema.get("examples") == examples
