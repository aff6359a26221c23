"""What the embedded teacher knows of the world: per category, kinds of things with typed attributes."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from schemas.base import Json
from tasks.values import load_words, sample_value

_FOLDER = Path(__file__).parent / "knowledge"
_NUMERIC_KINDS = ("latitude", "longitude")
FORMATS = {
    "date": "date",
    "date_time": "date-time",
    "email": "email",
    "url": "uri",
    "image_url": "uri",
    "uuid": "uuid",
}
"""The JSON schema format of each kind of value that has one."""


@dataclass(frozen=True)
class Attribute:
    """A typed attribute; `kind` names a common kind of value, `values` are examples, `enum` all that it can be."""

    name: str
    type: str
    about: str
    kind: str = ""
    values: tuple[Json, ...] = ()
    enum: tuple[Json, ...] = ()
    low: float | None = None
    high: float | None = None

    @property
    def words(self) -> str:
        """The name as words."""
        return self.name.replace("_", " ")

    @property
    def is_amount(self) -> bool:
        """Whether it is a number that things can be ranked by."""
        return self.type in ("integer", "number") and not self.kind

    def draw_examples(self, rng: Random, count: int) -> tuple[Json, ...]:
        """Up to `count` different values; none for numbers, booleans and enums, which need none."""
        if self.enum or self.type != "string":
            return ()
        if self.values:
            return tuple(rng.sample(self.values, min(count, len(self.values))))
        drawn = (sample_value(self.kind, _schema_of_kind(self.kind), rng) for _ in range(count * 2))
        return tuple(dict.fromkeys(drawn))[:count]


@dataclass(frozen=True)
class Resource:
    """A kind of thing; the first attribute is its label."""

    name: str
    plural: str
    about: str
    keywords: tuple[str, ...]
    actions: tuple[str, ...]
    attributes: tuple[Attribute, ...]


@cache
def load_knowledge() -> dict[str, tuple[Resource, ...]]:
    """The resources of every category, by the category's name."""
    files = [load_words(path) for path in sorted(_FOLDER.glob("*.yaml"))]
    return {file["category"]: tuple(_read_resource(item) for item in file["resources"]) for file in files}


def find_resources(category: str) -> tuple[Resource, ...]:
    """The resources of a category; those of all categories where it is unknown."""
    known = load_knowledge()
    if category in known:
        return known[category]
    return tuple(resource for resources in known.values() for resource in resources)


def rank_resources(category: str, text: str, rng: Random) -> list[Resource]:
    """The category's resources, those first that the text speaks of; ties as `rng` has it."""
    words = re.findall(r"[a-z]+", text.lower())

    def score(resource: Resource) -> float:
        hits = sum(any(word.startswith(keyword) for word in words) for keyword in resource.keywords)
        return hits + rng.random() * 0.9

    return sorted(find_resources(category), key=score, reverse=True)


def _read_resource(item: dict[str, Any]) -> Resource:
    return Resource(
        name=item["name"],
        plural=item["plural"],
        about=item["about"],
        keywords=tuple(item["keywords"]),
        actions=tuple(item["actions"]),
        attributes=tuple(_read_attribute(attribute) for attribute in item["attributes"]),
    )


def _read_attribute(item: dict[str, Any]) -> Attribute:
    kind = item.get("kind", "")
    return Attribute(
        name=item["name"],
        type="number" if kind in _NUMERIC_KINDS else item.get("type", "string"),
        about=item["about"],
        kind=kind,
        values=tuple(item.get("values", ())),
        enum=tuple(item.get("enum", ())),
        low={"latitude": -90, "longitude": -180}.get(kind, item.get("min")),
        high={"latitude": 90, "longitude": 180}.get(kind, item.get("max")),
    )


def _schema_of_kind(kind: str) -> dict[str, Json]:
    return {"type": "string", **({"format": FORMATS[kind]} if kind in FORMATS else {})}
