"""Garbage collection for processes that hold much and keep requests in flight.

A full collection looks at every object that is alive: half a second with some hundred APIs under way, every few
seconds, in which no answer is taken and nothing sent. What it finds are some hundred objects, for nearly all that a run
drops is in no cycle.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_THRESHOLDS = (5_000, 10, 1_000)
"""Allocations until the youngest are looked at; rounds of these until the middle ones are; of those until all are."""


@contextmanager
def collect_rarely() -> Iterator[None]:
    """Full collections are rare meanwhile, and what is there at the start (modules, above all) takes no part in any."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
