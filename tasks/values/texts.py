"""Titles, names, sentences and descriptions in plain English, put together from word lists."""

from pathlib import Path
from random import Random

from tasks.values.words import load_words

_LISTS: dict[str, list[str]] = load_words(Path(__file__).with_name("texts.yaml"))
ADJECTIVES, NOUNS, WORDS, SEARCH_WORDS = (_LISTS[key] for key in ("adjectives", "nouns", "words", "search_words"))
_SUBJECTS, _PREDICATES, _ENDINGS = (_LISTS[key] for key in ("subjects", "predicates", "endings"))


def compose_title(rng: Random) -> str:
    """A title such as "Letters from the Harbor"."""
    noun, other = rng.sample(NOUNS, 2)
    title = rng.choice(_LISTS["titles"]).format(a=rng.choice(ADJECTIVES), n=noun, m=other)
    return title if not title.startswith("A ") or title[2] not in "AEIOU" else f"An {title[2:]}"


def compose_label(rng: Random) -> str:
    """A name for a thing of any sort, such as "Amber Falcon"."""
    return f"{rng.choice(ADJECTIVES)} {rng.choice(NOUNS)}"


def compose_sentence(rng: Random) -> str:
    """One sentence of eight to twenty words."""
    return f"{rng.choice(_SUBJECTS)} {rng.choice(_PREDICATES)}{rng.choice(_ENDINGS)}."


def compose_description(rng: Random) -> str:
    """Two sentences."""
    first, second = rng.sample(_SUBJECTS, 2)
    done, other = rng.sample(_PREDICATES, 2)
    return f"{first} {done}{rng.choice(_ENDINGS)}. {second} {other}."
