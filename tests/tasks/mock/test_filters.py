"""Filters: the thing just inside is met, the one just outside is not; and a thing is made to meet what is asked."""

import string
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.mock.filters import Condition, find_text_spot, fit_conditions, fit_text, meets, meets_text, read_value
from tasks.mock.plan import Collection, Filter
from tests.tasks.mock.documents import DATE, FLAG, MOMENT, NUMBER, TEXT, WHOLE, Json, array, record

LATITUDE: Json = {"type": "number", "minimum": -90, "maximum": 90}


def ask(test: str, value: Any, schema: Json = NUMBER, name: str = "it") -> Condition:
    return Condition(Filter("argument", tuple(name.split(".")), test, schema), value)


def meets_with(found: Any, test: str, wanted: Any) -> bool:
    return meets({"it": found}, ask(test, wanted))


def fit(held: Json, *conditions: Condition, turn: int = 0, seed: int = 0) -> Json:
    values = dict(held)
    fit_conditions(values, conditions, Random(seed), turn)
    return values


def collection_of(label: str | None = None, **properties: Json) -> Collection:
    return Collection("thing", record(**properties), label=label)


NEAR_MISSES = [
    # what is asked, the last that meets it, the first that does not
    ("near", 10, 10.5, 10.501),
    ("near", 10, 9.5, 9.499),
    ("near", -0.25, 0.25, 0.26),
    ("near", 1, 1, True),
    ("near", True, None, 1),
    ("near", "10", None, 10),
    ("least", 5, 5, 4.99),
    ("least", -1, -1, -1.01),
    ("least", 0, 0, -1),
    ("most", 5, 5, 5.01),
    ("most", 10, 9, 11),
    ("least", "2026-05-01", "2026-05-01", "2026-04-30"),
    ("least", "2026-05-01", "2026-05-01T00:00:00Z", "2026-04-30T23:59:59Z"),
    ("most", "2026-05-31", "2026-05-31T23:59:59Z", "2026-06-01T00:00:00Z"),
    ("least", "2026-05-01T18:00:00Z", "2026-05-01T06:00:00Z", "2026-04-30T23:00:00Z"),
    ("most", "2026-05-01T06:00:00Z", "2026-05-01", "2026-05-02"),
    ("least", 2026, "2026-01-01", "2025-12-31"),
    ("most", "2026", 2026, 2027),
    ("contains", "anne", "Joanne", "Joan"),
    ("contains", "ANNE", "anne", "ann"),
    ("contains", 7, "Route 7", 7),
    ("equal", "Cafe", "cafe", "cafes"),
    ("equal", "cafe", "CAFE", "caf"),
    ("equal", 3, 3.0, 3.01),
    ("equal", "3", 3, 4),
    ("equal", 3, "3", "3.0"),
    ("equal", True, "true", 1),
    ("equal", "false", False, True),
    ("equal", 1, 1, True),
    ("equal", "cafe,park", "park", "museum"),
    ("equal", " cafe , park ", "cafe", ""),
    ("equal", ["cafe", "park"], "park", "cafe,park"),
    ("member", "calm", ["old", "Calm"], ["old", "calmer"]),
    ("member", "calm,old", ["old", "calm", "shy"], ["calm", "shy"]),
    ("member", ["calm", "old"], ["old", "calm"], ["old"]),
    ("member", "calm", ["calm"], "calm"),
    ("member", 3, [1, 3], []),
    ("member", "c", ["c"], "c"),
    ("equal", " cafe", " cafe", "cafe"),
]  # fmt: skip


@pytest.mark.parametrize(("test", "wanted", "inside", "outside"), NEAR_MISSES)
def test_the_thing_just_inside_is_met_and_the_one_just_outside_is_not(
    test: str, wanted: Any, inside: Any, outside: Any
) -> None:
    assert inside is None or meets_with(inside, test, wanted)
    assert not meets_with(outside, test, wanted)


@pytest.mark.parametrize("test", ["equal", "contains", "member", "least", "most", "near"])
def test_a_thing_without_the_property_meets_nothing(test: str) -> None:
    assert not meets({}, ask(test, "None"))
    assert not meets({"it": None}, ask(test, "None"))


