"""Requests on their way into a batch: how long they are gathered, how many a file takes, and who still waits."""

import asyncio

import pytest

from schemas.calls import Completion, Usage
from tasks.teacher.batches import batch_requests
from tasks.teacher.batches.batch_lines import MOST_BYTES, MOST_REQUESTS
from tasks.teacher.batches.batch_requests import ROUNDS, Request, Requests, finalise
from tasks.teacher.sending.retries import EndpointError
from tests.tasks.teacher.passing_time import in_passing_time, read_clock

ANSWER = Completion(content="Hello.", model="m", usage=Usage())
PASSING = EndpointError("500: later", status=500, retried=True)


def open_many(requests: Requests, count: int, size: int = 10) -> list[Request]:
    return [requests.open(f"k{len(requests)}", b"x" * size) for _ in range(count)]


def list_taken(requests: Requests) -> list[str]:
    return [request.key for request in requests.take()]


def wait_for(requests: Requests, request: Request) -> "asyncio.Task[Completion]":
    return asyncio.ensure_future(requests.wait(request))


async def run_what_is_ready() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class TestHowLong:
    @in_passing_time
    async def test_they_are_gathered_until_none_has_come_for_a_while(self) -> None:
        requests, start = Requests(3.0), read_clock()
        resting = asyncio.ensure_future(requests.rest())
        await asyncio.sleep(100)
        assert not resting.done()  # there is nothing to send
        open_many(requests, 1)
        await asyncio.sleep(1)
        open_many(requests, 1)
        await resting
        # One had come within the first 3 s, and none within the next.
        assert read_clock() - start == pytest.approx(106)

    @in_passing_time
    async def test_those_that_trickle_in_hold_a_batch_back_for_twenty_times_as_long_and_no_longer(self) -> None:
        requests, start = Requests(3.0), read_clock()
        open_many(requests, 1)
        resting = asyncio.ensure_future(requests.rest())
        while not resting.done():
            await asyncio.sleep(1.25)
            open_many(requests, 1)
        assert read_clock() - start == pytest.approx(60, abs=2.5)

    @in_passing_time
    async def test_a_full_file_is_not_held_back(self) -> None:
        requests, start = Requests(3.0), read_clock()
        requests.most = 4
        open_many(requests, 4)
        await requests.rest()
        assert read_clock() == start
        requests.take()
        open_many(requests, 3)
        await requests.rest()
        assert read_clock() - start == pytest.approx(3)

    @in_passing_time
    async def test_what_was_taken_is_not_gathered_any_more_and_what_was_left_is(self) -> None:
        requests, start = Requests(3.0), read_clock()
        requests.most = 2
        open_many(requests, 3)
        assert list_taken(requests) == ["k0", "k1"]
        await requests.rest()
        assert read_clock() - start == pytest.approx(3)
        assert list_taken(requests) == ["k2"]
        resting = asyncio.ensure_future(requests.rest())
        await asyncio.sleep(1000)
        assert not resting.done()
        resting.cancel()


