"""Rows of a published dataset as conversations for a chat template: JSON parsed, control tokens out of the text.

Needs no torch, so that whoever serves a trained model can clean what users and tools say as it was cleaned for
training.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.shown import show_line

STRUCTURE = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<tools>", "</tools>")
"""Tags that the templates write around calls, results and tools; a text must not open or close one of them."""


_ROLES = frozenset({"system", "user", "assistant", "tool"})


class BadRowError(ValueError):
    """A row that cannot be read as a conversation; the message names it."""


@dataclass(frozen=True)
class Conversation:
    """What a chat template takes: messages and tools in the form of the chat completions interface."""

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]


class Cleaner:
    """Breaks up the control tokens in a text, so that a tokenizer reads them as the plain characters that they were.

    `</s>` becomes `< /s>`: what a user or an API writes can neither end a turn nor begin one.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        words = sorted({*tokens, *STRUCTURE} - {""}, key=lambda word: (-len(word), word))
        self._pattern = re.compile("|".join(map(re.escape, words)))

    def clean(self, text: str) -> str:
        """The text without any of the tokens; half of a surrogate pair, which no tokenizer takes, becomes U+FFFD."""
        if not text.isascii():
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        while self._pattern.search(text):  # taking one apart may, if rarely, put another together
            text = self._pattern.sub(lambda found: f"{found[0][:1]} {found[0][1:]}", text)
        return text

    def clean_all(self, value: Any) -> Any:
        """The same for every string in a decoded JSON value, keys included."""
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, list):
            return [self.clean_all(one) for one in value]
        if isinstance(value, dict):
            return {self.clean(key): self.clean_all(one) for key, one in value.items()}
        return value


def build_conversation(row: dict[str, Any], cleaner: Cleaner) -> Conversation:
    """The conversation of one row of train.parquet.

    Raises:
        BadRowError: its JSON does not parse, or it holds a message that no template could render.
    """
    try:
        tools = cleaner.clean_all(json.loads(row["tools"]))
        messages = list(_build_messages(row["messages"], cleaner))
        if not messages or not isinstance(tools, list):
            raise ValueError("no messages, or tools that are no list")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadRowError(f"row {name_row(row)}: {error}") from error
    return Conversation(messages, tools)


def name_row(row: dict[str, Any]) -> str:
    """A row's id as it may be shown."""
    return show_line(row.get("id", "?"), 80)


def _build_messages(messages: Sequence[dict[str, Any]], cleaner: Cleaner) -> Iterator[dict[str, Any]]:
    names: dict[str, str] = {}
    for message in messages:
        # a space at an answer's end or beginning would melt into the template's own
        content = cleaner.clean(message["content"] or "").strip()
        if message["role"] not in _ROLES:
            raise ValueError(f"a message of the role {str(message['role'])[:80]!r}")
        built: dict[str, Any] = {"role": message["role"], "content": content}
        if calls := message.get("tool_calls"):
            names |= {call["id"]: cleaner.clean(call["name"]) for call in calls}
            built["tool_calls"] = [_build_call(call, cleaner) for call in calls]
        if message["role"] == "tool":
            built["name"] = names.get(message.get("tool_call_id", ""), "")
        yield built


def _build_call(call: dict[str, Any], cleaner: Cleaner) -> dict[str, Any]:
    arguments = json.loads(call["arguments"])
    if not isinstance(arguments, dict):
        raise ValueError(f"arguments that are no object: {call['arguments'][:80]}")
    return {
        "type": "function",
        "function": {"name": cleaner.clean(call["name"]), "arguments": cleaner.clean_all(arguments)},
    }
