"""Sends requests: in turn, within the budget, in the form that the endpoint takes, again where it is worth it.

Knows nothing of stores or ledgers; an answer that it returns has been paid for and is its caller's to keep.
"""

import asyncio
import json
import logging
from typing import Any

import httpx2
import openai
from pydantic import SecretStr

from schemas.calls import ChatRequest, Completion, Usage
from schemas.errors import RunStoppedError
from schemas.teacher import TeacherSettings
from tasks.teacher.batches.batch import BatchSender
from tasks.teacher.budget import Account, RecentErrors
from tasks.teacher.response_reading import parse_answer
from tasks.teacher.sending.capabilities import Capabilities, build_body, learn
from tasks.teacher.sending.failures import explain_failure
from tasks.teacher.sending.pacing import Pace
from tasks.teacher.sending.retries import Backoff, EndpointError, Tries, bound_wait, read_pause
from tasks.teacher.sending.throttle import Throttle

_log = logging.getLogger(__name__)

FIRST_LIMIT = 64
"""Requests in flight to begin with, where so many may be."""

_CHARACTERS_PER_TOKEN = 4


class Sender:
    """The way to one endpoint and model. `sent` counts the requests that went out, refused ones too."""

    def __init__(
        self,
        settings: TeacherSettings,
        endpoint: str,
        secret: SecretStr,
        client: openai.AsyncOpenAI,
        account: Account,
        errors: RecentErrors,
        first_backoff_s: float,
        batch: BatchSender | None = None,
    ) -> None:
        self.sent = 0
        self.stopped: RunStoppedError | None = None
        self._stopping = asyncio.Event()
        self._settings = settings
        self._endpoint = endpoint
        self._secret = secret
        self._client = client
        self._account = account
        self._errors = errors
        self._batch = batch
        # The embedded teacher takes the schema as it is asked for; its answers depend on it, and on the ids of calls.
        self._capabilities = Capabilities(
            answers="json_schema" if settings.is_embedded else "strict",
            call_ids="numbered" if settings.is_embedded else "given",
        )
        # It also errs on purpose, in its text too.
        self._are_written_calls_read = settings.written_calls == "auto" and not settings.is_embedded
        self._told_of_written_calls = False
        self._backoff = Backoff(attempts=settings.attempts, give_up_s=settings.give_up_s, first_s=first_backoff_s)
        self._counts_tokens = settings.tpm is not None or account.counts_tokens
        # In process there is nobody to be spared.
        start = settings.concurrency if settings.is_embedded else FIRST_LIMIT
        self.throttle = Throttle(settings.concurrency, start=start, pace=Pace(settings.rpm, settings.tpm))

    def stop(self, error: RunStoppedError) -> None:
        """Send nothing any more: `send` raises `error` before each attempt. What is in flight is not touched."""
        if self.stopped is None:
            self.stopped = error
            self._stopping.set()
            self.throttle.stop(error)

    async def send(self, request: ChatRequest, turn: int = 0) -> tuple[Completion, int]:
        """The endpoint's answer and the attempts that it took; of those that wait, the lowest `turn` goes first.

        Raises:
            RunStoppedError: the budget leaves no room, too many requests have failed, or `stop` was called.
            FatalTeacherError, TeacherError: see `Tries.attempt`.
        """
        tries = Tries(self._backoff, self.rest)
        while True:
            async with tries.attempt():
                used = self._capabilities
                body = build_body(self._settings.model, request, used)
                try:
                    return await self._send_in_turn(body, turn), tries.count
                except EndpointError as error:
                    if not self._learn(used, body, error):
                        self._note_error(error, first=tries.count == 1)
                        raise

    async def send_in_batch(self, key: str, request: ChatRequest) -> tuple[Completion, int]:
        """As `send`, by way of the endpoint's Batch API; the answer is in the store when it is returned.

        What may pass is sent again by the batch sender, in its next batch.

        Raises:
            RunStoppedError: as for `send`. A request that is in a batch by then stays there, for a later run to find.
            FatalTeacherError, TeacherError: it was refused, or failed in every batch.
        """
        tries = Tries(self._backoff, self.rest)
        while True:
            async with tries.attempt():
                used = self._capabilities
                body = build_body(self._settings.model, request, used)
                try:
                    return await self._wait_in_batch(key, body), 1
                except EndpointError as error:
                    if not self._learn(used, body, error):
                        self._note_error(error, first=False)
                        raise

    async def rest(self, seconds: float) -> None:
        """Wait, unless the run is stopped meanwhile.

        Raises:
            RunStoppedError: it is.
        """
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
        assert self.stopped is not None
        raise self.stopped

    def _learn(self, used: Capabilities, body: dict[str, Any], refusal: EndpointError) -> bool:
        """Whether a refusal tells in which other form the endpoint takes it; finding that is no failed attempt."""
        learnt = learn(used, body, refusal)
        # Of those who were refused together one has learnt for all: a second step down would go too far.
        if learnt is not None and self._capabilities == used:
            self._capabilities = learnt
            _log.info("%s; going on with %s", refusal, learnt)
        return learnt is not None

    async def _send_in_turn(self, body: dict[str, Any], turn: int) -> Completion:
        """Sends one request when the throttle and the budget let it."""
        tokens = len(json.dumps(body)) // _CHARACTERS_PER_TOKEN if self._counts_tokens else 0
        ticket = await self.throttle.enter(tokens, turn)
        used_tokens, used = None, None
        try:
            thought = self._begin(tokens)
        except RunStoppedError:
            self.throttle.leave(ticket)
            raise
        try:
            self.sent += 1
            completion = await self._send(body)
            self._errors.note(None)
            self.throttle.note_answer(ticket)
            used = completion.usage
            used_tokens = used.prompt + used.completion
            return completion
        except EndpointError as error:
            if error.is_overload:
                self.throttle.note_refusal(ticket, error.wait_s)
            raise
        finally:
            self._account.end(thought, used)
            self.throttle.leave(ticket, used_tokens)

    async def _wait_in_batch(self, key: str, body: dict[str, Any]) -> Completion:
        assert self._batch is not None
        if self.stopped is not None:
            raise self.stopped
        tokens = len(json.dumps(body)) // _CHARACTERS_PER_TOKEN if self._counts_tokens else 0
        used = None
        thought = self._begin(tokens)
        stopping = asyncio.create_task(self._stopping.wait())
        fetching = asyncio.create_task(self._batch.fetch(key, body))
        try:
            await asyncio.wait({fetching, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not fetching.done():
                assert self.stopped is not None
                raise self.stopped
            completion = fetching.result()
            self.sent += 1
            used = completion.usage
            return completion
        finally:
            stopping.cancel()
            fetching.cancel()
            self._account.end(thought, used, batched=True)

    def _begin(self, tokens: int) -> Usage:
        """What a request is thought to take; where the budget has no room for it the run is stopped."""
        try:
            return self._account.begin(tokens)
        except RunStoppedError as error:
            self.stop(error)
            raise

    def _note_error(self, error: EndpointError, *, first: bool) -> None:
        if error.is_limit or (first and error.status is None and not error.late):
            return  # limits are no failures, and a connection that broke says little before it has been tried again
        try:
            self._errors.note(str(error))
        except RunStoppedError as stop:
            self.stop(stop)

    def _tell_of_written_calls(self, completion: Completion) -> None:
        if completion.reads_calls and not self._told_of_written_calls:
            self._told_of_written_calls = True
            _log.info("%s writes its calls as text; they are read as calls", self._settings.model)

    async def _send(self, body: dict[str, Any]) -> Completion:
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                # The SDK's way to an undocumented endpoint: `chat.completions.create` walks every message and tool by
                # its type hints and builds response models, 1.5 ms against 0.3 ms on a request with six tools.
                response = await self._client.post("/chat/completions", body=body, cast_to=httpx2.Response)
            if (pause := bound_wait(read_pause(response.headers))) is not None:
                self.throttle.pause(pause)
            completion = parse_answer(
                response.content, self._settings.model, body.get("tools", ()),
                are_written_calls_read=self._are_written_calls_read,
            )  # fmt: skip
            self._tell_of_written_calls(completion)
            return completion
        except Exception as error:
            failure = explain_failure(error, self._settings, self._endpoint, self._secret)
            cause = None if self._secret.get_secret_value() else error
        # Raised out here, so that no chain leads to the SDK's error: it carries the request and with it the key.
        raise failure from cause
