"""Full collections wait while requests are in flight, and cycles are found afterwards."""

import gc
import weakref

from tasks.teacher import collect_rarely


class Knot:
    """An object in a cycle."""

    def __init__(self) -> None:
        self.me = self


def count_full_collections() -> int:
    return int(gc.get_stats()[2]["collections"])


def test_full_collections_are_rare_meanwhile_and_as_before_afterwards() -> None:
    before, thresholds = count_full_collections(), gc.get_threshold()
    with collect_rarely():
        kept = [[number] for number in range(300_000)]
        assert count_full_collections() == before
        assert gc.get_freeze_count() > 10_000  # what was there takes no part
    assert gc.get_threshold() == thresholds
    assert gc.get_freeze_count() == 0
    assert len(kept) == 300_000


def test_what_has_become_garbage_is_found() -> None:
    old = Knot()
    with collect_rarely():
        seen = weakref.ref(old)
        del old
    gc.collect()
    assert seen() is None
