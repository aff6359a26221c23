"""What a run has bought, what it may buy, and when it is going wrong."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.calls import Usage
from schemas.errors import RunStoppedError, UserError
from schemas.parameters import Budget
from tasks.teacher.prices import Price

_RECENT = 100


@dataclass
class Spent:
    """What was bought in this run; `usd` is None where the price is unknown, or nothing was bought yet."""

    calls: int = 0
    tokens: int = 0
    usd: float | None = None

    def add(self, usage: Usage, usd: float | None) -> None:
        """One more completion, and what it cost."""
        self.calls += 1
        self.tokens += usage.prompt + usage.completion
        if usd is not None:
            self.usd = (self.usd or 0.0) + usd


class Account:
    """Counts what is bought and says when the budget leaves no room for more.

    What is in flight counts as an estimate: the tokens of its prompt, and as many more as completions have had so far.

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
        self._completion_tokens = 0
        self._together: Sequence[Account] = (self,)

    @property
    def counts_tokens(self) -> bool:
        """Whether an estimate of a request's tokens is needed before it is sent."""
        return self._budget.usd is not None or self._budget.tokens is not None

    def begin(self, prompt_tokens: int) -> Usage:
        """One request is to be sent; what it is thought to take. Hand it back to `end`.

        Raises:
            RunStoppedError: the budget leaves no room for it.
        """
        mean = self._completion_tokens // self.spent.calls if self.spent.calls else 0
        thought = Usage(prompt=prompt_tokens, completion=mean)
        self._require_room(thought)
        self._calls_in_flight += 1
        self._in_flight = _add(self._in_flight, thought)
        return thought

    def end(self, thought: Usage, used: Usage | None, *, batched: bool = False) -> None:
        """The request has ended; `used` is None if it bought nothing."""
        self._calls_in_flight -= 1
        self._in_flight = _add(self._in_flight, thought, -1)
        if used is None:
            return
        if not used.prompt and not used.completion:
            used = thought  # an endpoint that does not say
        self.spent.add(used, None if self._price is None else self._price.compute_cost(used, batched=batched))
        self._completion_tokens += used.completion

    def _require_room(self, thought: Usage) -> None:
        budget, spent = self._budget, add_spent(account.spent for account in self._together)
        in_flight = sum(account._calls_in_flight for account in self._together)
        if budget.calls is not None and spent.calls + in_flight + 1 > budget.calls:
            raise self._explain(f"{budget.calls:,} completions", f"{spent.calls:,}", "calls")
        expected = thought.prompt + thought.completion
        expected += sum(account._in_flight.prompt + account._in_flight.completion for account in self._together)
        if budget.tokens is not None and spent.tokens + expected > budget.tokens:
            raise self._explain(f"{budget.tokens:,} tokens", f"{spent.tokens:,}", "tokens")
        if budget.usd is not None and spent.usd is not None:
            usd = spent.usd + self._cost(thought) + sum(account._cost(account._in_flight) for account in self._together)
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
    """The outcomes of the last 100 requests, rate limits left out."""

    def __init__(self, most: float) -> None:
        self._most = most
        self._failed: deque[bool] = deque(maxlen=_RECENT)

    def note(self, problem: str | None) -> None:
        """One request was answered (None) or failed.

        Raises:
            RunStoppedError: among the last 100 more have failed than may.
        """
        self._failed.append(problem is not None)
        failed = sum(self._failed) if problem is not None else 0
        if failed > self._most * _RECENT and len(self._failed) == _RECENT:
            raise RunStoppedError(
                f"{failed} of the last {_RECENT} requests failed, more than --max_error_share {self._most:g} allows "
                f"(the last one: {problem}); what is finished is kept, the same command goes on from there",
                "errors",
            )


def _add(one: Usage, other: Usage, times: int = 1) -> Usage:
    return Usage(prompt=one.prompt + times * other.prompt, completion=one.completion + times * other.completion)
