"""Sends requests: in turn, within the budget, in the form that the endpoint takes, again where it is worth it.

Knows nothing of stores or ledgers; an answer that it returns has been paid for and is its caller's to keep.
"""

import asyncio
import time
from typing import Any

import httpx2
import openai
from pydantic import SecretStr

from schemas.calls import ChatRequest, Completion, Usage
from schemas.errors import RunStoppedError
from schemas.teacher import TeacherSettings
from tasks.teacher.batches.batch import BatchSender
from tasks.teacher.budget import Account, RecentErrors
from tasks.teacher.counting import TokenCounter
from tasks.teacher.notices import tell
from tasks.teacher.response_reading import parse_answer
from tasks.teacher.sending.attempts import Attempt, name_shape
from tasks.teacher.sending.failures import explain_failure
from tasks.teacher.sending.forms import Form, Forms
from tasks.teacher.sending.meanings import LONG_WAIT_S
from tasks.teacher.sending.outage import Outage
from tasks.teacher.sending.pacing import Pace
from tasks.teacher.sending.retries import Backoff, EndpointError, Tries
from tasks.teacher.sending.seeds import draw_again
from tasks.teacher.sending.throttle import Throttle, Ticket
from tasks.teacher.sending.waits import bound_wait, read_pause
from tasks.teacher.time_limit import limit_attempt

FIRST_LIMIT = 64
"""Requests in flight to begin with, where so many may be."""

_SECOND_LOOK_S, _LAST_LOOK_S = 0.5, 60.0
"""How soon is asked again what would end a run that has had answers; and how long nobody asks while it ends."""

_RESUME = "what is finished is kept, the same command goes on from there"


