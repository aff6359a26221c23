"""A chat completion that came as server-sent events: its pieces put together to the body that it would be in one."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_FIELD = re.compile(rb"(?:data|event|id|retry)?:")
_LINE_END = re.compile(r"\r\n|\r|\n")
_DONE = "[DONE]"


def is_event_stream(body: bytes) -> bool:
    """Whether a body, without space before it, is server-sent events and no JSON."""
    return _FIELD.match(body) is not None


def join_events(body: bytes) -> dict[str, Any]:
    """The body that the events add up to, with one choice, as it would have come in one piece.

    An error among them is the body's `error`. A stream that breaks off before a finish reason or `[DONE]` leaves the
    finish reason `abort`.

    Raises:
        ValueError: an event is no JSON, or none holds a part of an answer or an error.
        RecursionError: an event is nested too deeply.
    """
    joined: dict[str, Any] = {}
    choice: dict[str, Any] = {}
    message = _Message()
    is_done = False
    for data in _split_events(body):
        is_done = is_done or data == _DONE
        event = None if data == _DONE else json.loads(data)
        if not isinstance(event, dict):
            continue
        joined |= {name: value for name, value in event.items() if name != "choices" and value is not None}
        choices = event.get("choices")
        for part in choices if isinstance(choices, list) else ():
            if isinstance(part, dict) and part.get("index") in (0, None):
                choice |= {name: value for name, value in part.items() if name != "delta" and value is not None}
                message.add(part)
    if not joined and not message.is_begun:
        raise ValueError("no event holds an answer")
    if message.is_begun:
        choice["message"] = message.join()
        if choice.get("finish_reason") is None and not is_done:
            choice["finish_reason"] = "abort"
        joined["choices"] = [choice]
    return joined


def _split_events(body: bytes) -> Iterator[str]:
    """The data of each event. An event ends with an empty line, which some servers leave out."""
    lines: list[str] = []
    for line in [*_LINE_END.split(body.decode("utf-8", "replace")), ""]:
        if line.startswith("data:"):
            lines.append(line[5:].strip())
        elif not line:
            yield from _separate([line for line in lines if line])
            lines = []


def _separate(lines: list[str]) -> Sequence[str]:
    """One event of several lines, or an event a line."""
    if len(lines) < 2:
        return lines
    try:
        json.loads("\n".join(lines))
    except ValueError:
        return lines
    return ["\n".join(lines)]


class _Message:
    """A message as its pieces come; they are put together at the end, so that this takes no longer than they are
    long."""

    def __init__(self) -> None:
        self.is_begun = False
        self._pieces: defaultdict[str, list[Any]] = defaultdict(list)
        self._calls: list[defaultdict[str, list[Any]]] = []
        self._places: dict[Any, int] = {}
        self._last: Any = None

    def add(self, choice: Mapping[str, Any]) -> None:
        """Take a choice's delta; a whole message, with which some servers end, replaces what was there."""
        delta, whole = choice.get("delta"), choice.get("message")
        if not isinstance(delta, dict) and isinstance(whole, dict):
            self._pieces.clear()
            self._calls.clear()
            self._places.clear()
            delta = whole
        self.is_begun = True
        for name, value in delta.items() if isinstance(delta, dict) else ():
            if name == "tool_calls" and isinstance(value, list):
                for call in value:
                    self._add_call(call)
            elif value is not None:
                self._pieces[name].append(value)

    def join(self) -> dict[str, Any]:
        """The message."""
        message = {name: _join(pieces) for name, pieces in self._pieces.items()}
        message["role"] = "assistant"
        if self._calls:
            message["tool_calls"] = [_join_call(call) for call in self._calls]
        return message

    def _add_call(self, piece: Any) -> None:
        """A piece belongs to the call of its index; without one to that of its id, else to the last, or begins the
        next."""
        if not isinstance(piece, dict):
            return
        key = piece.get("index")
        if not isinstance(key, int):
            function = piece.get("function")
            is_begun = isinstance(function, dict) and function.get("name")
            key = piece.get("id") or (f"place {len(self._calls)}" if is_begun else self._last)
        if not isinstance(key, int | str):
            key = "first"
        if key not in self._places:
            self._places[key] = len(self._calls)
            self._calls.append(defaultdict(list))
        self._last = key
        call = self._calls[self._places[key]]
        for name, value in piece.items():
            if value is not None and name != "index":
                call[name].append(value)


def _join_call(pieces: Mapping[str, list[Any]]) -> dict[str, Any]:
    """A call: its arguments go on from piece to piece, and whatever else it has is told once or over and over."""
    call: dict[str, Any] = {name: next(filter(None, values), None) for name, values in pieces.items()}
    functions = [value for value in pieces["function"] if isinstance(value, dict)] if "function" in pieces else []
    if functions:
        arguments = [value["arguments"] for value in functions if value.get("arguments") is not None]
        others = [{name: value for name, value in one.items() if value and name != "arguments"} for one in functions]
        function = {name: value for one in reversed(others) for name, value in one.items()}
        call["function"] = {**function, "arguments": _join(arguments) if arguments else ""}
    return call


def _join(pieces: list[Any]) -> Any:
    """The pieces of a field as one: texts and lists go on, and of anything else the last counts."""
    if all(isinstance(piece, str) for piece in pieces):
        return "".join(pieces)
    if all(isinstance(piece, list) for piece in pieces):
        return _join_parts([part for piece in pieces for part in piece])
    return pieces[-1]


def _join_parts(parts: list[Any]) -> list[Any]:
    """Parts in a row that have one index and type, as reasoning details have, are pieces of one."""
    runs: list[list[Any]] = []
    for part in parts:
        if runs and isinstance(part, dict) and "index" in part and _is_same(runs[-1][0], part):
            runs[-1].append(part)
        else:
            runs.append([part])
    return [run[0] if len(run) == 1 else _join_run(run) for run in runs]


def _is_same(one: Any, other: dict[str, Any]) -> bool:
    return isinstance(one, dict) and all(one.get(name) == other.get(name) for name in ("index", "type"))


def _join_run(run: list[dict[str, Any]]) -> dict[str, Any]:
    names = {name: None for part in run for name in part}
    values = {name: [part[name] for part in run if part.get(name) is not None] for name in names}
    return {
        name: _join(found) if name in ("text", "summary", "data") and found else (found[-1] if found else None)
        for name, found in values.items()
    }
