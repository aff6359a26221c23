"""What a function's description tells: what it does, as an order that a person might give, and what it returns."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.values import is_plural, load_words, split_name

WORDS: dict[str, Any] = load_words(Path(__file__).with_name("words.yaml"))
"""What words in names and descriptions tell."""

_RETURNS = re.compile(r"\s*Returns:\s*(.*)$", re.DOTALL)
_MOST_CHARACTERS = 200
_FIELD = re.compile(r"[A-Za-z_]\w*")
_PREAMBLE = re.compile(
    r"(?:you can )?(?:use )?(?:this|the) (?:endpoint|function|operation|method|call|route|api)(?: is used)?"
    r"(?: (?:will|can|lets you|allows you|to))*\s+|(?:will|allows you to|lets you|used to|use to)\s+",
    re.IGNORECASE,
)
_TAIL = re.compile(r"\s+(?:in|as) (?:JSON|XML)(?: format)?$", re.IGNORECASE)
_LISTING = re.compile(
    r"(?:get|list|retrieve|fetch|show) (?:a list of )?(?:all )?(?:of )?(?:the )?([a-z]+)", re.IGNORECASE
)
_OWN_NAME = re.compile(r"(?:\bthe )?\b[A-Z][a-z]+[A-Z]\w*(?= (?:database|API|service|platform|app)\b)")
"""A name like `AbuseIPDB` before such a word is the API's own, which no user's request holds."""

_ADVERBS_AND_NOUNS = re.compile(r"(?:ss|us|is|[^aeiou]ies)$")


@dataclass(frozen=True)
class Returned:
    """What comes back: names of fields (of a list's items where `listed`)."""

    fields: tuple[str, ...] = ()
    listed: bool = False


def read_returned(description: str) -> Returned:
    """The fields in a description's last line: `Returns: pets (list of id, name, breed), total.`"""
    match = _RETURNS.search(description)
    if match is None:
        return Returned()
    text = match.group(1).strip().rstrip(".")
    inner = re.search(r"\(list of ([^()]*)", text)
    listed = inner is not None or text.startswith("list of ")
    told = inner.group(1) if inner else text.removeprefix("list of ")
    names = [part.strip() for part in re.split(r"[,()]", told)]
    fields = tuple(dict.fromkeys(name for name in names if _FIELD.fullmatch(name)))
    return Returned(() if len(fields) == 1 and fields[0] in WORDS["kinds"] else fields, listed)


def make_imperative(name: str, description: str) -> str:
    """What the function does as an order: "get a random joke" for "Returns a random joke in JSON format."

    Without a description, the words of the function's name, its verb first.
    """
    first = re.split(r"(?<=[.!?])\s", _RETURNS.sub("", description).strip())[0].rstrip(".!? ")
    if " " not in first:
        return _order_words(split_name(first or name))
    first = _TAIL.sub("", _PREAMBLE.sub("", first, count=1) if _PREAMBLE.match(first) else first)
    verb, _, rest = _OWN_NAME.sub("the", first).partition(" ")
    order = f"{_find_base(verb)} {rest}"
    if len(order) > _MOST_CHARACTERS:
        order = order[:_MOST_CHARACTERS].rsplit(" ", 1)[0]
    return order


def find_listed_noun(imperative: str) -> str:
    """The noun of an order that is a listing and nothing else: `cats` of "get all cats"; else ""."""
    match = _LISTING.fullmatch(imperative)
    return match.group(1).lower() if match and is_plural(match.group(1)) else ""


def _find_base(verb: str) -> str:
    """The verb that opens a description as one gives an order: `Retrieves` is `retrieve`."""
    if verb[:2].isupper():
        return verb
    lower = verb[:1].lower() + verb[1:]
    bare = lower[:-1] if lower.endswith("s") and not _ADVERBS_AND_NOUNS.search(lower) else lower
    return str(WORDS["third_person"].get(lower, bare))


def _order_words(words: tuple[str, ...]) -> str:
    for place, word in enumerate(words):
        if word in WORDS["orders"]:
            after = words[place + 1 :]
            return " ".join((word, *(after or words[:place])))
    return " ".join(words)
