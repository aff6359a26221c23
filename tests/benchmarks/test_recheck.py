"""The second opinion finds what is wrong: each rule broken on purpose in a sound row."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.benchmarks.recheck import count_missed, find_violations, jaccard_pairs

Row = dict[str, Any]


@pytest.fixture
def row() -> Row:
    schema = {
        "type": "object",
        "properties": {"petId": {"type": "string"}, "day": {"type": "string"}},
        "required": ["petId"],
        "additionalProperties": False,
    }
    call = {"id": "call_1", "name": "getPet", "arguments": '{"petId": "pet_7", "day": "2026-03-09"}'}
    answer = json.dumps({"status": 200, "body": {"id": "pet_7", "name": "Luna", "age": 3, "toys": [1, 1]}})
    return {
        "kind": "single_call",
        "tools": json.dumps([{"type": "function", "function": {"name": "getPet", "parameters": schema}}]),
        "num_calls": 1,
        "functions_called": ["getPet"],
        "messages": [
            {"role": "system", "content": "Help.", "tool_calls": [], "tool_call_id": None},
            {"role": "user", "content": "Who is pet_7 on 9 March 2026?", "tool_calls": [], "tool_call_id": None},
            {"role": "assistant", "content": "I look.", "tool_calls": [call], "tool_call_id": None},
            {"role": "tool", "content": answer, "tool_calls": [], "tool_call_id": "call_1"},
            {"role": "assistant", "content": "Luna is 3 and has 2 toys.", "tool_calls": [], "tool_call_id": None},
        ],
    }


def set_call(row: Row, **changes: str) -> None:
    row["messages"][2]["tool_calls"][0].update(changes)


def set_text(row: Row, place: int, text: str) -> None:
    row["messages"][place]["content"] = text


def test_a_sound_row_has_no_violation(row: Row) -> None:
    assert find_violations(row) == []


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("function", lambda row: set_call(row, name="findPet")),
        ("arguments", lambda row: set_call(row, arguments='{"petId": ["pet_7"]}')),
        ("arguments", lambda row: set_call(row, arguments="{}")),
        ("grounding", lambda row: set_call(row, arguments='{"petId": "pet_8"}')),
        ("grounding", lambda row: set_call(row, arguments='{"petId": "pet_7", "day": "2026-03-10"}')),
        ("placeholder", lambda row: set_call(row, arguments='{"petId": "YOUR_PET"}')),
        ("recovery", lambda row: set_text(row, 3, '{"status": 404, "body": {}}')),
        ("response", lambda row: set_text(row, 4, " ")),
        ("response", lambda row: set_text(row, 4, "Luna is 4.")),
        ("response", lambda row: set_text(row, 4, "It is pet_9.")),
        ("response", lambda row: set_text(row, 4, '```json\n{"arguments": {}}\n```')),
        ("kind", lambda row: row.update(kind="no_tool")),
        ("kind", lambda row: row.update(kind="missing_detail")),
        ("kind", lambda row: row.update(kind="error_recovery")),
        ("row", lambda row: row.update(num_calls=2)),
        ("steps", lambda row: row["messages"].extend([row["messages"][4]] * 9)),
    ],
)
def test_each_broken_rule_is_found(rule: str, spoil: Callable[[Row], None], row: Row) -> None:
    spoiled = copy.deepcopy(row)
    spoil(spoiled)
    assert rule in {violation.partition(":")[0] for violation in find_violations(spoiled)}


def test_a_planted_error_counts_as_missed_unless_its_row_is_rejected_for_it() -> None:
    calls = [{"stage": "simulate", "owner": "a", "fingerprint": "offline-1+invented_id"}]
    accepted = [{"id": "a", "accepted": True, "reasons": []}]
    other = [{"id": "a", "accepted": False, "reasons": ["empty_response"]}]
    right = [{"id": "a", "accepted": False, "reasons": ["ungrounded_argument"]}]
    assert count_missed(calls, accepted).total() == 1
    assert count_missed(calls, other).total() == 1
    assert count_missed(calls, right).total() == 0


def test_near_duplicates_are_counted_by_their_shingles() -> None:
    text = "please find me a large and friendly dog in the city of Lyon today"
    assert jaccard_pairs([text, text + " thanks", "show me the list of cats"]) == 1