def test_a_property_is_read_through_objects_only() -> None:
    assert read_value({"place": {"city": "Oslo"}}, ("place", "city")) == "Oslo"
    assert read_value({"place": {}}, ("place", "city")) is None
    assert read_value({"place": "Oslo"}, ("place", "city")) is None
    assert meets({"place": {"city": "Oslo"}}, ask("equal", "oslo", TEXT, "place.city"))


@pytest.mark.parametrize(
    ("text", "found"),
    [("quiet garden", True), ("GARDEN", True), ("den", True), ("quiet cellar", False), ("", True), ("12", False)],
)
def test_a_query_finds_its_words_in_any_text_of_the_thing(text: str, found: bool) -> None:
    thing = {"title": "Quiet days", "more": {"notes": ["a Garden", {"deep": "under trees"}]}, "rooms": 12}
    assert meets_text(thing, text) is found


def test_a_query_is_not_met_by_names_of_properties() -> None:
    assert not meets_text({"garden": "yes"}, "garden")


def test_a_thing_that_meets_a_condition_stays_as_it_is() -> None:
    held = {"it": 4.5, "lat": 10.2, "tags": ["b", "a"], "day": "2026-05-20"}
    conditions = (
        ask("least", 4), ask("most", 5), ask("near", 10, LATITUDE, "lat"), ask("member", "a", array(TEXT), "tags"),
        ask("least", "2026-05-01", DATE, "day"),
    )  # fmt: skip
    assert fit(held, *conditions) == held


@pytest.mark.parametrize("seed", range(20))
def test_a_thing_is_put_next_to_the_place_that_was_asked_for(seed: int) -> None:
    made = fit({"it": 80}, ask("near", 52.37, LATITUDE), seed=seed)["it"]
    assert abs(made - 52.37) <= 0.05 + 1e-9
    assert made == round(made, 4)


def test_things_next_to_a_place_are_not_all_at_one_spot() -> None:
    spots = {fit({"it": 80}, ask("near", 52.37, LATITUDE), seed=seed)["it"] for seed in range(10)}
    assert len(spots) > 5
    assert min(spots) < 52.37 < max(spots)


def test_a_place_that_is_no_number_changes_nothing() -> None:
    assert fit({"it": 80}, ask("near", "here", LATITUDE)) == {"it": 80}


def test_values_that_are_asked_for_together_take_turns() -> None:
    both = ask("equal", "cafe,park", {"enum": ["cafe", "museum", "park"]})
    assert [fit({"it": "museum"}, both, turn=turn)["it"] for turn in range(4)] == ["cafe", "park", "cafe", "park"]


def test_a_number_is_put_into_a_text_as_text() -> None:
    assert fit({"it": "x"}, ask("equal", 7, TEXT)) == {"it": "7"}


def test_a_value_that_the_schema_does_not_allow_is_not_put_in() -> None:
    assert fit({"it": "cafe"}, ask("equal", "zoo", {"enum": ["cafe", "park"]})) == {"it": "cafe"}


def test_a_value_is_put_into_an_object_that_is_not_there_yet() -> None:
    assert fit({}, ask("equal", "Oslo", TEXT, "place.city")) == {"place": {"city": "Oslo"}}
    assert fit({"place": {"zip": "1"}}, ask("equal", "Oslo", TEXT, "place.city")) == {
        "place": {"zip": "1", "city": "Oslo"}
    }
    assert fit({"place": "far"}, ask("equal", "Oslo", TEXT, "place.city")) == {"place": "far"}


def test_what_a_list_must_hold_comes_before_what_it_holds() -> None:
    tags = ask("member", "calm,old", array(TEXT))
    assert fit({"it": ["shy", "old", None]}, tags) == {"it": ["calm", "old", "shy"]}
    assert fit({"it": None}, tags) == {"it": ["calm", "old"]}
    assert fit({"it": [1, 2]}, ask("member", [3], array(WHOLE))) == {"it": [3]}
    assert fit({"it": ["shy"]}, ask("member", [3], array({"type": ["string", "integer"]}))) == {"it": [3]}


