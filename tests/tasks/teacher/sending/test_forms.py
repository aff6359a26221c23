"""Endpoints that refuse one form after another over real HTTP: what goes out in the end, and what comes back."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from schemas.base import Json
from schemas.calls import ChatRequest, Completion
from schemas.errors import TeacherError
from schemas.teacher import TeacherSettings
from tasks.teacher import Engine, Ledger, Teacher
from tasks.teacher.sending import forms
from tasks.teacher.sending.capabilities import Capabilities
from tasks.teacher.sending.forms import Forms, choose_first_beliefs, describe_lessons
from tasks.teacher.sending.retries import EndpointError
from tasks.teacher.sending.schema_forms import list_parts
from tests.tasks.teacher.endpoints import Endpoint, build_answer, echo, fail, serve

Finds = Callable[[dict[str, Any]], str | None]
"""What an endpoint has against a body; None where it takes it."""

SYSTEM: dict[str, Json] = {"role": "system", "content": "Be kind."}
HI: dict[str, Json] = {"role": "user", "content": "Hi"}
PARAMETERS: dict[str, Json] = {
    "type": "object",
    "properties": {
        "day": {"type": ["string", "null"], "const": "Monday"},
        "limit": {"type": "integer", "exclusiveMinimum": 0},
        "kind": {"oneOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]},
    },
    "additionalProperties": False,
}
TOOL: dict[str, Json] = {
    "type": "function",
    "function": {"name": "find-days", "description": "Finds days. " * 100, "parameters": PARAMETERS},
}


def refuse(finds: Finds, status: int = 400) -> Endpoint:
    """Answers, with a call of the first function if there is one, what it has nothing against."""

    def reply(body: dict[str, Any]) -> Response:
        if (said := finds(body)) is not None:
            return fail(status, said)(body)
        if "tools" not in body:
            return echo(body)
        function = {"name": body["tools"][0]["function"]["name"], "arguments": "{}"}
        calls = [{"id": "c", "type": "function", "function": function}]
        message = {"role": "assistant", "content": "", "tool_calls": calls}
        return JSONResponse(build_answer(choices=[{"index": 0, "finish_reason": "tool_calls", "message": message}]))

    return Endpoint(last=reply)


async def ask(endpoint: Endpoint, *requests: ChatRequest) -> list[Completion]:
    with serve(endpoint) as url:
        settings = TeacherSettings(model="tiny", base_url=url, api_key_env="NO_SUCH_KEY", attempts=1, temperature=0.7)
        async with Teacher(Engine(settings), Ledger()) as teacher:
            return [
                await teacher.complete(request, stage="simulate", api_id="days", owner=str(number))
                for number, request in enumerate(requests)
            ]


def find_keyword(*refused: str) -> Finds:
    """Finds one keyword at a time, as Gemini's compatible endpoint words it."""

    def find(body: dict[str, Any]) -> str | None:
        present = list_parts(tool["function"].get("parameters") for tool in body.get("tools", ()))
        keyword = next((keyword for keyword in refused if keyword in present), None)
        place = "tools[0].function_declarations[0].parameters.properties[1].value"
        return keyword and f"Invalid JSON payload received. Unknown name \"{keyword}\" at '{place}': Cannot find field."

    return find


async def test_keywords_go_one_after_another_and_the_rest_of_the_schema_stays() -> None:
    endpoint = refuse(find_keyword("additionalProperties", "exclusiveMinimum", "const", "oneOf"))
    request = ChatRequest(messages=(HI,), tools=(TOOL,))
    first, second = await ask(endpoint, request, request.model_copy(update={"sample": 1}))
    assert len(endpoint.requests) == 6
    sent = endpoint.requests[-1]["tools"][0]["function"]["parameters"]
    assert sent == {
        "type": "object",
        "properties": {
            "day": {"type": ["string", "null"], "enum": ["Monday"]},
            "limit": {"type": "integer", "minimum": 1},
            "kind": {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]},
        },
    }
    assert first.left_out == second.left_out
    assert first.left_out == ("tools.additionalProperties", "tools.const", "tools.exclusiveMinimum", "tools.oneOf")


async def test_plain_names_go_there_and_back() -> None:
    def find(body: dict[str, Any]) -> str | None:
        names = [tool["function"]["name"] for tool in body.get("tools", ())]
        names += [call["function"]["name"] for message in body["messages"] for call in message.get("tool_calls", ())]
        odd = [name for name in names if "-" in name]
        return f"Invalid 'tools[0].function.name': string does not match pattern: {odd[0]}" if odd else None

    call: dict[str, Json] = {"id": "c", "type": "function", "function": {"name": "find-days", "arguments": "{}"}}
    called: dict[str, Json] = {"role": "assistant", "content": "", "tool_calls": [call]}
    later = ChatRequest(messages=(HI, called, {"role": "tool", "tool_call_id": "c", "content": "1"}), tools=(TOOL,))
    endpoint = refuse(find)
    answers = await ask(endpoint, ChatRequest(messages=(HI,), tools=(TOOL,)), later)
    assert [answer.tool_calls[0].name for answer in answers] == ["find-days", "find-days"]
    assert "find-days" not in json.dumps(endpoint.requests[1:])
    assert len(endpoint.requests) == 3


