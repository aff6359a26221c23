"""Numbers are usual for their kind and keep to the bounds of their schema."""

from random import Random
from typing import Any

import pytest

from tasks.values import sample_value
from tasks.values.kinds import NUMBER_RANGES, Scene, draw_number
from tasks.values.number_drawing import Limits


def draw(name: str, schema: dict[str, Any], count: int = 300) -> list[Any]:
    return [sample_value(name, schema, Random(seed)) for seed in range(count)]


@pytest.mark.parametrize(
    ("limits", "allowed", "refused"),
    [
        (Limits(2, None, None, None), [2, 3], [1]),
        (Limits(None, 5, None, None), [5, 4], [6]),
        (Limits(None, None, 2, None), [2.1, 3], [2, 1]),
        (Limits(None, None, None, 5), [4.9, 4], [5, 6]),
        (Limits(2, 5, 2, 5), [3, 4], [2, 5]),
        (Limits(None, None, None, None), [-1e9, 0, 1e9], []),
        (Limits(0, 0, None, None), [0], [-1, 1]),
    ],
)
def test_limits_allow_what_they_say(limits: Limits, allowed: list[float], refused: list[float]) -> None:
    assert [limits.allow(value) for value in allowed] == [True] * len(allowed)
    assert [limits.allow(value) for value in refused] == [False] * len(refused)


@pytest.mark.parametrize(
    ("limits", "whole", "bounds"),
    [
        (Limits(2, 5, None, None), True, (2, 5)),
        (Limits(None, None, 2, 5), True, (3, 4)),
        (Limits(None, None, 2.5, 5.5), True, (3, 5)),
        (Limits(None, None, 2, 5), False, (2, 5)),
        (Limits(3, 9, 2, 5), True, (3, 4)),
        (Limits(1, 4, 2, 9), True, (3, 4)),
        (Limits(None, 5, None, None), True, (None, 5)),
        (Limits(0, None, None, None), True, (0, None)),
    ],
)
def test_exclusive_bounds_of_whole_numbers_are_the_next_ones(
    limits: Limits, whole: bool, bounds: tuple[float | None, float | None]
) -> None:
    assert limits.as_bounds(whole=whole) == bounds


@pytest.mark.parametrize(
    ("name", "schema", "numbers"),
    [
        ("x", {"type": "integer", "minimum": 3, "maximum": 5}, {3, 4, 5}),
        ("x", {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 6}, {4, 5}),
        ("x", {"type": "integer", "minimum": 2.5, "maximum": 4.5}, {3, 4}),
        ("x", {"type": "integer", "minimum": 7, "maximum": 7}, {7}),
        ("x", {"type": "integer", "multipleOf": 5, "minimum": 10, "maximum": 20}, {10, 15, 20}),
        ("x", {"type": "integer", "multipleOf": 5, "exclusiveMinimum": 10, "exclusiveMaximum": 20}, {15}),
        ("x", {"type": "number", "multipleOf": 0.5, "minimum": 1, "maximum": 2}, {1, 1.5, 2}),
        ("x", {"type": "integer", "multipleOf": 0.5, "minimum": 1, "maximum": 2}, {1, 2}),
        ("price", {"type": "integer", "multipleOf": 30, "minimum": 31, "maximum": 89}, {60}),
        ("rating", {"type": "integer", "minimum": 1, "maximum": 5}, {1, 2, 3, 4, 5}),
        ("month", {"type": "integer", "minimum": 3, "maximum": 4}, {3, 4}),
        ("page", {"type": "integer", "minimum": 1, "maximum": 1000}, {1, 2, 3}),
        ("limit", {"type": "integer", "minimum": 1, "maximum": 100}, {3, 4, 5, 6, 7, 8, 9, 10}),
        ("limit", {"type": "integer", "minimum": 1, "maximum": 4}, {1, 3, 4}),
        ("month", {"type": "integer"}, set(range(1, 13))),
        ("hour", {"type": "integer"}, set(range(24))),
        ("quantity", {"type": "integer", "minimum": 1, "maximum": 1_000_000}, set(range(1, 9))),
        ("quantity", {"type": "integer", "minimum": 0}, set(range(1, 9))),
    ],
    ids=str,
)
def test_whole_numbers_are_all_those_that_bounds_and_kind_leave(
    name: str, schema: dict[str, Any], numbers: set[float]
) -> None:
    if schema.get("maximum") == 4 and name == "limit":
        assert set(draw(name, schema)) <= {1, 2, 3, 4}
    else:
        assert set(draw(name, schema)) == numbers
    if schema["type"] == "integer":
        assert all(type(number) is int for number in draw(name, schema, 20))


