"""The Batch API's calls, each with its retries: upload, create, find again, poll, download, delete.

Creating is the one call that must not simply be repeated: where its answer was lost, the batch may be there. It carries
a name in its metadata, by which it is looked for first.
"""

import asyncio
import logging
import random
import time
from asyncio import timeout
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

import openai
from openai.types import Batch
from pydantic import SecretStr

from schemas.teacher import TeacherSettings
from tasks.completions.answers import clean_label
from tasks.teacher.batches.batch_lines import MOST_FILE_BYTES, URL
from tasks.teacher.bounded_body import allow_bytes
from tasks.teacher.response_reading import BadAnswerError
from tasks.teacher.sending.failures import explain_failure, write_said
from tasks.teacher.sending.meanings import NO_MODEL
from tasks.teacher.sending.retries import Backoff, EndpointError

T = TypeVar("T")
_log = logging.getLogger(__name__)

_NAME = "toolherd"
_PATIENCE_S = 3600.0
"""How long an endpoint may be away while a batch, which is paid for, is waited for or downloaded."""

_LONGEST_TRANSFER_S = 600.0
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_ABSENT = frozenset({404, 405, 501})


class BatchApi:
    """The calls, for one endpoint and model. Every method raises EndpointError when it gives up: `retried` if the
    last problem was a passing one, `status` 404 if the endpoint does not know what was asked for."""

    def __init__(
        self,
        client: openai.AsyncOpenAI,
        settings: TeacherSettings,
        endpoint: str,
        secret: SecretStr,
        *,
        first_backoff_s: float,
    ) -> None:
        self._client = client
        self._settings = settings
        self._endpoint = endpoint
        self._secret = secret
        self._backoff = Backoff(attempts=settings.attempts, first_s=first_backoff_s)
        self._transfer_s = max(settings.timeout_s, _LONGEST_TRANSFER_S)

    async def upload(self, name: str, data: bytes) -> str:
        """Uploads the lines; the file's id."""

        async def upload() -> str:
            file = (f"{name}.jsonl", data, "application/jsonl")
            return _read_id(await self._client.files.create(file=file, purpose="batch", timeout=self._transfer_s))

        return await self._call(upload, limit_s=self._transfer_s)

    async def create(self, name: str, input_file_id: str) -> str:
        """Creates the batch once; its id."""

        async def create() -> str:
            batch = await self._client.batches.create(
                completion_window="24h", endpoint=URL, input_file_id=input_file_id, metadata={_NAME: name}
            )
            return _read_id(batch)

        return await self._call(create, before_retry=lambda: self.find(name))

    async def find(self, name: str) -> str | None:
        """The id of the batch of this name, if it was created, and if the endpoint lists batches at all."""

        async def find() -> str | None:
            # All of the list: in which order it comes, OpenAI does not say.
            async for batch in self._client.batches.list(limit=100):
                if (batch.metadata or {}).get(_NAME) == name:
                    return _read_id(batch)
            return None

        try:
            return await self._call(find)
        except EndpointError as error:
            if error.status not in _ABSENT:
                raise
        _log.warning("%s cannot say whether it has batch %s: its requests are sent again", self._endpoint, name)
        return None

    async def wait(self, batch_id: str, *, first_s: float, longest_s: float) -> Batch:
        """Polls until the batch has ended; `first_s` grows by half each time up to `longest_s`, a tenth is chance."""

        async def retrieve() -> Batch:
            return _clean_batch(await self._client.batches.retrieve(batch_id), batch_id)

        pause = first_s
        while True:
            batch = await self._call(retrieve, patience_s=_PATIENCE_S)
            if batch.status in _ENDED:
                return batch
            await asyncio.sleep(pause * random.uniform(0.9, 1.1))
            pause = min(pause * 1.5, longest_s)

    async def download(self, file_id: str, most_bytes: int = MOST_FILE_BYTES) -> bytes:
        """What a file holds; one of more bytes is not read to its end, and is an error that is not `retried`."""

        async def download() -> bytes:
            with allow_bytes(most_bytes):
                return (await self._client.files.content(file_id, timeout=self._transfer_s)).content

        return await self._call(download, patience_s=_PATIENCE_S, limit_s=self._transfer_s)

    async def delete(self, file_ids: Iterable[str | None]) -> None:
        """Deletes files, as far as it goes: what stays is in nobody's way."""
        for file_id in file_ids:
            if file_id:
                # Whatever the endpoint makes of it, all that was wanted of it is there.
                with suppress(Exception):
                    async with timeout(self._settings.timeout_s):
                        await self._client.files.delete(file_id)

    async def _call(
        self,
        call: Callable[[], Awaitable[T]],
        *,
        patience_s: float = 0.0,
        limit_s: float | None = None,
        before_retry: Callable[[], Awaitable[T | None]] | None = None,
    ) -> T:
        """Awaits `call` until it succeeds, `attempts` have failed and `patience_s` is over, or it is refused.

        No attempt takes longer than `limit_s`, by default the settings' `timeout_s`. `before_retry` may find that a
        call succeeded all the same.
        """
        started, failures, limits = time.monotonic(), 0, 0
        while True:
            try:
                async with timeout(self._settings.timeout_s if limit_s is None else limit_s):
                    return await call()
            except Exception as error:
                failure = self._explain(error)
            # Outside the handler, so that no chain leads to the SDK's error, which carries the key.
            if not failure.retried:
                raise failure
            if failure.is_limit:
                limits += 1
            else:
                failures, limits = failures + 1, 0
            if failures >= self._backoff.attempts and time.monotonic() - started >= patience_s:
                raise failure
            await asyncio.sleep(self._backoff.choose_wait(limits or failures, failure.wait_s))
            if before_retry is not None and (found := await before_retry()) is not None:
                return found

    def _explain(self, error: Exception) -> EndpointError:
        if isinstance(error, EndpointError):
            return error
        failure = explain_failure(error, self._settings, self._endpoint, self._secret)
        # A model that is not there has a code, and its own wording; anything else that is not there is the Batch API.
        if (
            isinstance(error, openai.APIStatusError)
            and error.status_code in _ABSENT
            and write_said(error.code) not in NO_MODEL
        ):
            text = f"{self._endpoint} does not offer the Batch API ({error.status_code}): leave out --teacher.batch"
            return EndpointError(text, status=404, fatal=True)
        return failure


def _read_id(shown: Any) -> str:
    """The id of a file or batch that an endpoint shows. Raises BadAnswerError where it is no name that can be kept."""
    found = _find_id(shown, "id")
    if found is None:
        raise BadAnswerError("the response names no file or batch")
    return found


def _clean_batch(shown: Any, batch_id: str) -> Batch:
    """The batch that was asked for; the SDK checks nothing. Raises BadAnswerError where the response is none."""
    if not isinstance(shown, Batch) or not isinstance(getattr(shown, "status", None), str):
        raise BadAnswerError("the response is no batch")
    files = {name: _find_id(shown, name) for name in ("input_file_id", "output_file_id", "error_file_id")}
    return shown.model_copy(update={"id": batch_id, **files})


def _find_id(shown: Any, name: str) -> str | None:
    told = getattr(shown, name, None)
    return told if isinstance(told, str) and told and told == clean_label(told) else None
