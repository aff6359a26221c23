"""Whether work grows in step with what it is given: by its own CPU time, with no garbage collected in between."""

import gc
import time
from collections.abc import Callable

_TRIES = 3
"""A busy machine makes the same work cost several times as much now and then; what grows faster does so each time."""


def grows_in_step(work: Callable[[int], object], small: int) -> bool:
    """Whether ten times as much takes about ten times as long; a hundred times where each part looks at all others."""
    return any(_measure(work, 10 * small) < 40 * _measure(work, small) + 0.5 for _ in range(_TRIES))


def _measure(work: Callable[[int], object], times: int) -> float:
    gc.collect()
    gc.disable()  # it looks at all that a test process has loaded, which is much
    try:
        started = time.process_time()
        work(times)
        return time.process_time() - started
    finally:
        gc.enable()
