"""Runs of a teacher that end: by a budget, failures, an interrupt, or because who asked is gone."""

import asyncio

import pytest

from schemas.calls import Completion
from schemas.errors import RunStoppedError
from schemas.parameters import Budget
from tasks.teacher import CompletionStore
from tests.tasks.teacher.batching import wait_until
from tests.tasks.teacher.endpoints import Endpoint, fail, serve
from tests.tasks.teacher.passing_time import in_passing_time, read_clock
from tests.tasks.teacher.teachers import ask, complete, connect, connect_in_process

pytestmark = pytest.mark.usefixtures("tiny_key")


class TestStopping:
    async def test_what_is_in_flight_is_finished_and_kept_and_nothing_more_is_sent(
        self, store: CompletionStore
    ) -> None:
        endpoint = Endpoint().hold()
        with serve(endpoint) as url:
            async with connect(url, store, concurrency=2) as teacher:
                asked = [asyncio.create_task(complete(teacher, ask(str(n)))) for n in range(6)]
                await wait_until(lambda: endpoint.busy == 2)
                teacher.stop(RunStoppedError("stopped by SIGINT", "signal"))
                endpoint.release()
                results = await asyncio.gather(*asked, return_exceptions=True)
                with pytest.raises(RunStoppedError):
                    await complete(teacher, ask("later"))
                assert (await complete(teacher, ask("0"))).content == "You said: 0"  # stored, so it is served
        assert [isinstance(result, Completion) for result in results] == [True] * 2 + [False] * 4
        assert all(isinstance(result, RunStoppedError) for result in results[2:])
        assert (len(endpoint.requests), store.count()) == (2, 2)

    @in_passing_time
    async def test_one_that_waits_for_another_attempt_does_not_hold_the_run_up(self) -> None:
        endpoint, began = Endpoint(last=fail(429, headers={"retry-after": "60"})), read_clock()
        async with connect_in_process(endpoint) as teacher:
            asked = asyncio.create_task(complete(teacher))
            await asyncio.sleep(10)
            teacher.stop(RunStoppedError("stopped by SIGINT", "signal"))
            with pytest.raises(RunStoppedError, match="SIGINT"):
                await asked
        assert read_clock() - began == pytest.approx(10)
        assert len(endpoint.requests) == 1

    @pytest.mark.parametrize(
        ("error", "kept"), [(ValueError, True), (KeyboardInterrupt, False), (asyncio.CancelledError, False)]
    )
    def test_an_error_finishes_what_is_in_flight_and_an_interrupt_gives_it_up(
        self, error: type[BaseException], kept: bool
    ) -> None:
        @in_passing_time
        async def play() -> None:
            began, asked = read_clock(), []
            teacher = connect_in_process(Endpoint(delay_s=5))

            async def stumble() -> None:
                async with teacher:
                    asked.append(asyncio.create_task(complete(teacher)))
                    await asyncio.sleep(1)
                    raise error

            with pytest.raises(error):
                await stumble()
            await asyncio.wait(asked)
            assert asked[0].cancelled() != kept
            assert read_clock() - began == pytest.approx(5 if kept else 1)

        play()

    async def test_a_budget_is_kept_to_the_call_and_a_larger_one_goes_on_without_paying_twice(
        self, store: CompletionStore
    ) -> None:
        endpoint = Endpoint()
        with serve(endpoint) as url:
            for calls, bought in ((7, 7), (20, 13)):
                async with connect(url, store, budget=Budget(calls=calls), concurrency=4) as teacher:
                    asked = (complete(teacher, ask(str(n))) for n in range(20))
                    results = await asyncio.gather(*asked, return_exceptions=True)
                assert teacher.state.spent.calls == bought
                assert sum(isinstance(result, Completion) for result in results) == calls
        assert len({body["messages"][0]["content"] for body in endpoint.requests}) == len(endpoint.requests) == 20

    @in_passing_time
    async def test_a_run_in_which_most_requests_fail_is_stopped_with_the_last_problem(self) -> None:
        endpoint = Endpoint(last=fail(500, "out of memory"))
        async with connect_in_process(endpoint, attempts=2, max_error_share=0.9) as teacher:
            asked = (complete(teacher, ask(str(n))) for n in range(200))
            results = await asyncio.gather(*asked, return_exceptions=True)
        stops = [result for result in results if isinstance(result, RunStoppedError)]
        assert len(stops) > 50
        assert "100 of the last 100 requests failed" in str(stops[0])
        assert "out of memory" in str(stops[0])
        assert len(endpoint.requests) < 200

    async def test_what_was_sent_is_finished_and_kept_though_the_one_who_asked_is_gone(
        self, store: CompletionStore
    ) -> None:
        endpoint = Endpoint().hold()
        with serve(endpoint) as url:
            async with connect(url, store) as teacher:
                first = asyncio.create_task(complete(teacher))
                second = asyncio.create_task(complete(teacher, ask("Bye")))
                third = asyncio.create_task(complete(teacher))
                await wait_until(lambda: endpoint.busy == 2)
                first.cancel()
                second.cancel()
                await asyncio.wait([first, second])
                endpoint.release()
                assert (await third).content == "You said: Hello"
        assert (len(endpoint.requests), store.count()) == (2, 2)
