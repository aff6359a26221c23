"""Completions through the Batch API: gathered into one file, waited for, kept, and found again after an interruption.

Who waits for what is in `batch_requests`, what is open at the endpoint stands in `batch_record`, the calls are in
`batch_api`, the files' lines in `batch_lines`. Here is the way of a batch: a request is gathered, then in a batch (this
sender's own, or one that an earlier or a neighbouring run sent), then answered, refused, or gathered again.
"""

import asyncio
import logging
import random
import time
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import openai
from openai.types import Batch
from pydantic import SecretStr

from schemas.calls import Completion
from schemas.errors import FatalTeacherError, UserError
from schemas.teacher import TeacherSettings
from tasks.completions.store import CompletionStore
from tasks.teacher.batches.batch_api import BatchApi
from tasks.teacher.batches.batch_lines import MOST_FILE_BYTES, MOST_REQUESTS, LineReader, Outcome, build_line
from tasks.teacher.batches.batch_record import BatchRecord, OpenBatch
from tasks.teacher.batches.batch_requests import Request, Requests, cancel_all, finalise
from tasks.teacher.bounded_body import MOST_ANSWER_BYTES
from tasks.teacher.sending.retries import EndpointError

_log = logging.getLogger(__name__)

_STOP_S = 30.0
_ROWS_A_PUT = 500


class BatchStoppedError(FatalTeacherError):
    """The run was stopped before the answer came; the batch goes on at the endpoint, and a later run gets it."""


