"""What each failure means for the run, the throttle, the budget and the caps a minute; in passing time."""

import asyncio
import random
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.responses import JSONResponse, Response

from schemas.calls import ChatRequest, Completion, Usage
from schemas.errors import FatalTeacherError, RunStoppedError, TeacherError
from schemas.parameters import Budget
from schemas.teacher import TeacherSettings
from tasks.teacher.budget import Account, RecentErrors
from tasks.teacher.counting import TokenCounter
from tasks.teacher.in_process import connect_app
from tasks.teacher.sending.sender import Sender
from tests.tasks.teacher.endpoints import Endpoint, Reply, build_answer, echo, fail, say, show_html
from tests.tasks.teacher.passing_time import in_passing_time, read_clock

LATE_S = 1000.0
WARM = fail(400, "Unsupported parameter: 'temperature' is not supported with this model.")


class Errors(RecentErrors):
    """What was noted; a run in which nothing may fail is stopped by the first failure."""

    def __init__(self, most: float = 1.0) -> None:
        super().__init__(most)
        self._none = most == 0
        self.noted: list[str | None] = []

    def note(self, problem: str | None, shape: str = "", refused: str = "") -> None:
        self.noted.append(problem)
        if problem is not None and self._none:
            raise RunStoppedError(f"too much: {problem}", "errors")


def connect(
    endpoint: Endpoint, *, budget: Budget | None = None, errors: RecentErrors | None = None, **fields: Any
) -> Sender:
    """A sender to an app in process that is taken for one elsewhere."""
    settings = TeacherSettings.model_validate(
        {"model": "tiny", "base_url": "http://host/v1", "concurrency": 10, "timeout_s": LATE_S / 2, **fields}
    )
    account = Account(budget or Budget(), None, "tiny")
    client = connect_app(endpoint.app)
    return Sender(settings, "http://host/v1", SecretStr(""), client, account, errors or Errors(), 0.5)


def ask(text: str = "Hello", **fields: Any) -> ChatRequest:
    return ChatRequest(messages=({"role": "user", "content": text},), **fields)


def lose(_: dict[str, Any]) -> Response:
    """The connection breaks."""
    raise ConnectionResetError("lost")


class Slow(Endpoint):
    """An endpoint whose first answers come too late: as many as `late`."""

    def __init__(self, late: int) -> None:
        super().__init__()
        self.late = late

    async def _wait_for_release(self) -> None:
        self.late -= 1
        await asyncio.sleep(LATE_S if self.late >= 0 else 0)


class TestWhatCountsAsAFailureOfTheRun:
    @pytest.mark.parametrize(
        ("script", "noted"),
        [
            ([], [None]),
            ([lose], [None]),
            ([lose, lose], [None]),
            ([show_html], ["not JSON", None]),
            ([fail(500)], ["answered 500", None]),
            ([fail(500), lose], ["answered 500", None]),
            ([fail(429)] * 3, [None]),
            ([fail(429), lose], [None]),
            ([fail(503)], [None]),
            ([WARM], [None]),
            ([WARM, lose], [None]),
            ([fail(400)], ["answered 400", None]),
            ([fail(400), fail(400)], ["answered 400", "answered 400"]),
            ([fail(401)], ["refuses the API key"]),
            ([fail(404, "no such model")], ["has no model"]),
        ],
        ids=[
            *("answered", "broken off", "broken off twice", "no answer", "500", "500 and broken off", "limits"),
            *("broken off after a limit", "503", "a form refused", "and broken off", "refused", "refused twice"),
            *("bad key", "no model"),
        ],
    )
    def test_limits_do_not_nor_an_endpoint_that_answers_nobody_nor_a_form_that_is_not_taken(
        self, script: list[Reply], noted: list[str | None]
    ) -> None:
        @in_passing_time
        async def play() -> None:
            errors = Errors()
            sender = connect(Endpoint(*script), errors=errors)
            if noted[-1] is None:
                await sender.send(ask(temperature=0.7))
            else:
                with pytest.raises(TeacherError):
                    await sender.send(ask(temperature=0.7))
            assert len(errors.noted) == len(noted)
            for found, expected in zip(errors.noted, noted, strict=True):
                assert found == expected or (expected is not None and expected in (found or ""))

        play()

    @in_passing_time
    async def test_an_answer_that_is_late_does_at_once(self) -> None:
        errors = Errors()
        await connect(Slow(1), errors=errors).send(ask())
        assert errors.noted == ["http://host/v1 gave no answer within 500 s", None]

    @in_passing_time
    async def test_the_one_that_is_too_much_stops_the_run_with_its_own_request_and_those_that_wait(self) -> None:
        endpoint = Endpoint(last=fail(500))
        sender = connect(endpoint, errors=Errors(0.0), concurrency=1)
        results = await asyncio.gather(*(sender.send(ask(str(n))) for n in range(3)), return_exceptions=True)
        assert [str(result) for result in results] == ["too much: http://host/v1 answered 500: no"] * 3
        assert str(sender.stopped) == str(results[0])
        assert len(endpoint.requests) == sender.sent == 2  # the second had been let in by then

    @in_passing_time
    async def test_a_fatal_one_stays_what_it_is_though_the_run_is_stopped_by_it(self) -> None:
        sender = connect(Endpoint(last=fail(401)), errors=Errors(0.0))
        with pytest.raises(FatalTeacherError):
            await sender.send(ask())
        assert sender.stopped is not None


