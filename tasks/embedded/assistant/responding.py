"""The final response: plain sentences over what the calls returned, and nothing that they did not."""

import json
import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from schemas.base import Json
from tasks.embedded.assistant import PHRASES
from tasks.embedded.assistant.observing import Outcome, find_shown_list
from tasks.embedded.describing import WORDS
from tasks.embedded.tool_roles import Tool
from tasks.values import (
    is_plural,
    join_list,
    pluralize,
    reads_as_noun,
    singularize,
    split_name,
    with_article,
)

_MOST_ITEMS = 4
_MOST_FIELDS = 5
_FRAME = frozenset[str](WORDS["frame"])


def compose_response(tools: Sequence[Tool], outcomes: Sequence[Outcome], request: str, rng: Random) -> str:
    """The answer to `request` after every call of it; `outcomes[i]` is what `tools[i]` returned."""
    parts = [_report(tool, outcome, request.lower(), rng) for tool, outcome in zip(tools, outcomes, strict=True)]
    opener, closer = rng.choice(PHRASES["openers"]), rng.choice(PHRASES["closers"])
    return f"{opener}{' '.join(parts)}{closer}"


def _report(tool: Tool, outcome: Outcome, request: str, rng: Random) -> str:
    key, items = find_shown_list(outcome.body)
    body = outcome.body
    if items and isinstance(body, dict) and tool.archetype in ("get", "other") and _says_more(body):
        noun = " ".join(split_name(key)) or "results"
        return f"{_report_thing(tool, body, request, rng)} {_report_items(noun, items, request, rng)}"
    if items or (_is_empty(body) and tool.gives_list):
        return _report_items(tool.things or "results", items, request, rng)
    if not isinstance(body, dict):
        return (
            f"The answer is {_say(body)}." if body not in (None, "", []) else "It went through; nothing was returned."
        )
    if tool.archetype == "count" and isinstance(body.get("count"), int):
        are, noun = ("is", tool.thing) if body["count"] == 1 else ("are", tool.things)
        return str(rng.choice(PHRASES["reports"]["count"])).format(count=body["count"], noun=noun, are=are)
    if tool.archetype == "delete":
        return str(rng.choice(PHRASES["reports"]["delete"])).format(thing=tool.thing)
    return _report_thing(tool, body, request, rng)


def _says_more(body: dict[str, Any]) -> bool:
    """Whether an answer with a list in it is about one thing: it has fields of its own, not only counts and pages."""
    names = (name for name, value in body.items() if isinstance(value, str | int | float))
    return any(not _FRAME.intersection(split_name(name)) for name in names)


def _is_empty(body: Json) -> bool:
    """Whether an answer is a list in which nothing was found."""
    values = body.values() if isinstance(body, dict) else [body]
    return body in (None, {}) or any(value == [] for value in values)


def _report_items(things: str, items: list[dict[str, Any]], request: str, rng: Random) -> str:
    if not items:
        return f"No {things} match that."
    shown = [_summarise(item, request) for item in items[:_MOST_ITEMS]]
    noun = singularize(things) if len(items) == 1 else things
    lead = rng.choice(PHRASES["reports"]["items"])
    if len(items) == 1:
        lead = rng.choice(PHRASES["reports"]["item"])
    among = ", among them " if len(items) > _MOST_ITEMS else ": "
    return f"{lead.format(count=len(items), noun=noun)}{among}{'; '.join(shown)}."


def _summarise(item: dict[str, Any], request: str) -> str:
    fields = list(_fields(item))
    if not fields:
        return _say(next(iter(item.values()), ""))
    label = next(
        (value for words, value in fields if isinstance(value, str) and words.split()[-1:] != ["id"]), fields[0][1]
    )
    rest = [(words, value) for words, value in fields if value != label]
    new = [(words, value) for words, value in rest if not _is_given(value, request)] or rest
    asked = [pair for pair in new if pair[0] in request]
    said = [f"{words}{':' if isinstance(value, bool) else ''} {_say(value)}" for words, value in (asked or new)[:2]]
    return f"{_say(label)} ({', '.join(said)})" if said else _say(label)


def _report_thing(tool: Tool, body: dict[str, Any], request: str, rng: Random) -> str:
    fields = list(_fields(body))
    if not fields:
        return "It went through."
    asked = _find_asked(fields, request)
    if asked and tool.archetype in ("get", "other"):
        told = _tell_fields(asked[:_MOST_FIELDS])
        return f"{told[:1].upper()}{told[1:]}."
    leads = {archetype: rng.choice(phrases) for archetype, phrases in PHRASES["leads"].items()}
    lead, thing = leads.get(tool.archetype, leads["other"]), tool.thing or "result"
    return f"{lead.format(thing=thing, a_thing=with_article(thing))}: {_tell_fields(fields[:_MOST_FIELDS])}."


def _find_asked(fields: list[tuple[str, Json]], request: str) -> list[tuple[str, Json]]:
    """The fields that the request names before an "of", and does not give itself.

    Both of "the name and height of the tower"; none of "a book of the Bible, with Ruth as the book".
    """
    names = "|".join(re.escape(words) for words, _ in sorted(fields, key=lambda pair: len(pair[0]), reverse=True))
    found = re.findall(rf"\b((?:{names})(?:(?:,| and) (?:{names}))*) of\b", request)
    asked = {words for match in found for words in re.findall(names, match)}
    return [(words, value) for words, value in fields if words in asked and not _is_given(value, request)]


def _is_given(value: Json, request: str) -> bool:
    """Whether the request says a text itself: what is looked for, or in what."""
    return isinstance(value, str) and (value.lower() in request or value.lower().replace("_", " ") in request)


def _tell_fields(fields: list[tuple[str, Json]]) -> str:
    """One sentence's worth of fields; what is either so or not goes last, in brackets."""
    told = join_list([_tell_field(words, value) for words, value in fields if not isinstance(value, bool)])
    flags = ", ".join(f"{words}: {_say(value)}" for words, value in fields if isinstance(value, bool))
    return f"{told} ({flags})" if told and flags else told or flags


def _tell_field(words: str, value: Json) -> str:
    return f"the {words} {_verb(words)} {_say(value)}" if reads_as_noun(words) else f"{words} {_say(value)}"


def _fields(item: dict[str, Any]) -> Iterator[tuple[str, Json]]:
    """The plain fields in words; of nested things their own plain fields, after them."""
    nested: list[dict[str, Any]] = []
    for name, value in item.items():
        if isinstance(value, dict):
            nested.append(value)
        elif value is None or not any(character.isalpha() for character in name):
            continue  # a name without a letter says nothing
        elif not isinstance(value, list) or (value and all(isinstance(part, str | int | float) for part in value)):
            yield _speak_name(name), value
    for inner in nested:
        yield from _fields(inner)


def _speak_name(name: str) -> str:
    """A field's name in words; one with a number in it (`hours2`) as it stands, for the number counts nothing."""
    return name if re.search(r"\d", name) else " ".join(split_name(name)) or name


def _verb(words: str) -> str:
    return "are" if is_plural(words) and pluralize(words) == words else "is"


def _say(value: Json) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return join_list([_say(part) for part in value[:5]])
    return value.rstrip(".") if isinstance(value, str) else json.dumps(value)
