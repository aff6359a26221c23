"""How far a run is: counted once, shown on the terminal and in the Prefect UI.

On a terminal a bar that moves; elsewhere a plain line now and then, so that a log stays readable.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as RichProgress

from flows.spending import format_seconds, format_tokens, format_usd
from flows.terminal import warn
from schemas.calls import Usage
from schemas.steps import ApiOutcome
from tasks.teacher import EngineState, Spent

_LONG_PAUSE_S = 3.0
"""Waits for the endpoint's limits that are worth a word."""

_FAST = 10.0
"""Calls a second from which on they are counted by the second."""

_BRIEF, _NEEDED = 71, 2
"""What a bar of 8 columns and a space leave of 80; and the parts that are told in any case, the first and the last."""

LINE_EVERY_S = 10.0
SAME_LINE_EVERY_S = 60.0
ARTIFACT_EVERY_S = 3.0


class Shown(Protocol):
    """How far a run is, as displays show it."""

    @property
    def total(self) -> int:
        """How much there is to do; 0 while that is not known."""

    @property
    def done(self) -> int:
        """How much of it is done."""

    def describe(self, brief: bool = False) -> str:
        """The state in one line; a brief one fits 80 columns together with a bar."""


@dataclass
class Progress:
    """Counts of a run: `total` APIs to do, those done and turned down, instances and how many were accepted.

    `read_state` tells what is being spent; `bought_apis` are the APIs done for which something was bought, `bought` is
    what was.
    """

    total: int
    read_state: Callable[[], EngineState] = EngineState
    apis: int = 0
    rejected_apis: int = 0
    instances: int = 0
    accepted: int = 0
    bought_apis: int = 0
    bought: Spent = field(default_factory=Spent)
    started: float = field(default_factory=time.monotonic)

    def count(self, outcome: ApiOutcome, spent: Spent | None = None) -> None:
        """Add what became of one API, and what this run bought for it."""
        self.apis += 1
        if spent is not None and spent.calls:
            self.bought_apis += 1
            self.bought.add(Usage(prompt=spent.tokens), spent.usd)
        self.rejected_apis += outcome.rejected is not None
        verdicts = outcome.count("judgements") or outcome.count("verdicts")
        self.accepted += verdicts.get("accepted", 0)
        self.instances += verdicts.get("accepted", 0) + verdicts.get("rejected", 0)

    @property
    def done(self) -> int:
        """See `Shown`."""
        return self.apis

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def left(self) -> float | None:
        """Seconds left at the pace so far; None before the first API is done."""
        return self.elapsed / self.apis * (self.total - self.apis) if self.apis else None

    def describe(self, brief: bool = False) -> str:
        """The counts in one line; a brief one leaves rejected APIs out and fits 80 columns together with a bar."""
        state = self.read_state()
        parts = [f"{self.apis}/{self.total} APIs"]
        if self.rejected_apis and not brief:
            parts.append(f"{self.rejected_apis} rejected")
        spending = self._describe_spending(state.spent)
        if self.instances:
            share = f"{100 * self.accepted / self.instances:.0f}%"
            if brief:
                parts.append(f"{self.instances} rows" + ("" if spending else f" {share} ok"))
            else:
                parts.append(f"{self.instances} instances, {share} accepted")
        if state.spent.calls:
            parts.append(_describe_rate(state.spent.calls / max(self.elapsed, 0.1), brief))
        if spending:
            parts.append(spending)
        if state.late:
            parts.append(f"{state.late} late" if brief else f"{state.late} not answered in time")
        parts.append(self._describe_waits(state))
        return _join(parts, _BRIEF if brief else None)

    def _describe_waits(self, state: EngineState) -> str:
        """What is waited for; where that is nothing in particular, the time left, or the stage that is under way."""
        if state.stopped is not None:
            return f"stopping, {state.in_flight} in flight"
        if state.away:
            return f"{state.away}, waiting since {format_seconds(state.away_s)}"
        if state.in_batches:
            return f"{state.in_batches} wait in batches"
        if state.pause_s >= _LONG_PAUSE_S:
            return f"limited for {format_seconds(state.pause_s)}"
        left = f"{format_seconds(self.left)} left" if self.left is not None and self.apis < self.total else ""
        return f"{state.stage}, {left}" if state.stage and left else state.stage or left

    def _describe_spending(self, spent: Spent) -> str:
        """Spent so far and, once an API is done, what all are likely to take; empty where it is free of charge."""
        if not spent.calls or spent.usd == 0:
            return ""
        left = self.total - self.apis
        if spent.usd is None:
            now = format_tokens(spent.tokens) + " tokens"
            total = self.bought.tokens * (1 + left / max(self.bought_apis, 1))
            likely = format_tokens(max(round(total), spent.tokens))
        else:
            now = format_usd(spent.usd)
            likely = format_usd(max((self.bought.usd or 0.0) * (1 + left / max(self.bought_apis, 1)), spent.usd))
        return f"{now} of ~{likely}" if self.bought_apis else now


