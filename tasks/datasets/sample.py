"""Chooses which trajectories the report embeds, so that it stays small and still shows every category and reason."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.episodes import Kind, Message
from schemas.instance import ApiRow, Instance
from schemas.reasons import Reason

MAX_TRAJECTORIES = 400
MAX_BYTES = 4_000_000
REJECTED_SHARE = 0.25
"""The part of the sample that is kept for rejected rows: enough to see each reason, while most of the page is data."""


@dataclass(frozen=True, slots=True)
class Outline:
    """The little of a row that choices over a whole dataset need: some 200 bytes, where a row has 10,000."""

    id: str
    api_id: str
    category: str
    kind: Kind
    reasons: tuple[Reason, ...]
    accepted: bool


def choose_rows(outlines: Iterable[Outline], limit: int) -> list[str]:
    """The ids of at most `limit` rows, balanced over category and kind (accepted) and over reason and kind (rejected).

    The choice depends on the rows alone. What one side does not fill goes to the other. A lower limit chooses some of
    what a higher one does.
    """
    sides: tuple[list[Outline], list[Outline]] = ([], [])
    for outline in outlines:
        sides[outline.accepted].append(outline)
    rejected, accepted = sides
    kept_for_rejected = min(len(rejected), max(round(limit * REJECTED_SHARE), limit - len(accepted)))
    chosen = _interleave(accepted, lambda row: row.category, _interleave_kinds)
    turned_down = _interleave(rejected, lambda row: row.reasons[0].value if row.reasons else "", _interleave_kinds)
    return [row.id for row in chosen[: limit - kept_for_rejected] + turned_down[:kept_for_rejected]]


class Sample:
    """Gathers the trajectories that the report embeds while all rows pass by; which ones, the outlines tell before."""

    def __init__(self, outlines: Sequence[Outline], test_apis: frozenset[str]) -> None:
        self._outlines, self._test_apis = outlines, test_apis
        self._wanted = frozenset(choose_rows(outlines, MAX_TRAJECTORIES))
        self._rows: dict[str, dict[str, Any]] = {}
        self._apis: dict[str, dict[str, Any]] = {}

    def add(self, row: Instance) -> None:
        """Keep what the page shows of a row, if it is chosen; tools are held once per API."""
        if row.id in self._wanted:
            self._rows[row.id] = _describe_row(row, self._test_apis)
            if row.api_id not in self._apis:
                self._apis[row.api_id] = {"name": row.api_name, "intro": "", "tools": json.loads(row.tools)}

    def introduce(self, api: ApiRow) -> None:
        """Keep an API's introduction, if a row of it is chosen; to be called once all rows were added."""
        if api.api_id in self._apis:
            self._apis[api.api_id] |= {"name": api.name, "intro": api.introduction}

    def build(self) -> tuple[dict[str, Any], int]:
        """What the page shows of trajectories, `{"apis", "rows"}`, and how many rows that is.

        Rows are left out from the end of each side's balanced order until the JSON fits MAX_BYTES.
        """
        limit = MAX_TRAJECTORIES
        while True:
            chosen = choose_rows(self._outlines, limit)
            data = self._describe(chosen)
            size = len(json.dumps(data, ensure_ascii=False).encode())
            if size <= MAX_BYTES or limit <= 1:
                return data, len(chosen)
            limit = max(1, int(min(limit, len(chosen)) * MAX_BYTES / size * 0.95))

    def _describe(self, chosen: Iterable[str]) -> dict[str, Any]:
        rows = sorted((self._rows[id] for id in chosen), key=lambda row: (row["category"], row["id"]))
        used = {row["api"] for row in rows}
        return {"apis": {id: api for id, api in sorted(self._apis.items()) if id in used}, "rows": rows}


def _describe_row(row: Instance, test_apis: frozenset[str]) -> dict[str, Any]:
    return {
        "id": row.id,
        "api": row.api_id,
        "name": row.api_name,
        "category": row.category,
        "kind": row.kind.value,
        "split": ("test" if row.api_id in test_apis else "train") if row.accepted else "rejected",
        "text": row.instruction,
        "calls": row.num_calls,
        "reasons": [reason.value for reason in row.reasons],
        "failed": [check for check in json.loads(row.checks) if not check["keep"]],
        "tokens": [row.input_tokens, row.output_tokens],
        "seed": row.seed,
        "messages": [_describe_message(message) for message in row.messages],
    }


def _describe_message(message: Message) -> dict[str, Any]:
    described: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        described["calls"] = [[call.id, call.name, call.arguments] for call in message.tool_calls]
    if message.tool_call_id is not None:
        described["for"] = message.tool_call_id
    return described


def _interleave(
    items: Sequence[Outline], key: Callable[[Outline], str], arrange: Callable[[list[Outline]], list[Outline]]
) -> list[Outline]:
    """One item of each group in turn, groups by name, each group in the order that `arrange` gives it."""
    groups: dict[str, list[Outline]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    queues = [arrange(groups[name])[::-1] for name in sorted(groups)]
    result: list[Outline] = []
    while queues:
        result.extend(queue.pop() for queue in queues)
        queues = [queue for queue in queues if queue]
    return result


def _interleave_kinds(rows: list[Outline]) -> list[Outline]:
    return _interleave(rows, lambda row: row.kind.value, _shuffle)


def _shuffle(rows: list[Outline]) -> list[Outline]:
    """An order that has nothing to do with when a row was made: by the hash of its id."""
    return sorted(rows, key=lambda row: hashlib.sha256(row.id.encode()).digest())
