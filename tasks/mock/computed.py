"""Fields that follow from others: echoes of the request, conversions, figures over things, plain messages."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from schemas.base import Json
from tasks.mock.plan import Role
from tasks.mock.shapes import Schema, has_type, is_number, list_properties
from tasks.mock.vocabulary import FLAGS
from tasks.mock.world import Thing, World
from tasks.values import Words, conforms, name_words, split_name

MESSAGES = frozenset({"message", "msg", "detail"})
DONE = {Role.CREATE: "created", Role.UPDATE: "updated", Role.DELETE: "deleted"}
STATISTICS = {
    "average": "mean",
    "avg": "mean",
    "mean": "mean",
    "min": "min",
    "minimum": "min",
    "lowest": "min",
    "cheapest": "min",
    "max": "max",
    "maximum": "max",
    "highest": "max",
    "sum": "sum",
    "total": "sum",
}
RESULT_WORDS = re.compile(r"result|converted|total|value|output|amount")


def echo_arguments(body: Json, schema: Schema, arguments: Mapping[str, Any], depth: int = 0) -> None:
    """Gives fields of an answer that are named like an argument the argument's value, where it conforms; in place."""
    if not isinstance(body, dict) or depth > 3:
        return
    by_words = {name_words(name): value for name, value in arguments.items()}
    for name, part in list_properties(schema).items():
        if name not in body:
            continue
        value = by_words.get(name_words(name))
        if value is not None and not isinstance(value, (dict, list)) and not has_type(part, "object"):
            for option in (value, str(value)):
                if conforms(option, part):
                    body[name] = option
                    break
        elif isinstance(value, list) and conforms(value, part):
            body[name] = list(value)
        else:
            echo_arguments(body[name], part, arguments, depth + 1)


def fill_outcome(
    body: Json, schema: Schema, role: Role, resource: str, given: Collection[str], *, is_read: bool
) -> None:
    """Says that what was asked for has been done: flags are true, messages say so; in place, at every level.

    What the request gave (`given`, argument names) is left as it is.
    """
    if not isinstance(body, dict):
        return
    done = DONE.get(role, "completed")
    told = {name_words(name) for name in given}
    for name, part in list_properties(schema).items():
        words = split_name(name)
        if name not in body or not words or name_words(name) in told:
            continue
        if has_type(part, "boolean") and (words[-1] in FLAGS or words[0] in FLAGS):
            body[name] = True
        elif words[-1] in MESSAGES and has_type(part, "string") and not is_read:
            subject = resource.replace("_", " ").capitalize() if resource else "Request"
            text = f"{subject} {done} successfully."
            body[name] = text if conforms(text, part) else body[name]
        elif words == ("status",) and has_type(part, "string") and role in {Role.OTHER, Role.DELETE} and not is_read:
            text = "deleted" if role is Role.DELETE else "success"
            body[name] = text if conforms(text, part) else body[name]
        else:
            fill_outcome(body[name], part, role, resource, given, is_read=is_read)


def fill_conversion(body: Json, schema: Schema, arguments: Mapping[str, Any], world: World) -> None:
    """Makes a conversion's figures agree: result = amount × rate, the way back being the inverse rate; in place."""
    by_words = {name_words(name): value for name, value in arguments.items()}
    amount = next(
        (by_words[key] for key in (("amount",), ("value",), ("quantity",)) if is_number(by_words.get(key))), None
    )
    units = [by_words[key] for key in _UNIT_WORDS if isinstance(by_words.get(key), str)]
    fields = list_properties(schema)
    if not isinstance(body, dict) or amount is None or len(units) < 2:
        return
    numeric = [name for name, part in fields.items() if has_type(part, "number") and name in body]
    rate_name = next((name for name in numeric if "rate" in split_name(name)), None)
    given = {name for name in numeric if name_words(name) in by_words}
    result = next((name for name in numeric if name not in given and RESULT_WORDS.search(name.lower())), None)
    source, target = str(units[0]), str(units[1])
    first, second = sorted((source, target))
    rate = 1.0 if source == target else round(world.rng("rate", first, second).uniform(0.4, 2.2), 4)
    rate = rate if (source, target) == (first, second) else round(1 / rate, 4)
    if rate_name is not None and conforms(rate, fields[rate_name]):
        body[rate_name] = rate
    if result is not None and conforms(value := round(float(amount) * rate, 2), fields[result]):
        body[result] = value


_UNIT_WORDS: tuple[Words, ...] = (
    ("from",),
    ("base",),
    ("source",),
    ("from", "currency"),
    ("base", "currency"),
    ("source", "currency"),
    ("from", "unit"),
    ("to",),
    ("target",),
    ("to", "currency"),
    ("target", "currency"),
    ("to", "unit"),
)


def fill_statistics(body: Json, schema: Schema, things: Sequence[Thing]) -> None:
    """Gives counts and means over things their true values, where the things have the property; in place."""
    if not isinstance(body, dict):
        return
    for name, part in list_properties(schema).items():
        if name not in body:
            continue
        fill_statistics(body[name], part, things)
        if not (has_type(part, "integer") or has_type(part, "number")):
            continue
        value = _compute_statistic(name_words(name), things)
        for option in (value, round(value) if value is not None else None):
            if option is not None and conforms(option, part):
                body[name] = option
                break


def _compute_statistic(words: Words, things: Sequence[Thing]) -> float | None:
    how = next((STATISTICS[word] for word in words if word in STATISTICS), None)
    about = tuple(word for word in words if word not in STATISTICS)
    figures = [
        float(value)
        for thing in things
        for key, value in thing.values.items()
        if about and name_words(key) == about and is_number(value)
    ]
    if how is not None and figures:
        return {
            "mean": round(sum(figures) / len(figures), 2),
            "min": min(figures),
            "max": max(figures),
            "sum": round(sum(figures), 2),
        }[how]
    counts = {"count", "total", "number", "num", "matches"}
    return len(things) if counts & set(words) and len(words) <= 3 else None