@pytest.mark.parametrize(
    ("schema", "low", "high"),
    [
        ({"minimum": 1000}, 1000, 1100),
        ({"maximum": -1000}, -1100, -1000),
        ({"minimum": 0}, 1, 100),
        ({"maximum": 50}, 1, 50),
        ({}, 1, 100),
        ({"minimum": 0, "maximum": 2475}, 0, 2475),
        ({"minimum": 0, "maximum": 2476}, 1, 100),
        ({"minimum": 5000, "maximum": 9000}, 5000, 9000),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["integer", "number"])
def test_numbers_without_a_kind_are_from_1_to_100_or_near_their_bound(
    kind: str, schema: dict[str, Any], low: float, high: float
) -> None:
    numbers = draw("xyzzy", {"type": kind, **schema})
    span = high - low
    assert low <= min(numbers) <= low + span * 0.05
    assert high - span * 0.05 <= max(numbers) <= high


@pytest.mark.parametrize("kind", sorted(set(NUMBER_RANGES) - {"latitude", "longitude"}))
def test_a_kind_is_drawn_from_its_usual_range(kind: str) -> None:
    low, high, decimals = NUMBER_RANGES[kind]
    drawn = [draw_number(kind, Scene(Random(seed))) for seed in range(400)]
    numbers = [number for number in drawn if number is not None]
    assert len(numbers) == len(drawn)
    assert all(low <= number <= high and number == round(number, decimals) for number in numbers)
    assert min(numbers) <= low + (high - low) * 0.05
    assert max(numbers) >= high - (high - low) * 0.05
    assert all(isinstance(number, int) for number in numbers) == (decimals == 0)


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("price", {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001}),
        ("price", {"type": "number", "minimum": 0.0001, "maximum": 0.0002}),
        ("x", {"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 1.0000001}),
        ("latitude", {"type": "number", "minimum": 90, "maximum": 91}),
        ("age", {"type": "integer", "minimum": 18}),
        ("age", {"type": "integer", "exclusiveMaximum": 2}),
        ("x", {"type": "number", "multipleOf": 7, "minimum": 701}),
        ("x", {"type": "number", "multipleOf": 500}),
    ],
    ids=str,
)
def test_bounds_come_before_what_is_usual(name: str, schema: dict[str, Any]) -> None:
    limits = Limits(*(schema.get(key) for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")))
    for number in draw(name, schema, 100):
        assert limits.allow(number), number
        assert number % schema.get("multipleOf", number) == 0 or number == 0


def test_a_bound_that_is_no_number_is_none() -> None:
    assert set(draw("month", {"type": "integer", "minimum": True, "maximum": "9"})) == set(range(1, 13))


def test_a_number_is_rounded_as_its_kind_is() -> None:
    assert all(number == round(number, 2) for number in draw("price", {"type": "number"}))
    assert all(number == round(number, 1) for number in draw("temperature", {"type": "number"}))
    assert all(number == round(number, 2) for number in draw("x", {"type": "number"}))


def test_what_is_no_kind_of_number_has_none() -> None:
    assert draw_number("city", Scene(Random(0))) is None
    times = [draw_number("date_time", Scene(Random(seed))) for seed in range(300)]
    assert all(type(time) is int and 1_735_689_600 <= time < 1_830_297_600 for time in times)  # 2025 to 2027


def test_latitude_and_longitude_are_those_of_one_place() -> None:
    scene = Scene(Random(3))
    assert (draw_number("latitude", scene), draw_number("longitude", scene)) == (
        scene.place.latitude,
        scene.place.longitude,
    )
