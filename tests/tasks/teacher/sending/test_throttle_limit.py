"""How the throttle's limit moves with each single answer and refusal."""

import asyncio
import random

import pytest

from tasks.teacher.sending.throttle import Throttle, Ticket
from tests.tasks.teacher.passing_time import in_passing_time, read_clock
from tests.tasks.teacher.sending.test_throttle import answer, fill, refuse


def leave(throttle: Throttle, tickets: list[Ticket]) -> None:
    """They end in a way that says nothing of the load."""
    for ticket in tickets:
        throttle.leave(ticket)


async def answer_one_after_another(throttle: Throttle, in_flight: list[Ticket], count: int) -> None:
    """So many answers, each followed by further requests, so that all places are always taken."""
    for _ in range(count):
        answer(throttle, [in_flight.pop(0)])
        in_flight += await fill(throttle, 100)


async def find_ceiling(borne: int) -> tuple[Throttle, list[Ticket]]:
    """A throttle that has learnt that so many are borne, and as many requests in flight."""
    throttle = Throttle(100, start=borne + 1)
    tickets = await fill(throttle, borne + 1)
    refuse(throttle, tickets[:1])
    leave(throttle, tickets[1:])
    assert throttle.limit == borne
    return throttle, await fill(throttle, borne)


async def fall(throttle: Throttle, times: int, wait_s: float | None = None) -> None:
    """Falls so often, with nothing answered in between."""
    for number in range(times):
        tickets = await fill(throttle, 20)
        refuse(throttle, tickets[:1] if number else tickets[:7], wait_s)
        leave(throttle, tickets[1:] if number else tickets[7:])


class TestGrowth:
    @in_passing_time
    async def test_it_begins_where_it_is_told_and_never_above_the_most(self) -> None:
        assert [Throttle(10).limit, Throttle(100).limit, Throttle(100, start=80).limit] == [10, 64, 80]

    @in_passing_time
    async def test_each_answer_adds_one_up_to_the_most(self) -> None:
        throttle = Throttle(12, start=10)
        in_flight, limits = await fill(throttle, 10), []
        for _ in range(4):
            await answer_one_after_another(throttle, in_flight, 1)
            limits.append(throttle.limit)
        assert limits == [11, 12, 12, 12]

    @pytest.mark.parametrize(("in_flight", "limit"), [(9, 10), (10, 11)])
    def test_it_grows_only_where_all_places_are_taken(self, in_flight: int, limit: int) -> None:
        @in_passing_time
        async def play() -> None:
            throttle = Throttle(100, start=10)
            tickets = await fill(throttle, in_flight)
            throttle.note_answer(tickets[0])
            assert throttle.limit == limit

        play()

    @in_passing_time
    async def test_or_where_somebody_waits_for_a_pause_to_end(self) -> None:
        throttle = Throttle(100, start=10)
        tickets = await fill(throttle, 5)
        throttle.pause(9)
        waiting = asyncio.create_task(throttle.enter())
        await asyncio.sleep(0)
        throttle.note_answer(tickets[0])
        assert throttle.limit == 11
        await waiting

    @in_passing_time
    async def test_a_round_of_answers_brings_it_nearer_to_the_ceiling_by_a_quarter_and_a_half(self) -> None:
        throttle = Throttle(100, start=40)
        tickets = await fill(throttle, 40)
        refuse(throttle, tickets[:7])
        leave(throttle, tickets[7:])  # 33 were borne
        assert throttle.limit == pytest.approx(33 * 0.9)
        in_flight = await fill(throttle, 40)
        await answer_one_after_another(throttle, in_flight, 1)
        assert throttle.limit == pytest.approx(29.7 + (3.3 / 4 + 0.5) / 29.7)
        await answer_one_after_another(throttle, in_flight, 29)
        assert 30.8 < throttle.limit < 31.02  # a little less than 29.7 + 1.325, since the distance shrinks

    @in_passing_time
    async def test_it_does_not_pass_the_ceiling_on_its_way(self) -> None:
        throttle = Throttle(100, start=20)
        tickets = await fill(throttle, 20)
        refuse(throttle, tickets[:7])
        leave(throttle, tickets[7:])
        in_flight = await fill(throttle, 20)
        limits = []
        for _ in range(60):
            await answer_one_after_another(throttle, in_flight, 1)
            limits.append(throttle.limit)
        assert limits == sorted(limits)
        assert limits[-1] == 13


