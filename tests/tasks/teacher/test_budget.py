"""What a run may buy, and when it is going wrong."""

import asyncio
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.calls import Usage
from schemas.errors import RunStoppedError, UserError
from schemas.parameters import Budget
from tasks.teacher.budget import SAME_REFUSALS, Account, RecentErrors, Spent, add_spent, share_budget
from tasks.teacher.prices import Price

PRICE = Price(input=1.0, output=10.0, noted=date(2026, 1, 1))


def think(prompt: int = 0, completion: int = 0) -> Usage:
    return Usage(prompt=prompt, completion=completion)


def buy(account: Account, prompt: int = 100, completion: int = 10) -> None:
    used = think(prompt, completion)
    assert account.begin(used)
    account.end(used, used)


def test_without_a_budget_everything_may_be_bought_and_is_counted() -> None:
    account = Account(Budget(), PRICE, "tiny")
    for _ in range(3):
        buy(account)
    assert (account.spent.calls, account.spent.tokens) == (3, 330)
    assert account.spent.usd == pytest.approx(3 * (100 * 1 + 10 * 10) / 1e6)
    assert Account(Budget(), None, "tiny").spent.usd is None


def test_as_many_calls_as_the_budget_has_are_made_those_in_flight_counted() -> None:
    account = Account(Budget(calls=3), None, "tiny")
    assert all(account.begin(think()) for _ in range(3))
    assert not account.begin(think())  # it waits: one of them may fail
    account.end(think(), None)
    assert account.begin(think())
    for _ in range(3):
        account.end(think(), think())
    with pytest.raises(RunStoppedError, match=r"budget of 3 completions .*--budget.calls") as raised:
        account.begin(think())
    assert raised.value.cause == "budget"


def test_tokens_in_flight_count_as_what_they_are_thought_to_take() -> None:
    account = Account(Budget(tokens=1000), None, "tiny")
    buy(account, 100, 100)
    assert all(account.begin(think(100, 100)) for _ in range(4))
    assert not account.begin(think(1))
    account.end(think(100, 100), think(100, 20))
    assert account.begin(think(80))


def test_alone_it_goes_where_there_is_room_for_the_little_that_it_may_take() -> None:
    account = Account(Budget(tokens=1000), None, "tiny")
    assert account.begin(think(500, 2000), think(500))
    account.end(think(500, 2000), think(500, 100))
    with pytest.raises(RunStoppedError, match="600 bought, 0 calls in flight"):
        account.begin(think(401, 2000), think(401))


@pytest.mark.parametrize("change", ["an end", "a stop"])
async def test_who_waits_for_room_looks_again_when_there_may_be_some(change: str) -> None:
    account = Account(Budget(calls=1), None, "tiny")
    account.begin(think())
    waiting = asyncio.create_task(account.wait_for_change())
    await asyncio.sleep(0)
    assert not waiting.done()
    if change == "an end":
        account.end(think(), None)
    else:
        account.look_again()
    await asyncio.wait_for(waiting, 5)


def test_what_led_to_no_completion_is_counted_by_its_tokens() -> None:
    account = Account(Budget(calls=1, tokens=1000), PRICE, "tiny")
    account.begin(think(100))
    account.end(think(100), think(100, 10), calls=0)
    assert (account.spent.calls, account.spent.tokens) == (0, 110)
    assert account.spent.usd == pytest.approx(200e-6)


def test_a_budget_in_dollars_ends_before_it_is_exceeded() -> None:
    account = Account(Budget(usd=0.001), PRICE, "tiny")
    for _ in range(5):
        buy(account)
    with pytest.raises(RunStoppedError, match=r"\$0.0010 bought.*--budget.usd"):
        buy(account)


def test_a_budget_in_dollars_needs_a_price() -> None:
    with pytest.raises(UserError, match="price of 'tiny'"):
        Account(Budget(usd=1), None, "tiny")


