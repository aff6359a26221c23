"""What a run may buy, and when it is going wrong."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.calls import Usage
from schemas.errors import RunStoppedError, UserError
from schemas.parameters import Budget
from tasks.teacher.budget import Account, RecentErrors, Spent
from tasks.teacher.prices import Price

PRICE = Price(input=1.0, output=10.0, noted=date(2026, 1, 1))


def buy(account: Account, prompt: int = 100, completion: int = 10) -> None:
    thought = account.begin(prompt)
    account.end(thought, Usage(prompt=prompt, completion=completion))


def test_without_a_budget_everything_may_be_bought_and_is_counted() -> None:
    account = Account(Budget(), PRICE, "tiny")
    for _ in range(3):
        buy(account)
    assert (account.spent.calls, account.spent.tokens) == (3, 330)
    assert account.spent.usd == pytest.approx(3 * (100 * 1 + 10 * 10) / 1e6)
    assert Account(Budget(), None, "tiny").spent.usd is None


def test_as_many_calls_as_the_budget_has_are_made_those_in_flight_counted() -> None:
    account = Account(Budget(calls=3), None, "tiny")
    in_flight = [account.begin(0) for _ in range(3)]
    with pytest.raises(RunStoppedError, match=r"budget of 3 completions .*--budget.calls") as raised:
        account.begin(0)
    assert raised.value.cause == "budget"
    account.end(in_flight[0], None)  # failed, so nothing was bought
    account.begin(0)


def test_tokens_in_flight_count_as_their_prompts_and_what_completions_have_had_so_far() -> None:
    account = Account(Budget(tokens=1000), None, "tiny")
    buy(account, 100, 100)
    for _ in range(4):
        account.begin(100)  # 200 each by the mean so far
    with pytest.raises(RunStoppedError, match="200 bought, 4 calls in flight"):
        account.begin(100)


def test_a_budget_in_dollars_ends_before_it_is_exceeded() -> None:
    account = Account(Budget(usd=0.001), PRICE, "tiny")
    for _ in range(5):
        buy(account)
    with pytest.raises(RunStoppedError, match=r"\$0.0010 bought.*--budget.usd"):
        buy(account)


def test_a_budget_in_dollars_needs_a_price() -> None:
    with pytest.raises(UserError, match="price of 'tiny'"):
        Account(Budget(usd=1), None, "tiny")


def test_an_endpoint_that_does_not_tell_usage_is_counted_by_estimate() -> None:
    account = Account(Budget(tokens=1000), None, "tiny")
    account.end(account.begin(300), Usage())
    assert account.spent.tokens == 300


@pytest.mark.parametrize(
    "used", [Usage(prompt=0, completion=7), Usage(prompt=7, completion=0), Usage(prompt=0, completion=7, cached=3)]
)
def test_what_an_endpoint_does_tell_is_taken_as_it_is(used: Usage) -> None:
    account = Account(Budget(), None, "tiny")
    account.end(account.begin(300), used)
    assert account.spent.tokens == 7


def test_estimated_usage_is_what_later_completions_are_thought_to_take_as_well() -> None:
    account = Account(Budget(), None, "tiny")
    buy(account, 100, 30)
    buy(account, 100, 11)
    assert account.begin(50) == Usage(prompt=50, completion=20)  # 41 in 2 calls
    account.end(account.begin(50), Usage())
    assert (account.spent.calls, account.spent.tokens) == (3, 241 + 70)
    assert account.begin(0) == Usage(prompt=0, completion=20)  # 61 in 3


class TestTheLastRoom:
    """A budget may be reached exactly, and not exceeded by one."""

    @pytest.mark.parametrize(("bought", "in_flight", "goes"), [(0, 2, True), (1, 1, True), (2, 0, True), (1, 2, False)])
    def test_of_calls(self, bought: int, in_flight: int, goes: bool) -> None:
        account = Account(Budget(calls=3), None, "tiny")
        for _ in range(bought):
            buy(account)
        for _ in range(in_flight):
            account.begin(10**9)  # tokens are no matter here
        if goes:
            account.begin(0)
        else:
            with pytest.raises(RunStoppedError, match=r"^the budget of 3 completions .*\(1 bought, 2 calls in flight"):
                account.begin(0)

    @pytest.mark.parametrize(("prompt", "goes"), [(680, True), (681, False)])
    def test_of_tokens(self, prompt: int, goes: bool) -> None:
        account = Account(Budget(tokens=1000), None, "tiny")
        buy(account, 100, 10)
        account.begin(190)  # and 10 for its completion
        if goes:
            account.begin(prompt)
            return
        with pytest.raises(RunStoppedError, match=r"of 1,000 tokens is reached \(110 .*--budget\.tokens ") as raised:
            account.begin(prompt)
        assert raised.value.cause == "budget"
        account.begin(prompt - 1)  # what was turned down is not in flight

    @pytest.mark.parametrize(("prompt", "goes"), [(600, True), (601, False)])
    def test_of_dollars(self, prompt: int, goes: bool) -> None:
        dear = Price(input=1e6, output=1e7, noted=date(2026, 1, 1))  # a dollar a token, and ten
        account = Account(Budget(usd=1200), dear, "tiny")
        buy(account, 100, 10)  # 200 dollars
        account.begin(200)  # 300 with 10 for its completion
        if goes:
            account.begin(prompt)  # 700
            return
        match = r"of \$1,200\.00 is reached \(\$200\.0000 .*--budget\.usd "
        with pytest.raises(RunStoppedError, match=match) as raised:
            account.begin(prompt)
        assert raised.value.cause == "budget"

    def test_is_there_again_for_what_failed_and_for_what_took_less_than_was_thought(self) -> None:
        account = Account(Budget(tokens=1000), None, "tiny")
        account.end(account.begin(1000), None)
        account.end(account.begin(1000), Usage(prompt=400))
        account.begin(600)

    def test_is_none_that_a_budget_of_something_else_has(self) -> None:
        account = Account(Budget(tokens=5), PRICE, "tiny")
        for _ in range(3):
            account.begin(1)
        with pytest.raises(RunStoppedError, match=r"budget\.tokens"):
            account.begin(3)


@pytest.mark.parametrize(
    ("budget", "counts"), [(Budget(), False), (Budget(calls=3), False), (Budget(tokens=3), True), (Budget(usd=3), True)]
)
def test_tokens_are_estimated_where_a_budget_depends_on_them(budget: Budget, counts: bool) -> None:
    assert Account(budget, PRICE, "tiny").counts_tokens == counts


def test_what_was_bought_by_the_batch_api_costs_less() -> None:
    account = Account(Budget(), PRICE, "tiny")
    account.end(account.begin(0), Usage(prompt=100, completion=10), batched=True)
    assert account.spent.usd == pytest.approx(200e-6 / 2)
    account.end(account.begin(0), Usage(prompt=100, completion=10))
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
    assert spent == Spent(3, 6, 0.5)


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