class TestCeiling:
    @pytest.mark.parametrize(("borne", "answers"), [(5, 25), (6, 25), (7, 28), (20, 80)])
    def test_it_is_held_for_four_rounds_or_25_answers_and_then_exceeded_by_one(self, borne: int, answers: int) -> None:
        @in_passing_time
        async def play() -> None:
            throttle, in_flight = await find_ceiling(borne)
            await answer_one_after_another(throttle, in_flight, answers - 1)
            assert throttle.limit == borne
            await answer_one_after_another(throttle, in_flight, 1)
            assert throttle.limit == borne + 1

        play()

    @in_passing_time
    async def test_once_what_was_sent_with_one_more_is_answered_it_is_forgotten(self) -> None:
        throttle, in_flight = await find_ceiling(5)
        await answer_one_after_another(throttle, in_flight, 25)
        assert len(in_flight) == 6
        await answer_one_after_another(throttle, in_flight, 4)  # which were sent before the limit was 6
        assert throttle.limit == 6
        await answer_one_after_another(throttle, in_flight, 1)
        assert throttle.limit == 6  # forgotten by this one
        await answer_one_after_another(throttle, in_flight, 1)
        assert throttle.limit == 7

    @in_passing_time
    async def test_if_one_more_is_refused_it_stands_and_is_held_as_long_again(self) -> None:
        throttle, in_flight = await find_ceiling(5)
        await answer_one_after_another(throttle, in_flight, 25)
        refuse(throttle, [in_flight.pop(), in_flight.pop()])
        assert throttle.limit == 5
        in_flight += await fill(throttle, 2)
        await answer_one_after_another(throttle, in_flight, 24)
        assert throttle.limit == 5
        await answer_one_after_another(throttle, in_flight, 1)
        assert throttle.limit == 6

    @in_passing_time
    async def test_one_that_is_found_after_another_was_forgotten_is_held_as_long(self) -> None:
        throttle, in_flight = await find_ceiling(5)
        await answer_one_after_another(throttle, in_flight, 25 + 5)  # exceeded, and forgotten
        await answer_one_after_another(throttle, in_flight, 1)
        assert throttle.limit == len(in_flight) == 7
        refuse(throttle, [in_flight.pop()])
        assert throttle.limit == 6
        await answer_one_after_another(throttle, in_flight, 24)
        assert throttle.limit == 6
        await answer_one_after_another(throttle, in_flight, 1)
        assert throttle.limit == 7

    @in_passing_time
    async def test_a_refusal_in_between_does_not_begin_the_count_anew(self) -> None:
        throttle, in_flight = await find_ceiling(5)
        await answer_one_after_another(throttle, in_flight, 10)
        refuse(throttle, [in_flight.pop()])
        assert throttle.limit == 4  # and the ceiling 4.97, where seven answers bring it back
        await answer_one_after_another(throttle, in_flight, 7 + 14)
        assert throttle.limit == pytest.approx(4.97)
        await answer_one_after_another(throttle, in_flight, 1)
        assert throttle.limit == pytest.approx(5.97)

    @in_passing_time
    async def test_a_fall_does(self) -> None:
        throttle, in_flight = await find_ceiling(20)
        await answer_one_after_another(throttle, in_flight, 40)
        refuse(throttle, in_flight[:10])
        leave(throttle, in_flight[10:])
        assert throttle.limit == 9
        in_flight = await fill(throttle, 20)
        while throttle.limit < 10:
            await answer_one_after_another(throttle, in_flight, 1)
        await answer_one_after_another(throttle, in_flight, 39)
        assert throttle.limit == 10
        await answer_one_after_another(throttle, in_flight, 1)
        assert throttle.limit == 11

    @in_passing_time
    async def test_a_refusal_of_long_ago_finds_none_when_it_is_forgotten(self) -> None:
        throttle, in_flight = await find_ceiling(5)
        old = in_flight.pop()
        in_flight += await fill(throttle, 100)
        await answer_one_after_another(throttle, in_flight, 25)
        refuse(throttle, [in_flight.pop()])  # five others were in flight
        assert throttle.limit == 5
        await answer_one_after_another(throttle, in_flight, 25 + 5)
        refuse(throttle, [old])
        assert throttle.limit == 4

    @in_passing_time
    async def test_a_refusal_among_many_answers_lowers_it_a_little(self) -> None:
        throttle, in_flight = await find_ceiling(20)
        refuse(throttle, [in_flight.pop(0)])
        assert throttle.limit == 19  # what was borne; the ceiling is 19.97
        in_flight += await fill(throttle, 1)
        await answer_one_after_another(throttle, in_flight, 1)
        assert throttle.limit == pytest.approx(19 + (0.97 / 4 + 0.5) / 19)


