"""How large a part of a document becomes once its references are in place: counted, with nothing put in place.

Each target is gone through once, and its size added up wherever it is referred to. Loops count nothing: `references`
tells of them.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote

from tasks.openapi.errors import DocumentError
from tasks.openapi.limits import DEEPEST, Excess, Keys, Kind, tell_kind

MOST_GROWN = 100_000
"""Objects, lists and values of an operation, references in place."""

MOST_GROWN_IN_ALL = 1_000_000
"""Those of all operations."""

MOST_PARTS = 2_000
"""Schemas in an operation's `allOf`, `anyOf` and `oneOf`, references in place: each is merged, many times."""

MOST_SCANNED = 3_000_000
"""Values that references point at, each spelling of a pointer counted: parts of parts may be pointed at, too."""

COMBINATIONS = ("allOf", "anyOf", "oneOf")


class Size(NamedTuple):
    """How many values, how many levels, and how many schemas that are parts of a combination."""

    values: int = 0
    depth: int = 0
    parts: int = 0


@dataclass(frozen=True)
class _Scan:
    """A part as it is written, and the references in it with their depths."""

    size: Size
    references: list[tuple[str, int]]


class Growth:
    """Sizes of parts of one document."""

    def __init__(self, doc: dict[str, Any]) -> None:
        self._doc = doc
        self._scans: dict[str, _Scan] = {}
        self._sizes: dict[str, Size] = {}
        self._scanned = 0

    def measure(self, node: Any) -> Size:
        """The size of a part, references in place.

        Raises:
            DocumentError: the references point at too much to be gone through.
        """
        scan = self._scan(node)
        self._learn([pointer for pointer, _ in scan.references])
        return self._add_up(scan)

    def _scan(self, part: Any) -> _Scan:
        values = parts = depth = 0
        references = []
        waiting: list[tuple[Any, Kind, int]] = [(part, "node", 0)]
        while waiting:
            node, kind, level = waiting.pop()
            values += 1
            depth = max(depth, level)
            if isinstance(node, dict):
                if kind == "node" and isinstance(node.get("$ref"), str):
                    references.append((node["$ref"], level))
                for key, child in node.items():
                    if kind == "node" and key in COMBINATIONS and isinstance(child, list):
                        parts += len(child)
                    if isinstance(child, dict | list):
                        waiting.append((child, tell_kind(kind, key, child), level + 1))
                    else:
                        values += 1
            elif isinstance(node, list):
                for child in node:
                    if isinstance(child, dict | list):
                        waiting.append((child, kind, level + 1))
                    else:
                        values += 1
        self._scanned += values
        if self._scanned > MOST_SCANNED:
            raise DocumentError(f"document: its references point at more than {MOST_SCANNED:,} values")
        return _Scan(Size(values, depth, parts), references)

    def _learn(self, pointers: list[str]) -> None:
        waiting = list(pointers)
        while waiting:
            pointer = waiting[-1]
            if pointer in self._sizes:
                waiting.pop()
                continue
            if pointer not in self._scans:
                self._scans[pointer] = self._scan(follow_pointer(self._doc, pointer))
                unknown = [to for to, _ in self._scans[pointer].references if to not in self._scans]
                if unknown:
                    waiting += dict.fromkeys(unknown)
                    continue
            self._sizes[pointer] = self._add_up(self._scans[pointer])
            waiting.pop()

    def _add_up(self, scan: _Scan) -> Size:
        values, depth, parts = scan.size
        for pointer, level in scan.references:
            size = self._sizes.get(pointer, Size())
            values += size.values
            parts += size.parts
            depth = max(depth, level + 1 + size.depth)
        return Size(values, depth, parts)


def read_pointer(pointer: str) -> Keys | None:
    """The keys of a pointer into the document; None for any other."""
    if pointer == "#":
        return ()
    if not pointer.startswith("#/"):
        return None
    return tuple(unquote(key).replace("~1", "/").replace("~0", "~") for key in pointer[2:].split("/"))


def follow_pointer(doc: Any, pointer: str) -> Any:
    """What stands at a pointer; None where nothing does."""
    node = doc
    for key in read_pointer(pointer) or ():
        try:
            node = node[int(key)] if isinstance(node, list) else node[key]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return node


def tell_excess(keys: Keys, size: Size) -> Excess | None:
    """What of an operation's size is over a limit."""
    beside = "when its references are put in place"
    if size.values > MOST_GROWN:
        return Excess(keys, f"it grows past {MOST_GROWN:,} values {beside}")
    if size.parts > MOST_PARTS:
        return Excess(keys, f"it has more than {MOST_PARTS:,} parts in `allOf`, `anyOf` and `oneOf` {beside}")
    if size.depth > DEEPEST:
        return Excess(keys, f"it nests deeper than {DEEPEST} levels {beside}")
    return None
