"""Decodes JSON and YAML into values that JSON can hold, exactly as they were written."""

import json
import math
import re
from dataclasses import dataclass
from typing import Any

import yaml

MAX_NODES = 1_000_000
"""A YAML file of a few lines can alias or merge itself into billions; 5 MB of real text hold some 150,000."""

MAX_YAML_NODES = 300_000
"""Keys and values as they are written, of which each takes the loader a kilobyte; 3 MB of real YAML hold 83,000."""

MAX_DEPTH = 150
"""Real documents stay under 40. A YAML alias in itself has no end, and a record cannot be written beyond some 200."""

_TOO_MANY = f"more than {MAX_NODES:,} values"
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels, or it refers to itself"


class DecodeProblem(Exception):  # noqa: N818 - a reason to show, caught in this room only
    """Why a text cannot be decoded, with the place where one is known."""


def decode_json(text: str) -> Any:
    """The JSON value of a text.

    Raises:
        DecodeProblem: not JSON.
    """
    # In JSON a comma or an opening bracket comes before all but one value; to build what is too much takes memory.
    if text.count(",") + text.count("[") + text.count("{") > 2 * MAX_NODES:
        raise DecodeProblem(_TOO_MANY)
    try:
        return _make_json_safe(json.loads(text))
    except json.JSONDecodeError as error:
        raise DecodeProblem(f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}") from error
    except ValueError as error:  # a number of thousands of digits
        raise DecodeProblem(f"JSON with a value that cannot be held: {error}") from error
    except RecursionError as error:
        raise DecodeProblem("JSON that is nested too deeply") from error


def decode_yaml(text: str) -> Any:
    """The YAML value of a text by the scalar rules of YAML 1.2: dates, times, `no` and `007` stay text.

    Raises:
        DecodeProblem: not YAML, or a value that refers to itself or grows without bound.
    """
    try:
        _check_growth(text)
        return _make_json_safe(yaml.load(text, Loader=_LOADER))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise DecodeProblem(f"not YAML{place}: {getattr(error, 'problem', None) or error}") from error
    except RecursionError as error:
        raise DecodeProblem("YAML that is nested too deeply or refers to itself") from error
    except (ValueError, TypeError) as error:  # a tag on a value of another type, as in `!!int x`
        raise DecodeProblem(f"YAML with a wrong tag: {error}") from error


def _check_growth(text: str) -> None:
    """Raises DecodeProblem for text that is nested too deeply, or too much with aliases and merges written out.

    libyaml's loader would crash the process over the first, and fill its memory with the second.
    """
    known: dict[str, _Grown] = {}
    open_nodes = [_Grown()]
    written = 0
    for event in yaml.parse(text, Loader=_LOADER):
        written += 1
        if written > 2 * MAX_YAML_NODES:  # an end is an event, too
            raise DecodeProblem(f"YAML of more than {MAX_YAML_NODES:,} keys and values; save it as JSON")
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append(_Grown(anchor=event.anchor, values=1))
            if len(open_nodes) > MAX_DEPTH + 2:
                raise DecodeProblem(_TOO_DEEP)
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            grown = open_nodes.pop()
        elif isinstance(event, yaml.AliasEvent):
            grown = known.get(str(event.anchor)) or _Grown()
        elif isinstance(event, yaml.ScalarEvent):
            grown = _Grown(anchor=event.anchor, values=1)
        else:
            continue
        if grown.anchor is not None:
            known[grown.anchor] = grown
        outer = open_nodes[-1]
        outer.values += grown.values
        outer.height = max(outer.height, grown.height + 1)
        if len(open_nodes) + outer.height > MAX_DEPTH + 3:
            raise DecodeProblem(_TOO_DEEP)
        if outer.values > 2 * MAX_NODES:
            raise DecodeProblem(_TOO_MANY)


@dataclass
class _Grown:
    """A node with its aliases written out: how many values and keys it holds, and how many levels."""

    anchor: str | None = None
    values: int = 0
    height: int = 0


def _build_loader() -> Any:
    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: Any = type("_Loader", (base,), {"yaml_implicit_resolvers": {}})
    for tag, pattern, first in (
        ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
        ("null", r"~|null|Null|NULL|", "~nN\0"),
        ("int", r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+", "-+0123456789"),
        ("float", r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?)", "-+.0123456789"),
        ("merge", r"<<", "<"),
    ):
        first_characters = [*first.replace("\0", ""), *([""] if "\0" in first else [])]
        loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})$"), first_characters)
    return loader


_LOADER = _build_loader()


def _make_json_safe(value: Any) -> Any:
    """A copy with text keys, finite numbers, encodable text, and lists and objects only."""
    count = 0

    def convert(node: Any, depth: int) -> Any:
        nonlocal count
        count += 1
        if count > MAX_NODES:
            raise DecodeProblem(f"more than {MAX_NODES:,} values")
        if depth > MAX_DEPTH:
            raise DecodeProblem(_TOO_DEEP)
        if isinstance(node, dict):
            return {_write_key(key): convert(child, depth + 1) for key, child in node.items()}
        if isinstance(node, (list, tuple, set)):
            return [convert(child, depth + 1) for child in node]
        if isinstance(node, str):
            return node.encode("utf-8", "replace").decode("utf-8")
        if isinstance(node, float):
            return node if math.isfinite(node) else None
        return node if node is None or isinstance(node, (bool, int)) else str(node)

    return convert(value, 0)


def _write_key(key: Any) -> str:
    """An unquoted `200:` is a number in YAML and the text "200" in every OpenAPI document."""
    if key is None or isinstance(key, bool):
        return json.dumps(key)
    return str(key).encode("utf-8", "replace").decode("utf-8")
