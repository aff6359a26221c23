"""The `instruct` step: the user agent writes an API's instructions, all kinds at once, each worded differently."""

import math
import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from prompts import load_prompt
from schemas.base import Json, Record
from schemas.calls import ChatRequest
from schemas.episodes import Detail, Instruction, Kind
from schemas.toolset import Toolset
from tasks.agents.asking import derive_seed, gather_or_cancel, user_message
from tasks.quality import is_repeated, names_api

if TYPE_CHECKING:
    from tasks.teacher import Teacher

_ROUNDS = 3
"""How often the teacher is asked for a kind: what is thrown out as it is made is asked for again."""

_LONGEST_TEXT = 4000
"""Characters of an instruction, ten times what any user writes: what is compared with all others has an end."""

_FALLBACK = (Kind.SINGLE_CALL, Kind.MULTI_CALL, Kind.NO_TOOL)
"""Which kinds make up for one that the API does not allow for (a function without parameters lacks no detail)."""


class _Written(Record):
    text: str = Field(min_length=1)
    functions: tuple[str, ...] = ()
    withheld: Detail | None = None


class _Answer(Record):
    instructions: tuple[_Written, ...]


async def instruct_api(
    toolset: Toolset, count: int, shares: Mapping[Kind, float], seed: int, teacher: "Teacher"
) -> tuple[Instruction, ...]:
    """Up to `count` instructions for an API, divided over the kinds by `shares`.

    An instruction that repeats an earlier one or names the API is thrown out at once and asked for anew.

    Raises:
        TeacherError: The teacher gave no usable answer after every attempt.
    """
    kept: list[tuple[Kind, _Written]] = []
    wanted = share_out(count, shares, derive_seed("shares", toolset.entry.id, seed))
    short = await _fill(toolset, wanted, seed, teacher, kept)
    for kind in _FALLBACK:
        if short:
            short = await _fill(toolset, {kind: short}, derive_seed("fallback", seed), teacher, kept)
    return tuple(
        Instruction(
            id=f"{toolset.entry.id}-{number:03}",
            api_id=toolset.entry.id,
            kind=kind,
            text=item.text,
            functions=item.functions,
            withheld=item.withheld if kind is Kind.MISSING_DETAIL else None,
        )
        for number, (kind, item) in enumerate(kept, start=1)
    )


def share_out(count: int, shares: Mapping[Kind, float], seed: int) -> dict[Kind, int]:
    """`count` divided by `shares`; what is left of whole numbers is drawn, so that over many APIs the shares hold."""
    total = sum(shares.values())
    exact = {kind: count * share / total for kind, share in shares.items()}
    # Systematic sampling: one random offset, and a kind gets one more for each whole number its interval crosses.
    position = random.Random(seed).random()
    result: dict[Kind, int] = {}
    for kind, amount in exact.items():
        result[kind] = math.floor(position + amount) - math.floor(position)
        position += amount
    return {kind: number for kind, number in result.items() if number}


async def _fill(
    toolset: Toolset, wanted: Mapping[Kind, int], seed: int, teacher: "Teacher", kept: list[tuple[Kind, _Written]]
) -> int:
    """Adds up to so many instructions of each kind to `kept`; how many there are too few of."""
    missing, given_up = dict(wanted), 0
    for round_number in range(_ROUNDS):
        earlier = [item.text for _, item in kept]
        asked = [
            _ask(toolset, kind, number, earlier, derive_seed(seed, kind, round_number), teacher)
            for kind, number in missing.items()
        ]
        for kind, items in zip(list(missing), await gather_or_cancel(asked), strict=True):
            missing[kind] -= _keep(items[: missing[kind]], kind, toolset, kept)
            if not items:
                given_up += missing[kind]
            if not items or not missing[kind]:
                del missing[kind]
    return given_up + sum(missing.values())


async def _ask(
    toolset: Toolset, kind: Kind, count: int, earlier: list[str], seed: int, teacher: "Teacher"
) -> tuple[_Written, ...]:
    """What the teacher writes, as it is; none where the API does not allow for the kind."""
    api_id = toolset.entry.id
    answer = await teacher.complete_json(
        _make_request(toolset, kind, count, earlier, seed), _Answer, name="instructions",
        stage="instruct", api_id=api_id, owner=api_id,
        check=lambda answer: find_instruction_problems(answer.instructions, toolset, kind),
    )  # fmt: skip
    return answer.instructions


def _keep(items: Sequence[_Written], kind: Kind, toolset: Toolset, kept: list[tuple[Kind, _Written]]) -> int:
    """Adds to `kept` what repeats nothing that is in it and does not name the API; how many that are."""
    before = len(kept)
    for item in items:
        if not is_repeated(item.text, [other.text for _, other in kept]) and not names_api(
            item.text, toolset.entry.name
        ):
            kept.append((kind, item))
    return len(kept) - before


def find_instruction_problems(items: tuple[_Written, ...], toolset: Toolset, kind: Kind) -> list[str]:
    """What is wrong with instructions as answers: functions that do not exist, a detail that is none."""
    known = {function.name: function for function in toolset.functions}
    problems = []
    for number, item in enumerate(items, start=1):
        if len(item.text) > _LONGEST_TEXT:
            problems.append(f"instruction {number} has {len(item.text):,} characters; {_LONGEST_TEXT:,} are the limit")
        problems += [f"instruction {number} names a function {name!r} that does not exist"
                     for name in item.functions if name not in known]  # fmt: skip
        if kind is Kind.MISSING_DETAIL:
            fields: set[str] = set()
            for name in item.functions:
                if name in known:
                    fields |= _properties(known[name].parameters).keys()
            if item.withheld is None:
                problems.append(f'instruction {number} has no "withheld" detail')
            elif item.withheld.parameter not in fields:
                problems.append(
                    f"instruction {number} withholds {item.withheld.parameter!r}, no parameter of its functions"
                )
    return problems


def _properties(schema: Mapping[str, Json]) -> dict[str, Any]:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _make_request(toolset: Toolset, kind: Kind, count: int, earlier: list[str], seed: int) -> ChatRequest:
    functions = [
        {"name": function.name, "description": function.description, "parameters": function.parameters}
        for function in toolset.functions
    ]
    prompt = load_prompt("instruct").render(
        introduction=toolset.introduction, functions=functions, kind=kind.value, count=count, earlier=earlier
    )
    return ChatRequest(messages=(user_message(prompt),), seed=derive_seed("instruct", toolset.entry.id, seed))
