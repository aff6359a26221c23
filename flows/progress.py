"""How far a run is: counted once, shown on the terminal and in the Prefect UI.

On a terminal a bar that moves; elsewhere a plain line now and then, so that a log stays readable.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as RichProgress

from schemas.steps import ApiOutcome

LINE_EVERY_S = 10.0
ARTIFACT_EVERY_S = 3.0


@dataclass
class Progress:
    """Counts of a run: `total` APIs to do, those done and turned down, instances and how many were accepted."""

    total: int
    apis: int = 0
    rejected_apis: int = 0
    instances: int = 0
    accepted: int = 0
    started: float = field(default_factory=time.monotonic)

    def count(self, outcome: ApiOutcome) -> None:
        """Add what became of one API."""
        self.apis += 1
        self.rejected_apis += outcome.rejected is not None
        if outcome.verdicts is not None:
            self.accepted += outcome.verdicts.counts["accepted"]
            self.instances += sum(outcome.verdicts.counts.values())

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def left(self) -> float | None:
        """Seconds left at the pace so far; None before the first API is done."""
        return self.elapsed / self.apis * (self.total - self.apis) if self.apis else None

    def describe(self, brief: bool = False) -> str:
        """The counts in one line that fits 80 columns; a brief one leaves room for a bar and rejected APIs out."""
        parts = [f"{self.apis}/{self.total} APIs"]
        if self.rejected_apis and not brief:
            parts.append(f"{self.rejected_apis} rejected")
        if self.instances:
            share = 100 * self.accepted / self.instances
            parts.append(f"{self.instances} instances, {share:.0f}% accepted")
            parts.append(f"{self.instances / max(self.elapsed, 0.1):.0f}/s")
        if self.left is not None and self.apis < self.total:
            parts.append(f"{format_seconds(self.left)} left")
        return ", ".join(parts)


def format_seconds(seconds: float) -> str:
    """`48 s`, `3 min 05 s` or `2 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


class Display(Protocol):
    """Where a person sees how far the run is."""

    def show(self, progress: Progress) -> None:
        """Show the counts as they are; called several times a second."""

    def close(self) -> None:
        """Leave the last state standing."""


class Bar:
    """A bar on a terminal, with counts, rate and time left."""

    def __init__(self, console: Console) -> None:
        self._bar = RichProgress(BarColumn(bar_width=8), TextColumn("{task.description}"), console=console)
        self._task = self._bar.add_task("starting", total=None)
        self._bar.start()

    def show(self, progress: Progress) -> None:
        """See `Display`."""
        self._bar.update(
            self._task, total=progress.total, completed=progress.apis, description=progress.describe(brief=True)
        )

    def close(self) -> None:
        """See `Display`."""
        self._bar.stop()


class Lines:
    """A line every ten seconds, for logs and pipes."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def show(self, progress: Progress) -> None:
        """See `Display`."""
        if time.monotonic() - self._last >= LINE_EVERY_S:
            self._last = time.monotonic()
            print(progress.describe(), file=sys.stderr, flush=True)

    def close(self) -> None:
        """See `Display`."""


def open_display() -> Display:
    """A bar where stderr is a terminal, else lines."""
    return Bar(Console(stderr=True)) if sys.stderr.isatty() else Lines()


@asynccontextmanager
async def show_progress(progress: Progress, display: Display | None) -> AsyncIterator[None]:
    """Keep the display and the UI's progress artifact up to date while the body runs."""
    artifact = await acreate_progress_artifact(progress=0.0, description="APIs done")
    ticking = asyncio.create_task(_tick(progress, display, artifact))
    try:
        yield
    finally:
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
        if display is not None:
            display.show(progress)
    await _update(progress, artifact)


async def _tick(progress: Progress, display: Display | None, artifact: UUID) -> None:
    last = time.monotonic()
    while True:
        await asyncio.sleep(0.25)
        if display is not None:
            display.show(progress)
        if time.monotonic() - last >= ARTIFACT_EVERY_S:
            await _update(progress, artifact)
            last = time.monotonic()


async def _update(progress: Progress, artifact: UUID) -> None:
    await aupdate_progress_artifact(
        artifact, progress=100 * progress.apis / max(progress.total, 1), description=progress.describe()
    )
