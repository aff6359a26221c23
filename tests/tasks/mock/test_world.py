"""An episode's world: what exists from the start, what is made on demand, and what stays as it is."""

import pickle
import re
from typing import Any

import pytest

from tasks.mock.filters import Condition
from tasks.mock.plan import Collection, Filter
from tasks.mock.world import MOST_THINGS, Stocks, Thing, Wish, World
from tests.tasks.mock.documents import DATE, FLAG, MOMENT, NUMBER, TEXT, WHOLE, Json, array, record


def pets(**more: Json) -> Collection:
    properties = {"id": TEXT, "name": TEXT, "age": {"type": "integer", "minimum": 0, "maximum": 20}, **more}
    return Collection("pet", record(**properties), id_name="id", label="name")


def ask(name: str, value: Any, test: str = "equal", schema: Json = WHOLE) -> Condition:
    return Condition(Filter(name, (name,), test, schema), value)


def list_values(things: list[Thing], name: str) -> list[Any]:
    return [thing.values[name] for thing in things]


@pytest.fixture
def world() -> World:
    return World("an-api", 1)


def test_a_generator_hangs_on_api_seed_and_purpose() -> None:
    draws = [
        World(api, seed).rng(*parts).random()
        for api, seed, parts in (("a", 1, ("x", 1)), ("a", 2, ("x", 1)), ("b", 1, ("x", 1)), ("a", 1, ("x", 2)))
    ]
    assert len(set(draws)) == 4
    assert World("a", 1).rng("x", 1).random() == draws[0]


@pytest.mark.parametrize("seed", range(30))
def test_four_to_six_things_exist_from_the_start(seed: int) -> None:
    things = World("an-api", seed).find(pets(), Wish())
    assert 4 <= len(things) <= 6
    assert len({thing.id for thing in things}) == len(things)


def test_every_size_of_stock_occurs() -> None:
    assert {len(World("an-api", seed).find(pets(), Wish())) for seed in range(40)} == {4, 5, 6}


@pytest.mark.parametrize(
    ("examples", "sizes"), [(1, {4, 5, 6}), (3, {4, 5, 6}), (5, {6, 7, 8}), (10, {11, 12, 13}), (14, {11, 12, 13})]
)
def test_examples_of_ids_are_among_the_first_things(examples: int, sizes: set[int]) -> None:
    collection = pets()
    collection.id_examples = [f"p{number}" for number in range(100, 100 + examples)]
    found = set()
    for seed in range(25):
        ids = World("an-api", seed).list_ids(collection)
        assert ids[: min(examples, 10)] == collection.id_examples[:10]
        found.add(len(ids))
    assert found == sizes


def test_ids_that_run_out_make_fewer_things() -> None:
    collection = pets(id={"type": "integer", "minimum": 1, "maximum": 2})
    assert all(set(World("an-api", seed).list_ids(collection)) <= {1, 2} for seed in range(20))
    assert {len(World("an-api", seed).list_ids(collection)) for seed in range(20)} == {2}


def test_what_is_listed_of_ids_is_what_is_there(world: World) -> None:
    assert (
        list_values(world.find(pets(), Wish()), "id") == world.list_ids(pets()) == World("an-api", 1).list_ids(pets())
    )


def test_a_wish_that_narrows_down_is_met_by_one_to_five_things() -> None:
    sizes = set()
    for seed in range(60):
        found = World("an-api", seed).find(pets(colour=TEXT), Wish((ask("colour", "green", schema=TEXT),)))
        assert set(list_values(found, "colour")) == {"green"}
        sizes.add(len(found))
    assert sizes == {1, 2, 3, 4, 5}


def test_at_least_and_at_most_so_many_are_found(world: World) -> None:
    collection = pets(colour=TEXT)
    green = (ask("colour", "green", schema=TEXT),)
    assert len(world.find(collection, Wish(green, least=7))) == 7
    assert len(World("an-api", 1).find(collection, Wish(green, most=1))) == 1
    assert len(World("an-api", 1).find(collection, Wish((), least=9))) == 9
    assert len(World("an-api", 1).find(collection, Wish((), least=500))) == MOST_THINGS


def test_things_that_were_made_once_are_found_again(world: World) -> None:
    collection = pets(colour=TEXT)
    wish = Wish((ask("colour", "green", schema=TEXT),))
    first = world.find(collection, wish)
    assert world.find(collection, wish) == first
    more = world.find(collection, Wish(wish.conditions, least=len(first) + 3))
    assert more[: len(first)] == first
    assert len(more) == len(first) + 3
    for thing in more:
        world.delete(collection, thing)
    assert world.find(collection, wish) == []  # what was deleted does not come back


