"""Functions that a process beside the run's can be asked for; it imports them from here."""

import os
import re
import signal
import sys
from pathlib import Path
from typing import NoReturn

from schemas.catalog import CatalogEntry
from schemas.toolset import Toolset
from tasks.specify import import_document


class FussyError(Exception):
    """An exception that pickle cannot make again, for it wants two arguments."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(f"{what} at {where}")


def fail_fussily() -> NoReturn:
    """Raises FussyError."""
    raise FussyError("a leak", "the bow")


def make_unpicklable() -> object:
    """A result that cannot be sent."""
    return lambda: None


def hang_once(folder: str) -> int:
    """The process that has done it; the first one says who it is in the pipe of the folder, and hangs."""
    mark = Path(folder) / "begun"
    if not mark.exists():
        mark.touch()
        (Path(folder) / "pipe").write_text(str(os.getpid()))
        signal.pause()
    return os.getpid()


def die_elsewhere(home: int) -> int:
    """The process that has done it: every other than `home` kills itself."""
    if os.getpid() != home:
        os.kill(os.getpid(), signal.SIGKILL)
    return home


def backtrack() -> bool:
    """Matches a pattern that takes longer than the sun will shine."""
    return re.fullmatch("(a+)+", "a" * 64 + "b") is not None


def say_and_backtrack(pipe: str) -> bool:
    """Says which process it is, and does not end."""
    Path(pipe).write_text(str(os.getpid()))
    return backtrack()


def eat_memory(megabytes: int) -> int:
    """Takes so many MB and gives them back."""
    return len(bytearray(megabytes * 2**20))


def panic() -> NoReturn:
    """Raises what is no Exception, as code in Rust does."""
    raise GeneratorExit("a panic")


class MuteError(Exception):
    """An exception that cannot say what it is."""

    def __str__(self) -> str:
        raise ValueError


def fail_mutely() -> NoReturn:
    """Raises MuteError."""
    raise MuteError


def import_or_backtrack(entry: CatalogEntry) -> Toolset:
    """What the step `import` does, but for an API called Endless."""
    if entry.name == "Endless":
        backtrack()
    return import_document(entry)


def list_loaded(*names: str) -> list[str]:
    return [name for name in names if name in sys.modules]
