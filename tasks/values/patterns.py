"""Text that matches a regular expression (by rstr, within the sizes that a reader expects)."""

import re
from collections.abc import Sequence
from functools import lru_cache
from random import Random
from re._constants import NEGATE, RANGE  # type: ignore[import-not-found]
from string import printable
from typing import Any

from rstr import Rstr

from tasks.values.expressions import compile_pattern, parse_pattern, weigh_tree

ATTEMPTS = 60
EXTRA_REPEATS = 6
"""How often an unbounded repetition (`*`, `+`, `{n,}`) repeats at most beyond its minimum; rstr alone goes to 100."""

MOST_REPEATS = 100
"""As many as rstr itself goes to."""

MOST_DRAWN = 2_000
"""Characters that one text may come to: repeats of repeats ask for any number."""

MOST_TRIED = 60_000
"""Characters that are drawn for one text, over all attempts."""

_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(\d+),\}|[*+]|.", re.DOTALL)


def sample_pattern(pattern: str, rng: Random, min_length: int = 0, max_length: int | None = None) -> str | None:
    """Text that has the pattern in it, within the lengths; None if it was not met (or is not understood)."""
    matches, trees = compile_pattern(pattern), _read(pattern)
    if matches is None or not trees:
        return None
    writer = _Writer(rng)
    attempts = max(min(ATTEMPTS, MOST_TRIED // _weigh_drawn(trees[-1])), 2)
    for attempt in range(attempts):
        # A pattern that is not met in its short form may need its long one (a minimum length).
        try:
            text = writer.write(trees[0] if attempt < attempts // 2 else trees[-1])
        except (KeyError, IndexError):  # a reference to a group that was not drawn, a class without characters
            continue
        if len(text) < min_length and not pattern.endswith("$"):
            text += "a" * (min_length - len(text))
        if min_length <= len(text) and (max_length is None or len(text) <= max_length) and matches(text):
            return text
    return None


def matches_pattern(pattern: str, text: str) -> bool:
    """Whether the pattern is found in the text; False where it is not understood."""
    matches = compile_pattern(pattern)
    return matches is not None and bool(_read(pattern)) and matches(text)


@lru_cache(maxsize=1024)
def _read(pattern: str) -> tuple[Any, ...]:
    """The parse trees to draw from: the short form, then the long one; none where Python or rstr lacks a construct."""
    if parse_pattern(pattern) is None:
        return ()
    trees = (parse_pattern(_bound_repeats(pattern)), parse_pattern(pattern))
    usable = tuple(tree for tree in trees if _weigh_drawn(tree) <= MOST_DRAWN)
    try:
        for tree in usable[-1:]:
            _Writer(Random(0)).write(tree)
    except (KeyError, ValueError, TypeError, IndexError, RecursionError):
        return ()
    return usable


def _weigh_drawn(tree: Any) -> int:
    return weigh_tree(tree, lambda _, most: MOST_REPEATS if most is None else min(most, MOST_REPEATS)) + 1


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
    return bounded if parse_pattern(bounded) is not None else pattern  # lazy quantifiers in an unusual place


class _Writer(Rstr):
    """Rstr with parse trees that are read once, and without a list of all characters of a class for each draw."""

    def write(self, tree: Any) -> str:
        """Text by a parse tree.

        Raises:
            KeyError, ValueError, TypeError, IndexError: rstr lacks a construct, or a class has no character.
        """
        self._cache.clear()
        text: str = self._build_string(tree)
        return text

    def _handle_in(self, value: Any) -> str:
        parts = [
            range(what[0], what[1] + 1) if code is RANGE else self._handle_state((code, what)) for code, what in value
        ]
        if value[0][0] is NEGATE:
            excluded = parts[1:]
            return self._random.choice([c for c in printable if not any(_holds(part, c) for part in excluded)])
        position = self._random.choice(range(sum(map(len, parts))))
        for part in parts:
            if position < len(part):
                return chr(part[position]) if isinstance(part, range) else str(part[position])
            position -= len(part)
        raise IndexError(position)


def _holds(part: Sequence[Any], character: str) -> bool:
    return (ord(character) if isinstance(part, range) else character) in part