def test_what_fits_already_is_not_made_anew(world: World) -> None:
    collection = pets(colour=TEXT)
    made = [world.create(collection, {"colour": "octarine"}, {}) for _ in range(6)]
    assert world.find(collection, Wish((ask("colour", "octarine", schema=TEXT),))) == made


def test_what_cannot_be_made_to_fit_is_not_found(world: World) -> None:
    collection = pets(colour={"enum": ["red", "blue"]})
    assert world.find(collection, Wish((ask("colour", "green", schema=collection.properties["colour"]),))) == []


def test_things_are_found_under_what_they_were_made_for(world: World) -> None:
    here, there = (Wish(scope=(("shop", shop),)) for shop in ("north", "south"))
    found = world.find(pets(), here)
    assert 1 <= len(found) <= 5
    assert all(thing.scope == {"shop": "north"} for thing in found)
    assert {thing.id for thing in world.find(pets(), there)}.isdisjoint(thing.id for thing in found)
    assert world.find(pets(), here) == found
    both = Wish(scope=(("shop", "north"), ("floor", 2)))
    assert not set(map(id, world.find(pets(), both))) & set(map(id, found))


def test_a_search_of_text_finds_and_makes_what_holds_the_words(world: World) -> None:
    collection = pets(description=TEXT)
    found = world.find(collection, Wish(text="purple hat"))
    assert 1 <= len(found) <= 5
    assert all("purple hat" in str(thing.values).lower() for thing in found)
    assert world.find(collection, Wish(text="purple hat")) == found


def test_answers_hang_on_what_was_asked_and_not_on_when() -> None:
    green, old = Wish((ask("colour", "green", schema=TEXT),)), Wish((ask("age", 19),))
    one, two = World("an-api", 1), World("an-api", 1)
    collection = pets(colour=TEXT)
    first = [thing.values for thing in one.find(collection, green)]
    one.find(collection, old)
    two.find(collection, old)
    two.create(collection, {"colour": "red"}, {})
    assert [thing.values for thing in two.find(collection, green)] == first


def test_a_thing_is_found_by_its_id_as_text_or_number(world: World) -> None:
    collection = pets(id=WHOLE)
    thing = world.find(collection, Wish())[0]
    assert world.find_by_id(collection, thing.id) is world.find_by_id(collection, str(thing.id)) is thing
    assert world.find_by_id(collection, -1) is None


def test_what_is_created_has_the_values_that_were_given_and_others_made_up(world: World) -> None:
    made = world.create(pets(), {"name": "Rex", "nick": "R"}, {"shop": "north"})
    assert (made.values["name"], made.values["nick"], made.scope) == ("Rex", "R", {"shop": "north"})
    assert isinstance(made.values["age"], int)
    assert made.values["id"] == made.id
    assert world.find_by_id(pets(), made.id) is made
    assert world.find(pets(), Wish())[-1] is made


def test_two_creations_differ_in_what_was_not_given(world: World) -> None:
    made = [world.create(pets(price=NUMBER), {}, {}) for _ in range(4)]
    assert len({thing.id for thing in made}) == 4
    assert len({thing.values["price"] for thing in made}) > 1
    assert len({thing.values["name"] for thing in made}) == 4


def test_two_creations_without_a_name_differ_too(world: World) -> None:
    notes = Collection("note", record(price=NUMBER))
    assert world.create(notes, {}, {}).values != world.create(notes, {}, {}).values


def test_what_belongs_together_stays_together_where_names_are_drawn_anew() -> None:
    """A country's code is its own, though no country comes twice; five draws in a row that are taken are rare."""
    countries = Collection("country", record(name=TEXT, code=TEXT), label="name")
    countries.fuller_names = {"name": "country_name", "code": "country_code"}
    codes: dict[str, set[str]] = {}
    for seed in range(40):
        for thing in World("an-api", seed).find(countries, Wish()):
            codes.setdefault(thing.values["name"], set()).add(thing.values["code"])
    assert len(codes) > 20
    assert sum(len(told) - 1 for told in codes.values()) <= 1


def test_an_id_that_is_given_is_kept_where_it_is_free(world: World) -> None:
    first = world.create(pets(), {"id": "p1"}, {})
    second = world.create(pets(), {"id": "p1", "name": "Rex"}, {})
    assert (first.id, first.values["id"]) == ("p1", "p1")
    assert second.id != "p1"
    assert second.values["id"] == second.id
    assert world.find_by_id(pets(), "p1") is first
    world.delete(pets(), first)
    assert world.create(pets(), {"id": "p1"}, {}).id == "p1"  # asked for by name, it may come back
    third = world.create(pets(), {"id": None}, {})
    assert third.id is not None


def test_things_without_an_id_can_be_created(world: World) -> None:
    notes = Collection("note", record(text=TEXT))
    made = world.create(notes, {"text": "Hello"}, {})
    assert made.values == {"text": "Hello"}
    assert world.find(notes, Wish())[-1] is made


