"""What a list of tools tells the embedded teacher: which archetype each function is, and what its parameters are for.

Both the user agent (which writes requests) and the assistant (which reads them) know the API from here and from
nowhere else.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

from schemas.base import Json
from tasks.embedded.describing import WORDS, find_listed_noun, make_imperative, read_returned
from tasks.values import is_plural, pluralize, singularize, split_name

Archetype = Literal[
    "search", "list", "get", "related", "random", "create", "update", "delete", "count", "top", "latest", "other"
]
Role = Literal["reference", "limit", "paging", "minimum", "maximum", "place", "since", "by", "value", "opaque"]

_VERBS: dict[str, Archetype] = {verb: found for found, verbs in WORDS["verbs"].items() for verb in verbs}
_MODIFIERS: dict[str, Archetype] = {word: found for found, words in WORDS["modifiers"].items() for word in words}
_LIMITS, _PAGING = ({tuple(name.split()) for name in WORDS[key]} for key in ("limits", "paging"))
_EXAMPLES = re.compile(r"\(for example: (.+)\)$")
"""At the end of a description."""


@dataclass(frozen=True)
class ToolParameter:
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
    """A function as the teacher understands it.

    `returns` are the fields that its description says come back, of each thing where it says that a list does.
    """

    name: str
    archetype: Archetype
    things: str
    thing: str
    imperative: str
    parameters: tuple[ToolParameter, ...]
    returns: tuple[str, ...]

    @property
    def reference(self) -> ToolParameter | None:
        """The required parameter that names one thing, if there is one."""
        return next((p for p in self.parameters if p.role == "reference" and p.required), None)

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """The fields that it returns, in words; ids left out, they are nothing that a person asks for."""
        spoken = (" ".join(split_name(name)) for name in self.returns)
        return tuple(words for words in spoken if words and words.split()[-1] != "id")

    def parameter(self, name: str) -> ToolParameter:
        """The parameter of that name."""
        return next(p for p in self.parameters if p.name == name)

    @property
    def gives_list(self) -> bool:
        """Whether what it returns is a list of things with ids."""
        return self.archetype in ("search", "list", "related", "top", "latest")


@lru_cache(maxsize=512)
def _load(text: str) -> dict[str, Json]:
    value: dict[str, Json] = json.loads(text)
    return value


def read_tools(functions: Sequence[dict[str, Any]]) -> tuple[Tool, ...]:
    """The tools behind `functions`, each the `function` object of a tool in a chat request."""
    return _read_tools(json.dumps(functions, sort_keys=True, ensure_ascii=False))


@lru_cache(maxsize=64)
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
    properties = schema.get("properties", {})
    required = set(schema.get("required", ())) | _find_needed_ids(function["name"], properties, schema)
    archetype, noun = _find_archetype(function["name"], properties, required)
    parameters = tuple(
        _read_parameter(name, part, name in required, singularize(noun) if noun else "item")
        for name, part in properties.items()
    )
    description = function.get("description") or ""
    returned, imperative = read_returned(description), make_imperative(function["name"], description)
    if not noun and returned.listed:
        noun = find_listed_noun(imperative)
        archetype = "list" if noun else archetype
    things = pluralize(noun) if noun else ""
    owner = next((p.noun for p in parameters if p.role == "reference" and p.required), "")
    if archetype == "related":
        things = things.removeprefix(f"{owner} ") or things
    if archetype == "get" and owner and not is_same_thing(singularize(things), owner):
        archetype = "other"  # what is asked for is not the thing that the id names
    if (archetype, things) in taken:
        archetype = "other"
    return Tool(
        name=function["name"],
        archetype=archetype,
        things=things,
        thing=singularize(things) if things else "",
        imperative=imperative,
        parameters=parameters,
        returns=returned.fields,
    )


def _find_needed_ids(name: str, properties: dict[str, Any], schema: dict[str, Any]) -> set[str]:
    """Ids that a function cannot do without, whatever its document says: `updateDashboard` needs its `dashboardId`."""
    verb, *rest = split_name(name) or ("",)
    required = schema.get("required", ())
    if any(split_name(p)[-1:] == ("id",) for p in required) or _VERBS.get(verb) in ("search", "list", "create"):
        return set()
    return {p for p in properties if split_name(p)[-1:] == ("id",) and {*split_name(p)[:-1]} & {*rest}}


def is_same_thing(thing: str, noun: str) -> bool:
    """Whether two nouns may mean the same: `cat` and `stray cat`, `user profile` and `user`."""
    return thing == noun or any(
        long.endswith(f" {short}") or long.startswith(f"{short} ") for long, short in ((thing, noun), (noun, thing))
    )


def _find_archetype(name: str, properties: dict[str, Any], required: set[str]) -> tuple[Archetype, str]:
    """The archetype of a function and its noun, in words; `other` and "" where the name tells neither."""
    verb, *rest = split_name(name) or ("",)
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
    refers = any(split_name(p)[-1:] == ("id",) for p in properties if p in required)
    if archetype in ("get", "search", "list") and refers:
        archetype = "related" if is_plural(noun) else "get"
    elif archetype == "get":
        archetype = "list" if is_plural(noun) else "other"
    elif archetype in ("update", "delete") and not refers:
        archetype = "other"
    return archetype, noun


def _read_parameter(name: str, schema: dict[str, Any], required: bool, thing: str) -> ToolParameter:
    schema = _find_examples(schema)
    words = split_name(name) or (name,)
    spoken = " ".join(words)
    role = _find_role(words, schema, required)
    if role in ("minimum", "maximum"):
        spoken = " ".join(words[1:])
    if words == ("id",):
        spoken = f"{thing} id"
    return ToolParameter(name, spoken, role, required, json.dumps(schema, ensure_ascii=False))


def _find_examples(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with the examples that stand in its description, where there are no others."""
    told = None if "examples" in schema else _EXAMPLES.search(str(schema.get("description", "")))
    if told is None:
        return schema
    try:
        return {**schema, "examples": json.loads(f"[{told[1]}]")}
    except ValueError:
        return schema


def _find_role(words: tuple[str, ...], schema: dict[str, Any], required: bool) -> Role:
    kind = schema.get("type")
    if kind in ("object", "null", None) or isinstance(kind, list):
        return "value" if "enum" in schema and kind is None else "opaque"
    if words[-1] == "id" and kind in ("string", "integer"):
        return "reference"
    if words in _LIMITS and kind in ("integer", "number"):
        return "limit"
    if words in _PAGING and not required:
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
