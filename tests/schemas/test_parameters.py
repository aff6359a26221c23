"""The parameters of the flows: their defaults, and what they turn down."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.episodes import Kind
from schemas.parameters import BuildDatasetParams, KindShares


def test_the_default_shares_cover_every_kind_and_add_up() -> None:
    shares = KindShares().by_kind()
    assert list(shares) == list(Kind)
    assert sum(shares.values()) == pytest.approx(1)


def test_the_default_run_needs_no_key() -> None:
    params = BuildDatasetParams()
    assert params.teacher.is_embedded
    assert (params.catalog, params.apis, params.instructions) == ("bundled", 50, 10)


def test_parameters_are_the_same_after_json() -> None:
    params = BuildDatasetParams(apis="all", name="demo", shares=KindShares(single_call=1), export=("trl",))
    assert BuildDatasetParams.model_validate_json(params.model_dump_json()) == params


@pytest.mark.parametrize(
    "wrong",
    [
        {"apis": 0},
        {"apis": "some"},
        {"instructions": 0},
        {"seed": -1},
        {"test_share": 1},
        {"export": ["csv"]},
        {"shares": {"single_call": 1.5}},
        {"colour": "red"},
    ],
)
def test_what_makes_no_sense_is_turned_down(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BuildDatasetParams.model_validate(wrong)


def test_shares_of_nothing_are_turned_down() -> None:
    with pytest.raises(ValidationError, match="give at least one kind a share above 0"):
        KindShares(single_call=0, multi_call=0, missing_detail=0, no_tool=0, error_recovery=0)
