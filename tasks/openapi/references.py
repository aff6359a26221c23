"""References of a document, put in place. Only those within the document: nothing is fetched, ever."""

from collections.abc import Iterable
from typing import Any

from referencing import Registry, Resource
from referencing.exceptions import Unresolvable

from tasks.openapi.errors import DocumentError

MAX_NODES = 1_000_000
"""How many objects, lists and values a document may hold once its references are in place; a few lines of nested
references can ask for 10^9. `load_document` finds out before."""

LITERALS = {"example", "default", "const", "enum", "value"}
"""Keys of values that are data: a `$ref` in them is not a reference."""

MAPS = {
    "properties", "patternProperties", "dependentSchemas", "$defs", "definitions", "responses", "content", "headers",
    "encoding", "paths", "schemas", "callbacks", "links",
}  # fmt: skip
"""Keys of objects whose own keys are names, not keywords."""

ANNOTATIONS = {
    "description",
    "summary",
    "title",
    "default",
    "example",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
}


def inline_references(doc: dict[str, Any], part: Any) -> Any:
    """A copy of `part` with each `$ref` to a place in `doc` replaced by what stands there.

    What stands beside a `$ref` is kept: it wins where it only describes, and is joined by `allOf` where it constrains.

    Raises:
        DocumentError: for a loop, a missing or a remote reference, or a document over `MAX_NODES`; names the pointer.
    """
    return _Inliner(doc).copy(part, is_map=False)[0]


class _Inliner:
    """Copies with references in place; each pointer is gone through once, and its size counted wherever it is used."""

    def __init__(self, doc: dict[str, Any]) -> None:
        self._resolver: Any = Registry().with_resource("", Resource.opaque(doc)).resolver()
        self._done: dict[str, tuple[Any, int]] = {}
        self._open: list[str] = []

    def copy(self, node: Any, is_map: bool) -> tuple[Any, int]:
        """The copy and how many nodes it has."""
        if isinstance(node, list):
            pairs = [self.copy(child, is_map=False) for child in node]
            return [child for child, _ in pairs], self._count(size for _, size in pairs)
        if not isinstance(node, dict):
            return node, 1
        if not is_map and isinstance(node.get("$ref"), str):
            return self._replace(node)
        result: dict[str, Any] = {}
        sizes = []
        for key, child in node.items():
            if not is_map and (key in LITERALS or (key == "examples" and isinstance(child, list))):
                result[key] = child
                continue
            result[key], size = self.copy(child, is_map=not is_map and key in MAPS)
            sizes.append(size)
        return result, self._count(sizes)

    def _count(self, sizes: Iterable[int]) -> int:
        total: int = 1 + sum(sizes)
        if total > MAX_NODES:
            raise DocumentError(f"the document grows past {MAX_NODES} values when its references are put in place")
        return total

    def _replace(self, node: dict[str, Any]) -> tuple[Any, int]:
        target, size = self._look_up(node["$ref"])
        beside = {key: value for key, value in node.items() if key != "$ref"}
        if not beside or not isinstance(target, dict):
            return target, size
        beside, extra = self.copy(beside, is_map=False)
        if beside.keys() <= ANNOTATIONS or beside.keys().isdisjoint(target):
            return {**target, **beside}, self._count([size, extra])
        return {"allOf": [target], **beside}, self._count([size, extra])

    def _look_up(self, pointer: str) -> tuple[Any, int]:
        if pointer in self._done:
            return self._done[pointer]
        if not pointer.startswith("#"):
            raise DocumentError(f"remote reference {pointer!r}: only references within the document are followed")
        if pointer in self._open:
            loop = " -> ".join([*self._open[self._open.index(pointer) :], pointer])
            raise DocumentError(f"reference loop: {loop}")
        try:
            target = self._resolver.lookup(pointer).contents
        except (Unresolvable, ValueError, TypeError) as error:
            raise DocumentError(f"missing reference: nothing stands at {pointer!r}") from error
        self._open.append(pointer)
        self._done[pointer] = self.copy(target, is_map=False)
        self._open.pop()
        return self._done[pointer]
