"""The assistant: reads what the user asked, looks at what has been called so far, and takes the next step."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from schemas.base import Json
from tasks.embedded.assistant import PHRASES
from tasks.embedded.assistant.observing import Outcome, match_steps, read_outcomes, resolve
from tasks.embedded.assistant.responding import compose_response
from tasks.embedded.plans import PlannedCall, Reference
from tasks.embedded.request_reading import Reading, read_reply, read_request
from tasks.embedded.speech import speak
from tasks.embedded.tool_roles import Tool, ToolParameter, read_tools
from tasks.values import join_list, reads_as_noun, with_article

_MOST_FAILURES = 4


@dataclass(frozen=True)
class Turn:
    """What the assistant says, and the calls it makes with it as (function, arguments)."""

    content: str
    calls: tuple[tuple[str, dict[str, Json]], ...] = ()


def take_turn(messages: Sequence[dict[str, Any]], functions: Sequence[dict[str, Any]], rng: Random) -> Turn:
    """The assistant's next message in a chat with these functions."""
    tools = read_tools(list(functions))
    by_name = {tool.name: tool for tool in tools}
    said = [str(message["content"] or "") for message in messages if message["role"] == "user"]
    reading = read_request(said[0] if said else "", tools)
    if not reading.steps:
        return Turn(_decline(tools, rng))
    steps, missing = _add_replies(reading, said[1:], by_name)
    if missing:
        return Turn(_ask(missing, rng))
    outcomes = read_outcomes(messages)
    matched = match_steps(steps, outcomes)
    met = [outcome for outcome in matched if outcome is not None]
    if len(met) == len(steps):
        return Turn(compose_response([by_name[step.function] for step in steps], met, said[0], rng))
    if sum(not outcome.ok for outcome in outcomes) >= _MOST_FAILURES:
        return Turn(rng.choice(PHRASES["gave_up"]))
    ahead = tuple(step for step, outcome in zip(steps, matched, strict=True) if outcome is None)
    return _call(ahead, by_name, outcomes, met, rng)


def _add_replies(
    reading: Reading, replies: list[str], tools: dict[str, Tool]
) -> tuple[tuple[PlannedCall, ...], ToolParameter | None]:
    """The steps with what the user has answered since, and the first parameter that still has to be asked for."""
    steps: list[PlannedCall] = []
    asked = list(replies)
    for step, names in zip(reading.steps, reading.missing, strict=True):
        arguments = dict(step.arguments)
        for name in names:
            parameter = tools[step.function].parameter(name)
            while asked and name not in arguments:
                value = read_reply(asked.pop(0), parameter)
                if value is not None:
                    arguments[name] = value
            if name not in arguments:
                return reading.steps, parameter
        steps.append(PlannedCall(step.function, tuple(arguments.items())))
    return tuple(steps), None


def _call(
    steps: tuple[PlannedCall, ...], tools: dict[str, Tool], outcomes: list[Outcome], met: list[Outcome], rng: Random
) -> Turn:
    """The next call, or several where those ahead need nothing of each other."""
    arguments = _resolve_arguments(steps[0], tools[steps[0].function], met)
    if arguments is None:
        return Turn(rng.choice(PHRASES["nothing_found"]))
    this_call = (steps[0].function, compose_arguments(arguments))
    failed = [outcome for outcome in outcomes if not outcome.ok and (outcome.function, outcome.arguments) == this_call]
    if any(not outcome.temporary for outcome in failed):
        return Turn(rng.choice(PHRASES["gave_up"]))  # to repeat a call that was understood and refused is no use
    calls = [(steps[0].function, arguments)]
    if not outcomes and len(steps) > 1 and not any(step.refers for step in steps) and rng.random() < 0.5:
        resolved = [_resolve_arguments(step, tools[step.function], met) or {} for step in steps]
        calls = [(step.function, given) for step, given in zip(steps, resolved, strict=True)]
        return Turn(rng.choice(PHRASES["thoughts"]["both"]), tuple(calls))
    earlier = failed or outcomes
    last = earlier[-1] if earlier else None
    return Turn(_think(steps[0], arguments, tools[steps[0].function], last, bool(met), rng), tuple(calls))


def _resolve_arguments(step: PlannedCall, tool: Tool, met: list[Outcome]) -> dict[str, Json] | None:
    arguments: dict[str, Json] = {}
    for name, value in step.arguments:
        if isinstance(value, Reference):
            value = resolve(value, tool.parameter(name), met)
            if value is None:
                return None
        arguments[name] = value
    return {parameter.name: arguments[parameter.name] for parameter in tool.parameters if parameter.name in arguments}


def _think(
    step: PlannedCall, arguments: dict[str, Json], tool: Tool, last: Outcome | None, later: bool, rng: Random
) -> str:
    thoughts = PHRASES["thoughts"]
    if last is not None and not last.ok:
        manner = "retry" if last.temporary and last.function == step.function else "repair"
    elif step.refers:
        manner = "reference"
    else:
        manner = "next" if later else "first"
    refers = next((name for name, value in step.arguments if isinstance(value, Reference)), "")
    return str(rng.choice(thoughts[manner])).format(
        call=_describe_call(tool, arguments, rng),
        name=tool.name,
        id=arguments.get(refers, ""),
        status=last.status if last else "",
    )


def _describe_call(tool: Tool, arguments: dict[str, Json], rng: Random) -> str:
    """What a call does, in a few words that follow "I can"; without arguments, what the function can do at all."""
    phrases = PHRASES["calls"] if arguments else {**PHRASES["calls"], **PHRASES["abilities"]}
    what: str = phrases[tool.archetype].format(
        things=tool.things,
        thing=tool.thing,
        a_thing=with_article(tool.thing) if tool.thing else "",
        imperative=tool.imperative,
    )
    said = [
        f"{tool.parameter(name).words} {'set to ' if isinstance(value, bool) else ''}{speak(value, rng)}"
        for name, value in arguments.items()
        if tool.parameter(name).role in ("value", "place") and not isinstance(value, list | dict)
    ][:2]
    return f"{what} with {join_list(said)}" if said and tool.archetype != "create" else what


def _ask(parameter: ToolParameter, rng: Random) -> str:
    about = str(parameter.schema.get("description") or f"the {parameter.words}").split(" (")[0].rstrip(".")
    about = about[:1].lower() + about[1:]
    questions = PHRASES["questions"]
    if not reads_as_noun(parameter.words):
        questions = [question for question in questions if "{words}" not in question]
    return str(rng.choice(questions)).format(words=parameter.words, about=about)


def _decline(tools: tuple[Tool, ...], rng: Random) -> str:
    chosen = rng.sample(tools, min(len(tools), 3))
    abilities = join_list([_describe_call(tool, {}, rng) for tool in chosen])
    return str(rng.choice(PHRASES["no_tool"])).format(abilities=abilities)


def compose_arguments(arguments: dict[str, Json]) -> str:
    """A call's arguments as the text that models send."""
    return json.dumps(arguments, ensure_ascii=False)
