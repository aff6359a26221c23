"""Identifiers look like those that the document shows, and never exceed what its schema allows."""

import re
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.mock.shown_ids import blend_label, draw_id, list_shown_values
from tasks.values import ADJECTIVES
from tests.tasks.mock.conftest import Caller, play
from tests.tasks.mock.documents import NUMBER, SEATS, TEXT, WHOLE, Json, array, in_path, open_api, operation, record


def make_many(name: str, schema: Json, examples: list[Any] | None = None, resource: str = "pet") -> list[Any]:
    return [draw_id(name, schema, examples or [], Random(seed), resource) for seed in range(200)]


def match_all(ids: list[Any], pattern: str) -> bool:
    return all(isinstance(id_, str) and re.fullmatch(pattern, id_) for id_ in ids)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"examples": ["a", "b", "a"]}, ["a", "b"]),
        ({"example": "a"}, ["a"]),
        ({"example": 0}, [0]),
        ({"example": None}, []),
        ({"examples": ["a", None, "b"], "example": "c"}, ["a", "b"]),
        ({"enum": ["x"], "examples": ["a"]}, ["x"]),
        ({"examples": {"one": "a"}, "example": "c"}, ["c"]),
        ({"examples": "a"}, []),
        ({}, []),
    ],
)
def test_a_schema_shows_its_examples(schema: Json, expected: list[Any]) -> None:
    assert list_shown_values(schema) == expected


def test_a_number_without_an_example_has_five_digits() -> None:
    for schema in (WHOLE, NUMBER, {"type": ["integer", "null"]}):
        ids = make_many("id", schema)
        assert all(isinstance(id_, int) and 10_000 <= id_ <= 99_999 for id_ in ids)
        assert len(set(ids)) > 190


@pytest.mark.parametrize(
    ("example", "low", "high"),
    [(4821, 1000, 9999), (7, 100, 999), (-52, 100, 999), (123, 100, 999), (12.0, 100, 999), ("12", 10_000, 99_999)],
)
def test_a_number_has_as_many_digits_as_its_example(example: Any, low: int, high: int) -> None:
    ids = make_many("id", WHOLE, [example, 1])
    assert all(low <= id_ <= high for id_ in ids)
    assert min(ids) < low + (high - low) / 5
    assert max(ids) > high - (high - low) / 5


@pytest.mark.parametrize(
    ("example", "pattern"),
    [
        ("pet_4821", r"pet_[1-9]\d{3}"),
        ("pet_7", r"pet_[1-9]\d{2}"),
        ("A12-B345", r"A[1-9]\d{2}-B[1-9]\d{2}"),
        ("c0ffee", r"[0-9a-f]{6}"),
        ("c0ffe", r"c[1-9]\d{2}ffe"),  # five are too few to be hexadecimal
        ("xc0ffee", r"xc[1-9]\d{2}ffee"),
        ("c0ffees", r"c[1-9]\d{2}ffees"),
        ("key-c0ffee-9", r"key-[0-9a-f]{6}-[1-9]\d{2}"),
        ("beaded", r"beaded-[1-9]\d{2}"),
        ("order", r"order-[1-9]\d{2}"),
        ("golden_gate", r"golden_[1-9]\d{2}"),
        ("golden-gate", r"golden-[1-9]\d{2}"),
        ("_x", r"item_[1-9]\d{2}"),
    ],
)
def test_a_text_is_the_example_with_other_digits(example: str, pattern: str) -> None:
    ids = make_many("id", TEXT, [example, "other"])
    assert match_all(ids, pattern)
    assert len(set(ids)) > 90


def test_a_run_of_hexadecimal_digits_keeps_its_length() -> None:
    assert match_all(make_many("id", TEXT, ["c0ffee12"]), "[0-9a-f]{8}")
    assert any(not id_.isdigit() for id_ in make_many("id", TEXT, ["c0ffee12"]))


