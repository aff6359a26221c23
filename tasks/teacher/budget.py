"""What a run has bought, what it may buy, and when it is going wrong."""

import asyncio
import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.calls import Usage
from schemas.errors import RunStoppedError, UserError
from schemas.parameters import Budget
from tasks.teacher.prices import Price

_RECENT = 100

SAME_REFUSALS = 20
"""So many refusals in the same words, with nothing answered in between, are the endpoint's last word."""

_VARYING = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\S*\d\S*")


@dataclass
class Spent:
    """What was bought in this run; `usd` is None where the price is unknown, or nothing was bought yet."""

    calls: int = 0
    tokens: int = 0
    usd: float | None = None

    def add(self, usage: Usage, usd: float | None, calls: int = 1) -> None:
        """One more completion, and what it cost; with no `calls`, what a request took that led to none."""
        self.calls += calls
        self.tokens += usage.prompt + usage.completion
        if usd is not None:
            self.usd = (self.usd or 0.0) + usd


class Account:
    """Counts what is bought and says when the budget leaves no room for more.

    What is in flight counts as what it is thought to take. Where only that leaves no room, a request waits until it is
    known; so a budget is neither exceeded by what went out together, nor reached before it is. One event loop's.

    Raises:
        UserError: the budget is in US dollars and the price is unknown.
    """

    def __init__(self, budget: Budget, price: Price | None, model: str) -> None:
        if budget.usd is not None and price is None:
            raise UserError(
                f"--budget.usd: the price of {model!r} at this endpoint is unknown; enter it in "
                "tasks/teacher/prices.yaml (or the file that TOOLHERD_PRICES names), or set --budget.tokens or "
                "--budget.calls"
            )
        self.spent = Spent(usd=None if price is None else 0.0)
        self._budget = budget
        self._price = price
        self._in_flight = Usage()
        self._calls_in_flight = 0
        self._change = asyncio.Event()
        self._together: Sequence[Account] = (self,)

    @property
    def counts_tokens(self) -> bool:
        """Whether an estimate of a request's tokens is needed before it is sent."""
        return self._budget.usd is not None or self._budget.tokens is not None

    def begin(self, thought: Usage, least: Usage | None = None) -> bool:
        """One request is to be sent that is thought to take so much; False where it has to wait for those in flight.

        Hand what it was thought to take back to `end`. `least` is what it takes if it takes little, by default as much:
        there must be room for that.

        Raises:
            RunStoppedError: the budget leaves no room for it.
        """
        self._require_room(least or thought)
        in_flight = [account for account in self._together if account._calls_in_flight]
        if in_flight:
            try:
                self._require_room(thought, in_flight)
            except RunStoppedError:
                return False
        self._calls_in_flight += 1
        self._in_flight = _add(self._in_flight, thought)
        return True

    def end(self, thought: Usage, used: Usage | None, *, batched: bool = False, calls: int = 1) -> None:
        """The request has ended; `used` is None if it bought nothing, and no `calls` if that was no completion."""
        self._calls_in_flight -= 1
        self._in_flight = _add(self._in_flight, thought, -1)
        if used is not None:
            self.spent.add(
                used, None if self._price is None else self._price.compute_cost(used, batched=batched), calls
            )
        self.look_again()

    async def wait_for_change(self) -> None:
        """Return when a request has ended, or `look_again` is called."""
        self._change.clear()
        await self._change.wait()

    def look_again(self) -> None:
        """Have those who wait look whether there is room."""
        for account in self._together:
            account._change.set()

    def _require_room(self, thought: Usage, in_flight: Sequence["Account"] = ()) -> None:
        """Raises RunStoppedError where what was bought, what is in flight and what is thought of leave none."""
        budget, spent = self._budget, add_spent(account.spent for account in self._together)
        calls = sum(account._calls_in_flight for account in in_flight)
        if budget.calls is not None and spent.calls + calls + 1 > budget.calls:
            raise self._explain(f"{budget.calls:,} completions", f"{spent.calls:,}", "calls")
        expected = [thought, *(account._in_flight for account in in_flight)]
        tokens = sum(usage.prompt + usage.completion for usage in expected)
        if budget.tokens is not None and spent.tokens + tokens > budget.tokens:
            raise self._explain(f"{budget.tokens:,} tokens", f"{spent.tokens:,}", "tokens")
        if budget.usd is not None and spent.usd is not None:
            usd = spent.usd + self._cost(thought) + sum(account._cost(account._in_flight) for account in in_flight)
            if usd > budget.usd:
                raise self._explain(f"${budget.usd:,.2f}", f"${spent.usd:,.4f}", "usd")

    def _cost(self, usage: Usage) -> float:
        return 0.0 if self._price is None else self._price.compute_cost(usage)

    def _explain(self, limit: str, spent: str, unit: str) -> RunStoppedError:
        in_flight = sum(account._calls_in_flight for account in self._together)
        return RunStoppedError(
            f"the budget of {limit} is reached ({spent} bought, {in_flight} calls in flight by then); "
            f"what is finished is kept: run again with a larger --budget.{unit} to go on from there",
            "budget",
        )


