"""Who is let in, and when: the line before the throttle, pauses, caps a minute, and the end."""

import asyncio
import random
from typing import Any

import pytest

from schemas.errors import RunStoppedError
from tasks.teacher.sending.pacing import Pace
from tasks.teacher.sending.throttle import Throttle, Ticket
from tests.tasks.teacher.passing_time import PassingLoop, in_passing_time, read_clock


@pytest.fixture(params=[0.0, 1.0], ids=["least chance", "most chance"])
def chance(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    """Every random number is as low or as high as it can be."""
    share = float(request.param)
    monkeypatch.setattr(random, "uniform", lambda low, high: low + share * (high - low))
    return share


async def let_others_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def pass_time(seconds: float) -> None:
    """The clock moves on, and nobody has had a chance to do anything yet."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, PassingLoop)
    loop.now += seconds


def come(throttle: Throttle, **options: Any) -> asyncio.Task[Ticket]:
    return asyncio.create_task(throttle.enter(**options))


class TestTurns:
    @in_passing_time
    async def test_as_many_go_in_as_the_limit_says_and_the_next_waits_for_a_place(self) -> None:
        throttle = Throttle(3)
        tickets = [await throttle.enter() for _ in range(3)]
        fourth = come(throttle)
        await let_others_run()
        assert (throttle.in_flight, throttle.waiting, fourth.done()) == (3, 1, False)
        throttle.leave(tickets[0])
        assert (await fourth).number == 4
        assert (throttle.in_flight, throttle.waiting) == (3, 0)

    @in_passing_time
    async def test_a_part_of_a_place_is_none(self) -> None:
        throttle = Throttle(10)
        throttle.limit = 2.9
        for _ in range(2):
            await throttle.enter()
        third = come(throttle)
        await let_others_run()
        assert not third.done()
        third.cancel()

    @in_passing_time
    async def test_the_lowest_turn_goes_first_and_of_one_turn_who_came_first(self) -> None:
        throttle = Throttle(1)
        ticket = await throttle.enter()
        let_in: list[str] = []

        async def wait(name: str, turn: int) -> None:
            ticket = await throttle.enter(turn=turn)
            let_in.append(name)
            throttle.leave(ticket)

        async with asyncio.TaskGroup() as group:
            for name, turn in (("late", 2), ("early", 1), ("also early", 1), ("first of all", 0), ("latest", 3)):
                group.create_task(wait(name, turn))
            await asyncio.sleep(0)
            throttle.leave(ticket)
        assert let_in == ["first of all", "early", "also early", "late", "latest"]

    @in_passing_time
    async def test_who_says_no_turn_has_the_first(self) -> None:
        throttle = Throttle(1)
        ticket = await throttle.enter()
        waiting = [come(throttle, turn=0), come(throttle), come(throttle, turn=0)]
        await let_others_run()
        numbers = []
        for task in waiting:
            throttle.leave(ticket)
            ticket = await task
            numbers.append(ticket.number)
        assert numbers == [2, 3, 4]

    @pytest.mark.forced
    @in_passing_time
    async def test_a_newcomer_does_not_overtake_those_who_wait_though_a_place_is_free_by_now(self) -> None:
        throttle = Throttle(10)
        throttle.pause(1)
        first, second = come(throttle), come(throttle)
        await let_others_run()
        pass_time(2)  # the pause is over, and those who wait have not been told
        newcomer = come(throttle)
        assert [(await task).number for task in (first, second, newcomer)] == [1, 2, 3]

    @pytest.mark.forced
    @in_passing_time
    async def test_a_newcomer_of_a_lower_turn_does(self) -> None:
        throttle = Throttle(10)
        throttle.pause(1)
        waiting = come(throttle, turn=1)
        await let_others_run()
        pass_time(2)
        newcomer = come(throttle, turn=0)
        assert [(await task).number for task in (newcomer, waiting)] == [1, 2]


class TestGivingUp:
    @pytest.mark.forced
    @in_passing_time
    async def test_who_gives_up_waiting_leaves_no_trace(self) -> None:
        throttle = Throttle(1)
        held = await throttle.enter()
        waiting = [come(throttle) for _ in range(3)]
        await let_others_run()
        waiting[0].cancel()
        throttle.leave(held)
        waiting[1].cancel()  # has been let in, and does not know it yet
        await let_others_run()
        assert [task.cancelled() for task in waiting[:2]] == [True, True]
        assert (await waiting[2]).number == 3
        assert (throttle.in_flight, throttle.waiting) == (1, 0)

    @pytest.mark.forced
    @in_passing_time
    async def test_who_is_told_to_stop_and_gives_up_in_one_moment_gives_no_place_back(self) -> None:
        throttle = Throttle(1)
        await throttle.enter()
        waiting = come(throttle)
        await let_others_run()
        throttle.stop(RunStoppedError("enough", "budget"))
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert throttle.in_flight == 1


class TestStop:
    @in_passing_time
    async def test_those_who_wait_and_those_who_come_are_told_why(self) -> None:
        throttle = Throttle(1)
        held = await throttle.enter()
        waiting = [come(throttle), come(throttle)]
        await let_others_run()
        throttle.stop(RunStoppedError("enough", "budget"))
        assert throttle.waiting == 0
        throttle.leave(held)
        for late in (*waiting, come(throttle)):  # there is a place for the last one
            with pytest.raises(RunStoppedError, match="enough"):
                await late
        assert throttle.in_flight == 0

    @pytest.mark.forced
    @in_passing_time
    async def test_who_had_been_let_in_by_then_goes_and_who_had_given_up_disturbs_nobody(self) -> None:
        throttle = Throttle(1)
        held = await throttle.enter()
        let_in, gone, waiting = (come(throttle) for _ in range(3))
        await let_others_run()
        throttle.leave(held)
        gone.cancel()
        throttle.stop(RunStoppedError("enough", "budget"))
        assert (await let_in).number == 2
        assert throttle.in_flight == 1
        with pytest.raises(asyncio.CancelledError):
            await gone
        with pytest.raises(RunStoppedError):
            await waiting


class TestPauses:
    @pytest.mark.parametrize(("asked", "most"), [(0.5, 0.55), (4, 4.4), (10, 11), (30, 31)])
    def test_they_last_as_long_as_was_asked_and_up_to_a_tenth_or_a_second_longer(
        self, asked: float, most: float, chance: float
    ) -> None:
        @in_passing_time
        async def play() -> None:
            throttle = Throttle(10)
            throttle.pause(asked)
            lasts = most if chance else asked
            assert throttle.pause_s == pytest.approx(lasts)
            came = read_clock()
            first, second = await asyncio.gather(throttle.enter(), throttle.enter())
            assert read_clock() - came == pytest.approx(lasts)
            assert (first.number, second.number) == (1, 2)
            assert throttle.pause_s == 0

        play()

    @pytest.mark.forced
    @pytest.mark.parametrize(
        ("first", "second", "lasts"),
        [(10, 2, 10), (2, 10, 11), (10, 9.5, 10.5), (10, 10, 11)],
        ids=["shorter", "longer", "a little shorter but later", "as long but later"],
    )
    def test_a_later_pause_lengthens_the_one_before_and_never_shortens_it(
        self, first: float, second: float, lasts: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(random, "uniform", lambda low, _: low)

        @in_passing_time
        async def play() -> None:
            throttle = Throttle(10)
            came = read_clock()
            throttle.pause(first)
            waiting = come(throttle)  # knows of the first pause only
            await asyncio.sleep(1)
            throttle.pause(second)
            assert throttle.pause_s == pytest.approx(lasts - 1)
            await waiting
            assert read_clock() - came == pytest.approx(lasts)

        play()

    @in_passing_time
    async def test_one_that_begins_while_all_places_are_taken_holds_for_the_next(self) -> None:
        throttle = Throttle(1)
        ticket = await throttle.enter()
        waiting = come(throttle)
        await let_others_run()
        came = read_clock()
        throttle.pause(5)
        throttle.leave(ticket)
        await waiting
        assert read_clock() - came >= 5


class TestCaps:
    @in_passing_time
    async def test_requests_a_minute_are_let_in_one_by_one(self) -> None:
        throttle, began = Throttle(100, pace=Pace(rpm=60)), read_clock()
        moments = []
        for _ in range(4):
            await throttle.enter()
            moments.append(read_clock() - began)
        assert moments == pytest.approx([0, 1, 2, 3])

    @pytest.mark.parametrize(("used", "wait_s"), [(None, 10), (1000, 10), (1600, 16), (400, 4)])
    def test_tokens_a_minute_are_kept_to_by_estimate_and_then_by_what_was_used(
        self, used: int | None, wait_s: float
    ) -> None:
        @in_passing_time
        async def play() -> None:
            throttle = Throttle(100, pace=Pace(tpm=6000))
            await throttle.enter(tokens=99)  # of the 100 that one second brings
            ticket = await throttle.enter(tokens=1000)
            throttle.leave(ticket, used)
            sent = read_clock()
            await throttle.enter()
            assert read_clock() - sent == pytest.approx(wait_s)

        play()

    @in_passing_time
    async def test_who_says_no_tokens_takes_none(self) -> None:
        throttle = Throttle(100, pace=Pace(tpm=6000))
        await throttle.enter(tokens=199)
        await throttle.enter()  # a second later, when there is one again
        await throttle.enter(tokens=2)
        last = read_clock()
        await throttle.enter()
        assert read_clock() - last == pytest.approx(0.02)

    @in_passing_time
    async def test_who_waits_for_a_cap_is_let_in_by_nobody_elses_leaving(self) -> None:
        throttle, began = Throttle(100, pace=Pace(rpm=6)), read_clock()
        ticket = await throttle.enter()
        waiting = come(throttle)
        await let_others_run()
        throttle.leave(ticket)
        await waiting
        assert read_clock() - began == pytest.approx(10)

    @in_passing_time
    async def test_the_longer_of_a_pause_and_a_cap_holds(self) -> None:
        for pause_s, waits_s in ((1, 10), (30, 30)):
            throttle, began = Throttle(100, pace=Pace(rpm=6)), read_clock()
            await throttle.enter()
            throttle.pause(pause_s)
            await throttle.enter()
            assert waits_s <= read_clock() - began <= waits_s + 1
