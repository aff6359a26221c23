"""What the user agent may ask of an API: calls drawn from the tools, before any wording."""

from random import Random

from schemas.base import Json
from tasks.embedded.describing import WORDS
from tasks.embedded.plans import PlannedCall, Reference, make_step
from tasks.embedded.tool_roles import Tool, ToolParameter, is_same_thing
from tasks.values import sample_value, split_name

AMOUNTS = frozenset[str](WORDS["amounts"])
"""Last words of names that stand for amounts."""


def plan_single(tools: tuple[Tool, ...], rng: Random) -> tuple[PlannedCall, ...]:
    """One call whose arguments can all be said outright; () where the API has no such function."""
    able = [tool for tool in tools if can_plan(tool, tools)]
    return (_draw_step(rng.choice(able), tools, rng),) if able else ()


def plan_several(tools: tuple[Tool, ...], rng: Random) -> tuple[PlannedCall, ...]:
    """Two or three calls: mostly a chain, else things that do not depend on each other; () where neither can be."""
    chains = [(source, target) for source in tools for target in tools if _can_chain(source, target, tools)]
    if chains and rng.random() < 0.75:
        return _share_credentials(_draw_chain(tools, chains, rng))
    able = [tool for tool in tools if can_plan(tool, tools)]
    if not able:
        return ()
    count = 3 if len(able) > 3 and rng.random() < 0.15 else 2
    chosen = rng.sample(able, count) if len(able) >= count else able * count
    chosen.sort(key=lambda tool: tool.archetype == "delete")  # what is deleted cannot be looked at any more
    return _share_credentials(tuple(_draw_step(tool, tools, rng) for tool in chosen[:count]))


def _share_credentials(steps: tuple[PlannedCall, ...]) -> tuple[PlannedCall, ...]:
    """The steps with one value for each key or token: it is one user who makes the request."""
    held: dict[str, Json | Reference] = {}
    shared = []
    for step in steps:
        arguments = dict(step.arguments)
        for name in arguments:
            if split_name(name)[-1:] in (("key",), ("token",), ("appid",)):
                arguments[name] = held.setdefault(name, arguments[name])
        shared.append(make_step(step.function, arguments))
    return tuple(shared)


def plan_withheld(tools: tuple[Tool, ...], rng: Random) -> tuple[tuple[PlannedCall, ...], str]:
    """A call that cannot do without some parameter which can be told in a reply, and that parameter's name."""
    able = [tool for tool in tools if can_plan(tool, tools) and _tellable(tool)]
    if not able:
        return (), ""
    tool = rng.choice(able)
    return (_draw_step(tool, tools, rng),), rng.choice(_tellable(tool)).name


def can_plan(tool: Tool, tools: tuple[Tool, ...]) -> bool:
    """Whether every parameter that the function needs can be said.

    An id can where the document gives some, and where no function tells one: then it is the user who knows it.
    """
    return (tool.archetype != "other" or bool(tool.imperative)) and all(
        _can_say(parameter, tools) for parameter in tool.parameters if parameter.required
    )


def draw_value(parameter: ToolParameter, rng: Random) -> Json:
    """A value for the parameter as a person would choose it: round, and short."""
    schema = parameter.schema
    if parameter.role == "limit":
        low, high = int(_bound(schema, "minimum", 2)), int(_bound(schema, "maximum", 10))
        return rng.randint(max(low, 2), max(min(high, 10), 2, low))
    value = sample_value(parameter.name, schema, rng)
    if isinstance(value, float):
        step = round(value) if abs(value) >= 20 else round(value, 1)
        if _bound(schema, "minimum", step) <= step <= _bound(schema, "maximum", step):
            value = step
    return value


def _can_say(parameter: ToolParameter, tools: tuple[Tool, ...]) -> bool:
    if parameter.role == "reference":
        return bool(parameter.schema.get("examples")) or not any(_tells(tool, parameter) for tool in tools)
    return parameter.role != "opaque" and not (parameter.schema.get("type") == "array" and not _plain_items(parameter))


def _tells(tool: Tool, parameter: ToolParameter) -> bool:
    """Whether ids that `parameter` takes are among what the function returns to who does not know them yet."""
    if not tool.gives_list and any(other.name == parameter.name for other in tool.parameters):
        return False
    returned = {split_name(name) for name in tool.returns}
    own = not tool.thing or is_same_thing(tool.thing, parameter.noun)
    return split_name(parameter.name) in returned or (own and ("id",) in returned)


