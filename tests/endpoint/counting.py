"""What the server has seen and answered: `GET /stats`."""

from collections import Counter, defaultdict
from time import monotonic
from typing import Any


class Stats:
    """Counters of chat completion requests since the start or the last reset.

    A completion is paid once its whole answer has been sent to a client that was still there, faults that spoil it
    aside: what a client that loses nothing never asks for again.
    """

    def __init__(self) -> None:
        self.in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Count from nothing; requests in flight stay."""
        self.requests = self.abandoned = self.replayed = self.generated = 0
        self.most_in_flight = self.in_flight
        self.statuses: Counter[int] = Counter()
        self.faults: Counter[str] = Counter()
        self.limited: Counter[str] = Counter()
        self.paid: defaultdict[str, list[float]] = defaultdict(list)
        self.first_at: float | None = None
        self.last_at: float | None = None

    def arrive(self, now: float) -> None:
        """A request has come."""
        self.requests += 1
        self.first_at = now if self.first_at is None else self.first_at

    def pay(self, key: str) -> None:
        """The answer to the request with this key is being sent, whole."""
        self.paid[key].append(monotonic())

    def finish(self) -> None:
        """A whole answer has been sent."""
        self.last_at = monotonic()

    def enter(self) -> None:
        """A request has been let in."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def leave(self) -> None:
        """A request that was let in is done with."""
        self.in_flight -= 1

    def report(self) -> dict[str, Any]:
        """All counters as a JSON object.

        `requests` seen; `statuses` of whole responses; `faults` and `limited` requests by kind; `replayed` and
        `generated` answers, by where they came from; `abandoned` requests, whose client had gone before the answer;
        `in_flight` now and `most_in_flight` at once, refused ones aside; `paid` completions, how many of them
        `distinct`, and the `repeated` ones: how often each was paid, by the hash of its request. Seconds on the
        machine's monotonic clock: `first_at`, when the first request came, `last_at`, when the last whole answer had
        been sent, `repeated_at`, when each of the repeated completions was paid.
        """
        repeated_at = {key: moments for key, moments in self.paid.items() if len(moments) > 1}
        return {
            "requests": self.requests,
            "in_flight": self.in_flight,
            "most_in_flight": self.most_in_flight,
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "faults": dict(sorted(self.faults.items())),
            "limited": dict(sorted(self.limited.items())),
            "replayed": self.replayed,
            "generated": self.generated,
            "abandoned": self.abandoned,
            "paid": {
                "completions": sum(map(len, self.paid.values())),
                "distinct": len(self.paid),
                "repeated": {key: len(moments) for key, moments in repeated_at.items()},
            },
            "first_at": self.first_at,
            "last_at": self.last_at,
            "repeated_at": repeated_at,
        }
