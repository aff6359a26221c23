"""When the endpoint as a whole is taken to be away, and how long it is waited for."""

import asyncio
import random
from typing import Any

import pytest

from tasks.teacher.sending.outage import FIRST_CONTACT_S, FIRST_GATEWAY_S, Outage, Outlook
from tasks.teacher.sending.retries import Backoff, EndpointError
from tests.tasks.teacher.passing_time import in_passing_time

GATEWAY = EndpointError("answered 502", status=502, retried=True, means="away")
UNREACHED = EndpointError("cannot be reached", retried=True, means="away")
LOADING = EndpointError("answered 503", status=503, retried=True, means="loading")


@pytest.fixture(autouse=True)
def take_the_longest_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: high)


def make(*, answered: bool = True, give_up_s: float = 900) -> Outage:
    outage = Outage(Backoff(attempts=6, give_up_s=give_up_s))
    if answered:
        outage.note_answer()
    return outage


@in_passing_time
async def test_one_failure_stops_nobody_and_a_second_in_a_row_all() -> None:
    outage = make()
    assert outage.note_failure(GATEWAY, looked=False) == Outlook()
    assert not outage.is_on
    assert outage.note_failure(GATEWAY, looked=False) == Outlook(look_in_s=0.5)
    assert (outage.is_on, outage.describe()) == (True, "endpoint answers 502")


@in_passing_time
async def test_an_answer_and_any_other_sign_of_life_in_between_begin_anew() -> None:
    for sign in ("note_answer", "note_sign"):
        outage = make()
        for _ in range(5):
            outage.note_failure(GATEWAY, looked=False)
            getattr(outage, sign)()
        assert (outage.is_on, outage.describe(), outage.lasted_s) == (False, "", 0)


@in_passing_time
async def test_it_is_looked_for_ever_more_rarely_and_what_was_in_flight_does_not_count_as_a_look() -> None:
    outage = make()
    outage.note_failure(GATEWAY, looked=False)
    looks = [outage.note_failure(GATEWAY, looked=False).look_in_s]
    assert [outage.note_failure(GATEWAY, looked=False) for _ in range(60)] == [Outlook()] * 60
    looks += [outage.note_failure(GATEWAY, looked=True).look_in_s for _ in range(7)]
    assert looks == [0.5, 1, 2, 4, 8, 10, 10, 10]


@in_passing_time
async def test_the_time_that_the_endpoint_asks_for_is_waited() -> None:
    asked = EndpointError("answered 503", status=503, wait_s=40, means="away")
    outage = make()
    outage.note_failure(asked, looked=False)
    assert outage.note_failure(asked, looked=False).look_in_s == 40


@pytest.mark.parametrize(
    ("error", "answered", "patience_s"),
    [
        (GATEWAY, True, 900),
        (UNREACHED, True, 900),
        (LOADING, True, 900),
        (LOADING, False, 900),
        (GATEWAY, False, FIRST_GATEWAY_S),
        (UNREACHED, False, FIRST_CONTACT_S),
    ],
)
def test_an_address_where_nobody_ever_answered_is_not_waited_for_as_long(
    error: EndpointError, answered: bool, patience_s: float
) -> None:
    @in_passing_time
    async def play() -> None:
        outage, lasted = make(answered=answered), 0.0
        outlook = outage.note_failure(error, looked=False)
        while not outlook.is_over:
            wait_s = outlook.look_in_s or 0.1
            lasted += wait_s
            await asyncio.sleep(wait_s)
            outlook = outage.note_failure(error, looked=True)
        assert patience_s - 0.01 <= lasted <= patience_s + 0.2

    play()


@pytest.mark.parametrize(
    ("error", "words"),
    [(GATEWAY, "endpoint answers 502"), (UNREACHED, "endpoint is out of reach"), (LOADING, "endpoint loads its model")],
)
def test_the_reason_is_told_in_few_words(error: Any, words: str) -> None:
    @in_passing_time
    async def play() -> None:
        outage = make()
        for _ in range(2):
            outage.note_failure(error, looked=False)
        await asyncio.sleep(40)
        assert (outage.describe(), round(outage.lasted_s)) == (words, 40)

    play()
