"""Reading a request: which calls it asks for, from its text and the tools alone.

The assistant reads this way. So does the user agent, over its own shoulder: what it writes must be understood.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from schemas.base import Json
from tasks.embedded.plans import PlannedCall, Reference, make_step
from tasks.embedded.slots import read_slot, reference_pattern
from tasks.embedded.speech import hear, value_pattern
from tasks.embedded.tool_roles import Tool, ToolParameter
from tasks.embedded.user import PHRASES

_NEVER = r"(?!)"


@dataclass(frozen=True)
class Reading:
    """The calls that a text asks for, and for each the required parameters that it says nothing of."""

    steps: tuple[PlannedCall, ...]
    missing: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class _Clause:
    tool: Tool
    start: int
    end: int


@lru_cache(maxsize=512)
def read_request(text: str, tools: tuple[Tool, ...]) -> Reading:
    """The calls that `text` asks for, in its order; none where no function fits."""
    attributes = all_attributes(tools)
    clauses = _find_clauses(text, tools, attributes)
    steps, missing = [], []
    ends = [*(clause.start for clause in clauses[1:]), len(text)]
    for clause, end in zip(clauses, ends, strict=False):
        span = text[clause.start : end]
        arguments = _read_arguments(clause.tool, span, attributes)
        steps.append(make_step(clause.tool.name, arguments))
        missing.append(tuple(p.name for p in clause.tool.parameters if p.required and p.name not in arguments))
    return Reading(tuple(steps), tuple(missing))


@lru_cache(maxsize=512)
def all_attributes(tools: tuple[Tool, ...]) -> tuple[str, ...]:
    """Every attribute that some function returns, in words."""
    return tuple(sorted({words for tool in tools for words in tool.attributes}))


def _find_clauses(text: str, tools: tuple[Tool, ...], attributes: tuple[str, ...]) -> list[_Clause]:
    """Where the text turns to a function; of phrasings that overlap the longest counts."""
    found = [
        _Clause(tool, match.start(), match.end())
        for tool in tools
        for match in _find_pattern(tool, attributes).finditer(text)
    ]
    found.sort(key=lambda clause: (clause.start - clause.end, clause.start))
    chosen: list[_Clause] = []
    for clause in found:
        if all(clause.end <= other.start or other.end <= clause.start for other in chosen):
            chosen.append(clause)
    return sorted(chosen, key=lambda clause: clause.start)


@lru_cache(maxsize=512)
def _find_pattern(tool: Tool, attributes: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern for every phrasing of the function's archetype with the function's own nouns; longest phrasing first.

    `attributes` are those that references may go by ("the city with the highest population").
    """
    bank = PHRASES["archetypes"][tool.archetype]
    one = reference_pattern(tool.reference, attributes) if tool.reference else _NEVER
    own = "|".join(re.escape(words) for words in sorted(tool.attributes, key=len, reverse=True)) or _NEVER
    slots = {
        "things": re.escape(tool.things) or _NEVER,
        "thing": re.escape(tool.thing) or _NEVER,
        "a_thing": rf"(?:an?|a new|another) {re.escape(tool.thing)}" if tool.thing else _NEVER,
        "one": one,
        "attrs": rf"(?:{own})(?:(?:,| and) (?:{own}))*",
        "imperative": re.escape(tool.imperative) or _NEVER,
    }
    # Phrases that differ only before their first slot share one copy of what follows: compiling is what costs here.
    groups: dict[str, list[str]] = {}
    for phrase in sorted((phrase for mood in ("do", "ask", "say") for phrase in bank[mood]), key=len, reverse=True):
        before, brace, after = phrase.partition("{")
        groups.setdefault(brace + after, []).append(re.escape(before))
    sources = (f"(?:{'|'.join(before)}){_fill(after, slots)}" for after, before in groups.items())
    return re.compile(rf"(?<!\w)(?:{'|'.join(sources)})(?!\w)", re.IGNORECASE)


def _fill(text: str, slots: dict[str, str]) -> str:
    return re.sub(r"\\\{(\w+)\\\}", lambda match: slots[match.group(1)], re.escape(text))


def _read_arguments(tool: Tool, span: str, attributes: tuple[str, ...]) -> dict[str, Json | Reference]:
    values = {parameter.name: read_slot(parameter, span, attributes) for parameter in tool.parameters}
    return {name: value for name, value in values.items() if value is not None}


def read_reply(text: str, parameter: ToolParameter) -> Json:
    """The value for `parameter` in the user's answer to a question; None where there is none."""
    said = read_slot(parameter, text)
    if said is not None and not isinstance(said, Reference):
        return said
    fulls = (pattern.fullmatch(text.strip()) for pattern in _reply_patterns(parameter.words))
    given = [full.group(1) for full in fulls if full]
    # The known ways of replying come first: the "It" of "It should be BR." is no country.
    for part in given:
        if re.fullmatch(value_pattern(parameter), part, re.IGNORECASE):
            return hear(parameter, part)
    match = re.search(rf"(?<!\w)(?:{value_pattern(parameter)})", text, re.IGNORECASE)
    if match:
        return hear(parameter, match.group())
    return _take_as_text(given[0], parameter) if given else None


def _take_as_text(spoken: str, parameter: ToolParameter) -> Json:
    """What was said, where any text is a value; None where it is not."""
    schema = parameter.schema
    items = schema.get("items")
    if schema.get("type") == "array" and isinstance(items, dict) and items.get("type") == "string":
        return hear(parameter, spoken)
    return spoken if schema.get("type", "string") == "string" else None


@lru_cache(maxsize=512)
def _reply_patterns(words: str) -> tuple[re.Pattern[str], ...]:
    """The ways in which a reply gives a value; the wordiest first, since the others match it too."""
    replies = sorted(PHRASES["replies"], key=len, reverse=True)
    return tuple(
        re.compile(
            re.escape(reply).replace(r"\{value\}", "(.+)").replace(r"\{words\}", re.escape(words)), re.IGNORECASE
        )
        for reply in replies
    )
