"""How many APIs are on their way at a time."""

import pytest

from flows.walk import choose_in_flight, choose_preparing
from schemas.parameters import BuildDatasetParams


def choose(**params: object) -> int:
    return choose_in_flight(BuildDatasetParams.model_validate(params))


def test_there_are_as_many_apis_as_there_may_be_requests() -> None:
    assert choose(teacher={"base_url": "http://localhost:1/v1", "concurrency": 200}) == 200


def test_with_a_budget_fewer_are_begun_so_that_more_are_finished() -> None:
    assert choose(teacher={"base_url": "http://localhost:1/v1", "concurrency": 200}, budget={"calls": 100}) == 50


def test_what_the_user_says_goes() -> None:
    assert choose(in_flight=3) == 3


@pytest.mark.parametrize(
    ("in_flight", "instructions", "preparing"),
    [(256, 10, 100), (256, 1, 256), (256, 1000, 8), (4, 10, 4)],
    ids=["some of them", "all, if little comes after", "a few at least", "never more than there are"],
)
def test_some_apis_prepare_while_others_play(in_flight: int, instructions: int, preparing: int) -> None:
    assert choose_preparing(in_flight, instructions) == preparing
