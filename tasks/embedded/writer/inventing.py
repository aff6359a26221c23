"""The functions of an invented API, by archetype: name, description, and the names of inputs and outputs."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from schemas.base import Json
from tasks.embedded.writer import PHRASES
from tasks.embedded.writer.knowledge import Attribute, Resource
from tasks.values import join_camel, join_pascal, join_snake, singularize, with_article

_NO_FILTER = ("date", "date_time", "url", "image_url", "uuid", "latitude", "longitude")
"""Kinds of values that nothing is narrowed down by."""

_SHOWN = (4, 6)
"""Attributes of each thing in a list, at least and at most; whoever wants all asks for the one."""


@dataclass(frozen=True)
class Style:
    """The habits of one API: how it spells fields, and whether its ids carry their noun (`petId`)."""

    snake: bool
    long_id: bool

    @classmethod
    def draw(cls, rng: Random) -> "Style":
        """A style at random."""
        return cls(rng.random() < 0.45, rng.random() < 0.35)

    def spell(self, words: str) -> str:
        """A field's name."""
        return join_snake(words) if self.snake else join_camel(words)


@dataclass(frozen=True)
class Subject:
    """A kind of thing as one API knows it: under which noun, and with which attributes."""

    resource: Resource
    noun: str
    plural: str
    attributes: tuple[Attribute, ...]

    @classmethod
    def draw(cls, resource: Resource, taken: frozenset[str], rng: Random) -> "Subject":
        """The API's view of `resource`; the noun is shortened at times, never to one that is `taken`."""
        noun, plural = resource.name, resource.plural
        short, shorts = noun.split()[-1], plural.split()[-1]
        if short not in taken and singularize(shorts) == short and rng.random() < 0.4:
            noun, plural = short, shorts
        label, *rest = resource.attributes
        kept = rng.sample(rest, rng.randint(min(5, len(rest)), len(rest)))
        return cls(resource, noun, plural, (label, *kept))

    def offers(self, archetype: str) -> bool:
        """Whether the archetype makes sense for these attributes."""
        if archetype == "top":
            return any(attribute.is_amount for attribute in self.attributes)
        return archetype != "latest" or any(attribute.kind in ("date", "date_time") for attribute in self.attributes)


def make_function(
    archetype: str, subject: Subject, owner: Subject | None, style: Style, rng: Random
) -> dict[str, Json]:
    """A function as the documentation tells of it (see `schemas.toolset.DocumentedFunction`)."""
    inputs = _INPUTS[archetype](subject, owner, rng)
    noun = subject.noun if archetype in ("get", "create", "update", "delete", "random") else subject.plural
    verb = rng.choice(PHRASES["verbs"][archetype])
    if archetype == "related" and owner:
        noun = f"{owner.noun} {noun}"
    description = str(rng.choice(PHRASES["descriptions"][archetype])).format(
        things=subject.plural, thing=subject.noun, a_thing=with_article(subject.noun), owner=owner.noun if owner else ""
    )
    return {
        "name": f"{verb}{join_pascal(noun)}",
        "description": description,
        "inputs": [style.spell(words) for words in inputs],
        "outputs": [style.spell(words) for words in _list_outputs(archetype, subject, inputs, style, rng)],
    }


def _draw_filters(subject: Subject, rng: Random, count: int) -> list[str]:
    """Filters over some attributes; amounts are filtered by their lowest or highest value, dates not at all."""
    able = [attribute for attribute in subject.attributes if attribute.kind not in _NO_FILTER]
    return [
        f"{rng.choice(('min', 'max'))} {attribute.words}" if attribute.is_amount else attribute.words
        for attribute in rng.sample(able, min(count, len(able)))
    ]


def _search_inputs(subject: Subject, owner: Subject | None, rng: Random) -> list[str]:
    return [*_draw_filters(subject, rng, rng.randint(2, 4)), *(["limit"] if rng.random() < 0.8 else [])]