@pytest.mark.parametrize(
    ("name", "schema", "examples"),
    [
        ("id", TEXT, ["F47AC10B-58CC-4372-A567-0E02B2C3D479"]),
        ("id", {"type": "string", "format": "uuid"}, []),
        ("petUuid", TEXT, []),
        ("guid", TEXT, []),
    ],
)
def test_a_uuid_stays_one(name: str, schema: Json, examples: list[str]) -> None:
    ids = make_many(name, schema, examples)
    assert all(str(UUID(id_)) == id_ and UUID(id_).version == 4 for id_ in ids)
    assert len(set(ids)) == len(ids)
    assert {id_[0] for id_ in ids} == set("0123456789abcdef")


class Extreme(Random):
    """Draws the lowest or the highest number that may be drawn."""

    def __init__(self, highest: bool) -> None:
        super().__init__(0)
        self.highest = highest

    def randint(self, a: int, b: int) -> int:
        return b if self.highest else a


@pytest.mark.parametrize(
    ("schema", "examples", "resource", "lowest", "highest"),
    [
        (WHOLE, [], "pet", 10_000, 99_999),
        (WHOLE, [4821], "pet", 1000, 9999),
        (WHOLE, [7], "pet", 100, 999),
        (TEXT, [], "pet", "pet_1000", "pet_9999"),
        (TEXT, [], "", "10000", "99999"),
        (TEXT, ["pet_4821"], "pet", "pet_1000", "pet_9999"),
        (TEXT, ["pet_7"], "pet", "pet_100", "pet_999"),
        (TEXT, ["order"], "pet", "order-100", "order-999"),
    ],
)
def test_ids_begin_and_end_where_their_digits_do(
    schema: Json, examples: list[Any], resource: str, lowest: Any, highest: Any
) -> None:
    drawn = [draw_id("id", schema, examples, Extreme(high), resource) for high in (False, True)]
    assert drawn == [lowest, highest]


def test_a_text_without_an_example_is_the_resource_with_four_digits() -> None:
    assert match_all(make_many("id", TEXT), r"pet_[1-9]\d{3}")
    assert match_all(make_many("id", TEXT, resource=""), r"[1-9]\d{4}")
    assert match_all(make_many("id", {}), r"pet_[1-9]\d{3}")


def test_a_pattern_a_format_and_a_slug_are_kept_to() -> None:
    assert match_all(make_many("id", {"type": "string", "pattern": "^[A-Z]{3}$"}), "[A-Z]{3}")
    assert all("@" in id_ for id_ in make_many("id", {"type": "string", "format": "email"}))
    assert match_all(make_many("slug", TEXT), r"[a-z0-9]+(-[a-z0-9]+)+")


@pytest.mark.parametrize(
    ("schema", "examples"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 8}, []),
        ({"type": "integer", "minimum": 1, "maximum": 8}, [3]),
        ({"type": "string", "maxLength": 3}, []),
        ({"type": "string", "maxLength": 5}, ["pet_4"]),
        ({"type": "string", "pattern": "^[a-z]{4}$"}, ["abcd"]),
    ],
)
def test_an_id_that_looks_right_and_does_not_conform_gives_way(schema: Json, examples: list[Any]) -> None:
    for id_ in make_many("id", schema, examples):
        if schema["type"] == "integer":
            assert 1 <= id_ <= 8
        elif "pattern" in schema:
            assert re.fullmatch("[a-z]{4}", id_)
        else:
            assert len(id_) <= schema["maxLength"]


@given(seed=st.integers(0, 10_000))
def test_one_generator_makes_one_id(seed: int) -> None:
    for schema, examples in ((WHOLE, []), (TEXT, ["pet_1"]), ({"type": "string", "format": "uuid"}, [])):
        first, second = (draw_id("id", schema, list(examples), Random(seed), "pet") for _ in range(2))
        assert first == second