class TestTheLastRoom:
    """A budget may be reached exactly, and not exceeded by one."""

    @pytest.mark.parametrize(("bought", "in_flight", "goes"), [(0, 2, True), (1, 1, True), (2, 0, True), (1, 2, False)])
    def test_of_calls(self, bought: int, in_flight: int, goes: bool) -> None:
        account = Account(Budget(calls=3), None, "tiny")
        for _ in range(bought):
            buy(account)
        for _ in range(in_flight):
            account.begin(think(10**9))  # tokens are no matter here
        assert account.begin(think()) == goes

    @pytest.mark.parametrize(("prompt", "goes"), [(690, True), (691, False)])
    def test_of_tokens(self, prompt: int, goes: bool) -> None:
        account = Account(Budget(tokens=1000), None, "tiny")
        buy(account, 100, 10)
        account.begin(think(190, 10))
        assert account.begin(think(prompt)) == goes
        if not goes:
            assert account.begin(think(prompt - 1))  # what was turned down is not in flight

    def test_of_tokens_and_none_in_flight(self) -> None:
        account = Account(Budget(tokens=1000), None, "tiny")
        buy(account, 100, 10)
        with pytest.raises(RunStoppedError, match=r"of 1,000 tokens is reached \(110 .*--budget\.tokens ") as raised:
            account.begin(think(890, 1))
        assert raised.value.cause == "budget"
        assert account.begin(think(890))

    @pytest.mark.parametrize(("prompt", "goes"), [(700, True), (701, False)])
    def test_of_dollars(self, prompt: int, goes: bool) -> None:
        dear = Price(input=1e6, output=1e7, noted=date(2026, 1, 1))  # a dollar a token, and ten
        account = Account(Budget(usd=1200), dear, "tiny")
        buy(account, 100, 10)  # 200 dollars
        account.begin(think(200, 10))  # 300
        assert account.begin(think(prompt)) == goes
        match = r"of \$1,200\.00 is reached \(\$200\.0000 .*--budget\.usd "
        with pytest.raises(RunStoppedError, match=match) as raised:
            account.begin(think(1001))
        assert raised.value.cause == "budget"

    def test_is_there_again_for_what_failed_and_for_what_took_less_than_was_thought(self) -> None:
        account = Account(Budget(tokens=1000), None, "tiny")
        for used in (None, think(400)):
            assert account.begin(think(1000))
            account.end(think(1000), used)
        assert account.begin(think(600))

    def test_is_none_that_a_budget_of_something_else_has(self) -> None:
        account = Account(Budget(tokens=5), PRICE, "tiny")
        for _ in range(3):
            assert account.begin(think(1))
        assert not account.begin(think(3))
        with pytest.raises(RunStoppedError, match=r"budget\.tokens"):
            account.begin(think(6))


@pytest.mark.parametrize(
    ("budget", "counts"), [(Budget(), False), (Budget(calls=3), False), (Budget(tokens=3), True), (Budget(usd=3), True)]
)
def test_tokens_are_estimated_where_a_budget_depends_on_them(budget: Budget, counts: bool) -> None:
    assert Account(budget, PRICE, "tiny").counts_tokens == counts


def test_what_was_bought_by_the_batch_api_costs_less() -> None:
    account = Account(Budget(), PRICE, "tiny")
    account.begin(think())
    account.end(think(), think(100, 10), batched=True)
    assert account.spent.usd == pytest.approx(200e-6 / 2)
    account.begin(think())
    account.end(think(), think(100, 10))
    assert account.spent.usd == pytest.approx(300e-6)


def test_dollars_are_unknown_where_no_price_is_and_nothing_where_nothing_was_bought() -> None:
    assert Account(Budget(), PRICE, "tiny").spent == Spent(0, 0, 0.0)
    account = Account(Budget(), None, "tiny")
    buy(account)
    assert account.spent == Spent(1, 110, None)
    spent = Spent()
    spent.add(Usage(prompt=1, completion=2), None)
    spent.add(Usage(prompt=1, completion=2, cached=1, reasoning=2), 0.5)
    spent.add(Usage(), None)
    spent.add(Usage(prompt=1), 0.25, calls=0)
    assert spent == Spent(3, 7, 0.75)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=40), st.integers(1, 5000))
def test_one_call_at_a_time_of_known_size_never_exceeds_a_budget_of_tokens(prompts: list[int], limit: int) -> None:
    account = Account(Budget(tokens=limit), None, "tiny")
    for prompt in prompts:
        try:
            buy(account, prompt, 0)
        except RunStoppedError:
            break
    assert account.spent.tokens <= limit


@pytest.mark.parametrize(("failed", "stops"), [(50, False), (51, True)])
def test_more_failures_than_may_be_among_the_last_hundred_stop_the_run(failed: int, stops: bool) -> None:
    errors = RecentErrors(0.5)
    for _ in range(100 - failed):
        errors.note(None)
    for _ in range(failed - 1):
        errors.note("endpoint answered 500")
    if not stops:
        errors.note("endpoint answered 500")
        return
    with pytest.raises(
        RunStoppedError, match=r"^51 of the last 100 .*error_share 0\.5 .*endpoint answered 500"
    ) as raised:
        errors.note("endpoint answered 500")
    assert raised.value.cause == "errors"


def test_a_run_that_went_well_for_long_may_still_go_wrong() -> None:
    errors = RecentErrors(0.5)
    for problem in [*[None] * 250, *["500"] * 50]:
        errors.note(problem)
    with pytest.raises(RunStoppedError, match=r"^51 of the last 100"):
        errors.note("500")


def test_before_a_hundred_requests_nothing_is_said() -> None:
    errors = RecentErrors(0.5)
    for _ in range(99):
        errors.note("500")
    with pytest.raises(RunStoppedError, match=r"^100 of the last 100"):
        errors.note("500")


