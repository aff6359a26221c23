"""The specification writer: describes one function of an API, from its documentation and what it knows of the world.

What it is told are names. It finds the kind of thing that they are about among those that it knows of, and so types,
values and ranges. All that it chooses is drawn by the documentation's own words, so that the functions of an API agree,
each of which it is asked for by itself: the ids that a list returns are those that others take.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from schemas.base import Json
from tasks.embedded.tool_roles import Tool, read_tools
from tasks.embedded.writer.knowledge import Attribute, Resource, find_resources
from tasks.values import pluralize, singularize, split_name

_POSTED = ("create", "update")
_IN_CALL = 3
_IN_ANSWER = 6
"""How many values are told of a field in a call, and in an answer: those of the one are among those of the other."""

_OF_DATES = 2
_LIMITS = (10, 20, 25, 50)
_SHARES_NEEDED = {"top": 0.6, "latest": 0.5, "count": 0.4}
"""How often a function cannot do without its first input."""


@dataclass(frozen=True)
class _Topic:
    """What a function is about; `told` is the documentation, by which everything is drawn."""

    resource: Resource
    resources: tuple[Resource, ...]
    told: str

    def rng(self, *of: str) -> Random:
        return Random("|".join((self.told, *of)))


def compose_operation(entry: dict[str, Any], functions: Sequence[dict[str, Any]], name: str) -> dict[str, Json]:
    """The function of that name as one operation (see `schemas.described`), without what says nothing.

    `functions` are all of the API, as `schemas.toolset.DocumentedFunction` has them.
    """
    function = next(each for each in functions if each["name"] == name)
    told = "|".join([str(entry.get("name")), *(f"{each['name']}:{each['outputs']}" for each in functions)])
    return describe_function(function, functions, find_resources(str(entry.get("category", ""))), told)


def describe_function(
    function: dict[str, Any], functions: Sequence[dict[str, Any]], resources: tuple[Resource, ...], told: str
) -> dict[str, Json]:
    """The same of a function about one of `resources`; `told` is what everything is drawn by."""
    tools = read_tools([_as_bare_tool(each) for each in functions])
    tool = next(tool for tool in tools if tool.name == function["name"])
    topic = _Topic(_find_resource(function, resources), resources, told)
    method, path = _choose_path(tool, tools)
    inputs = [_describe_input(field, function, topic) for field in function["inputs"]]
    _require(inputs, tool, topic.rng("required", tool.name))
    for field in inputs:
        inside = f"{{{field['name']}}}" in path
        field["place"] = "path" if inside else "body" if tool.archetype in _POSTED else "query"
    return {
        "method": method,
        "path": path,
        "parameters": inputs,
        "answer": [_describe_field(field, topic, _IN_ANSWER) for field in function["outputs"]],
        "returns_list": tool.gives_list,
    }


def as_tool(function: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    """A function that was described, as the `function` object of a tool."""
    about = ("type", "description", "enum", "examples", "minimum", "maximum")
    fields = operation["parameters"]
    properties = {field["name"]: {key: field[key] for key in about if key in field} for field in fields}
    return {
        "name": function["name"],
        "description": f"{function['description']} Returns: {', '.join(function['outputs'])}.",
        "parameters": {
            "type": "object",
            "properties": properties,
            "required": [field["name"] for field in fields if field["required"]],
        },
    }


def _as_bare_tool(function: dict[str, Any]) -> dict[str, Any]:
    """A function of which only names are known: ids are text, and needed."""
    names = function["inputs"]
    return {
        "name": function["name"],
        "description": function["description"],
        "parameters": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in names},
            "required": [name for name in names if split_name(name)[-1:] == ("id",)],
        },
    }


def _find_resource(function: dict[str, Any], resources: tuple[Resource, ...]) -> Resource:
    """The kind of thing that the function's name ends with, or most of its fields belong to."""
    words = split_name(function["name"])
    fields = {split_name(field) for field in (*function["inputs"], *function["outputs"])}

    def score(resource: Resource) -> int:
        noun = resource.name.split()
        named = singularize(words[-1]) == noun[-1] if words else False
        whole = {singularize(word) for word in words} >= {singularize(word) for word in noun}
        return 20 * named + 5 * whole + len(fields & _list_attributes(resource).keys())

    return max(resources, key=score)


def _list_attributes(resource: Resource) -> dict[tuple[str, ...], Attribute]:
    return {split_name(attribute.name): attribute for attribute in resource.attributes}


def _choose_path(tool: Tool, tools: tuple[Tool, ...]) -> tuple[str, str]:
    base = "/" + _dash(tool.things or tool.name)
    one = f"{base}/{{{tool.reference.name}}}" if tool.reference else base
    listed = any(other.archetype == "list" and other.things == tool.things for other in tools)
    if tool.archetype == "search":
        return "get", f"{base}/search" if listed else base
    if tool.archetype in ("random", "count", "top", "latest"):
        return "get", f"{base}/{tool.archetype}"
    if tool.archetype == "related":
        assert tool.reference is not None
        return "get", f"/{_dash(pluralize(tool.reference.noun))}/{{{tool.reference.name}}}{base}"
    methods = {"get": "get", "update": "patch", "delete": "delete"}
    if tool.archetype in methods:
        return methods[tool.archetype], one
    return ("post" if tool.archetype == "create" else "get"), base


