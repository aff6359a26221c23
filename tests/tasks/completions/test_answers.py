"""Answers within bounds, also those that an older version has stored."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.calls import MOST_TOKENS, Completion, LedgerRow, Usage, count_tokens
from schemas.episodes import ToolCall
from tasks.completions.answers import (
    MOST_ARGUMENTS,
    MOST_CALLS_AT_ONCE,
    MOST_CONTENT,
    bound_completion,
    clean_extra,
    clean_label,
    clean_words,
    read_kept_completion,
)
from tasks.completions.store import CompletionStore, connect, pack_completion
from tests.tasks.completions.test_store import make


def keep(**changes: Any) -> bytes:
    """A completion as an older version may have written it."""
    kept = {"content": "Hello.", "model": "m", "usage": {"prompt": 3, "completion": 2}, **changes}
    return json.dumps(kept).encode()


@pytest.mark.parametrize("told", [-1, MOST_TOKENS + 1, 10**30, True, 4.0, float("nan"), "10", None, [10]])
def test_what_can_be_no_count_of_tokens_was_not_told(told: Any) -> None:
    assert count_tokens(told) == 0


@pytest.mark.parametrize("told", [0, 1, MOST_TOKENS])
def test_a_count_is_what_was_told(told: int) -> None:
    assert count_tokens(told) == told


@given(st.text() | st.integers() | st.none() | st.lists(st.text()))
def test_a_label_is_one_short_line_that_any_file_can_hold(said: Any) -> None:
    label = clean_label(said)
    label.encode()
    assert label.isprintable()
    assert len(label) <= 256


@pytest.mark.parametrize(
    ("said", "label"),
    [("gpt-4o", "gpt-4o"), ("模型 7", "模型 7"), ("a\x1b[31m\n", "a?[31m?"), ("\ud83d", "?"), (7, "7"), (True, ""),
     (10**300, ""), (["a"], "")],
)  # fmt: skip
def test_a_good_label_stays_as_it_is(said: Any, label: str) -> None:
    assert clean_label(said) == label


def test_words_lose_only_what_no_file_can_hold() -> None:
    assert clean_words("Grüße\n猫 😀\x07") == "Grüße\n猫 😀\x07"
    assert clean_words("a\0b\ud83d") == "a?b?"


def test_a_completion_within_the_bounds_is_not_touched() -> None:
    completion = make("x" * MOST_CONTENT)
    assert bound_completion(completion) is completion


def test_what_is_too_long_is_cut_and_counts_as_cut_off() -> None:
    call = ToolCall(id="i" * 1000, name="n" * 1000, arguments="[" * (MOST_ARGUMENTS + 1))
    bounded = bound_completion(
        Completion(content="x" * (MOST_CONTENT + 1), tool_calls=(call,) * 1000, model="m" * 1000,
                   fingerprint="f" * 1000, usage=Usage(prompt=10**30, completion=2))
    )  # fmt: skip
    assert (len(bounded.content), bounded.finish_reason) == (MOST_CONTENT, "length")
    assert len(bounded.tool_calls) == MOST_CALLS_AT_ONCE + 1  # one more than may be tells that there were too many
    assert {(len(c.id), len(c.name), len(c.arguments)) for c in bounded.tool_calls} == {(256, 256, MOST_ARGUMENTS)}
    assert (len(bounded.model), len(bounded.fingerprint)) == (256, 256)
    assert bounded.usage == Usage(completion=2)


@pytest.mark.parametrize(
    ("changes", "read"),
    [
        ({}, Completion(content="Hello.", model="m", usage=Usage(prompt=3, completion=2))),
        ({"usage": {"prompt": 10**30, "completion": 2}},
         Completion(content="Hello.", model="m", usage=Usage(completion=2))),
        ({"usage": {"prompt": float("nan")}}, Completion(content="Hello.", model="m", usage=Usage())),
        ({"usage": None}, Completion(content="Hello.", model="m", usage=Usage())),
        ({"model": "m \ud83d"}, Completion(content="Hello.", model="m ?", usage=Usage(prompt=3, completion=2))),
        ({"later": 1}, Completion(content="Hello.", model="m", usage=Usage(prompt=3, completion=2))),
    ],
)  # fmt: skip
def test_what_another_version_kept_is_read(changes: dict[str, Any], read: Completion) -> None:
    assert read_kept_completion(keep(**changes)) == read


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({}, None),
        ({"finish_reason": "length"}, "cut_off"),
        ({"finish_reason": "content_filter"}, "filtered"),
        ({"content": " "}, "empty"),
        ({"content": "Hello.<|im_end|>"}, "leaked_tokens"),
        ({"content": "Hello.<|im_end|>", "flaw": "refused", "flaw_detail": "no"}, "refused"),
        ({"content": "", "tool_calls": [{"id": "c", "name": "f", "arguments": "{}"}]}, None),
    ],
)
def test_what_was_kept_before_flaws_were_looked_for_is_given_its_flaw(changes: dict[str, Any], flaw: str) -> None:
    assert read_kept_completion(keep(**changes)).flaw == flaw


def test_what_else_a_message_holds_is_kept_as_far_as_it_can_be_written_and_is_within_its_bound() -> None:
    extra: dict[str, Any] = {"a": "x" * 100_000, "b": "y" * 150_000, "c": float("nan"), "d": "\ud83d", "e": [{"f": 1}]}
    assert clean_extra(extra) == {"a": extra["a"], "d": "?", "e": [{"f": 1}]}
    bounded = bound_completion(make("Hi.").model_copy(update={"extra": extra, "flaw_detail": "z" * 999}))
    assert (set(bounded.extra), len(bounded.flaw_detail)) == ({"a", "d", "e"}, 200)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b"[" * 100_000, keep(content=7), b"\xff"])
def test_what_holds_no_completion_is_told(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_kept_completion(text)


def test_a_ledgers_row_of_an_older_version_fits_its_table() -> None:
    row = LedgerRow.model_validate(
        {"stage": "simulate", "api_id": "a", "owner": "a-1", "model": "m", "prompt_tokens": 10**30,
         "completion_tokens": 5, "cached_tokens": -1, "reasoning_tokens": 0, "cost_usd": None, "latency_s": 0.1,
         "attempts": 1, "stored": False, "finish_reason": "stop", "fingerprint": ""}
    )  # fmt: skip
    assert (row.prompt_tokens, row.completion_tokens, row.cached_tokens) == (0, 5, 0)


async def test_a_damaged_row_is_not_there_and_makes_room_for_another(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    connection = connect(path)
    for key, payload in {"torn": b"no zlib", "empty": pack_completion("{}"), "text": "plain"}.items():
        connection.execute("INSERT INTO completions VALUES (?, 'e', 'm', 'stop', 1.0, ?)", (key, payload))
    connection.close()
    with CompletionStore(path) as store:
        for key in ("torn", "empty", "text"):
            assert store.get(key) is None
            assert await store.put(key, make("Hi."), endpoint="e", model="m") == make("Hi.")
            assert store.get(key) == make("Hi.")
