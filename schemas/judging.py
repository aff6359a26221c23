"""What judges say of an episode, and how several of them are taken together."""

from collections.abc import Sequence

from schemas.base import Record
from schemas.episodes import Verdict
from schemas.reasons import Reason


class Grade(Record):
    """Whether one side of an episode is right, and why.

    Example: {"right": false, "reason": "It tells the price of the other tour."}
    """

    right: bool
    reason: str = ""


class Vote(Record):
    """One judge's grades: of the calls and questions on the way, and of the final response."""

    process: Grade
    response: Grade


class Judgements(Record):
    """The votes on each of an API's episodes, in their order; none on those that the checks turn down.

    `asked` is how many judges there were.
    """

    asked: int
    votes: tuple[tuple[Vote, ...], ...]


def find_majority(grades: Sequence[Grade]) -> bool | None:
    """Whether more judges find it right than wrong, which as many of each are not; None without grades."""
    return 2 * sum(grade.right for grade in grades) > len(grades) if grades else None


def measure_agreement(votes: Sequence[Vote]) -> float | None:
    """The share of judges who say what most say, of both sides the lower; None where fewer than two have voted."""
    if len(votes) < 2:
        return None
    shares = []
    for right in (sum(vote.process.right for vote in votes), sum(vote.response.right for vote in votes)):
        shares.append(max(right, len(votes) - right) / len(votes))
    return min(shares)


def read_verdicts(votes: Sequence[Vote]) -> tuple[Verdict, ...]:
    """The verdicts that the votes come to, as those of two checks; none where nobody has voted.

    The detail is the reason of the first judge who says what the majority says.
    """
    sides = ((Reason.JUDGE_PROCESS, [v.process for v in votes]), (Reason.JUDGE_RESPONSE, [v.response for v in votes]))
    verdicts = []
    for reason, grades in sides:
        keep = find_majority(grades)
        if keep is None:
            continue
        detail = next((grade.reason for grade in grades if grade.right is keep), "")
        verdicts.append(
            Verdict(check=reason.value, keep=True)
            if keep
            else Verdict(check=reason.value, keep=False, reason=reason, detail=detail[:200])
        )
    return tuple(verdicts)
