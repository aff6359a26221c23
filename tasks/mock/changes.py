"""What an episode has done to an API's things: which it made, changed and removed, with their fields."""

from collections.abc import Mapping
from typing import Any

from schemas.base import Json
from schemas.episodes import Change

_Key = tuple[str, str]
"""The name of a collection, and the id of one of its things."""


class ChangeLog:
    """Notes what happens to things, and tells how they differ in the end from how they were."""

    def __init__(self) -> None:
        self._made: dict[_Key, tuple[Json, Mapping[str, Any]]] = {}
        self._before: dict[_Key, tuple[Json, dict[str, Any], Mapping[str, Any]]] = {}
        self._removed: dict[_Key, Json] = {}

    def note_made(self, collection: str, id: Json, values: Mapping[str, Any]) -> None:
        """A thing was made; `values` goes on to be what it is like."""
        self._made[collection, str(id)] = (id, values)

    def note_change(self, collection: str, id: Json, values: Mapping[str, Any]) -> None:
        """A thing is about to be changed; `values` is what it is like, and goes on to be."""
        key = collection, str(id)
        if key not in self._made:
            self._before.setdefault(key, (id, dict(values), values))

    def note_removed(self, collection: str, id: Json) -> None:
        """A thing was removed."""
        key = collection, str(id)
        self._before.pop(key, None)
        if self._made.pop(key, None) is None:
            self._removed[key] = id

    def describe(self) -> tuple[Change, ...]:
        """The difference, in the order in which things were first touched: made, changed, removed."""
        changed = [
            Change(action="changed", collection=collection, id=id, fields=fields)
            for (collection, _), (id, before, after) in self._before.items()
            if (fields := {name: value for name, value in after.items() if before.get(name, ...) != value})
        ]
        return (
            *(
                Change(action="made", collection=collection, id=id, fields=dict(values))
                for (collection, _), (id, values) in self._made.items()
            ),
            *changed,
            *(Change(action="removed", collection=collection, id=id) for (collection, _), id in self._removed.items()),
        )
