"""For all tests: hypothesis does not time them, as a busy machine is no finding; one Prefect server serves them all."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.bare import BarePython

os.environ.setdefault("OMP_NUM_THREADS", "1")
"""Where tests run beside each other, torch's threads would wait for each other: training took 1.6 times as long."""

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.hookimpl(tryfirst=True)  # xdist reads the marks in this hook too
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run in several processes, all that need a server run in one: starting it takes long."""
    for item in items:
        for name in {"server", "own_server"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group(name))


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a Prefect API with an empty database."""
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=280):
        yield str(PREFECT_API_URL.value())


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarePython]:
    """A Python that has loaded transformers and nothing of ours; it loads while the tests go on."""
    python = BarePython(tmp_path_factory.mktemp("bare"))
    yield python
    python.close()
