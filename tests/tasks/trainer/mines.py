"""Pickles that show that they were read: each makes a file."""

import pickle
from pathlib import Path
from typing import Any


class Mine:
    """What unpickles to a call that makes `mark`."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return (Path.touch, (self._mark,))


def lay_mine(path: Path, mark: Path) -> None:
    """A plain pickle in place of a file."""
    path.write_bytes(pickle.dumps(Mine(mark)))
