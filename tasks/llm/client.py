"""The teacher: every completion is looked up, sent once, kept on disk, and entered in the ledger.

What an answer depends on is in `keys`, where the teacher is in `endpoint`. How a request is sent is in `sender`: how
many at a time in `throttle`, what they may cost in `budget`, which are worth another attempt in `retries`. JSON answers
are in `structured`.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

import openai
from pydantic import BaseModel

from schemas.base import Json
from schemas.calls import ChatRequest, Completion, LedgerRow, Stage
from schemas.errors import RunStoppedError, TeacherError
from schemas.parameters import Budget
from schemas.teacher import TeacherSettings
from tasks.llm.batch import BatchSender
from tasks.llm.batch_record import OpenBatch
from tasks.llm.budget import Account, RecentErrors, Spent
from tasks.llm.endpoint import Secret, build_recipe, name_endpoint, open_client, read_key
from tasks.llm.keys import build_key
from tasks.llm.ledger import Ledger
from tasks.llm.preflight import find_price
from tasks.llm.sender import Answer, Sender
from tasks.llm.store import CompletionStore
from tasks.llm.structured import Check, ask_for_json

T = TypeVar("T", bound=BaseModel)

SINGLE_SHOT: frozenset[Stage] = frozenset({"document", "specify", "instruct", "judge"})
"""The stages whose requests follow from no answer that a person would wait for: they may go through the Batch API."""

_LOOK_AGAIN_S = (0.1, 0.4)
"""How long to wait before looking whether another process has got the answer that it asked for."""


@dataclass(frozen=True)
class Counts:
    """`sent` requests went out (refused ones count too); `stored` completions were had without sending anything."""

    sent: int = 0
    stored: int = 0


@dataclass
class _Purpose:
    """What a completion is for."""

    stage: Stage
    api_id: str
    owner: str
    started: float = field(default_factory=time.perf_counter)


class Teacher:
    """One teacher of a run; all its methods belong to one event loop.

    Without a `store` nothing outlasts the run, and nothing goes in batches. `key` is the API key where it does not come
    from the environment, `client` replaces the one that the settings lead to (another app in process). More than
    `max_error_share` failures among the last 100 requests stop the run. `first_backoff_s` is the wait after a first
    failure, in seconds, and `batch_times` are those of `BatchSender`.

    Raises:
        UserError: no API key for OpenAI, a price list that cannot be read, a budget in US dollars and no price.
    """

    def __init__(
        self,
        settings: TeacherSettings,
        store: CompletionStore | None,
        ledger: Ledger,
        *,
        budget: Budget | None = None,
        max_error_share: float = 1.0,
        key: str | None = None,
        client: openai.AsyncOpenAI | None = None,
        first_backoff_s: float = 0.5,
        batch_times: Mapping[str, float] | None = None,
    ) -> None:
        self.settings = settings
        self.endpoint = name_endpoint(settings)
        self._secret = read_key(settings) if key is None else Secret(key)
        self._price = find_price(settings)
        self._account = Account(budget or Budget(), self._price, settings.model)
        self._client = client or open_client(settings, self._secret)
        self._batch: BatchSender | None = None
        if settings.batch and store is not None:
            self._batch = BatchSender(
                self._client, store, settings, endpoint=self.endpoint, secret=self._secret, **(batch_times or {})
            )
        errors = RecentErrors(max_error_share)
        self._sender = Sender(
            settings, self.endpoint, self._secret, self._client, self._account, errors, first_backoff_s, self._batch
        )
        self._store = store
        self._ledger = ledger
        self._stored = 0
        self.open_batches: tuple[OpenBatch, ...] = ()
        """What is left at the endpoint when the teacher is closed; a later run finds it."""
        self._by_api: defaultdict[str, Spent] = defaultdict(Spent)
        self._in_flight: dict[str, asyncio.Task[Answer]] = {}
        self._turns: dict[str, int] = {}

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
        self.stop(RunStoppedError("the run has ended", "signal"))
        if self._in_flight:
            await asyncio.wait(self._in_flight.values())
        if self._batch is not None:
            self.open_batches = tuple(self._batch.describe_open())
            await self._batch.aclose()
        await self._client.close()

    def stop(self, error: RunStoppedError) -> None:
        """Send nothing any more; what is in flight is finished, and what is stored is still served.

        From then on `complete` raises `error` for whatever would have to be sent.
        """
        self._sender.stop(error)

    def abort(self) -> None:
        """Give up what is in flight."""
        for task in self._in_flight.values():
            task.cancel()

    def recipe(self) -> dict[str, Json]:
        """What results depend on: endpoint, model, temperature; not concurrency."""
        return build_recipe(self.settings)

    @property
    def counts(self) -> Counts:
        """What was sent, and what was not."""
        return Counts(self._sender.sent, self._stored)

    @property
    def stopped(self) -> RunStoppedError | None:
        """Why nothing is sent any more; None while it is."""
        return self._sender.stopped

    @property
    def spent(self) -> Spent:
        """What this run has bought so far."""
        return self._account.spent

    def get_spent(self, api_id: str) -> Spent:
        """What this run has bought for one API."""
        return self._by_api[api_id]

    @property
    def in_flight(self) -> int:
        """Requests on their way."""
        return self._sender.throttle.in_flight

    @property
    def in_batches(self) -> int:
        """Requests that wait for the Batch API."""
        return 0 if self._batch is None else self._batch.waiting

    @property
    def pause_s(self) -> float:
        """Seconds for which nothing is sent, because the endpoint asked for patience."""
        return self._sender.throttle.pause_s

    async def complete(self, request: ChatRequest, *, stage: Stage, api_id: str, owner: str) -> Completion:
        """The completion of a request, from the store or the endpoint; it is on disk when it is returned.

        A request without a temperature takes the teacher's. Equal requests in flight are sent once, also where two
        processes share the store. A request that was sent is finished and kept even if the caller is cancelled.

        Raises:
            RunStoppedError: the run buys nothing more: its budget is reached, or it was told to stop.
            FatalTeacherError: bad key, no credit, unknown model: no later request can succeed.
            TeacherError: the request was refused or failed in every attempt.
            UserError: the store cannot be read or written.
        """
        purpose = _Purpose(stage, api_id, owner)
        if request.temperature is None:
            request = request.model_copy(update={"temperature": self.settings.temperature})
        try:
            key = build_key(self.endpoint, self.settings.model, request)
        except ValueError as error:
            raise TeacherError(f"the request cannot be written as JSON: {error}") from error
        answer = await self._find_or_fetch(key, request, purpose)
        if not answer.attempts:
            self._stored += 1
        self._enter(answer, purpose)
        return answer.completion

    async def complete_json(
        self,
        request: ChatRequest,
        schema_model: type[T],
        *,
        name: str,
        stage: Stage,
        api_id: str,
        owner: str,
        check: Check[T] | None = None,
        attempts: int = 4,
    ) -> T:
        """The answer as a `schema_model`; see `structured.ask_for_json`.

        Raises:
            TeacherError: as for `complete`, or no attempt gave a usable answer.
        """

        async def complete(asked: ChatRequest) -> Completion:
            return await self.complete(asked, stage=stage, api_id=api_id, owner=owner)

        return await ask_for_json(complete, request, schema_model, name=name, check=check, attempts=attempts)

    async def _find_or_fetch(self, key: str, request: ChatRequest, purpose: _Purpose) -> Answer:
        if self._store is not None and (stored := self._store.get(key)) is not None:
            return Answer(stored)
        fetching = self._in_flight.get(key)
        if fetching is not None:
            return Answer((await asyncio.shield(fetching)).completion)
        if self.stopped is not None:
            raise self.stopped
        if self._batch is not None and purpose.stage in SINGLE_SHOT:
            # Claimed in a table of the store and not by a lock: a batch outlasts its process.
            fetching = asyncio.create_task(self._sender.send_in_batch(key, request))
        else:
            fetching = asyncio.create_task(self._fetch(key, request, self._find_turn(purpose)))
        self._in_flight[key] = fetching
        fetching.add_done_callback(lambda done: self._forget(key, done))
        # A task of its own: what was sent is paid for, and kept whatever becomes of the caller.
        return await asyncio.shield(fetching)

    def _find_turn(self, purpose: _Purpose) -> int:
        """Single-shot requests go first, for dialogues follow from them; then those of the API that came first."""
        turn = self._turns.setdefault(purpose.api_id, len(self._turns) + 1)
        return 0 if purpose.stage in SINGLE_SHOT else turn

    def _forget(self, key: str, done: asyncio.Task[Answer]) -> None:
        del self._in_flight[key]
        if not done.cancelled():
            done.exception()  # looked at, for nobody may be waiting any more

    async def _fetch(self, key: str, request: ChatRequest, turn: int) -> Answer:
        store = self._store
        if store is None:
            return await self._sender.send(request, turn)
        while not store.claims.take(key):  # another process has sent it
            await self._sender.rest(random.uniform(*_LOOK_AGAIN_S))
        try:
            if (stored := store.get(key)) is not None:
                return Answer(stored)
            answer = await self._sender.send(request, turn)
            kept = await store.put(key, answer.completion, endpoint=self.endpoint, model=self.settings.model)
            return Answer(kept, answer.attempts)
        finally:
            store.claims.give_back(key)

    def _enter(self, answer: Answer, purpose: _Purpose) -> None:
        completion, usage = answer.completion, answer.completion.usage
        cost = None if self._price is None else self._price.compute_cost(usage, batched=completion.batched)
        if answer.attempts:
            self._by_api[purpose.api_id].add(usage, cost)
        self._ledger.add(
            LedgerRow(
                stage=purpose.stage,
                api_id=purpose.api_id,
                owner=purpose.owner,
                model=completion.model,
                prompt_tokens=usage.prompt,
                completion_tokens=usage.completion,
                cached_tokens=usage.cached,
                reasoning_tokens=usage.reasoning,
                cost_usd=cost,
                latency_s=time.perf_counter() - purpose.started,
                attempts=answer.attempts,
                stored=answer.attempts == 0,
                finish_reason=completion.finish_reason,
                fingerprint=completion.fingerprint,
                batched=completion.batched,
            )
        )
