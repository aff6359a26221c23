"""A store for completions, and the key of the endpoint that most tests ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.completions.store import CompletionStore
from tests.tasks.teacher.endpoints import KEY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The store's file."""
    return tmp_path / "completions.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[CompletionStore]:
    with CompletionStore(path) as store:
        yield store


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No address, key or price list comes from the environment."""
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "TOOLHERD_PRICES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tiny_key(clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is in the environment, and nothing else."""
    monkeypatch.setenv("TINY_KEY", KEY)
