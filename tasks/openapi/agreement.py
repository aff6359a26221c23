"""Whether an answer is one to the request that was made: what it repeats of it, it repeats as it was sent.

A field that is called as an argument is holds that argument's value: in the answer itself, and in the things that it
lists. The thing at the end of a path is the one whose id stands there. Nothing else can be held against an API of which
only the document is known.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.episodes import Observation
from tasks.openapi.functions import Operation
from tasks.values.folding import fold_text

_NEARBY = frozenset({"lat", "lon", "lng", "latitude", "longitude"})
"""What is near a place is not at it."""


def find_disagreements(
    arguments: Mapping[str, Any], observation: Observation, operation: Operation | None
) -> Iterator[str]:
    """Each argument that an answer repeats with another value."""
    if not 0 < observation.status < 400:
        return
    names_thing = "" if operation is None else _find_name_of_thing(operation.path)
    things = list(_list_things(observation.body))
    for name, value in arguments.items():
        folded = _fold_name(name)
        if value is None or isinstance(value, dict | list) or folded in _NEARBY:
            continue
        for thing in things:
            told = thing.get(folded)
            if told is None and name == names_thing and thing is things[0]:
                told = thing.get("id")
            if told is not None and not _agrees(value, told):
                yield f"{observation.function} was asked for {name} = {value!r}, and what it returned has {told!r}"
                break


def _find_name_of_thing(path: str) -> str:
    """The parameter that a path ends with, if it is an id: that of what is shown, changed or deleted there."""
    found = re.search(r"\{([^{}]*id)\}/?$", path, re.IGNORECASE)
    return found[1] if found else ""


def _list_things(body: Any) -> Iterator[dict[str, Any]]:
    """The answer, what it holds and what it lists, where these are objects; their fields by folded names."""
    parts = [body, *body.values()] if isinstance(body, dict) else [body]
    for part in parts:
        for thing in part if isinstance(part, list) else [part]:
            if isinstance(thing, dict):
                yield {_fold_name(name): value for name, value in thing.items()}


def _fold_name(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())


def _agrees(asked: Any, told: Any) -> bool:
    """Whether a value is the one that was asked for, or what a search by it may find, or has it among others."""
    if isinstance(told, list):
        return not told or any(_agrees(asked, item) for item in told)
    if isinstance(told, dict):
        return True
    if isinstance(asked, bool) or isinstance(told, bool):
        return str(asked).casefold() == str(told).casefold()
    if isinstance(asked, int | float) and isinstance(told, int | float):
        return asked == told
    if isinstance(asked, int | float) and isinstance(told, str) and not re.search(r"\d", told):
        return True  # the text of the verse whose number was asked for
    one, other = fold_text(str(asked)).strip(), fold_text(str(told)).strip()
    shorter, longer = sorted((one, other), key=len)
    return re.search(rf"(?<!\d){re.escape(shorter)}(?!\d)", longer) is not None