class Sender:
    """The way to one endpoint and model. `sent` counts the requests that went out, refused ones too, and `late` those
    that were not answered in time."""

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
        *,
        forms: Forms | None = None,
    ) -> None:
        self.sent = self.late = 0
        self.is_known = False
        """Whether the endpoint has answered in an earlier run: what it refuses then is the request, not the address."""
        self.is_probing = False
        """Whether others wait for what is sent now, though none of them stands in line."""
        self.stopped: RunStoppedError | None = None
        self._stopping = asyncio.Event()
        self._settings = settings
        self._endpoint = endpoint
        self._secret = secret
        self._client = client
        self._account = account
        self._errors = errors
        self._batch = batch
        self._counter = TokenCounter()
        self._forms = forms or Forms(endpoint, settings)
        # The embedded teacher errs on purpose, in its text too.
        self._are_written_calls_read = settings.written_calls == "auto" and not settings.is_embedded
        self._told_of_written_calls = False
        self._longest_s = max(settings.timeout_s, settings.give_up_s)  # of an answer that is streamed
        self._backoff = Backoff(attempts=settings.attempts, give_up_s=settings.give_up_s, first_s=first_backoff_s)
        self._counts_tokens = settings.tpm is not None or account.counts_tokens
        # In process there is nobody to be spared.
        start = settings.concurrency if settings.is_embedded else FIRST_LIMIT
        self.throttle = Throttle(settings.concurrency, start=start, pace=Pace(settings.rpm, settings.tpm))
        self.outage = Outage(self._backoff)
        self._last_words = 0  # how often in a row something was said that ends the run
        self._answered_at = time.monotonic()
        self._limited_until = 0.0

    @property
    def pause_s(self) -> float:
        """Seconds for which nothing is sent, for the endpoint asked all, or each that there is, for patience."""
        each_s = 0.0
        if not self.throttle.in_flight and not self.throttle.waiting:
            each_s = self._limited_until - time.monotonic()
        return max(self.throttle.pause_s, each_s, 0.0)

    def stop(self, error: RunStoppedError) -> None:
        """Send nothing any more: `send` raises `error` before each attempt. What is in flight is not touched."""
        if self.stopped is None:
            self.stopped = error
            self._stopping.set()
            self.throttle.stop(error)
            self._account.look_again()

    async def send(self, request: ChatRequest, turn: int = 0) -> tuple[Completion, int]:
        """The endpoint's answer and the attempts that it took; of those that wait, the lowest `turn` goes first.

        Raises:
            RunStoppedError: the budget leaves no room, the account or a quota is used up, the endpoint is away for too
                long, too many requests have failed, or `stop` was called.
            FatalTeacherError, TeacherError: see `Tries.attempt`.
        """
        tries = Tries(self._backoff, self.rest)
        while True:
            async with tries.attempt(), self._forms.open(request) as form:
                seed = draw_again(form.body, tries.draw)
                try:
                    completion = form.finish(await self._send_in_turn(Attempt(form.body, name_shape(request)), turn))
                    self._forms.note_answer(form)
                    if seed is not None:
                        completion = completion.model_copy(update={"sent_seed": seed})
                    return completion, tries.count
                except EndpointError as error:
                    if not self._learn(form, error):
                        self._judge(error, name_shape(request), tries)
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
                form = self._forms.make(request, streams=False)
                try:
                    return form.finish(await self._wait_in_batch(key, Attempt(form.body, name_shape(request)))), 1
                except EndpointError as error:
                    if not self._learn(form, error):
                        if error.is_used_up:
                            self.stop(RunStoppedError(str(error), "quota"))
                            raise self.stopped or error from error
                        self._note_error(error, name_shape(request))
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

    def _learn(self, form: Form, refusal: EndpointError) -> bool:
        """Whether a refusal tells in which other form the endpoint takes it; finding that is no failed attempt."""
        if not self._forms.learn(form, refusal):
            return False
        self._last_words = 0  # it meant a part of the request, whatever else it sounded like
        self.outage.note_sign()
        self.throttle.reopen()
        return True

    async def _send_in_turn(self, attempt: Attempt, turn: int) -> Completion:
        """Sends one request when the throttle and the budget let it."""
        if self._counts_tokens:
            attempt.tokens = self._counter.count_prompt(attempt.body)
        ticket = await self.throttle.enter(attempt.tokens, turn)
        used_tokens = None
        try:
            await self._begin(attempt)
        except BaseException:
            self.throttle.leave(ticket)
            raise
        try:
            self.sent += 1
            completion = self._counter.complete(await self._send(attempt.body), attempt.body, attempt.shape)
            self._note_answer(attempt.shape)
            self.throttle.note_answer(ticket)
            attempt.used = completion.usage
            used_tokens = attempt.used.prompt + attempt.used.completion
            return completion
        except EndpointError as error:
            self._count_unanswered(attempt, error)
            self._heed(error, ticket)
            if error.is_overload and not self.outage.is_on:
                self.throttle.note_refusal(ticket, error.wait_s)
            raise
        finally:
            self._account.end(attempt.thought, attempt.used, calls=int(attempt.is_completion))
            self.throttle.leave(ticket, used_tokens)

    async def _wait_in_batch(self, key: str, attempt: Attempt) -> Completion:
        assert self._batch is not None
        if self.stopped is not None:
            raise self.stopped
        if self._counts_tokens:
            attempt.tokens = self._counter.count_prompt(attempt.body)
        await self._begin(attempt)
        stopping = asyncio.create_task(self._stopping.wait())
        fetching = asyncio.create_task(self._batch.fetch(key, attempt.body))
        try:
            await asyncio.wait({fetching, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not fetching.done():
                assert self.stopped is not None
                raise self.stopped
            completion = self._counter.complete(fetching.result(), attempt.body, attempt.shape)
            self.sent += 1
            attempt.used = completion.usage
            return completion
        finally:
            stopping.cancel()
            fetching.cancel()
            self._account.end(attempt.thought, attempt.used, batched=True)

    async def _begin(self, attempt: Attempt) -> None:
        """Wait until the budget has room for a request; where it will never have the run is stopped.

        Raises:
            RunStoppedError: it is.
        """
        while True:
            mean, likely = self._counter.expect_completion(attempt.shape)
            attempt.thought = Usage(prompt=attempt.tokens, completion=likely)
            try:
                if self._account.begin(attempt.thought, Usage(prompt=attempt.tokens, completion=mean)):
                    return
            except RunStoppedError as error:
                self.stop(error)
                raise
            await self._account.wait_for_change()
            if self.stopped is not None:
                raise self.stopped

    def _count_unanswered(self, attempt: Attempt, error: EndpointError) -> None:
        """What a request took that led to no answer: its prompt where it was read, and what was written in vain."""
        if error.used is not None and error.used != Usage():
            attempt.used, attempt.is_completion = error.used, False
        elif error.is_slow or error.means in ("moderated", "refused", "unparsed"):
            mean, _ = self._counter.expect_completion(attempt.shape)
            prompt = attempt.tokens or self._counter.count_prompt(attempt.body)
            written = error.is_slow or error.means == "unparsed"
            attempt.used, attempt.is_completion = Usage(prompt=prompt, completion=mean * written), error.is_slow
        self.late += error.is_slow

    def _note_answer(self, shape: str) -> None:
        self._last_words = 0
        self._answered_at = time.monotonic()
        self._errors.note(None, shape)
        if self.outage.is_on:
            tell(f"{self._endpoint} answers again, after {self.outage.lasted_s:.0f} s")
        self.outage.note_answer()
        self.throttle.reopen()

    def _heed(self, error: EndpointError, ticket: Ticket) -> None:
        """What a failure means for those that wait: all go on, or one at a time looks whether the endpoint is there.

        To be called before the request's place is given back, or another would take it.
        """
        if error.is_away:
            self._look_out(error, ticket)
        elif error.fatal or error.means == "doubtful":
            self._last_words += 1
            if self._doubts(error):  # it is asked once more, and nothing else meanwhile
                self.throttle.close(_SECOND_LOOK_S)
            elif error.fatal or self._is_first_contact:
                self.throttle.close(_LAST_LOOK_S)
            else:
                self.throttle.reopen()
        elif not error.late:
            self.outage.note_sign()
            self.throttle.reopen()

    def _look_out(self, error: EndpointError, ticket: Ticket) -> None:
        """The endpoint did not answer: where it answers nobody, one request at a time goes out to look."""
        was_on = self.outage.is_on
        outlook = self.outage.note_failure(error, looked=ticket.looks)
        if outlook.is_over:
            self._give_up(error)
        elif outlook.look_in_s is not None:
            self.throttle.close(outlook.look_in_s)
            if not was_on:
                tell(f"{error}; it is waited for")

    def _give_up(self, error: EndpointError) -> None:
        """Nobody has been answered for as long as is waited.

        Where nobody else asks, it may be this request that the endpoint dies of, and the run can do without it.
        """
        waited = f"{error} (nothing was answered for {self.outage.lasted_s:.0f} s)"
        is_alone = not self.throttle.waiting and self.throttle.in_flight == 1 and not self.is_probing
        if is_alone and not self._is_first_contact:
            error.retried, error.means, error.args = False, None, (waited,)
            self.outage.note_sign()
            self.throttle.reopen()
        elif self.outage.answers:
            text = f"{waited}; {_RESUME} (--teacher.give_up_s says how long an endpoint is waited for)"
            self.stop(RunStoppedError(text, "outage"))
        else:
            error.fatal, error.args = True, (f"{waited}: see that it runs, and that --teacher.base_url is right",)

    def _doubts(self, error: EndpointError) -> bool:
        """Whether what would end a run is asked once more: where there were answers, or where it is only doubtful."""
        return self._last_words == 1 and (self.outage.answers > 0 or error.means == "doubtful")

    @property
    def _is_first_contact(self) -> bool:
        """Whether the endpoint has answered nothing yet, in this run or before."""
        return not self.is_known and not self.outage.answers

    def _judge(self, error: EndpointError, shape: str, tries: Tries) -> None:
        """Says of a failed attempt whether it counts, and ends the run where that is what the endpoint means.

        Raises:
            RunStoppedError: the account or a quota is used up, or nothing goes out any more.
        """
        if error.is_used_up and not self._doubts(error):
            self.stop(RunStoppedError(str(error), "quota"))
        silent_s = time.monotonic() - self._answered_at
        if error.is_limit:
            self._limited_until = max(self._limited_until, time.monotonic() + (error.wait_s or 0.0))
        if error.is_limit and silent_s > LONG_WAIT_S:
            self.stop(RunStoppedError(f"{error}, and has for {silent_s / 3600:.1f} h; {_RESUME}", "quota"))
        if self.stopped is not None and (error.is_used_up or not error.fatal):
            raise self.stopped from error
        if error.is_away and not error.fatal:
            # One that fails again while others are answered fails by itself.
            before, tries.answers_before = tries.answers_before, self.outage.answers
            error.counts = before is not None and self.outage.answers > before
        elif error.fatal:
            error.counts = not self._doubts(error)
        elif error.means == "doubtful":
            error.fatal = not self._doubts(error) and self._is_first_contact
        if error.counts:
            self._note_error(error, shape)
        if error.means == "refused" and self._is_first_contact and not self.throttle.in_flight:
            error.fatal = self._errors.count_same(shape) > 1

    def _note_error(self, error: EndpointError, shape: str) -> None:
        if error.is_limit:
            return  # limits are no failures
        refused = error.said if error.means in ("refused", "moderated", "doubtful") else ""
        try:
            self._errors.note(str(error), shape, refused)
        except RunStoppedError as stop:
            self.stop(stop)

    def _tell_of_written_calls(self, completion: Completion) -> None:
        if completion.reads_calls and not self._told_of_written_calls:
            self._told_of_written_calls = True
            tell(f"{self._settings.model} writes its calls as text: they are read as calls")

    async def _send(self, body: dict[str, Any]) -> Completion:
        content, began = b"", time.monotonic()
        try:
            async with limit_attempt(self._settings.timeout_s, self._longest_s):
                # The SDK's way to an undocumented endpoint: `chat.completions.create` walks every message and tool by
                # its type hints and builds response models, 1.5 ms against 0.3 ms on a request with six tools.
                response = await self._client.post("/chat/completions", body=body, cast_to=httpx2.Response)
            content = response.content
            if (pause := bound_wait(read_pause(response.headers))) is not None:
                self.throttle.pause(pause)
            completion = parse_answer(
                content, self._settings.model, body.get("tools", ()),
                are_written_calls_read=self._are_written_calls_read,
            )  # fmt: skip
            self._tell_of_written_calls(completion)
            return completion
        except Exception as error:
            failure = explain_failure(error, self._settings, self._endpoint, self._secret, content)
            failure.took_s = time.monotonic() - began
            cause = None if self._secret.get_secret_value() else error
        # Raised out here, so that no chain leads to the SDK's error: it carries the request and with it the key.
        raise failure from cause
