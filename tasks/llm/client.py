"""The teacher: every completion is looked up, sent once, kept on disk, and entered in the ledger.

What an answer depends on is in `keys`, where the teacher is in `endpoint`, what it takes in `capabilities`, retries are
in `retries`, JSON answers in `structured`.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2
import openai
from pydantic import BaseModel

from schemas.base import Json
from schemas.calls import ChatRequest, Completion, LedgerRow, Stage
from schemas.errors import TeacherError
from schemas.teacher import TeacherSettings
from tasks.llm.answers import parse_answer
from tasks.llm.capabilities import Capabilities, build_body, learn
from tasks.llm.endpoint import build_recipe, name_endpoint, open_client, read_key
from tasks.llm.failures import explain_failure
from tasks.llm.keys import build_key
from tasks.llm.ledger import Ledger
from tasks.llm.prices import load_prices
from tasks.llm.retries import Backoff, EndpointError, send_with_retries
from tasks.llm.store import CompletionStore
from tasks.llm.structured import ask_for_json

T = TypeVar("T", bound=BaseModel)
_log = logging.getLogger(__name__)


@dataclass
class Counts:
    """`sent` requests went out (refused ones count too); `stored` completions were had without sending anything."""

    sent: int = 0
    stored: int = 0


@dataclass
class _Answer:
    """A completion and what it took: attempts (0 if nothing was sent)."""

    completion: Completion
    attempts: int = 0


@dataclass
class _Purpose:
    """What a completion is for."""

    stage: Stage
    api_id: str
    owner: str
    started: float = field(default_factory=time.perf_counter)


class Teacher:
    """One teacher of a run; all its methods belong to one event loop.

    Without a `store` nothing outlasts the run. `client` replaces the one that the settings lead to (another app in
    process); `first_backoff_s` is the wait after a first failure, in seconds.

    Raises:
        UserError: no API key for OpenAI, or a price list that cannot be read.
    """

    def __init__(
        self,
        settings: TeacherSettings,
        store: CompletionStore | None,
        ledger: Ledger,
        *,
        client: openai.AsyncOpenAI | None = None,
        first_backoff_s: float = 0.5,
    ) -> None:
        self.settings = settings
        self.counts = Counts()
        self.endpoint = name_endpoint(settings)
        self._secret = read_key(settings)
        self._client = client or open_client(settings, self._secret)
        self._store = store
        self._ledger = ledger
        self._prices = load_prices()
        self._capabilities = Capabilities()
        self._backoff = Backoff(settings.attempts, first_backoff_s)
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._in_flight: dict[str, asyncio.Future[Completion | TeacherError | None]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connections; the store is closed by whoever opened it."""
        await self._client.close()

    def recipe(self) -> dict[str, Json]:
        """What results depend on: endpoint, model, temperature; not concurrency."""
        return build_recipe(self.settings)

    async def complete(self, request: ChatRequest, *, stage: Stage, api_id: str, owner: str) -> Completion:
        """The completion of a request, from the store or the endpoint; it is on disk when it is returned.

        A request without a temperature takes the teacher's. Equal requests in flight are sent once.

        Raises:
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
        answer = await self._find_or_fetch(key, request)
        if not answer.attempts:
            self.counts.stored += 1
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
        check: Callable[[T], list[str]] | None = None,
        attempts: int = 4,
    ) -> T:
        """The answer as a `schema_model`; see `structured.ask_for_json`.

        Raises:
            TeacherError: as for `complete`, or no attempt gave a usable answer.
        """

        async def complete(asked: ChatRequest) -> Completion:
            return await self.complete(asked, stage=stage, api_id=api_id, owner=owner)

        return await ask_for_json(complete, request, schema_model, name=name, check=check, attempts=attempts)

    async def _find_or_fetch(self, key: str, request: ChatRequest) -> _Answer:
        while True:
            if self._store is not None and (stored := self._store.get(key)) is not None:
                return _Answer(stored)
            leader = self._in_flight.get(key)
            if leader is None:
                return await self._fetch_for_all(key, request)
            # Waiting must not cancel the future that others wait for too.
            outcome = await asyncio.shield(leader)
            if isinstance(outcome, TeacherError):
                raise type(outcome)(*outcome.args) from outcome
            if outcome is not None:
                return _Answer(outcome)
            # The one who was to send it was cancelled: this one tries in its place.

    async def _fetch_for_all(self, key: str, request: ChatRequest) -> _Answer:
        shared: asyncio.Future[Completion | TeacherError | None] = asyncio.get_running_loop().create_future()
        self._in_flight[key] = shared
        outcome: Completion | TeacherError | None = None
        try:
            answer = await self._fetch(request)
            if self._store is not None:
                answer.completion = await self._store.put(
                    key, answer.completion, endpoint=self.endpoint, model=self.settings.model
                )
            outcome = answer.completion
            return answer
        except TeacherError as error:
            outcome = error
            raise
        finally:
            del self._in_flight[key]
            shared.set_result(outcome)

    async def _fetch(self, request: ChatRequest) -> _Answer:
        attempts = 0

        async def send() -> Completion:
            nonlocal attempts
            async with self._slots:
                attempts += 1
                return await self._send_as_taken(request)

        completion = await send_with_retries(send, self._backoff)
        return _Answer(completion, attempts)

    async def _send_as_taken(self, request: ChatRequest) -> Completion:
        """Sends the request in the form that the endpoint takes; finding it is no failed attempt."""
        while True:
            used = self._capabilities
            body = build_body(self.settings.model, request, used)
            try:
                self.counts.sent += 1
                return await self._send(body)
            except EndpointError as refusal:
                learnt = learn(used, body, refusal)
                if learnt is None:
                    raise
                # Of those who were refused together one has learnt for all: a second step down would go too far.
                if self._capabilities == used:
                    self._capabilities = learnt
                    _log.info("%s; going on with %s", refusal, learnt)

    async def _send(self, body: dict[str, Any]) -> Completion:
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                # The SDK's way to an undocumented endpoint: `chat.completions.create` walks every message and tool by
                # its type hints and builds response models, 1.5 ms against 0.3 ms on a request with six tools.
                response = await self._client.post("/chat/completions", body=body, cast_to=httpx2.Response)
            return parse_answer(response.content, self.settings.model)
        except Exception as error:
            failure = explain_failure(error, self.settings, self.endpoint, self._secret)
            cause = None if self._secret.value else error
        # Raised out here, so that no chain leads to the SDK's error: it carries the request and with it the key.
        raise failure from cause

    def _enter(self, answer: _Answer, purpose: _Purpose) -> None:
        completion, usage = answer.completion, answer.completion.usage
        price = self._prices.find_price(self.endpoint, self.settings.model)
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
                cost_usd=None if price is None else price.compute_cost(usage),
                latency_s=time.perf_counter() - purpose.started,
                attempts=answer.attempts,
                stored=answer.attempts == 0,
                finish_reason=completion.finish_reason,
                fingerprint=completion.fingerprint,
            )
        )
