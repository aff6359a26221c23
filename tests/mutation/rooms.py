"""What a room is: a folder of the product and the tests that mirror it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Room:
    """A folder of Python files and the folder of its own tests, by paths from the repository's root."""

    name: str
    sources: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Where its tests are."""
        return str(Path(self.tests[0]).parent)


def list_rooms(root: Path) -> list[str]:
    """The names of all rooms: `flows`, `schemas`, `prompts`, and the folders of `tasks`."""
    inner = sorted(path.parent.name for path in (root / "tasks").glob("*/__init__.py"))
    return [name for name in ("flows", "schemas", "prompts", *inner) if _list_tests(root, _find_tests(name))]


def find_room(root: Path, name: str) -> Room:
    """The room of that name."""
    folder = root / _find_tests(name).removeprefix("tests/")
    sources = sorted(str(path.relative_to(root)) for path in folder.rglob("*.py"))
    return Room(name, tuple(sources), _list_tests(root, _find_tests(name)))


def _find_tests(name: str) -> str:
    return f"tests/{name}" if name in ("flows", "schemas", "prompts") else f"tests/tasks/{name}"


def _list_tests(root: Path, folder: str) -> tuple[str, ...]:
    return tuple(sorted(str(path.relative_to(root)) for path in (root / folder).rglob("test_*.py")))
