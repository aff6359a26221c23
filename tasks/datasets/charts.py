"""The report's plots as plain numbers: bars with a label, a value, and a length in per cent of the longest."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

from schemas.reasons import DESCRIPTIONS
from tasks.datasets.statistics import order_counts

MOST_CALLS = 6
"""The last column of the plot of calls holds this many and more."""


@dataclass(frozen=True)
class Bar:
    """One bar: `share` is its length, 0 to 100; `note` explains it; `part` is its share of the total, in per cent."""

    label: str
    value: int
    share: float
    part: float
    note: str = ""


def build_bars(counts: Mapping[str, int], notes: Mapping[str, str] | None = None) -> list[Bar]:
    """Bars in the order of `counts`."""
    longest, total = max(counts.values(), default=0), sum(counts.values())
    return [
        Bar(label, value, round(100 * value / longest, 2) if longest else 0.0, 100 * value / total if total else 0.0,
            (notes or {}).get(label, ""))
        for label, value in counts.items()
    ]  # fmt: skip


def plot_counts(counts: Mapping[str, int]) -> list[Bar]:
    """Bars, most first."""
    return build_bars(order_counts(counts))


def plot_calls(calls: Mapping[int, int]) -> list[Bar]:
    """Instances by number of calls, from 0 to "6+"; `calls` counts the instances that have so many."""
    if not calls:
        return []
    counts: Counter[int] = Counter()
    for number, instances in calls.items():
        counts[min(number, MOST_CALLS)] += instances
    return build_bars({f"{n}+" if n == MOST_CALLS else str(n): counts[n] for n in range(max(counts) + 1)})


def plot_words(lengths: Mapping[int, int]) -> list[Bar]:
    """Texts by length in words: about ten columns of one width, which is a round number; the last is open.

    `lengths` counts the texts of each length.
    """
    if not lengths:
        return []
    span = _find_span(lengths)
    width = next((width for width in (1, 2, 5, 10, 20, 50, 100, 200, 500) if span / width <= 12), 1000)
    last = max(span // width, 1)
    counts: Counter[int] = Counter()
    for length, texts in lengths.items():
        counts[min(length // width, last)] += texts
    names = [f"{n * width}-{n * width + width - 1}" for n in range(last + 1)]
    if max(lengths) // width > last:
        names[-1] = f"{last * width}+"
    return build_bars({names[n]: counts[n] for n in range(min(counts), last + 1)})


def plot_reasons(counts: Mapping[str, int]) -> list[Bar]:
    """Rejected instances by reason, most first, with what each means."""
    return build_bars(order_counts(counts), {reason.value: text for reason, text in DESCRIPTIONS.items()})


def _find_span(lengths: Mapping[int, int]) -> int:
    """The length that 99 of 100 texts do not exceed."""
    ordered = sorted(lengths)
    total = sum(lengths.values())
    return next(
        length
        for length, reached in zip(ordered, accumulate(lengths[n] for n in ordered), strict=True)
        if 100 * reached >= 99 * total
    )
