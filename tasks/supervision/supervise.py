"""Has a training child run to its end: follows its events, starts it again when it is lost, ends it when asked to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from schemas.errors import ToolHerdError
from schemas.training import EndEvent, NoteEvent, StepEvent, TrainEvent
from tasks.supervision.child import Child, Program, start_child
from tasks.supervision.events import EventTail

RESTARTS = 3
"""Times that a lost child is started again in one run of the flow."""

_TICK_S = 0.25


class LostWorkerError(ToolHerdError):
    """The child was lost too often; the run goes on from its last checkpoint when it is started again."""


async def supervise(
    program: Program,
    events: Path,
    report: Callable[[TrainEvent], None],
    stop: asyncio.Event,
    *,
    restarts: int = RESTARTS,
    pause_s: float = 0.0,
) -> EndEvent:
    """Run the child until it says how it ended; `report` gets each event as it comes, and notes about restarts.

    A child that ends without an `EndEvent` is lost (killed, or its machine out of memory) and started again: it goes on
    from its last whole checkpoint. When `stop` is set, or this is cancelled, it is ended in order; if this
    is cancelled when `stop` is set already, it is killed.

    Raises:
        LostWorkerError: it was lost more than `restarts` times.
    """
    step = 0
    for attempt in range(restarts + 1):
        tail = EventTail(events)
        end: EndEvent | None = None
        async with start_child(program) as child, _end_in_order(child, stop):
            while True:
                has_ended = await child.wait(_TICK_S)
                for event in tail.read():
                    report(event)
                    if isinstance(event, EndEvent):
                        end = event
                    elif isinstance(event, StepEvent):
                        step = event.step
                if has_ended:
                    break
                if stop.is_set():
                    child.stop()
        if end is not None:
            return end
        lost = _describe_loss(child, step)
        if attempt < restarts and not stop.is_set():
            again = f"it is started again from its last whole checkpoint ({attempt + 1} of {restarts})"
            report(NoteEvent(text=f"{lost}; {again}"))
            await _wait_for(stop, pause_s)
        if stop.is_set():
            return EndEvent(status="stopped", step=step, message="it ended without writing a checkpoint first")
    raise LostWorkerError(
        f"{lost}, {restarts + 1} times; the log is {program.log}. The same command goes on from the last checkpoint."
    )


@asynccontextmanager
async def _end_in_order(child: Child, stop: asyncio.Event) -> AsyncIterator[None]:
    """Cancelled for the first time (a worker ends the flow, say), the child gets the time to write a checkpoint.

    A worker's SIGTERM is raised as an exception in whatever runs at that moment, which may be the body itself.
    """
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception) and not stop.is_set():
            child.stop()
            await child.wait()
        raise


def _describe_loss(child: Child, step: int) -> str:
    last = child.read_last_line()
    said = f"; the last line of its log: {last[:300]}" if last else ""
    return f"the training process {child.read_status()} after step {step} and said nothing{said}"


async def _wait_for(stop: asyncio.Event, seconds: float) -> None:
    """Pause, but not when it is time to stop."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def run_to_end(program: Program, stop: asyncio.Event) -> str | None:
    """Run a program that tells nothing on its way; None if all went well, else the last line that it wrote.

    When `stop` is set, it is ended.
    """
    async with start_child(program) as child:
        while not await child.wait(_TICK_S):
            if stop.is_set():
                child.stop()
    return None if child.has_succeeded else child.read_last_line() or f"it {child.read_status()}"
