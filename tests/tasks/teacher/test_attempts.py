"""How often a failing request is sent, how long is waited in between, and when it is given up."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from schemas.errors import FatalTeacherError, RunStoppedError, TeacherError
from tasks.teacher.sending.retries import Backoff, EndpointError, Tries
from tests.tasks.teacher.passing_time import in_passing_time, read_clock


def fail(wait_s: float | None = None) -> EndpointError:
    return EndpointError("answered 500", status=500, wait_s=wait_s, retried=True)


def limit(wait_s: float | None = None) -> EndpointError:
    return EndpointError("answered 429", status=429, wait_s=wait_s, retried=True)


class Script:
    """Something to send that fails as it is told to, each attempt taking `takes_s`, and is answered in the end."""

    def __init__(self, *errors: EndpointError, takes_s: float = 0.0) -> None:
        self.sent = 0
        self.waits: list[float] = []
        self._errors: Iterator[EndpointError] = iter(errors)
        self._takes_s = takes_s

    async def send(self) -> str:
        self.sent += 1
        await asyncio.sleep(self._takes_s)
        if error := next(self._errors, None):
            error.took_s = self._takes_s
            raise error
        return "answered"

    async def rest(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(seconds)


async def send_with_retries(
    send: Callable[[], Awaitable[str]], backoff: Backoff, rest: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> str:
    tries = Tries(backoff, rest)
    while True:
        async with tries.attempt():
            return await send()


@pytest.fixture(autouse=True)
def take_the_longest_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: high)


@pytest.mark.parametrize("attempts", [1, 2, 6])
def test_what_fails_is_sent_as_often_as_there_are_attempts_and_no_more(attempts: int) -> None:
    @in_passing_time
    async def play() -> None:
        script = Script(*[fail()] * 10)
        with pytest.raises(TeacherError, match=rf"^answered 500 \(attempt {attempts} of {attempts}\)$") as raised:
            await send_with_retries(script.send, Backoff(attempts=attempts), script.rest)
        assert type(raised.value) is TeacherError
        assert script.sent == attempts
        assert script.waits == [0.5, 1, 2, 4, 8][: attempts - 1]  # none after the last

    play()


@in_passing_time
async def test_the_last_attempt_may_still_be_answered() -> None:
    script = Script(fail(), fail())
    assert await send_with_retries(script.send, Backoff(attempts=3), script.rest) == "answered"
    assert script.sent == 3


@in_passing_time
async def test_by_default_it_is_the_clock_that_is_waited_for() -> None:
    began = read_clock()
    await send_with_retries(Script(fail(), fail(7)).send, Backoff(attempts=3))
    assert read_clock() - began == pytest.approx(0.5 + 8)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (EndpointError("no", status=400), TeacherError),
        (EndpointError("no", status=401, fatal=True), FatalTeacherError),
        (EndpointError("no", status=429, fatal=True), FatalTeacherError),
        (EndpointError("no", status=500, fatal=True, retried=True), FatalTeacherError),
    ],
    ids=["refused", "bad key", "no credit", "fatal though it might be tried again"],
)
def test_what_no_further_attempt_can_mend_is_sent_once(error: EndpointError, kind: type[Exception]) -> None:
    @in_passing_time
    async def play() -> None:
        script = Script(error)
        with pytest.raises(TeacherError, match=r"^no$") as raised:
            await send_with_retries(script.send, Backoff(attempts=6), script.rest)
        assert type(raised.value) is kind
        assert raised.value.__cause__ is error
        assert (script.sent, script.waits) == (1, [])

    play()


class TestLimits:
    @in_passing_time
    async def test_they_are_waited_for_as_long_as_it_takes_and_are_no_failures(self) -> None:
        script = Script(*[limit(600)] * 20)
        assert await send_with_retries(script.send, Backoff(attempts=1, give_up_s=1), script.rest) == "answered"
        assert script.waits == [601] * 20

    @in_passing_time
    async def test_without_a_word_how_long_they_are_backed_off_from_and_a_failure_in_between_begins_anew(self) -> None:
        script = Script(limit(), limit(), limit(), fail(), limit(), limit())
        await send_with_retries(script.send, Backoff(attempts=2), script.rest)
        assert script.waits == [0.5, 1, 2, 0.5, 0.5, 1]

    @in_passing_time
    async def test_failures_before_and_after_one_count_together(self) -> None:
        script = Script(fail(), limit(), fail(), limit(), fail())
        with pytest.raises(TeacherError, match="attempt 3 of 3"):
            await send_with_retries(script.send, Backoff(attempts=3), script.rest)
        assert script.waits == [0.5, 0.5, 1, 0.5]

    @in_passing_time
    async def test_the_first_and_the_long_ones_are_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "tasks.teacher.sending.retries")
        script = Script(limit(5), limit(59), limit(60), limit(5))
        await send_with_retries(script.send, Backoff(attempts=1), script.rest)
        assert [record.getMessage().partition("waiting ")[2] for record in caplog.records] == ["6.0 s", "61.0 s"]


class TestGivingUp:
    @pytest.mark.parametrize(("give_up_s", "sent"), [(9.9, 2), (10, 3), (14.9, 3), (15, 4)])
    def test_it_is_when_attempts_and_waits_have_taken_longer_than_they_may(self, give_up_s: float, sent: int) -> None:
        @in_passing_time
        async def play() -> None:
            script = Script(*[fail(2.4)] * 10, takes_s=2)  # 2 s and 3 s for each failure
            with pytest.raises(TeacherError, match=rf"\(attempt {sent}, given up after {give_up_s:g} s of failing\)$"):
                await send_with_retries(script.send, Backoff(attempts=10, give_up_s=give_up_s), script.rest)
            assert script.sent == sent
            assert len(script.waits) == sent - 1

        play()

    @in_passing_time
    async def test_limits_take_no_time_from_it(self) -> None:
        script = Script(fail(2.4), limit(100), limit(100), fail(2.4), takes_s=2)
        assert await send_with_retries(script.send, Backoff(attempts=9, give_up_s=10), script.rest) == "answered"

    @in_passing_time
    async def test_one_that_waits_is_let_go_when_the_run_is_over(self) -> None:
        async def refuse_to_wait(_: float) -> None:
            raise RunStoppedError("enough", "signal")

        script = Script(fail())
        with pytest.raises(RunStoppedError, match="enough"):
            await send_with_retries(script.send, Backoff(attempts=9), refuse_to_wait)
        assert script.sent == 1

    @in_passing_time
    async def test_time_that_was_not_spent_on_attempts_takes_none_from_it(self) -> None:
        tries = Tries(Backoff(attempts=9, give_up_s=5))
        for _ in range(3):
            async with tries.attempt():
                await asyncio.sleep(100)  # in a queue of ours
                raise fail(0.1)
        assert tries.count == 4


class TestRefusals:
    @pytest.mark.parametrize("means", ["refused", "moderated", "doubtful"])
    def test_one_is_asked_once_more_with_another_draw(self, means: Any) -> None:
        @in_passing_time
        async def play() -> None:
            for refusals, answered in ((1, True), (2, False)):
                script = Script(*[EndpointError("no", status=403, means=means) for _ in range(refusals)])
                tries = Tries(Backoff(attempts=6), script.rest)
                if answered:
                    async with tries.attempt():
                        await script.send()
                    assert (await script.send(), tries.draw, tries.count) == ("answered", 1, 2)
                    continue
                with pytest.raises(TeacherError, match=r"^no$"):
                    await send_with_retries(script.send, Backoff(attempts=6), script.rest)
                assert script.sent == 2

        play()

    @in_passing_time
    async def test_failures_before_and_after_one_are_counted_as_ever(self) -> None:
        refusal = EndpointError("no", status=400, means="refused")
        script = Script(fail(), refusal, fail())
        assert await send_with_retries(script.send, Backoff(attempts=3), script.rest) == "answered"
        with pytest.raises(TeacherError, match="attempt 2 of 2"):
            await send_with_retries(Script(fail(), refusal, fail()).send, Backoff(attempts=2))


@in_passing_time
async def test_an_attempt_that_does_not_count_uses_up_nothing() -> None:
    away = [fail() for _ in range(50)]
    for error in away:
        error.counts = False
    script = Script(*away)
    assert await send_with_retries(script.send, Backoff(attempts=1, give_up_s=0.1), script.rest) == "answered"
    assert set(script.waits) == {0.5}


@pytest.mark.parametrize(
    ("error", "draw"),
    [
        (EndpointError("late", retried=True, late=True), 1),
        (EndpointError("cut", status=400, retried=True, means="unparsed"), 1),
        (fail(), 0),
        (limit(), 0),
    ],
    ids=["late", "unparsed", "500", "429"],
)
def test_another_draw_follows_what_the_same_one_would_end_in_again(error: EndpointError, draw: int) -> None:
    @in_passing_time
    async def play() -> None:
        tries = Tries(Backoff(attempts=3))
        async with tries.attempt():
            raise error
        assert (tries.draw, tries.count) == (draw, 2)

    play()