class TestRefusals:
    @in_passing_time
    async def test_those_of_one_burst_are_taken_off_what_was_in_flight_when_it_began(self) -> None:
        throttle = Throttle(20)
        tickets = await fill(throttle, 20)
        limits = []
        for ticket in (tickets[0], tickets[1], tickets[-1]):  # the last one was sent before the first was refused
            throttle.note_refusal(ticket)
            limits.append(throttle.limit)
        assert limits == [19, 18, 17]

    @in_passing_time
    async def test_one_that_was_sent_after_a_burst_begins_another(self) -> None:
        throttle = Throttle(20)
        tickets = await fill(throttle, 20)
        refuse(throttle, tickets[:2])
        leave(throttle, tickets[2:12])
        assert throttle.limit == 18
        late = await throttle.enter()  # with 8 others in flight
        throttle.note_refusal(late)
        assert throttle.limit == 8

    @pytest.mark.parametrize(("refused", "limit"), [(6, 14), (7, 13 * 0.9), (8, 12 * 0.9)])
    def test_seven_among_the_last_twenty_are_a_fall(self, refused: int, limit: float) -> None:
        @in_passing_time
        async def play() -> None:
            throttle = Throttle(20)
            refuse(throttle, (await fill(throttle, 20))[:refused])
            assert throttle.limit == pytest.approx(limit)

        play()

    @pytest.mark.parametrize(("answers", "falls"), [(13, True), (14, False)])
    def test_what_is_longer_ago_than_twenty_counts_no_more(self, answers: int, falls: bool) -> None:
        @in_passing_time
        async def play() -> None:
            throttle = Throttle(40, start=40)
            tickets = await fill(throttle, 40)
            refuse(throttle, tickets[:6])
            answer(throttle, tickets[6 : 6 + answers])
            leave(throttle, tickets[6 + answers :])
            late = await fill(throttle, 10)
            throttle.note_refusal(late[0])
            assert throttle.limit == pytest.approx(9 * 0.9 if falls else 9)

        play()

    @in_passing_time
    async def test_what_was_sent_before_a_fall_says_nothing_of_the_time_after(self) -> None:
        throttle = Throttle(20)
        tickets = await fill(throttle, 20)
        refuse(throttle, tickets[:7])
        fallen = throttle.limit
        throttle.note_answer(tickets[-1])
        assert throttle.limit == fallen
        leave(throttle, tickets[7:])
        (after,) = await fill(throttle, 1)
        await fill(throttle, 10)
        throttle.note_answer(after)
        assert throttle.limit > fallen

    @in_passing_time
    async def test_a_further_fall_before_anything_is_answered_is_deeper(self) -> None:
        throttle = Throttle(20)
        await fall(throttle, 1)
        assert throttle.limit == pytest.approx(13 * 0.9)
        tickets = await fill(throttle, 20)
        assert len(tickets) == 11
        throttle.note_refusal(tickets[0])
        assert throttle.limit == pytest.approx(10 * 0.6)
        throttle.note_refusal(tickets[1])  # of the same burst
        assert throttle.limit == pytest.approx(9 * 0.6)

    @in_passing_time
    async def test_after_an_answer_a_fall_is_a_first_one_again(self) -> None:
        throttle = Throttle(20)
        await fall(throttle, 1)
        tickets = await fill(throttle, 20)
        answer(throttle, tickets[:1])
        throttle.note_refusal(tickets[1], 30.0)
        assert throttle.limit == pytest.approx(9 * 0.9)
        assert throttle.pause_s == 0

    @in_passing_time
    async def test_one_at_a_time_is_always_let_in(self) -> None:
        throttle = Throttle(20)
        await fall(throttle, 12)
        assert throttle.limit == 1


@pytest.mark.parametrize("share", [0.0, 1.0], ids=["least chance", "most chance"])
class TestPausesAfterFalls:
    @pytest.mark.parametrize(("falls", "longest"), [(1, 0), (2, 0), (3, 0.25), (4, 0.5), (9, 16), (10, 30), (14, 30)])
    def test_from_the_third_in_a_row_on_they_double_up_to_half_a_minute(
        self, falls: int, longest: float, share: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(random, "uniform", lambda low, high: low + share * (high - low))

        @in_passing_time
        async def play() -> None:
            throttle = Throttle(20)
            await fall(throttle, falls)
            lasts = longest + min(longest / 10, 1) if share else longest / 2
            assert throttle.pause_s == pytest.approx(lasts)

        play()

    @pytest.mark.parametrize(("falls", "asked", "lasts"), [(1, 8.0, 0), (2, 8.0, 8.0), (3, 8.0, 8.0), (2, 0.0, 0)])
    def test_from_the_second_on_they_last_as_long_as_the_endpoint_asks(
        self, falls: int, asked: float, lasts: float, share: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(random, "uniform", lambda low, high: low + share * (high - low))

        @in_passing_time
        async def play() -> None:
            throttle, began = Throttle(20), read_clock()
            await fall(throttle, falls, asked)
            assert throttle.pause_s == pytest.approx(lasts * (1.1 if share else 1))
            await throttle.enter()
            assert read_clock() - began == pytest.approx(lasts * (1.1 if share else 1) * max(falls - 1, 1))

        play()