def share_budget(accounts: Sequence[Account]) -> None:
    """Have one budget cover what several teachers sell, each at its own price."""
    for account in accounts:
        account._together = tuple(accounts)


def add_spent(parts: Iterable[Spent]) -> Spent:
    """What was bought of several teachers; the cost is None where something was bought whose price is unknown."""
    total = Spent()
    costs: list[float | None] = []
    for part in parts:
        total.calls, total.tokens = total.calls + part.calls, total.tokens + part.tokens
        if part.calls or part.usd is not None:
            costs.append(part.usd)
    known = [cost for cost in costs if cost is not None]
    total.usd = sum(known) if known and len(known) == len(costs) else None
    return total


class RecentErrors:
    """The outcomes of the last 100 requests, rate limits left out, and refusals that are always the same."""

    def __init__(self, most: float) -> None:
        self._most = most
        self._failed: deque[bool] = deque(maxlen=_RECENT)
        self._refused: dict[str, tuple[str, int]] = {}  # by shape: the words without what varies, and how often

    def note(self, problem: str | None, shape: str = "", refused: str = "") -> None:
        """One request was answered (None) or failed; `refused` are the endpoint's words where it refused it.

        `shape` tells apart what may be refused by itself: requests with tools, those for JSON.

        Raises:
            RunStoppedError: among the last 100 more have failed than may; or those of a shape were refused in the same
                words, one after another.
        """
        if problem is None:
            self._refused.pop(shape, None)
        self._failed.append(problem is not None)
        failed = sum(self._failed) if problem is not None else 0
        if failed > self._most * _RECENT and len(self._failed) == _RECENT:
            raise RunStoppedError(
                f"{failed} of the last {_RECENT} requests failed, more than --max_error_share {self._most:g} allows "
                f"(the last one: {problem}); what is finished is kept, the same command goes on from there",
                "errors",
            )
        if not refused:
            return
        words = _VARYING.sub("*", refused)
        last, count = self._refused.get(shape, ("", 0))
        self._refused[shape] = (words, count + 1 if words == last else 1)
        if self.count_same(shape) >= SAME_REFUSALS:
            raise RunStoppedError(
                f"{SAME_REFUSALS} requests in a row were refused in the same words: {problem}; what is finished is "
                "kept, the same command goes on from there",
                "errors",
            )

    def count_same(self, shape: str) -> int:
        """How many of this shape were refused in the same words, one after another, since one was answered."""
        return self._refused.get(shape, ("", 0))[1]


def _add(one: Usage, other: Usage, times: int = 1) -> Usage:
    return Usage(prompt=one.prompt + times * other.prompt, completion=one.completion + times * other.completion)
