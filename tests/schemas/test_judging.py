"""Votes of several judges come to a verdict by majority, and say how far they agree."""

import pytest

from schemas.episodes import Verdict
from schemas.judging import Grade, Vote, find_majority, measure_agreement, read_verdicts
from schemas.reasons import Reason


def vote(process: bool, response: bool) -> Vote:
    return Vote(
        process=Grade(right=process, reason=f"process {process}"),
        response=Grade(right=response, reason=f"response {response}"),
    )


@pytest.mark.parametrize(
    ("grades", "majority"),
    [("", None), ("r", True), ("w", False), ("rw", False), ("rrw", True), ("rww", False), ("rrww", False)],
)
def test_a_majority_is_more_than_half(grades: str, majority: bool | None) -> None:
    assert find_majority([Grade(right=grade == "r") for grade in grades]) is majority


@pytest.mark.parametrize(
    ("votes", "agreement"),
    [
        ([], None),
        ([vote(True, True)], None),
        ([vote(True, False), vote(True, False)], 1.0),
        ([vote(True, True), vote(True, False)], 0.5),
        ([vote(True, True), vote(True, True), vote(True, False)], 2 / 3),
        ([vote(False, True), vote(True, True), vote(True, False)], 2 / 3),
    ],
)
def test_the_agreement_is_the_share_of_the_majority_on_the_side_that_is_less_clear(
    votes: list[Vote], agreement: float | None
) -> None:
    assert measure_agreement(votes) == agreement


def test_each_side_has_a_verdict_with_a_reason_of_the_majority_s() -> None:
    kept = Verdict(check="judge_process", keep=True)
    wrong = Verdict(check="judge_response", keep=False, reason=Reason.JUDGE_RESPONSE, detail="response False")
    assert read_verdicts([vote(True, False)]) == (kept, wrong)
    assert read_verdicts([vote(True, True), vote(False, False), vote(True, False)]) == (kept, wrong)
    assert read_verdicts([]) == ()


def test_a_long_reason_is_cut_and_an_even_vote_has_that_of_who_finds_it_wrong() -> None:
    long = Vote(process=Grade(right=False, reason="x" * 300), response=Grade(right=True))
    process, response = read_verdicts([vote(True, True), long])
    assert (process.keep, process.detail) == (False, "x" * 200)
    assert response.keep
