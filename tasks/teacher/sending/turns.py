"""The turns of a dialogue as an endpoint wants them back: with its own ids of calls, and with what else its messages
had.

Some endpoints draw ids that must come back as they were, and some take ids in one form only, whoever drew them. Some
need `reasoning_content` in every turn that has calls, also where they had given none; others refuse a field that
they have given themselves. Which it is, is learnt from a refusal, in `learning`.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, get_args

from schemas.base import Json

CallIds = Literal["given", "numbered", "nine"]
"""As the endpoint gave them; as rows have them; nine letters and digits, which Mistral asks for."""

Thoughts = Literal["reasoning_content", "reasoning"]
"""Fields of messages that hold what a model thought."""

_ID_FORM = re.compile(
    r"tool[_ ]?call[_ ]?(?:s\[\d+\]\.)?id.{0,400}"
    r"(?:must be|length|invalid|pattern|match|alphanumeric|characters|too long)"
    r"|(?:invalid|malformed).{0,40}tool[_ ]?call[_ ]?id",
    re.IGNORECASE | re.DOTALL,
)
_ASKED_FOR = r"must be (?:passed|provided|included|returned|sent|present|set)|missing|required|passed back"


def write_turns(
    messages: Sequence[dict[str, Json]],
    own_ids: Mapping[str, str],
    *,
    call_ids: CallIds,
    refused: Collection[str] = (),
    asked_for: Collection[str] = (),
) -> Sequence[dict[str, Json]]:
    """The messages in the form that the endpoint takes; themselves, where nothing is to be changed.

    `own_ids` are the endpoint's, by those that calls have in `messages`. Fields that are `refused` are left out of the
    assistant's messages, and those that are `asked_for` stand empty in each that has calls and had none.
    """
    if call_ids == "numbered" and not refused and not asked_for:
        return messages
    if not any(message.get("role") in ("assistant", "tool") for message in messages):
        return messages
    return tuple(_write_turn(message, own_ids, call_ids, refused, asked_for) for message in messages)


def find_form_of_ids(used: CallIds, messages: Sequence[Any], said: str) -> CallIds:
    """The form to go on with after a refusal that said this."""
    has_calls = any(isinstance(message, dict) and message.get("tool_calls") for message in messages)
    return "nine" if has_calls and used != "nine" and _ID_FORM.search(said) else used


def find_asked_fields(messages: Sequence[Any], said: str) -> frozenset[Thoughts]:
    """Fields of thoughts that a refusal asks for in turns with calls."""
    with_calls = [message for message in messages if isinstance(message, dict) and message.get("tool_calls")]
    fields: tuple[Thoughts, ...] = get_args(Thoughts)
    return frozenset(
        name for name in fields if _asks_for(said, name) and any(name not in message for message in with_calls)
    )


def _asks_for(said: str, name: str) -> bool:
    """Whether a refusal names a field and asks for it within the same sentence or so."""
    near = rf"\b{name}\b.{{0,120}}(?:{_ASKED_FOR})|(?:{_ASKED_FOR}).{{0,120}}\b{name}\b"
    return re.search(near, said, re.IGNORECASE | re.DOTALL) is not None


def _write_turn(
    message: dict[str, Json],
    own_ids: Mapping[str, str],
    call_ids: CallIds,
    refused: Collection[str],
    asked_for: Collection[str],
) -> dict[str, Json]:
    if message.get("role") == "tool":
        called = message.get("tool_call_id")
        return {**message, "tool_call_id": _write_id(called, own_ids, call_ids)} if isinstance(called, str) else message
    if message.get("role") != "assistant":
        return message
    written = {name: value for name, value in message.items() if name not in refused}
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        written["tool_calls"] = [
            {name: value for name, value in call.items() if name not in refused}
            | {"id": _write_id(call["id"], own_ids, call_ids)}
            for call in calls
        ]
        written = {**dict.fromkeys(sorted(asked_for), ""), **written}
    return written


def _write_id(numbered: str, own_ids: Mapping[str, str], call_ids: CallIds) -> str:
    if call_ids == "given":
        return own_ids.get(numbered, numbered)
    return numbered if call_ids == "numbered" else f"call{numbered.rpartition('_')[2]:0>5}"[:9]
