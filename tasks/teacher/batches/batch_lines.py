"""The files of a batch: the line of one request, and what the lines that come back say of each.

The form is OpenAI's: a line of the output file holds `custom_id` and `response` (`status_code`, `body`), a line of the
error file that too, or `response` null and an `error` with a code, such as `batch_expired`.
"""

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import httpx2
import openai
from openai.types import Batch
from pydantic import SecretStr

from schemas.base import Json
from schemas.calls import Completion
from schemas.teacher import TeacherSettings
from tasks.teacher.response_reading import BadAnswerError, parse_answer
from tasks.teacher.sending.failures import explain_failure, shorten_said, write_said
from tasks.teacher.sending.retries import EndpointError

URL: Final = "/v1/chat/completions"
"""What a batch's lines are sent to, whatever path the endpoint's own address has."""

MOST_REQUESTS = 50_000
MOST_BYTES = 190_000_000
"""OpenAI takes 50,000 requests and 200 MB in one file; what a megabyte is, it does not say."""

MOST_FILE_BYTES = 1 << 30
"""Taken of a file with answers, which is held in memory; 50,000 answers of 20 kB."""

_LONGEST_ID = 64
"""Some compatible endpoints take no longer `custom_id`; a key's scheme is left out of it, its hash is not."""

_QUEUE_IS_FULL = "token_limit_exceeded"
Outcome = Completion | EndpointError


def build_line(key: str, body: Mapping[str, Json]) -> bytes:
    """One request's line. In ASCII, because some readers take U+2028 for the end of a line."""
    line = {"custom_id": _shorten_key(key), "method": "POST", "url": URL, "body": body}
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


class LineReader:
    """Reads what came of a batch's requests; failures are worded as those of online requests."""

    def __init__(self, settings: TeacherSettings, endpoint: str, secret: SecretStr) -> None:
        self._settings = settings
        self._endpoint = endpoint
        self._secret = secret

    def read(self, contents: Iterable[bytes], keys: Iterable[str]) -> Iterator[tuple[str, Outcome]]:
        """Key and outcome of each line in the files; lines of other requests, and torn ones, are passed over.

        An outcome that is `retried` may be had in another batch.
        """
        by_id = {_shorten_key(key): key for key in keys}
        for content in contents:
            for line in io.BytesIO(content):
                try:
                    entry = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                custom_id = entry.get("custom_id") if isinstance(entry, dict) else None
                if isinstance(custom_id, str) and (key := by_id.get(custom_id)) is not None:
                    yield key, self._read_entry(entry)

    def explain_missing(self, batch: Batch) -> EndpointError:
        """What to say of a request of which an ended batch holds no line."""
        if batch.status == "failed":
            return self._explain_failed(batch)
        if batch.status == "cancelled":
            return EndpointError(f"{self._endpoint}: batch {batch.id} was cancelled before it got to this request")
        if batch.status == "expired":
            return EndpointError(
                f"{self._endpoint}: batch {batch.id} expired before it got to this request", retried=True
            )
        return EndpointError(f"{self._endpoint}: batch {batch.id} has no answer to this request", retried=True)

    def _read_entry(self, entry: dict[str, Any]) -> Outcome:
        response, error = entry.get("response"), entry.get("error")
        if not isinstance(response, dict):
            code = error.get("code") if isinstance(error, dict) else None
            message = error.get("message") if isinstance(error, dict) else error
            # What a batch did not get to, or lost on its way, is worth another one; a cancelled batch was meant.
            text = shorten_said(
                f"{self._endpoint} answered {write_said(code) or None}: {write_said(message) or None}", self._secret
            )
            return EndpointError(text, retried=code != "batch_cancelled")
        status, body = response.get("status_code"), response.get("body")
        if status != 200:
            return self._explain_status(status if isinstance(status, int) and 100 <= status <= 599 else 500, body)
        try:
            completion = parse_answer(_write_body(body), self._settings.model)
        except BadAnswerError as problem:
            return explain_failure(problem, self._settings, self._endpoint, self._secret)
        return completion.model_copy(update={"batched": True})

    def _explain_failed(self, batch: Batch) -> EndpointError:
        """The whole batch was turned down: by its first error."""
        problems = getattr(batch.errors, "data", None)
        if not isinstance(problems, list) or not problems:
            return EndpointError(f"{self._endpoint}: batch {batch.id} failed and the endpoint does not say why")
        first = problems[0]  # the SDK checks nothing of it
        code, param, message = (getattr(first, name, None) for name in ("code", "param", "message"))
        said = {"code": code, "param": param, "message": f"batch {batch.id} failed: {write_said(message)}"}
        return self._explain_status(429 if code == _QUEUE_IS_FULL else 400, {"error": said})

    def _explain_status(self, status: int, body: Any) -> EndpointError:
        error = body.get("error", body) if isinstance(body, dict) else body
        response = httpx2.Response(status, request=httpx2.Request("POST", URL))
        problem = openai.APIStatusError("", response=response, body=error)
        return explain_failure(problem, self._settings, self._endpoint, self._secret)


def _write_body(body: Any) -> bytes:
    """A line's body as it would have come by itself. Raises BadAnswerError."""
    try:
        return json.dumps(body).encode()
    except RecursionError as error:
        raise BadAnswerError("the answer is nested too deeply") from error


def _shorten_key(key: str) -> str:
    return key[-_LONGEST_ID:]
