"""Numbers that follow from observations without standing in them: how many there are of what."""

import functools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from tasks.quality.corpus import walk_json
from tasks.quality.written_numbers import Number


class Counts:
    """How many things the observations hold: in all, of one value, over or under a number.

    Args:
        bodies: the observations.
        extra: further counts that may be stated, such as that of the calls.
        find_limits: reads the numbers that things may have been counted against ("3 under $20"); called at most once.
    """

    def __init__(self, bodies: list[Any], extra: set[int], find_limits: Callable[[], set[Number]]) -> None:
        self.lists = [part for body in bodies for part in walk_json(body) if isinstance(part, list)]
        self.longest = max((len(found) for found in self.lists), default=0)
        self.lengths = {len(found) for found in self.lists}
        if len(self.lists) > 1:
            self.lengths.add(sum(len(found) for found in self.lists if any(isinstance(item, dict) for item in found)))
        self._extra = extra
        self._find_limits = find_limits

    def holds(self, value: Number) -> bool:
        """Whether something was counted that there are `value` of."""
        return value in self._extra or self.holds_things(value)

    def holds_things(self, value: Number) -> bool:
        """The same of things in the observations alone."""
        return self.holds_all(value) or (value <= self.longest and value in self._groups)

    def holds_all(self, value: Number) -> bool:
        """Whether there are `value` things in a list, or in all of them."""
        return value in self.lengths

    @functools.cached_property
    def _groups(self) -> frozenset[int]:
        limits = self._find_limits()
        return frozenset(count for found in self.lists for count in _count_groups(found, limits))


def _count_groups(items: list[Any], limits: set[Number]) -> Iterator[int]:
    records = [item for item in items if isinstance(item, dict)]
    for field in {key for record in records for key in record}:
        values = [record[field] for record in records if field in record]
        words: Counter[Any] = Counter()
        for value in values:
            entries = value if isinstance(value, list) else [value]
            words.update(entry for entry in entries if isinstance(entry, str | bool | int | float))
        yield from words.values()
        if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
            continue
        for limit in limits:
            yield sum(value >= limit for value in values)
            yield sum(value > limit for value in values)
            yield sum(value <= limit for value in values)
            yield sum(value < limit for value in values)
