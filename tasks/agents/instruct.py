"""The `instruct` step: the user agent writes an API's instructions, all kinds at once, each worded differently."""

import copy
import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from prompts import load_prompt
from schemas.base import Json
from schemas.calls import ChatRequest
from schemas.described import Written, hold_to, list_values
from schemas.episodes import Detail, Instruction, Kind
from schemas.errors import FatalTeacherError, TeacherError, UnusableAnswerError
from schemas.toolset import Toolset
from tasks.agents.asking import derive_seed, gather_or_cancel, user_message
from tasks.agents.instruction_problems import CALLS, find_instruction_problem, list_required
from tasks.quality import is_repeated
from tasks.values.folding import fold_text

if TYPE_CHECKING:
    from tasks.teacher import Teacher

_ROUNDS = 3
"""How often the teacher is asked for a kind: what is thrown out as it is made is asked for again."""

_LONGEST_ASKED_FOR = 1000
"""Characters that the teacher is told an instruction may have."""

_LONGEST_TOLD = 200
"""Characters of a text that is told to have been turned down."""

_TEXT: dict[str, Json] = {"type": "string", "maxLength": 300}
_SAYABLE: dict[str, Json] = {
    "anyOf": [_TEXT, {"type": "number"}, {"type": "boolean"}, {"type": "array", "items": _TEXT, "maxItems": 10}]
}
"""The values that a text can say, with an end: a model that is held to it by a grammar could go on and on."""

_FALLBACK = (Kind.SINGLE_CALL, Kind.MULTI_CALL, Kind.NO_TOOL)
"""Which kinds make up for one that the API does not allow for (a function without parameters lacks no detail)."""


def _read_names(given: Any) -> list[Any]:
    """Names as they were meant, where one is written as a call, or with what it belongs to before it."""
    return [
        re.sub(r"\(.*", "", name).rpartition(".")[2] if isinstance(name, str) else name for name in list_values(given)
    ]


class _Detail(Written):
    parameter: str
    value: Annotated[Json, WithJsonSchema(_SAYABLE)]


def _read_values(given: Any) -> list[_Detail]:
    """The values that can be read, also where they stand in an object by the parameters' names."""
    if isinstance(given, dict) and given.keys() != {"parameter", "value"}:
        given = [{"parameter": name, "value": value} for name, value in given.items()]
    details = []
    for item in list_values(given):
        with suppress(ValidationError):
            details.append(_Detail.model_validate(item))
    return details


class _Written(Written):
    """An instruction; the text stands last, so that a model which is held to the order knows what it is to say."""

    model_config = ConfigDict(json_schema_extra={"required": ["functions", "values", "text"]})

    functions: Annotated[tuple[str, ...], BeforeValidator(_read_names)] = ()
    values: Annotated[tuple[_Detail, ...], BeforeValidator(_read_values)] = ()
    withheld: _Detail | None = None
    text: Annotated[str, hold_to(_LONGEST_ASKED_FOR)] = Field(min_length=1)


def _keep_readable(given: Any) -> list[_Written]:
    """The instructions that can be read; an answer of which none can is none."""
    readable, problems = [], []
    for item in list_values(given):
        try:
            readable.append(_Written.model_validate(item))
        except ValidationError as error:
            problems.append(error.errors(include_url=False)[0])
    if problems and not readable:
        raise ValueError('write each as an object with "text" and "functions"')
    return readable


class _Answer(Written):
    model_config = ConfigDict(json_schema_extra={"required": ["instructions"]})

    instructions: Annotated[tuple[_Written, ...], BeforeValidator(_keep_readable)] = ()


@dataclass
class _Kept:
    """What was written for an API: the instructions that are kept, and why there are not more."""

    items: list[tuple[Kind, _Written]] = field(default_factory=list)
    turned_down: dict[Kind, list[str]] = field(default_factory=dict)
    errors: list[TeacherError] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [item.text for _, item in self.items]


@dataclass(frozen=True)
class Instructed:
    """The instructions of an API, and how many kinds were broken off though the teacher might answer another time."""

    instructions: tuple[Instruction, ...]
    unfinished: int = 0


async def instruct_api(
    toolset: Toolset, count: int, shares: Mapping[Kind, float], seed: int, teacher: "Teacher"
) -> Instructed:
    """Up to `count` instructions for an API, divided over the kinds by `shares`.

    An instruction that is no good is thrown out, and another is asked for with the reason; the good ones of its answer
    are kept. A kind for which the teacher gives nothing usable is made up for by others.

    Raises:
        TeacherError: The teacher gave nothing usable at all; the message holds the last problems.
    """
    kept = _Kept()
    wanted = share_out(count, shares, derive_seed("shares", toolset.entry.id, seed))
    short = await _fill(toolset, wanted, seed, teacher, kept)
    for kind in _FALLBACK:
        if short:
            short = await _fill(toolset, {kind: short}, derive_seed("fallback", seed), teacher, kept)
    if not kept.items and kept.errors:
        raise kept.errors[0]
    problems = list(dict.fromkeys(line for lines in kept.turned_down.values() for line in lines))
    if not kept.items and problems:
        raise UnusableAnswerError(f"no usable instruction: {'; '.join(problems)}")
    instructions = tuple(
        Instruction(
            id=f"{toolset.entry.id}-{number:03}",
            api_id=toolset.entry.id,
            kind=kind,
            text=item.text,
            functions=item.functions,
            withheld=_read_withheld(item, toolset) if kind is Kind.MISSING_DETAIL else None,
        )
        for number, (kind, item) in enumerate(kept.items, start=1)
    )
    return Instructed(instructions, sum(not isinstance(error, UnusableAnswerError) for error in kept.errors))


