"""The report's plots as plain numbers: bars with a label, a value, and a length in per cent of the longest."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from schemas.instance import Instance
from schemas.reasons import DESCRIPTIONS
from tasks.store.statistics import count_categories, count_kinds, count_reasons, count_words

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


def plot_categories(rows: Iterable[Instance]) -> list[Bar]:
    """Accepted instances by category."""
    return build_bars(count_categories(rows))


def plot_kinds(rows: Iterable[Instance]) -> list[Bar]:
    """Accepted instances by kind."""
    return build_bars(count_kinds(rows))


def plot_calls(rows: Iterable[Instance]) -> list[Bar]:
    """Accepted instances by number of calls, from 0 to "6+"."""
    counts = Counter(min(row.num_calls, MOST_CALLS) for row in rows if row.accepted)
    last = max(counts, default=0)
    return build_bars({f"{n}+" if n == MOST_CALLS else str(n): counts[n] for n in range(last + 1)} if counts else {})


def plot_words(texts: Iterable[str]) -> list[Bar]:
    """Texts by length in words: about ten columns of one width, which is a round number; the last is open."""
    lengths = sorted(count_words(text) for text in texts)
    if not lengths:
        return []
    width = _choose_width(lengths)
    last = max(lengths[min(int(len(lengths) * 0.99), len(lengths) - 1)] // width, 1)
    counts = Counter(min(length // width, last) for length in lengths)
    open_end = lengths[-1] // width > last
    names = [f"{n * width}-{n * width + width - 1}" for n in range(last + 1)]
    if open_end:
        names[-1] = f"{last * width}+"
    first = min(counts)
    return build_bars({names[n]: counts[n] for n in range(first, last + 1)})


def plot_reasons(rows: Iterable[Instance]) -> list[Bar]:
    """Rejected instances by reason, with what each means."""
    counts = {reason.value: count for reason, count in count_reasons(rows).items()}
    return build_bars(counts, {reason.value: text for reason, text in DESCRIPTIONS.items()})


def _choose_width(lengths: Sequence[int]) -> int:
    span = lengths[min(int(len(lengths) * 0.99), len(lengths) - 1)]
    return next((width for width in (1, 2, 5, 10, 20, 50, 100, 200, 500) if span / width <= 12), 1000)
