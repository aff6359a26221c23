"""English words: how a name splits into them and is spelled of them, one and many, articles, word lists in files."""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

Words = tuple[str, ...]


@cache
def load_words(path: Path) -> Any:
    """The word lists and phrases of a YAML file, read once."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(encoding="utf-8"), loader)


_OWN = load_words(Path(__file__).with_name("words.yaml"))
IRREGULAR: dict[str, str] = _OWN["irregular"]
_PLURALS = {singular: plural for plural, singular in IRREGULAR.items()}
ALIKE = frozenset[str](_OWN["alike"])

_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")
_AN = re.compile(
    r"(?!uni(?!n)|use|usa|uti|url|uuid|eu|one\b|once\b)[aeiou]|hour|honest|heir|honou?r|sms\b|mp3\b|rsvp\b", re.I
)
_NO_NOUN = re.compile(r"(?:has|is|can|needs|wears)\b|.*\b(?:on|at|by|from|for|in|to|since|\w+[^\We]ed)$", re.I)


@lru_cache(maxsize=16384)
def split_name(name: str) -> Words:
    """The lower-case words of a name in snake_case, kebab-case, camelCase or with blanks."""
    return tuple(word.lower() for word in _WORD.findall(name))


@lru_cache(maxsize=16384)
def name_words(name: str) -> Words:
    """The words of a name, the last one in the singular, so that `petIds` and `pet_id` are one."""
    return singularize_last(split_name(name))


def singularize_last(words: Sequence[str]) -> Words:
    """The words of a noun in the singular; none of none."""
    return (*words[:-1], singularize(words[-1])) if words else ()


@lru_cache(maxsize=8192)
def singularize(noun: str) -> str:
    """The singular of a lower-case English noun, by its last word; the noun itself where it is none.

    By rule and a list of exceptions: the library for it (inflect) takes seconds to import.
    """
    rest, blank, word = noun.rpartition(" ")
    if word in IRREGULAR:
        return f"{rest}{blank}{IRREGULAR[word]}"
    if len(word) < 3 or word in ALIKE or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return noun
    if word.endswith("ies") and len(word) > 4:
        return f"{noun[:-3]}y"
    return noun[:-2] if word.endswith(("sses", "xes", "zzes", "ches", "shes")) else noun[:-1]


@lru_cache(maxsize=8192)
def pluralize(noun: str) -> str:
    """The plural of a lower-case English noun, which `singularize` undoes; a plural stays as it is."""
    rest, blank, word = noun.rpartition(" ")
    if word in _PLURALS:
        return f"{rest}{blank}{_PLURALS[word]}"
    if word in ALIKE or is_plural(word):
        return noun
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return f"{noun[:-1]}ies"
    if word.endswith("sis"):
        return f"{noun[:-2]}es"
    return f"{noun}es" if word.endswith(("s", "x", "z", "ch", "sh")) else f"{noun}s"


def is_plural(noun: str) -> bool:
    """Whether the last word of a lower-case English noun is a plural."""
    return singularize(noun) != noun


@lru_cache(maxsize=16384)
def join_snake(name: str) -> str:
    """`adoptable pet` as `adoptable_pet`; any other spelling of a name as well."""
    return "_".join(split_name(name))


def join_camel(words: str) -> str:
    """`adoptable pet` as `adoptablePet`."""
    first, *rest = words.split()
    return first.lower() + "".join(word.capitalize() for word in rest)


def join_pascal(words: str) -> str:
    """`adoptable pet` as `AdoptablePet`."""
    return "".join(word[:1].upper() + word[1:] for word in words.split())


def with_article(noun: str) -> str:
    """`apple` as `an apple`; goes by sound where spelling misleads (`a user`, `an hour`, `an SMS`)."""
    return f"an {noun}" if _AN.match(noun) else f"a {noun}"


@cache
def reads_as_noun(words: str) -> bool:
    """Whether a name can stand after "the": `birth date` can, `joined on`, `has logo` and `verified` cannot."""
    return not _NO_NOUN.match(words)


def join_list(parts: list[str], last: str = " and ") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return last.join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
