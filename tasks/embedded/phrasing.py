"""The phrase bank, and how a function's phrasings look in a text."""

import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from tasks.embedded.naming import split_words
from tasks.embedded.slots import reference_pattern
from tasks.embedded.tools import Tool

_NEVER = r"(?!)"


@cache
def load_phrases() -> dict[str, Any]:
    """The phrase bank, `phrases.yaml`, as it stands."""
    phrases: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "phrases.yaml").read_text(encoding="utf-8"))
    return phrases


def spoken_attributes(tool: Tool) -> tuple[str, ...]:
    """The fields that a function returns, in words; ids left out, they are nothing that a person asks for."""
    spoken = (" ".join(split_words(name)) for name in tool.returns)
    return tuple(words for words in spoken if words and words.split()[-1] != "id")


@lru_cache(maxsize=512)
def find_pattern(tool: Tool, attributes: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern for every phrasing of the function's archetype with the function's own nouns; longest phrasing first.

    `attributes` are those that references may go by ("the city with the highest population").
    """
    bank = load_phrases()["archetypes"][tool.archetype]
    one = reference_pattern(tool.reference, attributes) if tool.reference else _NEVER
    own = "|".join(re.escape(words) for words in sorted(spoken_attributes(tool), key=len, reverse=True)) or _NEVER
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
