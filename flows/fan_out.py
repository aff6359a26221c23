"""All APIs' ways side by side: no API waits for another, under one limit on how many are on their way."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType

from flows.progress import Progress
from schemas.calls import ROLES
from schemas.catalog import CatalogEntry
from schemas.errors import RunStoppedError
from schemas.parameters import Budget, BuildDatasetParams, BuildToolsetParams
from schemas.steps import ApiOutcome
from tasks.api_walk import find_fatal
from tasks.context import RunContext
from tasks.teacher import collect_rarely

Walk = Callable[[str], Awaitable[ApiOutcome]]

_FEW = 8
"""APIs at a time that keep two cores busy; more would only hold more of them in memory."""

_ROUND_TRIPS_BEFORE, _CALLS_BEFORE, _CALLS_PER_INSTRUCTION = 3, 6, 2.5
"""What an API asks of the teacher: until its instructions are written (some at a time), and for each of them after."""

_MANY = 10_000
"""APIs at a time where their requests go in batches: the more, the fewer batches, each of which takes its time."""

SET_OUT_EVERY_S = 0.02
"""What an API's first step takes of this process and of Prefect's server before its first request goes out."""


class StartingGate:
    """Lets in `most` APIs at a time, and one after another, `every_s` seconds apart.

    Those that set out together would get a share of the processor each, and all be ready for their next request late,
    with none in flight until then.
    """

    def __init__(self, most: int, every_s: float = SET_OUT_EVERY_S) -> None:
        self._places = asyncio.Semaphore(most)
        self._turn = asyncio.Lock()
        self._every_s = every_s

    async def __aenter__(self) -> None:
        await self._places.acquire()
        try:
            async with self._turn:
                await asyncio.sleep(self._every_s)
        except BaseException:
            self._places.release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._places.release()


@dataclass(frozen=True)
class Walked:
    """What became of the APIs, in the catalogue's order, and how many were left unfinished because the run stopped.

    `stop` says why it did; None if it did not.
    """

    outcomes: tuple[ApiOutcome, ...]
    unfinished: int = 0
    stop: RunStoppedError | None = None


async def walk_apis(context: RunContext, entries: Sequence[CatalogEntry], walk: Walk, progress: Progress) -> Walked:
    """Walk all APIs; `walk` is called with each API's id.

    A run that may buy nothing more still finishes the APIs whose completions are all stored.

    Raises:
        RunStoppedError: a signal came, or too many requests failed.
        FatalTeacherError: the teacher cannot be used at all; the other walks are ended.
        UserError, OSError: the store or the data root cannot be used.
    """
    in_flight = choose_in_flight(context.params)
    places = asyncio.Semaphore(in_flight)
    teacher = context.teacher

    async def walk_one(api_id: str) -> ApiOutcome | None:
        async with places:
            try:
                outcome = await walk(api_id)
            except RunStoppedError as stop:
                if not stop.leaves_a_part:
                    raise  # and the other walks are cancelled: each would fail by itself, which costs far more
                return None
            progress.count(outcome, teacher.get_spent(api_id))
            return outcome

    try:
        with collect_rarely():
            async with asyncio.TaskGroup() as group:
                running = [group.create_task(walk_one(entry.id)) for entry in entries]
    except ExceptionGroup as errors:
        raise find_fatal(errors) or errors from errors
    found = [task.result() for task in running]
    finished = tuple(outcome for outcome in found if outcome is not None)
    if len(finished) == len(found):
        return Walked(finished)
    return Walked(finished, len(found) - len(finished), teacher.state.stopped)


def make_gate(params: BuildDatasetParams) -> StartingGate:
    """What an API holds until its instructions are written; it keeps the APIs from going in step with one another."""
    return StartingGate(choose_preparing(choose_in_flight(params), params.instructions))


def choose_in_flight(params: BuildToolsetParams) -> int:
    """How many APIs to work on at a time.

    By default as many as there may be requests in flight, for most steps of an API have one request at a time; where a
    budget may end the run, a quarter of them, so that more are finished and fewer only begun.
    """
    if params.in_flight is not None:
        return params.in_flight
    roles = [params.get_settings(role) for role in ROLES]
    if all(settings.is_embedded for settings in roles):
        return _FEW
    if params.teacher.batch:
        return _MANY
    most = max(settings.concurrency for settings in roles if not settings.is_embedded)
    return max(_FEW, most // (1 if params.budget == Budget() else 4))


def choose_preparing(in_flight: int, instructions: int) -> int:
    """How many of the APIs in flight may be without their instructions at a time.

    If all set out together they would stay together: a wave of single requests with lint and audit between them, then
    one of episodes. An API with episodes has many requests at a time, so that those which are further on are to have
    them soon. To keep up with the dialogues, `in_flight` × 3 round trips / calls an API would be enough (Little's law),
    were it not for the work between the requests: twice as many. With more, that work would be done early and all at
    once, and the processor be short when it need not be.
    """
    calls = _CALLS_BEFORE + _CALLS_PER_INSTRUCTION * instructions
    return min(in_flight, max(_FEW, math.ceil(2 * in_flight * _ROUND_TRIPS_BEFORE / calls)))
