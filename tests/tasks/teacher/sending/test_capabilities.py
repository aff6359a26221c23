"""Endpoints that refuse parts of a request, in their own words: the next form is sent at once, and remembered.

The wordings of OpenAI, llama.cpp and xgrammar were read in issue threads; those of vLLM, Ollama and FastAPI are as they
are remembered, and no such endpoint has been asked.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from schemas.base import Record
from schemas.calls import ChatRequest
from schemas.errors import TeacherError
from schemas.teacher import TeacherSettings
from tasks.teacher import CompletionStore, Engine, Ledger, Teacher
from tasks.teacher.sending.capabilities import Capabilities, build_body
from tasks.teacher.structured import build_response_format
from tests.tasks.teacher.endpoints import Endpoint, Reply, build_answer, echo, fail, say, serve


class Cat(Record):
    name: str
    lives: int


FELIX = '{"name": "Felix", "lives": 9}'
Refuses = Callable[[dict[str, Any]], bool]


def refuse(reply: Reply, refuses: Refuses, then: Reply) -> Reply:
    """A reply that is `reply` to bodies that `refuses` holds of, and `then` to others."""
    return lambda body: reply(body) if refuses(body) else then(body)


def answer_error(status: int, body: Any) -> Reply:
    """An error in the endpoint's own form."""
    return lambda _: JSONResponse(body, status)


