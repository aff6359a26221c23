"""How far two who grade the same rows agree: the share, and Cohen's kappa with an interval.

Kappa is the agreement beyond what the two would have by chance (Cohen 1960): 0 is chance, 1 is always. Its interval is
the bootstrap's: of 2,000 draws of as many rows, the middle 95 %.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

_DRAWS = 2_000
_TAIL = 0.025

_Pair = tuple[bool, bool]


@dataclass(frozen=True)
class Agreement:
    """Of `rows` graded by both, `share` were graded alike. `kappa` and its interval are None where one says one thing
    only, or there are no rows."""

    rows: int
    share: float
    kappa: float | None = None
    low: float | None = None
    high: float | None = None


def compare_grades(pairs: Sequence[_Pair], seed: int = 0) -> Agreement:
    """The agreement of two who gave these grades, one pair a row; the same for the same pairs and seed."""
    rows = len(pairs)
    if not rows:
        return Agreement(0, 0.0)
    share = sum(first == second for first, second in pairs) / rows
    counts = Counter(pairs)
    kappa = _compute_kappa(counts)
    if kappa is None:
        return Agreement(rows, share)
    rng, kinds = Random(seed), sorted(counts)
    weights = [counts[kind] for kind in kinds]
    drawn = (_compute_kappa(Counter(rng.choices(kinds, weights, k=rows))) for _ in range(_DRAWS))
    known = sorted(each for each in drawn if each is not None)
    low, high = known[int(_TAIL * len(known))], known[-1 - int(_TAIL * len(known))]
    return Agreement(rows, share, kappa, low, high)


def _compute_kappa(counts: Mapping[_Pair, int]) -> float | None:
    """Kappa of so many rows of each pair of grades; None where chance alone would agree always."""
    rows = sum(counts.values())
    first = sum(count for (one, _), count in counts.items() if one) / rows
    second = sum(count for (_, other), count in counts.items() if other) / rows
    agreed = sum(count for (one, other), count in counts.items() if one == other) / rows
    chance = first * second + (1 - first) * (1 - second)
    return None if chance >= 1 else (agreed - chance) / (1 - chance)
