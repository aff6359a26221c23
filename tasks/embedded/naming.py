"""Names to words and back: the spelling rules that the embedded teacher writes and reads by."""

import re
from functools import cache

from tasks.values import pluralize, singularize

_AN = re.compile(
    r"(?!uni(?!n)|use|usa|uti|url|uuid|eu|one\b|once\b)[aeiou]|hour|honest|heir|honou?r|sms\b|mp3\b|rsvp\b", re.I
)
_NO_NOUN = re.compile(r"(?:has|is|can|needs|wears)\b|.*\b(?:on|at|by|from|for|in|to|since|\w+[^\We]ed)$", re.I)
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
    return bool(noun) and singularize(noun.split()[-1]) != noun.split()[-1]


@cache
def make_singular(noun: str) -> str:
    """`adoptable pets` as `adoptable pet`; a singular stays as it is."""
    *rest, last = noun.split()
    return " ".join([*rest, singularize(last)])


@cache
def make_plural(noun: str) -> str:
    """`adoptable pet` as `adoptable pets`; a plural stays as it is."""
    if is_plural(noun):
        return noun
    *rest, last = noun.split()
    return " ".join([*rest, pluralize(last)])


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
