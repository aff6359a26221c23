"""A store for completions, and the key of the endpoint that most tests ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.llm.store import CompletionStore
from tests.tasks.llm.endpoints import KEY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The store's file."""
    return tmp_path / "completions.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[CompletionStore]:
    with CompletionStore(path) as store:
        yield store


@pytest.fixture
def tiny_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is in the environment; no other address, key or price list is."""
    monkeypatch.setenv("TINY_KEY", KEY)
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "TOOLHERD_PRICES"):
        monkeypatch.delenv(name, raising=False)
