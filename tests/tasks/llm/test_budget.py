"""What a run may buy, and when it is going wrong."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.calls import Usage
from schemas.errors import RunStoppedError, UserError
from schemas.parameters import Budget
from tasks.llm.budget import Account, RecentErrors
from tasks.llm.prices import Price

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


@given(st.lists(st.integers(1, 500), min_size=1, max_size=40), st.integers(1, 5000))
def test_one_call_at_a_time_of_known_size_never_exceeds_a_budget_of_tokens(prompts: list[int], limit: int) -> None:
    account = Account(Budget(tokens=limit), None, "tiny")
    for prompt in prompts:
        try:
            buy(account, prompt, 0)
        except RunStoppedError:
            break
    assert account.spent.tokens <= limit


def test_too_many_failures_among_the_last_hundred_stop_the_run_and_not_before_a_hundred() -> None:
    errors = RecentErrors(0.5)
    for _ in range(51):
        errors.note("endpoint answered 500")
    for _ in range(48):
        errors.note(None)
    with pytest.raises(RunStoppedError, match=r"52 of the last 100 requests failed.*answered 500") as raised:
        errors.note("endpoint answered 500")
    assert raised.value.cause == "errors"


def test_failures_that_are_long_past_count_no_more() -> None:
    errors = RecentErrors(0.5)
    for problem in [*["500"] * 60, *[None] * 100, *["500"] * 50]:
        errors.note(problem)
