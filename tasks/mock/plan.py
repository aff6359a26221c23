"""What an API's document tells of its resources: collections of things, and what each operation does with them.

Read once per API and shared by all its episodes; nothing here changes afterwards.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from schemas.base import Json
from tasks.mock.shapes import Keys, Schema, leave_out
from tasks.openapi.functions import Operation
from tasks.openapi.responses import compile_response

STATED = ("examples", "example", "default")
"""Keywords by which a schema states values, without excluding others."""


class Role(StrEnum):
    """What an operation does."""

    LIST = "list"  # finds things of a collection
    FETCH = "fetch"  # one thing, by its id or by another key
    PICK = "pick"  # one thing of a collection, whichever fits (random, latest)
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    COUNT = "count"  # figures about the things that filters find
    OTHER = "other"  # anything else: computed from the request


@dataclass(eq=False)
class Collection:
    """Things of one sort.

    `schema` is the union of all schemas under which the things appear. `id_name` is the property that holds the id
    (None: the things have none) and `id_aliases` those that hold it too. `id_examples` are the ids that exist from
    the start. `is_listed` says that some answer tells ids to who does not know them yet. `foreign` maps a property to
    the collection whose id it holds; `pairs` are properties of which the first must not exceed the second;
    `fuller_names` are names under which a property tells better what it holds.
    """

    name: str
    schema: Schema
    id_name: str | None = None
    id_aliases: list[str] = field(default_factory=list)
    id_examples: list[Json] = field(default_factory=list)
    is_listed: bool = False
    label: str | None = None
    foreign: dict[str, "Collection"] = field(default_factory=dict)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    fuller_names: dict[str, str] = field(default_factory=dict)

    @property
    def properties(self) -> dict[str, Schema]:
        """The properties that a thing of the collection can have."""
        properties: dict[str, Schema] = self.schema["properties"]
        return properties

    @cached_property
    def drawn_schema(self) -> Schema:
        """The schema that values are drawn by: properties under their fuller names."""
        return {**self.schema, "properties": {self.fuller_names.get(k, k): v for k, v in self.properties.items()}}

    @cached_property
    def id_schema(self) -> Schema:
        """The schema of further ids, examples left out; text where the things have no id of their own."""
        return leave_out(self.properties.get(self.id_name or "", {"type": "string"}), *STATED, "enum")

    @cached_property
    def label_schema(self) -> Schema:
        """The schema of further labels, examples left out; only where the things have a label."""
        assert self.label is not None
        return leave_out(self.properties[self.label], *STATED)


@dataclass(frozen=True, eq=False)
class IdArgument:
    """An argument that must name a thing that exists; `is_own` marks the thing that the operation is about."""

    argument: str
    collection: Collection
    is_own: bool


@dataclass(frozen=True, eq=False)
class Filter:
    """An argument that narrows down what a list finds.

    `test` is `equal`, `contains` (text in text), `member` (of a list), `least`, `most` or `near` (degrees); `keys`
    leads to the property.
    """

    argument: str
    keys: Keys
    test: str
    schema: Schema


@dataclass(frozen=True, eq=False)
class ListControls:
    """The arguments by which a list is cut and ordered; None where the operation has none such."""

    limit: str | None = None
    offset: str | None = None
    page: str | None = None
    sort: str | None = None
    direction: str | None = None
    text: str | None = None


@dataclass(frozen=True, eq=False)
class Route:
    """An operation and how it is answered.

    `response` is the schema of a good answer (None: none is declared) and `shape` the same, tidied. `keys` leads to the
    list or the record in the response, `item` is the schema there. `scope` names the arguments
    that say which things are meant without being a property of theirs; `fields` maps a body argument to the property
    that it sets; `key_filter` is what `FETCH` finds by where that is no id.
    """

    operation: Operation
    role: Role
    status: int
    response: Schema | None
    shape: Schema
    collection: Collection | None = None
    keys: Keys = ()
    item: Schema = field(default_factory=dict)
    ids: tuple[IdArgument, ...] = ()
    filters: tuple[Filter, ...] = ()
    controls: ListControls = field(default_factory=ListControls)
    scope: tuple[str, ...] = ()
    fields: dict[str, str] = field(default_factory=dict)
    verbs: frozenset[str] = frozenset()
    is_bounded: bool = False  # few are asked for by nature (top, latest), so that they come in order
    frame: Schema = field(default_factory=dict)  # the response without the list or the record in it

    def check(self, body: Json) -> bool:
        """Whether the body conforms to what the document declares for a good answer."""
        success = self.operation.success
        return success is None or compile_response(success).is_valid(body)

    def describe_error(self, status: int) -> dict[str, Any] | None:
        """The document's schema for an error of this status, if it has one."""
        response = self.operation.find_response(status)
        return response.schema if response is not None and status >= 400 else None