def test_an_answer_stops_no_run_and_all_may_fail_where_all_may() -> None:
    errors = RecentErrors(0.0)
    for _ in range(99):
        errors.note("500")
    errors.note(None)
    with pytest.raises(RunStoppedError, match=r"^99 of the last 100"):
        errors.note("500")
    patient = RecentErrors(1.0)
    for _ in range(300):
        patient.note("500")


def test_failures_that_are_long_past_count_no_more() -> None:
    errors = RecentErrors(0.5)
    for problem in [*["500"] * 60, *[None] * 50, *["500"] * 10]:
        errors.note(problem)  # 50 among the last hundred


class TestRefusalsInTheSameWords:
    """They are the endpoint's last word long before a hundred requests have failed."""

    @staticmethod
    def refuse(errors: RecentErrors, times: int, said: str = "no", shape: str = "tools") -> None:
        for _ in range(times):
            errors.note(f"answered 400: {said}", shape, said)

    def test_twenty_in_a_row_stop_the_run_with_the_endpoints_own_words(self) -> None:
        errors = RecentErrors(1.0)
        self.refuse(errors, SAME_REFUSALS - 1)
        with pytest.raises(RunStoppedError, match=r"^20 requests in a row .* same words: answered 400: no;") as raised:
            self.refuse(errors, 1)
        assert raised.value.cause == "errors"

    def test_names_and_numbers_in_them_are_no_other_words(self) -> None:
        errors = RecentErrors(1.0)
        for number in range(SAME_REFUSALS - 1):
            self.refuse(errors, 1, f"model 'm{number}' takes {8000 + number} tokens, got tools[{number}].x")
        with pytest.raises(RunStoppedError, match="got tools"):
            self.refuse(errors, 1, "model 'm' takes 9000 tokens, got tools[3].x")

    def test_other_words_and_an_answer_in_between_begin_anew(self) -> None:
        errors = RecentErrors(1.0)
        self.refuse(errors, SAME_REFUSALS - 1)
        self.refuse(errors, 1, "not so")
        self.refuse(errors, SAME_REFUSALS - 1)
        errors.note(None, "tools")
        self.refuse(errors, SAME_REFUSALS - 1)
        assert errors.count_same("tools") == SAME_REFUSALS - 1

    def test_answers_to_other_requests_and_failures_that_are_no_refusals_do_not(self) -> None:
        errors = RecentErrors(1.0)
        self.refuse(errors, SAME_REFUSALS - 1)
        errors.note(None, "words")
        errors.note("answered 500", "tools")
        with pytest.raises(RunStoppedError, match="same words"):
            self.refuse(errors, 1)

    def test_what_is_refused_is_counted_by_what_was_asked_for(self) -> None:
        errors = RecentErrors(1.0)
        for shape in ("tools", "words"):
            self.refuse(errors, SAME_REFUSALS - 1, shape=shape)
        assert errors.count_same("json") == 0


class TestShared:
    def test_one_budget_covers_what_several_sell_each_at_its_own_price(self) -> None:
        dear = Price(input=100.0, output=1000.0, noted=date(2026, 1, 1))
        one, other = Account(Budget(usd=0.02), PRICE, "tiny"), Account(Budget(usd=0.02), dear, "large")
        share_budget([one, other])
        buy(other)  # 0.02 at its price
        assert (one.spent.calls, other.spent.calls) == (0, 1)
        with pytest.raises(RunStoppedError, match=r"\$0.0200 bought"):
            one.begin(think(1))

    def test_what_another_has_in_flight_is_waited_for(self) -> None:
        one, other = (Account(Budget(calls=1), None, name) for name in ("tiny", "large"))
        share_budget([one, other])
        assert other.begin(think())
        assert not one.begin(think())
        other.end(think(), None)
        assert one.begin(think())

    async def test_whose_end_wakes_all(self) -> None:
        one, other = (Account(Budget(calls=1), None, name) for name in ("tiny", "large"))
        share_budget([one, other])
        other.begin(think())
        waiting = asyncio.create_task(one.wait_for_change())
        await asyncio.sleep(0)
        other.end(think(), None)
        await asyncio.wait_for(waiting, 5)

    @pytest.mark.parametrize(
        ("parts", "total"),
        [
            ([], Spent()),
            ([Spent(usd=0.0), Spent()], Spent(usd=0.0)),
            ([Spent(2, 30, 1.5), Spent(1, 10, 0.5)], Spent(3, 40, 2.0)),
            ([Spent(2, 30, 1.5), Spent(1, 10, None)], Spent(3, 40, None)),
            ([Spent(2, 30, 1.5), Spent()], Spent(2, 30, 1.5)),
        ],
    )
    def test_the_cost_of_all_is_known_where_that_of_each_is(self, parts: list[Spent], total: Spent) -> None:
        assert add_spent(parts) == total
