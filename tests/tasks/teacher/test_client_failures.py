"""What a teacher makes of an endpoint that fails: what is tried again, what is told, and that no key is in it."""

import asyncio
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from starlette.responses import JSONResponse, Response, StreamingResponse

from schemas.errors import FatalTeacherError, TeacherError
from tasks.teacher import CompletionStore, Ledger
from tasks.teacher.sending.attempts import DRAW_STEP
from tests.tasks.teacher.batching import wait_until
from tests.tasks.teacher.endpoints import KEY, Endpoint, break_off, build_answer, echo, fail, say, serve, show_html
from tests.tasks.teacher.passing_time import in_passing_time, read_clock
from tests.tasks.teacher.teachers import ask, ask_once, complete, connect, connect_in_process

pytestmark = pytest.mark.usefixtures("tiny_key")


def say_nothing(_: dict[str, Any]) -> Response:
    return JSONResponse(build_answer(choices=[]))


class TestFailures:
    @pytest.mark.parametrize(
        "fault",
        [
            fail(500),
            fail(503),
            fail(529),
            fail(408),
            break_off,
            show_html,
            say_nothing,
            lambda _: JSONResponse({"error": {"message": "overloaded"}}),
            lambda _: Response(b'{"choices": [{"mess', media_type="application/json"),
            lambda _: Response(b""),
        ],
        ids=["500", "503", "529", "408", "reset", "html", "no choices", "error in a 200", "torn JSON", "nothing"],
    )
    async def test_a_passing_fault_is_tried_again(self, fault: Any) -> None:
        endpoint = Endpoint(fault, fault)
        assert (await ask_once(endpoint)).content == "You said: Hello"
        assert len(endpoint.requests) == 3

    async def test_a_lasting_fault_ends_after_the_attempts_with_the_last_problem_and_is_not_kept(
        self, store: CompletionStore
    ) -> None:
        endpoint = Endpoint(last=say_nothing)
        with serve(endpoint) as url:
            async with connect(url, store, attempts=3) as teacher:
                with pytest.raises(TeacherError, match=r"no choices \(attempt 3 of 3\)") as raised:
                    await complete(teacher)
        assert raised.value.__cause__ is not None
        assert (len(endpoint.requests), store.count()) == (3, 0)

    @in_passing_time
    async def test_a_request_is_given_up_when_it_has_failed_for_too_long(self) -> None:
        endpoint, began = Endpoint(last=fail(500, headers={"retry-after": "30"})), read_clock()
        async with connect_in_process(endpoint, attempts=100, give_up_s=50) as teacher:
            with pytest.raises(TeacherError, match=r"given up after 50 s of failing"):
                await complete(teacher)
        assert len(endpoint.requests) == 2
        assert 30 <= read_clock() - began <= 31

    async def test_all_who_wait_for_a_failing_request_hear_of_it(self) -> None:
        endpoint = Endpoint(last=fail(400, "too long")).hold()
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                asked = [asyncio.create_task(complete(teacher)) for _ in range(5)]
                await wait_until(lambda: endpoint.busy == 1)
                endpoint.release()
                results = await asyncio.gather(*asked, return_exceptions=True)
        assert len(endpoint.requests) == 2
        assert ["answered 400: too long" in str(result) for result in results] == [True] * 5

    @in_passing_time
    async def test_rate_limits_wait_as_asked_and_use_up_no_attempt(self) -> None:
        limited = fail(429, headers={"retry-after": "100"})
        endpoint, began = Endpoint(*[limited] * 4), read_clock()
        async with connect_in_process(endpoint, attempts=1) as teacher:
            assert (await complete(teacher)).content == "You said: Hello"
        assert 400 <= read_clock() - began <= 404
        assert len(endpoint.requests) == 5

    @in_passing_time
    async def test_who_waits_for_a_limit_holds_no_slot(self) -> None:
        endpoint, began = Endpoint(fail(429, headers={"retry-after-ms": "400000"})), read_clock()
        async with connect_in_process(endpoint, concurrency=1) as teacher:
            limited = asyncio.create_task(complete(teacher, ask("limited")))
            await asyncio.sleep(1)
            await complete(teacher, ask("other"))
            assert read_clock() - began == pytest.approx(1)
            await limited
            assert 400 <= read_clock() - began <= 401

    @pytest.mark.parametrize("status", [400, 413, 422])
    async def test_a_refused_request_is_sent_once_more_with_another_seed(self, status: int) -> None:
        endpoint = Endpoint(echo, last=fail(status, "bad tools"))
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                await complete(teacher)
                with pytest.raises(TeacherError, match=f"answered {status}: bad tools") as raised:
                    await complete(teacher, ask("again", seed=5))
        assert not isinstance(raised.value, FatalTeacherError)
        assert [body["seed"] for body in endpoint.requests[1:]] == [5, 5 + DRAW_STEP]

    async def test_the_seed_that_was_really_sent_is_kept_with_the_answer(self, store: CompletionStore) -> None:
        endpoint = Endpoint(fail(400, "Failed to call a function.", code="tool_use_failed"))
        with serve(endpoint) as url:
            async with connect(url, store) as teacher:
                assert (await complete(teacher, ask(seed=5))).sent_seed == 5 + DRAW_STEP
                assert (await complete(teacher, ask("other", seed=5))).sent_seed is None
            async with connect(url, store) as teacher:
                assert (await complete(teacher, ask(seed=5))).sent_seed == 5 + DRAW_STEP

    @pytest.mark.parametrize(
        ("reply", "names"),
        [
            (fail(401, "bad key"), "TINY_KEY"),
            (fail(403, "not with your token"), "TINY_KEY"),
            (fail(404, "no such model"), "'tiny'"),
            (fail(400, "no such model", code="model_not_found"), "'tiny'"),
            (fail(400, "tiny does not support tools"), "--enable-auto-tool-choice"),
        ],
    )
    async def test_what_no_later_request_can_mend_is_fatal_and_names_the_remedy(self, reply: Any, names: str) -> None:
        endpoint = Endpoint(last=reply)
        with pytest.raises(FatalTeacherError, match=names) as raised:
            await ask_once(endpoint)
        assert "\n" not in str(raised.value)
        assert len(endpoint.requests) == 1

    @pytest.mark.parametrize(("takes_s", "answered"), [(6.9, True), (7.1, False)])
    def test_an_answer_that_does_not_come_in_time_is_given_up(self, takes_s: float, answered: bool) -> None:
        @in_passing_time
        async def play() -> None:
            began = read_clock()
            async with connect_in_process(Endpoint(delay_s=takes_s), timeout_s=7, attempts=1) as teacher:
                if answered:
                    await complete(teacher)
                else:
                    with pytest.raises(TeacherError, match=r"no answer within 7 s"):
                        await complete(teacher)
            assert read_clock() - began == pytest.approx(min(takes_s, 7))

        play()

    async def test_a_number_that_json_has_not_is_refused_before_anything_is_sent(self) -> None:
        endpoint = Endpoint()
        with serve(endpoint) as url:
            async with connect(url) as teacher:
                with pytest.raises(TeacherError, match="cannot be written as JSON"):
                    await complete(teacher, ask(tools=({"minimum": float("nan")},)))
        assert endpoint.requests == []


