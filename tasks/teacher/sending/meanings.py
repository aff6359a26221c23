"""What an endpoint means by a failure: read from status, body and headers, and nothing else.

Statuses say little: a bad key comes as 400 (Gemini), an empty account as 400 (Anthropic, LiteLLM), 402, 403, 429 or
inside a 200 (OpenRouter), a prompt that was moderated as 400 (Azure) or 403 (OpenRouter), a limit as 413 (Groq), a
call that the server itself could not parse as 400 (Groq) or 500 (Ollama, llama.cpp). So what is said goes first, and
the status decides where nothing telling is. Where each form was read: docs/decisions/0056.
"""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tasks.teacher.sending.refusals import read_refusal, refuses_tools
from tasks.teacher.sending.waits import bound_wait, read_duration, read_wait

Meaning = Literal[
    "key", "account", "model", "no_tools", "moved", "quota", "limit", "moderated", "doubtful", "loading", "away",
    "unparsed", "slow", "passing", "refused",
]  # fmt: skip
"""What a failure means:

- `key`, `model`, `no_tools`, `moved`: no later request can succeed as things are set;
- `account`, `quota`: nothing more can be bought now, or for hours;
- `limit`: too much at a time: the endpoint asks for patience;
- `moderated`: this prompt, or what was written to it, is not wanted;
- `doubtful`: a gateway's page, or a 403 or 404 that does not say what for: the address, or this request alone;
- `loading`, `away`: the endpoint as a whole does not answer now;
- `unparsed`: the server could not read what its model had written: another draw may do;
- `slow`: something on the way did not wait for the answer;
- `passing`: may pass; `refused`: this request will not do.
"""

LONG_WAIT_S = 3600.0
"""A limit that lasts longer is one of a day or a month: nobody sits it out."""

NO_MODEL = frozenset({"model_not_found", "invalid_model", "model_not_supported", "DeploymentNotFound"})

_SAID_UNDER = frozenset(
    ("message", "msg", "detail", "details", "code", "type", "status", "reason", "reasons", "error", "errors", "title",
     "error_description", "metadata", "raw", "status_msg", "base_resp", "quotaId", "violations", "innererror",
     "description", "param")
)  # fmt: skip
"""Where a body holds words of the endpoint; elsewhere (`input`, `failed_generation`) it may repeat anybody's."""

_MOST_SAID, _DEEPEST = 4_000, 8
_ECHO = re.compile(r"['\"](?:input|failed_generation|flagged_input)['\"]:.*", re.DOTALL)

