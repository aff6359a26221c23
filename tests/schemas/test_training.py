"""What a training run is asked for."""

import pytest

from schemas.training import TrainParams


@pytest.mark.parametrize(
    ("model", "short"),
    [
        ("lmsys/vicuna-7b-v1.5", "lmsys/vicuna-7b-v1.5"),
        ("gpt2", "gpt2"),
        ("/models/vicuna", "vicuna"),
        ("~/vicuna/", "vicuna"),
        ("./vicuna", "vicuna"),
        ("models/mine/final", "final"),
    ],
)
def test_a_model_is_shown_by_its_id_or_the_last_part_of_its_path(model: str, short: str) -> None:
    assert TrainParams(model=model).short_model == short
