"""The assistant's turns go back as the endpoint wants them, found by what it refuses."""

from typing import Any

import pytest

from schemas.calls import ChatRequest
from tasks.teacher.sending.capabilities import Capabilities, build_body
from tasks.teacher.sending.learning import learn
from tasks.teacher.sending.retries import EndpointError

CALLS = {"role": "assistant", "content": "I look.", "reasoning": "Hm", "tool_calls": [
    {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": {"s": 1}},
    {"id": "call_12", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}  # fmt: skip
REQUEST = ChatRequest(
    messages=(
        {"role": "user", "content": "Hi"},
        CALLS,
        {"role": "tool", "content": "{}", "tool_call_id": "call_1"},
        {"role": "tool", "content": "{}", "tool_call_id": "call_12"},
        {"role": "assistant", "content": "Which one?"},
        {"role": "user", "content": "The first."},
    ),
    call_ids={"call_1": "x7Hk2"},
)


def write(**form: Any) -> list[dict[str, Any]]:
    return list(build_body("m", REQUEST, Capabilities(**form))["messages"])


def list_ids(messages: list[dict[str, Any]]) -> list[str]:
    calls = [call["id"] for message in messages for call in message.get("tool_calls", ())]
    return [*calls, *(message["tool_call_id"] for message in messages if "tool_call_id" in message)]


def test_calls_have_the_endpoint_s_own_ids_where_it_gave_any() -> None:
    assert list_ids(write()) == ["x7Hk2", "call_12"] * 2


def test_or_those_that_rows_have_and_then_nothing_is_touched() -> None:
    assert list_ids(write(call_ids="numbered")) == ["call_1", "call_12"] * 2
    assert build_body("m", REQUEST, Capabilities(call_ids="numbered"))["messages"] is REQUEST.messages


def test_or_nine_letters_and_digits() -> None:
    assert list_ids(write(call_ids="nine")) == ["call00001", "call00012"] * 2


def test_what_else_a_message_had_goes_with_it_but_for_what_is_refused() -> None:
    assert write()[1]["reasoning"] == "Hm"
    assert write()[1]["tool_calls"][0]["extra_content"] == {"s": 1}
    without = write(refused_fields=("reasoning", "extra_content"))[1]
    assert "reasoning" not in without
    assert "extra_content" not in without["tool_calls"][0]


def test_what_is_asked_for_stands_empty_in_turns_with_calls_that_had_none() -> None:
    messages = write(asked_fields=("reasoning_content", "reasoning"))
    assert (messages[1]["reasoning_content"], messages[1]["reasoning"]) == ("", "Hm")
    assert "reasoning_content" not in messages[4]


def learn_from(said: str, status: int = 400, used: Capabilities | None = None) -> Capabilities | None:
    used = used or Capabilities()
    return learn(used, build_body("m", REQUEST, used), EndpointError("no", status=status, said=said))


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("3280 Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.", 400),
        (f"Tool call id was {'x' * 200} but must be a-z, A-Z, 0-9, with a length of 9.", 400),
        ("Tool call id was call_49c89af0 but must be a-z, A-Z, 0-9, with a length of 9", 500),
        ("messages[1].tool_calls[0].id string too long. tool_call_id: maximum length 40", 400),
        ("invalid tool_call_id", 422),
    ],
)
def test_a_form_of_ids_is_learnt(said: str, status: int) -> None:
    assert learn_from(said, status) == Capabilities(call_ids="nine")
    assert learn_from(said, status, Capabilities(call_ids="nine")) is None


@pytest.mark.parametrize(
    "said",
    [
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.",
        "Not the same number of function calls and responses",
        "the field content must be a string",
    ],
)
def test_other_complaints_of_calls_teach_no_form_of_ids(said: str) -> None:
    assert learn_from(said) is None


@pytest.mark.parametrize(
    "said",
    [
        "The `reasoning_content` in the thinking mode must be passed back to the API.",
        "Missing `reasoning_content` field in the assistant message at message index 2.",
        "messages.1.reasoning_content: Field required",
    ],
)
def test_thoughts_that_are_asked_for_are_learnt(said: str) -> None:
    assert learn_from(said) == Capabilities(asked_fields=frozenset({"reasoning_content"}))


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ("'messages.1' : for 'role:assistant' the following must be satisfied[('messages.1' : property 'reasoning' is "
         "unsupported, did you mean 'role'?)]", ("reasoning",)),
        ("messages[1].reasoning: reasoning is not supported with this model", ("reasoning",)),
        ("Extra inputs are not permitted: body.messages.1.assistant.tool_calls.0.extra_content", ("extra_content",)),
        ('Unknown name "extra_content" at messages[1].tool_calls[0]: Cannot find field.', ("extra_content",)),
    ],
)  # fmt: skip
def test_fields_that_are_refused_are_learnt(said: str, fields: tuple[str, ...]) -> None:
    assert learn_from(said) == Capabilities(refused_fields=frozenset(fields))


@pytest.mark.parametrize(
    "said",
    ["reasoning_effort is not supported", "property 'thinking' is unsupported", "content is not supported",
     "reasoning tokens: 12", "the reasoning model is overloaded"],
)  # fmt: skip
def test_fields_that_no_message_has_or_that_are_only_spoken_of_are_not(said: str) -> None:
    assert learn_from(said) is None
