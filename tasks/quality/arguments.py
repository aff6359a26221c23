"""Whether the arguments of a call can be traced to what the episode had said before it."""

import re
from collections.abc import Iterator
from typing import Any

from tasks.quality.corpus import Corpus
from tasks.quality.folding import STOP_WORDS, fold_words
from tasks.quality.grounding import is_number_grounded, is_value_grounded
from tasks.quality.response_claims import find_ungrounded_claims

LONG_TEXT = 8
"""Words from which on a string is a text that the assistant wrote, judged by what it is made of."""

_TEXT_SHARE = 0.6
_PARTS = re.compile(r"\s*[,;|&+/]\s*|\s+and\s+")


def find_free_leaves(path: str, value: Any, schemas: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The strings and numbers in a value that no schema names (as default, const or member of an enum), by path.

    `schemas` are free of references; those of a function's parameters are `[parameters]`, and its `path` is empty.
    """
    schemas = _expand_schemas(schemas)
    if any("default" in s and _equals(s["default"], value) for s in schemas):
        return
    if any(_equals(s.get("const", ...), value) or any(_equals(m, value) for m in s.get("enum", ())) for s in schemas):
        return
    if isinstance(value, dict):
        for key, item in value.items():
            inner = [s["properties"].get(key, s.get("additionalProperties")) for s in schemas if "properties" in s]
            yield from find_free_leaves(f"{path}.{key}".lstrip("."), item, [s for s in inner if isinstance(s, dict)])
    elif isinstance(value, list):
        items = [s["items"] for s in schemas if isinstance(s.get("items"), dict)]
        for index, item in enumerate(value):
            yield from find_free_leaves(f"{path}[{index}]", item, items)
    elif value is not None and not isinstance(value, bool):
        yield path, value


def _expand_schemas(schemas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    expanded = []
    for schema in schemas:
        expanded.append(schema)
        for key in ("anyOf", "oneOf", "allOf"):
            expanded.extend(_expand_schemas([s for s in schema.get(key, ()) if isinstance(s, dict)]))
    return expanded


def _equals(one: Any, other: Any) -> bool:
    """Equality as JSON has it: true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def is_argument_grounded(value: Any, corpus: Corpus) -> bool:
    """Whether one string or number can be traced to the corpus.

    A string may also be a list whose parts were all said, words of one message in another order, or a text of eight
    words or more whose every number, name and code, and most of whose words, were said.
    """
    if not isinstance(value, str):
        return is_number_grounded(value, corpus)
    return is_value_grounded(value, corpus) or _are_parts_grounded(value, corpus) or _is_composed(value, corpus)


def _are_parts_grounded(text: str, corpus: Corpus) -> bool:
    parts = [part for part in _PARTS.split(text) if part.strip()]
    if len(parts) > 1 and "://" not in text and all(is_value_grounded(part, corpus) for part in parts):
        return True
    content = set(fold_words(text)) - STOP_WORDS
    return len(content) > 1 and " " in text.strip() and corpus.holds_all_words(content, by_user=True)


def _is_composed(text: str, corpus: Corpus) -> bool:
    if len(text.split()) < LONG_TEXT:
        return False
    content = set(fold_words(text)) - STOP_WORDS
    known = sum(corpus.holds_word(word) for word in content)
    return known >= _TEXT_SHARE * len(content) and not find_ungrounded_claims(text, corpus)
