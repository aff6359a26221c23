"""For tests of the steps: code that a test may edit."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.recipes import hash_code
from tests.tasks.parts import Code


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Code]:
    """Takes the place of the product's code in all recipes."""
    with monkeypatch.context() as patch:
        yield Code(tmp_path / "tasks", patch)
    hash_code.cache_clear()
