"""Answers that must be JSON of a given shape: how they are asked for, found in the text, checked and mended."""

import json
import re
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from prompts import load_prompt
from schemas.base import Json
from schemas.calls import ChatRequest, Completion
from schemas.episodes import Flaw
from schemas.errors import UnusableAnswerError
from schemas.foreign_json import decode_foreign_json
from tasks.markup.thoughts import strip_thoughts
from tasks.teacher.remedies import describe_problem
from tasks.teacher.strict import drop_nulls

T = TypeVar("T", bound=BaseModel)

Check = Callable[[T], list[str] | Awaitable[list[str]]]
"""Finds further problems of an answer that conforms to its schema, one line each; now, or awaited."""

MOST_PROBLEMS = 20
"""As many problems as are shown to the model at once."""

_SUSPECT = re.compile(r"\\u[dD][89a-fA-F]|[eE]\+?\d{3}|\d{300}")
"""Where half of a surrogate pair or a float without end may be."""

_OBJECT_START = re.compile(r'\{\s*["}]')
_BARELY_BEGUN = 20
"""Characters after which text that opens like an object is taken for one, so that its error counts."""

ATTEMPTS = 4
_MOST_STARTS = 1000
"""Places that look like the start of an object and are none, after which no further one is tried."""

_MOST_OBJECTS = 20
"""The last so many objects of an answer are held against the schema."""

_LONGEST_PROBLEM = 2000
"""Characters; a problem may name a key of the answer's own making."""

_FLAW_PROBLEMS: dict[Flaw, str] = {
    "cut_off": "The answer was cut off at the limit of tokens: it must be shorter.",
    "filtered": "The answer was filtered.",
    "refused": "The answer was refused.",
    "partial": "The answer broke off.",
    "leaked_tokens": "The answer holds tokens that steer the model.",
    "empty": "The answer is empty.",
}


async def ask_for_json(
    complete: Callable[[ChatRequest], Awaitable[Completion]],
    request: ChatRequest,
    schema_model: type[T],
    *,
    name: str,
    schema: dict[str, Json] | None = None,
    check: Check[T] | None = None,
    are_enough: Callable[[], bool] | None = None,
) -> T:
    """The answer to `request` as a `schema_model`; a bad answer goes back to the model with what is wrong with it.

    There are up to four attempts, or as many as `are_enough` has it, each with a sample index of its own. A further one
    holds the request, the last answer and its problems, and nothing of the answers before. An answer with a flaw (cut
    off, refused, …) has nothing to be mended, nor has one that came back unchanged: the next attempt draws the first
    request afresh, and after a second flaw in a row tells of it. Each fifth one begins afresh, too. `name` (letters,
    digits, hyphens) is told to the endpoint, and `schema` in place of `schema_model`'s own, where it can say more
    (which names there are).

    Raises:
        UnusableAnswerError: no attempt gave a usable answer; the message holds the last problems.
    """
    asked_for = build_response_format(schema_model, name) if schema is None else make_response_format(schema, name)
    request = request.model_copy(update={"response_format": asked_for})
    asked, before = request, ""
    attempt = flaws = 0  # the flaws are those in a row
    while True:
        completion = await complete(asked.model_copy(update={"sample": request.sample + attempt}))
        attempt += 1
        answer, problems = read_answer(completion, schema_model)
        if answer is not None:
            found = check(answer) if check else []
            problems = found if isinstance(found, list) else await found
            if not problems:
                return answer
        problems = [problem[:_LONGEST_PROBLEM] for problem in problems[:MOST_PROBLEMS]]
        if attempt >= ATTEMPTS if are_enough is None else are_enough():
            raise UnusableAnswerError(f"no usable {name} after {attempt} attempts: {'; '.join(problems)}")
        flaws = flaws + 1 if completion.flaw is not None else 0
        if flaws % 2 == 1 or completion.content in ("", before) or attempt % ATTEMPTS == 0:
            asked, before = request, ""
            continue
        before = completion.content
        repair = load_prompt("repair").render(problems=problems)
        further = ({"role": "assistant", "content": completion.content}, {"role": "user", "content": repair})
        asked = request.model_copy(update={"messages": request.messages + further})


