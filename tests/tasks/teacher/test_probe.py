"""The probe: two small requests before anything is bought, and a run that cannot work ends at once with the remedy."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from schemas.calls import ChatRequest
from schemas.errors import FatalTeacherError, TeacherError
from schemas.teacher import TeacherSettings
from tasks.embedded.app import answer_chat
from tasks.teacher import CompletionStore, Engine, Ledger, Teacher
from tasks.teacher.engine.engine import Probe
from tasks.teacher.probe import ask_for_call
from tasks.teacher.sending.capabilities import Capabilities, build_body
from tests.tasks.teacher.endpoints import Endpoint, Reply, call_or_echo, fail, say, serve


def answer_some(holds: str, reply: Reply) -> Reply:
    """`reply` to a body that has such a key or message, and `call_or_echo` to anything else."""
    return lambda body: (
        reply(body) if holds in body or holds in str(body["messages"][-1]["content"]) else call_or_echo(body)
    )


def connect(
    url: str, store: CompletionStore | None = None, ledger: Ledger | None = None, probe: Probe = "tools", **more: Any
) -> Teacher:
    settings = TeacherSettings(model="tiny", base_url=url, api_key_env="TINY_KEY", attempts=1, **more)
    return Teacher(Engine(settings, store, first_backoff_s=0.02, probe=probe), ledger or Ledger())


async def ask(teacher: Teacher, text: str = "Hello", **fields: Any) -> str:
    request = ChatRequest(messages=({"role": "user", "content": text},), **fields)
    return (await teacher.complete(request, stage="document", api_id="cats", owner="cats")).content


def list_kinds(endpoint: Endpoint) -> list[str]:
    return [
        "tools" if "tools" in body else "json" if "response_format" in body else "plain" for body in endpoint.requests
    ]


class TestWhatGoesOut:
    async def test_one_request_with_functions_and_one_with_a_schema_go_before_the_first(self) -> None:
        endpoint, ledger = Endpoint(last=call_or_echo), Ledger()
        with serve(endpoint) as url:
            async with connect(url, ledger=ledger) as teacher:
                answers = await asyncio.gather(ask(teacher), ask(teacher, "Again"))
        assert list(answers) == ["You said: Hello", "You said: Again"]
        assert list_kinds(endpoint) == ["tools", "json", "plain", "plain"]
        assert [(row.stage, row.api_id, row.prompt_tokens) for row in ledger.drain("cats", "document")] == [
            ("probe", "cats", 10), ("probe", "cats", 10), ("document", "cats", 10), ("document", "cats", 10),
        ]  # fmt: skip
        assert teacher.state.spent.calls == 4

    async def test_a_toolset_needs_no_functions(self) -> None:
        endpoint = Endpoint(last=answer_some("tools", fail(400, "tiny does not support tools")))
        with serve(endpoint) as url:
            async with connect(url, probe="json") as teacher:
                await ask(teacher)
        assert list_kinds(endpoint) == ["json", "plain"]

    async def test_what_is_stored_needs_no_endpoint(self, tmp_path: Path) -> None:
        endpoint = Endpoint(last=call_or_echo)
        with serve(endpoint) as url, CompletionStore(tmp_path / "c.sqlite") as store:
            for _ in range(2):
                async with connect(url, store) as teacher:
                    await ask(teacher)
            assert store.count() == 3  # what was paid is kept
        assert list_kinds(endpoint) == ["tools", "json", "plain"]

    async def test_of_two_runs_that_begin_together_one_probes_and_both_know(self, tmp_path: Path) -> None:
        endpoint = Endpoint(last=answer_some("seed", fail(422, "seed: Extra inputs are not permitted")))
        with serve(endpoint) as url, CompletionStore(tmp_path / "c.sqlite") as store:
            async with connect(url, store) as late:  # opened before the other learns
                async with connect(url, store) as early:
                    await ask(early, "one", seed=5)
                await ask(late, "two", seed=5)
        assert list_kinds(endpoint) == ["tools", "tools", "json", "plain", "plain"]
        assert ["seed" in body for body in endpoint.requests] == [True, False, False, False, False]

    async def test_one_that_was_answered_holds_for_a_day(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        endpoint = Endpoint(last=call_or_echo)
        with serve(endpoint) as url, CompletionStore(tmp_path / "c.sqlite") as store:
            for text in ("one", "two"):
                async with connect(url, store) as teacher:
                    await ask(teacher, text)
            assert list_kinds(endpoint) == ["tools", "json", "plain", "plain"]
            monkeypatch.setattr("tasks.teacher.sending.forms.PROBED_S", 0.0)
            async with connect(url, store) as teacher:
                await ask(teacher, "three")
        assert list_kinds(endpoint)[4:] == ["tools", "json", "plain"]

    async def test_while_it_holds_a_refusal_is_about_the_request(self, tmp_path: Path) -> None:
        endpoint = Endpoint(last=call_or_echo)
        with serve(endpoint) as url, CompletionStore(tmp_path / "c.sqlite") as store:
            async with connect(url, store) as teacher:
                await ask(teacher)
            endpoint.last = fail(422, "not this one")
            async with connect(url, store) as teacher:
                with pytest.raises(TeacherError, match="not this one") as caught:
                    await ask(teacher, "Again")
        assert not isinstance(caught.value, FatalTeacherError)

    async def test_the_embedded_teacher_answers_it_as_any_other_does(self) -> None:
        def answer(body: dict[str, Any]) -> Response:
            status, raw = answer_chat(json.dumps({**body, "model": "offline"}).encode())
            return Response(raw, status, media_type="application/json")

        endpoint = Endpoint(last=answer)
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                with pytest.raises(TeacherError, match="own prompts"):
                    await ask(teacher)
        assert list_kinds(endpoint) == ["tools", "json", "plain", "plain"]  # what is refused is asked once more

    async def test_it_ends_with_the_engine(self) -> None:
        endpoint = Endpoint(last=call_or_echo).hold()
        with serve(endpoint) as url:
            teacher = connect(url)
            asking = asyncio.create_task(ask(teacher))
            while not endpoint.requests:
                await asyncio.sleep(0.01)
            asking.cancel()
            teacher.abort()
            await teacher.aclose()
            assert [task for task in asyncio.all_tasks() if "probe" in repr(task.get_coro())] == []
            endpoint.release()
        assert list_kinds(endpoint) == ["tools"]


class TestWhatItTeaches:
    async def test_what_is_refused_is_met_once_though_many_wait(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        endpoint = Endpoint(last=answer_some("seed", fail(422, "seed: Extra inputs are not permitted")))
        with serve(endpoint) as url, CompletionStore(tmp_path / "c.sqlite") as store:
            async with connect(url, store) as teacher:
                await asyncio.gather(*(ask(teacher, f"{number}", seed=number) for number in range(20)))
            assert ["seed" in body for body in endpoint.requests] == [True] + [False] * 22
            assert [record.getMessage() for record in caplog.records if "seed" in record.getMessage()] == [
                f"{url} does not take `seed`: requests go without it"
            ]
            caplog.clear()
            async with connect(url, store) as teacher:
                await ask(teacher, "new", seed=5)
            assert "seed" not in endpoint.requests[-1]
            (record,) = caplog.records
            assert "toolherd completions forget" in record.getMessage()
        assert len(endpoint.requests) == 24

    @pytest.mark.parametrize(
        ("answer", "lines"),
        [
            (say('{"city": "Oslo", "unit": "celsius"}'), 1),
            (say("Oslo has one, which uses celsius."), 1),
            (say('{"stations": [{"city": "Oslo"}], "unit": "celsius"}'), 0),
            (say('{"stations": [{"city": "Os', "length"), 0),
        ],
        ids=["other JSON", "words", "as it says", "cut off"],
    )
    async def test_a_schema_that_is_dropped_unseen_goes_into_the_message(
        self, answer: Reply, lines: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        described: dict[str, Any] = {
            "type": "json_schema",
            "json_schema": {"name": "pet", "schema": {"type": "object", "properties": {"petId": {"type": "string"}}}},
        }
        endpoint = Endpoint(last=answer_some("<probe>", answer))
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                await ask(teacher, response_format=described)
        sent = endpoint.requests[-1]
        assert sent["response_format"] == ({"type": "json_object"} if lines else described)
        assert ("petId" in json.dumps(sent["messages"])) == bool(lines)
        told = [record.getMessage() for record in caplog.records if "no schema for JSON" in record.getMessage()]
        assert len(told) == lines

    async def test_what_no_probe_held_goes_alone_first(self) -> None:
        refused = fail(400, "Unsupported parameter: 'reasoning_effort'")
        endpoint = Endpoint(last=answer_some("reasoning_effort", refused), delay_s=0.02)
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                await asyncio.gather(*(ask(teacher, f"{number}", reasoning_effort="low") for number in range(8)))
        assert ["reasoning_effort" in body for body in endpoint.requests] == [False] * 2 + [True] + [False] * 8
        assert endpoint.busiest > 1

    async def test_one_that_fails_for_another_reason_holds_nobody_up(self) -> None:
        def answer(body: dict[str, Any]) -> Response:
            return fail(400, "no")(body) if body["messages"][-1]["content"] == "0" else call_or_echo(body)

        with serve(Endpoint(last=answer, delay_s=0.02)) as url:
            async with connect(url) as teacher:
                asked = [ask(teacher, f"{number}", reasoning_effort="low") for number in range(4)]
                outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert [isinstance(outcome, TeacherError) for outcome in outcomes] == [True, False, False, False]

    async def test_a_row_says_what_it_went_without(self, tmp_path: Path) -> None:
        endpoint = Endpoint(last=answer_some("temperature", fail(400, "`temperature` is deprecated for this model.")))
        for _ in range(2):  # asked, and from the store
            ledger = Ledger()
            with serve(endpoint) as url, CompletionStore(tmp_path / "c.sqlite") as store:
                async with connect(url, store, ledger) as teacher:
                    await ask(teacher, seed=5)
            row = ledger.drain("cats", "document")[-1]
            assert row.left_out == ("temperature",)
            assert row.sampling == '{"temperature":null,"top_p":null,"reasoning_effort":null,"seed":5}'


NO_TOOLS = {
    "vLLM": (
        400,
        '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        "start the server with --enable-auto-tool-choice and --tool-call-parser",
    ),
    "llama.cpp": (500, "tools param requires --jinja flag", "start llama-server with --jinja"),
    "Ollama": (400, "registry.ollama.ai/library/gemma3:4b does not support tools", "name a model that can"),
    "OpenRouter": (
        404,
        "No endpoints found that support tool use. To learn more, visit: https://x",
        "openrouter.ai/models",
    ),
    "Gemini": (400, "Function calling is not enabled for models/gemma-3-27b-it", "name a model that can"),
    "Groq": (400, "`tool calling` is not supported with this model", "name a model that can"),
    "LiteLLM": (400, "litellm.UnsupportedParamsError: x does not support parameters: ['tools'], for model=m", "name a"),
    "LiteLLM, whole": (
        400,
        "together_ai does not support parameters: {'tools': [{'type': 'function', 'properties': {}}]}",
        "name a",
    ),
    "SGLang": (400, "Unsupported tool_call_parser: None", "--tool-call-parser"),
    "OpenAI": (400, "Unsupported parameter: 'tools' is not supported with this model.", "name a model that can"),
}


class TestWhoCannotCall:
    @pytest.mark.parametrize("name", NO_TOOLS)
    async def test_a_refusal_ends_the_run_with_the_endpoints_words_and_the_remedy(self, name: str) -> None:
        status, said, remedy = NO_TOOLS[name]
        endpoint = Endpoint(last=answer_some("tools", fail(status, said)))
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                asked = [ask(teacher, f"{number}") for number in range(3)]
                outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {FatalTeacherError}
        text = str(outcomes[0])
        assert remedy in text
        assert said[:40] in text
        assert "\n" not in text
        assert list_kinds(endpoint) == ["tools"]

    async def test_one_that_answers_in_words_is_told_twice(self) -> None:
        endpoint = Endpoint(last=say("It is sunny."))
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                with pytest.raises(FatalTeacherError, match=r"told 2 times .* It is sunny\..*--jinja"):
                    await ask(teacher)
        assert list_kinds(endpoint) == ["tools", "tools"]
        assert endpoint.requests[0]["seed"] != endpoint.requests[1]["seed"]

    async def test_one_that_calls_at_the_second_time_can(self) -> None:
        with serve(Endpoint(say("It is sunny."), last=call_or_echo)) as url:
            async with connect(url) as teacher:
                assert await ask(teacher) == "You said: Hello"

    async def test_silence_tells_nothing_and_is_drawn_again(self) -> None:
        with serve(Endpoint(*[say("")] * 4, say("It is sunny."), last=call_or_echo)) as url:
            async with connect(url) as teacher:
                assert await ask(teacher) == "You said: Hello"

    async def test_one_that_is_always_silent_is_told_six_times(self) -> None:
        endpoint = Endpoint(last=say(""))
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                with pytest.raises(FatalTeacherError, match="told 6 times"):
                    await ask(teacher)
        assert list_kinds(endpoint) == ["tools"] * 6

    async def test_a_bad_key_is_told_as_what_it_is(self) -> None:
        endpoint = Endpoint(last=fail(401, "no such key"))
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                with pytest.raises(FatalTeacherError, match="refuses the API key"):
                    await ask(teacher)
        assert list_kinds(endpoint) == ["tools"]

    async def test_a_failure_of_the_probe_itself_is_left_to_the_run(self) -> None:
        with serve(Endpoint(fail(500, "oops"), fail(400, "messages are odd"), last=call_or_echo)) as url:
            async with connect(url) as teacher:
                assert await ask(teacher) == "You said: Hello"


def test_each_draw_is_another_request() -> None:
    requests = [ask_for_call(TeacherSettings(model="m"), draw) for draw in range(3)]
    seeds = [build_body("m", request, Capabilities())["seed"] for request in requests]
    assert len(set(seeds)) == 3


async def test_an_endpoint_that_stays_away_is_waited_for_once_and_not_by_each_request_of_the_probe(
    tmp_path: Path,
) -> None:
    endpoint = Endpoint(last=call_or_echo)
    with serve(endpoint) as url, CompletionStore(tmp_path / "c.sqlite") as store:
        async with connect(url, store, probe="json") as teacher:
            await ask(teacher)
        endpoint.last, before = fail(502), len(endpoint.requests)
        async with connect(url, store, give_up_s=0.3) as teacher:
            await ask(teacher)  # it is known to have answered, so that a failure may be one request's own
            asked = [ask(teacher, f"{number}") for number in range(3)]
            outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {FatalTeacherError}
    assert "see that it runs" in str(outcomes[0])
    assert {"tools" in body for body in endpoint.requests[before:]} == {True}
