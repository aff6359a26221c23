"""What the checks read of a toolset, once for all of its episodes."""

import functools
import json
from collections.abc import Callable, Mapping
from typing import TypeVar

from schemas.toolset import Toolset
from tasks.openapi import Operation, list_operations
from tasks.values.folding import fold_words

T = TypeVar("T")

_CHANGING = frozenset({"post", "put", "patch", "delete"})
_KEPT = 64
"""Toolsets of which facts are kept: those of the APIs that are on their way."""


def _for_each_toolset(read: Callable[[Toolset], T]) -> Callable[[Toolset], T]:
    """A reading that is kept for the toolsets read last."""
    kept: dict[int, tuple[Toolset, T]] = {}

    @functools.wraps(read)
    def find(toolset: Toolset) -> T:
        found = kept.get(id(toolset))
        if found is None:  # a toolset that is kept lives, so that no other has its id
            if len(kept) >= _KEPT:
                kept.clear()
            found = kept[id(toolset)] = (toolset, read(toolset))
        return found[1]

    return find


@_for_each_toolset
def find_operations(toolset: Toolset) -> Mapping[str, Operation]:
    """The operations of its document, by the functions' names; none where it has no document."""
    if not toolset.document.get("paths"):
        return {}
    return {operation.name: operation for operation in list_operations(toolset.document)}


@_for_each_toolset
def find_changes(toolset: Toolset) -> frozenset[str] | None:
    """The functions that are no GET; None where there is no document to tell."""
    paths = toolset.document.get("paths")
    if not isinstance(paths, dict):
        return None
    return frozenset(
        str(operation.get("operationId"))
        for item in paths.values()
        for method, operation in item.items()
        if method in _CHANGING and isinstance(operation, dict)
    )


@_for_each_toolset
def find_nouns(toolset: Toolset) -> frozenset[str]:
    """The folded words of what functions are about, by their names: `pet` of `searchPets`."""
    return frozenset(word for function in toolset.functions for word in fold_words(_split_humps(function.name))[1:])


@_for_each_toolset
def find_vocabulary(toolset: Toolset) -> frozenset[str]:
    """The folded words that belong to the API itself: its name, introduction, functions, and their descriptions.

    Words with digits in them are left out: an example in a schema is no source of ids and figures.
    """
    entry = toolset.entry
    texts = [entry.name, entry.description, entry.category, toolset.introduction]
    for function in toolset.functions:
        texts += [function.name, function.description, json.dumps(function.parameters, ensure_ascii=False)]
    text = " ".join(set(" ".join(texts).split()))  # schemas say the same over and over
    words = {*fold_words(text), *fold_words(_split_humps(text))}
    return frozenset(word for word in words if not any(char.isdigit() for char in word))


def _split_humps(text: str) -> str:
    for capital in filter(str.isupper, set(text)):
        text = text.replace(capital, f" {capital}")
    return text