def test_a_thing_is_made_up_for_an_id_from_outside_once(world: World) -> None:
    made = world.ensure(pets(), "x-1")
    assert made.values["id"] == made.id == "x-1"
    assert world.ensure(pets(), "x-1") is made
    assert World("an-api", 1).ensure(pets(), "x-1").values == made.values
    assert world.ensure(pets(), "x-2").values != made.values


def test_the_id_of_what_was_deleted_is_not_given_to_another(world: World) -> None:
    collection = pets(id={"type": "integer", "minimum": 1, "maximum": 9})
    gone = world.find(collection, Wish())[:2]
    for thing in gone:
        world.delete(collection, thing)
        assert world.find_by_id(collection, thing.id) is None
        assert thing not in world.find(collection, Wish())
    made = [world.create(collection, {}, {}) for _ in range(2)]
    assert {thing.id for thing in made}.isdisjoint(thing.id for thing in gone)


def test_aliases_hold_the_id_too(world: World) -> None:
    collection = pets(pet_id=TEXT, petIds=array(TEXT))
    collection.id_aliases = ["pet_id", "petIds"]
    thing = world.find(collection, Wish())[0]
    assert (thing.values["pet_id"], thing.values["petIds"]) == (thing.id, [thing.id])


def test_an_alias_that_cannot_hold_the_id_keeps_its_own_value(world: World) -> None:
    collection = pets(id=WHOLE, pet_id=TEXT, code=FLAG)
    collection.id_aliases = ["pet_id", "code"]
    thing = world.find(collection, Wish())[0]
    assert thing.values["pet_id"] == str(thing.id)
    assert isinstance(thing.values["code"], bool)


def test_things_refer_to_things_that_exist(world: World) -> None:
    owners = Collection("owner", record(id=TEXT), id_name="id")
    collection = pets(owner_id=TEXT)
    collection.foreign = {"owner_id": owners}
    assert set(list_values(world.find(collection, Wish()), "owner_id")) <= set(world.list_ids(owners))
    for owner in world.find(owners, Wish()):
        world.delete(owners, owner)
    only = world.create(owners, {"id": "o1"}, {})
    assert world.create(collection, {}, {}).values["owner_id"] == only.id
    world.delete(owners, only)
    assert world.create(collection, {}, {}).values["owner_id"] in world.list_ids(owners)


