"""Numbers of a kind within a schema's bounds."""

import math
from random import Random
from typing import Any, TypeGuard

from tasks.values.kinds import NUMBER_RANGES, Scene, draw_number

SPAN = 100
TELLING = 25
"""Bounds so many times as far apart as is usual for the kind say nothing of what to expect."""


def sample_number(kind: str | None, schema: dict[str, Any], scene: Scene, *, whole: bool) -> int | float:
    """A number of the kind (any number from 1 to 100 without one) that the schema's bounds allow."""
    step = schema.get("multipleOf")
    low, high = _read_bounds(schema, whole=whole)
    usual_low, usual_high, decimals = NUMBER_RANGES.get(kind or "", (1, SPAN, 2))
    # Two bounds tell more than what is usual, unless they are there only to bound (0 to 1,000,000).
    is_told = low is not None and high is not None and high - low <= TELLING * (usual_high - usual_low)
    is_told = is_told and kind not in {"latitude", "longitude", "date_time", "page", "limit", "offset"}
    if not isinstance(step, (int, float)) and not is_told:
        drawn = draw_number(kind, scene) if kind else None
        if drawn is not None:
            value = round(drawn) if whole else drawn
            if _allows(value, schema):
                return value
    if low is None or high is None or not is_told:
        low, high = _narrow_range(low, high, usual_low, usual_high)
    if isinstance(step, (int, float)) and step > 0:
        return _sample_multiple(step, low, high, schema, scene.rng, whole=whole)
    if whole:
        return scene.rng.randint(math.ceil(low), max(math.ceil(low), math.floor(high)))
    # Weighted so that no difference of two huge bounds overflows.
    weight = scene.rng.random()
    value = low * (1 - weight) + high * weight
    for digits in (decimals, decimals + 2, decimals + 6):
        if _allows(round(value, digits), schema):
            return round(value, digits)
    return next((candidate for candidate in (value, low / 2 + high / 2, low, high) if _allows(candidate, schema)), low)


def _read_bounds(schema: dict[str, Any], *, whole: bool) -> tuple[float | None, float | None]:
    """The bounds as inclusive ones where numbers are whole; for others the exclusive ones are checked afterwards."""
    lows = [bound for bound in (schema.get("minimum"),) if _is_number(bound)]
    highs = [bound for bound in (schema.get("maximum"),) if _is_number(bound)]
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if _is_number(above):
        lows.append(math.floor(above) + 1 if whole else above)
    if _is_number(below):
        highs.append(math.ceil(below) - 1 if whole else below)
    return (max(lows) if lows else None), (min(highs) if highs else None)


def _narrow_range(low: float | None, high: float | None, usual_low: float, usual_high: float) -> tuple[float, float]:
    """The part of the kind's usual range that the bounds leave; near the bounds where they leave none of it."""
    start = usual_low if low is None else max(low, usual_low)
    end = usual_high if high is None else min(high, usual_high)
    if start <= end:
        return start, end
    if low is None:
        assert high is not None
        return high - SPAN, high
    return (low, low + SPAN) if high is None else (low, high)


def _sample_multiple(
    step: float, low: float, high: float, schema: dict[str, Any], rng: Random, *, whole: bool
) -> int | float:
    first, last = math.ceil(low / step), math.floor(high / step)
    if first > last:
        # The usual range holds no multiple: the nearest one that the schema itself allows.
        candidates = (last * step, first * step, 0)
        return next(
            (int(value) if whole else value for value in candidates if _allows(value, schema)), int(first * step)
        )
    for _ in range(20):
        value = rng.randint(first, last) * step
        value = value if isinstance(step, int) else round(value, 10)
        if _allows(value, schema) and (not whole or value == int(value)):
            return int(value) if whole else value
    return int(first * step) if whole else first * step


def _allows(value: float, schema: dict[str, Any]) -> bool:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    return not (
        (_is_number(low) and value < low)
        or (_is_number(high) and value > high)
        or (_is_number(above) and value <= above)
        or (_is_number(below) and value >= below)
    )


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