class TestWhatTheThrottleHears:
    @pytest.mark.parametrize(
        ("script", "limit"),
        [
            ([fail(429)], 9),
            ([fail(503)], 9),
            ([fail(529)], 9),
            ([fail(500)], 10),
            ([fail(502)], 10),
            ([fail(408)], 10),
            ([lose], 10),
            ([show_html], 10),
            ([WARM], 10),
            ([fail(429, code="insufficient_quota")], 10),
            ([fail(400)], 10),
        ],
        ids=["429", "503", "529", "500", "502", "408", "broken", "no answer", "form", "no credit", "refused"],
    )
    def test_only_what_fewer_at_a_time_would_have_helped_lowers_the_limit(
        self, script: list[Reply], limit: int
    ) -> None:
        @in_passing_time
        async def play() -> None:
            endpoint = Endpoint(*script).hold()
            sender = connect(endpoint, attempts=2)
            sent = [asyncio.create_task(sender.send(ask(str(n), temperature=0.7))) for n in range(10)]
            await asyncio.sleep(1)
            assert sender.throttle.in_flight == 10
            sender.throttle.note_answer = lambda ticket: None  # type: ignore[method-assign]
            endpoint.release()
            await asyncio.wait(sent)
            assert sender.throttle.limit == limit
            assert sender.throttle.in_flight == 0

        play()

    @in_passing_time
    async def test_so_does_an_answer_that_is_late(self) -> None:
        sender = connect(Slow(1))
        await sender.send(ask())
        assert sender.throttle.limit == 1  # the only one in flight was refused

    @in_passing_time
    async def test_answers_raise_it(self) -> None:
        endpoint = Endpoint(delay_s=1)
        sender = connect(endpoint, concurrency=100)
        assert sender.throttle.limit == 64
        await asyncio.gather(*(sender.send(ask(str(n))) for n in range(200)))
        assert sender.throttle.limit == 100
        assert endpoint.busiest == 100

    @in_passing_time
    async def test_how_long_the_endpoint_asks_to_wait_is_passed_on(self) -> None:
        sender = connect(Endpoint(*[fail(429, headers={"retry-after": "50"})] * 20), concurrency=7)
        sent = [asyncio.create_task(sender.send(ask(str(n)))) for n in range(7)]
        await asyncio.sleep(49)
        assert sender.throttle.pause_s == 0  # each waits for itself
        await asyncio.sleep(3)
        assert sender.throttle.pause_s > 45  # those after the fall were refused too
        await asyncio.wait(sent)

    @in_passing_time
    async def test_in_process_there_is_nobody_to_be_spared(self) -> None:
        embedded: dict[str, Any] = {"model": "offline", "base_url": None}
        elsewhere: dict[str, Any] = {}
        for fields, limit in ((embedded, 200), (elsewhere, 64)):
            assert connect(Endpoint(), concurrency=200, **fields).throttle.limit == limit

    @pytest.mark.parametrize(
        ("fields", "strict"),
        [({"preset": "litellm"}, True), ({}, False), ({"model": "offline", "base_url": None}, False)],
        ids=["as OpenAI", "other", "embedded"],
    )
    def test_a_strict_schema_goes_where_that_is_believed_to_be_of_use(
        self, fields: dict[str, Any], strict: bool
    ) -> None:
        schema = {"type": "object", "properties": {"a": {"type": "string"}}}
        form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema, "strict": False}}

        @in_passing_time
        async def play() -> None:
            endpoint = Endpoint()
            await connect(endpoint, **fields).send(ask(response_format=form))
            assert (endpoint.requests[0]["response_format"] != form) == strict

        play()


