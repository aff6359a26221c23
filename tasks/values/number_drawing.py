"""Numbers of a kind within a schema's bounds."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, TypeGuard

from tasks.values.kinds import NUMBER_RANGES, Scene, draw_number

SPAN = 100
TELLING = 25
"""Bounds so many times as far apart as is usual for the kind say nothing of what to expect."""


@dataclass(frozen=True)
class Limits:
    """What a schema says of a number's size; None where it says nothing."""

    least: float | None
    most: float | None
    above: float | None
    below: float | None

    def allow(self, value: float) -> bool:
        """Whether a number keeps to all of them."""
        return not (
            (self.least is not None and value < self.least)
            or (self.most is not None and value > self.most)
            or (self.above is not None and value <= self.above)
            or (self.below is not None and value >= self.below)
        )

    def as_bounds(self, *, whole: bool) -> tuple[float | None, float | None]:
        """Inclusive bounds where numbers are whole; for others the exclusive ones are checked afterwards."""
        lows, highs = [self.least], [self.most]
        if self.above is not None:
            lows.append(math.floor(self.above) + 1 if whole else self.above)
        if self.below is not None:
            highs.append(math.ceil(self.below) - 1 if whole else self.below)
        return (
            max((low for low in lows if low is not None), default=None),
            min((high for high in highs if high is not None), default=None),
        )


def make_number_sampler(kind: str | None, schema: dict[str, Any], *, whole: bool) -> Callable[[Scene], int | float]:
    """Draws numbers of the kind (any number from 1 to 100 without one) that the schema's bounds allow."""
    limits = _read_limits(schema)
    step = schema.get("multipleOf")
    step = step if isinstance(step, (int, float)) else None
    low, high = limits.as_bounds(whole=whole)
    usual_low, usual_high, decimals = NUMBER_RANGES.get(kind or "", (1, SPAN, 2))
    # Two bounds tell more than what is usual, unless they are there only to bound (0 to 1,000,000).
    is_told = low is not None and high is not None and high - low <= TELLING * (usual_high - usual_low)
    is_told = is_told and kind not in {"latitude", "longitude", "date_time", "page", "limit", "offset"}
    if low is None or high is None or not is_told:
        start, end = _narrow_range(low, high, usual_low, usual_high, limits)
    else:
        start, end = low, high

    def draw(scene: Scene) -> int | float:
        if kind and step is None and not is_told:
            drawn = draw_number(kind, scene)
            if drawn is not None:
                value = round(drawn) if whole else drawn
                if limits.allow(value):
                    return value
        if step is not None and step > 0:
            return _sample_multiple(step, start, end, limits, scene.rng, whole=whole)
        if whole:
            return scene.rng.randint(math.ceil(start), max(math.ceil(start), math.floor(end)))
        return _sample_between(start, end, decimals, limits, scene.rng)

    return draw


def _sample_between(low: float, high: float, decimals: int, limits: Limits, rng: Random) -> float:
    # Weighted so that no difference of two huge bounds overflows.
    weight = rng.random()
    value = low * (1 - weight) + high * weight
    for digits in (decimals, decimals + 2, decimals + 6):
        rounded = round(value, digits)
        if limits.allow(rounded):
            return rounded
    return next((candidate for candidate in (value, low / 2 + high / 2, low, high) if limits.allow(candidate)), low)


def _read_limits(schema: dict[str, Any]) -> Limits:
    keywords = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    return Limits(*(schema[keyword] if _is_number(schema.get(keyword)) else None for keyword in keywords))


def _narrow_range(
    low: float | None, high: float | None, usual_low: float, usual_high: float, limits: Limits
) -> tuple[float, float]:
    """The part of the kind's usual range that the bounds leave; near the bounds where they leave none of it."""
    start = usual_low if low is None else max(low, usual_low)
    end = usual_high if high is None else min(high, usual_high)
    if start < end or (start == end and limits.allow(start)):
        return start, end
    if low is None:
        assert high is not None
        return high - SPAN, high
    return (low, low + SPAN) if high is None else (low, high)


def _sample_multiple(step: float, low: float, high: float, limits: Limits, rng: Random, *, whole: bool) -> int | float:
    first, last = math.ceil(low / step), math.floor(high / step)
    if first > last:
        # The usual range holds no multiple: the nearest one that the schema itself allows.
        candidates = (last * step, first * step, 0)
        return next((int(value) if whole else value for value in candidates if limits.allow(value)), int(first * step))
    for _ in range(20):
        value = rng.randint(first, last) * step
        value = value if isinstance(step, int) else round(value, 10)
        if limits.allow(value) and (not whole or value == int(value)):
            return int(value) if whole else value
    return int(first * step) if whole else first * step


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
