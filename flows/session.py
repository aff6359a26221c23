"""Opens what a run works with (completion store, teacher, ledger) and closes it in order.

Also how the command line hands over what it has read already: a flow that a worker starts finds nothing handed over
and reads it itself.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar, cast

from prefect import runtime
from prefect.blocks.system import Secret
from prefect.context import TagsContext
from prefect.states import Cancelled

from flows.allowed import Allowed, read_allowed
from flows.inputs import Inputs, gather_catalog, gather_inputs, locate_store, show_parameters
from flows.progress import Display
from flows.stopping import Stoppable
from prompts import use_prompts
from schemas.calls import ROLES
from schemas.errors import RunStoppedError, UserError
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from schemas.steps import CallCounts
from tasks.context import RunContext, use_context
from tasks.network import adopt_certificates
from tasks.results import find_results_by
from tasks.side_process import SideProcess
from tasks.sources import BLOCK
from tasks.step_tasks import find_result
from tasks.steps import SINGLE_SHOT
from tasks.teacher import EngineStart, Ledger, Teacher, fill_presets, open_teacher

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Launch:
    """What the command line hands to the flow: what it has read, and where progress is shown.

    `on_start` is called with what can be stopped when the flow has it. Prefect has by then put its own handler in place
    of the command line's for SIGTERM; it raises in whatever is running, which may be nobody's code and leave others
    waiting for ever.
    """

    inputs: object
    display: Display
    on_start: Callable[[Stoppable], None] = lambda stoppable: None


_LAUNCH: ContextVar[Launch | None] = ContextVar("launch", default=None)


@contextmanager
def use_launch(launch: Launch) -> Iterator[None]:
    """Hand `launch` to the flow that is called inside."""
    token = _LAUNCH.set(launch)
    try:
        yield
    finally:
        _LAUNCH.reset(token)


def get_launch() -> Launch | None:
    """What the command line handed over; None where a worker started the flow."""
    return _LAUNCH.get()


def get_display() -> Display | None:
    """Where progress is shown on the terminal; None without one."""
    launch = _LAUNCH.get()
    return launch.display if launch else None


def cancel_on_signal(body: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """A flow's body that ends as Cancelled, and not as Failed, where a signal stopped it.

    Prefect takes the state that a flow returns; whoever called the flow gets it as CancelledRun. What the body raises
    is told and not kept: Prefect would pickle it.
    """

    @wraps(body)
    async def ending(*args: P.args, **kwargs: P.kwargs) -> R:
        find_results_by(_find_nothing)  # until the run is open
        try:
            return await body(*args, **kwargs)
        except RunStoppedError as stop:
            if stop.cause != "signal":
                raise
            return cast(R, Cancelled(message=str(stop)))

    return ending


@dataclass(frozen=True)
class StoppableTeacher:
    """The teacher of a run, which finishes what is in flight and lets nothing more out."""

    teacher: Teacher

    def stop(self, sign: signal.Signals) -> str:
        """See `Stoppable`."""
        self.teacher.stop(RunStoppedError(f"stopped by {sign.name}", "signal"))
        return f"{self.teacher.state.in_flight} requests in flight are finished and kept"

    def find_time_left(self) -> float:
        """See `Stoppable`: one attempt's time while any is under way, or a batch may be on its way up."""
        teacher = self.teacher
        is_busy = teacher.waiting + teacher.state.in_flight > 0 or (teacher.settings.batch and not teacher.is_closed)
        return teacher.longest_attempt_s if is_busy else 0.0

    def list_notes(self) -> list[str]:
        """See `Stoppable`."""
        return [
            f"{batch.requests} requests wait at the endpoint in {batch.batch_id or batch.name}; the same command gets "
            "their answers"
            for batch in self.teacher.open_batches
        ]


@asynccontextmanager
async def open_run(params: BuildToolsetParams) -> AsyncIterator[RunContext]:
    """The context of a run, closed at the end.

    Raises:
        UserError: what `gather_inputs` finds wrong, a Secret block that is not there, or a completion store that cannot
            be used.
    """
    launch = _LAUNCH.get()
    handed = launch.inputs if launch else None
    adopt_certificates()
    params = fill_presets(params)
    allowed = await asyncio.to_thread(find_allowed)
    if isinstance(handed, Inputs):
        inputs = handed
    else:
        inputs = await asyncio.to_thread(gather_inputs, params, allowed=allowed)
    catalog = inputs.catalog
    if catalog is None:
        address = await _read_secret(params.catalog.removeprefix(BLOCK), "--catalog")
        catalog = await asyncio.to_thread(gather_catalog, params, address, allowed)
    params = show_parameters(params)
    path = locate_store(inputs.root)
    find_results_by(partial(find_result, inputs.root))
    ledger = Ledger()
    start = await _read_blocks(
        EngineStart(
            params.teacher, path, params.budget, params.max_error_share, single_shot=SINGLE_SHOT,
            retry_rejected=params.retry_rejected, roles={role: params.get_settings(role) for role in ROLES},
            probe="tools" if isinstance(params, BuildDatasetParams) else "json",
        )
    )  # fmt: skip
    async with open_teacher(start, ledger) as teacher:
        if launch is not None:
            launch.on_start(StoppableTeacher(teacher))
        entries = {entry.id: entry for entry in catalog.entries}
        side = SideProcess(limit_s=params.document_limit_s, limit_mb=params.document_limit_mb)
        context = RunContext(inputs.root, teacher, ledger, catalog, params, entries, inputs.benchmarks, side)
        # Tasks inherit the run's tags, and Prefect asks its server for a slot under each before a task may start.
        with use_context(context), use_prompts(inputs.prompts), TagsContext(current_tags=set()):
            yield context


def count_calls(context: RunContext) -> CallCounts:
    """What the teacher was asked in this run, and what that took."""
    counts, spent = context.teacher.counts, context.teacher.state.spent
    return CallCounts(
        sent=counts.sent, stored=counts.stored, bought=spent.calls, tokens=spent.tokens, cost_usd=spent.usd
    )


def find_allowed() -> Allowed | None:
    """What a run may name that a deployment started; None for any other, which may name what it likes."""
    if _LAUNCH.get() is not None or not runtime.deployment.id:
        return None
    return read_allowed()


async def _find_nothing(key: str) -> None:
    """No task has left anything yet."""


async def _read_blocks(start: EngineStart) -> EngineStart:
    """The same, with what the Secret blocks hold from which its keys come. Raises UserError."""
    blocks = {settings.api_key_block for settings in start.list_all_settings()} - {None}
    secrets = {BLOCK + block: await _read_secret(block, "--teacher.api_key_block") for block in blocks if block}
    return replace(start, secrets=secrets)


async def _read_secret(block: str, option: str) -> str:
    """The value of a Prefect Secret block. Raises UserError."""
    try:
        secret: Secret[str] = await Secret.aload(block)
    except ValueError as error:
        raise UserError(
            f"{option}: Prefect has no Secret block {block!r}; make one in its UI (Blocks, Secret), or "
            f"{_INSTEAD_OF_BLOCK[option]}"
        ) from error
    return str(secret.get()).strip()


_INSTEAD_OF_BLOCK = {
    "--teacher.api_key_block": (
        "leave the option out and set the environment variable that --teacher.api_key_env names"
    ),
    "--catalog": "set an environment variable and give its name as env:NAME",
}
