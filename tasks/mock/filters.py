"""Whether a thing meets what a request asks for, and how one is made to meet it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from schemas.base import Json
from tasks.mock.plan import Collection, Filter
from tasks.mock.shapes import Schema, has_type, is_number
from tasks.values import conforms, infer_value_kind, merge_schemas, sample_value

NEARNESS = 0.5
"""Degrees within which a thing is near a place that was asked for."""

MOST_WANTED = 100
"""How many values one filter asks for at a time, each of which is looked for."""

TEXT_PROPERTIES = ("title", "name", "headline", "summary", "description", "text", "content", "fact", "value", "quote")

Values = dict[str, Any]


@dataclass(frozen=True)
class Condition:
    """A filter with the value that a request gave it."""

    filter: Filter
    value: Any


def read_value(values: Values, keys: Sequence[str]) -> Any:
    """The value at the keys; None where there is none."""
    value: Any = values
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def meets(values: Values, condition: Condition) -> bool:
    """Whether a thing meets the condition."""
    found, wanted, test = read_value(values, condition.filter.keys), condition.value, condition.filter.test
    if found is None:
        return False
    if test == "member":
        return isinstance(found, list) and all(
            any(_equal(entry, each) for entry in found) for each in split_wanted(wanted)
        )
    if test == "near":
        return is_number(found) and is_number(wanted) and abs(float(found) - float(wanted)) <= NEARNESS
    if test in {"least", "most"}:
        return _in_order(wanted, found) if test == "least" else _in_order(found, wanted)
    if test == "contains":
        return isinstance(found, str) and str(wanted).casefold() in found.casefold()
    return any(_equal(found, each) for each in split_wanted(wanted))


def meets_text(values: Values, text: str) -> bool:
    """Whether each word of a free-text query is in some text of the thing."""
    whole = " ".join(_list_texts(values)).casefold()
    return all(word in whole for word in text.casefold().split())


def fit_conditions(values: Values, conditions: Sequence[Condition], rng: Random, turn: int) -> None:
    """Changes a thing so that it meets the conditions, as far as its schema allows.

    `turn` counts the things made for one request: where several values are asked for, they take turns.
    """
    ranges: dict[tuple[str, ...], list[Condition]] = {}
    for condition in conditions:
        if condition.filter.test in {"least", "most"}:
            ranges.setdefault(condition.filter.keys, []).append(condition)
        elif not meets(values, condition):
            _put(values, condition.filter, _choose_value(values, condition, rng, turn))
    for bounds in ranges.values():
        if not all(meets(values, condition) for condition in bounds):
            _put(values, bounds[0].filter, _choose_between(bounds, rng))


def fit_text(values: Values, text: str, collection: Collection) -> None:
    """Puts the words of a free-text query into the thing's title, name or description."""
    properties = collection.properties
    spot = find_text_spot(collection)
    if spot is None or meets_text(values, text):
        return
    held = values.get(spot)
    long = isinstance(held, str) and len(held.split()) > 5
    words = text.strip()
    words = words if any(letter.isupper() for letter in words) or long else words.title()
    candidate = f"About {words}: {held}" if long else f"{words} {str(held or '').split(' ')[-1]}".strip()
    for option in (candidate, words):
        if conforms(option, properties[spot]):
            values[spot] = option
            return


def find_text_spot(collection: Collection) -> str | None:
    """The property in which a free-text search finds its words; None if the things have no text."""
    named = [collection.label] if collection.label else []
    candidates = (*named, *TEXT_PROPERTIES, *collection.properties)
    return next((name for name in candidates if _takes_text(name, collection.properties)), None)


def _takes_text(name: str, properties: Mapping[str, Schema]) -> bool:
    part = properties.get(name)
    if part is None or not has_type(part, "string") or any(key in part for key in ("enum", "format", "pattern")):
        return False
    return infer_value_kind(name, part) not in {"url", "image_url", "id", "date", "date_time", "email", "token", "uuid"}


def _choose_value(values: Values, condition: Condition, rng: Random, turn: int) -> Any:
    wanted, part = condition.value, condition.filter.schema
    if condition.filter.test == "near":
        return round(float(wanted) + rng.uniform(-0.05, 0.05), 4) if is_number(wanted) else wanted
    if condition.filter.test == "member":
        held = read_value(values, condition.filter.keys)
        kept = [entry for entry in held if entry is not None] if isinstance(held, list) else []
        asked = split_wanted(wanted)
        return list(dict.fromkeys([*asked, *kept])) if all(isinstance(e, str) for e in [*asked, *kept]) else asked
    if condition.filter.test == "contains":
        held = read_value(values, condition.filter.keys)
        joined = f"{wanted} {str(held or '').split(' ')[-1]}".strip()
        return joined if infer_value_kind(condition.filter.keys[-1], part) != "person" and turn else str(wanted)
    options = split_wanted(wanted)
    return options[turn % len(options)] if options else wanted


def _choose_between(bounds: Sequence[Condition], rng: Random) -> Any:
    """A value between the bounds, as the property spells its values."""
    part, name = bounds[0].filter.schema, bounds[0].filter.keys[-1]
    lows = [item.value for item in bounds if item.filter.test == "least"]
    highs = [item.value for item in bounds if item.filter.test == "most"]
    if all(is_number(value) for value in (*lows, *highs)) and not has_type(part, "string"):
        tighter = {"minimum": max(lows)} if lows else {}
        tighter |= {"maximum": min(highs)} if highs else {}
        bare = {key: value for key, value in part.items() if key not in {"examples", "example", "default"}}
        return sample_value(name, merge_schemas(bare, tighter), rng)
    try:
        firsts, lasts = ([date.fromisoformat(str(value)[:10]) for value in values] for values in (lows, highs))
        start = max(firsts) if firsts else min(lasts) - timedelta(days=45)
        end = min(lasts) if lasts else start + timedelta(days=45)
        day = start + timedelta(days=rng.randint(0, max((end - start).days, 0)))
    except (ValueError, OverflowError):
        return (lows or highs)[0]
    return f"{day.isoformat()}T12:00:00Z" if infer_value_kind(name, part) == "date_time" else day.isoformat()


def _put(values: Values, item: Filter, value: Json) -> None:
    for option in (value, str(value)):
        if conforms(option, item.schema):
            holder = values
            for key in item.keys[:-1]:
                holder = holder.setdefault(key, {})
            if isinstance(holder, dict):
                holder[item.keys[-1]] = option
            return


def split_wanted(wanted: Any) -> list[Any]:
    """The values that are asked for, the first `MOST_WANTED`: a list's, or those between the commas of a text."""
    if isinstance(wanted, list):
        return wanted[:MOST_WANTED]
    if isinstance(wanted, str) and "," in wanted:
        return [each.strip() for each in wanted.split(",", MOST_WANTED) if each.strip()][:MOST_WANTED]
    return [wanted]


def _equal(found: Any, wanted: Any) -> bool:
    if is_number(found) and is_number(wanted):
        return float(found) == float(wanted)
    return str(found).casefold() == str(wanted).casefold()


def _in_order(low: Any, high: Any) -> bool:
    if is_number(low) and is_number(high):
        return float(low) <= float(high)
    first, second = str(low), str(high)
    size = min(len(first), len(second), 10)  # a day against a moment: compared as days
    return first[:size] <= second[:size]


def _list_texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for part in value.values() for text in _list_texts(part)]
    return [text for part in value for text in _list_texts(part)] if isinstance(value, list) else []