@cache
def build_response_format(schema_model: type[BaseModel], name: str) -> dict[str, Json]:
    """`response_format` of kind json_schema, as it is asked for; `capabilities` says in which form an endpoint gets it.

    Not strict as it stands: what is strict allows nothing free in form, as the value of a detail is.
    Answers are checked here in any case.
    """
    return make_response_format(schema_model.model_json_schema(), name)


def make_response_format(schema: dict[str, Json], name: str) -> dict[str, Json]:
    """The same of a schema, without what our docstrings say: that is said to us, and not every endpoint takes it."""
    lean = _drop_notes(schema)
    return {"type": "json_schema", "json_schema": {"name": name, "schema": lean, "strict": False}}


def _drop_notes(schema: Any, *, names: bool = False) -> Any:
    """A schema without titles and descriptions; the keys of what `names` are names, which are kept."""
    if isinstance(schema, list):
        return [_drop_notes(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _drop_notes(part, names=not names and key in ("properties", "$defs"))
        for key, part in schema.items()
        if names or key not in ("title", "description")
    }


def read_answer(completion: Completion, schema_model: type[T]) -> tuple[T | None, list[str]]:
    """The answer, or None and its problems, each in a line that a model can act on.

    What was cut off is an answer all the same where its object is whole. Of several objects in the text the last that
    conforms counts: an example may stand before the answer.
    """
    if completion.flaw not in (None, "cut_off"):
        return None, [_FLAW_PROBLEMS[completion.flaw]]
    try:
        found = find_objects(completion.content)
    except ValueError as error:
        return None, [_FLAW_PROBLEMS["cut_off"] if completion.flaw == "cut_off" else str(error)]
    # If none conforms, the problems of the largest are told: it is what was meant for the answer.
    largest = found[0] if len(found) == 1 else max(reversed(found), key=_measure)
    told: list[str] = []
    for value in reversed(found):
        answer, problems = _validate(value, schema_model, has_nulls="null" in completion.content)
        if answer is not None:
            return answer, []
        if value is largest:
            told = problems
    return None, told


def _validate(value: dict[str, Any], schema_model: type[T], *, has_nulls: bool) -> tuple[T | None, list[str]]:
    if has_nulls:  # else there is none to drop, as in most answers
        value = drop_nulls(value, schema_model)
    try:
        return schema_model.model_validate(value), []
    except ValidationError as error:
        return None, [describe_problem(problem) for problem in error.errors(include_url=False)]


def _measure(value: Any) -> int:
    return len(json.dumps(value))


def find_objects(text: str) -> list[dict[str, Any]]:
    """The JSON objects in a model's answer, in their order, without thoughts, code fences and prose around them.

    Objects within objects are not told apart; those of a list are, up to `_MOST_OBJECTS` in all.

    Raises:
        ValueError: there is none, or one is broken off or malformed; the message says where.
    """
    text = strip_thoughts(text)  # again, for answers that were stored before they were read without thoughts
    found: list[dict[str, Any]] = []
    place = 0
    for _ in range(_MOST_STARTS):
        match = _OBJECT_START.search(text, place)
        if match is None:
            break
        try:
            value, place = decode_foreign_json(text, match.start())
        except json.JSONDecodeError as error:
            begun = text[match.start() : error.pos]
            unterminated = error.msg.startswith("Unterminated") or error.pos >= len(text)
            if len(begun) > _BARELY_BEGUN or unterminated:
                # An object within a broken one is not the answer, nor is what stands before it.
                cut = " The answer seems to be cut off." if unterminated else ""
                raise ValueError(
                    f"The answer is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}.{cut}"
                ) from error
            place = match.start() + 1
            continue
        except ValueError as error:
            raise ValueError(f"The answer cannot be used: {error}.") from error
        if isinstance(value, dict):
            found.append(value)
    if not found:
        raise ValueError("The answer holds no JSON object.")
    if _SUSPECT.search(text) is not None:
        for value in found:
            _require_writable(value)
    return found[-_MOST_OBJECTS:]


def _require_writable(value: Any) -> None:
    """Raises ValueError for what can be read as JSON and neither written nor sent."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError("The answer cannot be used: it holds half of a surrogate pair.") from error
    except ValueError as error:
        raise ValueError("The answer cannot be used: it holds a number that is too large.") from error
