"""What went wrong with one request, in one clear line: from the SDK's exceptions to `EndpointError`."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import httpx2
import openai
from pydantic import SecretStr

from schemas.shown import show_line
from schemas.teacher import TeacherSettings
from tasks.completions.keys import strip_credentials
from tasks.teacher.bounded_body import TooLongError
from tasks.teacher.endpoint import scrub
from tasks.teacher.response_reading import BadAnswerError
from tasks.teacher.sending.refusals import read_refusal, refuses_tools
from tasks.teacher.sending.retries import EndpointError, bound_wait, is_retried, read_wait

_LONGEST_TEXT = 500
_NO_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_CALLS = ("/chat/completions", "/files", "/batches")
NO_MODEL = frozenset({"model_not_found", "invalid_model", "model_not_supported"})


def explain_failure(error: Exception, settings: TeacherSettings, endpoint: str, secret: SecretStr) -> EndpointError:
    """The failed attempt that `error` stands for; its text holds no key and nothing longer than a line."""
    if isinstance(error, openai.APIStatusError):
        return _explain_status(error, settings, endpoint, secret)
    if isinstance(error, BadAnswerError):
        return EndpointError(shorten_said(f"{endpoint}: {error}", secret), retried=True)
    if isinstance(error, TooLongError):  # whatever went on so long would do so again, and be paid again
        return EndpointError(shorten_said(f"{endpoint}: {error}", secret))
    if isinstance(error, openai.APIConnectionError | OSError):
        chain = _list_causes(error)
        cause = chain[-1]
        # The root counts: a closed connection, too, turns into a time-out on its way up (as of openai 3.54).
        if isinstance(cause, httpx2.TimeoutException) or any(isinstance(link, TimeoutError) for link in chain):
            return EndpointError(f"{endpoint} gave no answer within {settings.timeout_s:g} s", retried=True, late=True)
        text = f"{endpoint} cannot be reached: {type(cause).__name__}: {cause}"
        return EndpointError(shorten_said(text, secret), retried=True)
    # What a transport raises may pass; a request that cannot be written, or a bug of the app in process, will not.
    retried = not settings.is_embedded and not isinstance(error, TypeError | ValueError)
    return EndpointError(shorten_said(f"{endpoint} failed: {type(error).__name__}: {error}", secret), retried=retried)


def _explain_status(
    error: openai.APIStatusError, settings: TeacherSettings, endpoint: str, secret: SecretStr
) -> EndpointError:
    status = error.status_code
    said = shorten_said(_read_message(error), secret)
    body = error.body if isinstance(error.body, Mapping) else {}
    code = write_said(body.get("code"))
    refused = scrub(read_refusal(error.body), secret)
    answer = f"{status}: {said}" if said else f"{status}"
    if 300 <= status < 400 and (location := error.response.headers.get("location")):
        new = shorten_said(_find_new_address(location, str(error.response.request.url)), secret)
        text = (
            f"{endpoint} sends requests on to {new} ({status}), and nothing was sent there: "
            "if the teacher is at that address, name it with --teacher.base_url"
        )
        return EndpointError(text, status=status, fatal=True)
    if status in (401, 403):
        text = f"{endpoint} refuses the API key in {settings.key_source} ({answer}): set it to a valid one"
        return EndpointError(text, status=status, fatal=True)
    if status == 402 or code in _NO_CREDIT:
        text = f"the account of the API key in {settings.key_source} has no credit left at {endpoint} ({answer})"
        return EndpointError(text, status=status, fatal=True)
    if status == 404 or code in NO_MODEL:
        text = (
            f"{endpoint} has no model {settings.model!r} ({answer}): "
            "name another with --teacher.model, or see that --teacher.base_url is right"
        )
        return EndpointError(text, status=status, fatal=True, said=refused)
    return EndpointError(
        f"{endpoint} answered {answer}",
        status=status,
        wait_s=bound_wait(read_wait(error.response.headers)),
        retried=is_retried(status) and not refuses_tools(refused),
        said=refused,
    )


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