async def test_descriptions_are_cut() -> None:
    said = "Invalid 'tools[0].function.description': string too long. Expected a string with maximum length 1024"

    def find(body: dict[str, Any]) -> str | None:
        return said if len(body["tools"][0]["function"]["description"]) > 1024 else None

    endpoint = refuse(find)
    await ask(endpoint, ChatRequest(messages=(HI,), tools=(TOOL,)))
    assert [len(body["tools"][0]["function"]["description"]) > 1000 for body in endpoint.requests] == [True, True]


@pytest.mark.parametrize("status", [400, 500])
async def test_the_systems_text_goes_to_the_user_and_turns_alternate(status: int) -> None:
    def find(body: dict[str, Any]) -> str | None:
        roles = [message["role"] for message in body["messages"]]
        if "system" in roles:
            return "System role not supported"
        return "Conversation roles must alternate user/assistant" if roles != ["user"] else None

    endpoint = refuse(find, status)
    (answer,) = await ask(endpoint, ChatRequest(messages=(SYSTEM, HI, {"role": "user", "content": "There?"})))
    assert answer.content == "You said: Be kind.\n\nHi\n\nThere?"
    assert answer.left_out == ("system_role",)
    assert len(endpoint.requests) == 3


async def test_more_functions_than_are_taken_are_the_episodes_matter() -> None:
    tools = tuple({"type": "function", "function": {"name": f"f{n}", "parameters": {}}} for n in range(70))
    endpoint = refuse(lambda body: "At most 64 tools are allowed" if len(body["tools"]) > 64 else None)
    with serve(endpoint) as url:
        settings = TeacherSettings(model="tiny", base_url=url, api_key_env="NO_SUCH_KEY")
        async with Teacher(Engine(settings), Ledger()) as teacher:
            assert teacher.most_tools is None
            for _ in range(2):
                with pytest.raises(TeacherError, match="takes at most 64 functions, and there are 70"):
                    await teacher.complete(
                        ChatRequest(messages=(HI,), tools=tools), stage="simulate", api_id="d", owner="d"
                    )
            assert teacher.most_tools == 64
    assert len(endpoint.requests) == 1


def test_what_was_learnt_is_told_in_words() -> None:
    learnt = Capabilities(
        answers="json_object", limit="max_completion_tokens", needs_limit=True, most_output=4096,
        left_out=frozenset({"seed", "temperature", "max_tokens"}), refused_fields=frozenset({"thinking"}),
        asked_fields=frozenset({"reasoning_content"}), call_ids="nine",
        answer_parts=frozenset({"$ref"}), tool_parts=frozenset({"const", "oneOf"}), system=False, alternate=True,
        empty_content=False, most_tools=64, longest_name=64, longest_description=1024,
    )  # fmt: skip
    lines = list(describe_lessons(Capabilities(), learnt))
    assert len(lines) == 16
    assert lines[0] == "does not take `seed`, `temperature`: requests go without them"
    assert lines[1] == "does not take `max_tokens`: `max_completion_tokens` goes in its place"
    assert all("\n" not in line and len(line) < 140 for line in lines)
    assert list(describe_lessons(learnt, learnt)) == []


async def test_others_do_not_wait_for_long_for_one_that_finds_out_what_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forms, "_LONGEST_WAIT_S", 0.05)
    known = Forms("host", TeacherSettings(model="tiny", base_url="http://host/v1"), scouts=True)
    request = ChatRequest(messages=(HI,))
    async with known.open(request), known.open(request) as second:
        assert second.body["messages"] == (HI,)
    async with known.open(request):
        pass


def test_what_the_user_insists_on_is_not_learnt_away() -> None:
    settings = TeacherSettings(model="tiny", base_url="http://host/v1")
    known, refusal = Forms("host", settings), EndpointError("no", status=400, said="Unsupported parameter: 'seed'")
    assert not known.learn(known.make(ChatRequest(messages=(HI,), extra_body={"seed": 7})), refusal)
    assert known.learn(known.make(ChatRequest(messages=(HI,), seed=7)), refusal)


def test_a_mark_of_what_may_be_cached_is_left_out_where_it_is_refused() -> None:
    settings = TeacherSettings(model="tiny", base_url="http://host/v1", caching="cache_control")
    known = Forms("host", settings)
    said = "messages.0.content.0.cache_control: Extra inputs are not permitted"
    marked = known.make(ChatRequest(messages=(HI,)))
    assert "cache_control" in marked.body["messages"][0]["content"][0]
    assert known.learn(marked, EndpointError("no", status=400, said=said))
    assert list(known.make(ChatRequest(messages=(HI,))).body["messages"]) == [HI]


def test_first_beliefs_are_those_of_the_preset_and_of_the_embedded_teacher() -> None:
    other = TeacherSettings(model="m", base_url="http://host/v1")
    assert choose_first_beliefs(other) == Capabilities(answers="json_schema")
    for address in ("https://api.openai.com/v1", "https://mine.openai.azure.com"):
        assert choose_first_beliefs(TeacherSettings(model="m", base_url=address)) == Capabilities()
    assert choose_first_beliefs(TeacherSettings(model="m", preset="openrouter")) == Capabilities()
    assert choose_first_beliefs(TeacherSettings(model="m", preset="deepseek")).answers == "json_object"
    assert choose_first_beliefs(TeacherSettings(model="offline")).call_ids == "numbered"
