"""What an endpoint says of a request that it refused: its statements, and what their words mean.

Wordings were read in the issue threads of the endpoints and of their clients; docs/endpoints.md names them.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

_MOST_SAID = 8_000
"""Characters; Gemini lists a line for each place that it refuses."""

_DEEPEST = 8
_PASSED_OVER = frozenset(
    {"input", "ctx", "flagged_input", "failed_generation", "url", "type", "object", "status", "id", "request_id"}
)
"""What repeats the request, or says nothing of what is refused."""

_LABELS = ("param", "code")

# Where pydantic's errors, written as text, repeat the request, which may name anything; up to the next error.
_ECHO = re.compile(
    r"""['"]input['"]:.*?(?=\{\s*['"]type['"]:\s*['"]\w+['"],\s*['"]loc['"]|\{\s*['"]loc['"]|\Z)""", re.DOTALL
)
_ENDS = re.compile(r"\n|\}\s*,\s*\{")

# What is said of other parameters and models, which are not refused.
_ADVICE = re.compile(
    r"expected (?:one )?of\b.*"
    r"|(?<![a-z])(?:supported|valid|allowed|permitted|available|accepted|known) "
    r"(?:parameter|propert|field|argument|option|key|model)\w*(?: are| include|:).*"
    r"|\buse [^.]{1,60}? instead\b|\bdid you mean\b.*|\bto drop\b.*",
    re.I,
)
_REFUSED = re.compile(
    r"unsupported|un(?:known|recogni[sz]ed|expected|implemented|available)|forbidden|deprecated|no longer"
    r"|n[o'’]t (?:an? |\w+ )?(?:support|permit|allow|available|accept|expected|enabl|implement|recogni[sz]"
    r"|configurable)"
    r"|n[o'’]t a valid (?:parameter|argument|field|property|option|keyword)"
    r"|invalid (?:parameter|argument|field|property|option|keyword)s?\b(?! value)|invalid for th"
    r"|no endpoints? found|cannot find field|extra[ _](?:inputs?|fields?|forbidden)|could not understand"
    r"|(?:cannot|can't|may not|must not|should not) (?:both )?be (?:used|set|specified|combined|passed|provided|given)",
    re.I,
)
_FIXED = re.compile(
    r"only (?:(?:supports?|allows?|accepts?|takes?|the|value|temperature|top_p) ?=? ?){0,3}"
    r"(?:default|1(?:\.0)?\b(?!\.?\d)|\d+(?:\.\d+)? is (?:allowed|supported|accepted|permitted))"
    r"|(?:must|may only|can only|should) (?:be (?:set to )?|equal )1(?:\.0)?\b(?! (?:or|to|and)\b|\.?\d| ?-)"
    r"|fixed (?:at|to) \d|(?:must|should|has to) be (?:omitted|unset|removed|left out|absent)",
    re.I,
)
_OF_VALUE = re.compile(
    r"\b(?:between|at most|at least|too (?:large|small|high|low|long|short)|greater|less|above|below|exceed\w*|range"
    r"|max(?:imum)?|min(?:imum)?|(?:integer|number|boolean|string)s? (?:is|was)? ?(?:expected|required)"
    r"|(?:supported|valid|allowed) values|must be)\b|[≤≥]|[<>]=|\s[<>]\s",
    re.I,
)
_ONE_OF_TWO = re.compile(
    r"both be\b|mutually exclusive|only one\b|not both|(?:be used|combined|specified) (?:together|with)|either\b", re.I
)

_TOOLS = re.compile(r"\btools?\b|tool[ _-]?(?:use|call|choice)|function[ _-]?call|\bfunctions\b", re.I)
_OF_A_PART = re.compile(
    r"schema|\.parameters|properties|keyword|unknown name|\b(?:tools|messages)(?:\[|\.\w)|\brole\b|_id\b"
    r"|parallel_?tool|tool_?choice",
    re.I,
)
"""Of functions, of what went back of their calls, or of how they are to be called, only a part is refused."""

_NO_TOOLS = re.compile(r"support param\w*: [\[{]\s*['\"](?:tools|functions)\b", re.I)
TOOL_FLAGS = re.compile(r"--(?:enable-auto-tool-choice|tool-call-parser|jinja)\b|\btool_call_parser\b")
"""What servers of one's own have to be started with, so that a model can call functions."""


def read_refusal(body: Any) -> str:
    """What the body of an error says, a statement a line: each with the place, parameter or code that it names.

    Empty where it says nothing. What repeats the request is left out.
    """
    said: dict[str, None] = {}  # each once, in order
    for statement in _list_statements(body, 0):
        said.setdefault(statement, None)
    return "\n".join(said)[:_MOST_SAID]


def split_statements(said: str) -> list[str]:
    """The statements of what was said, without what repeats the request, and with quotes as they were meant."""
    plain = _ECHO.sub("", re.sub(r"\\+(?=['\"])", "", said).replace("\\n", "\n"))
    return [statement.strip() for statement in _ENDS.split(plain) if statement.strip()]


def is_refusal(statement: str) -> bool:
    """Whether a statement says that something is not taken at all, or only in one way."""
    return _REFUSED.search(statement) is not None or _FIXED.search(statement) is not None


def find_refused(statement: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the parameters that a statement refuses; none where it refuses the value of one.

    `names` are in the order of their worth: of two that are not taken together the last is refused.
    """
    subject = _ADVICE.sub(" ", statement)
    named = tuple(name for name in names if names_word(subject, name))
    if len(named) > 1 and _ONE_OF_TWO.search(subject):
        return named[-1:]
    if _FIXED.search(subject):
        return named
    if _REFUSED.search(subject) and not _OF_VALUE.search(statement):
        return named
    return ()


def refuses_tools(said: str) -> bool:
    """Whether what was said means that functions cannot be called, of this model or on this server."""
    return any(
        TOOL_FLAGS.search(statement)
        or _NO_TOOLS.search(statement)
        or (_TOOLS.search(statement) and is_refusal(statement) and not _OF_A_PART.search(statement))
        for statement in split_statements(said)
    )


def names_word(text: str, name: str) -> bool:
    """Whether a text names a parameter, in any of its spellings: `top_p`, `topP`; not as a part of a longer name."""
    spelled = re.escape(name).replace("_", "_?")
    return re.search(rf"(?<!\w){spelled}(?!\w)", text, re.I) is not None


def _list_statements(value: Any, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        yield from _split_text(value, depth)
    elif isinstance(value, list):
        for item in value:
            yield from _list_statements(item, depth + 1)
    elif isinstance(value, dict):
        place = value.get("loc")
        if isinstance(place, list) and isinstance(value.get("msg"), str):
            yield f"{'.'.join(map(str, place))}: {value['msg']}"
            return
        labels = [value[key] for key in _LABELS if isinstance(value.get(key), str)]
        for key, item in value.items():
            if key in _PASSED_OVER or key in _LABELS:
                continue
            statements = list(_list_statements(item, depth + 1))
            if key == "message" and statements:
                statements[0] = " ".join([*labels, statements[0]])
            yield from statements


def _split_text(text: str, depth: int) -> Iterator[str]:
    """The lines of a text, or what the JSON says that it is."""
    text = text.strip()[:_MOST_SAID]
    if text.startswith(("{", "[")):
        try:
            yield from _list_statements(json.loads(text), depth + 1)
            return
        except (ValueError, RecursionError):
            pass
    yield from filter(None, map(str.strip, text.split("\n")))
