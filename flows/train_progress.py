"""How far a training run is, counted from the trainer's events."""

import time
from collections import deque

from flows.spending import format_seconds
from schemas.training import StepEvent
from tasks.training_plan import format_gib

_LATEST = 20
"""Steps over which the pace is taken: the first ones are slow, and so is one after a restart."""


class TrainProgress:
    """The newest step, and the pace of the latest ones; see `Shown`."""

    def __init__(self) -> None:
        self.newest: StepEvent | None = None
        self._times: deque[tuple[float, int]] = deque(maxlen=_LATEST)

    def take(self, event: StepEvent) -> None:
        """Count a step; one before the newest means that the run went back to a checkpoint."""
        if self.newest is not None and event.step <= self.newest.step:
            self._times.clear()
        self.newest = event
        self._times.append((time.monotonic(), event.step))

    @property
    def total(self) -> int:
        """Optimizer steps in all; 0 before the first."""
        return self.newest.max_steps if self.newest else 0

    @property
    def done(self) -> int:
        """Optimizer steps done."""
        return self.newest.step if self.newest else 0

    @property
    def left(self) -> float | None:
        """Seconds left at the pace of the latest steps; None before there are two."""
        if self.newest is None or len(self._times) < 2:
            return None
        (since, first), (until, last) = self._times[0], self._times[-1]
        return (until - since) / (last - first) * (self.total - last)

    def describe(self, brief: bool = False) -> str:
        """The newest step in one line."""
        if self.newest is None:
            return "the trainer starts"
        event = self.newest
        parts = [f"step {event.step}/{event.max_steps}", f"loss {event.loss:.3f}"]
        parts.append(f"{event.tokens_per_second:,.0f} tokens/s")
        if event.memory_bytes:
            parts.append(format_gib(event.memory_bytes))
        if self.left is not None and event.step < event.max_steps:
            parts.append(f"{format_seconds(self.left)} left")
        return ", ".join(parts)
