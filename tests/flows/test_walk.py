"""How many APIs are on their way at a time."""

import asyncio
import itertools

import pytest

from flows.walk import StartingGate, choose_in_flight, choose_preparing
from schemas.parameters import BuildDatasetParams


def choose(**params: object) -> int:
    return choose_in_flight(BuildDatasetParams.model_validate(params))


def test_there_are_as_many_apis_as_there_may_be_requests() -> None:
    assert choose(teacher={"base_url": "http://localhost:1/v1", "concurrency": 200}) == 200


def test_with_a_budget_fewer_are_begun_so_that_more_are_finished() -> None:
    assert choose(teacher={"base_url": "http://localhost:1/v1", "concurrency": 200}, budget={"calls": 100}) == 50


def test_what_the_user_says_goes() -> None:
    assert choose(in_flight=3) == 3


@pytest.mark.parametrize(
    ("in_flight", "instructions", "preparing"),
    [(256, 10, 50), (256, 1, 181), (256, 1000, 8), (4, 10, 4)],
    ids=["some of them", "most, if little comes after", "a few at least", "never more than there are"],
)
def test_some_apis_prepare_while_others_play(in_flight: int, instructions: int, preparing: int) -> None:
    assert choose_preparing(in_flight, instructions) == preparing


async def test_the_gate_lets_so_many_in_one_after_another() -> None:
    gate, inside, came = StartingGate(2, every_s=0.05), 0, []

    async def pass_through(number: int) -> None:
        nonlocal inside
        async with gate:
            inside += 1
            came.append((number, inside, asyncio.get_running_loop().time()))
            await asyncio.sleep(0.2)
            inside -= 1

    await asyncio.gather(*(pass_through(number) for number in range(5)))
    assert [number for number, _, _ in came] == [0, 1, 2, 3, 4]
    assert max(within for _, within, _ in came) == 2
    times = [at for _, _, at in came]
    assert all(later - earlier >= 0.04 for earlier, later in itertools.pairwise(times))


async def test_one_that_is_cancelled_at_the_gate_takes_no_place() -> None:
    gate = StartingGate(1, every_s=0.05)

    async def pass_through() -> None:
        async with gate:
            pass

    waiting = asyncio.create_task(pass_through())
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.wait_for(pass_through(), 10)