class TestSecrets:
    @pytest.mark.parametrize("status", [401, 400, 500])
    async def test_the_key_is_in_no_error_even_if_the_endpoint_repeats_it(self, status: int) -> None:
        with pytest.raises(TeacherError) as raised:
            await ask_once(Endpoint(last=fail(status, f"Incorrect API key provided: {KEY}.")), attempts=1)
        error: BaseException | None = raised.value
        assert "Incorrect API key provided: ***" in str(error)
        assert KEY not in "".join(traceback.format_exception(raised.value))
        while error is not None:
            assert KEY not in repr(error.__dict__)
            assert type(error).__module__.split(".")[0] != "openai"  # its errors hold the request
            error = error.__cause__ or error.__context__

    async def test_without_a_key_what_the_sdk_said_is_kept_for_who_looks_into_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("TINY_KEY")
        with pytest.raises(TeacherError) as raised:
            await ask_once(Endpoint(last=fail(400)))
        assert raised.value.__cause__ is not None
        assert isinstance(raised.value.__cause__.__cause__, openai.BadRequestError)

    async def test_the_key_is_neither_in_the_store_nor_in_the_ledger(self, tmp_path: Path) -> None:
        ledger = Ledger()
        with serve(Endpoint()) as url, CompletionStore(tmp_path / "c.sqlite") as store:
            async with connect(url, store, ledger) as teacher:
                await complete(teacher)
                assert KEY not in repr(teacher.recipe())
                assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.iterdir())
        assert KEY not in repr(ledger.rows)

    async def test_a_server_of_ones_own_needs_no_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("TINY_KEY")
        assert (await ask_once(Endpoint(say("yes")))).content == "yes"


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    async def test_prompts_are_sent_to_no_other_address_and_the_run_ends_with_its_name(self, status: int) -> None:
        other = Endpoint()
        with serve(other) as elsewhere:
            moved = Response(status_code=status, headers={"location": f"{elsewhere}/chat/completions"})
            endpoint = Endpoint(last=lambda _: moved)
            with pytest.raises(FatalTeacherError, match=f"sends requests on to {elsewhere} .*--teacher.base_url"):
                await ask_once(endpoint)
        assert (len(endpoint.requests), other.requests) == (1, [])


class TestAnswersWithoutAnEnd:
    @pytest.mark.parametrize("part", [b" ", b""])
    async def test_bytes_that_trickle_in_end_with_the_time_out(self, part: bytes) -> None:
        async def trickle() -> AsyncIterator[bytes]:
            while True:
                yield part
                await asyncio.sleep(0.05)

        endpoint = Endpoint(last=lambda _: StreamingResponse(trickle(), media_type="application/json"))
        async with asyncio.timeout(60):
            with pytest.raises(TeacherError, match=r"no answer within 0\.5 s"):
                await ask_once(endpoint, attempts=2, timeout_s=0.5)

    @pytest.mark.parametrize("told", ["1e308", "9" * 15, "9" * 400, "nan", "-1", "Fri, 31 Dec 9999 23:59:59 GMT"])
    async def test_nobody_waits_for_ever_because_an_answer_says_so(self, told: str) -> None:
        headers = {"retry-after": told, "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": told + "d"}
        good = JSONResponse(build_answer("Hello."), headers=headers)
        endpoint = Endpoint(fail(429, headers=headers), fail(503, headers=headers), lambda _: good, lambda _: good)
        async with asyncio.timeout(60):
            assert (await ask_once(endpoint)).content == "Hello."