def _list_inputs(subject: Subject, owner: Subject | None, rng: Random) -> list[str]:
    return [*_draw_filters(subject, rng, rng.choice((0, 1, 1))), "limit"]


def _get_inputs(subject: Subject, owner: Subject | None, rng: Random) -> list[str]:
    return [f"{subject.noun} id"]


def _related_inputs(subject: Subject, owner: Subject | None, rng: Random) -> list[str]:
    assert owner is not None
    limit = ["limit"] if rng.random() < 0.7 else []
    return [f"{owner.noun} id", *_draw_filters(subject, rng, rng.choice((0, 1))), *limit]


def _random_inputs(subject: Subject, owner: Subject | None, rng: Random) -> list[str]:
    return _draw_filters(subject, rng, rng.choice((1, 1, 2)))


def _create_inputs(subject: Subject, owner: Subject | None, rng: Random) -> list[str]:
    label, *rest = subject.attributes
    chosen = rng.sample(rest, min(len(rest), rng.randint(2, 4)))
    return [*([f"{owner.noun} id"] if owner else []), label.words, *(attribute.words for attribute in chosen)]


def _update_inputs(subject: Subject, owner: Subject | None, rng: Random) -> list[str]:
    chosen = rng.sample(subject.attributes, min(len(subject.attributes), rng.randint(2, 4)))
    return [f"{subject.noun} id", *(attribute.words for attribute in chosen)]


def _count_inputs(subject: Subject, owner: Subject | None, rng: Random) -> list[str]:
    return _draw_filters(subject, rng, rng.choice((1, 2)))


def _top_inputs(subject: Subject, owner: Subject | None, rng: Random) -> list[str]:
    return ["rank by", "limit"]


def _latest_inputs(subject: Subject, owner: Subject | None, rng: Random) -> list[str]:
    return ["since", "limit"]


_INPUTS: dict[str, Callable[[Subject, Subject | None, Random], list[str]]] = {
    "search": _search_inputs,
    "list": _list_inputs,
    "get": _get_inputs,
    "related": _related_inputs,
    "random": _random_inputs,
    "create": _create_inputs,
    "update": _update_inputs,
    "delete": _get_inputs,
    "count": _count_inputs,
    "top": _top_inputs,
    "latest": _latest_inputs,
}


def _list_outputs(archetype: str, subject: Subject, inputs: list[str], style: Style, rng: Random) -> list[str]:
    if archetype == "count":
        return ["count"]
    plain = subject.plural in (f"{subject.noun}s", f"{subject.noun}es", f"{subject.noun[:-1]}ies")
    # "id" in "analyses" is not seen at once to be an analysisId: irregular nouns spell it out
    identity = "id" if plain and not style.long_id else f"{subject.noun} id"
    if archetype == "delete":
        return [identity, "deleted"]
    return [identity, *(attribute.words for attribute in _choose_shown(archetype, subject, inputs, rng))]


def _choose_shown(archetype: str, subject: Subject, inputs: list[str], rng: Random) -> list[Attribute]:
    """The attributes that come back: all of one thing, of many the label, those they are found by and some more."""
    if archetype in ("get", "random"):
        return list(subject.attributes)
    given = {words.removeprefix("min ").removeprefix("max ") for words in inputs}
    label, *others = subject.attributes
    shown = {label.name, *(attribute.name for attribute in others if attribute.words in given)}
    if archetype == "top":
        shown |= {attribute.name for attribute in others if attribute.is_amount}
    if archetype == "latest":
        shown |= {attribute.name for attribute in others if attribute.kind in ("date", "date_time")}
    if archetype not in ("create", "update"):
        rest = [attribute.name for attribute in others if attribute.name not in shown]
        wanted = rng.randint(*_SHOWN) - len(shown)
        shown |= set(rng.sample(rest, max(0, min(wanted, len(rest)))))
    return [attribute for attribute in subject.attributes if attribute.name in shown]