_PAGE = re.compile(r"<!doctype html|<html|<head|<body", re.I)
_TITLE = re.compile(r"<(title|h1)[^>]*>(.*?)</\1>", re.I | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")

# Said in so many words these hold whatever the status is.
_KEY = re.compile(
    r"api[ _-]?key (?:(?:is |was |has )?(?:been )?(?:not valid|invalid|expired|revoked|disabled|not found)"
    r"|was reported)"
    r"|\b(?:invalid|incorrect|wrong|expired|revoked|missing)[ _]api[ _-]?key\b|API_KEY_INVALID"
    r"|\bauthentication_error\b|AuthenticationError|invalid (?:authentication|access token|bearer token|credentials)"
    r"|no auth(?:entication)? credentials|account_deactivated|login fail",
    re.I,
)
_ACCOUNT = re.compile(
    r"insufficient[ _-]?(?:quota|credits?|balance|funds)|(?:credit )?balance (?:is )?(?:too low|insufficient|exhausted)"
    r"|billing_(?:hard_limit|not_active)|billing hard limit|budget_exceeded|budget has been exceeded"
    r"|(?:exceeded|over|crossed) ?budget|BudgetExceeded|exceeded_current_quota|arrear"
    r"|(?:out of|requires more|add more|used all available|exhausted) credits|no credits (?:left|remaining)"
    r"|credits? (?:is |are )?exhausted|n[o']t have any credits"
    r"|spend(?:ing)?[ _]limit|payment required",
    re.I,
)
_CHECK_BILLING = re.compile(r"exceeded your current quota", re.I)
"""OpenAI's for an empty account, and Gemini's for any limit; the latter also says RESOURCE_EXHAUSTED."""

_GEMINI_LIMIT = re.compile(r"RESOURCE_EXHAUSTED|quota exceeded for metric", re.I)
_NOTHING_AT_ALL = re.compile(r"\blimit: 0\b")
_PER_DAY = re.compile(r"PerDay")  # in Gemini's quotaId; the wait beside it is that of another quota
_LONG_QUOTA = re.compile(
    r"per[ _-]?(?:day|week|month)|/ ?(?:day|month)\b|\b(?:daily|weekly|monthly|tomorrow|midnight)\b|ByDay|\b[TR]PD\b",
    re.I,
)
_MODERATED = re.compile(
    r"content[ _-]?(?:filter|policy|management policy|moderation)|ContentPolicyViolation|ResponsibleAIPolicy"
    r"|requires moderation|moderation_blocked|\bflagged\b|data_?inspection_?failed|inappropriate content|unsafe content"
    r"|sensitive (?:content|words?|information)|prohibited[ _]content|usage polic|safety (?:system|polic|filter)"
    r"|guardrail|policy[ _]violation|(?:prompt|input|request) (?:was |is )?blocked|blocked due to",
    re.I,
)
_LOADING = re.compile(
    r"\bloading model\b|\bmodel\b.{0,300}\bis (?:currently |still )?(?:loading|being loaded)\b"
    r"|(?:currently|still) loading"
    r"|model (?:is )?not (?:yet )?ready|model is (?:warming|starting)|server is (?:warming|starting) up",
    re.I | re.DOTALL,
)
_UNPARSED = re.compile(
    r"tool_use_failed|failed to call a function|tool call validation failed|error parsing tool call"
    r"|failed to parse (?:tool|fc |function|input at pos|messages? content)|output_parse_failed|json_validate_failed"
    r"|failed to (?:generate|validate) (?:json|tool)|tool_call_parse_error|MALFORMED_FUNCTION_CALL"
    r"|could not parse (?:the )?(?:tool|model|output)",
    re.I,
)
_LIMIT = re.compile(
    r"rate[ _-]?limit|too many requests|(?:tokens|requests) per (?:min|sec|day)|\b[TR]PM\b|RESOURCE_EXHAUSTED"
    r"|throttl(?:ed|ing)",
    re.I,
)
_MORE_THAN_ALL = re.compile(r"\blimit:? (\d+)(?:, used \d+)?, requested:? (\d+)", re.I)
_UNKNOWN_MODEL = re.compile(
    r"\bmodels?\b.{0,200}(?:not found|not exist|not available|not supported|unknown|unavailable|no access)"
    r"|(?:no such|unknown|invalid|not found).{0,20}\b(?:model|deployment)\b|deployment.{0,100}not exist"
    r"|pulling it first|no (?:endpoints found|allowed providers)|not_found_error",
    re.I | re.DOTALL,
)
_SURELY_NO_MODEL = re.compile(
    r"invalid model name|not a valid model id|\bunknown model\b|\bmodel not exist\b|\b(?:model_not_found|invalid_model"
    r"|model_not_supported|DeploymentNotFound)\b",
    re.I,
)
_ABOUT_ACCESS = re.compile(
    r"api[ _-]?key|token|credential|auth|permission|subscription|account|organi[sz]ation|project|country|region|billing"
    r"|access denied",
    re.I,
)

_TRY_AGAIN_IN = re.compile(
    r"(?:try again|retry|reset\w*|available|wait)\b[^.\d]{0,30}?"
    r"(?:(\d[\dhdms.]*[hdms])\b|(\d{1,9}(?:\.\d{1,3})?) ?(s(?:ec|\b)|min|hour|day))",
    re.I,
)
_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

_AWAY = frozenset({502, 503, 520, 521, 522, 523, 525, 526, 527, 529, 530})
_SLOW = frozenset({408, 499, 504, 524, 598, 599})
_PASSING = frozenset({409, 424, 425, 498})


@dataclass(frozen=True)
class FailureReading:
    """What was read of a failure: what it `means`, what is `said` in words, and the seconds that it asks to wait.

    `wait_s` is None where nothing is asked for, and for what is absurd. `is_page`: a gateway spoke, in HTML. `refusal`
    is what is said of the request, a statement a line (`refusals`).
    """

    means: Meaning
    said: str = ""
    wait_s: float | None = None
    is_page: bool = False
    refusal: str = ""


def read_failure(
    status: int, body: Any, headers: Mapping[str, str] | None = None, now: float | None = None
) -> FailureReading:
    """What a response means that is no answer; `status` is that of the error where one came inside of a 200.

    `body` is the JSON value, or the text of what is none. `now` is in seconds since 1970.
    """
    headers, now = headers or {}, time.time() if now is None else now
    is_page = isinstance(body, str) and _PAGE.search(body[:2_000]) is not None
    said = _read_page(body) if is_page else _ECHO.sub("", " ".join(_list_said(body)))[:_MOST_SAID]
    refusal = "" if is_page else read_refusal(body)
    asked_s = _find_wait(body, said, headers, now)
    means = _read_page_status(status) if is_page else _find_meaning(status, said, refusal, asked_s)
    if means == "quota":
        return FailureReading(means, said, None if _PER_DAY.search(said) else asked_s, refusal=refusal)
    return FailureReading(means, said, bound_wait(asked_s), is_page, refusal)


def read_error_inside(body: Any) -> tuple[int, Any] | None:
    """Status and error of a body that holds an error and no answer, whatever its HTTP status was; None if it does not.

    The status is 200 where the error names none.
    """
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, dict) or body.get("choices"):
        return None
    error = body.get("error") or body.get("detail") or body.get("base_resp")
    if not error and (body.get("object") == "error" or ("code" in body and ("message" in body or "msg" in body))):
        error = body
    if not error:
        return None
    named = error if isinstance(error, dict) else body
    code = str(named.get("code", named.get("status")))
    return int(code) if re.fullmatch("[45][0-9][0-9]", code) else 200, error


