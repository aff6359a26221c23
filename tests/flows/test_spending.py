"""What a run has bought, as people write it."""

import pytest

from flows.spending import describe_row_tokens, describe_spent, format_tokens, format_usd
from schemas.calls import Usage
from schemas.steps import CallCounts


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0.0, "$0.00"),
        (0.0042, "$0.0042"),
        (0.0999, "$0.0999"),
        (0.1, "$0.10"),
        (1.234, "$1.23"),
        (99.99, "$99.99"),
        (100.0, "$100"),
        (123.7, "$124"),
        (1204.0, "$1,204"),
        (1_204_000.0, "$1,204,000"),
    ],
)
def test_dollars_have_as_many_digits_as_say_something(amount: float, text: str) -> None:
    assert format_usd(amount) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"), (812, "812"), (9_999, "9,999"), (10_000, "10k"), (81_400, "81k"), (999_400, "999k"),
        (1_000_000, "1.0M"), (1_240_000, "1.2M"),
    ],
)  # fmt: skip
def test_tokens_are_told_in_few_characters(count: int, text: str) -> None:
    assert format_tokens(count) == text


@pytest.mark.parametrize(
    ("calls", "text"),
    [
        (CallCounts(sent=9, stored=4), "nothing"),
        (CallCounts(bought=3, tokens=1_200_000, cost_usd=1.23), "$1.23 for 1,200,000 tokens"),
        (CallCounts(bought=3, tokens=1_200, cost_usd=0.0), "1,200 tokens, free of charge"),
        (CallCounts(bought=1, tokens=1_200), "1,200 tokens (no price is known)"),
    ],
    ids=["all was there", "at a price", "free", "at a price that nobody knows"],
)
def test_what_was_bought_is_told_with_its_cost_where_that_is_known(calls: CallCounts, text: str) -> None:
    assert describe_spent(calls) == text


@pytest.mark.parametrize(
    ("usage", "accepted", "text"),
    [
        (Usage(prompt=7000, completion=800), 2, "3,900 for an accepted row"),
        (Usage(prompt=1000, completion=1, cached=725), 1,
         "1,001 for an accepted row, 72% of the prompts' from the endpoint's cache"),
        (Usage(prompt=1000), 0, ""),
        (Usage(), 2, ""),
    ],
)  # fmt: skip
def test_what_an_accepted_row_took_is_told_where_it_is_known(usage: Usage, accepted: int, text: str) -> None:
    assert describe_row_tokens(usage, accepted) == text