def test_the_first_of_several_is_named_exactly_as_asked_and_the_others_go_on() -> None:
    named = ask("contains", "Rex", TEXT, "title")
    assert fit({"title": "Old Boy"}, named, turn=0) == {"title": "Rex"}
    assert fit({"title": "Old Boy"}, named, turn=1) == {"title": "Rex Boy"}
    assert fit({}, named, turn=2) == {"title": "Rex"}


def test_people_are_named_exactly_as_asked() -> None:
    assert fit({"author": "Ann Lee"}, ask("contains", "Bo", TEXT, "author"), turn=3) == {"author": "Bo"}
    book = {"book": {"author": "Ann Lee"}}
    assert fit(book, ask("contains", "Bo", TEXT, "book.author"), turn=3) == {"book": {"author": "Bo"}}


@given(
    low=st.integers(0, 60),
    span=st.integers(0, 30),
    seed=st.integers(0, 50),
    kind=st.sampled_from(["integer", "number"]),
)
def test_a_number_is_drawn_between_the_bounds(low: int, span: int, seed: int, kind: str) -> None:
    part = {"type": kind, "minimum": 0, "maximum": 100, "examples": [95], "default": 96, "example": 97}
    conditions = (ask("least", low, part), ask("most", low + span, part))
    made = fit({"it": 100}, *conditions, seed=seed)
    assert all(meets(made, condition) for condition in conditions)


def test_the_tighter_of_two_bounds_holds() -> None:
    least = [ask("least", 5, WHOLE), ask("least", 8, WHOLE)]
    most = [ask("most", 20, WHOLE), ask("most", 9, WHOLE)]
    assert {fit({"it": 0}, *least, *most, seed=seed)["it"] for seed in range(30)} == {8, 9}
    days = [ask("least", "2026-05-01", DATE), ask("least", "2026-05-08", DATE)]
    until = [ask("most", "2026-05-20", DATE), ask("most", "2026-05-09", DATE)]
    assert {fit({"it": "2025-01-01"}, *days, *until, seed=seed)["it"] for seed in range(30)} == {
        "2026-05-08",
        "2026-05-09",
    }


@pytest.mark.parametrize("test", ["least", "most"])
def test_one_bound_is_enough(test: str) -> None:
    for seed in range(10):
        made = fit({"it": 0 if test == "least" else 900}, ask(test, 50, WHOLE), seed=seed)
        assert meets(made, ask(test, 50, WHOLE))


def test_a_day_is_drawn_within_45_days_of_the_only_bound() -> None:
    after = {fit({"it": "2020-01-01"}, ask("least", "2026-01-01", DATE), seed=seed)["it"] for seed in range(400)}
    assert (min(after), max(after)) == ("2026-01-01", "2026-02-15")
    before = {fit({"it": "2029-01-01"}, ask("most", "2026-01-01", DATE), seed=seed)["it"] for seed in range(400)}
    assert (min(before), max(before)) == ("2025-11-17", "2026-01-01")


def test_a_moment_is_drawn_as_noon_of_a_day() -> None:
    conditions = (
        ask("least", "2026-05-01T09:30:00Z", MOMENT, "starts_at"), ask("most", "2026-05-02", MOMENT, "starts_at"),
    )  # fmt: skip
    drawn = {fit({}, *conditions, seed=seed)["starts_at"] for seed in range(30)}
    assert drawn == {"2026-05-01T12:00:00Z", "2026-05-02T12:00:00Z"}


def test_a_moment_is_known_by_its_own_name() -> None:
    day = "2026-05-01"
    made = fit({}, ask("least", day, TEXT, "event.starts_at"), ask("most", day, TEXT, "event.starts_at"))
    assert made == {"event": {"starts_at": "2026-05-01T12:00:00Z"}}


def test_bounds_that_exclude_each_other_leave_the_first_day() -> None:
    conditions = (ask("least", "2026-05-03", DATE), ask("most", "2026-05-01", DATE))
    assert {fit({"it": "2020-01-01"}, *conditions, seed=seed)["it"] for seed in range(9)} == {"2026-05-03"}