def _find_meaning(status: int, said: str, refusal: str, asked_s: float | None) -> Meaning:
    if status >= 500 and _UNPARSED.search(said):
        return "unparsed"
    if (found := _find_unmistakable(status, said, refusal, asked_s)) is not None:
        return found
    if status == 429 or (status in (200, 400, 413, 503) and _LIMIT.search(said)):
        return "limit"
    if status == 401:
        return "key"
    if status == 404 and _UNKNOWN_MODEL.search(said):
        return "model"
    if status == 403 and _ABOUT_ACCESS.search(said):
        return "key"
    if status in (403, 404):
        return "doubtful"
    return _read_status(status)


def _find_unmistakable(status: int, said: str, refusal: str, asked_s: float | None) -> Meaning | None:
    """What the words alone tell."""
    if _LOADING.search(said) and status != 422:
        return "loading"
    is_geminis = _GEMINI_LIMIT.search(said) is not None
    if status == 402 or (status != 422 and not is_geminis and (_ACCOUNT.search(said) or _CHECK_BILLING.search(said))):
        return "account"
    if is_geminis and _NOTHING_AT_ALL.search(said):
        return "account"
    if status != 422 and _KEY.search(said):
        return "key"
    if status in (400, 401, 403, 404, 409, 422, 451, 200) and _MODERATED.search(said):
        return "moderated"
    if not _UNPARSED.search(said) and refuses_tools(refusal):
        return "no_tools"
    if status in (200, 400, 403, 404) and _SURELY_NO_MODEL.search(said):
        return "model"
    if _UNPARSED.search(said):
        return "unparsed"
    if status in (200, 400, 403, 413, 429, 503):
        return _read_quota(status, said, asked_s)
    return None


def _read_quota(status: int, said: str, asked_s: float | None) -> Meaning | None:
    """Whether a limit is one of hours, or one that no waiting gets this request through."""
    is_limit = status == 429 or _LIMIT.search(said) is not None
    if not is_limit:
        return None
    if _PER_DAY.search(said) or (asked_s is None and _LONG_QUOTA.search(said)):
        return "quota"
    if asked_s is not None and bound_wait(asked_s) is not None and asked_s > LONG_WAIT_S:
        return "quota"
    if (sizes := _MORE_THAN_ALL.search(said)) is not None and int(sizes[2]) > int(sizes[1]):
        return "passing"  # larger than the limit itself, if its count of tokens is right
    return None


def _read_page_status(status: int) -> Meaning:
    if status == 429:
        return "limit"
    return _read_status(status) if status >= 500 or status in _SLOW else "doubtful"


def _read_status(status: int) -> Meaning:
    if status in _AWAY:
        return "away"
    if status in _SLOW:
        return "slow"
    if status in _PASSING or status >= 500 or status == 200:
        return "passing"
    return "refused"


def _list_said(node: Any, depth: int = 0) -> Iterator[str]:
    """The words of the endpoint in a body, in their order."""
    if depth > _DEEPEST:
        return
    if isinstance(node, str):
        yield node[:_MOST_SAID]
    elif isinstance(node, bool):
        return
    elif isinstance(node, int):
        yield str(node) if abs(node) < 10**15 else ""
    elif isinstance(node, Mapping):
        for name, value in node.items():
            if name in _SAID_UNDER:
                yield from _list_said(value, depth + 1)
    elif isinstance(node, list):
        for item in node[:20]:
            yield from _list_said(item, depth + 1)


def _read_page(page: str) -> str:
    """What a page says of itself: its title, or else its first words."""
    title = _TITLE.search(page[:4_000])
    text = title[2] if title is not None else page[:2_000]
    return " ".join(_TAG.sub(" ", text).split())[:200]


def _find_wait(body: Any, said: str, headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that are asked for: in headers, in those that a gateway passes on in the body, in words."""
    if (told := read_wait(headers, now)) is not None:
        return told
    for node in _list_nodes(body):
        inner = node.get("headers")
        if isinstance(inner, Mapping):
            told = read_wait({str(name).lower(): str(value) for name, value in inner.items()}, now)
            if told is not None:
                return told
        for name in ("retryDelay", "retry_after", "estimated_time"):
            if (value := node.get(name)) is not None and (told := read_duration(str(value))) is not None:
                return told
    if (match := _TRY_AGAIN_IN.search(said)) is None:
        return None
    if match[2] is None:
        return read_duration(match[1])
    return float(match[2]) * _UNITS_S[match[3][0].lower()]


def _list_nodes(node: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    if depth > _DEEPEST:
        return
    if isinstance(node, Mapping):
        yield node
        for value in node.values():
            yield from _list_nodes(value, depth + 1)
    elif isinstance(node, list):
        for item in node[:20]:
            yield from _list_nodes(item, depth + 1)
