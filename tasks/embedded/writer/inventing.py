"""The functions of an invented API, one maker an archetype: name, description, inputs and outputs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from schemas.base import Json
from tasks.embedded.writer import PHRASES
from tasks.embedded.writer.knowledge import Attribute, Resource
from tasks.values import join_camel, join_list, join_pascal, join_snake, singularize, with_article


@dataclass(frozen=True)
class Style:
    """The habits of one API: how it spells fields and ids."""

    snake: bool
    id_form: str
    long_id: bool

    @classmethod
    def draw(cls, rng: Random) -> "Style":
        """A style at random."""
        return cls(rng.random() < 0.45, rng.choice(("low", "low", "high", "integer", "dash")), rng.random() < 0.35)

    def spell(self, words: str) -> str:
        """A field's name."""
        return join_snake(words) if self.snake else join_camel(words)


@dataclass(frozen=True)
class Subject:
    """A kind of thing as one API knows it: under which noun, with which attributes and which ids."""

    resource: Resource
    noun: str
    plural: str
    attributes: tuple[Attribute, ...]
    examples: dict[str, tuple[Json, ...]]
    ids: tuple[Json, ...]

    @classmethod
    def draw(cls, resource: Resource, taken: frozenset[str], style: Style, rng: Random) -> "Subject":
        """The API's view of `resource`; the noun is shortened at times, never to one that is `taken`."""
        noun, plural = resource.name, resource.plural
        short, shorts = noun.split()[-1], plural.split()[-1]
        if short not in taken and singularize(shorts) == short and rng.random() < 0.4:
            noun, plural = short, shorts
        label, *rest = resource.attributes
        kept = rng.sample(rest, rng.randint(min(5, len(rest)), len(rest)))
        attributes = (label, *kept)
        examples = {attribute.name: attribute.draw_examples(rng, 8) for attribute in attributes}
        return cls(resource, noun, plural, attributes, examples, _draw_ids(noun, style, rng))

    def offers(self, archetype: str) -> bool:
        """Whether the archetype makes sense for these attributes."""
        if archetype == "top":
            return any(attribute.is_amount for attribute in self.attributes)
        return archetype != "latest" or any(attribute.kind in ("date", "date_time") for attribute in self.attributes)


def make_function(
    archetype: str, subject: Subject, owner: Subject | None, style: Style, rng: Random
) -> dict[str, Json]:
    """A documented function as plain JSON (see `schemas.toolset.DocumentedFunction`)."""
    inputs = _INPUTS[archetype](subject, owner, style, rng)
    noun = subject.noun if archetype in ("get", "create", "update", "delete", "random") else subject.plural
    verb = rng.choice(PHRASES["verbs"][archetype])
    if archetype == "related" and owner:
        noun = f"{owner.noun} {noun}"
    narrowing = [field for field in inputs if field["enum"] or field["examples"] or field["type"] == "boolean"]
    by = [str(field["description"]) for field in narrowing if not field["description"].startswith("The id ")][:3]
    description = str(rng.choice(PHRASES["descriptions"][archetype])).format(
        things=subject.plural, thing=subject.noun, a_thing=with_article(subject.noun),
        owner=owner.noun if owner else "",
        by=join_list([text[:1].lower() + text[1:].split(" (")[0] for text in by]) or "their fields",
    )  # fmt: skip
    return {
        "name": f"{verb}{join_pascal(noun)}",
        "description": description,
        "inputs": inputs,
        "outputs": _make_outputs(archetype, subject, style),
        "returns_list": archetype in ("search", "list", "related", "top", "latest"),
    }


def as_tool(function: dict[str, Any]) -> dict[str, Any]:
    """A documented function as the `function` object of a tool."""
    inputs = function.get("inputs", ())
    properties = {
        field["name"]: {key: field[key] for key in ("type", "enum", "examples") if field.get(key)} for field in inputs
    }
    required = [field["name"] for field in inputs if field.get("required", True)]
    fields = ", ".join(field["name"] for field in function.get("outputs", ()))
    return {
        "name": function["name"],
        "description": f"{function['description']} Returns: {fields}.",
        "parameters": {"type": "object", "properties": properties, "required": required},
    }


def _draw_ids(noun: str, style: Style, rng: Random) -> tuple[Json, ...]:
    numbers = rng.sample(range(1000, 9999), 3)
    prefix = noun.split()[-1][:4]
    if style.id_form == "integer":
        return tuple(number * 7 + 10000 for number in numbers)
    form = {"low": f"{prefix}_{{}}", "high": f"{prefix[:2].upper()}-{{}}", "dash": f"{prefix}-{{}}"}[style.id_form]
    return tuple(form.format(number) for number in numbers)


def _describe(attribute: Attribute) -> str:
    text = attribute.about[:1].upper() + attribute.about[1:]
    return f"{text} ({attribute.low:g} to {attribute.high:g})" if attribute.low is not None else text


def _make_field(
    name: str, kind: str, about: str, *, required: bool = True, enum: Sequence[Json] = (), examples: Sequence[Json] = ()
) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "description": about,
        "required": required,
        "enum": list(enum),
        "examples": list(examples),
    }


def _field(attribute: Attribute, subject: Subject, style: Style, required: bool = True) -> dict[str, Any]:
    return _make_field(
        style.spell(attribute.words),
        attribute.type,
        _describe(attribute),
        required=required,
        enum=attribute.enum,
        examples=subject.examples[attribute.name],
    )


def _id_field(subject: Subject, style: Style, name: str = "") -> dict[str, Any]:
    kind = "integer" if style.id_form == "integer" else "string"
    name = name or style.spell(f"{subject.noun} id")
    return _make_field(name, kind, f"The id of the {subject.noun}", examples=subject.ids)


