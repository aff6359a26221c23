"""Conversations into sequences of a given length: best fit, decreasing. No conversation is cut."""

from bisect import bisect_left, insort
from collections.abc import Sequence


def pack_lengths(lengths: Sequence[int], limit: int) -> list[list[int]]:
    """The indices of the conversations that share each sequence; their lengths sum up to no more than `limit`.

    The longest are placed first, each where the least room is left over; in a row, then, of the longest first.

    Raises:
        ValueError: a length is over the limit.
    """
    if lengths and max(lengths) > limit:
        raise ValueError(f"{max(lengths)} tokens do not fit into a sequence of {limit}")
    bins: list[list[int]] = []
    room: list[tuple[int, int]] = []  # (what is left, bin), sorted
    for index in sorted(range(len(lengths)), key=lambda one: -lengths[one]):
        place = bisect_left(room, (lengths[index], 0))
        left, chosen = room.pop(place) if place < len(room) else (limit, len(bins))
        if chosen == len(bins):
            bins.append([])
        bins[chosen].append(index)
        insort(room, (left - lengths[index], chosen))
    return bins
