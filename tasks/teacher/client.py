"""The teacher: whoever asks gets a completion, and the ledger a row that says what it was for and what it took.

How a completion is had is in `engine`; JSON answers are in `structured`.
"""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self, TypeVar

from pydantic import BaseModel

from schemas.base import Json
from schemas.calls import ROLE_OF_STAGE, ROLES, ChatRequest, Completion, LedgerRow, Role, Stage
from schemas.episodes import Flaw
from schemas.errors import NoAnswerError, NotStoredError, RunStoppedError
from schemas.teacher import TeacherSettings
from tasks.completions.store import CompletionStore
from tasks.teacher.batches.batch_record import OpenBatch
from tasks.teacher.budget import Spent
from tasks.teacher.call_watch import CallWatch
from tasks.teacher.endpoint import build_recipe
from tasks.teacher.engine.engine import Answer, Engine, EngineState
from tasks.teacher.engine.engines import Engines, EngineStart, open_engines
from tasks.teacher.engine.process import EngineProcess
from tasks.teacher.ledger import Ledger
from tasks.teacher.sampling import describe_sampling, fill_sampling
from tasks.teacher.structured import ATTEMPTS, Check, ask_for_json

T = TypeVar("T", bound=BaseModel)

_MOST_DRAWS = 3
_CHEAP_FLAWS = frozenset({"empty", "partial"})
"""Some endpoints fall silent or break off in a third of their answers: three draws would lose every fifth dialogue."""

_MOST_SAMPLES = 1000
"""Of one request, with all that earlier runs have drawn."""

_FLAWS: dict[Flaw, str] = {
    "cut_off": "cut off",
    "filtered": "filtered",
    "refused": "refused",
    "partial": "broken off",
    "leaked_tokens": "none, for it holds tokens that steer the model",
    "empty": "empty",
}


@dataclass(frozen=True)
class RequestCounts:
    """`sent` requests went out (refused ones count too); `stored` completions were had without sending anything."""

    sent: int
    stored: int