class TestPlacesAndBudget:
    @pytest.mark.parametrize("reply", [echo, fail(400), fail(401), lose, show_html, say("x")])
    def test_whatever_becomes_of_a_request_its_place_is_given_back(self, reply: Reply) -> None:
        @in_passing_time
        async def play() -> None:
            sender = connect(Endpoint(last=reply), attempts=1, concurrency=1)
            for text in ("one", "two"):
                await asyncio.wait([asyncio.create_task(sender.send(ask(text)))])
                assert sender.throttle.in_flight == 0
            assert sender.sent >= 2

        play()

    @in_passing_time
    async def test_so_is_that_of_one_that_is_cancelled_and_its_share_of_the_budget(self) -> None:
        endpoint = Endpoint().hold()
        sender = connect(endpoint, budget=Budget(calls=1))
        sending = asyncio.create_task(sender.send(ask()))
        await asyncio.sleep(1)
        assert (sender.throttle.in_flight, endpoint.busy) == (1, 1)
        sending.cancel()
        await asyncio.wait([sending])
        assert sender.throttle.in_flight == 0
        endpoint.release()
        await sender.send(ask())

    @in_passing_time
    async def test_one_for_which_the_budget_has_no_room_is_not_sent_and_ends_the_run(self) -> None:
        endpoint = Endpoint()
        sender = connect(endpoint, budget=Budget(calls=1))
        await sender.send(ask())
        with pytest.raises(RunStoppedError, match="budget of 1 completions"):
            await sender.send(ask("again"))
        assert sender.stopped is not None
        assert sender.stopped.cause == "budget"
        assert (sender.throttle.in_flight, sender.sent, len(endpoint.requests)) == (0, 1, 1)
        with pytest.raises(RunStoppedError, match="budget of 1 completions"):
            await sender.throttle.enter()

    @pytest.mark.parametrize("script", [[fail(500)] * 3, [lose] * 3, [fail(429)] * 3, [show_html], [WARM]])
    def test_what_failed_was_not_bought(self, script: list[Reply]) -> None:
        @in_passing_time
        async def play() -> None:
            sender = connect(Endpoint(*script), budget=Budget(calls=1))
            await sender.send(ask(temperature=0.7))
            assert sender.sent == len(script) + 1

        play()

    @pytest.mark.parametrize(("spare", "goes"), [(0, True), (-1, False)])
    def test_a_request_takes_its_prompt_at_least(self, spare: int, goes: bool) -> None:
        prompt = TokenCounter().count_prompt({"messages": [{"role": "user", "content": "x" * 400}]})

        @in_passing_time
        async def play() -> None:
            sender = connect(Endpoint(), budget=Budget(tokens=prompt + spare))
            if goes:
                await sender.send(ask("x" * 400))
            else:
                with pytest.raises(RunStoppedError, match="tokens"):
                    await sender.send(ask("x" * 400))

        play()

    @pytest.mark.parametrize("budget", [Budget(), Budget(calls=9), Budget(tokens=9999)])
    def test_usage_that_is_not_told_is_counted_and_marked(self, budget: Budget) -> None:
        @in_passing_time
        async def play() -> None:
            endpoint = Endpoint(lambda _: JSONResponse(build_answer("four" * 5, usage=None)))
            sender = connect(endpoint, budget=budget)
            completion, _ = await sender.send(ask("x" * 400))
            prompt = TokenCounter().count_prompt({"messages": [{"role": "user", "content": "x" * 400}]})
            assert (completion.usage, completion.estimated) == (Usage(prompt=prompt, completion=5), True)
            assert not (await sender.send(ask()))[0].estimated

        play()

    @in_passing_time
    async def test_attempts_are_told_and_limits_are_among_them_but_not_a_form_that_is_not_taken(self) -> None:
        script = [WARM, fail(500), fail(429), lose]
        completion, attempts = await connect(Endpoint(*script)).send(ask(temperature=0.7))
        assert (completion.content, attempts) == ("You said: Hello", 4)


