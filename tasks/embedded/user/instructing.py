"""The user agent: writes requests of a kind for an API.

A request is kept only if, read back as the assistant will read it, it asks for what was planned. So the teacher's data
is right by construction, and what it shows can be learned from the text and the tools.
"""

from random import Random
from typing import Any

from schemas.base import Json
from tasks.embedded.plans import PlannedCall, Reference, make_step
from tasks.embedded.request_reading import read_request
from tasks.embedded.tool_roles import Tool, read_tools
from tasks.embedded.user.phrasing import word_request
from tasks.embedded.user.planning import plan_several, plan_single, plan_withheld
from tasks.embedded.writer.documenting import draw_foreign_tools

_TRIES = 30


def compose_instructions(
    functions: list[dict[str, Any]], kind: str, count: int, earlier: list[str], rng: Random
) -> list[dict[str, Json]]:
    """Up to `count` requests as {"functions", "values", "text"}, and "withheld" where a detail is to be missing.

    There are fewer where the API does not allow for the kind.
    """
    tools = read_tools(functions)
    written: list[dict[str, Json]] = []
    taken = set(earlier)
    for _ in range(count):
        for _ in range(_TRIES):
            item = _compose_one(tools, kind, rng)
            if item and item["text"] not in taken:
                taken.add(str(item["text"]))
                written.append(item)
                break
    return written


def _compose_one(tools: tuple[Tool, ...], kind: str, rng: Random) -> dict[str, Json] | None:
    if kind == "no_tool":
        return _compose_foreign(tools, rng)
    if kind == "missing_detail":
        return _compose_withheld(tools, rng)
    several = kind == "multi_call" or (kind == "error_recovery" and rng.random() < 0.3)
    steps = plan_several(tools, rng) if several else plan_single(tools, rng)
    if not steps:
        return None
    text = word_request(steps, {tool.name: tool for tool in tools}, rng)
    reading = read_request(text, tools)
    if reading.steps != steps or any(reading.missing):
        return None
    return _write(text, steps, tools)


def _compose_withheld(tools: tuple[Tool, ...], rng: Random) -> dict[str, Json] | None:
    steps, name = plan_withheld(tools, rng)
    if not steps:
        return None
    (step,) = steps
    value = dict(step.arguments)[name]
    rest = make_step(step.function, {key: given for key, given in step.arguments if key != name})
    text = word_request((rest,), {tool.name: tool for tool in tools}, rng)
    reading = read_request(text, tools)
    if reading.steps != (rest,) or reading.missing != ((name,),):
        return None
    withheld: dict[str, Json] = {"parameter": name, "value": _as_json(value)}
    return _write(text, (rest,), tools) | {"withheld": withheld}


def _compose_foreign(tools: tuple[Tool, ...], rng: Random) -> dict[str, Json] | None:
    """A request for something that another kind of API would do, and none of these tools."""
    foreign = draw_foreign_tools(rng)
    steps: tuple[PlannedCall, ...] = plan_single(foreign, rng)
    if not steps:
        return None
    text = word_request(steps, {tool.name: tool for tool in foreign}, rng)
    return None if read_request(text, tools).steps else _write(text, (), tools)


def _write(text: str, steps: tuple[PlannedCall, ...], tools: tuple[Tool, ...]) -> dict[str, Json]:
    required = {(tool.name, p.name) for tool in tools for p in tool.parameters if p.required}
    values: list[Json] = [
        {"parameter": name, "value": _as_json(value)}
        for step in steps
        for name, value in step.arguments
        if (step.function, name) in required and not isinstance(value, Reference)
    ]
    return {"functions": [step.function for step in steps], "values": values, "text": text}


def _as_json(value: object) -> Json:
    assert isinstance(value, str | int | float | bool | list)
    return value
