"""What a list of tools tells the embedded teacher: which archetype each function is, and what its parameters are for.

Both the user agent (which writes requests) and the assistant (which reads them) know the API from here and from
nowhere else.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from schemas.base import Json
from tasks.offline.naming import is_plural, make_plural, make_singular, split_words

Archetype = Literal[
    "search", "list", "get", "related", "random", "create", "update", "delete", "count", "top", "latest", "other"
]
Role = Literal["reference", "limit", "paging", "minimum", "maximum", "place", "since", "by", "value", "opaque"]

_VERBS: dict[str, Archetype] = {
    **dict.fromkeys(("search", "find", "query", "filter", "look", "lookup", "discover"), "search"),
    **dict.fromkeys(("list", "browse", "all"), "list"),
    **dict.fromkeys(("get", "fetch", "retrieve", "show", "read", "view", "describe"), "get"),
    **dict.fromkeys(
        ("create", "add", "register", "submit", "book", "post", "save", "make", "record", "open"), "create"
    ),
    **dict.fromkeys(("update", "change", "edit", "modify", "patch", "revise"), "update"),
    **dict.fromkeys(("delete", "remove", "cancel", "erase"), "delete"),
    **dict.fromkeys(("count",), "count"),
    **dict.fromkeys(("rank", "top"), "top"),
    **dict.fromkeys(("random", "pick", "draw"), "random"),
}
_MODIFIERS: dict[str, Archetype] = {
    "random": "random",
    **dict.fromkeys(("top", "best", "leading"), "top"),
    **dict.fromkeys(("latest", "newest", "recent"), "latest"),
}
_LIMITS = {("limit",), ("max", "results"), ("page", "size"), ("per", "page"), ("results",)}
_PAGING = {("offset",), ("page",), ("skip",), ("cursor",), ("page", "number"), ("sort",), ("order",), ("sort", "order")}
_RETURNS = re.compile(r"\s*Returns:\s*(.*)$", re.DOTALL)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a function: `words` are how people say its name."""

    name: str
    words: str
    role: Role
    required: bool
    schema_json: str

    @property
    def schema(self) -> dict[str, Json]:
        """The parameter's JSON schema."""
        return _load(self.schema_json)

    @property
    def noun(self) -> str:
        """Of a reference, what it refers to: `pet` for `petId`."""
        return self.words.removesuffix(" id")


@dataclass(frozen=True)
class Tool:
    """A function as the teacher understands it; `returns` are the fields that its description says come back."""

    name: str
    archetype: Archetype
    things: str
    thing: str
    imperative: str
    parameters: tuple[Parameter, ...]
    returns: tuple[str, ...]

    @property
    def reference(self) -> Parameter | None:
        """The required parameter that names one thing, if there is one."""
        return next((p for p in self.parameters if p.role == "reference" and p.required), None)

    def parameter(self, name: str) -> Parameter:
        """The parameter of that name."""
        return next(p for p in self.parameters if p.name == name)

    @property
    def gives_list(self) -> bool:
        """Whether what it returns is a list of things with ids."""
        return self.archetype in ("search", "list", "related", "top", "latest")


@lru_cache(maxsize=4096)
def _load(text: str) -> dict[str, Json]:
    value: dict[str, Json] = json.loads(text)
    return value


def read_tools(functions: Sequence[dict[str, Any]]) -> tuple[Tool, ...]:
    """The tools behind `functions`, each the `function` object of a tool in a chat request."""
    return _read_tools(json.dumps(functions, sort_keys=True, ensure_ascii=False))


@lru_cache(maxsize=512)
def _read_tools(text: str) -> tuple[Tool, ...]:
    tools: list[Tool] = []
    taken: set[tuple[str, str]] = set()
    for function in json.loads(text):
        tool = _read_tool(function, taken)
        taken.add((tool.archetype, tool.things))
        tools.append(tool)
    return tuple(tools)