def _plain_items(parameter: ToolParameter) -> bool:
    items = parameter.schema.get("items")
    return isinstance(items, dict) and items.get("type") in ("string", "integer", "number")


def _tellable(tool: Tool) -> list[ToolParameter]:
    return [
        p
        for p in tool.parameters
        if p.required
        and p.role in ("value", "place", "since", "by")
        and p.schema.get("type") != "boolean"
        and "default" not in p.schema
    ]


def _draw_step(
    tool: Tool, tools: tuple[Tool, ...], rng: Random, reference: tuple[str, Reference] | None = None
) -> PlannedCall:
    arguments: dict[str, Json | Reference] = {}
    if reference:
        arguments[reference[0]] = reference[1]
    roles = ("paging", "reference")
    optional = [p for p in tool.parameters if not p.required and p.role not in roles and _can_say(p, tools)]
    wanted = rng.sample(optional, min(len(optional), _draw_count(tool, rng)))
    for parameter in tool.parameters:
        if parameter.name in arguments or not (parameter.required or parameter in wanted):
            continue
        other = next((n for n in arguments if tool.parameter(n).words == parameter.words), None)
        if other is None:  # a minimum and a maximum of the same thing could contradict each other
            arguments[parameter.name] = draw_value(parameter, rng)
    return make_step(tool.name, arguments)


def _draw_count(tool: Tool, rng: Random) -> int:
    """How many optional parameters a request gives: at least one where a change or a search says nothing without."""
    if tool.archetype == "update" or (tool.archetype == "search" and not any(p.required for p in tool.parameters)):
        return rng.choice((1, 1, 2, 2, 3))
    return rng.choice((0, 0, 1, 1, 2))


def _can_chain(source: Tool, target: Tool, tools: tuple[Tool, ...]) -> bool:
    """Whether `target` can refer to what `source` lists, or creates where nothing else tells the id."""
    reference = target.reference
    if source is target or reference is None or not can_plan(source, tools):
        return False
    if not source.gives_list and (source.archetype != "create" or _is_listed(reference, tools)):
        return False
    others = (p for p in target.parameters if p.required and p is not reference)
    return (
        "id" in " ".join(source.returns).lower()
        and _matches(source.thing, reference.noun)
        and all(_can_say(p, tools) for p in others)
    )


def _is_listed(reference: ToolParameter, tools: tuple[Tool, ...]) -> bool:
    """Whether there are other ids to be had than that of a thing just created."""
    return bool(reference.schema.get("examples")) or any(tool.gives_list and _tells(tool, reference) for tool in tools)


def _matches(thing: str, noun: str) -> bool:
    return thing == noun or thing.endswith(f" {noun}") or noun.endswith(f" {thing}")


def _draw_chain(tools: tuple[Tool, ...], chains: list[tuple[Tool, Tool]], rng: Random) -> tuple[PlannedCall, ...]:
    source, target = rng.choice(chains)
    assert target.reference is not None
    steps = [
        _draw_step(source, tools, rng),
        _draw_step(target, tools, rng, (target.reference.name, _draw_reference(source, tools, rng))),
    ]
    more = [other for first, other in chains if first is source and other is not target and other.archetype != "delete"]
    if more and source.gives_list and target.archetype != "delete" and rng.random() < 0.25:
        third = rng.choice(more)
        assert third.reference is not None
        select = Reference(rng.choice(("first", "last")))
        steps.append(_draw_step(third, tools, rng, (third.reference.name, select)))
    return tuple(steps)


def _draw_reference(source: Tool, tools: tuple[Tool, ...], rng: Random) -> Reference:
    if not source.gives_list:
        return Reference("that")
    amounts = [words for name in source.returns if _is_amount(name, tools) for words in [" ".join(split_name(name))]]
    if amounts and rng.random() < 0.5:
        return Reference(rng.choice(("highest", "lowest")), rng.choice(amounts))
    return Reference(rng.choice(("first", "first", "last")))


def _is_amount(name: str, tools: tuple[Tool, ...]) -> bool:
    if split_name(name)[-1:] == ("id",):
        return False
    typed = [p.schema.get("type") for tool in tools for p in tool.parameters if p.name == name]
    if typed:
        return any(kind in ("integer", "number") for kind in typed)
    return bool(AMOUNTS.intersection(split_name(name)[-1:]))


def _bound(schema: dict[str, Json], key: str, default: float) -> float:
    value = schema.get(key)
    return float(value) if isinstance(value, int | float) else float(default)
