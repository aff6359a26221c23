"""What an episode has asked of an API and got, and what that tells of its things: which there are, and what is gone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.base import Json
from schemas.episodes import Change
from tasks.mock.changes import ChangeLog
from tasks.mock.plan import Role, Route
from tasks.mock.shapes import Keys

_Key = tuple[str, str]
"""The name of a collection, and the id of one of its things."""


@dataclass(frozen=True)
class Exchange:
    """One request of an episode and its answer; `request` is method and path as sent."""

    request: str
    route: Route
    arguments: Mapping[str, Any]
    status: int
    body: Json

    @property
    def is_good(self) -> bool:
        """Whether the API did what it was asked."""
        return self.status < 400

    @property
    def is_read(self) -> bool:
        """Whether nothing was changed by it."""
        return self.route.operation.method == "GET"

    def describe(self) -> dict[str, Json]:
        """What a model is told of it."""
        return {
            "request": self.request,
            "arguments": dict(self.arguments),
            "status": self.status,
            "body": self.body,
        }


class History:
    """An episode's exchanges in their order."""

    def __init__(self) -> None:
        self._exchanges: list[Exchange] = []
        self._facts: dict[_Key, dict[str, Json]] = {}
        self._gone: set[_Key] = set()
        self._changes = ChangeLog()

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """All of them."""
        return tuple(self._exchanges)

    def add(self, exchange: Exchange) -> None:
        """Take note of an exchange; where the API erred, nothing has come of it."""
        self._exchanges.append(exchange)
        if not exchange.is_good:
            return
        own = list(_list_own_keys(exchange))
        for key in own if exchange.route.role is Role.UPDATE else ():
            self._changes.note_change(*key, self._facts.setdefault(key, {}))
        for key, fields in _list_things(exchange):
            self._facts.setdefault(key, {}).update(fields)
            if exchange.route.role is Role.CREATE:
                self._changes.note_made(*key, self._facts[key])
        for key in own:
            if exchange.route.role is Role.DELETE:
                self._gone.add(key)
                self._facts.pop(key, None)
                self._changes.note_removed(*key)
            elif not exchange.is_read:
                self._facts.setdefault(key, {}).update(_list_set_fields(exchange))

    def read_changes(self) -> tuple[Change, ...]:
        """How things differ from how they were, by what was asked and answered; an id is as it was asked for."""
        return self._changes.describe()

    def is_gone(self, exchange: Exchange) -> bool:
        """Whether a request is for a thing that was deleted."""
        return any(key in self._gone for key in _list_named_keys(exchange))

    def may_lack(self, exchange: Exchange) -> bool:
        """Whether there may be nothing to be found: something of the kind was deleted."""
        collection = exchange.route.collection
        return collection is not None and any(name == collection.name for name, _ in self._gone)

    def find_contradictions(self, exchange: Exchange) -> Iterator[str]:
        """What a new answer says that cannot be after those before: one line each."""
        if not exchange.is_good:
            return
        for name, id_ in _list_named_keys(exchange):
            if (name, id_) in self._gone:
                yield f"the {name} {id_!r} was deleted before: nothing can be done with it"
        for (name, id_), fields in _list_things(exchange):
            if (name, id_) in self._gone:
                yield f"the {name} {id_!r} was deleted before, and is in the answer"
            known = self._facts.get((name, id_), {}) if exchange.is_read else {}
            for field, value in fields.items():
                if field in known and not _is_same(known[field], value):
                    yield f"the {name} {id_!r} had {field} = {known[field]!r} before, and has {value!r} in the answer"


def find_part(body: Json, keys: Keys) -> Any:
    """What lies at the keys of an answer; None where the answer has no such place."""
    part: Any = body
    for key in keys:
        try:
            part = part[key]
        except (KeyError, IndexError, TypeError):
            return None
    return part


def _list_things(exchange: Exchange) -> Iterator[tuple[_Key, dict[str, Json]]]:
    """The things that an answer shows, with their plain fields; one that has no id of its own is the one asked for."""
    route = exchange.route
    shown = find_part(exchange.body, route.keys)
    own = [id_ for _, id_ in _list_own_keys(exchange)]
    collection = route.collection
    if collection is None:
        return
    for thing in shown if isinstance(shown, list) else [shown]:
        if not isinstance(thing, dict):
            continue
        id_ = thing.get(collection.id_name or "")
        if id_ is None and len(own) == 1 and shown is thing:
            id_ = own[0]
        if isinstance(id_, str | int):
            yield (
                (collection.name, str(id_)),
                {name: value for name, value in thing.items() if isinstance(value, str | int | float | bool)},
            )


def _list_named_keys(exchange: Exchange) -> Iterator[_Key]:
    """The things that a request names by their ids."""
    for item in exchange.route.ids:
        given = exchange.arguments.get(item.argument)
        for id_ in given if isinstance(given, list) else [given]:
            if isinstance(id_, str | int):
                yield item.collection.name, str(id_)


def _list_own_keys(exchange: Exchange) -> Iterator[_Key]:
    """The thing that a request is about, if it names it."""
    own = {item.argument for item in exchange.route.ids if item.is_own}
    for item in exchange.route.ids:
        id_ = exchange.arguments.get(item.argument)
        if item.argument in own and isinstance(id_, str | int):
            yield item.collection.name, str(id_)


def _list_set_fields(exchange: Exchange) -> dict[str, Json]:
    """The plain fields that a request sets, by the names of the properties."""
    fields, ids = exchange.route.fields, {item.argument for item in exchange.route.ids}
    return {
        fields[name]: value
        for name, value in exchange.arguments.items()
        if name in fields and name not in ids and isinstance(value, str | int | float | bool)
    }


def _is_same(one: Json, other: Json) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold().strip() == other.casefold().strip()
    return one == other
