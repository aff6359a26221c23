"""An object store in memory that tells in order which objects are written and removed, and can refuse any of them."""

from collections.abc import Callable
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem


class ObjectStore:
    """Watches fsspec's memory file system.

    `steps` holds `write x` for each object, `finish x` when it is closed, `mkdir x` and `remove x`, with paths as in
    `memory://x`; `before` is called with each step before it is done, and may raise.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[str] = []
        self.before: Callable[[str], None] = lambda step: None
        open_object, remove, make = MemoryFileSystem._open, MemoryFileSystem.rm, MemoryFileSystem.mkdir

        def watch_open(fs: MemoryFileSystem, path: str, mode: str = "rb", *args: Any, **kwargs: Any) -> Any:
            name = fs._strip_protocol(path).lstrip("/")
            if mode == "rb":
                return open_object(fs, path, mode, *args, **kwargs)
            self._take(f"write {name}")
            file = open_object(fs, path, mode, *args, **kwargs)
            close = file.close

            def finish() -> None:
                self._take(f"finish {name}")
                close()

            file.close = finish
            return file

        def watch_remove(fs: MemoryFileSystem, path: str, *args: Any, **kwargs: Any) -> None:
            self._take(f"remove {fs._strip_protocol(path).lstrip('/')}")
            remove(fs, path, *args, **kwargs)

        def watch_make(fs: MemoryFileSystem, path: str, *args: Any, **kwargs: Any) -> None:
            self._take(f"mkdir {fs._strip_protocol(path).lstrip('/')}")
            make(fs, path, *args, **kwargs)

        monkeypatch.setattr(MemoryFileSystem, "_open", watch_open)
        monkeypatch.setattr(MemoryFileSystem, "mkdir", watch_make)
        monkeypatch.setattr(MemoryFileSystem, "rm", watch_remove)

    def _take(self, step: str) -> None:
        self.before(step)
        self.steps.append(step)
