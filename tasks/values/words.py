"""Names and words: how a name splits, what a plural is the plural of, and how word lists are written down here."""

import re
from functools import lru_cache


def split_words(text: str) -> tuple[str, ...]:
    """The words of a list that is written as one text, blanks between them."""
    return tuple(text.split())


_WORDS = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")


@lru_cache(maxsize=16384)
def split_name(name: str) -> tuple[str, ...]:
    """The words of a name in snake_case, kebab-case or camelCase, in lower case."""
    return tuple(word.lower() for word in _WORDS.findall(name))


IRREGULAR = {
    "people": "person",
    "children": "child",
    "men": "man",
    "women": "woman",
    "feet": "foot",
    "mice": "mouse",
    "criteria": "criterion",
    "movies": "movie",
    "cookies": "cookie",
    "ties": "tie",
    "indices": "index",
    "vertices": "vertex",
    "leaves": "leaf",
    "lives": "life",
    "heroes": "hero",
    "potatoes": "potato",
    "tomatoes": "tomato",
    "analyses": "analysis",
    "caches": "cache",
    "aches": "ache",
    "buses": "bus",
    "gases": "gas",
    "statuses": "status",
    "viruses": "virus",
    "campuses": "campus",
    "bonuses": "bonus",
    "aliases": "alias",
    "quizzes": "quiz",
}
_PLURALS = {singular: plural for plural, singular in IRREGULAR.items()}
ALIKE = frozenset(split_words("series species news lens media data sms gps https iris always canvas atlas bonus gas"))


@lru_cache(maxsize=8192)
def singularize(word: str) -> str:
    """The singular of a lower-case English word; the word itself where it is none.

    By rule and a list of exceptions: the library for it (inflect) takes seconds to import.
    """
    if word in IRREGULAR:
        return IRREGULAR[word]
    if len(word) < 3 or word in ALIKE or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("sses", "xes", "zzes", "ches", "shes")) else word[:-1]


@lru_cache(maxsize=8192)
def pluralize(word: str) -> str:
    """The plural of a lower-case English singular; `singularize` undoes it."""
    if word in _PLURALS:
        return _PLURALS[word]
    if word in ALIKE:
        return word
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return f"{word[:-1]}ies"
    if word.endswith("sis"):
        return f"{word[:-2]}es"
    return f"{word}es" if word.endswith(("s", "x", "z", "ch", "sh")) else f"{word}s"