def _dash(words: str) -> str:
    return "-".join(split_name(words)) or "items"


def _require(inputs: list[dict[str, Any]], tool: Tool, rng: Random) -> None:
    """Say of each input whether the function needs it."""
    ids = [field for field in inputs if split_name(field["name"])[-1:] == ("id",)]
    others = [field for field in inputs if field not in ids and split_name(field["name"]) != ("limit",)]
    needed = list(ids)
    if tool.archetype == "create":
        needed += others[: rng.randint(2, 3)]
    elif tool.archetype == "search" and rng.random() < 0.7:
        texts = [field for field in others if field["type"] == "string"]
        needed += rng.sample(texts, min(len(texts), 1))
    elif rng.random() < _SHARES_NEEDED.get(tool.archetype, 0.0):
        needed += others[:1]
    for field in inputs:
        field["required"] = field in needed


def _describe_input(name: str, function: dict[str, Any], topic: _Topic) -> dict[str, Any]:
    words = split_name(name)
    if words == ("limit",):
        most = topic.rng("limit", function["name"]).choice(_LIMITS)
        return {"name": name, "type": "integer", "description": "The limit", "minimum": 1, "maximum": most}
    if words == ("since",):
        days = [f"2026-{month:02}-{day:02}" for month, day in ((2, 14), (9, 3))]
        about = "The earliest day"
        return {"name": name, "type": "string", "description": about, "examples": days}
    if words == ("rank", "by"):
        known = _list_attributes(topic.resource)
        ranked = [n for n in function["outputs"] if (found := known.get(split_name(n))) is not None and found.is_amount]
        about = "The measure to rank by"
        return {"name": name, "type": "string", "description": about, **({"enum": ranked} if ranked else {})}
    if words[:1] in (("min",), ("max",)) and _find_attribute(words[1:], topic) is not None:
        field = _describe_field(" ".join(words[1:]), topic, _IN_CALL)
        end = "lowest" if words[0] == "min" else "highest"
        about = field["description"]
        about = f"The {end} {about[4:]}" if about.startswith("The ") else f"The {end} value: {about.lower()}"
        return {**field, "name": name, "description": about}
    return _describe_field(name, topic, _IN_CALL)


def _describe_field(name: str, topic: _Topic, most: int) -> dict[str, Any]:
    words = split_name(name)
    if words[-1:] == ("id",):
        return _describe_id(name, words[:-1] or tuple(topic.resource.name.split()), topic)
    if words == ("count",):
        return {"name": name, "type": "integer", "description": "How many there are", "minimum": 0, "maximum": 100_000}
    if words == ("deleted",):
        return {"name": name, "type": "boolean", "description": "Whether it was deleted"}
    attribute = _find_attribute(words, topic)
    if attribute is None:
        return {"name": name, "type": "string", "description": f"The {' '.join(words) or name}"}
    return _tell_attribute(name, attribute, topic, most)


def _find_attribute(words: tuple[str, ...], topic: _Topic) -> Attribute | None:
    """The attribute of that name: of what the function is about, else of another thing that the API may know of."""
    candidates = (topic.resource, *topic.resources)
    return next((found for one in candidates if (found := _list_attributes(one).get(words)) is not None), None)


def _tell_attribute(name: str, attribute: Attribute, topic: _Topic, most: int) -> dict[str, Any]:
    about = attribute.about[:1].upper() + attribute.about[1:]
    field: dict[str, Any] = {"name": name, "type": attribute.type, "description": about}
    if attribute.enum:
        return {**field, "enum": list(attribute.enum)}
    if attribute.low is not None:
        return {**field, "minimum": attribute.low, "maximum": attribute.high}
    most = _OF_DATES if attribute.kind in ("date", "date_time") else most
    examples = attribute.draw_examples(topic.rng(attribute.name, attribute.about), _IN_ANSWER)[:most]
    return {**field, **({"examples": list(examples)} if examples else {})}


def _describe_id(name: str, noun: tuple[str, ...], topic: _Topic) -> dict[str, Any]:
    """An id of what `noun` names; all of an API have one form."""
    form = topic.rng("form of ids").choice(("low", "low", "high", "integer", "dash"))
    numbers = topic.rng("ids", noun[-1]).sample(range(1000, 9999), 3)
    prefix = noun[-1][:4]
    forms = {"low": f"{prefix}_{{}}", "high": f"{prefix[:2].upper()}-{{}}", "dash": f"{prefix}-{{}}"}
    ids: list[Json] = [number * 7 + 10000 if form == "integer" else forms[form].format(number) for number in numbers]
    about = f"The id of the {' '.join(noun)}"
    return {"name": name, "type": "integer" if form == "integer" else "string", "description": about, "examples": ids}
