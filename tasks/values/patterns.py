"""Text that matches a regular expression (by rstr, within the sizes that a reader expects)."""

import re
from functools import lru_cache
from random import Random

from rstr import Rstr

ATTEMPTS = 60
EXTRA_REPEATS = 6
"""How often an unbounded repetition (`*`, `+`, `{n,}`) repeats at most beyond its minimum; rstr alone goes to 100."""

_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(\d+),\}|[*+]|.", re.DOTALL)


def sample_pattern(pattern: str, rng: Random, min_length: int = 0, max_length: int | None = None) -> str | None:
    """Text that `re.search` finds the pattern in, within the lengths; None if it was not met (or is not understood)."""
    compiled = _compile(pattern)
    if compiled is None:
        return None
    generator = Rstr(rng)
    bounded = _bound_repeats(pattern)
    for attempt in range(ATTEMPTS):
        # A pattern that is not met in its short form may need its long one (a minimum length).
        text = generator.xeger(bounded if attempt < ATTEMPTS // 2 else pattern)
        if len(text) < min_length and not pattern.endswith("$"):
            text += "a" * (min_length - len(text))
        if min_length <= len(text) and (max_length is None or len(text) <= max_length) and compiled.search(text):
            return text
    return None


def matches_pattern(pattern: str, text: str) -> bool:
    """Whether the pattern is found in the text; False where Python does not understand the pattern."""
    compiled = _compile(pattern)
    return compiled is not None and compiled.search(text) is not None


@lru_cache(maxsize=1024)
def _compile(pattern: str) -> re.Pattern[str] | None:
    try:
        Rstr(Random(0)).xeger(pattern)
        return re.compile(pattern)
    except (re.error, KeyError, ValueError, TypeError, IndexError, OverflowError, RecursionError):
        return None  # an ECMAScript construct that Python or rstr does not have


@lru_cache(maxsize=1024)
def _bound_repeats(pattern: str) -> str:
    def bound(token: re.Match[str]) -> str:
        text = token[0]
        if text == "*":
            return f"{{0,{EXTRA_REPEATS}}}"
        if text == "+":
            return f"{{1,{1 + EXTRA_REPEATS}}}"
        return f"{{{token[1]},{int(token[1]) + EXTRA_REPEATS}}}" if token[1] else text

    bounded = _TOKEN.sub(bound, pattern)
    try:
        re.compile(bounded)
    except re.error:
        return pattern  # possessive or lazy quantifiers in an unusual place
    return bounded
