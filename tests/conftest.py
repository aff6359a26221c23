"""For all tests: hypothesis does not time them, for a busy machine is no finding."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.bare import BarePython

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarePython]:
    """A Python that has loaded transformers and nothing of ours; it loads while the tests go on."""
    python = BarePython(tmp_path_factory.mktemp("bare"))
    yield python
    python.close()
