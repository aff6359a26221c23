"""How many requests are in flight, against an endpoint with a limit of its own."""

import asyncio
import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.teacher.sending.throttle import Throttle, Ticket
from tests.tasks.teacher.passing_time import in_passing_time


async def fill(throttle: Throttle, count: int) -> list[Ticket]:
    """Lets in as many as the throttle takes at once, `count` at the most."""
    tickets: list[Ticket] = []
    while len(tickets) < count and throttle.in_flight < int(throttle.limit):
        tickets.append(await throttle.enter())
    return tickets


def answer(throttle: Throttle, tickets: Iterable[Ticket]) -> None:
    for ticket in tickets:
        throttle.note_answer(ticket)
        throttle.leave(ticket)


def refuse(throttle: Throttle, tickets: Iterable[Ticket], wait_s: float | None = None) -> None:
    for ticket in tickets:
        throttle.note_refusal(ticket, wait_s)
        throttle.leave(ticket)


async def play_round(throttle: Throttle, allowed: int) -> int:
    """One round trip of an endpoint that takes `allowed` at a time; how many it refused."""
    tickets = await fill(throttle, 10_000)
    more = asyncio.create_task(throttle.enter())
    await asyncio.sleep(0)
    for ticket in tickets[allowed:]:
        throttle.note_refusal(ticket)
    for ticket in tickets[:allowed]:
        throttle.note_answer(ticket)
    more.cancel()
    await asyncio.sleep(0)
    for ticket in tickets:
        throttle.leave(ticket)
    return max(len(tickets) - allowed, 0)


@in_passing_time
async def test_it_grows_while_answers_come_and_somebody_waits() -> None:
    throttle = Throttle(200, start=10)
    for expected in (20, 40, 80, 160, 200, 200):
        await play_round(throttle, 10_000)
        assert throttle.limit == expected


@in_passing_time
async def test_it_does_not_grow_for_nobody() -> None:
    throttle = Throttle(100, start=10)
    for _ in range(50):
        answer(throttle, await fill(throttle, 5))
    assert throttle.limit == 10


@in_passing_time
async def test_a_burst_of_refusals_is_one_fall_to_what_was_borne() -> None:
    throttle = Throttle(100, start=64)
    assert await play_round(throttle, 20) == 44
    assert throttle.limit == pytest.approx(18)


@in_passing_time
async def test_the_ceiling_is_approached_held_and_exceeded_by_one_now_and_then() -> None:
    throttle = Throttle(100, start=64)
    await play_round(throttle, 20)
    limits, refused = [], 0
    for _ in range(60):
        refused += await play_round(throttle, 20)
        limits.append(throttle.limit)
    assert limits[0] < 20
    assert max(limits) <= 21
    assert sum(limit >= 20 for limit in limits) > 50
    assert 1 <= refused <= 60 * 20 * 0.03


@in_passing_time
async def test_a_limit_that_falls_is_followed_down_and_one_that_rises_up() -> None:
    throttle = Throttle(100, start=20)
    refused = [sum([await play_round(throttle, allowed) for _ in range(40)]) for allowed in (20, 5)]
    assert throttle.limit == 5
    assert refused[1] < 30
    rounds = 0
    while throttle.limit < 40:
        await play_round(throttle, 60)
        rounds += 1
    assert rounds < 25


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(5, 40)), min_size=1, max_size=5), st.integers(1, 80))
def test_whatever_the_endpoint_does_it_stays_in_bounds_and_ends_near_what_is_borne(
    phases: list[tuple[int, int]], start: int
) -> None:
    @in_passing_time
    async def play() -> None:
        throttle = Throttle(50, start=start)
        for allowed, rounds in phases:
            for _ in range(rounds):
                await play_round(throttle, allowed)
                assert 1 <= throttle.limit <= 50
                assert throttle.in_flight == 0
        for _ in range(80):
            await play_round(throttle, 12)
        assert 10 <= throttle.limit <= 14

    play()


@in_passing_time
async def test_refusals_stop_nobody_else_until_those_after_a_fall_are_refused_too() -> None:
    throttle = Throttle(20)
    refused, answered = (await fill(throttle, 10)), (await fill(throttle, 10))
    refuse(throttle, refused, 30.0)
    answer(throttle, answered)
    assert throttle.limit == pytest.approx(9)
    assert throttle.pause_s == 0
    refuse(throttle, [await throttle.enter()], 30.0)
    assert 30 <= throttle.pause_s <= 31


@pytest.mark.parametrize(("share", "least"), [(0.02, 20), (0.08, 5)])
@in_passing_time
async def test_refusals_that_have_nothing_to_do_with_the_load_do_not_bring_it_to_a_stand(
    share: float, least: int
) -> None:
    throttle, rng, limits = Throttle(64), random.Random(0), []
    for _ in range(200):
        tickets = await fill(throttle, 64)
        more = asyncio.create_task(throttle.enter())
        await asyncio.sleep(0)
        for ticket in tickets:
            if rng.random() < share:
                throttle.note_refusal(ticket)
            else:
                throttle.note_answer(ticket)
        more.cancel()
        await asyncio.sleep(0)
        for ticket in tickets:
            throttle.leave(ticket)
        limits.append(throttle.limit)
    assert sum(limits[50:]) / 150 > least


class TestClosed:
    """While the endpoint is away one request at a time goes out to look."""

    @in_passing_time
    async def test_nobody_goes_before_the_time_and_one_after_another_then(self) -> None:
        throttle = Throttle(10)
        throttle.close(5)
        waiting = [asyncio.create_task(throttle.enter()) for _ in range(3)]
        await asyncio.sleep(4.9)
        assert throttle.in_flight == 0
        await asyncio.sleep(0.2)
        assert [task.done() for task in waiting] == [True, False, False]
        assert waiting[0].result().looks
        throttle.close(3)  # in vain
        throttle.leave(waiting[0].result())
        await asyncio.sleep(2.9)
        assert not waiting[1].done()
        await asyncio.sleep(0.2)
        assert [task.done() for task in waiting] == [True, True, False]
        throttle.reopen()
        await asyncio.sleep(0)
        assert waiting[2].done()
        assert not waiting[2].result().looks

    @in_passing_time
    async def test_one_looks_whatever_still_hangs_in_flight(self) -> None:
        throttle = Throttle(2)
        hanging = [await throttle.enter() for _ in range(2)]
        throttle.close(1)
        looking = await throttle.enter()
        assert (looking.looks, throttle.in_flight) == (True, 3)
        throttle.leave(hanging[0])
        other = asyncio.create_task(throttle.enter())
        await asyncio.sleep(100)
        assert not other.done()  # one is looking
        throttle.leave(looking)
        assert (await other).looks

    @in_passing_time
    async def test_a_later_look_does_not_keep_an_earlier_one_waiting(self) -> None:
        throttle = Throttle(2)
        throttle.close(100)
        waiting = asyncio.create_task(throttle.enter())
        await asyncio.sleep(1)
        throttle.close(2)
        await asyncio.sleep(2.1)
        assert waiting.done()