class TestHowMany:
    @pytest.mark.parametrize(("most", "taken"), [(1, 1), (3, 3), (4, 4), (5, 4)])
    async def test_a_file_takes_so_many(self, most: int, taken: int) -> None:
        requests = Requests(1.0)
        requests.most = most
        open_many(requests, 4)
        assert list_taken(requests) == ["k0", "k1", "k2", "k3"][:taken]
        assert list_taken(requests) == ["k0", "k1", "k2", "k3"][taken : taken + most]

    @pytest.mark.parametrize(("most_bytes", "taken"), [(29, 2), (30, 3), (31, 3), (10, 1), (9, 1), (1, 1)])
    async def test_a_file_takes_so_many_bytes_and_never_nothing(
        self, most_bytes: int, taken: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(batch_requests, "MOST_BYTES", most_bytes)
        requests = Requests(1.0)
        open_many(requests, 4, size=10)
        assert len(requests.take()) == taken

    async def test_openais_limits_are_kept(self) -> None:
        assert Requests(1.0).most == MOST_REQUESTS == 50_000
        assert 150_000_000 < MOST_BYTES <= 200 * 1_000_000


class TestWhoWaits:
    async def test_one_whom_nobody_waits_for_any_more_is_not_sent(self) -> None:
        requests = Requests(1.0)
        gone, stays = open_many(requests, 2)
        waiting = wait_for(requests, gone)
        await run_what_is_ready()
        waiting.cancel()
        await run_what_is_ready()
        assert requests.find(gone.key) is None
        assert requests.find(stays.key) is stays
        assert list_taken(requests) == [stays.key]

    async def test_one_whom_another_still_waits_for_is_sent(self) -> None:
        requests = Requests(1.0)
        (request,) = open_many(requests, 1)
        first, second = wait_for(requests, request), wait_for(requests, request)
        await run_what_is_ready()
        first.cancel()
        await run_what_is_ready()
        assert list_taken(requests) == [request.key]
        requests.answer(request, ANSWER)
        assert await second == ANSWER
        assert first.cancelled()

    async def test_one_that_was_sent_stays_though_nobody_waits(self) -> None:
        requests = Requests(1.0)
        (request,) = open_many(requests, 1)
        waiting = wait_for(requests, request)
        await run_what_is_ready()
        requests.take()
        waiting.cancel()
        await run_what_is_ready()
        assert requests.find(request.key) is request
        again = wait_for(requests, request)
        await run_what_is_ready()
        requests.answer(request, ANSWER)
        assert await again == ANSWER
        assert len(requests) == 0

    async def test_only_what_is_waited_for_is_gathered_again(self) -> None:
        requests = Requests(1.0)
        wanted, unwanted, answered = open_many(requests, 3)
        waiting = wait_for(requests, wanted), wait_for(requests, answered)
        await run_what_is_ready()
        requests.take()
        requests.answer(answered, ANSWER)
        for request in (wanted, unwanted, answered):
            requests.gather_again(request)
        assert list_taken(requests) == [wanted.key]
        assert requests.find(unwanted.key) is None
        assert len(requests) == 1
        assert await waiting[1] == ANSWER
        waiting[0].cancel()

    async def test_a_later_request_of_the_same_key_is_another(self) -> None:
        requests = Requests(1.0)
        earlier = requests.open("k", b"x")
        requests.take()
        requests.refuse(earlier, PASSING)
        later = requests.open("k", b"x")
        requests.answer(earlier, ANSWER)  # its batch went on
        assert requests.find("k") is later
        assert list_taken(requests) == ["k"]
        assert not later.answer.done()

    async def test_all_are_refused_together_each_once(self) -> None:
        requests = Requests(1.0)
        many = open_many(requests, 3)
        requests.take()
        many += open_many(requests, 1)
        requests.answer(many[0], ANSWER)
        waits = [wait_for(requests, request) for request in many]
        await run_what_is_ready()
        requests.refuse_all(PASSING)
        requests.refuse_all(EndpointError("later still"))
        assert await waits[0] == ANSWER
        assert await asyncio.gather(*waits[1:], return_exceptions=True) == [PASSING] * 3
        assert len(requests) == 0
        assert requests.take() == []


class TestRounds:
    async def ask(self, *errors: EndpointError, counts: bool = True) -> tuple[int, "asyncio.Task[Completion]"]:
        """How many batches a request was in that fails so, and the wait for it."""
        requests, rounds = Requests(1.0), 0
        (request,) = open_many(requests, 1)
        waiting = wait_for(requests, request)
        await run_what_is_ready()
        for error in errors:
            if not requests.take():
                break
            rounds += 1
            requests.retry(request, error, counts=counts)
        else:
            if requests.take():
                requests.answer(request, ANSWER)
                rounds += 1
        return rounds, waiting

    async def test_what_fails_in_passing_is_in_three_batches_at_most(self) -> None:
        assert ROUNDS == 3
        rounds, waiting = await self.ask(PASSING, PASSING)
        assert (rounds, await waiting) == (3, ANSWER)
        rounds, waiting = await self.ask(PASSING, PASSING, PASSING)
        assert rounds == 3
        with pytest.raises(EndpointError, match=r"^500: later \(in 3 batches\)$"):
            await waiting

    async def test_a_round_that_does_not_count_is_none(self) -> None:
        rounds, waiting = await self.ask(*[PASSING] * 5, counts=False)
        assert (rounds, await waiting) == (6, ANSWER)

    @pytest.mark.parametrize(
        "error", [EndpointError("400: no", status=400), EndpointError("no credit", retried=True, fatal=True)]
    )
    async def test_what_will_not_pass_is_told_at_once(self, error: EndpointError) -> None:
        rounds, waiting = await self.ask(error, error)
        assert rounds == 1
        with pytest.raises(EndpointError) as caught:
            await waiting
        assert str(caught.value) == str(error)
        assert caught.value.fatal == error.fatal


def test_the_last_word_is_retried_by_nobody_and_says_what_the_endpoint_said() -> None:
    refused = finalise(EndpointError("400: no", status=400, said="max_tokens unsupported"))
    assert (str(refused), refused.status, refused.said, refused.retried) == (
        "400: no",
        400,
        "max_tokens unsupported",
        False,
    )
    limited = finalise(EndpointError("429: slow", status=429, retried=True, wait_s=9.0), rounds=2)
    # Whoever asked would wait for a limit for ever.
    assert (str(limited), limited.status, limited.is_limit) == ("429: slow (in 2 batches)", None, False)
    broke = finalise(EndpointError("no credit", status=429, fatal=True))
    assert (broke.status, broke.fatal) == (429, True)
    assert str(finalise(PASSING)) == "500: later"
    assert str(finalise(EndpointError("400: no", status=400), rounds=2)) == "400: no"
