"""Text as it is compared: without case, diacritics, punctuation, or the difference of one and many.

Owns folding, words and stems; what the words mean (numbers, dates, codes) is for the modules beside it.
"""

import functools
import re
import unicodedata

SEPARATOR = "\x01"
"""Stands between two values of one observation: a word, so that no phrase runs from one into the other, and ASCII."""

_STOP = (
    "a an and any are as at be but by can do for from get had has have he her his how i if in into is it its me my no "
    "not of on or our she so some than that the their them there these they this those to us was we were what when "
    "where which who will with would you your"
)
STOP_WORDS = frozenset(_STOP.split())
"""Words that carry no value of their own."""

_WORD = re.compile(rf"\d+(?:[.,]\d+)*[^\W_]*|[^\W_]+|{SEPARATOR}")
_UNDECOMPOSED = {"ø": "o", "æ": "ae", "ł": "l", "đ": "d", "ı": "i", "œ": "oe", "þ": "th", "ð": "d"}
_IRREGULAR = {
    "children": "child",
    "feet": "foot",
    "geese": "goose",
    "knives": "knife",
    "leaves": "leaf",
    "lives": "life",
    "men": "man",
    "mice": "mouse",
    "people": "person",
    "series": "series",
    "shelves": "shelf",
    "species": "species",
    "teeth": "tooth",
    "wives": "wife",
    "wolves": "wolf",
    "women": "woman",
}


def fold_text(text: str) -> str:
    """The text without case and diacritics; punctuation and spaces stay."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", text.casefold())
    for char in set(folded):  # few of a text's characters are rare, and each is replaced at once
        if char in _UNDECOMPOSED or unicodedata.combining(char):
            folded = folded.replace(char, _UNDECOMPOSED.get(char, ""))
    return folded


@functools.lru_cache(maxsize=1 << 14)
def find_stem(word: str) -> str:
    """The singular of a folded word, by rule; good enough to compare with, never shown.

    Both sides of a comparison pass through it, so a wrong stem does no harm unless two words share it.
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or not word.isalpha():
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "zes", "ches", "shes", "oes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def fold_words(text: str) -> list[str]:
    """The text's folded, stemmed words; `1,000` and `10.5km` are one word each, `a-b` and `a_b` two."""
    return [find_stem(word) for word in _WORD.findall(fold_text(text))]


def make_phrase(words: list[str]) -> str:
    """Words with one space before, between and after, so that a phrase is a part of another only at whole words."""
    return f" {' '.join(words)} " if words else " "
