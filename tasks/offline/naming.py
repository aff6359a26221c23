"""Names to words and back: the spelling rules that the embedded teacher writes and reads by."""

import re
from functools import cache

import inflect

_ENGINE = inflect.engine()
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


@cache
def split_words(name: str) -> tuple[str, ...]:
    """The lower-case words of a camelCase, snake_case or spaced name: `minPrice` is ("min", "price")."""
    return tuple(word.lower() for word in _WORD.findall(name))


def join_camel(words: str) -> str:
    """`adoptable pet` as `adoptablePet`."""
    first, *rest = words.split()
    return first.lower() + "".join(word.capitalize() for word in rest)


def join_pascal(words: str) -> str:
    """`adoptable pet` as `AdoptablePet`."""
    return "".join(word[:1].upper() + word[1:] for word in words.split())


def join_snake(words: str) -> str:
    """`adoptable pet` as `adoptable_pet`."""
    return "_".join(words.lower().split())


@cache
def is_plural(noun: str) -> bool:
    """Whether the last word of `noun` is a plural."""
    last = noun.split()[-1] if noun else ""
    if last.endswith(("ss", "us", "is")):  # inflect takes "analysis" for a plural
        return False
    return bool(last) and _ENGINE.singular_noun(last) is not False


@cache
def make_singular(noun: str) -> str:
    """`adoptable pets` as `adoptable pet`; a singular stays as it is."""
    if not is_plural(noun):
        return noun
    *rest, last = noun.split()
    return " ".join([*rest, str(_ENGINE.singular_noun(last))])


@cache
def make_plural(noun: str) -> str:
    """`adoptable pet` as `adoptable pets`; a plural stays as it is."""
    if is_plural(noun):
        return noun
    *rest, last = noun.split()
    return " ".join([*rest, _ENGINE.plural_noun(last)])


def with_article(noun: str) -> str:
    """`apple` as `an apple`."""
    return str(_ENGINE.a(noun))


def join_list(parts: list[str], last: str = " and ") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return last.join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