def test_ids_are_of_the_kind_that_their_name_tells_and_carry_the_last_word_of_the_things(world: World) -> None:
    tagged = Collection("tag", record(uuid=TEXT), id_name="uuid")
    items = Collection("line_item", record(id=TEXT), id_name="id")
    for collection, form in ((tagged, "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), (items, "item_[0-9]{4}")):
        made = world.create(collection, {}, {})
        assert all(re.fullmatch(form, str(id_)) for id_ in (*world.list_ids(collection), made.id))


@pytest.mark.parametrize("seed", range(12))
def test_what_must_come_first_does(seed: int) -> None:
    collection = pets(start_date=DATE, end_date=DATE, low=NUMBER, high=NUMBER, min_tag=array(TEXT), max_tag=array(TEXT))
    collection.pairs = [("start_date", "end_date"), ("low", "high"), ("min_tag", "max_tag")]
    for thing in World("an-api", seed).find(collection, Wish()):
        assert thing.values["start_date"] <= thing.values["end_date"]
        assert thing.values["low"] <= thing.values["high"]


def test_a_pair_of_two_sorts_is_left_alone(world: World) -> None:
    collection = pets(opens={"const": 9}, closes={"const": "17:00"}, low={"const": None}, high={"const": None})
    collection.pairs = [("opens", "closes"), ("low", "high")]
    thing = world.find(collection, Wish())[0]
    assert (thing.values["opens"], thing.values["closes"]) == (9, "17:00")


def test_what_is_asked_for_holds_against_the_order_of_a_pair(world: World) -> None:
    collection = pets(
        low={"type": "integer", "minimum": 1, "maximum": 50}, high={"type": "integer", "minimum": 1, "maximum": 50}
    )
    collection.pairs = [("low", "high")]
    found = world.find(collection, Wish((ask("low", 33),)))
    assert set(list_values(found, "low")) == {33}


@pytest.mark.parametrize("seed", range(10))
def test_no_two_things_share_a_name_while_there_are_names(seed: int) -> None:
    collection = pets(name={"type": "string", "examples": ["Old Boy", "Fine Girl", 7]})
    names = set(list_values(World("an-api", seed).find(collection, Wish(least=14)), "name"))
    assert len(names) == 14
    assert names >= {"Old Boy", "Old Girl", "Fine Boy", "Fine Girl"}  # those of the examples' words before all others


def test_names_are_shared_where_a_schema_names_them_all(world: World) -> None:
    collection = pets(name={"type": "string", "enum": ["Rex", "Ace"]})
    names = list_values(world.find(collection, Wish(least=8)), "name")
    assert set(names) == {"Rex", "Ace"}


def test_further_names_conform(world: World) -> None:
    collection = pets(name={"type": "string", "examples": ["Old Girl", "Finest Boy"], "maxLength": 10})
    names = list_values(world.find(collection, Wish(least=12)), "name")
    assert all(len(name) <= 10 for name in names)


def test_a_thing_is_shown_as_a_schema_asks_for_it(world: World) -> None:
    thing = Thing("p1", {"id": "p1", "name": "Rex", "owner": {"name": "Ann", "phone": "1"}, "tags": ["a"], "age": 3})
    shown = world.project(thing, record(name=TEXT, owner=record(name=TEXT), tags=array(TEXT), age=NUMBER))
    assert shown == {"name": "Rex", "owner": {"name": "Ann"}, "tags": ["a"], "age": 3}
    assert thing.values["owner"] == {"name": "Ann", "phone": "1"}


def test_an_object_whose_members_are_open_is_shown_whole(world: World) -> None:
    thing = Thing("p1", {"owner": {"name": "Ann", "phone": "1"}})
    assert world.project(thing, record(owner={"type": "object"})) == {"owner": {"name": "Ann", "phone": "1"}}


@pytest.mark.parametrize(
    ("held", "schema", "is_kept"),
    [
        ("a", TEXT, True), (1, TEXT, False), (1, WHOLE, True), (1.5, WHOLE, False), (True, WHOLE, False),
        (1, NUMBER, True), (True, NUMBER, False), (True, FLAG, True), (1, FLAG, False), ([1], array(WHOLE), True),
        ("a", array(TEXT), False), ({}, {"type": "object"}, True), ([], {"type": "object"}, False),
        (None, {"type": ["string", "null"]}, True), (None, TEXT, False), (1, {"type": ["string", "null"]}, False),
        (1, {}, True), ("a", {"enum": ["a"]}, True), ("b", {"enum": ["a"]}, False), (1, {"type": "file"}, False),
        ("b", {"type": "string", "enum": ["a"]}, False), ("a", WHOLE, False), ("a", NUMBER, False),
        ("a", {"type": ["string", "null"]}, True), ("a", {"properties": {"b": TEXT}}, True),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_shown_as_another(world: World, held: Any, schema: Json, is_kept: bool) -> None:
    thing = Thing("p1", {"it": held})
    shown = world.project(thing, {"type": "object", "properties": {"it": schema}})
    if is_kept:
        assert shown == {"it": held}
        assert thing.variants == {}
    else:
        assert (type(shown["it"]), shown["it"]) != (type(held), held)
    assert thing.values == {"it": held}
    assert world.project(thing, {"type": "object", "properties": {"it": schema}}).keys() == {"it"}


def test_what_was_made_up_for_a_view_is_kept(world: World) -> None:
    thing = Thing("p1", {})
    schema = record(city=TEXT)
    first = world.project(thing, schema)
    assert world.project(thing, schema) == first == thing.values
    assert world.project(thing, record(city=TEXT, town=TEXT))["city"] == first["city"]


def test_views_differ_from_thing_to_thing(world: World) -> None:
    schema = record(price=NUMBER)
    assert len({world.project(Thing(number, {}), schema)["price"] for number in range(5)}) > 1


def test_a_stock_is_left_for_others_and_not_reached_again() -> None:
    stocks: Stocks = {}
    first = World("an-api", 1, stocks)
    things = first.find(pets(), Wish())
    left = dict(stocks)
    assert [thing.values for thing in pickle.loads(left["pet"]).things] == [thing.values for thing in things]
    things[0].values["name"] = "Changed"
    first.create(pets(), {}, {})
    first.delete(pets(), things[1])
    assert stocks == left
    second = World("an-api", 1, stocks).find(pets(), Wish())
    assert [thing.values for thing in second] == [thing.values for thing in World("an-api", 1).find(pets(), Wish())]
    assert second[0].values["name"] != "Changed"


def test_a_stock_that_lies_there_is_taken() -> None:
    stocks: Stocks = {}
    World("an-api", 1, stocks).find(pets(), Wish())
    other = World("an-api", 2, stocks).find(pets(), Wish())  # a stock of another seed, to see where it comes from
    assert [thing.id for thing in other] == World("an-api", 1).list_ids(pets())


def test_moments_of_a_created_thing_stay(world: World) -> None:
    made = world.create(pets(created_at=MOMENT), {"name": "Rex"}, {})
    assert world.project(made, record(created_at=MOMENT)) == {"created_at": made.values["created_at"]}