def test_labels_are_blended_of_the_first_and_the_last_words() -> None:
    blends = {blend_label(["Golden Gate Bridge", "Harbour Walk"], Random(seed)) for seed in range(60)}
    assert blends == {"Golden Gate Bridge", "Golden Gate Walk", "Harbour Bridge", "Harbour Walk"}


def test_a_label_of_one_word_gets_an_adjective() -> None:
    for examples in (["Bridge", "Walk"], ["Bridge", "Old Walk"]):
        for seed in range(60):
            blend = blend_label(examples, Random(seed))
            adjective, _, rest = blend.partition(" ")
            assert blend == "Old Walk" or (adjective in ADJECTIVES and rest in examples)


@pytest.fixture
def seats() -> Caller:
    return play(open_api(SEATS))


@pytest.mark.parametrize("seed", range(12))
def test_where_ids_are_few_each_names_one_thing(seed: int) -> None:
    seats = play(open_api(SEATS), seed)
    ids = [item["id"] for item in seats.call("listSeats")]
    assert len(set(ids)) == len(ids) <= 6
    assert all(1 <= id_ <= 8 for id_ in ids)
    for item in seats.call("listSeats"):
        assert seats.call("getSeat", seatId=item["id"]) == item
    for id_ in set(range(1, 9)) - set(ids):
        seats.call("getSeat", 404, seatId=id_)


def test_a_free_id_that_a_creation_gives_is_kept(seats: Caller) -> None:
    taken = {item["id"] for item in seats.call("listSeats")}
    free = min(set(range(1, 9)) - taken)
    made = seats.call("addSeat", 201, id=free, row="B")
    assert (made["id"], made["row"]) == (free, "B")
    assert seats.call("getSeat", seatId=free) == made


def test_a_taken_id_that_a_creation_gives_is_left_to_who_has_it(seats: Caller) -> None:
    first = seats.call("listSeats")[0]
    made = seats.call("addSeat", 201, id=first["id"], row="A" if first["row"] == "B" else "B")
    assert made["id"] != first["id"]
    assert seats.call("getSeat", seatId=first["id"]) == first
    assert seats.call("getSeat", seatId=made["id"]) == made


@pytest.mark.parametrize("seed", range(6))
def test_the_id_of_what_was_removed_names_nothing_new(seed: int) -> None:
    seats = play(open_api(SEATS), seed)
    gone = seats.call("listSeats")[0]["id"]
    seats.call("removeSeat", 204, seatId=gone)
    made = seats.call("addSeat", 201, row="A")
    assert made["id"] != gone
    seats.call("getSeat", 404, seatId=gone)


def test_ids_of_the_examples_exist_from_the_start_and_the_first_ten_at_most() -> None:
    examples = [f"t{number}" for number in range(100, 112)]
    thing = record(id={"type": "string", "examples": examples}, name=TEXT)
    paths = {
        "/things": {"get": operation("listThings", answer=array(thing))},
        "/things/{thingId}": {"get": operation("getThing", in_path("thingId"), answer=thing)},
    }
    ids = [item["id"] for item in play(open_api(paths)).call("listThings")]
    assert ids[:10] == examples[:10]
    assert 11 <= len(ids) <= 13  # four to six things, three of which may be examples
    assert all(re.fullmatch(r"t\d{3}", id_) for id_ in ids)


def test_many_values_are_shown_in_time_and_each_once() -> None:
    values = [f"v{number % 10_000}" for number in range(20_000)]
    assert list_shown_values({"enum": values}) == values[:10_000]
    assert list_shown_values({"enum": [{"a": 1}, [1], {"a": 1}, [1]]}) == [{"a": 1}, [1]]


@pytest.mark.parametrize("example", ["0a" * 50_000, 10**300, 1e300, "a" * 100_000])
def test_a_long_example_is_not_imitated(example: Any) -> None:
    (made,) = {type(id_) for id_ in make_many("id", {"type": "integer"} if example == 10**300 else {}, [example])}
    assert made in (str, int)