def _read_withheld(item: _Written, toolset: Toolset) -> Detail | None:
    return None if item.withheld is None else _read_detail(item.withheld, item, toolset)


def _read_detail(detail: _Detail, item: _Written, toolset: Toolset) -> Detail:
    """A detail, its value of the parameter's type where it was written as text, or the other way round."""
    named = [function for function in toolset.functions if function.name in item.functions]
    schemas = (list_required(function).get(detail.parameter) for function in named)
    schema = next((schema for schema in schemas if isinstance(schema, dict)), {})
    return Detail(parameter=detail.parameter, value=_fit_type(detail.value, schema.get("type")))


def _fit_type(value: Json, kind: Any) -> Json:
    if kind == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return json.dumps(value)
    if kind in ("integer", "number", "boolean") and isinstance(value, str):
        with suppress(ValueError):
            read: Json = json.loads(value.strip().lower())
            return read
    return value


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


async def _fill(toolset: Toolset, wanted: Mapping[Kind, int], seed: int, teacher: "Teacher", kept: _Kept) -> int:
    """Adds up to so many instructions of each kind to `kept`; how many there are too few of."""
    missing, given_up = dict(wanted), 0
    for round_number in range(_ROUNDS):
        earlier = kept.texts
        asked = [
            _ask(toolset, kind, number, earlier, derive_seed(seed, kind, round_number), teacher, kept)
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
    toolset: Toolset, kind: Kind, count: int, earlier: list[str], seed: int, teacher: "Teacher", kept: _Kept
) -> tuple[_Written, ...]:
    """What the teacher writes, as it is; none where the API does not allow for the kind, or nothing could be had."""
    api_id = toolset.entry.id
    request = _make_request(toolset, kind, count, earlier, kept.turned_down.get(kind, []), seed)
    try:
        answer = await teacher.complete_json(
            request, _Answer, name="instructions", stage="instruct", api_id=api_id, owner=api_id,
            schema=_make_schema(toolset, kind, count),
        )  # fmt: skip
    except FatalTeacherError:
        raise
    except TeacherError as error:
        kept.errors.append(error)
        return ()
    return answer.instructions


def _keep(items: Sequence[_Written], kind: Kind, toolset: Toolset, kept: _Kept) -> int:
    """Adds what is good and repeats nothing to `kept`, and notes what is wrong with the rest; how many are good."""
    before = len(kept.items)
    own_words = _fold(_render(kind, 1))
    turned_down = []
    for item in items:
        values = [_read_detail(value, item, toolset) for value in item.values]
        withheld = _read_withheld(item, toolset)
        problem = find_instruction_problem(item.text, item.functions, values, withheld, toolset, kind)
        if not problem and _fold(item.text) in own_words:
            problem = "it repeats what you were told; write what a user says"
        if not problem and is_repeated(item.text, kept.texts):
            problem = "it repeats one that exists; ask for something else"
        if problem:
            turned_down.append(f'"{item.text[:_LONGEST_TOLD]}": {problem}')
        else:
            kept.items.append((kind, item))
    kept.turned_down[kind] = turned_down
    return len(kept.items) - before


def _fold(text: str) -> str:
    return " ".join(fold_text(text).split())


def _make_request(
    toolset: Toolset, kind: Kind, count: int, earlier: list[str], turned_down: list[str], seed: int
) -> ChatRequest:
    functions: list[dict[str, Json]] = [
        {"name": function.name, "description": function.description, "parameters": function.parameters}
        for function in toolset.functions
    ]
    prompt = _render(kind, count, toolset.introduction, functions, earlier, turned_down)
    return ChatRequest(messages=(user_message(prompt),), seed=derive_seed("instruct", toolset.entry.id, seed))


def _render(
    kind: Kind,
    count: int,
    introduction: str = "",
    functions: Sequence[Mapping[str, Json]] = (),
    earlier: Sequence[str] = (),
    turned_down: Sequence[str] = (),
) -> str:
    return load_prompt("instruct").render(
        introduction=introduction, functions=functions, kind=kind.value, count=count, earlier=earlier,
        turned_down=turned_down,
    )  # fmt: skip


def _make_schema(toolset: Toolset, kind: Kind, count: int) -> dict[str, Json]:
    """The answer's schema with what there is of this API: functions by name, as many as the kind needs."""
    schema: dict[str, Any] = copy.deepcopy(_SCHEMA)
    schema["properties"]["instructions"]["maxItems"] = count
    written = schema["$defs"]["_Written"]["properties"]
    least, most = CALLS[kind]
    names = [function.name for function in toolset.functions]
    written["functions"] |= {"items": {"type": "string", "enum": names}, "minItems": least, "maxItems": most}
    required = dict.fromkeys(name for function in toolset.functions for name in list_required(function))
    if required:
        schema["$defs"]["_Detail"]["properties"]["parameter"]["enum"] = list(required)
    if kind is Kind.MISSING_DETAIL:
        written["withheld"] = {"$ref": "#/$defs/_Detail"}
        schema["$defs"]["_Written"]["required"] = ["functions", "values", "withheld", "text"]
    else:
        del written["withheld"]
    written["values"]["maxItems"] = most * max(
        (len(list_required(function)) for function in toolset.functions), default=0
    )
    return schema


_SCHEMA = _Answer.model_json_schema()