def _limit_field(things: str, rng: Random) -> dict[str, Any]:
    about = f"How many {things} to return at most (1 to {rng.choice((10, 20, 25, 50))})"
    return _make_field("limit", "integer", about, required=False)


def _filters(subject: Subject, style: Style, rng: Random, count: int) -> list[dict[str, Any]]:
    """Filters over some attributes; amounts are filtered by their lowest or highest value, dates not at all."""
    able = [
        a
        for a in subject.attributes
        if a.kind not in ("date", "date_time", "url", "image_url", "uuid", "latitude", "longitude")
    ]
    fields = []
    for attribute in rng.sample(able, min(count, len(able))):
        field = _field(attribute, subject, style, required=False)
        if attribute.is_amount:
            end, text = rng.choice((("min", "The lowest value of"), ("max", "The highest value of")))
            field["name"] = style.spell(f"{end} {attribute.words}")
            field["description"] = f"{text} {_describe(attribute)[:1].lower()}{_describe(attribute)[1:]}"
        fields.append(field)
    return fields


def _search_inputs(subject: Subject, owner: Subject | None, style: Style, rng: Random) -> list[dict[str, Any]]:
    fields = _filters(subject, style, rng, rng.randint(2, 4))
    choices = [field for field in fields if field["type"] == "string"]
    if choices and rng.random() < 0.7:
        rng.choice(choices)["required"] = True
    return [
        *sorted(fields, key=lambda f: not f["required"]),
        *([_limit_field(subject.plural, rng)] if rng.random() < 0.8 else []),
    ]


def _list_inputs(subject: Subject, owner: Subject | None, style: Style, rng: Random) -> list[dict[str, Any]]:
    return [*_filters(subject, style, rng, rng.choice((0, 1, 1))), _limit_field(subject.plural, rng)]


def _get_inputs(subject: Subject, owner: Subject | None, style: Style, rng: Random) -> list[dict[str, Any]]:
    return [_id_field(subject, style)]


def _related_inputs(subject: Subject, owner: Subject | None, style: Style, rng: Random) -> list[dict[str, Any]]:
    assert owner is not None
    fields = [_id_field(owner, style), *_filters(subject, style, rng, rng.choice((0, 1)))]
    return [*fields, _limit_field(subject.plural, rng)] if rng.random() < 0.7 else fields


def _random_inputs(subject: Subject, owner: Subject | None, style: Style, rng: Random) -> list[dict[str, Any]]:
    return _filters(subject, style, rng, rng.choice((1, 1, 2)))


def _create_inputs(subject: Subject, owner: Subject | None, style: Style, rng: Random) -> list[dict[str, Any]]:
    label, *rest = subject.attributes
    needed = rng.randint(1, 2)
    chosen = rng.sample(rest, min(len(rest), needed + rng.randint(1, 2)))
    fields = [_field(label, subject, style)]
    fields += [_field(attribute, subject, style, required=i < needed) for i, attribute in enumerate(chosen)]
    return [_id_field(owner, style), *fields] if owner else fields


def _update_inputs(subject: Subject, owner: Subject | None, style: Style, rng: Random) -> list[dict[str, Any]]:
    chosen = rng.sample(subject.attributes, min(len(subject.attributes), rng.randint(2, 4)))
    return [_id_field(subject, style), *(_field(attribute, subject, style, required=False) for attribute in chosen)]


def _count_inputs(subject: Subject, owner: Subject | None, style: Style, rng: Random) -> list[dict[str, Any]]:
    fields = _filters(subject, style, rng, rng.choice((1, 2)))
    if rng.random() < 0.4:
        fields[0]["required"] = True
    return fields


def _top_inputs(subject: Subject, owner: Subject | None, style: Style, rng: Random) -> list[dict[str, Any]]:
    amounts = [style.spell(attribute.words) for attribute in subject.attributes if attribute.is_amount]
    about = f"The measure to rank the {subject.plural} by"
    by = _make_field(style.spell("rank by"), "string", about, required=rng.random() < 0.6, enum=amounts)
    return [by, _limit_field(subject.plural, rng)]


def _latest_inputs(subject: Subject, owner: Subject | None, style: Style, rng: Random) -> list[dict[str, Any]]:
    about = f"The earliest day that {subject.plural} may date from, as YYYY-MM-DD"
    required = rng.random() < 0.5
    days = sorted(f"2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}" for _ in range(3))
    since = _make_field("since", "string", about, required=required, examples=days)
    return [since, _limit_field(subject.plural, rng)]


_Maker = Callable[[Subject, Subject | None, Style, Random], list[dict[str, Any]]]
_INPUTS: dict[str, _Maker] = {
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


def _make_outputs(archetype: str, subject: Subject, style: Style) -> list[dict[str, Any]]:
    if archetype == "count":
        description = f"How many {subject.plural} there are (0 to 100000)"
        return [{"name": "count", "type": "integer", "description": description, "enum": [], "examples": []}]
    plain = subject.plural in (f"{subject.noun}s", f"{subject.noun}es", f"{subject.noun[:-1]}ies")
    # "id" in "analyses" is not seen at once to be an analysisId: irregular nouns spell it out
    identity = _id_field(subject, style, "id" if plain and not style.long_id else "")
    if archetype == "delete":
        deleted = {"name": "deleted", "type": "boolean", "description": f"Whether the {subject.noun} was deleted"}
        return [identity, {**deleted, "enum": [], "examples": []}]
    return [identity, *(_field(attribute, subject, style) for attribute in subject.attributes)]