def _describe_rate(a_second: float, brief: bool) -> str:
    """Calls a second, or a minute where there are few."""
    if a_second >= _FAST:
        return f"{a_second:.0f}/s" if brief else f"{a_second:.0f} calls/s"
    return f"{60 * a_second:.0f}/min" if brief else f"{60 * a_second:.0f} calls/min"


def _join(parts: list[str], most: int | None) -> str:
    """The parts in one line; of one longer than `most` characters those in the middle go, the later ones first."""
    kept = [part for part in parts if part]
    while most is not None and len(", ".join(kept)) > most and len(kept) > _NEEDED:
        del kept[-2]
    return ", ".join(kept)


class Display(Protocol):
    """Where a person sees how far the run is."""

    def show(self, progress: Shown) -> None:
        """Show the counts as they are; called several times a second."""

    def close(self) -> None:
        """Leave the last state standing."""


class TerminalBar:
    """A bar on a terminal, with counts, rate and time left."""

    def __init__(self, console: Console) -> None:
        self._bar = RichProgress(
            BarColumn(bar_width=8), TextColumn("{task.description}", markup=False), console=console
        )
        self._task = self._bar.add_task("starting", total=None)
        self._bar.start()

    def show(self, progress: Shown) -> None:
        """See `Display`."""
        self._bar.update(
            self._task, total=progress.total or None, completed=progress.done, description=progress.describe(brief=True)
        )

    def close(self) -> None:
        """See `Display`."""
        self._bar.stop()


class Lines:
    """A line every ten seconds, for logs and pipes; one that says nothing new every minute."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._line = ""

    def show(self, progress: Shown) -> None:
        """See `Display`."""
        waited = time.monotonic() - self._last
        if waited < LINE_EVERY_S:
            return
        line = progress.describe()
        if line != self._line or waited >= SAME_LINE_EVERY_S:
            self._last, self._line = time.monotonic(), line
            warn(line)

    def close(self) -> None:
        """See `Display`."""


def open_display() -> Display:
    """A bar where stderr is a terminal, else lines."""
    return TerminalBar(Console(stderr=True)) if sys.stderr.isatty() else Lines()


@asynccontextmanager
async def show_progress(
    progress: Shown, display: Display | None, description: str = "APIs done"
) -> AsyncIterator[None]:
    """Keep the display and the UI's progress artifact up to date while the body runs."""
    artifact = await acreate_progress_artifact(progress=0.0, description=description)
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


async def _tick(progress: Shown, display: Display | None, artifact: UUID) -> None:
    last = time.monotonic()
    while True:
        await asyncio.sleep(0.25)
        if display is not None:
            display.show(progress)
        if time.monotonic() - last >= ARTIFACT_EVERY_S:
            await _update(progress, artifact)
            last = time.monotonic()


async def _update(progress: Shown, artifact: UUID) -> None:
    await aupdate_progress_artifact(
        artifact, progress=100 * progress.done / max(progress.total, 1), description=progress.describe()
    )
