"""Regular expressions of others: matched by an engine that gives up in time, and weighed before they are used.

Python's `re` can take for ever over a short pattern and a short text, so it never meets the two together.
"""

import re
import re._constants as ops  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jsonschema_rs

PATTERN_OPTIONS = jsonschema_rs.FancyRegexOptions(backtrack_limit=100_000)
"""For every validator of jsonschema-rs. Its engine is linear but for look-around and back-references, which end as "no
match" after so many steps: some 10 ms."""

LONGEST_PATTERN = 10_000
"""Characters. An alternative of all time zones or currencies takes some 8,000."""

HEAVIEST_PATTERN = 10_000
"""States: what a pattern holds when its repeats are written out. The engine takes up to 30 ns for each, for each
character of a text."""

_REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT)

Count = Callable[[int, int | None], int]
"""How often what repeats at least and at most so often (None: without end) is counted."""


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> Callable[[str], bool] | None:
    """Whether a pattern of JSON schema is found in a text; None where it is no pattern."""
    try:
        return jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=PATTERN_OPTIONS).is_valid
    except ValueError:
        return None


def parse_pattern(pattern: str) -> Any:
    """Python's parse tree of a pattern, which is read and never run; None where Python does not understand it."""
    if len(pattern) > LONGEST_PATTERN:
        return None
    try:
        return parser.parse(pattern)
    except (re.error, ValueError, OverflowError, RecursionError):
        return None


@lru_cache(maxsize=4096)
def weigh_pattern(pattern: str) -> int:
    """The states of a pattern, written out; more than `HEAVIEST_PATTERN` for one that is too long or too heavy."""
    if len(pattern) > LONGEST_PATTERN:
        return HEAVIEST_PATTERN + 1
    tree = parse_pattern(pattern)
    if tree is None:  # classes of Unicode are what Python lacks, and each is large
        counts = re.findall(r"\{(?:\d+,)?(\d+)\}", pattern)
        return min(len(pattern) + 50 * sum(min(int(count[:9]), 10**9) for count in counts), HEAVIEST_PATTERN + 1)
    return weigh_tree(tree, lambda least, most: most if most is not None else max(least, 1))


def weigh_tree(tree: Any, count: Count) -> int:
    """The characters of a parse tree whose repeats are written out, as often as `count` says."""
    return _weigh(tree, count, {})


def _weigh(tree: Any, count: Count, groups: dict[int, int]) -> int:
    total = 0
    for code, value in tree:
        if code in _REPEATS:
            least, most, inner = value
            weight = _weigh(inner, count, groups) * count(least, None if most is ops.MAXREPEAT else most)
        elif code is ops.SUBPATTERN:
            weight = _weigh(value[-1], count, groups)
            if value[0] is not None:
                groups[value[0]] = weight
        elif code is ops.BRANCH:
            weight = sum(_weigh(branch, count, groups) for branch in value[1])
        elif code in (ops.ASSERT, ops.ASSERT_NOT):
            weight = _weigh(value[1], count, groups)
        elif code is ops.ATOMIC_GROUP:
            weight = _weigh(value, count, groups)
        elif code is ops.GROUPREF_EXISTS:
            weight = sum(_weigh(branch, count, groups) for branch in value[1:] if branch is not None)
        else:
            weight = groups.get(value, 1) if code is ops.GROUPREF else 1
        total += weight
    return total
