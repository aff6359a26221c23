"""What went wrong with one request, in one clear line: from the SDK's exceptions to `EndpointError`.

What a response means is read in `meanings`; here it gets its words, and the name of the remedy.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin

import httpx2
import openai
from pydantic import SecretStr

from schemas.shown import show_line
from schemas.teacher import TeacherSettings
from tasks.completions.keys import strip_credentials
from tasks.teacher.bounded_body import PackedError, TooLongError
from tasks.teacher.endpoint import scrub
from tasks.teacher.response_reading import BadAnswerError
from tasks.teacher.sending.meanings import FailureReading, Meaning, read_error_inside, read_failure
from tasks.teacher.sending.retries import EndpointError
from tasks.teacher.sending.tools_remedy import find_tools_remedy
from tasks.teacher.usage import read_usage

_LONGEST_TEXT = 500
_CALLS = ("/chat/completions", "/files", "/batches")
_RETRIED = frozenset({"limit", "loading", "away", "unparsed", "slow", "passing"})
_FATAL = frozenset({"key", "account", "model", "no_tools", "quota"})


def explain_failure(
    error: Exception, settings: TeacherSettings, endpoint: str, secret: SecretStr, body: bytes = b""
) -> EndpointError:
    """The failed attempt that `error` stands for; its text holds no key and nothing longer than a line.

    `body` is that of a response with status 200 that was no answer: an error may be in it.
    """
    if isinstance(error, openai.APIStatusError):
        return _explain_status(error, settings, endpoint, secret)
    if isinstance(error, BadAnswerError):
        return _explain_bad_answer(error, settings, endpoint, secret, body)
    if isinstance(error, TooLongError):  # whatever went on so long would do so again, and be paid again
        return EndpointError(shorten_said(f"{endpoint}: {error}", secret))
    if isinstance(error, PackedError):
        remedy = "turn that off at the endpoint, or at the proxy before it"
        return EndpointError(shorten_said(f"{endpoint}: {error}: {remedy}", secret), fatal=True)
    if isinstance(error, openai.APIConnectionError | OSError):
        return _explain_connection(error, settings, endpoint, secret)
    # What a transport raises may pass; a request that cannot be written, or a bug of the app in process, will not.
    retried = not settings.is_embedded and not isinstance(error, TypeError | ValueError)
    return EndpointError(shorten_said(f"{endpoint} failed: {type(error).__name__}: {error}", secret), retried=retried)


def _explain_connection(error: Exception, settings: TeacherSettings, endpoint: str, secret: SecretStr) -> EndpointError:
    chain = _list_causes(error)
    cause = chain[-1]
    # The root counts: a closed connection, too, turns into a time-out on its way up (as of openai 3.54).
    if isinstance(cause, httpx2.ConnectTimeout):
        text = f"{endpoint} cannot be reached: no connection within {settings.timeout_s:g} s"
        return EndpointError(text, retried=True, means="away")
    if isinstance(cause, httpx2.TimeoutException) or any(isinstance(link, TimeoutError) for link in chain):
        return EndpointError(f"{endpoint} gave no answer within {settings.timeout_s:g} s", retried=True, late=True)
    text = f"{endpoint} cannot be reached: {type(cause).__name__}: {cause}"
    return EndpointError(shorten_said(text, secret), retried=True, means="away")


def _explain_bad_answer(
    error: BadAnswerError, settings: TeacherSettings, endpoint: str, secret: SecretStr, body: bytes
) -> EndpointError:
    """An answer that is none; where it reports an error, that is what counts."""
    try:
        data = json.loads(body) if body else None
        inside = read_error_inside(data)
    except (ValueError, RecursionError):
        data = inside = None
    if inside is None:
        failure = EndpointError(shorten_said(f"{endpoint}: {error}", secret), retried=True)
        failure.used = read_usage(data) if isinstance(data, dict) else None
        return failure
    status, named = inside
    read = read_failure(status, named)
    said = shorten_said(read.said or write_said(named), secret)
    return _word(read, status, f"200 with an error in it: {said}", said, settings, endpoint, secret)


def _explain_status(
    error: openai.APIStatusError, settings: TeacherSettings, endpoint: str, secret: SecretStr
) -> EndpointError:
    status = error.status_code
    if 300 <= status < 400 and (location := error.response.headers.get("location")):
        new = shorten_said(_find_new_address(location, str(error.response.request.url)), secret)
        text = (
            f"{endpoint} sends requests on to {new} ({status}), and nothing was sent there: "
            "if the teacher is at that address, name it with --teacher.base_url"
        )
        return EndpointError(text, status=status, fatal=True, means="moved")
    read = read_failure(status, error.body, error.response.headers)
    message = shorten_said(f"a page, {read.said!r}" if read.is_page else _read_message(error), secret)
    return _word(read, status, f"{status}: {message}" if message else f"{status}", message, settings, endpoint, secret)


def _word(
    read: FailureReading,
    status: int,
    answer: str,
    message: str,
    settings: TeacherSettings,
    endpoint: str,
    secret: SecretStr,
) -> EndpointError:
    """The failure in a line that names the remedy where there is one."""
    means = read.means
    text = _WORDS.get(means, "{endpoint} answered {answer}").format(
        endpoint=endpoint,
        answer=answer,
        model=settings.model,
        key=settings.key_source,
        when=_tell_when(read.wait_s),
        remedy=find_tools_remedy(settings, read.said) if means == "no_tools" else "",
    )
    return EndpointError(
        text,
        status=status,
        wait_s=None if means == "quota" else read.wait_s,
        retried=means in _RETRIED,
        fatal=means in _FATAL,
        said=scrub(read.refusal, secret) or message,
        means=means,
    )


_WORDS: dict[Meaning, str] = {
    "key": "{endpoint} refuses the API key in {key} ({answer}): set it to a valid one",
    "account": "the account of the API key in {key} has no credit left at {endpoint} ({answer}): add credit, and the "
    "same command goes on from there",
    "quota": "a quota of {endpoint} is used up{when} ({answer}): what is finished is kept, and the same command goes "
    "on from there",
    "model": "{endpoint} has no model {model!r} ({answer}): name another with --teacher.model, or see that "
    "--teacher.base_url is right",
    "no_tools": "{model!r} cannot call functions at {endpoint} ({answer}): {remedy}",
    "doubtful": "{endpoint} answered {answer}: see that --teacher.base_url is right, and that the key in {key} may ask "
    "this model",
    "moderated": "{endpoint} does not want this prompt ({answer})",
}


def _tell_when(wait_s: float | None) -> str:
    """When a quota is there again: `, until 2026-11-28 21:40 UTC (in 11 h 06 min)`; empty where nobody says."""
    if wait_s is None:
        return ""
    moment = datetime.now(UTC) + timedelta(seconds=wait_s)
    minutes = round(wait_s / 60)
    return f" until {moment:%Y-%m-%d %H:%M} UTC (in {minutes // 60} h {minutes % 60:02} min)"


def _find_new_address(location: str, asked: str) -> str:
    """Where a redirect leads, as a base URL may name it: without credentials, query, and the path of the call."""
    try:
        address = strip_credentials(urljoin(asked, location))
    except ValueError:
        return "an address that is none"
    for path in _CALLS:
        address = address.removesuffix(path)
    return address


def _list_causes(error: BaseException) -> list[BaseException]:
    chain = [error]
    while (cause := chain[-1].__cause__) is not None:
        chain.append(cause)
    return chain


def _read_message(error: openai.APIStatusError) -> str:
    body: Any = error.body
    if isinstance(body, list) and len(body) == 1 and isinstance(body[0], Mapping):  # Gemini's form
        body = body[0].get("error") or body[0]
    if isinstance(body, Mapping):
        body = body.get("message") or body.get("detail") or body.get("error") or dict(body)
    return write_said(body)


def write_said(said: Any) -> str:
    """What an endpoint said, as text; empty for nothing, or for what is nested too deeply to be written."""
    try:
        return str(said or "")
    except RecursionError:
        return ""


def shorten_said(text: str, secret: SecretStr) -> str:
    """What an endpoint said, in one line of bounded length, without the key and without what moves a cursor."""
    # The key goes before the text is cut, or a cut inside it would leave a part standing.
    return show_line(scrub(text, secret), _LONGEST_TEXT)
