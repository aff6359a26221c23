"""A disk that tells in order what is done to it, can refuse any step, and knows what a power cut would leave of it.

What was not synced is lost: of a file there is what it held when it was last synced, of a folder the names that it had
then, or those that it has now, for the kernel may have written them or not. So there are several worlds after a power
cut, and in each of them what a program promised must hold.
"""

import builtins
import io
import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

World = dict[str, bytes]
"""The files of a disk by their path below its folder."""

_Node = tuple[int, int]
_TEMPORARY = re.compile(r"\.[^/]*\.tmp")


class RecordedDisk:
    """Watches a folder through `os` and `open`, as whatever code that writes to it calls them.

    `steps` holds `mkdir x`, `write x` (it was opened for writing), `sync x`, `rename x to y`, `link x to y` and `remove
    x`, with paths below the folder, which itself is `.`; temporary names (`.*.tmp`) are spelled `.tmp`. Before each
    step `before` is called with it, which may raise to have it fail, and once it is done `after`.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[str] = []
        self.before: Callable[[str], None] = lambda step: None
        self.after: Callable[[str], None] = lambda step: None
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder.resolve()
        self._contents: dict[_Node, bytes] = {}
        self._names: dict[_Node, dict[str, _Node]] = {}
        self._kept_open: list[int] = []  # so that no new file gets the number of one that is gone
        for path in (self._folder, *self._folder.rglob("*")):
            self._remember(path)
        self._watch(monkeypatch)

    def close(self) -> None:
        """Let go of what was held to tell files apart."""
        for handle in self._kept_open:
            os.close(handle)

    def list_worlds(self) -> list[World]:
        """What may be found after a power cut now."""
        now = {_identify(path): path for path in (self._folder, *self._folder.rglob("*"))}
        names = {node: _list_names(path) for node, path in now.items() if path.is_dir()}
        unsure = [node for node, held in names.items() if held != self._names.get(node, {})]
        worlds: list[World] = []
        for lost in itertools.product((False, True), repeat=len(unsure)):
            synced = {node for node, is_lost in zip(unsure, lost, strict=True) if is_lost}
            held = {node: self._names.get(node, {}) if node in synced or node not in names else names[node]
                    for node in {*names, *self._names}}  # fmt: skip
            world = dict(self._walk(_identify(self._folder), held, ""))
            if world not in worlds:
                worlds.append(world)
        return worlds

    def _walk(self, node: _Node, names: Mapping[_Node, dict[str, _Node]], prefix: str) -> Iterator[tuple[str, bytes]]:
        for name, child in names[node].items():
            if child in names:
                yield from self._walk(child, names, f"{prefix}{name}/")
            else:
                yield prefix + name, self._contents.get(child, b"")

    def _remember(self, path: Path) -> None:
        self._kept_open.append(os.open(path, os.O_RDONLY))
        if path.is_dir():
            self._names[_identify(path)] = _list_names(path)
        else:
            self._contents[_identify(path)] = path.read_bytes()

    def _watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sync = os.fsync

        def watch(function: Callable[..., Any], describe: Callable[..., str | None]) -> Callable[..., Any]:
            def call(*args: Any, **kwargs: Any) -> Any:
                step = describe(*args, **kwargs)
                if step is None:
                    return function(*args, **kwargs)
                self.before(step)
                self.steps.append(step)
                done = function(*args, **kwargs)
                self.after(step)
                return done

            return call

        def describe_open(file: Any, mode: str = "r", *_: Any, **__: Any) -> str | None:
            return self._describe("write", file) if set(mode) & set("wax+") else None

        def describe_handle(file: Any, flags: int, *_: Any, **__: Any) -> str | None:
            return self._describe("write", file) if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) else None

        def describe_move(source: Any, target: Any, word: str = "rename", **_: Any) -> str | None:
            step = self._describe(word, source)
            return step and f"{step} to {self._name(Path(os.fspath(target)))}"

        def sync_and_remember(handle: int) -> None:
            sync(handle)
            path = _find_path(handle)
            if self._name(path) is not None and path.exists():
                self._remember(path)

        open_file = watch(open, describe_open)
        for module in (io, builtins):
            monkeypatch.setattr(module, "open", open_file)
        monkeypatch.setattr(os, "open", watch(os.open, describe_handle))
        monkeypatch.setattr(os, "fsync", watch(sync_and_remember, lambda at: self._describe("sync", _find_path(at))))
        for name in ("rename", "replace"):
            monkeypatch.setattr(os, name, watch(getattr(os, name), describe_move))
        monkeypatch.setattr(os, "link", watch(os.link, partial(describe_move, word="link")))
        for name, word in (("mkdir", "mkdir"), ("unlink", "remove"), ("remove", "remove"), ("rmdir", "remove")):

            def describe(file: Any, *_: Any, word: str = word, **kwargs: Any) -> str | None:
                return None if kwargs.get("dir_fd") is not None else self._describe(word, file)

            monkeypatch.setattr(os, name, watch(getattr(os, name), describe))

    def _describe(self, word: str, file: Any) -> str | None:
        name = None if isinstance(file, int) else self._name(Path(os.fsdecode(file)))
        return None if name is None else f"{word} {name}"

    def _name(self, path: Path) -> str | None:
        path = path.absolute()
        return (
            _TEMPORARY.sub(".tmp", str(path.relative_to(self._folder))) if path.is_relative_to(self._folder) else None
        )


def _find_path(handle: int) -> Path:
    return Path(os.readlink(f"/proc/self/fd/{handle}"))


def _identify(path: Path) -> _Node:
    status = path.lstat()
    return status.st_dev, status.st_ino


def _list_names(folder: Path) -> dict[str, _Node]:
    names = {}
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # another thread has removed its temporary file meanwhile
            names[path.name] = _identify(path)
    return names
