"""What the messages of a chat say has happened so far: the calls made, what each got, and things to refer to."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from schemas.base import Json
from tasks.embedded.describing import WORDS
from tasks.embedded.plans import PlannedCall, Reference
from tasks.embedded.tool_roles import ToolParameter
from tasks.values import singularize, split_name

_TEMPORARY = (408, 425, 429)


@dataclass(frozen=True)
class Outcome:
    """A call that was made and what it got: the status and the decoded body."""

    function: str
    status: int
    body: Json
    arguments: str = ""

    @property
    def ok(self) -> bool:
        """Whether the API did what it was asked."""
        return 200 <= self.status < 300

    @property
    def temporary(self) -> bool:
        """Whether the same call may work if it is made again."""
        return self.status >= 500 or self.status in _TEMPORARY


def read_outcomes(messages: Sequence[dict[str, Any]]) -> list[Outcome]:
    """Every call that has got its tool message, in the order of the calls."""
    answers = {message.get("tool_call_id"): message.get("content") for message in messages if message["role"] == "tool"}
    calls = (call for message in messages if message["role"] == "assistant" for call in message.get("tool_calls") or ())
    return [_read_outcome(call["function"], str(answers[call["id"]] or "")) for call in calls if call["id"] in answers]


def _read_outcome(call: dict[str, Any], content: str) -> Outcome:
    name, arguments = str(call["name"]), str(call.get("arguments") or "")
    try:
        answer = json.loads(content)
        return Outcome(name, int(answer["status"]), answer.get("body"), arguments)
    except (ValueError, TypeError, KeyError):
        return Outcome(name, 200, content, arguments)


def match_steps(steps: tuple[PlannedCall, ...], outcomes: list[Outcome]) -> list[Outcome | None]:
    """For each step the outcome that met it, None where none has; calls that failed met nothing.

    Of calls made together a later one may have worked where an earlier one failed: it must not be made twice.
    """
    met: list[Outcome | None] = [None] * len(steps)
    for outcome in outcomes:
        unmet = [n for n, step in enumerate(steps) if met[n] is None and step.function == outcome.function]
        if outcome.ok and unmet:
            met[next((n for n in unmet if _holds_values(outcome, steps[n])), unmet[0])] = outcome
    return met


def _holds_values(outcome: Outcome, step: PlannedCall) -> bool:
    """Whether a call was made with all the values that the step says outright."""
    try:
        given = json.loads(outcome.arguments)
    except ValueError:
        return False
    return isinstance(given, dict) and all(
        given.get(name) == value for name, value in step.arguments if not isinstance(value, Reference)
    )


def resolve(reference: Reference, parameter: ToolParameter, outcomes: Sequence[Outcome]) -> Json:
    """The id that a reference stands for, from the newest answer that has things of its kind; None if none has.

    Where no answer is a list, one that is a single thing counts as a list of one: some searches answer like that.
    """
    listed = any(find_shown_list(outcome.body)[1] for outcome in outcomes)
    for outcome in reversed(outcomes):
        key, items = find_shown_list(outcome.body)
        if not items and isinstance(outcome.body, dict) and (reference.select == "that" or not listed):
            items = [outcome.body]
        if key and not _same_kind(key, parameter.noun) and not _spells_out(items[0], parameter):
            continue
        able = [item for item in items if find_id(item, parameter) is not None]
        chosen = _select(reference, able)
        if chosen is not None:
            return find_id(chosen, parameter)
    return None


def find_shown_list(body: Json) -> tuple[str, list[dict[str, Any]]]:
    """The first list of things in a body, and its key; "" and what there is where the body itself is the list."""
    if isinstance(body, list):
        return "", [item for item in body if isinstance(item, dict)]
    if isinstance(body, dict):
        for key, value in body.items():
            if isinstance(value, list) and value and isinstance(value[0], dict):
                return key, [item for item in value if isinstance(item, dict)]
    return "", []


def _same_kind(key: str, noun: str) -> bool:
    """Whether a list under `key` holds what `noun` names; a key such as `results` may hold anything."""
    listed = singularize(" ".join(split_name(key)) or "result")
    return listed in WORDS["anything"] or listed == noun or listed.endswith(f" {noun}") or noun.endswith(f" {listed}")


def _spells_out(item: dict[str, Any], parameter: ToolParameter) -> bool:
    return split_name(parameter.name) in {split_name(name) for name in item}


def find_id(item: dict[str, Any], parameter: ToolParameter) -> Json:
    """The id in `item` that `parameter` takes: a field of its name, else `id`, else the id of the same noun."""
    names = {split_name(name): name for name in item}
    noun = tuple(parameter.noun.split())
    for words in (split_name(parameter.name), ("id",), (*noun, "id"), (noun[-1], "id")):
        if words in names:
            value = item[names[words]]
            return value if isinstance(value, str | int) else None
    return None


def _select(reference: Reference, items: list[dict[str, Any]]) -> dict[str, Any] | None:
    if reference.select in ("first", "that"):
        return items[0] if items else None
    if reference.select == "last":
        return items[-1] if items else None
    ranked = [
        (value, item)
        for item in items
        for name, value in item.items()
        if " ".join(split_name(name)) == reference.attribute and isinstance(value, int | float)
    ]
    if not ranked:
        return None
    choose = max if reference.select == "highest" else min
    return choose(ranked, key=lambda pair: pair[0])[1]
