"""The engine of a teacher: a completion is found in the store, or sent once and kept.

What an answer depends on is in `keys`, where the teacher is in `endpoint`. How a request is sent is in `sender`: how
many at a time in `throttle`, what they may cost in `budget`, which are worth another attempt in `retries`. It knows
nothing of who asks or what for; `process` runs it in a process of its own.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import openai

from schemas.base import content_hash
from schemas.calls import ChatRequest, Completion, Role, Stage
from schemas.errors import FatalTeacherError, NotStoredError, RunStoppedError, TeacherError
from schemas.parameters import Budget
from schemas.teacher import TeacherSettings
from tasks.completions.keys import build_key
from tasks.completions.store import CompletionStore
from tasks.teacher.batches.batch import BatchSender
from tasks.teacher.batches.batch_record import OpenBatch
from tasks.teacher.budget import Account, RecentErrors, Spent, add_spent
from tasks.teacher.endpoint import Credentials, name_endpoint, open_client, read_key
from tasks.teacher.prices import find_price
from tasks.teacher.probe import ask_for_call, ask_for_object, explain_no_calls, is_enough, keeps_to_schema
from tasks.teacher.sending.forms import Forms
from tasks.teacher.sending.memory import Memory
from tasks.teacher.sending.sender import Sender

Probe = Literal["tools", "json"]
"""What a run has to be sure of before it buys anything."""

_LOOK_AGAIN_S = (0.1, 0.4)
"""How long to wait before looking whether another process has got the answer that it asked for."""


@dataclass(frozen=True)
class Answer:
    """A completion, the attempts that it took (0 if nothing was sent), and what it cost when it was bought.

    `cost_usd` is None where no price is known. `probes` are the answers of the probe that this request waited for: one
    of those who did has them.
    """

    completion: Completion
    attempts: int
    cost_usd: float | None
    probes: tuple["Answer", ...] = ()


@dataclass(frozen=True)
class EngineState:
    """How an engine stands: requests `sent` (refused ones too), why nothing is sent any more, what was bought.

    `in_flight` requests are on their way, `in_batches` wait for the Batch API, and for `pause_s` seconds nothing is
    sent, because the endpoint asked for patience. `away` says in words why it is waited for as a whole (empty where it
    is not), for `away_s` seconds now. `late` requests were not answered in time. `most_tools` is the most functions
    that a request may hold, None where no bound is known. `stage` is the one that most of those who wait are at, as
    `Teacher` tells.
    """

    sent: int = 0
    stopped: RunStoppedError | None = None
    spent: Spent = field(default_factory=Spent)
    in_flight: int = 0
    in_batches: int = 0
    pause_s: float = 0.0
    away: str = ""
    away_s: float = 0.0
    late: int = 0
    most_tools: int | None = None
    stage: str = ""


def add_states(states: Sequence[EngineState]) -> EngineState:
    """How several engines stand together: what one has stopped for, the longest pause, the least bound."""
    away = next((state for state in states if state.away), states[0])
    return replace(
        states[0],
        sent=sum(state.sent for state in states),
        stopped=next((state.stopped for state in states if state.stopped is not None), None),
        spent=add_spent(state.spent for state in states),
        in_flight=sum(state.in_flight for state in states),
        in_batches=sum(state.in_batches for state in states),
        pause_s=max(state.pause_s for state in states),
        away=away.away,
        away_s=away.away_s,
        late=sum(state.late for state in states),
        most_tools=min((state.most_tools for state in states if state.most_tools is not None), default=None),
    )


class Engine:
    """The engine of one teacher of a run; all its methods belong to one event loop.

    Without a `store` nothing outlasts the run, and nothing goes in batches. `key` is the API key where it comes neither
    from the environment nor from `secrets` (see `gather_secrets`), `client` replaces the one that the settings lead to
    (another app in process). More than `max_error_share` failures among the last 100 requests stop the run.
    `first_backoff_s` is the wait after a first failure, in seconds, and `batch_times` are those of `BatchSender`.
    Requests of the stages in `single_shot` follow from no answer that a person would wait for: they go first, and may
    go in batches.

    With `probe` two small requests go out before the first that has to be sent, and what nobody has sent yet goes alone
    first: see `tasks/teacher/probe.py`. "json" leaves out the one with a function, where none will be called. The
    embedded teacher needs neither.

    Raises:
        UserError: no API key for OpenAI, a price list that cannot be read, a budget in US dollars and no price.
    """

    def __init__(
        self,
        settings: TeacherSettings,
        store: CompletionStore | None = None,
        *,
        budget: Budget | None = None,
        max_error_share: float = 1.0,
        key: str | None = None,
        secrets: Mapping[str, str] | None = None,
        client: openai.AsyncOpenAI | None = None,
        single_shot: frozenset[str] = frozenset(),
        first_backoff_s: float = 0.5,
        batch_times: Mapping[str, float] | None = None,
        probe: Probe | None = None,
    ) -> None:
        self.settings = settings
        self._endpoint = name_endpoint(settings)
        secret = read_key(settings, secrets) if key is None else Credentials(key)
        self._price = find_price(settings)
        self.account = Account(budget or Budget(), self._price, settings.model)
        self._client = client or open_client(settings, secret)
        self._batch: BatchSender | None = None
        if settings.batch and store is not None:
            self._batch = BatchSender(
                self._client, store, settings, endpoint=self._endpoint, secret=secret, **(batch_times or {})
            )
        errors = RecentErrors(max_error_share)
        self._probe = None if settings.is_embedded else probe
        memory = None if store is None or settings.is_embedded else Memory(store.path)
        self._forms = Forms(self._endpoint, settings, memory, scouts=self._probe is not None)
        self._sender = Sender(
            settings, self._endpoint, secret, self._client, self.account, errors, first_backoff_s, self._batch,
            forms=self._forms,
        )  # fmt: skip
        self._store = store
        self._single_shot = single_shot
        self._fetching: dict[str, asyncio.Task[Answer]] = {}
        self._turns: dict[str, int] = {}
        self._probing: asyncio.Task[None] | None = None
        self._probes: list[Answer] = []

    @property
    def state(self) -> EngineState:
        """How it stands now."""
        throttle = self._sender.throttle
        return EngineState(
            sent=self._sender.sent,
            stopped=self._sender.stopped,
            spent=self.account.spent,
            in_flight=throttle.in_flight,
            in_batches=0 if self._batch is None else self._batch.waiting,
            pause_s=self._sender.pause_s,
            away=self._sender.outage.describe(),
            away_s=self._sender.outage.lasted_s,
            late=self._sender.late,
            most_tools=self._forms.known.most_tools,
        )

    def find_settings(self, role: Role) -> TeacherSettings:
        """How a role is asked: all of them in the same way."""
        return self.settings

    def find_stored(self, request: ChatRequest) -> Answer | None:
        """The answer to a request, if it is kept. Raises TeacherError, UserError."""
        stored = None if self._store is None else self._store.get(self._build_key(request))
        return None if stored is None else self._price_answer(stored, 0)

    async def answer(
        self, request: ChatRequest, stage: Stage, api_id: str, role: Role = "teacher", *, only_stored: bool = False
    ) -> Answer:
        """The answer to a request, from the store or the endpoint; it is on disk when it is returned.

        A request that was sent is finished and kept even if the caller is cancelled. `role` says which limit of tokens
        holds for it, where it has none of its own. With `only_stored` none is sent.

        Raises:
            NotStoredError: nothing may be sent, and the store has no answer.
            RunStoppedError, FatalTeacherError, TeacherError, UserError: see `Teacher.complete`.
        """
        key = self._build_key(request)
        if self._store is not None and (stored := self._store.get(key)) is not None:
            self._sender.is_known = True
            return self._price_answer(stored, 0)
        if only_stored:
            raise NotStoredError("the store has no answer")
        fetching = self._fetching.get(key)
        if fetching is not None:
            return self._price_answer((await asyncio.shield(fetching)).completion, 0)
        if request.max_tokens is None and not self.settings.is_embedded:  # no part of the key: see decision 0059
            request = request.model_copy(update={"max_tokens": self.settings.max_tokens.find(stage, role)})
        # A task of its own: what was sent is paid for, and kept whatever becomes of the caller.
        fetching = asyncio.create_task(self._fetch(key, request, stage, self._find_turn(stage, api_id)))
        self._fetching[key] = fetching
        fetching.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(fetching)

    def stop(self, error: RunStoppedError) -> None:
        """Send nothing any more; what is in flight is finished, and what is stored is still served.

        From then on `answer` raises `error` for whatever would have to be sent.
        """
        self._sender.stop(error)

    def abort(self) -> None:
        """Give up what is in flight."""
        for task in self._list_work():
            task.cancel()

    async def aclose(self) -> tuple[OpenBatch, ...]:
        """Finishes and keeps what is in flight, then closes the connections. The store is its opener's to close.

        Returns the batches that are left at the endpoint, where a later run finds them.
        """
        self.stop(RunStoppedError("the run has ended", "signal"))
        if work := self._list_work():
            await asyncio.wait(work)
        open_batches: tuple[OpenBatch, ...] = ()
        if self._batch is not None:
            open_batches = tuple(self._batch.describe_open())
            await self._batch.aclose()
        await self._client.close()
        return open_batches

    def _list_work(self) -> list[asyncio.Task[Any]]:
        """What is under way, the probe included."""
        probing = [] if self._probing is None or self._probing.done() else [self._probing]
        return [*self._fetching.values(), *probing]

    def _build_key(self, request: ChatRequest) -> str:
        try:
            return build_key(self._endpoint, self.settings.model, request)
        except ValueError as error:
            raise TeacherError(f"the request cannot be written as JSON: {error}") from error

    def _find_turn(self, stage: Stage, api_id: str) -> int:
        """Single-shot requests go first, for dialogues follow from them; then those of the API that came first."""
        turn = self._turns.setdefault(api_id, len(self._turns) + 1)
        return 0 if stage in self._single_shot else turn

    def _forget(self, key: str, done: asyncio.Task[Answer]) -> None:
        del self._fetching[key]
        if not done.cancelled():
            done.exception()  # looked at, for nobody may be waiting any more

    async def _fetch(self, key: str, request: ChatRequest, stage: Stage, turn: int) -> Answer:
        if self._probe is not None:
            self._probing = self._probing or asyncio.create_task(self._send_probe(self._probe))
            await asyncio.shield(self._probing)
        answer = await self._fetch_probed(key, request, stage, turn)
        probes, self._probes = tuple(self._probes), []
        return replace(answer, probes=probes) if probes else answer

    async def _send_probe(self, probe: Probe) -> None:
        """See that the endpoint can do what the run needs, and learn what it takes.

        Raises:
            FatalTeacherError: its model cannot call functions, or no later request can succeed for another reason.
            RunStoppedError: as for `Sender.send`.
        """
        if self._store is None:
            return await self._probe_alone(probe)
        claim = content_hash(["probe", self._endpoint, self.settings.model])
        while not self._store.claims.take(claim):  # another process is at it, and what it learns holds here too
            await self._sender.rest(random.uniform(*_LOOK_AGAIN_S))
        try:
            self._forms.recall()
            await self._probe_alone(probe)
        finally:
            self._store.claims.give_back(claim)

    async def _probe_alone(self, probe: Probe) -> None:
        if self._forms.was_probed:  # it answered
            self._sender.is_known = True
            return
        self._sender.is_probing = True
        try:
            if probe == "tools":
                await self._probe_calls()
            if not keeps_to_schema(await self._ask_probe(ask_for_object(self.settings))):
                self._forms.note_dropped_schema()
        except FatalTeacherError:
            raise
        except TeacherError:
            return  # it was refused, or failed, for a reason that the run itself will meet
        finally:
            self._sender.is_probing = False

    async def _probe_calls(self) -> None:
        answers: list[Completion] = []
        while not is_enough(answers):
            try:
                answers.append(await self._ask_probe(ask_for_call(self.settings, len(answers))))
            except FatalTeacherError:
                raise
            except TeacherError:
                return  # as above
            if answers[-1].tool_calls:
                self._forms.note_probe()
                return
        raise explain_no_calls(self._endpoint, self.settings, answers)

    async def _ask_probe(self, request: ChatRequest) -> Completion:
        completion, attempts = await self._sender.send(request)
        if self._store is not None:  # never read again, for a probe asks how things are now; but it was paid
            key = self._build_key(request)
            await self._store.put(key, completion, endpoint=self._endpoint, model=self.settings.model)
        self._probes.append(self._price_answer(completion, attempts))
        return completion

    async def _fetch_probed(self, key: str, request: ChatRequest, stage: Stage, turn: int) -> Answer:
        if self._batch is not None and stage in self._single_shot:
            # Claimed in a table of the store and not by a lock: a batch outlasts its process.
            return self._price_answer(*await self._sender.send_in_batch(key, request))
        store = self._store
        if store is None:
            return self._price_answer(*await self._sender.send(request, turn))
        while not store.claims.take(key):  # another process has sent it
            await self._sender.rest(random.uniform(*_LOOK_AGAIN_S))
        try:
            if (stored := store.get(key)) is not None:
                return self._price_answer(stored, 0)
            completion, attempts = await self._sender.send(request, turn)
            kept = await store.put(key, completion, endpoint=self._endpoint, model=self.settings.model)
            return self._price_answer(kept, attempts)
        finally:
            store.claims.give_back(key)

    def _price_answer(self, completion: Completion, attempts: int) -> Answer:
        price = self._price
        cost = None if price is None else price.compute_cost(completion.usage, batched=completion.batched)
        return Answer(completion, attempts, cost)
