"""What a step has at hand."""

from dataclasses import replace

import pytest

from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from tests.tasks.agents.parts import embedded
from tests.tasks.parts import make_making


async def test_only_a_step_of_a_run_that_makes_a_dataset_has_a_dataset_s_parameters() -> None:
    async with embedded() as teacher:
        making = make_making(teacher)
    assert making.dataset_params == BuildDatasetParams()
    with pytest.raises(AssertionError):
        _ = replace(making, params=BuildToolsetParams()).dataset_params