def _read_tool(function: dict[str, Any], taken: set[tuple[str, str]]) -> Tool:
    schema = function.get("parameters") or {}
    required = set(schema.get("required", ()))
    archetype, noun = _find_archetype(function["name"], schema.get("properties", {}), required)
    parameters = tuple(
        _read_parameter(name, part, name in required, make_singular(noun) if noun else "item")
        for name, part in schema.get("properties", {}).items()
    )
    things = make_plural(noun) if noun else ""
    if archetype == "related":
        owner = next(p.noun for p in parameters if p.role == "reference" and p.required)
        things = things.removeprefix(f"{owner} ") or things
    if (archetype, things) in taken:
        archetype = "other"
    description = function.get("description") or " ".join(split_words(function["name"]))
    match = _RETURNS.search(description)
    return Tool(
        name=function["name"],
        archetype=archetype,
        things=things,
        thing=make_singular(things) if things else "",
        imperative=_make_imperative(_RETURNS.sub("", description)),
        parameters=parameters,
        returns=_read_returns(match.group(1)) if match else (),
    )


def _find_archetype(name: str, properties: dict[str, Any], required: set[str]) -> tuple[Archetype, str]:
    """The archetype of a function and its noun, in words; `other` and "" where the name tells neither."""
    verb, *rest = split_words(name) or ("",)
    archetype = _VERBS.get(verb)
    if archetype is None or not rest:
        return "other", ""
    for word in ("by", "for", "with"):
        if word in rest[1:]:
            rest = rest[: rest.index(word, 1)]
    rest = [word for word in rest if word not in ("the", "all", "a")] or rest
    if archetype in ("get", "list") and rest[0] in _MODIFIERS and len(rest) > 1:
        archetype, rest = _MODIFIERS[rest[0]], rest[1:]
    if archetype == "list" and rest[0] == "new" and len(rest) > 1:
        archetype, rest = "latest", rest[1:]
    if archetype in ("random", "top") and rest[0] in _MODIFIERS and len(rest) > 1:
        rest = rest[1:]
    if rest[-1] in ("details", "detail", "record", "info") and len(rest) > 1:
        rest = rest[:-1]
    noun = " ".join(rest)
    refers = any(split_words(p)[-1:] == ("id",) for p in properties if p in required)
    if archetype in ("get", "search", "list") and refers:
        archetype = "related" if is_plural(noun) else "get"
    elif archetype == "get":
        archetype = "list" if is_plural(noun) else "other"
    elif archetype in ("update", "delete") and not refers:
        archetype = "other"
    return archetype, noun


def _read_parameter(name: str, schema: dict[str, Any], required: bool, thing: str) -> Parameter:
    words = split_words(name) or (name,)
    spoken = " ".join(words)
    role = _find_role(words, schema)
    if role in ("minimum", "maximum"):
        spoken = " ".join(words[1:])
    if words == ("id",):
        spoken = f"{thing} id"
    return Parameter(name, spoken, role, required, json.dumps(schema, ensure_ascii=False))


def _find_role(words: tuple[str, ...], schema: dict[str, Any]) -> Role:
    kind = schema.get("type")
    if kind in ("object", "null", None) or isinstance(kind, list):
        return "value" if "enum" in schema and kind is None else "opaque"
    if words[-1] == "id" and kind in ("string", "integer"):
        return "reference"
    if words in _LIMITS and kind == "integer":
        return "limit"
    if words in _PAGING:
        return "paging"
    if words[0] in ("min", "minimum") and len(words) > 1:
        return "minimum"
    if words[0] in ("max", "maximum") and len(words) > 1:
        return "maximum"
    if words == ("since",):
        return "since"
    if words[-1] == "by" and "enum" in schema:
        return "by"
    if words[-1] in ("city", "country"):
        return "place"
    return "value"


def _make_imperative(description: str) -> str:
    first = re.split(r"(?<=[.!?])\s", description.strip())[0].rstrip(".!? ")
    return (first[:1].lower() + first[1:])[:200] if not first[:2].isupper() else first[:200]


def _read_returns(text: str) -> tuple[str, ...]:
    """Field names out of `pets (list of id, name, breed), total.`"""
    inner = re.search(r"\(list of ([^)]*)\)", text)
    names = (inner.group(1) if inner else text).rstrip(". ").split(",")
    return tuple(name.strip() for name in names if re.fullmatch(r"\s*[A-Za-z_]\w*\s*", name))
