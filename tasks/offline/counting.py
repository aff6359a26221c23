"""What the server has seen and answered: `GET /stats`."""

from collections import Counter
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
        self.paid: Counter[str] = Counter()

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
        `distinct`, and the `repeated` ones: how often each was paid, by the hash of its request.
        """
        repeated = {key: times for key, times in self.paid.items() if times > 1}
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
            "paid": {"completions": self.paid.total(), "distinct": len(self.paid), "repeated": repeated},
        }
