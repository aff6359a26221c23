"""Opens what a run works with (completion store, teacher, ledger) and closes it in order.

Also how the command line hands over what it has read already: a flow that a worker starts finds nothing handed over
and reads it itself.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from flows.inputs import Inputs, gather_inputs
from flows.progress import Display
from schemas.parameters import BuildToolsetParams
from schemas.steps import CallCounts
from tasks.context import RunContext, use_context
from tasks.llm import CompletionStore, Ledger, Teacher
from tasks.llm.store import STORE_NAME
from tasks.store import DataRoot


@dataclass(frozen=True)
class Launch:
    """What the command line hands to the flow: what it has read, and where progress is shown.

    `on_start` is called when the flow runs. Prefect has by then put its own handler in place of the command line's for
    SIGTERM; it raises in whatever is running, which may be nobody's code and leave others waiting for ever.
    """

    inputs: Inputs
    display: Display
    on_start: Callable[[], None] = lambda: None


_LAUNCH: ContextVar[Launch | None] = ContextVar("launch", default=None)


@contextmanager
def use_launch(launch: Launch) -> Iterator[None]:
    """Hand `launch` to the flow that is called inside."""
    token = _LAUNCH.set(launch)
    try:
        yield
    finally:
        _LAUNCH.reset(token)


def get_display() -> Display | None:
    """Where progress is shown on the terminal; None without one."""
    launch = _LAUNCH.get()
    return launch.display if launch else None


@asynccontextmanager
async def open_run(params: BuildToolsetParams) -> AsyncIterator[RunContext]:
    """The context of a run, closed at the end.

    Raises:
        UserError: what `gather_inputs` finds wrong, or a completion store that cannot be used.
    """
    launch = _LAUNCH.get()
    if launch is not None:
        launch.on_start()
    inputs = launch.inputs if launch else await asyncio.to_thread(gather_inputs, params)
    path = locate_store(inputs.root)
    path.parent.mkdir(parents=True, exist_ok=True)
    ledger = Ledger()
    with CompletionStore(path) as store:
        async with Teacher(params.teacher, store, ledger) as teacher:
            context = RunContext(inputs.root, teacher, ledger, inputs.catalog, params, inputs.benchmarks)
            with use_context(context):
                yield context


def locate_store(root: DataRoot) -> Path:
    """The file of the durable completions: in the data root, or, where that is no disk, under PREFECT_HOME."""
    if root.is_local:
        return Path(str(root.cache / STORE_NAME))
    return Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser() / STORE_NAME


def count_calls(context: RunContext) -> CallCounts:
    """What the teacher was asked in this run."""
    return CallCounts(sent=context.teacher.counts.sent, stored=context.teacher.counts.stored)