class TestCaps:
    async def measure(self, tokens: int, fields: dict[str, Any], reply: Reply = echo) -> float:
        """Seconds between two requests, the first of which the endpoint says has taken so many tokens."""
        usage = {"prompt_tokens": tokens // 2, "completion_tokens": tokens - tokens // 2}
        sender = connect(Endpoint(lambda _: JSONResponse(build_answer("1", usage=usage)), last=reply), **fields)
        await sender.send(ask("x" * 4000))
        began = read_clock()
        await sender.send(ask())
        return read_clock() - began

    @in_passing_time
    async def test_tokens_a_minute_are_those_that_were_used(self) -> None:
        assert await self.measure(3000, {"tpm": 6000}) == pytest.approx((3000 - 100 + 1) / 100)
        assert await self.measure(2, {"tpm": 6000}) == pytest.approx(0)
        assert await self.measure(3000, {}) == 0

    @in_passing_time
    async def test_what_is_in_flight_counts_by_its_length(self) -> None:
        endpoint = Endpoint(delay_s=100)
        sender = connect(endpoint, tpm=6000)
        first, second = (asyncio.create_task(sender.send(ask(text))) for text in ("x" * 8000, "Hello"))
        prompt = TokenCounter().count_prompt({"messages": [{"role": "user", "content": "x" * 8000}]})
        until = (prompt - 100 + 1) / 100
        await asyncio.sleep(until - 0.01)
        assert endpoint.busy == 1
        await asyncio.sleep(0.02)
        assert endpoint.busy == 2
        await asyncio.wait([first, second])

    @in_passing_time
    async def test_one_that_failed_took_what_was_thought(self) -> None:
        sender, began = connect(Endpoint(fail(500)), tpm=6000), read_clock()
        await sender.send(ask("x" * 8000))
        assert 19 < read_clock() - began < 21


class TestStopping:
    @in_passing_time
    async def test_the_first_reason_stands(self) -> None:
        sender = connect(Endpoint())
        sender.stop(RunStoppedError("first", "budget"))
        sender.stop(RunStoppedError("second", "signal"))
        for waits in (sender.send(ask()), sender.rest(5), sender.throttle.enter()):
            with pytest.raises(RunStoppedError, match="first"):
                await waits
        assert str(sender.stopped) == "first"

    @in_passing_time
    async def test_who_rests_rests_as_long_as_was_said_or_until_it_stops(self) -> None:
        sender, began = connect(Endpoint()), read_clock()
        await sender.rest(5)
        assert read_clock() - began == pytest.approx(5)
        resting = asyncio.create_task(sender.rest(5))
        await asyncio.sleep(2)
        sender.stop(RunStoppedError("enough", "signal"))
        with pytest.raises(RunStoppedError, match="enough"):
            await resting
        assert read_clock() - began == pytest.approx(7)

    @in_passing_time
    async def test_what_is_in_flight_is_answered(self) -> None:
        endpoint = Endpoint().hold()
        sender = connect(endpoint)
        sending = asyncio.create_task(sender.send(ask()))
        await asyncio.sleep(1)
        sender.stop(RunStoppedError("enough", "signal"))
        endpoint.release()
        assert (await sending)[0].content == "You said: Hello"


@pytest.mark.forced
class TestThoseWhoAreRefusedTogether:
    def test_learn_once_and_a_second_refusal_of_the_old_form_takes_no_further_step(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The late one is refused for the form that was given up meanwhile."""
        monkeypatch.setattr(random, "uniform", lambda low, high: low)
        schema = {"type": "object", "properties": {"a": {"type": "string"}}}
        form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema, "strict": False}}

        def refuse_strict(body: dict[str, Any]) -> Response:
            strict = body["response_format"].get("json_schema", {}).get("strict")
            return fail(400, "response_format: no")(body) if strict else echo(body)

        @in_passing_time
        async def play() -> None:
            endpoint = Endpoint(last=refuse_strict).hold()
            sender = connect(endpoint, preset="litellm")
            early = asyncio.create_task(sender.send(ask("early", response_format=form)))
            late = asyncio.create_task(sender.send(ask("late", response_format=form)))
            await asyncio.sleep(1)
            endpoint.release()
            answers: list[Completion] = [answer for answer, _ in await asyncio.gather(early, late)]
            assert [answer.content for answer in answers] == ["You said: early", "You said: late"]
            kinds = [body["response_format"]["json_schema"]["strict"] for body in endpoint.requests]
            assert kinds == [True, True, False, False]

        play()

    def test_one_that_was_refused_long_ago_takes_nobody_a_step_back(self) -> None:
        schema = {"type": "object", "properties": {"a": {"type": "string"}}}
        form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema, "strict": False}}

        class Hesitant(Endpoint):
            """Takes ten seconds over the first thing that is said late, one over all others."""

            async def _wait_for_release(self) -> None:
                is_first_of_late = [text == "late" for text in self.list_texts()].count(True) == 1
                await asyncio.sleep(10 if is_first_of_late and self.list_texts()[-1] == "late" else 1)

            def list_texts(self) -> list[str]:
                return [body["messages"][0]["content"].partition("\n")[0] for body in self.requests]

        def refuse_schemas(body: dict[str, Any]) -> Response:
            wanted = body["response_format"]["type"] == "json_object"
            return echo(body) if wanted else fail(400, "response_format: no")(body)

        @in_passing_time
        async def play() -> None:
            endpoint = Hesitant(last=refuse_schemas)
            sender = connect(endpoint, preset="litellm")
            late = asyncio.create_task(sender.send(ask("late", response_format=form)))
            await asyncio.sleep(0.5)
            early = asyncio.create_task(sender.send(ask("early", response_format=form)))
            await asyncio.gather(early, late)
            kinds = [
                (text, body["response_format"]["type"])
                for text, body in zip(endpoint.list_texts(), endpoint.requests, strict=True)
            ]
            assert kinds == [
                ("late", "json_schema"),
                ("early", "json_schema"),
                ("early", "json_schema"),
                ("early", "json_object"),
                ("late", "json_object"),
            ]

        play()
