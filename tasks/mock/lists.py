"""Ordering and cutting what a list found, and the figures that go with it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.base import Json
from tasks.mock.filters import read_value
from tasks.mock.plan import Collection, ListControls
from tasks.mock.shapes import Schema, has_type
from tasks.mock.vocabulary import LIMITS, OFFSETS, PAGES
from tasks.mock.world import Thing
from tasks.values import infer_value_kind, join_snake, name_words, split_name

DEFAULT_PAGE = 10
TOTAL_WORDS = frozenset(["total", "count", "number", "num", "hits", "found", "matches", "results", "quantity"])
FRESHEST_FIRST = frozenset(["latest", "recent", "newest", "today", "current"])
BEST_FIRST = frozenset(["top", "best", "popular", "trending", "featured"])
MERITS = ("rating", "score", "count", "price")
"""Kinds of which more is better, what tells most first."""


def read_int(value: Any, fallback: int) -> int:
    """A whole number out of an argument; the fallback where it is none."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return fallback


def find_slice(controls: ListControls, arguments: Mapping[str, Any]) -> tuple[int, int | None]:
    """Where the part that was asked for starts, and how many things it has at most (None: all of them)."""
    limit = read_int(arguments.get(controls.limit or ""), -1)
    size = limit if limit >= 0 else None
    page = read_int(arguments.get(controls.page or ""), 1)
    start = max(read_int(arguments.get(controls.offset or ""), 0), 0)
    return start + max(page - 1, 0) * (size if size is not None else DEFAULT_PAGE), size


def sort_things(
    things: Sequence[Thing],
    controls: ListControls,
    arguments: Mapping[str, Any],
    collection: Collection,
    verbs: frozenset[str],
) -> list[Thing]:
    """The things in the order that the request, or the operation's name, asks for; else as they came to be."""
    wanted = arguments.get(controls.sort or "")
    direction = str(arguments.get(controls.direction or "", "")).lower()
    if isinstance(wanted, str) and wanted:
        bare = wanted.lstrip("+-").split(":")[0].split(" ")[0]
        ranks = bool(verbs & BEST_FIRST) or join_snake(controls.sort or "").startswith("rank")
        descending = direction.startswith("desc") or wanted.startswith("-") or wanted.lower().endswith("desc")
        descending = descending or (ranks and not direction.startswith("asc"))
        key = _find_sort_key(bare, collection)
    else:
        key, descending = _find_natural_order(collection, verbs), not direction.startswith("asc")
    if key is None:
        return list(things)
    name = key
    held = [thing for thing in things if read_value(thing.values, (name,)) is not None]
    rest = [thing for thing in things if read_value(thing.values, (name,)) is None]
    return [*sorted(held, key=lambda thing: _rank_value(thing.values[name]), reverse=descending), *rest]


def _find_sort_key(wanted: str, collection: Collection) -> str | None:
    words = name_words(wanted)
    exact = (name for name in collection.properties if name_words(name) == words)
    partial = (name for name in collection.properties if words and words[0] in name_words(name))
    by_date = (name for name in _list_dates(collection) if words in {("date",), ("newest",), ("created",), ("recent",)})
    return next(exact, None) or next(partial, None) or next(by_date, None)


def _find_natural_order(collection: Collection, verbs: frozenset[str]) -> str | None:
    if verbs & FRESHEST_FIRST:
        return next(iter(_list_dates(collection)), None)
    if verbs & BEST_FIRST:
        numeric = {
            name: infer_value_kind(name, part)
            for name, part in collection.properties.items()
            if has_type(part, "number") or has_type(part, "integer")
        }
        return next((name for merit in MERITS for name, kind in numeric.items() if kind == merit), None)
    return None


def _list_dates(collection: Collection) -> list[str]:
    return [
        name for name, part in collection.properties.items() if infer_value_kind(name, part) in {"date", "date_time"}
    ]


def _rank_value(value: Json) -> tuple[int, Any]:
    """Orders numbers before texts, so that mixed values can be compared."""
    if isinstance(value, bool):
        return (0, int(value))
    if isinstance(value, (int, float)):
        return (0, value)
    return (1, str(value).casefold())


def describe_figure(name: str, part: Schema, total: int, shown: int, start: int, size: int | None) -> Json:
    """The value of a field that tells of the list (total, page, limit …); None if it is about something else."""
    words = split_name(name)
    if has_type(part, "boolean"):
        if words[:2] in {("has", "more"), ("has", "next"), ("next", "page")}:
            return start + shown < total
        return start > 0 if words[:1] == ("has",) and words[-1] in {"previous", "prev"} else None
    if not (has_type(part, "integer") or has_type(part, "number")) or not words:
        return None
    spelled, pages = join_snake(name), max(size or total, 1)
    if "pages" in words or spelled in {"last_page", "page_count"}:
        return max(math.ceil(total / pages), 1)
    if spelled in PAGES or spelled == "current_page":
        return start // pages + 1
    if spelled in OFFSETS:
        return start
    if "total" in words:
        return total
    if words[0] in TOTAL_WORDS or words[-1] in TOTAL_WORDS:
        return shown
    return (size if size is not None else shown) if spelled in LIMITS else None