def complain(message: str, param: str | None = None, code: Any = None) -> Reply:
    """An error 400 in OpenAI's form."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return answer_error(400, {"error": error})


def asks_for(kind: str) -> Refuses:
    return lambda body: body.get("response_format", {}).get("type") == kind


def connect(url: str, store: CompletionStore | None = None, ledger: Ledger | None = None, **settings: Any) -> Teacher:
    """A teacher behind a gateway, of which it is believed that it takes whatever OpenAI takes."""
    chosen = TeacherSettings(model="tiny", base_url=url, api_key_env="NO_SUCH_KEY", preset="litellm", **settings)
    return Teacher(Engine(chosen, store, first_backoff_s=0.02), ledger or Ledger())


def write(text: str, **fields: Any) -> ChatRequest:
    return ChatRequest(messages=({"role": "user", "content": text},), **fields)


async def ask_for_cat(teacher: Teacher, text: str = "A cat, please.") -> Cat:
    return await teacher.complete_json(write(text), Cat, name="cat", stage="document", api_id="cats", owner="cats")


async def say_hello(teacher: Teacher, text: str = "Hello", **fields: Any) -> str:
    return (await teacher.complete(write(text, **fields), stage="simulate", api_id="cats", owner="cats-1")).content


def list_kinds(endpoint: Endpoint) -> list[str]:
    return [name_kind(body.get("response_format", {"type": "plain"})) for body in endpoint.requests]


def name_kind(response_format: dict[str, Any]) -> str:
    is_strict = response_format.get("json_schema", {}).get("strict")
    return "strict" if is_strict else str(response_format["type"])


OPENAI_SCHEMA = complain(
    "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model. Learn more about "
    "supported models at the Structured Outputs guide: https://platform.openai.com/docs/guides/structured-outputs"
)
OPENAI_OBJECT = complain(
    "Invalid parameter: 'response_format' of type 'json_object' is not supported with this model.", "response_format"
)
VLLM_SCHEMA = answer_error(
    400,
    {
        "object": "error",
        "message": "[{'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be "
        "'text' or 'json_object'\", 'input': 'json_schema', 'ctx': {'expected': \"'text' or 'json_object'\"}}]",
        "type": "BadRequestError",
        "param": None,
        "code": 400,
    },
)
XGRAMMAR = answer_error(
    400,
    {"error": {"message": "The provided JSON schema contains features not supported by xgrammar.", "code": 400}},
)
OLLAMA_SCHEMA = complain("invalid JSON schema in format")
LLAMA_CPP = answer_error(
    500,
    {
        "error": {
            "code": 500,
            "message": 'response_format type must be one of "text" or "json_object", but got: json_schema',
            "type": "server_error",
        }
    },
)
FASTAPI = answer_error(
    422,
    {
        "detail": [
            {"type": "extra_forbidden", "loc": ["body", "response_format"], "msg": "Extra inputs are not permitted"}
        ]
    },
)
TOO_LONG = complain("This model's maximum context length is 8192 tokens.", "messages", "context_length_exceeded")
NO_MAX_TOKENS = complain(
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    "max_tokens",
    "unsupported_parameter",
)
NO_TEMPERATURE = complain(
    "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.",
    "temperature",
    "unsupported_value",
)


class TestAnswersInJson:
    @pytest.mark.parametrize(
        "refusal",
        [OPENAI_SCHEMA, VLLM_SCHEMA, XGRAMMAR, OLLAMA_SCHEMA, LLAMA_CPP, FASTAPI],
        ids=["OpenAI", "vLLM", "xgrammar", "Ollama", "llama.cpp", "FastAPI"],
    )
    async def test_where_no_schema_is_taken_an_object_is_asked_for_and_the_schema_told(self, refusal: Reply) -> None:
        endpoint = Endpoint(last=refuse(refusal, asks_for("json_schema"), say(FELIX)))
        ledger = Ledger()
        with serve(endpoint) as url:
            async with connect(url, ledger=ledger, attempts=1) as teacher:
                assert await ask_for_cat(teacher) == Cat(name="Felix", lives=9)
                await ask_for_cat(teacher, "Another, please.")
        assert list_kinds(endpoint) == ["strict", "json_schema", "json_object", "json_object"]
        first, _, second, _ = (body["messages"][-1]["content"] for body in endpoint.requests)
        assert first == "A cat, please."
        assert second.startswith("A cat, please.\n\n")
        asked_for: Any = build_response_format(Cat, "cat")["json_schema"]
        assert json.loads(second.partition(":\n")[2]) == asked_for["schema"]
        assert [row.attempts for row in ledger.rows] == [1, 1]  # finding the form was no failure

    async def test_a_strict_schema_is_asked_for_first_and_a_loose_one_where_that_is_not_taken(self) -> None:
        is_strict = complain("Invalid schema for response_format 'cat': strict mode is not supported.")
        endpoint = Endpoint(
            last=refuse(is_strict, lambda body: body["response_format"]["json_schema"]["strict"], say(FELIX))
        )
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                assert await ask_for_cat(teacher) == Cat(name="Felix", lives=9)
                await ask_for_cat(teacher, "Another, please.")
        assert list_kinds(endpoint) == ["strict", "json_schema", "json_schema"]

    async def test_where_neither_is_taken_the_object_is_found_in_plain_text(self) -> None:
        plain = refuse(OPENAI_OBJECT, asks_for("json_object"), say(f"Sure!\n```json\n{FELIX}\n```\nAnything else?"))
        endpoint = Endpoint(last=refuse(OPENAI_SCHEMA, asks_for("json_schema"), plain))
        with serve(endpoint) as url:
            async with connect(url, attempts=1) as teacher:
                assert await ask_for_cat(teacher) == Cat(name="Felix", lives=9)
                await ask_for_cat(teacher, "Another, please.")
        assert list_kinds(endpoint) == ["strict", "json_schema", "json_object", "plain", "plain"]
        assert '"lives"' in endpoint.requests[-1]["messages"][-1]["content"]

    async def test_a_bad_answer_is_mended_in_the_form_that_was_found(self) -> None:
        endpoint = Endpoint(OPENAI_SCHEMA, OPENAI_SCHEMA, say("No."), last=say(FELIX))
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                assert await ask_for_cat(teacher) == Cat(name="Felix", lives=9)
        assert list_kinds(endpoint) == ["strict", "json_schema", "json_object", "json_object"]
        schemas = ["JSON Schema" in message["content"] for message in endpoint.requests[-1]["messages"]]
        assert schemas == [False, False, True]

    async def test_those_who_are_refused_together_step_down_once(self) -> None:
        endpoint = Endpoint(last=refuse(OPENAI_SCHEMA, asks_for("json_schema"), say(FELIX)), delay_s=0.05)
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                await asyncio.gather(*(ask_for_cat(teacher, f"Cat {n}, please.") for n in range(8)))
        assert sorted(list_kinds(endpoint)) == ["json_object"] * 8 + ["json_schema"] * 8 + ["strict"] * 8

    async def test_a_second_run_finds_what_is_stored_without_asking_what_the_endpoint_takes(
        self, tmp_path: Path
    ) -> None:
        endpoint = Endpoint(last=refuse(OPENAI_SCHEMA, asks_for("json_schema"), say(FELIX)))
        with serve(endpoint) as url, CompletionStore(tmp_path / "c.sqlite") as store:
            for run in range(2):
                async with connect(url, store) as teacher:
                    await ask_for_cat(teacher)
                    assert (teacher.counts.sent, teacher.counts.stored) == (3 * (1 - run), run)
        assert len(endpoint.requests) == 3

    @pytest.mark.parametrize(
        "refusal",
        [
            TOO_LONG,
            complain("Invalid value for 'seed'.", "seed"),
            complain(
                "[{'loc': ('body', 'messages'), 'msg': 'no', 'input': {'response_format': {'type': 'json_schema'}}}]"
            ),
            fail(400, ""),
        ],
        ids=["too long", "seed", "repeats the request", "says nothing"],
    )
    async def test_another_refusal_stays_one_and_teaches_nothing(self, refusal: Reply) -> None:
        endpoint = Endpoint(refusal, last=say(FELIX))
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                await ask_for_cat(teacher)
        assert list_kinds(endpoint) == ["strict", "strict"]

    async def test_an_endpoint_that_refuses_every_form_is_told_as_it_is(self) -> None:
        endpoint = Endpoint(last=OPENAI_SCHEMA)
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                with pytest.raises(TeacherError, match="is not supported with this model"):
                    await ask_for_cat(teacher)
        assert list_kinds(endpoint) == ["strict", "json_schema", "json_object", "plain", "plain"]


class TestSampling:
    async def test_a_refused_limit_and_temperature_are_mended_and_remembered(self) -> None:
        warm = refuse(NO_TEMPERATURE, lambda body: "temperature" in body, echo)
        endpoint = Endpoint(last=refuse(NO_MAX_TOKENS, lambda body: "max_tokens" in body, warm))
        with serve(endpoint) as url:
            async with connect(url, attempts=1, stream="never") as teacher:
                assert await say_hello(teacher, max_tokens=9) == "You said: Hello"
                assert await say_hello(teacher, "Again", max_tokens=9) == "You said: Again"
        others = ("model", "messages", "stream", "stream_options")
        limits = [{name: body[name] for name in body if name not in others} for body in endpoint.requests]
        assert limits == [
            {"temperature": 0.7, "max_tokens": 9},
            {"temperature": 0.7, "max_completion_tokens": 9},
            {"max_completion_tokens": 9},
            {"max_completion_tokens": 9},
        ]

    @pytest.mark.parametrize(
        "message",
        [
            "Unsupported parameter: 'temperature' is not supported with this model.",
            "`temperature` is deprecated for this model.",
            "invalid temperature: only 1 is allowed for this model",
        ],
    )
    async def test_a_refused_temperature_is_left_out(self, message: str) -> None:
        endpoint = Endpoint(last=refuse(complain(message), lambda body: "temperature" in body, echo))
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                await say_hello(teacher)
        assert ["temperature" in body for body in endpoint.requests] == [True, False]

    @pytest.mark.parametrize(
        "refusal",
        [
            complain("max_tokens is too large: 9. This model supports at most 4 completion tokens.", "max_tokens"),
            complain("'max_tokens' or 'max_completion_tokens' is too large: 9.", None, 400),
            complain("Invalid 'temperature': decimal above maximum value. Expected a value <= 2.", "temperature"),
            complain("tiny does not support tools"),
        ],
    )
    async def test_a_refused_value_stays_an_error(self, refusal: Reply) -> None:
        endpoint = Endpoint(last=refusal)
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                with pytest.raises(TeacherError, match=r"answered 400|\(400: tiny does not support tools\)"):
                    await say_hello(teacher, max_tokens=9)
        assert {json.dumps(body) for body in endpoint.requests} == {json.dumps(endpoint.requests[0])}


class TestThoughts:
    @pytest.mark.parametrize(
        "message",
        [
            {"content": "Hello.", "reasoning_content": "Say hello?", "reasoning": "Say hello?"},
            {"content": "<think>\nSay hello?\n</think>\n\nHello."},
            {"content": "Say hello?\n</think>\n\nHello."},
            {"content": "Hello.\n<think>Say hello"},
            {"content": [{"type": "reasoning", "text": "Say hello?"}, {"type": "text", "text": "Hello."}]},
        ],
        ids=["field", "block", "opened in the prompt", "never ended", "part"],
    )
    async def test_they_are_no_part_of_the_answer_but_counted(self, message: dict[str, Any]) -> None:
        body = build_answer(choices=[{"index": 0, "finish_reason": "stop", "message": message}])
        ledger = Ledger()
        with serve(Endpoint(last=lambda _: JSONResponse(body))) as url:
            async with connect(url, ledger=ledger) as teacher:
                assert await say_hello(teacher) == "Hello."
        assert [row.reasoning_tokens for row in ledger.rows] == [3]

    async def test_they_are_not_taken_for_the_json_answer(self) -> None:
        thought = f'<think>Maybe {{"name": "Tom", "lives": 1}}?</think>\n{FELIX}'
        with serve(Endpoint(last=say(thought))) as url:
            async with connect(url) as teacher:
                assert await ask_for_cat(teacher) == Cat(name="Felix", lives=9)

    async def test_a_thought_that_used_up_the_limit_is_an_answer_cut_off(self) -> None:
        def think(_: dict[str, Any]) -> Response:
            message = {"content": None, "reasoning_content": "Hm, a cat"}
            return JSONResponse(build_answer(choices=[{"finish_reason": "length", "message": message}]))

        with serve(Endpoint(last=think)) as url:
            async with connect(url) as teacher:
                with pytest.raises(TeacherError, match="cut off at the limit"):
                    await ask_for_cat(teacher)


class TestBody:
    def test_what_nobody_refused_is_sent_byte_for_byte_as_asked(self) -> None:
        tool = {"type": "function", "function": {"name": "f"}}
        form = {"type": "json_schema", "json_schema": {"name": "cat", "schema": {"type": "object"}, "strict": False}}
        request = write("Hi", tools=(tool,), response_format=form, temperature=0.7, max_tokens=9, seed=5)
        assert json.dumps(build_body("tiny", request, Capabilities())) == (
            '{"model": "tiny", "messages": [{"role": "user", "content": "Hi"}], "tools": [{"type": "function", '
            '"function": {"name": "f"}}], "response_format": {"type": "json_schema", "json_schema": {"name": "cat", '
            '"schema": {"type": "object"}, "strict": false}}, "temperature": 0.7, "max_tokens": 9, "seed": 5}'
        )

    def test_a_schema_gets_a_message_of_its_own_where_the_last_is_not_the_users_text(self) -> None:
        form = {"type": "json_schema", "json_schema": {"name": "cat", "schema": {"type": "object"}}}
        parts = {"role": "user", "content": [{"type": "text", "text": "A cat."}]}
        for last in ({"role": "assistant", "content": "A cat?"}, parts):
            body = build_body(
                "tiny", ChatRequest(messages=(last,), response_format=form), Capabilities(answers="plain")
            )
            assert body["messages"][0] == last
            assert body["messages"][1]["role"] == "user"
            assert '{"type": "object"}' in body["messages"][1]["content"]

    def test_an_object_asked_for_without_a_schema_stays_one_while_that_is_taken(self) -> None:
        request = write("Hi", response_format={"type": "json_object"})
        assert build_body("tiny", request, Capabilities(answers="json_object"))["response_format"] == {
            "type": "json_object"
        }
        assert "response_format" not in build_body("tiny", request, Capabilities(answers="plain"))
