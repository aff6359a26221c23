"""For each test of a flow a data root of its own, beside the real Prefect server of all tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import PREFECT_RESULTS_LOCAL_STORAGE_PATH, temporary_settings

import prompts
from tasks.datasets import DataRoot
from tests.flows.own_server import OwnServer, start_own_server


@pytest.fixture(scope="session")
def own_server() -> Iterator[OwnServer]:
    """A real server that we started, with the flows deployed; one for all tests that need no fresh one."""
    with start_own_server() as server:
        yield server


@pytest.fixture
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataRoot:
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", str(tmp_path / "data"))
    return DataRoot.from_environment()


@pytest.fixture
def prefect(server: str, data_root: DataRoot, tmp_path: Path) -> Iterator[str]:
    """The server; what Prefect keeps of results by itself lies in `results` of the test's own folder."""
    with temporary_settings({PREFECT_RESULTS_LOCAL_STORAGE_PATH: str(tmp_path / "results")}):
        yield server


@pytest.fixture
def prompt_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the prompts that the test may edit; call `prompts.load_own_prompt.cache_clear()` after an edit."""
    folder = tmp_path / "prompts"
    shutil.copytree(Path(prompts.__file__).parent, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    monkeypatch.setattr(prompts, "_FOLDER", folder)
    prompts.load_own_prompt.cache_clear()
    yield folder
    prompts.load_own_prompt.cache_clear()
