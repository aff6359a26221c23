"""Putting a plan into words, in the manner of many people."""

from itertools import pairwise
from random import Random

from schemas.base import Json
from tasks.embedded.plans import PlannedCall, Reference
from tasks.embedded.slots import compose_reference, compose_slot
from tasks.embedded.tool_roles import Tool
from tasks.embedded.user import PHRASES
from tasks.values import join_list, reads_as_noun, with_article


def word_request(steps: tuple[PlannedCall, ...], tools: dict[str, Tool], rng: Random) -> str:
    """A request for these calls: a main sentence, what else is to be done, perhaps a story and a word of thanks."""
    tool = tools[steps[0].function]
    mood = _draw_mood(tool, rng)
    frame = rng.choice(PHRASES["frames"][mood])
    parts = [_word_clause(steps[0], tool, mood, rng)]
    tail: list[str] = []
    for earlier, step in pairwise(steps):
        clause = _word_clause(step, tools[step.function], "do", rng)
        linked = step.refers or earlier.refers
        inside = mood == "do" and not tail and rng.random() < 0.7
        join = ("chained" if linked else "side") + ("" if inside else " sentence")
        (parts if inside else tail).append(rng.choice(PHRASES["joins"][join]).format(core=clause))
    core = "".join(parts)
    sentence = frame.format(core=core, Core=core[:1].upper() + core[1:])
    return " ".join([*_draw_opening(rng), sentence, *tail, *_draw_closing(rng)])


def _draw_mood(tool: Tool, rng: Random) -> str:
    bank = PHRASES["archetypes"][tool.archetype]
    return rng.choices(("do", "ask", "say"), weights=(0.5, 0.25 * bool(bank["ask"]), 0.25 * bool(bank["say"])))[0]


def _word_clause(step: PlannedCall, tool: Tool, mood: str, rng: Random) -> str:
    arguments = dict(step.arguments)
    options = PHRASES["archetypes"][tool.archetype][mood]
    attributes = [words for words in tool.attributes if reads_as_noun(words)]
    if not attributes:
        options = [phrase for phrase in options if "{attrs}" not in phrase]
    phrase = rng.choice(options)
    one = ""
    if "{one}" in phrase:
        assert tool.reference is not None
        one = compose_reference(tool.reference, arguments.pop(tool.reference.name), rng)
    clause: str = phrase.format(
        things=tool.things,
        thing=tool.thing,
        a_thing=_name_one(tool, rng),
        one=one,
        attrs=join_list(rng.sample(attributes, min(len(attributes), rng.choice((1, 1, 2))))),
        imperative=tool.imperative,
    )
    return clause + _word_arguments(arguments, tool, rng)


def _name_one(tool: Tool, rng: Random) -> str:
    if not tool.thing:
        return ""
    new = tool.archetype == "create" and rng.random() < 0.5
    return f"a new {tool.thing}" if new else with_article(tool.thing)


def _word_arguments(arguments: dict[str, Json | Reference], tool: Tool, rng: Random) -> str:
    """What follows the phrase: what narrows it down, and how many are wanted after a comma."""
    names = list(arguments)
    rng.shuffle(names)
    change = tool.archetype == "update"
    said: dict[bool, list[str]] = {True: [], False: []}
    for name in names:
        parameter = tool.parameter(name)
        said[parameter.role == "limit"].append(compose_slot(parameter, arguments[name], rng, change=change))
    narrowed = f" {join_list(said[False])}" if said[False] else ""
    return narrowed + "".join(f", {limit}" for limit in said[True])


def _draw_opening(rng: Random) -> list[str]:
    stories = PHRASES["stories"]
    if rng.random() < 0.55:
        return []
    story = rng.choice(stories["openings"])
    fills = {key: rng.choice(stories[f"{key}s"]) for key in ("relation", "name", "purpose")}
    return [story.format(**fills)]


def _draw_closing(rng: Random) -> list[str]:
    return [rng.choice(PHRASES["stories"]["closings"])] if rng.random() < 0.25 else []
