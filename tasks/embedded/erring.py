"""Errors as real models make them, planted on purpose at a given rate so that every gate is exercised.

Which answers err, and how, is a function of the request. An erring answer says so in `system_fingerprint`
(`offline-1+invented_id`), which the ledger keeps: it lets a test hold each planted error against what became of it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from schemas.base import Json
from tasks.embedded.assistant.assisting import Turn, compose_arguments
from tasks.values import load_words, split_name

TEXT_ERRORS = ("fence", "truncated", "silence")
"""What can go wrong with an answer that is a JSON document."""

RESPONSE_ERRORS = ("unsupported", "silence")
"""What can go wrong with a final response."""

_WORDS: dict[str, list[str]] = load_words(Path(__file__).with_name("erring.yaml"))


@dataclass(frozen=True)
class GrammarAnswer:
    """What the teacher answers: text, calls as (function, arguments as text), and the error planted in it, if any."""

    content: str
    calls: tuple[tuple[str, str], ...] = ()
    error: str = ""


def spoil_text(content: str, rng: Random) -> GrammarAnswer:
    """A JSON answer with one error in it."""
    error = rng.choice(TEXT_ERRORS)
    if error == "fence":
        return GrammarAnswer(rng.choice(_WORDS["fences"]).format(content), error=error)
    return GrammarAnswer(
        content[: int(len(content) * rng.uniform(0.3, 0.9))] if error == "truncated" else "", error=error
    )


def spoil_turn(turn: Turn, functions: list[dict[str, Any]], rng: Random) -> GrammarAnswer:
    """An assistant's message with one error in it."""
    if not turn.calls:
        return _spoil_response(turn, rng)
    for error in rng.sample(CALL_ERRORS, len(CALL_ERRORS)):
        spoiled = _SPOILERS[error](turn, functions, rng)
        if spoiled is not None:
            return replace(spoiled, error=error)
    raise AssertionError("silence always applies")


def _spoil_response(turn: Turn, rng: Random) -> GrammarAnswer:
    error = rng.choice(RESPONSE_ERRORS)
    if error == "silence" or "?" in turn.content:
        return GrammarAnswer("", error="silence")
    claim = rng.choice(_WORDS["unsupported"]).format(
        number=rng.randint(30000, 99999) * 7, name=rng.choice(_WORDS["names"])
    )
    return GrammarAnswer(turn.content + claim, error=error)


def _with_first(turn: Turn, name: str, arguments: dict[str, Json]) -> GrammarAnswer:
    rest = tuple((function, compose_arguments(given)) for function, given in turn.calls[1:])
    return GrammarAnswer(turn.content, ((name, compose_arguments(arguments)), *rest))


def _fence(turn: Turn, functions: list[dict[str, Any]], rng: Random) -> GrammarAnswer | None:
    name, arguments = turn.calls[0]
    call = json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
    return GrammarAnswer(f"{turn.content}\n\n```json\n{call}\n```")


def _truncate(turn: Turn, functions: list[dict[str, Any]], rng: Random) -> GrammarAnswer | None:
    name, arguments = turn.calls[0]
    text = compose_arguments(arguments)
    return GrammarAnswer(turn.content, ((name, text[: rng.randint(1, len(text) - 1)]),)) if arguments else None


def _invent_function(turn: Turn, functions: list[dict[str, Any]], rng: Random) -> GrammarAnswer | None:
    name, arguments = turn.calls[0]
    taken = {function["name"] for function in functions}
    verb, *rest = split_name(name)
    made = [f"{other}{''.join(word.capitalize() for word in (*rest, *more))}"
            for other in ("lookup", "obtain", "query", verb) for more in ((), ("v2",))]  # fmt: skip
    return _with_first(turn, rng.choice([other for other in made if other not in taken]), arguments)


def _drop_argument(turn: Turn, functions: list[dict[str, Any]], rng: Random) -> GrammarAnswer | None:
    name, arguments = turn.calls[0]
    required = [key for key in _schema(name, functions).get("required", ()) if key in arguments]
    if not required:
        return None
    dropped = rng.choice(required)
    return _with_first(turn, name, {key: value for key, value in arguments.items() if key != dropped})


def _mistype_argument(turn: Turn, functions: list[dict[str, Any]], rng: Random) -> GrammarAnswer | None:
    name, arguments = turn.calls[0]
    if not arguments:
        return None
    key = rng.choice(sorted(arguments))
    value = arguments[key]
    wrong: Json = [value] if not isinstance(value, list) else {"value": value}
    return _with_first(turn, name, {**arguments, key: wrong})


def _invent_id(turn: Turn, functions: list[dict[str, Any]], rng: Random) -> GrammarAnswer | None:
    name, arguments = turn.calls[0]
    properties = _schema(name, functions).get("properties", {})
    ids = [key for key in arguments if split_name(key)[-1:] == ("id",)]
    if not ids:
        return None
    key = rng.choice(ids)
    number = rng.randint(100000, 999999) * 11
    made: Json = number if properties.get(key, {}).get("type") == "integer" else f"ref-{number}"
    return _with_first(turn, name, {**arguments, key: made})


def _say_nothing(turn: Turn, functions: list[dict[str, Any]], rng: Random) -> GrammarAnswer | None:
    return GrammarAnswer("")


def _schema(name: str, functions: list[dict[str, Any]]) -> dict[str, Any]:
    return next((function.get("parameters") or {} for function in functions if function["name"] == name), {})


_SPOILERS: dict[str, Callable[[Turn, list[dict[str, Any]], Random], GrammarAnswer | None]] = {
    "fence": _fence,
    "truncated": _truncate,
    "unknown_function": _invent_function,
    "missing_argument": _drop_argument,
    "mistyped_argument": _mistype_argument,
    "invented_id": _invent_id,
    "silence": _say_nothing,
}

CALL_ERRORS = tuple(_SPOILERS)
"""What can go wrong with an answer that calls a function."""
