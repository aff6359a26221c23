"""The judge: a model reads an episode that the checks keep, and grades its process and its response, each by itself."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict

from prompts import load_prompt
from schemas.base import Json
from schemas.calls import ChatRequest
from schemas.described import Line, Written
from schemas.episodes import Episode
from schemas.errors import UnusableAnswerError
from schemas.judging import Grade, Vote
from schemas.toolset import Toolset
from tasks.agents.asking import derive_seed, gather_or_cancel, user_message

if TYPE_CHECKING:
    from tasks.teacher import Teacher

_RIGHT = frozenset({"right", "correct", "yes", "true", "pass", "good", "ok", "accept", "1"})
_WRONG = frozenset({"wrong", "incorrect", "no", "false", "fail", "bad", "reject", "0"})


def _read_verdict(given: Any) -> Any:
    """The verdict in other words that mean the same; anything else as it is, for the judge to be told."""
    word = str(given).strip().strip(".!\"'").lower()
    return "right" if word in _RIGHT else "wrong" if word in _WRONG else given


class _Grade(Written):
    model_config = ConfigDict(json_schema_extra={"required": ["reason", "verdict"]})

    reason: Line = ""
    verdict: Annotated[Literal["right", "wrong"], BeforeValidator(_read_verdict)]


class _Answer(Written):
    process: _Grade
    response: _Grade


async def judge_episode(episode: Episode, toolset: Toolset, judges: int, teacher: "Teacher") -> tuple[Vote, ...]:
    """The votes of so many judges, each asked with a seed of its own; without those who gave none that can be read.

    A verdict that cannot be read is the judge's error: it is asked for again, and never held against the episode.

    Raises:
        TeacherError: the judge cannot be asked.
    """
    prompt = render_judging(episode, toolset)

    async def ask(number: int) -> Vote | None:
        instruction = episode.instruction
        request = ChatRequest(
            messages=(user_message(prompt),), seed=derive_seed("judge", instruction.id, episode.seed, number)
        )
        try:
            answer = await teacher.complete_json(
                request, _Answer, name="verdict", stage="judge", api_id=toolset.entry.id, owner=instruction.id
            )
        except UnusableAnswerError:
            return None
        return Vote(process=_grade(answer.process), response=_grade(answer.response))

    votes = await gather_or_cancel([ask(number) for number in range(judges)])
    return tuple(vote for vote in votes if vote is not None)


def _grade(given: _Grade) -> Grade:
    return Grade(right=given.verdict == "right", reason=given.reason)


def render_judging(episode: Episode, toolset: Toolset) -> str:
    """The judge's prompt."""
    offered = toolset.restrict(episode.offered)
    functions: Sequence[dict[str, Json]] = [
        {"name": function.name, "description": function.description, "parameters": function.parameters}
        for function in offered.functions
    ]
    instruction = episode.instruction
    return load_prompt("judge").render(
        name=toolset.entry.name,
        introduction=toolset.introduction,
        functions=functions,
        request=instruction.text,
        detail=instruction.withheld.model_dump(mode="json") if instruction.withheld else None,
        turns=_list_turns(episode),
        response=episode.trajectory.response,
    )


def _list_turns(episode: Episode) -> list[dict[str, Json]]:
    """What passed between the request and the response: thoughts, calls, answers of the API, questions and replies."""
    turns: list[dict[str, Json]] = []
    messages = episode.trajectory.messages
    for message in messages[2:-1] if episode.trajectory.response else messages[2:]:
        if message.role == "tool":
            turns.append({"api": message.content})
            continue
        if message.content:
            turns.append({message.role: message.content})
        turns += [{"call": call.name, "arguments": call.arguments} for call in message.tool_calls]
    return turns