class Teacher:
    """Whoever is asked in a run, in whichever role; all its methods belong to one event loop.

    Its `engine` is closed with it.
    """

    def __init__(
        self, engine: Engine | Engines | EngineProcess, ledger: Ledger, *, retry_rejected: bool = False
    ) -> None:
        self._engine = engine
        self._ledger = ledger
        self._retry_rejected = retry_rejected
        self._stored = 0
        self._calls = CallWatch()
        self._by_api: defaultdict[str, Spent] = defaultdict(Spent)
        self.open_batches: tuple[OpenBatch, ...] = ()
        """What is left at the endpoint when the teacher is closed; a later run finds it."""
        self.told_to_stop: RunStoppedError | None = None
        """Why it was told to stop from outside; a budget or many errors stop it from within."""
        self.is_closed = False
        self.waiting = 0
        """Who waits for a completion; of what is in flight, an engine in a process of its own tells a moment later."""
        self._asking: defaultdict[Stage, int] = defaultdict(int)
        self._telling = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and not issubclass(kind, Exception):
            self.abort()
        await self.aclose()

    async def aclose(self) -> None:
        """Finishes and keeps what is in flight, then closes the connections. The store is its opener's to close."""
        self.open_batches = await self._engine.aclose()
        self.is_closed = True

    def stop(self, error: RunStoppedError) -> None:
        """Send nothing any more; what is in flight is finished, and what is stored is still served.

        From then on `complete` raises `error` for whatever would have to be sent.
        """
        self.told_to_stop = self.told_to_stop or error
        self._telling.set()
        self._engine.stop(error)

    async def wait_for_stop(self) -> None:
        """Return when `stop` is called."""
        await self._telling.wait()

    def abort(self) -> None:
        """Give up what is in flight."""
        self._engine.abort()

    @property
    def settings(self) -> TeacherSettings:
        """Where the teacher is and how it is asked."""
        return self._engine.settings

    @property
    def longest_attempt_s(self) -> float:
        """The most seconds that one attempt may take, in whichever role."""
        return max(self._engine.find_settings(role).timeout_s for role in ROLES)

    def recipe(self, role: Role = "teacher") -> dict[str, Json]:
        """What results of a role depend on: endpoint, model, sampling; not concurrency."""
        return build_recipe(self._engine.find_settings(role))

    @property
    def counts(self) -> RequestCounts:
        """What was sent, and what was not."""
        return RequestCounts(self._engine.state.sent, self._stored)

    @property
    def state(self) -> EngineState:
        """How it stands: what is on its way and for which stage, what was bought, why nothing is sent any more."""
        stages = [stage for stage, asked in self._asking.items() if asked]
        return replace(self._engine.state, stage=max(stages, key=lambda stage: self._asking[stage], default=""))

    @property
    def most_tools(self) -> int | None:
        """The most functions that a request to the assistant may hold; None where no bound is known."""
        return self._engine.state.most_tools

    def get_spent(self, api_id: str) -> Spent:
        """What this run has bought for one API."""
        return self._by_api[api_id]

    async def complete(
        self, request: ChatRequest, *, stage: Stage, api_id: str, owner: str, role: Role | None = None
    ) -> Completion:
        """The completion of a request, from the store or the endpoint; it is on disk when it is returned.

        Whoever has the `role` is asked, by default the one of the stage; sampling that the request does not set is
        theirs. Equal requests in flight are sent once, also where two
        processes share the store. A request that was sent is finished and kept even if the caller is cancelled.

        A completion with a flaw is no answer, and the request is drawn again: the next sample, up to three draws, up to
        six where an endpoint only falls silent or breaks off. All of them are kept, so that a later run that meets the
        same ones sends nothing; with `retry_rejected` it draws as many again.

        Raises:
            RunStoppedError: the run buys nothing more: its budget is reached, or it was told to stop.
            FatalTeacherError: bad key, no credit, unknown model: no later request can succeed.
            NoAnswerError: every draw has a flaw.
            TeacherError: the request was refused or failed in every attempt.
            UserError: the store cannot be read or written.
        """
        drawn = _Draws(self._retry_rejected)
        while True:
            asked = request.model_copy(update={"sample": request.sample + drawn.count})
            try:
                answer = await self._draw(asked, stage, api_id, owner, role, only_stored=drawn.are_enough(_MOST_DRAWS))
            except NotStoredError:
                raise NoAnswerError(drawn.describe(), drawn.last_flaw) from None
            if answer.completion.flaw is None:
                return answer.completion
            drawn.note(answer)

    async def _draw(
        self,
        request: ChatRequest,
        stage: Stage,
        api_id: str,
        owner: str,
        role: Role | None,
        *,
        only_stored: bool = False,
    ) -> Answer:
        """One completion, whatever it is worth, told to the ledger.

        Raises:
            NotStoredError: it is not in the store, and `only_stored` forbids to send for it.
            RunStoppedError, FatalTeacherError, TeacherError, UserError: see `complete`.
        """
        started = time.perf_counter()
        role = role or ROLE_OF_STAGE.get(stage, "teacher")
        request = fill_sampling(request, self._engine.find_settings(role))
        self.waiting += 1
        self._asking[stage] += 1
        try:
            answer = await self._engine.answer(request, stage, api_id, role, only_stored=only_stored)
        finally:
            self.waiting -= 1
            self._asking[stage] -= 1
        if answer.attempts:
            self._by_api[api_id].add(answer.completion.usage, answer.cost_usd)
            self._watch_calls(request, answer.completion)
        else:
            self._stored += 1
        waited = time.perf_counter() - started
        for probe in answer.probes:
            self._ledger.add(_make_row(probe, None, role, "probe", api_id, "", waited), under=stage)
        self._ledger.add(_make_row(answer, request, role, stage, api_id, owner, waited))
        return answer

    def _watch_calls(self, request: ChatRequest, completion: Completion) -> None:
        """Raises RunStoppedError where the model never calls a function."""
        try:
            self._calls.note(request, completion)
        except RunStoppedError as error:
            self._engine.stop(error)
            raise

    async def complete_json(
        self,
        request: ChatRequest,
        schema_model: type[T],
        *,
        name: str,
        stage: Stage,
        api_id: str,
        owner: str,
        role: Role | None = None,
        schema: dict[str, Json] | None = None,
        check: Check[T] | None = None,
        attempts: int = ATTEMPTS,
    ) -> T:
        """The answer as a `schema_model`, after so many attempts at most; see `structured.ask_for_json` and `complete`.

        Raises:
            TeacherError: as for `complete`, or no attempt gave a usable answer.
        """

        async def complete(asked: ChatRequest) -> Completion:
            answer = await self._draw(asked, stage, api_id, owner, role)
            drawn.note(answer)
            return answer.completion

        drawn = _Draws(self._retry_rejected)
        return await ask_for_json(
            complete, request, schema_model, name=name, schema=schema, check=check,
            are_enough=lambda: drawn.are_enough(attempts),
        )  # fmt: skip


