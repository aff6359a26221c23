"""The API of pets, built once: its audit calls every function through the mock."""

import pytest

from schemas.toolset import Toolset
from tests.tasks.agents.parts import make_toolset


@pytest.fixture(scope="session")
def toolset() -> Toolset:
    return make_toolset()
