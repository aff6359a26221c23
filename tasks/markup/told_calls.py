"""Tool calls that a teacher wrote into its text, or told of, instead of making them."""

import json
import re
from collections.abc import Iterator, Set
from typing import Any

from tasks.markup.written_calls import ARGUMENT_KEYS, CALL_MARK, NAME_KEYS

_TAG = re.compile(
    rf"<\|?/?(?:tool_calls?|function_calls?|invoke|function=[\w-]+)\b[^>]*>|{CALL_MARK.pattern}",
    re.IGNORECASE | re.VERBOSE,
)
_FENCE = re.compile(r"```[\w-]*\s*\n?(.*?)(?:```|\Z)", re.DOTALL)
_REACT = re.compile(r"(?m)^\s{0,200}Action(?: Input)?\s*:\s*(\S+)")
# From the start of a run of such characters, and never back into it: else a long word would be read from each letter.
_CALLED = re.compile(r"(?<![\w-])(?:(?![A-Za-z_])[\w-])*+([A-Za-z_][\w-]*+)\s*+\(\s*+(?:\{|[A-Za-z_]\w*+\s*+=|\"|'|\))")
_ANNOUNCED = re.compile(
    r"\b(?:I(?:'ll| will|'m going to| am going to| need to| have to| should| must| can now)|let me"
    r"|let's|next|now|first|then|calling|using)\b[^.!?\n]{0,80}$",
    re.IGNORECASE,
)
_PROPOSED = re.compile(
    r"\b(?:you|one) (?:can|could|may|might|should|need to|have to|must) (?:use|call|try|run|invoke)\b[^.!?\n]{0,40}$"
    r"|(?:^|[.!?\n:,]\s*|please )(?:use|call|try|run|invoke) [^.!?\n]{0,40}$",
    re.IGNORECASE,
)
_OF_CODE = re.compile(r"[a-z0-9][A-Z]|[_\d]")
_NAME = re.compile(r"(?<![\w-])[A-Za-z_][\w-]*")


def find_told_call(content: str, functions: Set[str], called: Set[str], *, fits: bool) -> str:
    """Where a message without calls holds or tells of one that was not made (`called` were); or nothing.

    Where none `fits` what the user wants, the assistant may say which functions there are.
    """
    written = find_written_call(content, functions, has_calls=False)
    if written:
        return written
    if not fits:
        return find_proposed_call(content, functions)
    return find_announced_call(content, functions - called, has_calls=bool(called))


def find_written_call(content: str, functions: Set[str], has_calls: bool) -> str:
    """The call that an assistant's text holds, or an empty string.

    Calls are looked for in tags, in fenced or bare JSON, and, in a message without calls of its own (`has_calls`),
    as `name({...})` or `Action: name` with one of the toolset's function names.
    """
    tag = _TAG.search(content)
    if tag:
        return content[tag.start() : tag.start() + 80]
    blocks = [match.group(1) for match in _FENCE.finditer(content)]
    for block in [*blocks, content]:
        for value in _read_json(block):
            if _is_call(value, functions):
                return block.strip()[:80]
        if _looks_cut_off(block):
            return block.strip()[:80]
    if has_calls:
        return ""
    react = _REACT.search(content)
    if react and react.group(1) in functions:
        return react.group()
    for match in _CALLED.finditer(content):
        if match.group(1) in functions:
            return content[match.start(1) : match.start(1) + 80]
    return ""


def find_announced_call(response: str, functions: Set[str], has_calls: bool) -> str:
    """Where a final response names one of these functions, which were not called, instead of calling it; or nothing.

    A name counts that is no ordinary word: `searchPets`, or `search` in backticks. Beside calls (`has_calls`) it counts
    only where the sentence says that it is to be called; to name what else there is does no harm.
    """
    for start, end in _find_names(response, functions):
        if not has_calls or _ANNOUNCED.search(response[max(0, start - 120) : start]):
            return response[max(0, start - 40) : end + 20].strip()
    return ""


def find_proposed_call(response: str, functions: Set[str]) -> str:
    """Where a response tells the user to call one of these functions; or nothing. One may say what there is."""
    for start, end in _find_names(response, functions):
        if _PROPOSED.search(response[max(0, start - 120) : start]):
            return response[max(0, start - 40) : end + 20].strip()
    return ""


def _find_names(response: str, functions: Set[str]) -> Iterator[tuple[int, int]]:
    """Where functions stand whose names are no ordinary words, or are in backticks."""
    for match in _NAME.finditer(response):
        if match.group() in functions:
            around = response[match.start() - 1 : match.start()] + response[match.end() : match.end() + 1]
            if around == "``" or _OF_CODE.search(match.group()):
                yield match.span()


def _read_json(text: str) -> Iterator[Any]:
    """The JSON values (objects, or members of lists) that a text is or, if bare, begins or ends with."""
    opening = re.search(r"[{\[]", text)
    if opening is None:
        return
    try:
        value, _ = json.JSONDecoder().raw_decode(text[opening.start() :])
    except (ValueError, RecursionError):
        return
    yield from value if isinstance(value, list) else [value]


def _is_call(value: Any, functions: Set[str]) -> bool:
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("tool_calls"), list):
        return True
    if isinstance(value.get("function"), dict):
        value = value["function"]
    name = next((value[key] for key in NAME_KEYS if isinstance(value.get(key), str)), None)
    if name is None or not any(key in value for key in ARGUMENT_KEYS):
        return False
    return name in functions or set(value) <= {"name", "arguments", "id", "type"}


def _looks_cut_off(block: str) -> bool:
    """Whether a text is the start of a call's JSON that was never finished."""
    match = re.match(
        r'\s*\{\s*"(?:name|function|tool|action)"\s*:\s*"([\w-]+)"\s*,\s*"(?:arguments|parameters|args)"', block
    )
    return match is not None