class _Draws:
    """How often a request was drawn; with `retry_rejected` what the store had does not count."""

    def __init__(self, retry_rejected: bool) -> None:
        self.count = 0
        self.last_flaw: Flaw = "empty"
        self._detail = ""
        self._counted = 0.0
        self._retry_rejected = retry_rejected

    def note(self, answer: Answer) -> None:
        """Count a draw; one in which the endpoint fell silent or broke off counts half."""
        self.count += 1
        completion = answer.completion
        self.last_flaw, self._detail = completion.flaw or self.last_flaw, completion.flaw_detail
        if answer.attempts or not self._retry_rejected:
            self._counted += 0.5 if completion.flaw in _CHEAP_FLAWS else 1.0

    def describe(self) -> str:
        """What became of the draws, in a line."""
        return f"no answer in {self.count} draws; the last was {_FLAWS[self.last_flaw]}: {self._detail}"

    def are_enough(self, most: int) -> bool:
        """Whether no further one is to follow."""
        return self._counted >= most or self.count >= _MOST_SAMPLES


@asynccontextmanager
async def open_teacher(start: EngineStart, ledger: Ledger) -> AsyncIterator[Teacher]:
    """The teachers of a run. Their engines are a process of its own where answers are waited for and there is a core.

    Raises:
        UserError: what `Engine` and `CompletionStore` raise.
    """
    waits = not all(start.find_settings(role).is_embedded for role in ROLES)
    if waits and (os.cpu_count() or 1) > 1:
        engine = await EngineProcess.start(start)
        async with Teacher(engine, ledger, retry_rejected=start.retry_rejected) as teacher:
            yield teacher
    else:
        with CompletionStore(start.path) as store:
            engines = open_engines(start, store)
            async with Teacher(engines, ledger, retry_rejected=start.retry_rejected) as teacher:
                yield teacher


def _make_row(
    answer: Answer, request: ChatRequest | None, role: Role, stage: Stage, api_id: str, owner: str, latency_s: float
) -> LedgerRow:
    """The ledger's row; of a probe's request nothing is told."""
    completion, usage = answer.completion, answer.completion.usage
    return LedgerRow(
        stage=stage,
        api_id=api_id,
        owner=owner,
        model=completion.model,
        prompt_tokens=usage.prompt,
        completion_tokens=usage.completion,
        cached_tokens=usage.cached,
        reasoning_tokens=usage.reasoning,
        cost_usd=answer.cost_usd,
        latency_s=latency_s,
        attempts=answer.attempts,
        stored=answer.attempts == 0,
        finish_reason=completion.finish_reason,
        fingerprint=completion.fingerprint,
        batched=completion.batched,
        role=role,
        estimated=completion.estimated,
        sampling="" if request is None else describe_sampling(request, completion),
        left_out=completion.left_out,
    )
