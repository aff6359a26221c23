"""A watch on SQLite: real connections to real files, and what each is told, in its order.

A test may have something done before or after a statement: wait for the test, or fail as a disk does.
"""

import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import pytest

_LONGEST_S = 60.0


class Watch:
    """What the connections that are opened from now on are told.

    `statements` are all of them, in order. `before` and `after` hold, by the start of a statement, what happens then,
    in the thread that executes it. `pragma` is executed on every new connection: the default of another SQLite.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, pragma: str | None = None) -> None:
        self.statements: list[str] = []
        self.connections: list[sqlite3.Connection] = []
        self.before: dict[str, Callable[[], object]] = {}
        self.after: dict[str, Callable[[], object]] = {}
        watch = self

        class Watched(sqlite3.Connection):
            def __init__(self, *arguments: Any, **options: Any) -> None:
                super().__init__(*arguments, **options)
                watch.connections.append(self)
                if pragma is not None:
                    super().execute(pragma)

            def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
                statement = " ".join(sql.split())
                watch.statements.append(statement)
                watch._do(watch.before, statement)
                cursor = super().execute(sql, *parameters)
                watch._do(watch.after, statement)
                return cursor

        real = sqlite3.connect
        monkeypatch.setattr(sqlite3, "connect", lambda *args, **options: real(*args, **options, factory=Watched))

    def count(self, start: str) -> int:
        """How many statements began like this."""
        return sum(statement.startswith(start) for statement in self.statements)

    def ask(self, pragma: str) -> list[Any]:
        """What a pragma says on each of the connections that are open."""
        found = []
        for connection in self.connections:
            try:
                found.append(sqlite3.Connection.execute(connection, f"PRAGMA {pragma}").fetchone()[0])
            except sqlite3.ProgrammingError:  # closed
                continue
        return found

    @staticmethod
    def _do(acts: dict[str, Callable[[], object]], statement: str) -> None:
        for start, act in acts.items():
            if statement.startswith(start):
                act()


class Gate:
    """A place in another thread: it waits there until the test opens the gate, and the test knows that it is there."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._open = threading.Event()

    def __call__(self) -> None:
        """Stand at the gate; once it was opened, pass."""
        self._reached.set()
        assert self._open.wait(_LONGEST_S), "the gate was never opened"

    def await_arrival(self) -> None:
        """Wait until somebody stands at the gate."""
        assert self._reached.wait(_LONGEST_S), "nobody came to the gate"

    def open(self) -> None:
        """Let through whoever stands there or comes."""
        self._open.set()


def fail_once(error: BaseException) -> Callable[[], None]:
    """What fails the first time and is well afterwards."""
    errors = [error]

    def act() -> None:
        if errors:
            raise errors.pop()

    return act
