"""The documentation writer: invents an API's functions from its catalogue entry and the knowledge of its category.

An API is about a main kind of thing and up to two others. Which, under which names, with which of their attributes and
through which functions differs from entry to entry, so that two APIs of one category are not alike.
"""

from dataclasses import dataclass
from random import Random
from typing import Any

from schemas.base import Json
from tasks.embedded.tool_roles import Tool, read_tools
from tasks.embedded.writer import PHRASES
from tasks.embedded.writer.inventing import Style, Subject, make_function
from tasks.embedded.writer.knowledge import Resource, find_resources, load_knowledge, rank_resources
from tasks.embedded.writer.specifying import as_tool, describe_function
from tasks.values import join_list

_EXTRAS = ("list", "random", "count", "top", "latest")


@dataclass(frozen=True)
class _Wanted:
    archetype: str
    subject: Subject
    owner: Subject | None = None


def compose_documentation(entry: dict[str, Any], rng: Random) -> dict[str, Json]:
    """The documentation of `entry` (a catalogue entry's fields) as {"introduction", "functions"}."""
    text = f"{entry.get('name', '')} {entry.get('description', '')}"
    ranked = rank_resources(str(entry.get("category", "")), text, rng)
    style = Style.draw(rng)
    subjects = _draw_subjects(ranked[:3], rng)
    wanted = _choose_functions(subjects, rng)
    functions: list[Json] = [make_function(item.archetype, item.subject, item.owner, style, rng) for item in wanted]
    return {"introduction": _compose_introduction(entry, subjects, rng), "functions": functions}


def draw_foreign_tools(rng: Random) -> tuple[Tool, ...]:
    """The tools of some other API, about anything at all."""
    resource = rng.choice(find_resources(rng.choice(sorted(load_knowledge()))))
    style = Style.draw(rng)
    subject = Subject.draw(resource, frozenset(), rng)
    archetypes = ["search", "list", "random", "top", "count", *resource.actions[:1]]
    function = make_function(rng.choice(archetypes), subject, None, style, rng)
    operation = describe_function(function, [function], (resource,), str(rng.random()))
    return read_tools([as_tool(function, operation)])


def _draw_subjects(ranked: list[Resource], rng: Random) -> list[Subject]:
    chosen = ranked[: rng.choice((1, 2, 2, 2, 3))]
    subjects = []
    for resource in chosen:
        others = frozenset(other.name.split()[-1] for other in chosen if other is not resource)
        subjects.append(Subject.draw(resource, others, rng))
    return subjects


def _choose_functions(subjects: list[Subject], rng: Random) -> list[_Wanted]:
    main, *others = subjects
    wanted = [_Wanted("search", main), _Wanted("get", main)]
    pool = [_Wanted(archetype, main) for archetype in (*_EXTRAS, *main.resource.actions) if main.offers(archetype)]
    if others:
        side = others[0]
        wanted.append(_Wanted("related", side, main) if rng.random() < 0.6 else _Wanted("search", side))
        pool += [_Wanted(archetype, side) for archetype in ("list", "random", "count") if side.offers(archetype)]
        if "create" in side.resource.actions:
            pool.append(_Wanted("create", side, main if rng.random() < 0.6 else None))
    if len(others) > 1:
        pool += [_Wanted("search", others[1]), _Wanted("list", others[1])]
    rng.shuffle(pool)
    total = rng.choices((4, 5, 6, 7, 8), weights=(1, 4, 5, 3, 2))[0]
    return wanted + pool[: total - len(wanted)]


def _compose_introduction(entry: dict[str, Any], subjects: list[Subject], rng: Random) -> str:
    name = str(entry.get("name") or "This API")
    description = str(entry.get("description") or "").strip().rstrip(".")
    main, *others = subjects
    about = join_list([f"{main.plural} ({main.resource.about})", *(subject.plural for subject in others)])
    purpose = f" {description[:1].upper()}{description[1:]}." if description else ""
    return f"{name} {rng.choice(PHRASES['offers'])} {about}.{purpose}"