class BatchSender:
    """Sends requests of one teacher in batches; all its methods belong to one event loop. Times are in seconds.

    A batch is sent when no request has come for `linger_s`. It is polled at once, then after `poll_first_s`, then less
    and less often, down to once in `poll_longest_s`. Of a sender that was killed, another one on the same store takes
    the batches over after `lease_s`; of one that was stopped, at once.

    Raises:
        UserError: the store's file cannot be used.
    """

    def __init__(
        self,
        client: openai.AsyncOpenAI,
        store: CompletionStore,
        settings: TeacherSettings,
        *,
        endpoint: str,
        secret: SecretStr,
        linger_s: float = 3.0,
        poll_first_s: float = 10.0,
        poll_longest_s: float = 60.0,
        lease_s: float = 60.0,
        first_backoff_s: float = 0.5,
    ) -> None:
        self._store = store
        self._endpoint = endpoint
        self._model = settings.model
        self._poll_first_s = poll_first_s
        self._poll_longest_s = poll_longest_s
        self._lease_s = lease_s
        self._api = BatchApi(client, settings, endpoint, secret, first_backoff_s=first_backoff_s)
        self._reader = LineReader(settings, endpoint, secret)
        self._record = BatchRecord(store.path, endpoint, settings.model, lease_s)
        self._requests = Requests(linger_s)
        self._batched: dict[str, dict[str, Request]] = {}
        """By batch, those of its requests that are waited for here, whoever sent it."""
        self._busy: dict[str, asyncio.Task[None]] = {}
        """By batch, the task that sends it or waits for it."""
        self._submitting: set[asyncio.Task[None]] = set()
        self._given_up: set[str] = set()
        """Open batches that could not be asked after; tried again when one of their keys is wanted."""
        self._sending: asyncio.Task[None] | None = None
        self._tending: asyncio.Task[None] | None = None
        self._claiming = asyncio.Lock()
        self._stopped: str | None = None

    async def fetch(self, key: str, body: Mapping[str, Any]) -> Completion:
        """The completion of a request, once a batch has brought it; it is in the store when it is returned.

        A request that is in an open batch already waits for that one. One that is cancelled while it waits stays in
        its batch, and the answer is kept.

        Raises:
            EndpointError: it was refused (`said` and `status` say why), or failed in every batch; never `retried`.
            BatchStoppedError: the sender was stopped.
            UserError: the store cannot be read or written.
        """
        if self._stopped is not None:
            raise BatchStoppedError(self._stopped)
        request = self._requests.find(key) or self._requests.open(key, build_line(key, body))
        if self._sending is None or self._sending.done():
            self._sending = self._start(self._send())
        if self._tending is None or self._tending.done():
            self._tending = self._start(self._tend())
        return await self._requests.wait(request)

    @property
    def waiting(self) -> int:
        """Requests that have no answer yet."""
        return len(self._requests)

    def describe_open(self) -> list[OpenBatch]:
        """What is open at the endpoint, oldest first: for telling the user, also after `stop`."""
        return self._record.list_open()

    async def stop(self) -> None:
        """Sends nothing more and ends every wait; batches go on at the endpoint. What is being uploaded is finished."""
        if self._stopped is not None:
            return
        self._stopped = "stopped before the request was sent"
        await cancel_all({self._sending, *self._busy.values()} - self._submitting)
        if self._submitting:
            await asyncio.wait(self._submitting, timeout=_STOP_S)
        try:
            async with self._claiming:  # or a renewal that is under way would take back what is released
                await cancel_all({self._tending, *self._submitting})
                await self._record.release()
            if rows := self.describe_open():
                names = ", ".join(row.batch_id or row.name for row in rows)
                count = sum(row.requests for row in rows)
                self._stopped = f"stopped while {count} requests wait in {names}; run again to get their answers"
        finally:
            self._requests.refuse_all(BatchStoppedError(self._stopped))

    async def aclose(self) -> None:
        """Stops, and closes what the sender has opened: not the client, and not the store."""
        await self.stop()
        self._record.close()

    async def _send(self) -> None:
        while True:
            await self._requests.rest()
            # After a full queue, one batch at a time.
            while self._requests.most < MOST_REQUESTS and self._busy:
                await asyncio.wait(set(self._busy.values()), return_when=asyncio.FIRST_COMPLETED)
            if requests := self._requests.take():
                task = self._start(self._submit({request.key: request for request in requests}))
                self._submitting.add(task)
                task.add_done_callback(self._submitting.discard)
                if self._requests.most < MOST_REQUESTS:
                    await asyncio.wait({task})

    async def _submit(self, requests: dict[str, Request]) -> None:
        async with self._claiming:
            claim = await self._record.claim(list(requests))
            for key, name in claim.others.items():
                self._batched.setdefault(name, {})[key] = requests[key]
                self._given_up.discard(name)
            if claim.mine:
                self._batched[claim.name] = {key: requests[key] for key in claim.mine}
                self._occupy(claim.name, asyncio.current_task())
        self._take_stored([requests[key] for key in claim.answered])
        if claim.mine and (row := await self._create(claim.name)) is not None and self._stopped is None:
            self._occupy(claim.name, self._start(self._wait(row)))

    async def _create(self, name: str) -> OpenBatch | None:
        """Uploads and creates a batch that was claimed; None where that failed and was told to those who wait."""
        lines = [request.line for request in self._batched[name].values()]
        file_id = None
        try:
            file_id = await self._api.upload(name, b"".join(lines))
            if not await self._record.note_file(name, file_id):
                return None  # held up for so long that another sender has taken it over: the requests follow it
            batch_id = await self._api.create(name, file_id)
        except EndpointError as error:
            if file_id is not None and error.retried:
                self._give_up(name, error)  # it may be there all the same, and is looked for when it is wanted next
            else:
                await self._record.remove(name)
                await self._api.delete([file_id])
                self._settle(name, {}, error)
            return None
        await self._record.note_batch(name, batch_id)
        _log.info("%d requests sent to %s as batch %s", len(lines), self._endpoint, batch_id)
        return OpenBatch(name, batch_id, file_id, len(lines), time.time(), is_mine=True)

    async def _tend(self) -> None:
        """Says that this sender is there, takes up what nobody else does, sees what others have finished."""
        while True:
            async with self._claiming:
                rows = await self._record.tend()
                for row in rows:
                    if row.is_mine and row.name not in self._busy and row.name not in self._given_up:
                        _log.info("waiting for batch %s with %d requests", row.batch_id or row.name, row.requests)
                        self._occupy(row.name, self._start(self._wait(row)))
                for name in set(self._batched) - set(self._busy) - {row.name for row in rows}:
                    self._take_stored(list(self._batched.pop(name).values()))
            await asyncio.sleep(self._lease_s / 3 * random.uniform(0.8, 1.0))

    async def _wait(self, row: OpenBatch) -> None:
        """Waits for a batch's end and hands out what it brought."""
        try:
            batch_id = row.batch_id or await self._api.find(row.name)
            if batch_id is None:
                _log.info("batch %s was never created: its %d requests are free again", row.name, row.requests)
                await self._forget(row)
                return
            if row.batch_id is None:
                await self._record.note_batch(row.name, batch_id)
            batch = await self._api.wait(batch_id, first_s=self._poll_first_s, longest_s=self._poll_longest_s)
            await self._finish(row, batch)
        except EndpointError as error:
            if error.status == 404:
                _log.warning("%s has batch %s no more: its requests are sent again", self._endpoint, row.batch_id)
                await self._forget(row)
            else:
                self._give_up(row.name, error)

    async def _forget(self, row: OpenBatch) -> None:
        await self._record.remove(row.name)
        self._take_stored(list(self._batched.pop(row.name, {}).values()))
        await self._api.delete([row.input_file_id])

    async def _finish(self, row: OpenBatch, batch: Batch) -> None:
        keys = await self._record.list_keys(row.name)
        missing = self._reader.explain_missing(batch)
        files = [file_id for file_id in (batch.output_file_id, batch.error_file_id) if file_id]
        most_bytes = min(max(len(keys), 1) * MOST_ANSWER_BYTES, MOST_FILE_BYTES)
        contents = [await self._api.download(file_id, most_bytes) for file_id in files]
        outcomes = await asyncio.to_thread(self._read, contents, keys)
        answered = await self._keep(outcomes)
        # Only now, with all on disk; and before those who wait hear of it, who may claim the keys once more.
        await self._record.remove(row.name)
        _log.info("batch %s %s: %d of %d requests answered", batch.id, batch.status, answered, len(keys))
        is_full = batch.status == "failed" and missing.is_limit
        if is_full:
            # The account's queue takes no more: smaller batches, one at a time, until they go through again.
            self._requests.most = max(1, len(keys) // 2)
            await asyncio.sleep(self._poll_longest_s * random.uniform(0.9, 1.1))
        else:
            self._requests.most = min(2 * self._requests.most, MOST_REQUESTS)
        self._settle(row.name, outcomes, missing, counts=not is_full or len(keys) == 1)
        await self._api.delete([batch.input_file_id, *files])

    def _read(self, contents: Sequence[bytes], keys: Sequence[str]) -> dict[str, Outcome]:
        """The outcomes by key; where there are several of one, an answer counts, for it was paid."""
        found = self._reader.read(contents, keys)
        return dict(sorted(found, key=lambda one: isinstance(one[1], Completion)))

    async def _keep(self, outcomes: dict[str, Outcome]) -> int:
        """Puts the completions on disk and returns their number; one that was there first replaces the outcome."""
        had = [(key, outcome) for key, outcome in outcomes.items() if isinstance(outcome, Completion)]
        for start in range(0, len(had), _ROWS_A_PUT):
            part = had[start : start + _ROWS_A_PUT]
            puts = (self._store.put(key, made, endpoint=self._endpoint, model=self._model) for key, made in part)
            outcomes.update(zip([key for key, _ in part], await asyncio.gather(*puts), strict=True))
        return len(had)

    def _settle(
        self, name: str, outcomes: Mapping[str, Outcome], missing: EndpointError, *, counts: bool = True
    ) -> None:
        """Tells those who wait for a batch what it brought; what failed in passing is gathered for another one."""
        for key, request in self._batched.pop(name, {}).items():
            outcome = outcomes.get(key, missing)
            if isinstance(outcome, Completion):
                self._requests.answer(request, outcome)
            else:
                self._requests.retry(request, outcome, counts=counts)

    def _give_up(self, name: str, error: EndpointError) -> None:
        """Ends the waits for a batch that stays open; it is not sent again."""
        self._given_up.add(name)
        for request in self._batched.pop(name, {}).values():
            self._requests.refuse(request, finalise(error))

    def _take_stored(self, requests: list[Request]) -> None:
        """Answers from the store, where another sender has put them; the others are gathered again."""
        for request in requests:
            if (stored := self._store.get(request.key)) is not None:
                self._requests.answer(request, stored)
            else:
                self._requests.gather_again(request)

    def _occupy(self, name: str, task: "asyncio.Task[None] | None") -> None:
        assert task is not None
        self._busy[name] = task

        def leave(_: "asyncio.Task[None]") -> None:
            if self._busy.get(name) is task:
                del self._busy[name]

        task.add_done_callback(leave)

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        task.add_done_callback(self._see_end)
        return task

    def _see_end(self, task: "asyncio.Task[None]") -> None:
        """A problem that no one request has (the disk is full) is told to all."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._requests.refuse_all(error if isinstance(error, Exception) else UserError(repr(error)))