@pytest.mark.parametrize(
    ("held", "conditions", "expected"),
    [
        ("a", [ask("least", "m", TEXT), ask("most", "x", TEXT)], "m"),
        ("c", [ask("most", "b", TEXT)], "b"),
        ("2026-01-01", [ask("least", "9999-12-31", TEXT)], "9999-12-31"),  # no 45 days are left
        ("2026-01-01", [ask("most", "0001-01-01", TEXT)], "0001-01-01"),
        ("5", [ask("least", 7, TEXT)], "7"),
    ],
    ids=["words", "a-word", "the-last-day", "the-first-day", "a-number-for-a-text"],
)  # fmt: skip
def test_bounds_between_which_nothing_can_be_drawn_are_met_by_the_bound_itself(
    held: str, conditions: list[Condition], expected: str
) -> None:
    assert fit({"it": held}, *conditions) == {"it": expected}


def test_a_bound_that_is_no_number_changes_no_number() -> None:
    assert fit({"it": 5}, ask("least", "x", WHOLE)) == {"it": 5}


def test_ranges_of_two_properties_do_not_mix() -> None:
    made = fit({"a": 0, "b": 900}, ask("least", 50, WHOLE, "a"), ask("most", 10, WHOLE, "b"))
    assert made["a"] >= 50
    assert made["b"] <= 10


@pytest.mark.parametrize(
    ("label", "properties", "spot"),
    [
        ("code_name", {"title": TEXT, "code_name": TEXT}, "code_name"),
        (None, {"description": TEXT, "title": TEXT}, "title"),
        (None, {"amount": NUMBER, "remark": TEXT}, "remark"),
        (None, {"title": {"type": "string", "enum": ["a"]}, "summary": TEXT}, "summary"),
        (None, {"title": {"type": "string", "pattern": "^a"}, "content": TEXT}, "content"),
        (None, {"title": {"type": "string", "format": "uri"}, "quote": TEXT}, "quote"),
        (None, {"title": WHOLE, "fact": TEXT}, "fact"),
        (None, {"email": TEXT, "photo_url": TEXT, "link": TEXT, "id": TEXT, "token": TEXT, "uuid": TEXT}, None),
        (None, {"due_date": TEXT, "created_at": TEXT}, None),
        (None, {"price": NUMBER, "open": FLAG}, None),
    ],
)
def test_a_query_goes_into_the_text_that_names_the_thing(
    label: str | None, properties: dict[str, Json], spot: str | None
) -> None:
    assert find_text_spot(collection_of(label, **properties)) == spot


@pytest.mark.parametrize(
    ("held", "query", "expected"),
    [
        ("Old Boy", "quiet garden", "Quiet Garden Boy"),
        ("Old Boy", "  NASA news ", "NASA news Boy"),
        ("", "quiet", "Quiet"),
        (None, "quiet", "Quiet"),
        ("one two three four five", "quiet", "Quiet five"),
        ("one two three four five six", "quiet", "About quiet: one two three four five six"),
        ("The quiet one", "QUIET", "The quiet one"),
    ],
)
def test_the_words_of_a_query_are_written_into_the_text(held: str | None, query: str, expected: str) -> None:
    values: Json = {"title": held}
    fit_text(values, query, collection_of(title=TEXT))
    assert values == {"title": expected}
    assert meets_text(values, query)


def test_a_query_that_leaves_no_room_for_more_stands_alone_or_not_at_all() -> None:
    short = collection_of(title={"type": "string", "maxLength": 6})
    values: Json = {"title": "Friend"}
    fit_text(values, "quiet", short)
    assert values == {"title": "Quiet"}
    fit_text(values, "gardens", short)
    assert values == {"title": "Quiet"}


def test_a_query_changes_no_thing_that_has_no_text() -> None:
    values: Json = {"price": 3}
    fit_text(values, "quiet", collection_of(price=NUMBER))
    assert values == {"price": 3}


@given(words=st.lists(st.text(string.ascii_letters, min_size=1, max_size=8), min_size=1, max_size=4))
def test_what_a_query_was_written_into_meets_it(words: list[str]) -> None:
    values: Json = {"title": "A small thing", "price": 3}
    fit_text(values, " ".join(words), collection_of(title=TEXT, price=NUMBER))
    assert meets_text(values, " ".join(words))
