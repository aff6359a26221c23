"""How many APIs are on their way at a time, and what their ways together come to."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from flows.fan_out import (
    SET_OUT_EVERY_S,
    StartingGate,
    Walked,
    choose_in_flight,
    choose_preparing,
    make_gate,
    walk_apis,
)
from flows.progress import Progress
from schemas.catalog import CatalogEntry
from schemas.errors import FatalTeacherError, RunStoppedError, TeacherError
from schemas.parameters import BuildDatasetParams
from schemas.steps import ApiOutcome
from tasks.context import RunContext
from tests.tasks.parts import make_context

ENDPOINT = {"base_url": "http://localhost:1/v1"}


@pytest.mark.parametrize(
    ("params", "in_flight"),
    [
        ({}, 8),
        ({"budget": {"calls": 9}}, 8),
        ({"teacher": ENDPOINT}, 64),
        ({"teacher": {**ENDPOINT, "concurrency": 200}}, 200),
        ({"teacher": {**ENDPOINT, "concurrency": 200}, "budget": {"calls": 100}}, 50),
        ({"teacher": {**ENDPOINT, "concurrency": 200}, "budget": {"usd": 1}}, 50),
        ({"teacher": {**ENDPOINT, "concurrency": 7}}, 8),
        ({"teacher": {**ENDPOINT, "concurrency": 31}, "budget": {"tokens": 9}}, 8),
        ({"teacher": {**ENDPOINT, "concurrency": 36}, "budget": {"tokens": 9}}, 9),
        ({"teacher": {"model": "gpt-4o", "batch": True}}, 10_000),
        ({"teacher": {"model": "gpt-4o", "batch": True}, "budget": {"usd": 1}}, 10_000),
        ({"in_flight": 3}, 3),
        ({"in_flight": 300, "teacher": {"model": "gpt-4o", "batch": True}}, 300),
    ],
    ids=[
        "two cores are kept busy by eight", "a budget does not matter to them", "as many as may be asked for",
        "also where that is many", "a quarter under a budget", "of whatever kind", "eight at least",
        "also under a budget", "and one more if a quarter is more", "all at once in batches", "also under a budget ",
        "as many as the user says", "whatever the teacher",
    ],
)  # fmt: skip
def test_so_many_apis_are_worked_on_at_a_time(params: dict[str, Any], in_flight: int) -> None:
    assert choose_in_flight(BuildDatasetParams.model_validate(params)) == in_flight


@pytest.mark.parametrize(
    ("in_flight", "instructions", "preparing"),
    [(256, 10, 50), (256, 1, 181), (256, 1000, 8), (4, 10, 4), (48, 10, 10), (62, 10, 12), (41, 10, 8)],
    ids=[
        "some of them", "most, if little comes after", "a few at least", "never more than there are",
        "288 / 31 and a bit", "372 / 31 and no bit", "246 / 31",
    ],
)  # fmt: skip
def test_some_apis_prepare_while_others_play(in_flight: int, instructions: int, preparing: int) -> None:
    assert choose_preparing(in_flight, instructions) == preparing


class Sleeping:
    """Takes the place of `asyncio.sleep` at the gate: a turn lasts until the test ends it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[float] = []
        self._turns: list[asyncio.Future[None]] = []
        monkeypatch.setattr(asyncio, "sleep", self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        turn = asyncio.get_running_loop().create_future()
        self._turns.append(turn)
        await turn

    async def end_turn(self) -> None:
        self._turns.pop(0).set_result(None)
        await settle()


async def settle() -> None:
    """Let everything run that can."""
    loop = asyncio.get_running_loop()
    for _ in range(20):
        passed = loop.create_future()
        loop.call_soon(passed.set_result, None)
        await passed


class Passing:
    """Those who pass a gate, and stay inside until they are let out."""

    def __init__(self, gate: StartingGate, number: int) -> None:
        self.inside: list[int] = []
        self.outs = [asyncio.Event() for _ in range(number)]
        self.tasks = [asyncio.create_task(self._pass(gate, one)) for one in range(number)]

    async def _pass(self, gate: StartingGate, number: int) -> None:
        async with gate:
            self.inside.append(number)
            await self.outs[number].wait()
            self.inside.remove(number)


@pytest.mark.forced
async def test_the_gate_lets_so_many_in_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    sleeping = Sleeping(monkeypatch)
    passing = Passing(StartingGate(2), 4)
    await settle()
    assert (passing.inside, sleeping.asked) == ([], [SET_OUT_EVERY_S])
    await sleeping.end_turn()
    assert (passing.inside, len(sleeping.asked)) == ([0], 2)
    await sleeping.end_turn()
    assert (passing.inside, len(sleeping.asked)) == ([0, 1], 2)  # both places are taken
    passing.outs[0].set()
    await settle()
    assert (passing.inside, len(sleeping.asked)) == ([1], 3)
    await sleeping.end_turn()
    assert passing.inside == [1, 2]
    passing.outs[1].set()
    passing.outs[2].set()
    await settle()
    await sleeping.end_turn()
    assert passing.inside == [3]
    passing.outs[3].set()
    await asyncio.gather(*passing.tasks)


@pytest.mark.forced
@pytest.mark.parametrize("waits_for", ["its turn", "the turn of another"])
async def test_one_that_is_cancelled_at_the_gate_takes_no_place(
    waits_for: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeping = Sleeping(monkeypatch)
    gate = StartingGate(2, every_s=7.0)
    passing = Passing(gate, 3)
    await settle()
    passing.tasks[0 if waits_for == "its turn" else 1].cancel()
    await settle()
    while not all(number in passing.inside for number in ((1, 2) if waits_for == "its turn" else (0, 2))):
        if sleeping._turns[0].cancelled():
            sleeping._turns.pop(0)
        await sleeping.end_turn()
    assert set(sleeping.asked) == {7.0}
    for out in passing.outs:
        out.set()
    await asyncio.gather(*passing.tasks, return_exceptions=True)


ENTRIES = [CatalogEntry(id=id, name=id, description="", category="C") for id in ("c", "a", "b")]
BUDGET = RunStoppedError("the budget is reached", "budget")
Step = Callable[[str], Awaitable[ApiOutcome]]


def make_run(folder: Path, **params: Any) -> RunContext:
    return make_context(folder, BuildDatasetParams.model_validate(params))


def finish(*, failing: dict[str, Exception] | None = None) -> Step:
    """A walk that finishes each API at once, but for those that fail."""

    async def step(api_id: str) -> ApiOutcome:
        if failing and api_id in failing:
            raise failing[api_id]
        return ApiOutcome(api_id=api_id)

    return step


async def test_outcomes_come_in_the_catalogue_s_order_whoever_was_done_first(tmp_path: Path) -> None:
    progress, order = Progress(3), []
    done = {entry.id: asyncio.Event() for entry in ENTRIES}
    done["b"].set()

    async def step(api_id: str) -> ApiOutcome:
        await done[api_id].wait()
        order.append(api_id)
        for event in done.values():
            event.set()
        return ApiOutcome(api_id=api_id)

    walked = await walk_apis(make_run(tmp_path), ENTRIES, step, progress)
    assert order[0] == "b"
    assert [outcome.api_id for outcome in walked.outcomes] == ["c", "a", "b"]
    assert (walked.unfinished, walked.stop, progress.apis) == (0, None, 3)


async def test_no_more_are_on_their_way_than_may(tmp_path: Path) -> None:
    inside: list[int] = []
    busy = 0

    async def step(api_id: str) -> ApiOutcome:
        nonlocal busy
        busy += 1
        inside.append(busy)
        await settle()
        busy -= 1
        return ApiOutcome(api_id=api_id)

    await walk_apis(make_run(tmp_path, in_flight=2), ENTRIES, step, Progress(3))
    assert len(inside) == 3
    assert max(inside) == 2


async def test_a_budget_that_is_reached_leaves_the_others_their_way(tmp_path: Path) -> None:
    context, progress = make_run(tmp_path), Progress(3)
    context.teacher.stop(BUDGET)
    walked = await walk_apis(context, ENTRIES, finish(failing={"a": BUDGET}), progress)
    assert [outcome.api_id for outcome in walked.outcomes] == ["c", "b"]
    assert (walked.unfinished, walked.stop, progress.apis) == (1, BUDGET, 2)


async def test_a_run_that_had_all_it_needed_is_not_stopped_though_its_budget_is_reached(tmp_path: Path) -> None:
    context = make_run(tmp_path)
    context.teacher.stop(BUDGET)
    walked = await walk_apis(context, ENTRIES, finish(), Progress(3))
    assert walked == Walked(tuple(ApiOutcome(api_id=entry.id) for entry in ENTRIES))


@pytest.mark.parametrize(
    "error",
    [
        RunStoppedError("stopped by SIGINT", "signal"), RunStoppedError("too many failed", "errors"),
        FatalTeacherError("bad key"), OSError(28, "No space left on device"),
    ],
)  # fmt: skip
async def test_what_leaves_no_hope_ends_the_other_ways_and_is_raised_as_itself(
    error: Exception, tmp_path: Path
) -> None:
    ended: list[str] = []

    async def step(api_id: str) -> ApiOutcome:
        if api_id == "a":
            raise error
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(api_id)
        raise AssertionError

    with pytest.raises(type(error)) as caught:
        await walk_apis(make_run(tmp_path), ENTRIES, step, Progress(3))
    assert caught.value is error
    assert sorted(ended) == ["b", "c"]


async def test_a_bug_is_raised_with_all_that_failed(tmp_path: Path) -> None:
    failing = {"a": ValueError("a bug"), "b": TeacherError("another")}
    with pytest.raises(ExceptionGroup) as caught:
        await walk_apis(make_run(tmp_path), ENTRIES, finish(failing=failing), Progress(3))
    assert set(caught.value.exceptions) == {failing["a"], failing["b"]}


async def test_what_was_bought_for_an_api_is_counted_with_it(tmp_path: Path) -> None:
    context, progress = make_run(tmp_path), Progress(3)
    context.teacher.get_spent("a").calls = 3
    context.teacher.get_spent("a").usd = 0.5
    await walk_apis(context, ENTRIES, finish(), progress)
    assert (progress.apis, progress.bought_apis, progress.bought.usd) == (3, 1, 0.5)


@pytest.mark.forced
@pytest.mark.parametrize(
    ("params", "places"),
    [({}, 8), ({"in_flight": 3}, 3), ({"in_flight": 48}, 10), ({"in_flight": 48, "instructions": 1000}, 8)],
    ids=["as many as are in flight", "however few", "some of many", "fewer where more comes after"],
)
async def test_the_gate_of_a_run_has_places_for_those_that_may_prepare(
    params: dict[str, Any], places: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeping = Sleeping(monkeypatch)
    passing = Passing(make_gate(BuildDatasetParams.model_validate(params)), places + 1)
    await settle()
    for _ in range(places):
        await sleeping.end_turn()
    assert passing.inside == list(range(places))
    assert sleeping.asked == [SET_OUT_EVERY_S] * places  # the last one waits for a place and not for its turn
    for out in passing.outs:
        out.set()
    await settle()
    await sleeping.end_turn()
    await asyncio.gather(*passing.tasks)


async def test_each_run_has_a_gate_of_its_own() -> None:
    params = BuildDatasetParams(in_flight=1)
    async with make_gate(params), make_gate(params):
        pass
